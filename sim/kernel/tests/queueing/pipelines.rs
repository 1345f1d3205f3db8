//! Pipelines without randomness, whose result is exact to the nanosecond.

use crate::models::{Station, run_with};
use kernel::{FifoLink, Kernel, RateProfile};
use std::cell::{Cell, RefCell};
use units::{BitsPerSecond, Bytes, SimDuration};

/// Runs jobs `gap` apart through fixed stages; returns the longest wait at each stage and the last departure.
fn pipeline<const N: usize>(jobs: u64, gap: u64, services: [u64; N]) -> ([u64; N], u64) {
    let kernel = &Kernel::new();
    let stages = &services.map(|_| Station::new(kernel, 1));
    let longest = &services.map(|_| Cell::new(0));
    let job = |_| async move {
        for ((stage, service), longest) in stages.iter().zip(services).zip(longest) {
            let before = kernel.now();
            stage.serve(SimDuration::from_ns(service)).await;
            let wait = (kernel.now() - before).as_ns() - service;
            longest.set(wait.max(longest.get()));
        }
    };
    run_with(kernel, jobs, || SimDuration::from_ns(gap), job, |_| unreachable!("no components"));
    (longest.each_ref().map(Cell::get), kernel.now().as_ns())
}

#[test]
fn a_regular_stream_never_waits() {
    assert_eq!(pipeline(1_000, 10, [10]), ([0], 9_990 + 10));
    assert_eq!(pipeline(1_000, 10, [9]), ([0], 9_990 + 9));
}

#[test]
fn behind_a_fixed_stage_an_equal_or_faster_one_never_queues() {
    // The first stage is overloaded: its queue grows by 3 ns a job, and nothing else ever queues.
    assert_eq!(pipeline(1_000, 7, [10, 10, 6]), ([3 * 999, 0, 0], 10 * 1_000 + 10 + 6));
    // The slowest stage is the bottleneck, wherever it stands.
    assert_eq!(pipeline(1_000, 7, [3, 12, 5]), ([0, 5 * 999, 0], 3 + 12 * 1_000 + 5));
}

#[test]
fn a_transfer_takes_latency_plus_size_over_rate() {
    let kernel = &Kernel::new();
    let link = &RefCell::new(FifoLink::new(RateProfile::constant(BitsPerSecond::from_mbps(400))));
    let latency = SimDuration::from_ms(10);
    let arrivals = &RefCell::new(Vec::new());
    let job = |_| async move {
        let sent = link.borrow_mut().send(kernel.now(), Bytes::new(162_816)).end;
        kernel.sleep(sent + latency - kernel.now()).await;
        arrivals.borrow_mut().push(kernel.now().as_ns());
    };
    // Each needs 3,256,320 ns of the link, and the next comes before it is free.
    run_with(kernel, 3, || SimDuration::from_ms(3), job, |_| unreachable!("no components"));
    assert_eq!(*arrivals.borrow(), [1, 2, 3].map(|n| n * 3_256_320 + 10_000_000));
}
