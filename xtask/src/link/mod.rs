//! `cargo xtask link`: messages over real TCP on a link that this program makes.

mod cell;
mod kernel;
mod measure;
mod shaper;
mod simulated;
mod site;
mod table;
mod wire;

use crate::failure::Outcome;
use cell::{Before, Cell, Link, Settings};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use measure::{Measured, Routine};
use simulated::Simulated;
use site::Both;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use table::Row;

const HELP: &str = "\
Measures the one-way time of messages over the kernel's own TCP, between two network namespaces with a link in user space between
them: a rate, a delay and a queue that drops what it has no room for. It needs root, `ip`, and /dev/net/tun; it leaves nothing behind.

A message is written in one call. Its time ends when the receiver has the last byte. Each size is sent on a warm connection, on new
ones (whose handshake is not counted), and on a connection that was silent for 0.7 s, with tcp_slow_start_after_idle on and off.
Beside the median stands the closed form, (bytes and headers) / rate + RTT / 2, and the round trips that TCP adds to it. A second
table has the congestion window before each message after silence.

Beside them stand the times that the simulator's TCP takes for the same messages, and their errors: less what the shaper itself adds, some
0.2 ms each way. --simulated FILE takes them from a CSV file with the columns mbps, rtt_ms, congestion, idle_restart, bytes, connection
and simulated_ms. Of congestion controls the simulator has cubic and bbr.";

/// Links that are measured where none is asked for: those of `../shared/link.md`, and three others.
const LINKS: [(f64, f64); 6] =
    [(400.0, 20.0), (300.0, 20.0), (200.0, 20.0), (100.0, 50.0), (50.0, 80.0), (1000.0, 5.0)];
const SIZES: [usize; 6] = [1_000, 14_000, 40_000, 100_000, 164_000, 500_000];

/// The links and sizes of a quick look.
const QUICK_LINKS: [(f64, f64); 2] = [(400.0, 20.0), (100.0, 50.0)];
const QUICK_SIZES: [usize; 3] = [14_000, 100_000, 164_000];

/// False once a thread has got no real-time priority.
static IN_REAL_TIME: AtomicBool = AtomicBool::new(true);

/// The command and its help.
pub fn command() -> Command {
    let list = |name: &'static str, of: &'static str| {
        Arg::new(name).long(name).value_name(of).value_delimiter(',').action(ArgAction::Append)
    };
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let file = |name: &'static str| Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf));
    Command::new("link")
        .about("Measure messages over real TCP on a link of a rate and a delay")
        .long_about(HELP)
        .arg(list("rates", "MBPS").value_parser(value_parser!(f64)).help("Rates, in megabits per second"))
        .arg(list("rtt", "MS").value_parser(value_parser!(f64)).help("Round-trip times of each rate, in milliseconds"))
        .arg(list("sizes", "BYTES").value_parser(value_parser!(u32).range(1..=100_000_000)).help("Sizes of messages"))
        .arg(list("cc", "NAME").default_value("cubic,bbr").help("Congestion controls, by their names in the kernel"))
        .arg(
            Arg::new("queue-kb")
                .long("queue-kb")
                .value_name("KB")
                .default_value("4000")
                .value_parser(value_parser!(u32).range(2..))
                .help("Length of the queue of each direction"),
        )
        .arg(file("json").help("File for all times and windows"))
        .arg(file("simulated").help("CSV file with simulated times of the cells [default: the simulator's TCP]"))
        .arg(flag("quick").help("Fewer cells and messages"))
        .arg(flag("if-possible").help("Where it cannot be measured, say why and succeed"))
}

