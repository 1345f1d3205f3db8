//! The names that `sim init` offers, and the wishes that are made of them.

use crate::scenario::dataset;
use crate::terminal::Failure;
use model::device::{DEVICES, Device};
use units::{BitsPerSecond, SimDuration};

/// A name that is offered, with a sentence on it.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The name.
    pub name: &'static str,
    /// A sentence without its full stop.
    pub words: &'static str,
}

/// An entry of a list of choices.
pub trait Offered: Clone {
    /// Its name and sentence.
    fn choice(&self) -> Choice;
}

/// The choices of a list.
pub fn of<T: Offered>(list: &[T]) -> Vec<Choice> {
    list.iter().map(Offered::choice).collect()
}

/// A tier: a device and the serving engine that it usually has.
#[derive(Clone, Debug)]
pub struct Tier {
    choice: Choice,
    /// Name of a built-in device, or `none`.
    pub device: &'static str,
    /// Name of a serving engine.
    pub engine: &'static str,
}

impl Offered for Tier {
    fn choice(&self) -> Choice {
        self.choice
    }
}

const fn tier(name: &'static str, words: &'static str, device: &'static str, engine: &'static str) -> Tier {
    Tier { choice: Choice { name, words }, device, engine }
}

/// The edges that are offered.
pub const EDGES: [Tier; 6] = [
    tier("phone", "A phone of 2024: Snapdragon 8 Gen 3", "snapdragon-8-gen-3", "llamacpp"),
    tier("laptop", "A laptop: Apple M4", "apple-m4", "llamacpp"),
    tier("board", "A small board: Jetson Orin Nano", "jetson-orin-nano-8", "llamacpp"),
    tier("jetson", "A robot's computer: Jetson AGX Orin", "jetson-agx-orin-64", "vllm"),
    tier("desktop", "A desktop's GPU: RTX 4090", "rtx-4090", "vllm"),
    tier("camera", "A camera without a GPU, which only sends", "none", "vllm"),
];

/// The clouds that are offered.
pub const CLOUDS: [Tier; 4] = [
    tier("a100", "One A100 of 40 GB", "a100-40-sxm", "vllm"),
    tier("l40s", "One L40S of 48 GB", "l40s", "vllm"),
    tier("h100", "One H100 of 80 GB", "h100-sxm", "vllm"),
    tier("server", "An RTX 4090 of one's own", "rtx-4090", "vllm"),
];

/// A link: rates and round trip.
#[derive(Clone, Debug)]
pub struct Line {
    choice: Choice,
    /// Rate to the cloud.
    pub up: String,
    /// Rate from the cloud.
    pub down: String,
    /// Round trip.
    pub rtt: String,
}

impl Offered for Line {
    fn choice(&self) -> Choice {
        self.choice
    }
}

/// A link as it is offered, before its amounts are texts of their own.
#[derive(Clone, Copy, Debug)]
pub struct OfferedLine(Choice, [&'static str; 3]);

impl Offered for OfferedLine {
    fn choice(&self) -> Choice {
        self.0
    }
}

const fn line(name: &'static str, words: &'static str, amounts: [&'static str; 3]) -> OfferedLine {
    OfferedLine(Choice { name, words }, amounts)
}

/// The links that are offered: round figures, which are assumptions.
pub const LINKS: [OfferedLine; 5] = [
    line("wifi", "Wi-Fi to a server in the building", ["200 Mbps", "200 Mbps", "5 ms"]),
    line("cable", "A home's fibre to a near region of a cloud", ["100 Mbps", "300 Mbps", "20 ms"]),
    line("5g", "A phone on 5G to a near region of a cloud", ["50 Mbps", "300 Mbps", "30 ms"]),
    line("lte", "A phone on LTE to a near region of a cloud", ["12 Mbps", "40 Mbps", "50 ms"]),
    line("far", "A cloud on another continent", ["100 Mbps", "100 Mbps", "120 ms"]),
];

/// A question that a scenario answers.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// Its name, and the question.
    pub choice: Choice,
    /// Tables and keys of the scenario that the question needs, with their comments.
    pub keys: &'static str,
    /// The policies that are compared, from which those are left out that the edge cannot run.
    pub policies: &'static [&'static str],
    /// The command that answers it; `FILE` is the scenario.
    pub command: &'static str,
}

impl Offered for Goal {
    fn choice(&self) -> Choice {
        self.choice
    }
}

/// The questions that are offered.
pub const GOALS: [Goal; 4] = [
    Goal {
        choice: Choice {
            name: "drafting",
            words: "Does drafting on the edge for the cloud's model pay, and over which link",
        },
        keys: include_str!("drafting.toml"),
        policies: &["cloud_only", "cloud_speculative", "edge_only", "speculative", "msao"],
        command: "sim FILE && sim compare results/NAME",
    },
    Goal {
        choice: Choice { name: "latency", words: "Who answers a single user fastest: edge, cloud, or both together" },
        keys: include_str!("latency.toml"),
        policies: &["cloud_only", "cloud_pruned", "edge_only", "perllm", "msao"],
        command: "sim FILE && sim compare results/NAME",
    },
    Goal {
        choice: Choice { name: "capacity", words: "How many requests a second are answered in time" },
        keys: include_str!("capacity.toml"),
        policies: &["cloud_only", "cloud_speculative", "edge_only", "speculative"],
        command: "sim capacity FILE --vary arrivals.poisson.rate",
    },
    Goal {
        choice: Choice { name: "cost", words: "What do a thousand answers cost, in money and in energy" },
        keys: include_str!("cost.toml"),
        policies: &["cloud_only", "edge_only", "speculative", "msao"],
        command: "sim FILE && sim compare results/NAME --metric energy_j_per_request",
    },
];

/// The built-in datasets, each with its sentence.
pub fn workloads() -> Vec<Choice> {
    let named = |name: &'static str| dataset::shipped(name).map(|shape| (name, shape.description.as_str()));
    dataset::names()
        .filter_map(named)
        .map(|(name, words)| Choice { name, words: words.trim_end_matches('.') })
        .collect()
}

/// The kinds of answers, in the order in which they are asked for, each with what is offered and the default.
pub fn kinds() -> [(&'static str, Vec<Choice>, &'static str); 5] {
    [
        ("edge", of(&EDGES), "phone"),
        ("cloud", of(&CLOUDS), "a100"),
        ("link", of(&LINKS), "wifi"),
        ("workload", workloads(), "vqav2"),
        ("goal", of(&GOALS), "drafting"),
    ]
}

/// The wishes of a user, all of them known.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// The edge.
    pub edge: Tier,
    /// Number of edges.
    pub edges: u32,
    /// The cloud.
    pub cloud: Tier,
    /// The link.
    pub link: Line,
    /// Name of a built-in dataset.
    pub workload: Choice,
    /// The question.
    pub goal: Goal,
}

