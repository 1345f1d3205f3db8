//! Growth of the window behind slow start by CUBIC (RFC 9438).

use units::{SimDuration, SimTime};

/// Packets a cubic second.
const C: f64 = 0.4;

/// Share of the window that a loss leaves.
const BETA: f64 = 0.7;

/// Packets acknowledged for each that the window grows by, at least.
const FASTEST: f64 = 2.0;

/// The same before any loss, at most.
const SLOWEST_BEFORE_LOSS: f64 = 20.0;

#[derive(Clone, Debug, Default)]
pub(super) struct Cubic {
    /// The window before the last loss; 0 before any.
    most: f64,
    epoch: Option<Epoch>,
}

/// The time since growth began.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: SimTime,
    /// Seconds until the window is at its plateau.
    k: f64,
    plateau: f64,
    /// The window that Reno would have by now.
    reno: f64,
    /// Acknowledged packets that have not made the window grow yet.
    credit: f64,
}

impl Cubic {
    /// Packets that the window grows by when so many are acknowledged.
    pub(super) fn growth(&mut self, now: SimTime, rtt: SimDuration, window: u32, acked: u32) -> u32 {
        let (window, acked, most) = (f64::from(window), f64::from(acked), self.most);
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            start: now,
            k: libm::cbrt((most - window).max(0.0) / C),
            plateau: most.max(window),
            reno: window,
            credit: 0.0,
        });
        let since = now.saturating_since(epoch.start) + rtt;
        let from_plateau = since.as_secs_f64() - epoch.k;
        let target = epoch.plateau + C * from_plateau * from_plateau * from_plateau;
        epoch.reno += acked / window * (3.0 * (1.0 - BETA) / (1.0 + BETA));
        let target = target.max(epoch.reno);
        let mut each = if target > window { window / (target - window) } else { 100.0 * window };
        if most == 0.0 {
            each = each.min(SLOWEST_BEFORE_LOSS);
        }
        epoch.credit += acked / each.max(FASTEST);
        let whole = libm::floor(epoch.credit);
        epoch.credit -= whole;
        whole as u32
    }

    /// The window that a loss leaves of one.
    pub(super) fn loss(&mut self, window: u32) -> u32 {
        let packets = f64::from(window);
        // A flow that loses again before it is back leaves room for others.
        self.most = if packets < self.most { packets * (1.0 + BETA) / 2.0 } else { packets };
        self.epoch = None;
        ((packets * BETA) as u32).max(2)
    }

    /// Time of silence does not count.
    pub(super) fn rest(&mut self, silence: SimDuration) {
        if let Some(epoch) = &mut self.epoch {
            epoch.start += silence;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9438, Figure 1: after a loss the window is back at its plateau after K = cbrt(W_max (1 - beta) / C) seconds.
    #[test]
    fn the_window_is_back_after_k_seconds() {
        let mut cubic = Cubic::default();
        let rtt = SimDuration::from_ms(100);
        let mut window = cubic.loss(1000);
        assert_eq!(window, 700);
        let k = libm::cbrt(1000.0 * (1.0 - BETA) / C);
        let mut now = SimTime::ZERO;
        while now.as_secs_f64() < k {
            window += cubic.growth(now, rtt, window, window);
            now += rtt;
        }
        assert!((990..=1003).contains(&window), "{window} after {k} s");
    }

    #[test]
    fn a_second_loss_below_the_plateau_leaves_room() {
        let mut cubic = Cubic::default();
        assert_eq!((cubic.loss(1000), cubic.loss(700)), (700, 489));
        assert!((cubic.most - 595.0).abs() < 1e-9, "{}", cubic.most);
    }
}
