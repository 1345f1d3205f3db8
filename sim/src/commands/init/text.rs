//! The text of a scenario that `sim init` writes.

use super::choices::{Tier, Wishes};
use crate::scenario::NO_DEVICE;
use policies::System;
use std::path::Path;
use units::SimDuration;

/// Round trips that a sweep has beside the user's own.
const ROUND_TRIPS: [SimDuration; 5] = [
    SimDuration::from_ms(1),
    SimDuration::from_ms(5),
    SimDuration::from_ms(20),
    SimDuration::from_ms(50),
    SimDuration::from_ms(120),
];

/// The scenario of these wishes.
pub fn scenario(wishes: &Wishes, name: &str, file: &Path) -> String {
    let head = format!(
        "#:schema ./{schema}\n# {question}?\n#\n#   {command}\n#\n\
         # Every key, also those that are absent here: sim show {file}; one of them: sim explain edge.device\n\
         name = \"{name}\"\nreplications = 3\n",
        schema = super::SCHEMA,
        question = wishes.goal.choice.words,
        command = command(wishes, file),
        file = file.display(),
    );
    let goal = wishes.goal.keys.replace("WORKLOAD", wishes.workload.name);
    let goal = goal.replace("POLICIES", &policies(wishes)).replace("RTTS", &round_trips(&wishes.link.rtt));
    [head, edge(wishes), cloud(&wishes.cloud), link(wishes), goal].join("\n")
}

/// The command that answers the question.
pub fn command(wishes: &Wishes, file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    wishes.goal.command.replace("FILE", &file.display().to_string()).replace("NAME", &stem)
}

fn edge(wishes: &Wishes) -> String {
    let Wishes { edge, edges, .. } = wishes;
    let head =
        format!("# The edges; `sim list devices` has others.\n[edge]\ncount = {edges}\ndevice = \"{}\"\n", edge.device);
    if edge.device == NO_DEVICE {
        return head;
    }
    format!(
        "{head}# The edge's model drafts, or answers alone; `sim list models` has others.\n\
         model = \"qwen2-vl-2b\"\nengine = \"{}\"\n",
        edge.engine
    )
}

fn cloud(cloud: &Tier) -> String {
    format!(
        "# The cloud's GPUs. A model of another format: weights = \"fp8\".\n\
         [cloud]\ngpus = 1\ndevice = \"{}\"\nmodel = \"qwen2.5-vl-7b\"\nengine = \"{}\"\n",
        cloud.device, cloud.engine
    )
}

fn link(wishes: &Wishes) -> String {
    let line = &wishes.link;
    format!(
        "# The link that all edges share. These are round figures [A]: measure yours, or play a recording of it (docs/links.md).\n\
         [link]\nup = \"{}\"\ndown = \"{}\"\nrtt = \"{}\"\n",
        line.up, line.down, line.rtt
    )
}

/// A table for each policy of the goal that the edge can run.
fn policies(wishes: &Wishes) -> String {
    let needs_model = |name: &str| {
        let examples = System::examples();
        let system = examples.iter().find(|(example, _)| example == name);
        system.is_none_or(|(_, system)| system.uses().edge_model)
    };
    let can = |name: &&&str| wishes.edge.device != NO_DEVICE || !needs_model(name);
    wishes.goal.policies.iter().filter(can).map(|name| format!("[policy.{name}]\n")).collect()
}

/// The round trips of a sweep, the user's own among them.
fn round_trips(own: &str) -> String {
    let mut all: Vec<SimDuration> = ROUND_TRIPS.into_iter().chain(own.parse()).collect();
    all.sort();
    all.dedup();
    all.iter().map(|rtt| format!("\"{rtt}\"")).collect::<Vec<_>>().join(", ")
}
