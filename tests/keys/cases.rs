//! The alternatives at every open point, and what each does. Figures are of one seed; the factors leave room for others.

use super::Case;
use super::Move::{Adds, Becomes, Falls, Rises, Same};

const PRUNES_MUCH: &str = "policy.msao.plan.quality_loss_max=0.9";
const VIDEO: &str = "workload.dataset=v6";
const LONG_TEXT: &str = "workload.dataset={custom={width=640,height=480,text_tokens=2000,output_tokens=20}}";
const MANY: &str = "workload.requests=100";
const EMA_ENTROPY: &str = "policy.msao.theta.accept_rule=ema_entropy";

/// An alternative of MSAO.
const fn msao(
    point: &'static str,
    beside: &'static [&'static str],
    set: &'static str,
    moves: &'static [(&'static str, super::Move)],
) -> Case {
    Case { point, policy: "msao", beside, set, moves }
}

/// An alternative of another policy.
const fn of(
    policy: &'static str,
    point: &'static str,
    beside: &'static [&'static str],
    set: &'static str,
    moves: &'static [(&'static str, super::Move)],
) -> Case {
    Case { point, policy, beside, set, moves }
}

pub const CASES: &[Case] = &[
    // Whole requests: nothing is drafted, and what the edge answers is answered less well.
    msao(
        "semantics",
        &[MANY],
        "policy.msao.semantics.route.static=0.3",
        &[
            ("drafted_tokens_per_request", Becomes(0.0)),
            ("served_by_cloud_pct", Falls(0.5)),
            ("accuracy_pct", Falls(0.95)),
            ("e2e_ms_mean", Falls(0.7)),
        ],
    ),
    msao(
        "semantics",
        &[MANY],
        "policy.msao.semantics.route.score={auc=0.95,cloud_share=0.3}",
        &[("drafted_tokens_per_request", Becomes(0.0)), ("served_by_cloud_pct", Falls(0.5))],
    ),
    msao(
        "semantics",
        &["arrivals.closed_loop.clients=4"],
        "policy.msao.semantics.route=join_shortest_queue",
        &[("drafted_tokens_per_request", Becomes(0.0)), ("served_by_cloud_pct", Falls(0.8))],
    ),
    // Every token counts, or only errors among the first eight would.
    msao(
        "semantics",
        &[MANY, "accuracy.critical_tokens=60"],
        "policy.msao.semantics=trust",
        &[
            ("accuracy_pct", Falls(0.9)),
            ("e2e_ms_mean", Falls(0.95)),
            ("tokens_per_round", Rises(1.1)),
            ("served_by_cloud_pct", Becomes(0.0)),
            ("drafted_tokens_per_request", Becomes(0.0)),
        ],
    ),
    // Frames are alike, so redundancy is 4 times novelty: with novelty in its place the MAS is lower and more is kept. The
    // bound on quality has to be out of the way, or it decides.
    msao(
        "mas.temporal_sign",
        &[VIDEO, PRUNES_MUCH],
        "policy.msao.mas.temporal_sign=literal",
        &[
            ("requests:mas_visual", Falls(0.97)),
            ("retention_mean", Rises(1.3)),
            ("cloud_tflop_per_request", Rises(1.2)),
            ("accuracy_pct", Rises(1.05)),
        ],
    ),
    msao(
        "mas.temporal_sign",
        &[VIDEO],
        "policy.msao.mas.temporal_sign=literal",
        &[("requests:mas_visual", Falls(0.97)), ("retention_mean", Rises(1.0))],
    ),
    // Of three modalities the softmax gives each a third, the sigmoid a half: the MAS falls, and more is kept.
    msao(
        "mas.relevance",
        &[VIDEO, PRUNES_MUCH],
        "policy.msao.mas.relevance=sigmoid",
        &[("requests:mas_visual", Falls(0.97)), ("retention_mean", Rises(1.3))],
    ),
    // Of two they are the same function.
    msao(
        "mas.relevance",
        &[PRUNES_MUCH],
        "policy.msao.mas.relevance=sigmoid",
        &[("retention_mean", Adds(0.0)), ("e2e_ms_mean", Same)],
    ),
    // Text costs few bytes and many FLOP: the quality that may be lost is spent on it instead of on the picture.
    msao(
        "mas.text_bound",
        &[LONG_TEXT],
        "policy.msao.mas.text_bound=literal",
        &[
            ("requests:retention_text", Falls(0.95)),
            ("retention_mean", Rises(1.1)),
            ("cloud_tflop_per_request", Falls(0.9)),
            ("uplink_mb_per_request", Rises(1.1)),
            ("ttft_ms_mean", Falls(0.97)),
        ],
    ),
    msao(
        "rho_meaning",
        &[],
        "policy.msao.plan.rho_meaning=token_merge",
        &[
            ("cloud_tflop_per_request", Falls(0.9)),
            ("edge_tflop_per_request", Falls(0.95)),
            ("ttft_ms_mean", Falls(0.98)),
        ],
    ),
    msao(
        "prune_stage",
        &[],
        "policy.msao.plan.prune_stage=post_vit",
        &[
            ("cloud_tflop_per_request", Rises(1.1)),
            ("edge_tflop_per_request", Rises(1.2)),
            ("uplink_mb_per_request", Rises(1.3)),
            ("ttft_ms_mean", Rises(1.1)),
        ],
    ),
    of(
        "cloud_only",
        "payload",
        &[],
        "workload.payload=rgb8",
        &[("uplink_mb_per_request", Rises(4.0)), ("ttft_ms_mean", Rises(1.1)), ("cloud_tflop_per_request", Same)],
    ),
    of("cloud_only", "payload", &[], "workload.payload=fp16_tensor", &[("uplink_mb_per_request", Rises(8.0))]),
    of("cloud_only", "payload", &[], "workload.payload=fp32_tensor", &[("uplink_mb_per_request", Rises(16.0))]),
    of(
        "cloud_only",
        "payload",
        &[],
        "workload.payload=vision_tokens",
        &[
            ("edge_tflop_per_request", Rises(1.0)),
            ("cloud_tflop_per_request", Falls(0.9)),
            ("uplink_mb_per_request", Rises(8.0)),
            ("edge_memory_gb_peak", Rises(1.0)),
        ],
    ),
    // 20 ms for each modality instead of 10 ms.
    of(
        "cloud_only",
        "t_comm_rtt",
        &[],
        "link.t_comm_rtt=literal",
        &[
            ("ttft_ms_mean", Adds(30.0)),
            ("e2e_ms_mean", Adds(30.0)),
            ("e2e_ms_renewal", Adds(30.0)),
            ("uplink_mb_per_request", Same),
        ],
    ),
    of(
        "cloud_only",
        "t_comm_rtt",
        &["workload.dataset=v1"],
        "link.t_comm_rtt=literal",
        &[("ttft_ms_mean", Adds(10.0))],
    ),
    of(
        "cloud_only",
        "t_comm_rtt",
        &["workload.dataset=v5"],
        "link.t_comm_rtt=literal",
        &[("ttft_ms_mean", Adds(50.0))],
    ),
    // A percentile of .316 nats lies below either cap.
    msao("entropy_units", &[], "policy.msao.theta.entropy_units=normalised", &[("e2e_ms_mean", Same)]),
    msao("entropy_units", &[], "policy.msao.theta.entropy_units=literal_cap1", &[("e2e_ms_mean", Same)]),
    msao(
        "entropy_units",
        &["policy.msao.theta.percentile=0.95"],
        "policy.msao.theta.entropy_units=literal_cap1",
        &[("tokens_per_round", Falls(0.95)), ("acceptance_rate", Rises(1.1))],
    ),
    // A draft model that knows next to nothing: its 90th percentile lies above ln V.
    msao(
        "entropy_units",
        &["tokens.ar1.median_nats=8", "tokens.ar1.deviation=0.5", "policy.msao.theta.percentile=0.9"],
        "policy.msao.theta.entropy_units=normalised",
        &[("drafted_tokens_per_request", Falls(0.99))],
    ),
    // A threshold that only falls stays down.
    msao(
        "theta.reset",
        &[EMA_ENTROPY],
        "policy.msao.theta.reset=persistent",
        &[("tokens_per_round", Falls(0.97)), ("e2e_ms_mean", Rises(1.01))],
    ),
    // Nothing brings it up again, or it cannot but fall, or it follows what is drafted, easy or hard.
    msao(
        "theta.accept_rule",
        &[MANY],
        "policy.msao.theta.accept_rule=static",
        &[("tokens_per_round", Falls(0.95)), ("e2e_ms_mean", Rises(1.05))],
    ),
    msao(
        "theta.accept_rule",
        &[MANY, "policy.msao.theta.min_percentile=0"],
        "policy.msao.theta.accept_rule=ema_entropy",
        &[("tokens_per_round", Falls(0.8)), ("e2e_ms_mean", Rises(1.2))],
    ),
    msao(
        "theta.accept_rule",
        &[MANY],
        "policy.msao.theta.accept_rule=quantile",
        &[("tokens_per_round", Rises(1.02)), ("acceptance_rate", Falls(0.98))],
    ),
    // A lower floor for a threshold that falls.
    msao(
        "theta.min",
        &[EMA_ENTROPY],
        "policy.msao.theta.min_percentile=0.05",
        &[("tokens_per_round", Falls(0.9)), ("e2e_ms_mean", Rises(1.1))],
    ),
    msao("theta.min", &[EMA_ENTROPY], "policy.msao.theta.min_percentile=0", &[("tokens_per_round", Falls(0.9))]),
    // A threshold at the median: floor(ln .2 / ln .5) = 2 tokens instead of 4.
    msao(
        "n_draft",
        &[EMA_ENTROPY],
        "policy.msao.n_draft=recompute",
        &[("tokens_per_round", Falls(0.99)), ("drafted_tokens_per_request", Falls(1.0))],
    ),
    msao(
        "n_draft",
        &[],
        "policy.msao.n_draft.fixed=1",
        &[("tokens_per_round", Falls(0.9)), ("wasted_tokens_per_request", Falls(0.95)), ("e2e_ms_mean", Rises(1.05))],
    ),
    msao(
        "n_draft",
        &[],
        "policy.msao.n_draft.fixed=8",
        &[("tokens_per_round", Rises(1.02)), ("drafted_tokens_per_request", Rises(1.02))],
    ),
    // It starts at one token, the length at which P_target is met with an acceptance of P_target.
    msao(
        "n_draft",
        &[],
        "policy.msao.n_draft=accept_target",
        &[("drafted_tokens_per_request", Falls(0.98)), ("ttft_ms_mean", Falls(0.98))],
    ),
    msao(
        "verify.time",
        &[],
        "policy.msao.verify.time=literal",
        &[
            ("e2e_ms_mean", Rises(1.05)),
            ("cloud_tflop_per_request", Rises(1.01)),
            ("cloud_utilisation_pct", Rises(1.1)),
            ("tokens_per_round", Same),
        ],
    ),
    msao(
        "verify.rtt",
        &[],
        "policy.msao.verify.rtt=none",
        &[("e2e_ms_mean", Falls(0.7)), ("tokens_per_round", Same), ("downlink_mb_per_request", Falls(0.5))],
    ),
    msao(
        "verify.rule",
        &[],
        "policy.msao.verify.rule.stochastic_topk=10",
        &[("uplink_mb_per_request", Rises(1.002)), ("tokens_per_round", Same)],
    ),
    msao(
        "verify.rule",
        &[],
        "policy.msao.verify.rule=full_distribution",
        &[("uplink_mb_per_request", Rises(20.0)), ("e2e_ms_mean", Rises(1.05)), ("tokens_per_round", Same)],
    ),
    msao(
        "draft_during_verify",
        &["link.rtt=100 ms"],
        "policy.msao.draft_during_verify.pipelined=3",
        &[
            ("e2e_ms_mean", Falls(0.97)),
            ("drafted_tokens_per_request", Rises(1.05)),
            ("wasted_tokens_per_request", Rises(1.05)),
        ],
    ),
    msao(
        "cache_at_low_confidence",
        &[],
        "policy.msao.cache_at_low_confidence=discard",
        &[
            ("drafted_tokens_per_request", Rises(1.1)),
            ("wasted_tokens_per_request", Rises(1.5)),
            ("e2e_ms_mean", Rises(1.2)),
        ],
    ),
    // Nothing is committed until the cache is full: the first token is late, and hardly a draft is lost.
    msao(
        "cache_at_low_confidence",
        &[],
        "policy.msao.cache_at_low_confidence=persist",
        &[("wasted_tokens_per_request", Falls(0.2)), ("tokens_per_round", Rises(1.5)), ("ttft_ms_mean", Rises(1.3))],
    ),
    msao(
        "low_confidence",
        &[],
        "policy.msao.low_confidence=continue",
        &[("acceptance_rate", Falls(0.9)), ("tokens_per_round", Rises(1.1)), ("e2e_ms_mean", Falls(0.9))],
    ),
    msao(
        "low_confidence",
        &[],
        "policy.msao.low_confidence=rest_on_cloud",
        &[
            ("drafted_tokens_per_request", Falls(0.2)),
            ("cloud_utilisation_pct", Rises(2.0)),
            ("tokens_per_round", Rises(5.0)),
        ],
    ),
    msao(
        "state_bytes",
        &[],
        "policy.msao.state_bytes=ids_only",
        &[("uplink_mb_per_request", Falls(0.7)), ("tokens_per_round", Same)],
    ),
    msao(
        "state_bytes",
        &[],
        "policy.msao.state_bytes=kv_delta",
        &[("uplink_mb_per_request", Rises(4.0)), ("e2e_ms_mean", Rises(1.005))],
    ),
    msao(
        "state_bytes",
        &[],
        "policy.msao.state_bytes=full_kv",
        &[("uplink_mb_per_request", Rises(500.0)), ("e2e_ms_mean", Rises(2.0))],
    ),
    msao(
        "bonus_token",
        &[MANY],
        "policy.msao.bonus_token=never",
        &[("tokens_per_round", Falls(0.98)), ("e2e_ms_mean", Rises(1.02))],
    ),
    // Solving is charged, and what is found is no better than the exact plan.
    msao("coarse_solver", &[], "policy.msao.plan.coarse_solver.gp_ei=50", &[("ttft_ms_mean", Rises(1.06))]),
    msao("coarse_solver", &[], "policy.msao.plan.coarse_solver.random=10000", &[("ttft_ms_mean", Rises(1.01))]),
    msao(
        "coarse_solver",
        &[],
        "policy.msao.plan.coarse_solver=none",
        &[
            ("retention_mean", Becomes(1.0)),
            ("cloud_tflop_per_request", Rises(1.3)),
            ("uplink_mb_per_request", Rises(1.2)),
            ("accuracy_pct", Rises(1.005)),
        ],
    ),
    // 50 x 50 x 8 us.
    msao(
        "planning_time",
        &["policy.msao.plan.coarse_solver.gp_ei=50"],
        "policy.msao.plan.planning_time=0 s",
        &[("ttft_ms_mean", Adds(-20.0)), ("e2e_ms_mean", Adds(-20.0)), ("retention_mean", Same)],
    ),
    of(
        "perllm",
        "perllm",
        &[],
        "policy.perllm.reading.layer_split=8",
        &[
            ("tpot_ms_mean", Rises(2.0)),
            ("served_by_cloud_pct", Becomes(100.0)),
            ("uplink_mb_per_request", Rises(10.0)),
            ("downlink_mb_per_request", Rises(2.0)),
        ],
    ),
    of(
        "perllm",
        "perllm",
        &[MANY],
        "policy.perllm.reading.static=0.6",
        &[("served_by_cloud_pct", Rises(1.5)), ("accuracy_pct", Rises(1.02))],
    ),
    msao(
        "memory_scope",
        &[],
        "memory_scope=paper",
        &[("memory_gb_peak", Falls(0.3)), ("edge_memory_gb_peak", Same), ("cloud_memory_gb_peak", Same)],
    ),
    of("cloud_only", "memory_scope", &[], "memory_scope=paper", &[("memory_gb_peak", Same)]),
    msao(
        "accuracy_bandwidth",
        &[MANY],
        "accuracy.deadline=1600 ms",
        &[("accuracy_pct", Falls(0.9)), ("e2e_ms_mean", Same)],
    ),
    msao("accuracy_bandwidth", &[], "accuracy.deadline=1 h", &[("accuracy_pct", Same)]),
    msao("engine", &[], "edge.engine=hf", &[("e2e_ms_mean", Rises(1.4)), ("cloud_utilisation_pct", Falls(0.8))]),
    msao("engine", &[], "edge.engine=graph", &[("e2e_ms_mean", Rises(1.02)), ("ttft_ms_mean", Rises(1.02))]),
    msao("engine", &[], "cloud.engine=hf", &[("e2e_ms_mean", Rises(1.1)), ("edge_utilisation_pct", Falls(0.95))]),
    msao("engine", &[], "cloud.engine=graph", &[("e2e_ms_mean", Rises(1.005)), ("tpot_ms_mean", Rises(1.005))]),
    of(
        "mindfusion",
        "mindfusion.layers_on_device",
        &[],
        "policy.mindfusion.layers_on_device=16",
        &[
            ("edge_tflop_per_request", Rises(1.3)),
            ("cloud_tflop_per_request", Falls(0.7)),
            ("edge_memory_gb_peak", Rises(1.4)),
            ("cloud_memory_gb_peak", Falls(0.8)),
            ("uplink_mb_per_request", Same),
        ],
    ),
    of(
        "mindfusion",
        "mindfusion.layers_on_device",
        &[],
        "policy.mindfusion.layers_on_device=2",
        &[
            ("edge_tflop_per_request", Falls(0.8)),
            ("cloud_tflop_per_request", Rises(1.2)),
            ("ttft_ms_mean", Falls(0.95)),
        ],
    ),
];
