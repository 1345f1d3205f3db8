//! Code that the measured examples share. They stand outside the simulated path: they read their arguments and the
//! clock.

/// The arguments, and whether `--time` is among them.
#[expect(clippy::disallowed_methods, reason = "a command, not a simulation")]
pub fn arguments() -> (Vec<String>, bool) {
    let (options, arguments): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|a| a == "--time");
    (arguments, !options.is_empty())
}

/// CPU time of this thread in ns, from Linux; 0 elsewhere. CPU time, because the machine may be shared.
pub fn cpu_ns() -> u64 {
    // Giving way brings the kernel's account up to date, which it otherwise is every few milliseconds.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// Prints one line of JSON: `fields` without braces, and with `--time` the CPU time of `events` events since `before`.
pub fn report(fields: &str, events: u64, time: bool, before: u64) {
    let ns = cpu_ns() - before;
    let timing =
        if time { format!(r#","cpu_ns":{ns},"ns_per_event":{:.2}"#, ns as f64 / events as f64) } else { String::new() };
    println!("{{{fields}{timing}}}");
}
