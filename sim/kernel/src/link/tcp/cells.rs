//! One-way times of messages over Linux's TCP, measured between two network namespaces with a shaped link between them: cubic
//! and bbr, round trips of 20 ms. A message has 8 bytes before it, and is answered by 16.
//!
//! Two cells after silence are of a second measurement, by `cargo xtask link`: 200 Mbps and 100,000 B, 400 Mbps and 500,000 B. The
//! first one had 71.96 and 71.92 ms. One packet more or less in a flight that is filled to the last decides about a round trip.

mod connection;

use super::{Congestion, Tcp, TcpSender};
use crate::{FifoLink, RateProfile, Service};
use connection::Connection;
use units::{BitsPerSecond, SimDuration, SimTime};

/// A new connection.
fn over(tcp: Tcp, mbps: u64) -> Connection {
    Connection::new(tcp, BitsPerSecond::from_mbps(mbps), SimDuration::from_ms(20))
}

fn warm(tcp: Tcp, mbps: u64, bytes: u64) -> f64 {
    over(tcp, mbps).warm(bytes)
}

fn new(tcp: Tcp, mbps: u64, bytes: u64) -> f64 {
    over(tcp, mbps).send(bytes)
}

fn silent(tcp: Tcp, mbps: u64, bytes: u64) -> f64 {
    over(tcp, mbps).silent(bytes)
}

/// Rate in Mbps, bytes, and the measured times: warm, new, after silence.
type Cell = (u64, u64, [f64; 3]);

const CUBIC: [Cell; 16] = [
    (400, 1_000, [10.37, 10.46, 10.40]),
    (400, 14_000, [10.49, 10.50, 10.50]),
    (400, 40_000, [11.04, 30.96, 31.24]),
    (400, 100_000, [12.39, 52.15, 71.72]),
    (400, 164_000, [13.82, 72.77, 71.50]),
    (400, 500_000, [21.02, 113.76, 56.80]),
    (300, 14_000, [10.57, 10.73, 10.63]),
    (300, 40_000, [11.34, 31.25, 31.46]),
    (300, 100_000, [13.09, 52.62, 53.83]),
    (300, 164_000, [14.91, 73.09, 71.60]),
    (300, 500_000, [24.52, 113.56, 71.99]),
    (200, 14_000, [10.81, 10.81, 10.82]),
    (200, 40_000, [11.87, 31.49, 31.84]),
    (200, 100_000, [14.47, 53.22, 53.40]),
    (200, 164_000, [17.19, 74.14, 72.10]),
    (200, 500_000, [31.60, 115.02, 72.16]),
];

const NO_RESTART: [Cell; 3] = [
    (400, 40_000, [11.05, 31.02, 11.03]),
    (400, 100_000, [12.39, 52.11, 12.32]),
    (400, 164_000, [13.78, 72.75, 13.72]),
];

const BBR: [Cell; 5] = [
    (400, 14_000, [15.30, 10.54, 15.31]),
    (400, 40_000, [19.47, 41.35, 19.48]),
    (400, 100_000, [19.55, 72.93, 19.63]),
    (400, 164_000, [19.92, 87.31, 19.99]),
    (400, 500_000, [20.78, 120.62, 20.83]),
];

/// Within 5 % or 0.5 ms.
fn is_near(simulated: f64, measured: f64) -> bool {
    (simulated - measured).abs() <= (0.05 * measured).max(0.5)
}

/// The cells of a table that are wrong, each with its error in ms.
fn wrong(cells: &[Cell], kind: usize, simulate: impl Fn(u64, u64) -> f64) -> Vec<(u64, u64, f64)> {
    let errors = cells.iter().filter_map(|&(mbps, bytes, measured)| {
        let simulated = simulate(mbps, bytes);
        (!is_near(simulated, measured[kind])).then_some((mbps, bytes, simulated - measured[kind]))
    });
    errors.collect()
}

