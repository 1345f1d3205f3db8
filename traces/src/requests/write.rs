//! Writes requests in our own CSV.

use super::served::SAYS_VERSION;
use super::{COLUMNS, PictureSize, ServedRequest, VERSION};
use std::fmt::Write;
use units::SimDuration;

/// The text of a file of requests: [`COLUMNS`], as far as any request says something in them.
pub fn write(requests: &[ServedRequest], is_timed: bool) -> String {
    let rows: Vec<_> = requests.iter().map(|one| cells(one, is_timed)).collect();
    let required = ["input_tokens", "output_tokens"];
    let has = |column: usize| {
        required.contains(&COLUMNS[column].0) || rows.iter().any(|cells: &Cells| !cells[column].is_empty())
    };
    let columns: Vec<usize> = (0..COLUMNS.len()).filter(|column| has(*column)).collect();
    let header: Vec<&str> = columns.iter().map(|column| COLUMNS[*column].0).collect();
    let mut text = format!("{SAYS_VERSION}{VERSION}\n{}\n", header.join(","));
    for row in &rows {
        for (place, column) in columns.iter().enumerate() {
            let separator = if place == 0 { "" } else { "," };
            let _ = write!(text, "{separator}{}", row[*column]);
        }
        text.push('\n');
    }
    text
}

/// The cells of a row, in the order of [`COLUMNS`].
type Cells = [String; COLUMNS.len()];

fn cells(one: &ServedRequest, is_timed: bool) -> Cells {
    let request = &one.request;
    let pictures = request.pictures;
    let stated = |value: Option<u32>| value.map_or_else(String::new, |value| value.to_string());
    let (pixels, tokens) = match pictures.map(|pictures| pictures.size) {
        Some(PictureSize::Pixels { width, height }) => ((Some(width), Some(height)), None),
        Some(PictureSize::Tokens(tokens)) => ((None, None), Some(tokens)),
        _ => ((None, None), None),
    };
    let count = |moving: bool| pictures.filter(|pictures| pictures.moving == moving).map(|pictures| pictures.count);
    let measured = |ms: Option<f64>| ms.map_or_else(String::new, |ms| ms.to_string());
    [
        if is_timed { seconds(request.arrival) } else { String::new() },
        request.text_tokens.to_string(),
        request.output_tokens.to_string(),
        stated(count(false)),
        stated(pixels.0),
        stated(pixels.1),
        stated(tokens),
        stated(pictures.and_then(|pictures| pictures.bytes)),
        stated(count(true)),
        if request.sound.is_zero() { String::new() } else { seconds(request.sound) },
        measured(one.ttft_ms),
        measured(one.tpot_ms),
        measured(one.e2e_ms),
        one.session.as_deref().map_or_else(String::new, quoted),
    ]
}

/// Seconds, with as many decimals as there are.
fn seconds(duration: SimDuration) -> String {
    const NS: u64 = 1_000_000_000;
    let ns = duration.as_ns();
    let text = format!("{}.{:09}", ns / NS, ns % NS);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A name as a cell: quoted where it has to be, and never read as a formula by a spreadsheet.
fn quoted(name: &str) -> String {
    let name = if name.starts_with(['=', '+', '-', '@']) { format!("'{name}") } else { name.to_owned() };
    if name.contains([',', '"', '\n', '\r']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::{Pictures, TraceRequest};
    use crate::testing::read_as;

    fn every_kind() -> Vec<ServedRequest> {
        let at = |ns, pictures, sound| TraceRequest {
            arrival: SimDuration::from_ns(ns),
            text_tokens: 7,
            pictures,
            sound: SimDuration::from_ms(sound),
            output_tokens: 3,
        };
        let pictures = |size, bytes, moving| Some(Pictures { count: 2, size, bytes, moving });
        let pixels = PictureSize::Pixels { width: 640, height: 480 };
        let mut all: Vec<ServedRequest> = vec![
            at(0, None, 0).into(),
            at(1, pictures(pixels, Some(9), false), 0).into(),
            at(1_500_000_000, pictures(PictureSize::Tokens(5), None, false), 250).into(),
            at(7_000_000_000_000, pictures(PictureSize::Unstated, Some(70), true), 0).into(),
        ];
        all[1].ttft_ms = Some(12.25);
        all[1].session = Some("a, \"b\"".into());
        all[2].e2e_ms = Some(0.1);
        all[2].tpot_ms = Some(1e-3);
        all
    }

    #[test]
    fn what_is_written_reads_back() {
        let all = every_kind();
        let text = write(&all, true);
        assert!(text.starts_with("# msao-sim requests, version 1\narrival_s,input_tokens,output_tokens,num_images,"));
        assert_eq!(read_as("served", text.as_bytes()).unwrap(), all, "{text}");
    }

    #[test]
    fn columns_in_which_nothing_stands_are_left_out() {
        let text = write(&[TraceRequest::text(SimDuration::from_ms(5), 1, 2).into()], false);
        assert_eq!(text, "# msao-sim requests, version 1\ninput_tokens,output_tokens\n1,2\n");
        assert_eq!(quoted("=1+1"), "'=1+1");
    }
}
