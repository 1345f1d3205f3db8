//! A tandem of three FIFO queues, to be compared with the same model in plain Python: `tandem SEED JOBS [--time]`.

mod model;
#[path = "../support/mod.rs"]
mod support;

fn main() {
    let (arguments, time) = support::arguments();
    let numbers: Vec<u64> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    let [seed, jobs] = numbers[..] else { panic!("usage: tandem SEED JOBS [--time]") };
    let draws = model::Draws::new(seed, jobs);
    let before = support::cpu_ns();
    let model::Outcome { events, sojourns_ns } = model::simulate(&draws);
    let fields =
        format!(r#""case":"tandem","queue":"kernel","jobs":{jobs},"events":{events},"sojourns_ns":{sojourns_ns}"#);
    support::report(&fields, events, time, before);
}