#[test]
fn warm_and_new_connections_take_what_was_measured() {
    let tcp = Tcp::default();
    assert_eq!(wrong(&CUBIC, 0, |mbps, bytes| warm(tcp, mbps, bytes)), []);
    assert_eq!(wrong(&CUBIC, 1, |mbps, bytes| new(tcp, mbps, bytes)), []);
}

/// In this cell one packet in seventy decides about a round trip: measured again, five messages took 71.1, 71.5, 71.3, 52.0 and
/// 52.0 ms.
#[test]
fn after_silence_one_cell_is_wrong_by_one_round_trip() {
    let off = wrong(&CUBIC, 2, |mbps, bytes| silent(Tcp::default(), mbps, bytes));
    let cells: Vec<(u64, u64)> = off.iter().map(|&(mbps, bytes, _)| (mbps, bytes)).collect();
    assert_eq!(cells, [(400, 100_000)]);
    assert!(off.iter().all(|(_, _, error)| (-21.0..-15.0).contains(error)), "{off:?}");
}

/// Windows before and behind each silence of a connection that has sent twenty messages of that size, as the kernel had them when these
/// cells were measured again: 140/17, 87/10, 80/10, ... and 692/86, 432/54, 400/50, 396/49, 395/49.
#[test]
fn windows_are_those_of_the_kernel() {
    let windows = |mbps, bytes| {
        let mut connection = over(Tcp::default(), mbps);
        (0..20).for_each(|_| _ = connection.send(bytes));
        let behind_silence = |_| {
            let windows = connection.rest(SimDuration::from_ms(700));
            connection.send(bytes);
            windows
        };
        (0..5).map(behind_silence).collect::<Vec<_>>()
    };
    assert_eq!(windows(200, 100_000), [(140, 17), (87, 10), (80, 10), (80, 10), (80, 10)]);
    assert_eq!(windows(400, 500_000), [(692, 86), (432, 54), (400, 50), (396, 49), (395, 49)]);
}

#[test]
fn a_silence_is_paid_for_once() {
    let (tcp, rtt, ms) = (Tcp::default(), SimDuration::from_ms(20), |ms| SimTime::ZERO + SimDuration::from_ms(ms));
    let mut sender = TcpSender::new(&tcp);
    for round in 0..4 {
        let (now, packets) = (ms(21 * round), sender.room(&tcp, rtt, ms(21 * round)));
        sender.send(&tcp, rtt, now, packets, true);
        sender.left(rtt, now, packets, Service { start: now, end: now });
    }
    let room = sender.room(&tcp, rtt, ms(800));
    assert_eq!((sender.room(&tcp, rtt, ms(800)), room), (room, 20), "160 packets, halved three times");
}

#[test]
fn without_a_restart_silence_changes_nothing() {
    let tcp = Tcp { idle_restart: false, ..Tcp::default() };
    assert_eq!(wrong(&NO_RESTART, 0, |mbps, bytes| warm(tcp, mbps, bytes)), []);
    assert_eq!(wrong(&NO_RESTART, 1, |mbps, bytes| new(tcp, mbps, bytes)), []);
    assert_eq!(wrong(&NO_RESTART, 2, |mbps, bytes| silent(tcp, mbps, bytes)), []);
}

/// Short messages of a warm connection under bbr are paced a sixth too slowly.
#[test]
fn bbr_paces_messages_of_a_warm_connection() {
    let tcp = Tcp { congestion: Congestion::Bbr, ..Tcp::default() };
    let cells = |off: Vec<(u64, u64, f64)>| off.iter().map(|&(_, bytes, _)| bytes).collect::<Vec<_>>();
    assert_eq!(cells(wrong(&BBR, 0, |mbps, bytes| warm(tcp, mbps, bytes))), [14_000]);
    assert_eq!(wrong(&BBR, 1, |mbps, bytes| new(tcp, mbps, bytes)), []);
    assert_eq!(cells(wrong(&BBR, 2, |mbps, bytes| silent(tcp, mbps, bytes))), [14_000]);
}
