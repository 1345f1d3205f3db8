//! smoke
mod common;
use common::{run, spec};
use model::engine_kind::EngineKind;
use policies::*;
use units::Ratio;

#[test]
fn table() {
    let split = PerLlm { reading: Reading::LayerSplit(8), ..PerLlm::default() };
    let pipelined = Speculative { draft_during_verify: DraftDuringVerify::Pipelined(3), ..Speculative::default() };
    for engine in EngineKind::ALL {
        for (name, policy) in [
            ("cloud", System::CloudOnly(CloudOnly::default())),
            ("edge", System::EdgeOnly(EdgeOnly::default())),
            ("ucb", System::PerLlm(PerLlm::default())),
            ("split8", System::PerLlm(split.clone())),
            ("spec", System::Speculative(Speculative::default())),
            ("spec3", System::Speculative(pipelined.clone())),
            ("msao", System::Msao(Msao::default())),
        ] {
            let mut spec = spec(policy, engine, 300, 200);
            if name == "split8" {
                let share = 8.0 / 28.0;
                spec.edge.tier.split = Some((spec.cloud.tier.model.clone(), engine.profile(&spec.cloud.tier.model), Ratio::new(share)));
                spec.cloud.tier.split = Some((spec.cloud.tier.model.clone(), engine.profile(&spec.cloud.tier.model), Ratio::new(1.0 - share)));
            }
            let o = run(&spec);
            let m = &o.metrics;
            println!("{engine:?} {name:8} e2e {:8.1} ttft {:7.1} tpot {:6.2} acc {:.3} rounds {:.1} events/req {:.0} verified {} drafted {}", m.e2e.mean_ms().unwrap(), m.ttft.mean_ms().unwrap(), m.tpot.mean_ms().unwrap_or(0.), m.accepted as f64/m.verified.max(1) as f64, m.rounds as f64/m.completed as f64, o.events as f64/m.completed as f64, m.verified, m.drafted);
        }
    }
}
