//! The tables that are printed: times beside their closed form and what was simulated, and windows after silence.

use super::cell::{Before, Cell};
use super::kernel::Window;
use super::measure::Measured;
use std::fmt::Write;

/// A row: a cell as it was measured, and the simulated time where somebody has one.
#[derive(Clone, Debug)]
pub struct Row {
    pub measured: Measured,
    pub simulated_ms: Option<f64>,
}

impl Row {
    /// The simulated time less the measured one, in milliseconds.
    pub fn error_ms(&self) -> Option<f64> {
        Some(self.simulated_ms? - self.measured.ms)
    }
}

/// Times, a line a cell; the columns of what was simulated where there is any.
pub fn times(rows: &[Row]) -> String {
    let has_simulated = rows.iter().any(|row| row.simulated_ms.is_some());
    let mut text = String::from(
        "  Mbps  RTT ms  control  restart    bytes  connection  closed form ms  measured ms    least     most  round trips",
    );
    text.push_str(if has_simulated { "  simulated ms  error ms  error %\n" } else { "\n" });
    for row in rows {
        let Row { measured: Measured { cell, closed_form_ms, ms, each_ms, .. }, simulated_ms } = row;
        let Cell { link, settings, bytes, connection } = cell;
        let restart = if settings.idle_restart { "on" } else { "off" };
        let least = each_ms.iter().copied().fold(f64::INFINITY, f64::min);
        let most = each_ms.iter().copied().fold(0.0, f64::max);
        let _ = write!(
            text,
            "{:>6}  {:>6}  {:>7}  {restart:>7}  {bytes:>7}  {:>10}  {closed_form_ms:>14.2}  {ms:>11.2}  {least:>7.2}  {most:>7.2}  {:>11}",
            link.mbps,
            link.rtt_ms,
            settings.congestion,
            connection.name(),
            cell.round_trips(*ms),
        );
        if let (Some(simulated), Some(error)) = (simulated_ms, row.error_ms()) {
            let _ = write!(text, "  {simulated:>12.2}  {error:>+8.2}  {:>+7.1}", error / ms * 100.0);
        }
        text.push('\n');
    }
    text
}

/// Windows of the messages after silence: before each, and when it was handed to the kernel.
pub fn windows(rows: &[Row]) -> String {
    let mut text = String::from(
        "  Mbps  RTT ms  control  restart    bytes    RTO ms  RTT ms  cwnd/ssthresh before -> after each message, ms\n",
    );
    for Row { measured, .. } in rows.iter().filter(|row| row.measured.cell.connection == Before::Silent) {
        let Measured { cell: Cell { link, settings, bytes, .. }, windows_before, windows_after, each_ms, .. } =
            measured;
        let restart = if settings.idle_restart { "on" } else { "off" };
        let first = windows_before.first().expect("a message was sent");
        let _ = write!(
            text,
            "{:>6}  {:>6}  {:>7}  {restart:>7}  {bytes:>7}  {:>8.1}  {:>6.1} ",
            link.mbps, link.rtt_ms, settings.congestion, first.rto_ms, first.rtt_ms,
        );
        for ((before, after), ms) in windows_before.iter().zip(windows_after).zip(each_ms) {
            let _ = write!(text, " {} -> {}, {ms:.1};", pair(before), pair(after));
        }
        text.push('\n');
    }
    text
}

fn pair(window: &Window) -> String {
    let ssthresh = window.ssthresh.map_or_else(|| "-".to_owned(), |packets| packets.to_string());
    format!("{}/{ssthresh}", window.cwnd)
}
