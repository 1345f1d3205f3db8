//! Lines along which the values of a grid are zero, by marching squares.

use drawing::At;

/// The line between values below and above zero, as segments in units of columns and rows; the value of a column or row stands
/// in its middle, at its index. Rows may have gaps, which no line goes through. At the edges of the grid the values go on as
/// they are for half a step, so that lines reach the edge of the outermost cells.
pub(super) fn zero_line(rows: &[Vec<Option<f64>>]) -> Vec<[At; 2]> {
    let (height, width) = (rows.len(), rows.first().map_or(0, Vec::len));
    if width == 0 {
        return Vec::new();
    }
    let (xs, ys) = (places(width), places(height));
    let mut segments = Vec::new();
    for up in ys.windows(2) {
        for across in xs.windows(2) {
            let value = |x: usize, y: usize| rows[nearest(up[y], height)][nearest(across[x], width)];
            let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(x, y)| value(x, y).map(|v| ((across[x], up[y]), v)));
            if let [Some(a), Some(b), Some(c), Some(d)] = corners {
                segments.extend(crossings([a, b, c, d]));
            }
        }
    }
    segments
}

/// The middles of so many cells, and the two edges.
fn places(count: usize) -> Vec<f64> {
    let middles = (0..count).map(|index| index as f64);
    std::iter::once(-0.5).chain(middles).chain([count as f64 - 0.5]).collect()
}

/// The cell whose value stands at a place.
fn nearest(place: f64, count: usize) -> usize {
    (place.max(0.0) as usize).min(count - 1)
}

/// The points at which the line crosses a square, whose corners go around it.
fn crossings(corners: [(At, f64); 4]) -> Vec<[At; 2]> {
    let edge = |index: usize| {
        let ((a, low), (b, high)) = (corners[index], corners[(index + 1) % 4]);
        let share = low / (low - high);
        let at = (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1));
        ((low < 0.0) != (high < 0.0)).then_some(at)
    };
    let crossed: Vec<(usize, At)> = (0..4).filter_map(|index| edge(index).map(|at| (index, at))).collect();
    match crossed.as_slice() {
        [(_, from), (_, to)] => vec![[*from, *to]],
        [(_, a), (_, b), (_, c), (_, d)] => {
            // A saddle: the middle says which corners are joined.
            let middle: f64 = corners.iter().map(|(_, value)| value).sum();
            if (middle < 0.0) == (corners[0].1 < 0.0) { vec![[*a, *b], [*c, *d]] } else { vec![[*d, *a], [*b, *c]] }
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[&[f64]]) -> Vec<Vec<Option<f64>>> {
        values.iter().map(|row| row.iter().map(|value| Some(*value)).collect()).collect()
    }

    #[test]
    fn a_line_lies_where_the_values_say() {
        // Zero a quarter of the way from the first column to the second, in both rows.
        let segments = zero_line(&rows(&[&[-1.0, 3.0], &[-1.0, 3.0]]));
        assert_eq!(segments.len(), 3, "from the lower edge to the upper one: {segments:?}");
        assert!(segments.iter().flatten().all(|(x, _)| (x - 0.25).abs() < 1e-12), "{segments:?}");
        let ends = segments.iter().flatten().map(|(_, y)| *y);
        assert_eq!((ends.clone().fold(9.0, f64::min), ends.fold(-9.0, f64::max)), (-0.5, 1.5));
    }

    #[test]
    fn without_a_change_of_sign_there_is_no_line() {
        assert!(zero_line(&rows(&[&[1.0, 2.0], &[3.0, 4.0]])).is_empty());
        assert!(zero_line(&[]).is_empty());
    }

    #[test]
    fn a_line_goes_around_what_lies_alone() {
        let segments = zero_line(&rows(&[&[1.0, 1.0, 1.0], &[1.0, -1.0, 1.0], &[1.0, 1.0, 1.0]]));
        assert_eq!(segments.len(), 4);
        let mut ends: Vec<At> = segments.iter().flatten().copied().collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        assert!(ends.chunks(2).all(|pair| pair[0] == pair[1]), "it is closed: {ends:?}");
    }

    #[test]
    fn a_saddle_has_two_lines_and_a_gap_none() {
        let inner = |values| {
            crossings(
                [((0.0, 0.0), 0.0), ((1.0, 0.0), 0.0), ((1.0, 1.0), 0.0), ((0.0, 1.0), 0.0)]
                    .map(|(at, _): (At, f64)| (at, if at.0 == at.1 { -1.0 } else { values })),
            )
        };
        assert_eq!(inner(1.0).len(), 2);
        let mut gap = rows(&[&[-1.0, 1.0], &[-1.0, 1.0]]);
        gap[0][0] = None;
        assert!(zero_line(&gap).iter().flatten().all(|(_, y)| *y >= 1.0), "only above the gap");
    }
}
