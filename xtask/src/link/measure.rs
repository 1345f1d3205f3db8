//! The messages of a cell, one after the other.

use super::cell::{Before, Cell};
use super::kernel::Window;
use super::wire::{Connection, Sender, Sent};
use serde::Serialize;
use std::io;
use std::thread::sleep;
use std::time::Duration;

/// The numbers of messages, and the pauses between them.
#[derive(Clone, Copy, Debug)]
pub struct Routine {
    /// Messages that warm a connection up, back to back.
    pub warming: usize,
    /// Messages that are measured.
    pub measured: usize,
    /// Silence before each, where there is to be one.
    pub silence: Duration,
}

impl Routine {
    pub const FULL: Self = Self { warming: 20, measured: 5, silence: Duration::from_millis(700) };
    pub const QUICK: Self = Self { measured: 3, ..Self::FULL };
}

/// Pause between messages that follow each other: all that is in flight has come.
const PAUSE: Duration = Duration::from_millis(20);

/// The times of a cell, and the windows before and after each message.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    #[serde(flatten)]
    pub cell: Cell,
    /// The closed form, which knows no congestion control.
    pub closed_form_ms: f64,
    /// The median of the times.
    pub ms: f64,
    /// One-way times, in the order of the messages.
    pub each_ms: Vec<f64>,
    /// Handshakes of new connections, in milliseconds.
    pub handshakes_ms: Vec<f64>,
    /// Windows before each message, and when it was handed to the kernel.
    pub windows_before: Vec<Window>,
    pub windows_after: Vec<Window>,
}

/// Sends the messages of a cell.
pub fn cell(sender: &Sender, cell: &Cell, routine: &Routine) -> io::Result<Measured> {
    let (mut sent, mut handshakes_ms) = (Vec::new(), Vec::new());
    match cell.connection {
        Before::New => {
            for _ in 0..routine.measured {
                sleep(PAUSE);
                let (mut connection, handshake_ms) = sender.connect()?;
                handshakes_ms.push(handshake_ms);
                sent.push(connection.send(cell.bytes)?);
            }
        }
        Before::Warm | Before::Silent => {
            let pause = if cell.connection == Before::Silent { routine.silence } else { PAUSE };
            let mut connection = warmed_up(sender, cell, routine)?;
            for _ in 0..routine.measured {
                sleep(pause);
                sent.push(connection.send(cell.bytes)?);
            }
        }
    }
    Ok(measured(cell, &sent, handshakes_ms))
}

/// A connection that has carried messages of the cell's size.
fn warmed_up<'s>(sender: &'s Sender, cell: &Cell, routine: &Routine) -> io::Result<Connection<'s>> {
    let (mut connection, _) = sender.connect()?;
    for _ in 0..routine.warming {
        connection.send(cell.bytes)?;
    }
    Ok(connection)
}

fn measured(cell: &Cell, sent: &[Sent], handshakes_ms: Vec<f64>) -> Measured {
    let each_ms: Vec<f64> = sent.iter().map(|sent| sent.one_way_ms).collect();
    Measured {
        cell: cell.clone(),
        closed_form_ms: cell.closed_form_ms(),
        ms: median(&each_ms),
        each_ms,
        handshakes_ms,
        windows_before: sent.iter().map(|sent| sent.before).collect(),
        windows_after: sent.iter().map(|sent| sent.after).collect(),
    }
}

/// The middle value; the lower one of an even number.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_value() {
        assert_eq!(median(&[3.0, 9.0, 1.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0]), 1.0);
    }
}
