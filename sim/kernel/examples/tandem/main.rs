//! A tandem of three FIFO queues, to be compared with the same model in plain Python and in SimPy: `tandem SEED JOBS
//! events|processes [--time]`.

mod model;
#[path = "../support/mod.rs"]
mod support;

fn main() {
    let (arguments, time) = support::arguments();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [seed, jobs, form] = words[..] else { panic!("usage: tandem SEED JOBS events|processes [--time]") };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"));
    let (seed, jobs): (u64, u64) = (number(seed), number(jobs));
    let simulate = match form {
        "events" => model::simulate_events,
        "processes" => model::simulate,
        _ => panic!("`{form}` is neither `events` nor `processes`"),
    };
    let draws = model::Draws::new(seed, jobs);
    let before = support::cpu_ns();
    let model::Outcome { events, sojourns_ns } = simulate(&draws);
    let fields = format!(
        r#""case":"tandem","queue":"kernel","form":"{form}","jobs":{jobs},"events":{events},"sojourns_ns":{sojourns_ns}"#
    );
    support::report(&fields, events, time, before);
}
