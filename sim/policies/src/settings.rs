//! Checks and remarks that settings of several systems share.

use units::{Bytes, Ratio};

/// A setting without effect: its key within the policy's table, and the reason.
pub type Idle = (&'static str, &'static str);

/// These keys, if they are idle.
pub(crate) fn idle_if(idle: bool, keys: &[&'static str], why: &'static str) -> Vec<Idle> {
    if idle { keys.iter().map(|key| (*key, why)).collect() } else { Vec::new() }
}

/// Most tokens of a batch, and most batches in flight.
const MOST: u32 = 1024;

/// Refuses a count of zero, or one that no draft model could be asked for.
pub(crate) fn count(key: &'static str, value: u32) -> Result<(), (&'static str, String)> {
    if (1..=MOST).contains(&value) { Ok(()) } else { Err((key, format!("expected 1 to {MOST}, got {value}"))) }
}

/// Most bytes of a drafted token, or of a round, on the wire: a distribution over a large vocabulary has one.
const MOST_BYTES: Bytes = Bytes::new(100_000_000);

/// Refuses a payload that no draft could have.
pub(crate) fn payload(key: &'static str, bytes: Bytes) -> Result<(), (&'static str, String)> {
    if bytes <= MOST_BYTES { Ok(()) } else { Err((key, format!("expected at most {MOST_BYTES}, got {bytes}"))) }
}

/// Refuses a share of exactly 0 or 1.
pub(crate) fn open_share(key: &'static str, value: Ratio) -> Result<(), (&'static str, String)> {
    if value == Ratio::ZERO || value == Ratio::ONE {
        return Err((key, format!("expected a share between 0 and 1, both excluded, got {}", value.as_f64())));
    }
    Ok(())
}
