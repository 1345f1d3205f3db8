//! Queues in a row and in a ring.

use crate::models::{Law, Quiet, Sample, Station, exponential, fixed, hyperexponential, run, seconds};
use crate::table::compare;
use kernel::{Kernel, Streams};
use std::cell::{Cell, RefCell};

#[test]
fn stages_in_a_row_are_independent_in_product_form() {
    let (rate, speeds) = (0.6, [1.0, 1.25, 0.9]);
    let spare = speeds.map(|speed| speed - rate);
    let mean: f64 = spare.iter().map(|spare| 1.0 / spare).sum();
    let variance: f64 = spare.iter().map(|spare| 1.0 / (spare * spare)).sum();
    // The tail of a sum of exponentials of different rates.
    let weight = |i: usize| (0..3).filter(|&j| j != i).map(|j| spare[j] / (spare[j] - spare[i])).product::<f64>();
    let tail = |t: f64| (0..3).map(|i| weight(i) * libm::exp(-spare[i] * t)).sum::<f64>();
    compare("tandem of three M/M/1", [("T", mean), ("Var[T]", variance), ("P(T > 12)", tail(12.0))], |streams| {
        let kernel = &Kernel::new();
        let (stages, sojourns) = (&speeds.map(|_| Station::new(kernel, 1)), &Sample::default());
        let services = &RefCell::new(streams.stream("services", 0));
        let mut gaps = streams.stream("gaps", 0);
        let job = |job| async move {
            let arrival = kernel.now();
            for (stage, speed) in stages.iter().zip(speeds) {
                let duration = seconds(exponential(&mut services.borrow_mut()) / speed);
                stage.serve(duration).await;
            }
            sojourns.add(job, (kernel.now() - arrival).as_secs_f64());
        };
        run(kernel, || seconds(exponential(&mut gaps) / rate), job);
        [sojourns.mean(), sojourns.variance(), sojourns.above(12.0)]
    });
}

/// Throughput and mean response of `devices` that think for a mean of `think` and then ask one FIFO server.
fn ring(streams: Streams, devices: u64, think: f64, law: Law) -> [f64; 2] {
    const HORIZON: f64 = 40_000.0;
    const WARM: f64 = 1_000.0;
    let kernel = &Kernel::new();
    let station = &Station::new(kernel, 1);
    let (done, response) = (&Cell::new(0u32), &Cell::new(0.0));
    kernel.run(&Quiet, |spawner| {
        for device in 0..devices {
            let (mut thinks, mut asks) = (streams.stream("thinks", device), streams.stream("asks", device));
            spawner.spawn(async move {
                while kernel.now().as_secs_f64() < HORIZON {
                    kernel.sleep(seconds(think * law(&mut thinks))).await;
                    let asked = kernel.now();
                    station.serve(seconds(exponential(&mut asks))).await;
                    if (WARM..HORIZON).contains(&kernel.now().as_secs_f64()) {
                        done.set(done.get() + 1);
                        response.set(response.get() + (kernel.now() - asked).as_secs_f64());
                    }
                }
            });
        }
    });
    let done = f64::from(done.get());
    [done / (HORIZON - WARM), response.get() / done]
}

#[test]
fn devices_and_one_server_follow_mean_value_analysis() {
    let (devices, think) = (10u32, 8.0);
    let (mut queue, mut response, mut throughput) = (0.0, 0.0, 0.0);
    for n in 1..=devices {
        response = 1.0 + queue;
        throughput = f64::from(n) / (think + response);
        queue = throughput * response;
    }
    assert!(throughput < 1.0 && throughput < f64::from(devices) / (think + 1.0), "the asymptotic bounds");
    let wanted = [("X", throughput), ("R", response)];
    // How long a device thinks matters by its mean only.
    let laws: [(&str, Law); 3] = [
        ("MVA 10 exponential thinks", exponential),
        ("MVA 10 fixed thinks", fixed),
        ("MVA 10 hyperexp. thinks", hyperexponential),
    ];
    for (case, law) in laws {
        compare(case, wanted, |streams| ring(streams, devices.into(), think, law));
    }
}
