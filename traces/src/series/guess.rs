//! The format of a file, by its first line.

use super::Format;
use crate::{
    TraceError,
    open::{empty, open_unguarded},
};
use std::{io::Read, path::Path};

/// Bytes that are looked at; headers of published files are shorter.
const LOOKED_AT: u64 = 1 << 16;

/// The format that the first line of the file looks like; `csv` where it is none of the others.
///
/// # Errors
///
/// If the file cannot be read or is empty.
pub fn guess(path: &Path) -> Result<Format, TraceError> {
    let mut start = Vec::new();
    let read = open_unguarded(path)?.take(LOOKED_AT).read_to_end(&mut start);
    read.map_err(|error| TraceError::reading(path, error))?;
    let start = String::from_utf8_lossy(&start);
    match start.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')) {
        Some(line) => Ok(of_line(line)),
        None => Err(empty(path, "a series of rates or round-trip times")),
    }
}

fn of_line(line: &str) -> Format {
    let header: Vec<String> = line.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let has = |name: &str| header.iter().any(|column| column == name);
    let numbers = line.split_whitespace().all(|field| field.parse::<f64>().is_ok());
    match line.split_whitespace().count() {
        _ if line.starts_with('{') => Format::Iperf3,
        _ if has("seq_num") && has("throughput") => Format::Lumos5g,
        _ if has("timestamp") && has("dl_bitrate") => Format::Irish5g,
        1 if numbers => Format::Mahimahi,
        2 if numbers => Format::Pensieve,
        6 if numbers => Format::Norway3g,
        _ => Format::Csv,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    #[test]
    fn the_first_line_says_the_format() {
        for (text, format) in [
            ("\u{feff}t_s,dl_mbps\n", Format::Csv),
            ("# rates\ndl_mbps\n", Format::Csv),
            ("{\n", Format::Iperf3),
            ("run_num,seq_num,Throughput\n", Format::Lumos5g),
            ("Timestamp,Speed,DL_bitrate,UL_bitrate\n", Format::Irish5g),
            ("\n17\n", Format::Mahimahi),
            ("0.5\t1.8\n", Format::Pensieve),
            ("1289406399 549893 59.85 10.78 248456 998\n", Format::Norway3g),
        ] {
            assert_eq!(guess(file_with(text.as_bytes()).path()).unwrap(), format, "{text}");
        }
        assert!(guess(file_with(b"\n\n").path()).unwrap_err().to_string().contains("an empty file"));
    }
}
