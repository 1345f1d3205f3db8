//! A connection: its sender's window, and the messages that wait for it.

use super::flight::Flight;
use kernel::{Tcp, TcpSender};
use std::collections::VecDeque;
use units::{SimDuration, SimTime};

/// One direction of a connection.
pub(super) struct Connection {
    pub(super) sender: TcpSender,
    /// Messages that have packets left to send, in their order.
    pub(super) waiting: VecDeque<Flight>,
    /// The handshake is over; only for connections of one request.
    pub(super) open_at: SimTime,
    /// The request that it belongs to, where each has its own.
    pub(super) request: u32,
    /// Its next look is scheduled for then.
    pub(super) due: Option<SimTime>,
    /// The last message was handed over then, and so long after the one before it.
    pub(super) handed: SimTime,
    pub(super) gap: SimDuration,
}

impl Connection {
    /// A connection that is open when the run begins, with the window of a new one.
    pub(super) fn open(tcp: &Tcp) -> Self {
        Self {
            sender: TcpSender::new(tcp),
            waiting: VecDeque::new(),
            open_at: SimTime::ZERO,
            request: 0,
            due: None,
            handed: SimTime::ZERO,
            gap: SimDuration::ZERO,
        }
    }
}
