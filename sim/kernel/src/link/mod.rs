//! Links: transfers that queue for a rate (FIFO) or share it (max-min fair). Rates, delays and losses may change over time.

mod fair;
mod fifo;
mod profile;
mod rate;
mod tcp;

pub use fair::FairLink;
pub use fifo::FifoLink;
pub use profile::Profile;
pub use rate::RateProfile;
pub use tcp::{Congestion, Tcp, TcpSender};

/// Pieces of a period by their starts, moved so that those at `offset` come first.
fn rotated<V: Copy>(pieces: &[(u64, V)], period: u64, offset: u64) -> Vec<(u64, V)> {
    let offset = offset % period;
    let first = pieces.partition_point(|(start, _)| *start <= offset) - 1;
    let rest = pieces[first + 1..].iter().map(|&(start, value)| (start - offset, value));
    let before = pieces[..=first].iter().map(|&(start, value)| (start + (period - offset), value));
    // The piece at the offset stands at both ends, the second time only if a part of it is left.
    let split = before.filter(|(start, _)| *start < period);
    [(0, pieces[first].1)].into_iter().chain(rest).chain(split).collect()
}