/// Measures the cells and prints them.
pub fn run(arguments: &ArgMatches) -> Outcome {
    let given = arguments.get_one::<PathBuf>("simulated").map(|path| Simulated::read(path)).transpose()?;
    let asked = Asked::of(arguments)?;
    if let Some(why) = missing() {
        let said = format!("the link cannot be measured: {why}");
        if !arguments.get_flag("if-possible") {
            return Err(said.into());
        }
        eprintln!("skipped: {said}");
        return Ok(());
    }
    let known = |cell: &Cell| ["cubic", "bbr"].contains(&cell.settings.congestion.as_str());
    let cells: Vec<Cell> = asked.cells().into_iter().filter(known).collect();
    // Before anything is measured, so that a wrong one is told at once.
    let simulated = given.map_or_else(|| Simulated::by_the_simulator(&cells), Ok)?;
    let mut rows = Vec::new();
    for link in &asked.links {
        for settings in &asked.settings {
            let (cells, counts) = measured(link, settings, &asked)?;
            eprintln!("{link}, {}: {}", settings.congestion, told(&counts));
            let row = |cell: Measured| Row { simulated_ms: simulated.of(&cell.cell), measured: cell };
            rows.extend(cells.into_iter().map(row));
        }
    }
    if !IN_REAL_TIME.load(Ordering::Relaxed) {
        eprintln!("without real-time priority (chrt): times are late where the machine is busy");
    }
    print!("{}\n{}", table::times(&rows), table::windows(&rows));
    if let Some(path) = arguments.get_one::<PathBuf>("json") {
        let cells: Vec<&Measured> = rows.iter().map(|row| &row.measured).collect();
        let text = serde_json::to_string_pretty(&cells).expect("cells are JSON");
        std::fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// The cells that are asked for.
struct Asked {
    links: Vec<Link>,
    settings: Vec<Settings>,
    sizes: Vec<usize>,
    queue_bytes: f64,
    routine: Routine,
}

impl Asked {
    fn of(arguments: &ArgMatches) -> Outcome<Self> {
        let numbers = |name: &str| -> Vec<f64> { arguments.get_many(name).into_iter().flatten().copied().collect() };
        let (rates, rtts, is_quick) = (numbers("rates"), numbers("rtt"), arguments.get_flag("quick"));
        for (name, values, range) in [("rates", &rates, 0.1..=10_000.0), ("rtt", &rtts, 0.1..=10_000.0)] {
            if let Some(wrong) = values.iter().find(|value| !range.contains(*value)) {
                let (least, most) = (range.start(), range.end());
                return Err(format!("--{name}: found {wrong}; expected a number from {least} to {most}").into());
            }
        }
        let known: &[(f64, f64)] = if is_quick { &QUICK_LINKS } else { &LINKS };
        let links = match (rates.is_empty(), rtts.is_empty()) {
            (true, true) => known.to_vec(),
            (true, false) => rtts.iter().map(|rtt| (known[0].0, *rtt)).collect(),
            (false, true) => rates.iter().map(|rate| (*rate, known[0].1)).collect(),
            (false, false) => rates.iter().flat_map(|rate| rtts.iter().map(|rtt| (*rate, *rtt))).collect(),
        };
        let asked = arguments.get_many::<u32>("sizes").into_iter().flatten().map(|bytes| *bytes as usize);
        let mut sizes: Vec<usize> = asked.collect();
        if sizes.is_empty() {
            sizes = if is_quick { QUICK_SIZES.to_vec() } else { SIZES.to_vec() };
        }
        let controls = arguments.get_many::<String>("cc").into_iter().flatten();
        let both = |congestion: &String| {
            [true, false].map(|idle_restart| Settings { congestion: congestion.clone(), idle_restart })
        };
        Ok(Self {
            links: links.into_iter().map(|(mbps, rtt_ms)| Link { mbps, rtt_ms }).collect(),
            // The model of bbr paces, and knows no restart after silence.
            settings: controls.flat_map(both).filter(|way| way.idle_restart || way.congestion != "bbr").collect(),
            sizes,
            queue_bytes: f64::from(*arguments.get_one::<u32>("queue-kb").expect("it has a default")) * 1e3,
            routine: if is_quick { Routine::QUICK } else { Routine::FULL },
        })
    }
}

impl Asked {
    /// The cells of all links and settings.
    fn cells(&self) -> Vec<Cell> {
        let of = |link| self.settings.iter().flat_map(move |settings| self.cells_of(link, settings));
        self.links.iter().flat_map(of).collect()
    }

    /// The cells of one link and one setting; with the restart off, those after silence alone, which it changes.
    fn cells_of(&self, link: &Link, settings: &Settings) -> Vec<Cell> {
        let states = Before::ALL.into_iter().filter(|before| settings.idle_restart || *before == Before::Silent);
        let states: Vec<Before> = states.collect();
        let cell = |bytes, connection| Cell { link: *link, settings: settings.clone(), bytes, connection };
        let of = |bytes| states.iter().map(|before| cell(bytes, *before)).collect::<Vec<_>>();
        self.sizes.iter().copied().flat_map(of).collect()
    }
}

/// All cells of one link and one setting, measured.
fn measured(link: &Link, settings: &Settings, asked: &Asked) -> Outcome<(Vec<Measured>, Both)> {
    site::over(link, settings, asked.queue_bytes, |sender| {
        let cells = asked.cells_of(link, settings);
        cells.iter().map(|cell| measure::cell(sender, cell, &asked.routine)).collect()
    })
}

/// The reason why nothing can be measured on this machine, if there is one.
fn missing() -> Option<String> {
    if std::process::Command::new("ip").arg("-V").output().is_err() {
        return Some("it needs the program `ip` (iproute2)".to_owned());
    }
    // A thread that only tries: what it makes goes with it.
    let tried = std::thread::spawn(|| {
        kernel::own_network().map_err(|error| format!("it needs root, for network namespaces ({error})"))?;
        kernel::tun("wan0").map_err(|error| format!("it needs /dev/net/tun, whose packets it carries ({error})"))
    });
    tried.join().expect("it does not panic").err()
}

/// Gives the calling thread a real-time priority, if the machine lets it.
fn real_time(priority: u32) {
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let done = std::process::Command::new("chrt").args(["-f", "-p", &priority.to_string(), &thread]).output();
    if !done.is_ok_and(|output| output.status.success()) {
        IN_REAL_TIME.store(false, Ordering::Relaxed);
    }
}

/// The packets of both directions in words.
fn told(counts: &Both) -> String {
    let direction = |(name, counts): (&str, &shaper::Counts)| {
        let shaper::Counts { packets, dropped, late_us, latest_us } = counts;
        format!("{name} {packets} packets, {dropped} dropped, late by {late_us:.0} us (worst {latest_us:.0})")
    };
    ["up", "down"].into_iter().zip(counts).map(direction).collect::<Vec<_>>().join("; ")
}
