//! A link in user space: packets of one TUN device come out of the other, at a rate and after a delay.

use super::real_time;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Bytes of an Ethernet header, which a packet of IP has on the wire.
pub const ETHERNET: usize = 14;
/// The longest packet.
const LONGEST: usize = 2048;
/// Packets that are delivered before others are taken in again.
const IN_A_ROW: u64 = 8;
/// Longest wait: a thread that is to stop looks up so often.
const WAIT_NS: u64 = 50_000_000;

/// The shape of one direction.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub mbps: f64,
    pub one_way_ms: f64,
    /// Bytes that wait for their turn, at most; a packet beyond them is dropped.
    pub queue_bytes: f64,
}

/// The packets of one direction, counted.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    pub packets: u64,
    pub dropped: u64,
    /// Mean and worst lateness of deliveries, in microseconds.
    pub late_us: f64,
    pub latest_us: f64,
}

/// One direction of the link.
pub struct Direction<'f> {
    from: &'f OwnedFd,
    to: &'f OwnedFd,
    ns_per_byte: f64,
    delay_ns: u64,
    queue_bytes: f64,
    /// Time at which the last packet has left, in nanoseconds from the beginning.
    free_at_ns: f64,
    /// Packets on their way, each with the time at which it arrives.
    flying: VecDeque<(u64, Vec<u8>)>,
    packets: u64,
    dropped: u64,
    late_ns: u64,
    latest_ns: u64,
}

impl<'f> Direction<'f> {
    /// An idle direction between two devices.
    pub fn new(from: &'f OwnedFd, to: &'f OwnedFd, shape: Shape) -> Self {
        Self {
            from,
            to,
            ns_per_byte: 8e3 / shape.mbps,
            delay_ns: (shape.one_way_ms * 1e6) as u64,
            queue_bytes: shape.queue_bytes,
            free_at_ns: 0.0,
            flying: VecDeque::new(),
            packets: 0,
            dropped: 0,
            late_ns: 0,
            latest_ns: 0,
        }
    }

    /// Carries packets until it is to stop.
    pub fn run(mut self, stop: &AtomicBool) -> Counts {
        real_time(50);
        let begun = Instant::now();
        let now = || begun.elapsed().as_nanos() as u64;
        while !stop.load(Ordering::Relaxed) {
            self.take_in(now());
            self.deliver(&now);
            let wait = self.flying.front().map_or(WAIT_NS, |(due, _)| due.saturating_sub(now()).min(WAIT_NS));
            let timeout = Timespec { tv_sec: 0, tv_nsec: wait as _ };
            // An interrupted wait is a short one.
            let _ = poll(&mut [PollFd::new(self.from, PollFlags::IN)], Some(&timeout));
        }
        let us = |ns: u64| ns as f64 / 1e3;
        Counts {
            packets: self.packets,
            dropped: self.dropped,
            late_us: us(self.late_ns) / self.packets.max(1) as f64,
            latest_us: us(self.latest_ns),
        }
    }

    /// Takes in what the sending kernel has, and sets the time at which each packet arrives.
    fn take_in(&mut self, now: u64) {
        let mut packet = [0u8; LONGEST];
        while let Ok(length) = rustix::io::read(self.from, &mut packet) {
            let waiting = (self.free_at_ns - now as f64).max(0.0) / self.ns_per_byte;
            let wire = (length + ETHERNET) as f64;
            if waiting + wire > self.queue_bytes {
                self.dropped += 1;
                continue;
            }
            self.free_at_ns = self.free_at_ns.max(now as f64) + wire * self.ns_per_byte;
            self.flying.push_back((self.free_at_ns as u64 + self.delay_ns, packet[..length].to_vec()));
        }
    }

    /// Delivers what has arrived. A delivery runs the receiving kernel, some 20 us of it.
    fn deliver(&mut self, now: &impl Fn() -> u64) {
        while let Some(late) = self.flying.front().and_then(|(due, _)| now().checked_sub(*due)) {
            let (_, packet) = self.flying.pop_front().expect("it is at the front");
            match rustix::io::write(self.to, &packet) {
                Ok(_) | Err(Errno::INTR) => self.packets += 1,
                Err(_) => self.dropped += 1,
            }
            self.late_ns += late;
            self.latest_ns = self.latest_ns.max(late);
            if self.packets.is_multiple_of(IN_A_ROW) {
                self.take_in(now());
            }
        }
    }
}