impl Wishes {
    /// Wishes by their names, in the order of [`kinds`]; the default where there is none.
    ///
    /// # Errors
    /// If a name is not known: the nearest is given.
    pub fn read(names: &[Option<String>; 5], edges: u32) -> Result<Self, Failure> {
        let kinds = kinds();
        let name = |index: usize| names[index].as_deref().unwrap_or(kinds[index].2);
        Ok(Self {
            edge: tier_named("edge", &EDGES, name(0))?,
            edges,
            cloud: tier_named("cloud", &CLOUDS, name(1))?,
            link: line_named(name(2))?,
            workload: named("workload", &workloads(), name(3), "")?,
            goal: named("goal", &GOALS, name(4), "")?,
        })
    }

    /// The wishes in a line, as they were named.
    pub fn words(&self) -> String {
        let Self { edge, cloud, link, workload, goal, .. } = self;
        let names = [edge.choice.name, cloud.choice.name, link.choice.name, workload.name, goal.choice.name];
        kinds().iter().zip(names).map(|((kind, ..), name)| format!("{kind} {name}")).collect::<Vec<_>>().join(", ")
    }
}

impl Offered for Choice {
    fn choice(&self) -> Choice {
        *self
    }
}

/// The entry of that name, or the nearest name.
fn named<T: Offered>(kind: &str, list: &[T], name: &str, also: &str) -> Result<T, Failure> {
    list.iter().find(|entry| entry.choice().name == name).cloned().ok_or_else(|| {
        let known: Vec<&str> = list.iter().map(|entry| entry.choice().name).collect();
        Failure::refused(format!("--{kind} {name}: {}{also}", tables::unknown(kind, name, &known)))
    })
}

/// A tier that is offered, or any built-in device with the engine that one of its size usually has.
fn tier_named(kind: &str, list: &[Tier], name: &str) -> Result<Tier, Failure> {
    /// Memory up to which a device is a phone, a board or a laptop, GiB.
    const SMALL_GIB: u64 = 16;
    let device = DEVICES.iter().find(|device| device.name == name);
    let of = |device: &'static Device| {
        let engine = if device.memory.as_u64() >> 30 <= SMALL_GIB { "llamacpp" } else { "vllm" };
        tier(&device.name, "A built-in device", &device.name, engine)
    };
    device.map_or_else(|| named(kind, list, name, ", or a name of `sim list devices`"), |device| Ok(of(device)))
}

/// A link that is offered, or one by its rate and its round trip.
fn line_named(name: &str) -> Result<Line, Failure> {
    if let Some((rate, rtt)) = name.split_once(',') {
        let (rate, rtt) = (rate.trim(), rtt.trim());
        let is_line =
            rate.parse::<BitsPerSecond>().is_ok_and(|rate| rate.as_u64() > 0) && rtt.parse::<SimDuration>().is_ok();
        let choice = Choice { name: "own", words: "A link of one's own" };
        let [up, down, rtt] = [rate, rate, rtt].map(str::to_owned);
        let refusal = || format!("--link {name}: expected a rate and a round trip, as in \"20 Mbps, 40 ms\"");
        return is_line.then_some(Line { choice, up, down, rtt }).ok_or_else(|| Failure::refused(refusal()));
    }
    let OfferedLine(choice, amounts) = named("link", &LINKS, name, ", or a rate and a round trip: \"20 Mbps, 40 ms\"")?;
    let [up, down, rtt] = amounts.map(str::to_owned);
    Ok(Line { choice, up, down, rtt })
}
