//! The loops that every run spends its time in, one per call: `hot_path CASE QUEUE PENDING EVENTS [--time]`.
//!
//! Cases: `hold` (pop one event, push one a random delay later), `constant` (the same, but every second delay is
//! constant and goes to a lane), `ping_pong` (processes in pairs fire each other's waits; the queue is `kernel`, PENDING
//! the number of pairs). Queues: `lanes`, `binary`, `sorted`. Prints one line of JSON; `check` depends on every event,
//! and is equal for all queues. `sim/kernel/benches/instructions.sh` counts the instructions.

mod support;

use kernel::{BinaryQueue, Host, Kernel, Key, LaneQueue, Phase, Queue, SortedQueue, Spawner, Streams, Target};
use std::cell::Cell;
use units::{SimDuration, SimTime};

const USAGE: &str = "hot_path hold|constant lanes|binary|sorted PENDING EVENTS [--time]\n\
                     hot_path ping_pong kernel PAIRS EVENTS [--time]";

fn main() {
    let (arguments, time) = support::arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [case, queue, pending, events] = words[..] else { panic!("usage:\n{USAGE}") };
    let number =
        |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("`{text}` is not a number; usage:\n{USAGE}"));
    let (size, count) = (number(pending), number(events));
    let (check, before) = match (case, queue) {
        ("ping_pong", "kernel") => ping_pong(size, count),
        ("hold" | "constant", "lanes") => hold(LaneQueue::default(), size, count, case == "constant"),
        ("hold" | "constant", "binary") => hold(BinaryQueue::default(), size, count, case == "constant"),
        ("hold" | "constant", "sorted") => hold(SortedQueue::default(), size, count, case == "constant"),
        _ => panic!("no case `{case}` with queue `{queue}`; usage:\n{USAGE}"),
    };
    let fields = format!(r#""case":"{case}","queue":"{queue}","pending":{size},"events":{count},"check":{check}"#);
    support::report(&fields, count, time, before);
}

/// Delays are uniform below 2^21 ns, about 2 ms; the constant one is their mean.
const DELAY_BITS: u32 = 21;

/// Pops and pushes; returns a checksum of the order and the CPU time when the queue was full.
fn hold(mut queue: impl Queue, pending: u64, events: u64, constant: bool) -> (u64, u64) {
    let draws = Streams::new(1).keyed("delays", 0);
    let delay = |draw: u64| draws.bits(draw) >> (64 - DELAY_BITS);
    let key = |time, sequence: u64| {
        Key::new(SimTime::from_ns(time), Phase::Happen, sequence, Target::component(sequence as u32 & 0xFFFF))
    };
    (0..pending).for_each(|sequence| queue.push(key(delay(sequence), sequence), None));
    let (before, mut check) = (support::cpu_ns(), 0u64);
    for sequence in pending..pending + events {
        let now = queue.pop().expect("as many as were pushed").time().as_ns();
        check = check.rotate_left(5) ^ now;
        if constant && sequence % 2 == 0 {
            queue.push(key(now + (1 << (DELAY_BITS - 1)), sequence), Some(0));
        } else {
            queue.push(key(now + delay(sequence), sequence), None);
        }
    }
    (check, before)
}

/// A host without components.
struct Quiet;

impl<'a> Host<'a> for Quiet {
    fn event(&'a self, target: Target, _: &mut Spawner<'a>) {
        panic!("nobody is {target:?}");
    }
}

/// Processes in pairs, by turns: the one whose turn it is fires the other's wait a random delay later and waits.
fn ping_pong(pairs: u64, events: u64) -> (u64, u64) {
    let (kernel, check) = (&Kernel::new(), &Cell::new(0u64));
    let draws = Streams::new(1).keyed("delays", 1);
    let waits: &[[Cell<u32>; 2]] = &(0..pairs).map(|_| Default::default()).collect::<Vec<_>>();
    let before = support::cpu_ns();
    kernel.run(&Quiet, |spawner| {
        for (pair, place) in waits.iter().flat_map(|pair| [(pair, 0), (pair, 1)]) {
            spawner.spawn(async move {
                let mut wait = kernel.wait();
                pair[place].set(wait.index());
                if place == 1 {
                    // Spawned after its partner, which waits already: it serves.
                    kernel.fire_at(kernel.now(), pair[0].get(), None);
                }
                while kernel.events() < events {
                    wait.await;
                    check.set(check.get().rotate_left(5) ^ kernel.now().as_ns());
                    wait = kernel.wait();
                    pair[place].set(wait.index());
                    let delay = SimDuration::from_ns(draws.bits(kernel.events()) >> (64 - DELAY_BITS));
                    kernel.fire_at(kernel.now() + delay, pair[1 - place].get(), None);
                }
            });
        }
    });
    (check.get(), before)
}
