//! Labels beside points, placed so that none covers another, or a point.

use crate::panel::Panel;
use crate::sheet::{At, DrawError, Sheet};
use crate::style::{AXIS, Across, Down, INK, bold, stroke, text, width_px};

/// Offsets of a label from its point, the preferred first: to the right and down, in units of the gap.
const SIDES: [(f64, f64); 8] =
    [(0.0, -1.0), (-0.7, -0.7), (0.7, -0.7), (-1.0, 0.0), (1.0, 0.0), (0.0, 1.0), (-0.7, 0.7), (0.7, 0.7)];

/// Factors by which a label may stand farther off; then a thin line leads to it.
const FARTHER: [f64; 3] = [1.0, 2.6, 4.6];

/// A rectangle: left, top, right, bottom.
type Area = [f64; 4];

/// The labels of a panel.
pub struct Labels {
    room: Area,
    taken: Vec<Area>,
}

impl Labels {
    /// None yet.
    pub fn within(panel: &Panel) -> Self {
        let room = [panel.left, panel.top - 4.0, panel.left + panel.width, panel.bottom() - 2.0];
        Self { room, taken: Vec::new() }
    }

    /// Keeps labels off a point.
    pub fn keep_free(&mut self, (x, y): At, radius: f64) {
        self.taken.push([x - radius, y - radius, x + radius, y + radius]);
    }

    /// Keeps labels off a line.
    pub fn keep_line_free(&mut self, from: At, to: At) {
        let steps = ((to.0 - from.0).hypot(to.1 - from.1) / 4.0).ceil().max(1.0);
        for step in 0..=steps as usize {
            let share = step as f64 / steps;
            self.keep_free((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)), 1.0);
        }
    }

    /// Writes a label beside a point, `gap` pixels away or a little more. Whether there was room.
    ///
    /// # Errors
    ///
    /// Those of the sheet.
    pub fn put(
        &mut self,
        sheet: &Sheet<'_>,
        label: &str,
        at: At,
        gap: f64,
        pixels: f64,
        emphasis: bool,
    ) -> Result<bool, DrawError> {
        let size = (width_px(label, pixels, emphasis), pixels);
        let Some((area, farther)) = self.place(at, gap, size) else { return Ok(false) };
        let middle = ((area[0] + area[2]) / 2.0, (area[1] + area[3]) / 2.0);
        if farther {
            let nearest = (at.0.clamp(area[0], area[2]), at.1.clamp(area[1], area[3]));
            sheet.line([at, nearest], stroke(AXIS, 0.7))?;
        }
        let style = if emphasis { bold } else { text };
        sheet.text(label, middle, &style(pixels, INK, Across::Center, Down::Center))?;
        self.taken.push(area);
        Ok(true)
    }

    /// The first place with room for a label of this size, and whether it is off its point.
    fn place(&self, (x, y): At, gap: f64, (width, height): (f64, f64)) -> Option<(Area, bool)> {
        let places = FARTHER.iter().flat_map(|times| SIDES.map(|(right, down)| (right, down, *times)));
        let areas = places.map(|(right, down, times)| {
            let off = times * gap;
            let left = x + right * off + (right.signum() * f64::from(right != 0.0) - 1.0) * width / 2.0;
            let top = y + down * off + (down.signum() * f64::from(down != 0.0) - 1.0) * height / 2.0;
            ([left, top, left + width, top + height], times > 1.0)
        });
        areas
            .into_iter()
            .find(|(area, _)| within(area, &self.room) && !self.taken.iter().any(|other| meet(area, other)))
    }
}

fn within(inner: &Area, outer: &Area) -> bool {
    inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3]
}

fn meet(a: &Area, b: &Area) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Labels {
        Labels { room: [0.0, 0.0, 200.0, 100.0], taken: Vec::new() }
    }

    #[test]
    fn a_label_stands_above_its_point_unless_something_is_there() {
        let mut labels = empty();
        let (area, far) = labels.place((100.0, 50.0), 8.0, (30.0, 10.0)).expect("room");
        assert_eq!((area, far), ([85.0, 32.0, 115.0, 42.0], false));
        labels.taken.push(area);
        let (next, _) = labels.place((100.0, 50.0), 8.0, (30.0, 10.0)).expect("room");
        assert!(!meet(&area, &next) && within(&next, &labels.room), "{next:?}");
    }

    #[test]
    fn labels_stay_within_the_panel() {
        let labels = empty();
        for corner in [(0.0, 0.0), (200.0, 0.0), (0.0, 100.0), (200.0, 100.0)] {
            let (area, _) = labels.place(corner, 8.0, (30.0, 10.0)).expect("room");
            assert!(within(&area, &labels.room), "{corner:?}: {area:?}");
        }
        assert_eq!(labels.place((100.0, 50.0), 8.0, (300.0, 10.0)), None, "too long");
    }

    #[test]
    fn a_line_is_kept_free() {
        let mut labels = empty();
        labels.keep_line_free((0.0, 36.0), (200.0, 36.0));
        let (area, _) = labels.place((100.0, 50.0), 8.0, (30.0, 10.0)).expect("room");
        assert!(area[1] > 36.0 || area[3] < 36.0, "{area:?}");
    }
}
