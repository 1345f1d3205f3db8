//! A warning of weights in a format whose arithmetic a device does not have.

use super::fleet::Tier;
use super::idle::looked_at;
use super::keys::parts;
use super::{Plan, Scenario, Source, lookup};
use crate::terminal::say;
use model::format::Arithmetic;

/// Keys on which a tier's arithmetic depends, below the tier's own.
const KEYS: [&str; 4] = ["device", "model", "weights", "tower_weights"];

/// The sentence on weights that the device of a tier unpacks, if it does.
fn text(table: &Tier<'_>, source: &Source, scenario: &Scenario) -> Option<String> {
    let device = lookup::device(source, scenario, "", table.device).ok()?;
    let model = lookup::find_model(source, scenario, table.model)?;
    let storage = table.formats.storage(&model.storage);
    let tower = model.vision.is_some().then_some(storage.tower_arithmetic);
    let lacking = [Some(storage.arithmetic), tower].into_iter().flatten().find(|one| !device.has(*one))?;
    let (numbers, peak) = match lacking {
        Arithmetic::Fp8 => ("8-bit floats", "peak_fp8"),
        Arithmetic::Int8 => ("8-bit integers", "peak_int8"),
        Arithmetic::Fp16 => return None,
    };
    Some(format!(
        "{} does not multiply {numbers}: its weights are read in 8 bits, unpacked and multiplied in 16; name a device \
         that does, or give this one's rate as `{peak}` in a table [device.NAME]",
        device.name
    ))
}

/// The first point of those that are looked at where a tier unpacks its weights: the sentence.
fn unpacked(plan: &Plan, side: &str) -> Option<String> {
    let is_of = |key: &str| KEYS.iter().any(|of| key == format!("{side}.{of}"));
    let varies = plan.design.keys().any(is_of);
    looked_at(if varies { plan.points() } else { 1 }).find_map(|point| {
        let (source, scenario) = plan.scenario_at(point).ok()?;
        text(&scenario.tier(side)?, &source, &scenario)
    })
}

/// Warns on stderr, once for each tier, of weights that its device unpacks for want of their arithmetic.
pub fn warn_of_unpacked_weights(plan: &Plan) {
    for side in plan.scenario.tiers().iter().map(|tier| &*tier.key) {
        if let Some(text) = unpacked(plan, side) {
            let key = format!("{side}.weights");
            let key: Vec<String> = parts(&key).into_iter().map(str::to_owned).collect();
            let (_, told) = plan.source.remark(&key, &text);
            say(format_args!("sim: warning: {told}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read::testing::source;

    fn told(lines: &str) -> [Option<String>; 2] {
        let rest = "[workload]\ndataset = \"vqav2\"\n[policy.cloud_only]\n";
        let (source, scenario) = source(&format!("name = \"x\"\n{lines}\n{rest}"));
        let plan = Plan::new(source, scenario).expect("a plan");
        ["edge", "cloud"].map(|side| unpacked(&plan, side))
    }

    #[test]
    fn floats_of_8_bits_are_unpacked_on_ampere_alone() {
        let cloud = |device: &str, weights: &str| told(&format!("[cloud]\ndevice = \"{device}\"\n{weights}\n"));
        let [edge, cloud_told] = cloud("a100-40-sxm", "weights = \"fp8\"");
        assert_eq!(edge, None);
        let text = cloud_told.expect("a warning");
        assert!(text.starts_with("a100-40-sxm does not multiply 8-bit floats"), "{text}");
        assert!(cloud("a100-40-sxm", "tower_weights = \"fp8\"")[1].is_some());
        for (device, weights) in
            [("a100-40-sxm", "w8a8"), ("h100-sxm", "fp8"), ("apple-m2", "q4_0"), ("a40", "w4a16_awq")]
        {
            assert_eq!(cloud(device, &format!("weights = \"{weights}\"")), [None, None], "{weights} on {device}");
        }
        let swept = told("[sweep]\n\"cloud.weights\" = [\"bf16\", \"fp8\"]\n");
        assert!(swept[1].is_some());
    }
}
