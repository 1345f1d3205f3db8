//! Several servers, no server too many, and systems that turn jobs away.

use crate::models::{Law, Level, Sample, Station};
use crate::models::{exponential, fixed, hyperexponential, run, seconds};
use crate::table::compare;
use kernel::{Kernel, Streams};
use std::cell::RefCell;

/// Erlang's B: the probability that all of `servers` are busy under an offered load, if jobs are turned away.
fn erlang_b(servers: u32, load: f64) -> f64 {
    (1..=servers).fold(1.0, |b, k| load * b / (f64::from(k) + load * b))
}

#[test]
fn several_servers_with_one_queue() {
    let (servers, rate) = (4, 3.2);
    let b = erlang_b(servers, rate);
    let c = b / (1.0 - rate / f64::from(servers) * (1.0 - b));
    let spare = f64::from(servers) - rate;
    let tail = c * libm::exp(-2.0 * spare);
    compare("M/M/4 .8", [("Wq", c / spare), ("P(Wq > 0)", c), ("P(Wq > 2)", tail)], |streams| {
        let kernel = &Kernel::new();
        let (station, waits) = (&Station::new(kernel, servers), &Sample::default());
        let services = &RefCell::new(streams.stream("services", 0));
        let mut gaps = streams.stream("gaps", 0);
        let job = |job| async move {
            let duration = seconds(exponential(&mut services.borrow_mut()));
            waits.add(job, station.serve(duration).await);
        };
        run(kernel, || seconds(exponential(&mut gaps) / rate), job);
        [waits.mean(), waits.above(0.0), waits.above(2.0)]
    });
}

/// Share of jobs turned away by, and mean number in, a system of `room` servers and no queue.
fn loss(streams: Streams, room: u64, load: f64, service: Law) -> [f64; 2] {
    let kernel = &Kernel::new();
    let (system, lost) = (&Level::new(kernel), &Sample::default());
    let services = &RefCell::new(streams.stream("services", 0));
    let mut gaps = streams.stream("gaps", 0);
    let job = |job| async move {
        system.arrival(job);
        let full = system.number() == room;
        lost.add(job, f64::from(u8::from(full)));
        if !full {
            system.change(1);
            let duration = seconds(service(&mut services.borrow_mut()));
            kernel.sleep(duration).await;
            system.change(-1);
        }
    };
    run(kernel, || seconds(exponential(&mut gaps) / load), job);
    [lost.mean(), system.mean()]
}

#[test]
fn loss_does_not_depend_on_the_law_of_the_service() {
    let (servers, load) = (5, 4.0);
    let b = erlang_b(servers, load);
    let laws: [(&str, Law); 3] = [
        ("M/G/5/5 4 exponential", exponential),
        ("M/G/5/5 4 fixed", fixed),
        ("M/G/5/5 4 hyperexponential", hyperexponential),
    ];
    for (case, law) in laws {
        compare(case, [("P(lost)", b), ("L", load * (1.0 - b))], |streams| loss(streams, servers.into(), load, law));
    }
}

#[test]
fn one_server_and_little_room() {
    let (room, rho) = (6u32, 0.8);
    let power = libm::pow(rho, f64::from(room));
    let lost = (1.0 - rho) * power / (1.0 - power * rho);
    let number = rho / (1.0 - rho) - f64::from(room + 1) * power * rho / (1.0 - power * rho);
    compare("M/M/1/6 .8", [("P(lost)", lost), ("L", number), ("T", number / (rho * (1.0 - lost)))], |streams| {
        let kernel = &Kernel::new();
        let (station, system, turned) = (&Station::new(kernel, 1), &Level::new(kernel), &Sample::default());
        let services = &RefCell::new(streams.stream("services", 0));
        let (sojourns, mut gaps) = (&Sample::default(), streams.stream("gaps", 0));
        let job = |job| async move {
            system.arrival(job);
            let full = system.number() == u64::from(room);
            turned.add(job, f64::from(u8::from(full)));
            if !full {
                system.change(1);
                let duration = seconds(exponential(&mut services.borrow_mut()));
                let wait = station.serve(duration).await;
                sojourns.add(job, wait + duration.as_secs_f64());
                system.change(-1);
            }
        };
        run(kernel, || seconds(exponential(&mut gaps) / rho), job);
        [turned.mean(), system.mean(), sojourns.mean()]
    });
}

#[test]
fn enough_servers_for_all_hold_a_poisson_number() {
    let load = 3.0;
    let wanted = [("E[N]", load), ("Var[N]", load), ("P(N = 0)", libm::exp(-load)), ("L", load)];
    let laws: [(&str, Law); 3] = [
        ("M/G/inf 3 exponential", exponential),
        ("M/G/inf 3 fixed", fixed),
        ("M/G/inf 3 hyperexponential", hyperexponential),
    ];
    for (case, law) in laws {
        compare(case, wanted, |streams| {
            let kernel = &Kernel::new();
            let (system, met) = (&Level::new(kernel), &Sample::default());
            let services = &RefCell::new(streams.stream("services", 0));
            let mut gaps = streams.stream("gaps", 0);
            let job = |job| async move {
                system.arrival(job);
                // Poisson arrivals see time averages.
                met.add(job, system.number() as f64);
                system.change(1);
                let duration = seconds(law(&mut services.borrow_mut()));
                kernel.sleep(duration).await;
                system.change(-1);
            };
            run(kernel, || seconds(exponential(&mut gaps) / load), job);
            [met.mean(), met.variance(), 1.0 - met.above(0.5), system.mean()]
        });
    }
}
