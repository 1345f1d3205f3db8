//! Messages over a connection on a link of its own. Each has 8 bytes before it, and is answered by 16.

use super::{FifoLink, RateProfile, Tcp, TcpSender};
use units::{BitsPerSecond, Bytes, SimDuration, SimTime};

const PACKET: u64 = 1448;
const HEADER: u64 = 66;

/// A connection over a link of its own.
pub struct Connection {
    tcp: Tcp,
    rate: BitsPerSecond,
    rtt: SimDuration,
    link: FifoLink,
    sender: TcpSender,
    now: SimTime,
}

impl Connection {
    pub fn new(tcp: Tcp, rate: BitsPerSecond, rtt: SimDuration) -> Self {
        let link = FifoLink::new(RateProfile::constant(rate));
        Self { tcp, rate, rtt, link, sender: TcpSender::new(&tcp), now: SimTime::ZERO }
    }

    /// Sends a message and waits for its answer; its one-way time, in ms.
    pub fn send(&mut self, bytes: u64) -> f64 {
        let (tcp, rtt, sent_at) = (self.tcp, self.rtt, self.now);
        let mut left = (bytes + 8).div_ceil(PACKET) as u32;
        let (mut end, mut waited) = (self.now, false);
        while left > 0 {
            let packets = self.sender.room(&tcp, rtt, self.now).min(left);
            if packets > 0 {
                left -= packets;
                let payload = if left == 0 { (bytes + 8 - 1) % PACKET + 1 } else { PACKET };
                let wire = u64::from(packets) * HEADER + u64::from(packets - 1) * PACKET + payload;
                let mut service = self.link.send(self.now, Bytes::new(wire));
                let spread = self.sender.spread(&tcp, rtt, packets);
                service.end = service.end.max(service.start + spread);
                self.sender.send(&tcp, rtt, self.now, packets, waited);
                self.sender.left(rtt, self.now, packets, service);
                end = service.end;
            }
            if left > 0 {
                self.now = self.sender.next_ack().expect("a full window").max(self.now);
                waited = true;
            }
        }
        let arrival = end + rtt / 2;
        let answer = self.rate.transfer_time(Bytes::new(16 + HEADER));
        self.now = arrival + answer + rtt / 2;
        (arrival - sent_at).as_ms_f64()
    }

    /// Is silent for so long; the windows before and behind it.
    pub fn rest(&mut self, silence: SimDuration) -> (u32, u32) {
        let window = |at| {
            let mut sender = self.sender.clone();
            sender.room(&self.tcp, self.rtt, at);
            sender.window()
        };
        let windows = (window(self.now), window(self.now + silence));
        self.now += silence;
        windows
    }

    /// A message on a connection that has sent twenty of its size.
    pub fn warm(mut self, bytes: u64) -> f64 {
        (0..20).map(|_| self.send(bytes)).last().expect("twenty")
    }

    /// Twenty messages back to back, then five, each after 0.7 s of silence: the median of the five.
    pub fn silent(mut self, bytes: u64) -> f64 {
        (0..20).for_each(|_| _ = self.send(bytes));
        let send = |_| {
            self.rest(SimDuration::from_ms(700));
            self.send(bytes)
        };
        let mut five: Vec<f64> = (0..5).map(send).collect();
        five.sort_by(f64::total_cmp);
        five[2]
    }
}
