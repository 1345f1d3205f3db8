use super::*;
use model::tokens::{TokenOutcome, TokenProcess};
use units::SimTime;

fn calibration() -> Calibration {
    Calibration::sample(&TokenProcess::default(), 500, 1)
}

fn verdict(accepted: u32, drafted: u32) -> Verdict {
    Verdict { accepted, drafted, committed: 0, last: None, token: None, ends: false, at: SimTime::ZERO }
}

fn draft(nats: f32) -> Draft {
    Draft { token: Default::default(), position: 0, entropy_nats: nats }
}

fn n_draft(settings: ThetaSettings, n_max: u32) -> u32 {
    settings.start(DraftLength::Line5, n_max, &calibration()).n_draft()
}

fn with(rule: AcceptRule) -> ThetaSettings {
    ThetaSettings { accept_rule: rule, ..ThetaSettings::default() }
}

#[test]
fn line_5_gives_four_at_the_papers_settings() {
    // floor(ln(1 - .8) / ln .7) = floor(4.51).
    assert_eq!((n_draft(ThetaSettings::default(), 5), n_draft(ThetaSettings::default(), 3)), (4, 3));
    let sure = ThetaSettings { percentile: Ratio::new(0.999), ..ThetaSettings::default() };
    assert_eq!(n_draft(sure, 7), 7);
    let unsure =
        ThetaSettings { percentile: Ratio::new(0.05), min_percentile: Ratio::ZERO, ..ThetaSettings::default() };
    assert_eq!(n_draft(unsure, 5), 1);
}

#[test]
fn it_decays_to_the_floor_and_recovers_with_acceptance() {
    let calibration = calibration();
    let settings = ThetaSettings::default();
    let mut theta = settings.start(DraftLength::Line5, 5, &calibration);
    let first = theta.now;
    theta.doubt();
    assert_eq!(theta.now, first * 0.95);
    (0..100).for_each(|_| theta.doubt());
    assert_eq!(theta.now, theta.least);
    (0..100).for_each(|_| theta.learn(&verdict(4, 4)));
    assert!((theta.now / first - 1.25).abs() < 1e-9, "all accepted: 1 / .8 of the first threshold");
    (0..100).for_each(|_| theta.learn(&verdict(2, 4)));
    assert!((theta.now / first - 0.625).abs() < 1e-6 || theta.now == theta.least);
    let before = theta.now;
    theta.learn(&verdict(0, 0));
    assert_eq!(theta.now, before, "a verdict on nothing teaches nothing");
}

#[test]
fn the_literal_rule_only_falls() {
    let calibration = calibration();
    let settings = ThetaSettings { min_percentile: Ratio::ZERO, ..with(AcceptRule::EmaEntropy) };
    let mut theta = settings.start(DraftLength::Line5, 5, &calibration);
    for _ in 0..50 {
        let before = theta.now;
        // Four accepted tokens, spread evenly below the threshold.
        let drafts: Vec<Draft> = (1..=4).map(|part| draft(theta.nats() * part as f32 / 4.0)).collect();
        theta.sent(&drafts);
        theta.learn(&verdict(4, 4));
        assert!(theta.now < before);
    }
    assert!(theta.now < 0.01 * theta.first, "{}", theta.now);
}

#[test]
fn static_stays_and_quantile_follows_what_is_drafted() {
    let calibration = calibration();
    let (still, follows) = (with(AcceptRule::Static), with(AcceptRule::Quantile));
    let mut still = still.start(DraftLength::Line5, 5, &calibration);
    still.learn(&verdict(1, 4));
    assert_eq!(still.now, still.first);
    let mut follows = follows.start(DraftLength::Line5, 5, &calibration);
    for part in 1..=200u8 {
        follows.is_confident(&draft(f32::from(part) / 100.0));
    }
    follows.learn(&verdict(4, 4));
    // The 70th percentile of 1.37 to 2.00: the 45th of 64.
    assert!((follows.now - 1.81).abs() < 1e-6, "{}", follows.now);
}

#[test]
fn caps_bind_only_where_they_lie_below_the_percentile() {
    let calibration = calibration();
    let high = |entropy_units| {
        let settings = ThetaSettings { percentile: Ratio::new(0.95), entropy_units, ..ThetaSettings::default() };
        settings.start(DraftLength::Line5, 5, &calibration).now
    };
    assert!(high(EntropyUnits::Nats) > 1.2);
    assert_eq!((high(EntropyUnits::Normalised), high(EntropyUnits::LiteralCap1)), (high(EntropyUnits::Nats), 1.0));
}

#[test]
fn lengths_of_batches() {
    let calibration = calibration();
    let settings = ThetaSettings::default();
    let start = |length| settings.start(length, 5, &calibration);
    assert_eq!(start(DraftLength::Fixed(9)).n_draft(), 9);
    // Acceptance starts at P_target: one token is accepted with just that probability.
    let mut by_acceptance = start(DraftLength::AcceptTarget);
    assert_eq!(by_acceptance.n_draft(), 1);
    (0..20).for_each(|_| by_acceptance.learn(&verdict(4, 4)));
    assert_eq!(by_acceptance.n_draft(), 5);
    let mut again = start(DraftLength::Recompute);
    (0..100).for_each(|_| again.doubt());
    // At the median: floor(ln .2 / ln .5) = 2.
    assert_eq!((again.n_draft(), start(DraftLength::Line5).n_draft()), (2, 4));
}

/// Entropies of 1 to `n` nats, one token each: the share `p` of them stays at or below `p n`.
fn whole_nats(n: u8) -> Calibration {
    let token = |nats| TokenOutcome { entropy_nats: f32::from(nats), agrees: true };
    Calibration::of((1..=n).map(token).collect())
}

fn near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-12, "{got}, not {want}");
}

/// theta after each of three verdicts (accepted, drafted). It starts at 7 of 1 to 10 nats, the 70th percentile.
#[test]
fn theta_after_one_two_and_three_verdicts_by_hand() {
    let ten = whole_nats(10);
    let aims_at_half = ThetaSettings { p_target: Ratio::new(0.5), ..ThetaSettings::default() };
    let forgets = ThetaSettings { acceptance_weight: Ratio::ONE, ..ThetaSettings::default() };
    let table = [
        // A: .8 + .3 (.5 - .8) = .71, then .71 + .3 (1 - .71) = .797, then .797 + .3 (0 - .797) = .5579.
        // theta: .7 x 7 + .3 x 7 x .71 / .8 = 6.76375, .7 x 6.76375 + 2.1 x .797 / .8 = 6.82675,
        // .7 x 6.82675 + 2.1 x .5579 / .8 = 6.2432125.
        (ThetaSettings::default(), [(2, 4), (4, 4), (0, 3)], [6.76375, 6.82675, 6.2432125]),
        // A: .5 + .3 x .5 = .65, .755, .8285, so A / P_target is 1.3 and more: bounded by 1.25.
        // theta: .7 x 7 + .3 x 7 x 1.25 = 7.525, .7 x 7.525 + 2.625 = 7.8925, .7 x 7.8925 + 2.625 = 8.14975.
        (aims_at_half, [(4, 4); 3], [7.525, 7.8925, 8.14975]),
        // A is the newest verdict alone: .75, 1, .5.
        // theta: 4.9 + 2.1 x .75 / .8 = 6.86875, .7 x 6.86875 + 2.1 / .8 = 7.433125,
        // .7 x 7.433125 + 2.1 x .5 / .8 = 6.5156875.
        (forgets, [(3, 4), (2, 2), (1, 2)], [6.86875, 7.433125, 6.5156875]),
        // Nothing drafted teaches nothing, and a static threshold stays.
        (ThetaSettings::default(), [(0, 0); 3], [7.0; 3]),
        (with(AcceptRule::Static), [(0, 4), (4, 4), (1, 4)], [7.0; 3]),
    ];
    for (settings, verdicts, want) in table {
        let mut theta = settings.start(DraftLength::Line5, 5, &ten);
        near(theta.now, 7.0);
        for ((accepted, drafted), want) in verdicts.into_iter().zip(want) {
            theta.learn(&verdict(accepted, drafted));
            near(theta.now, want);
            assert_eq!((theta.nats(), theta.theta_nats()), (want as f32, want as f32));
        }
    }
}

/// The literal rule: each row is a batch's entropies, the number accepted, and theta afterwards.
#[test]
fn theta_by_the_mean_entropy_of_accepted_tokens_by_hand() {
    let (ten, settings) =
        (whole_nats(10), ThetaSettings { min_percentile: Ratio::ZERO, ..with(AcceptRule::EmaEntropy) });
    let mut theta = settings.start(DraftLength::Line5, 5, &ten);
    let rounds: [(&[f32], u32, f64); 3] = [
        (&[1.0, 2.0, 6.0], 2, 5.35),  // .7 x 7 + .3 x (1 + 2) / 2
        (&[3.0, 5.0, 4.0], 3, 4.945), // .7 x 5.35 + .3 x (3 + 5 + 4) / 3
        (&[3.0, 1.0], 0, 4.945),      // no accepted token, no mean
    ];
    for (batch, accepted, want) in rounds {
        theta.sent(&batch.iter().map(|&nats| draft(nats)).collect::<Vec<_>>());
        theta.learn(&verdict(accepted, batch.len() as u32));
        near(theta.now, want);
    }
    // A rejection voids the later batch in flight, so the next verdict is on the batch sent after it.
    [&[1.0, 1.0][..], &[9.0]].into_iter().for_each(|batch: &[f32]| {
        theta.sent(&batch.iter().map(|&nats| draft(nats)).collect::<Vec<_>>());
    });
    theta.learn(&verdict(1, 2));
    near(theta.now, 0.7 * 4.945 + 0.3);
    theta.sent(&[draft(2.0)]);
    theta.learn(&verdict(1, 1));
    near(theta.now, 0.7 * (0.7 * 4.945 + 0.3) + 0.3 * 2.0);
}

#[test]
fn theta_by_the_percentile_of_what_is_drafted_by_hand() {
    let (ten, settings) = (whole_nats(10), with(AcceptRule::Quantile));
    let mut theta = settings.start(DraftLength::Line5, 5, &ten);
    theta.learn(&verdict(4, 4));
    near(theta.now, 7.0); // nothing was drafted yet
    [9.0, 6.0, 8.0].into_iter().for_each(|nats| {
        theta.is_confident(&draft(nats));
    });
    theta.learn(&verdict(0, 3));
    near(theta.now, 9.0); // rank ceil(.7 x 3) = 3 of 6, 8, 9
    theta.is_confident(&draft(5.5));
    theta.learn(&verdict(1, 1));
    near(theta.now, 8.0); // rank ceil(.7 x 4) = 3 of 5.5, 6, 8, 9
}

#[test]
fn a_token_is_confident_up_to_theta_itself() {
    let (ten, settings) = (whole_nats(10), ThetaSettings::default());
    let mut theta = settings.start(DraftLength::Line5, 5, &ten);
    assert_eq!([6.9, 7.0, 7.1].map(|nats| theta.is_confident(&draft(nats))), [true, true, false]);
}

#[test]
fn doubt_shrinks_theta_by_delta_down_to_its_floor() {
    let (ten, settings) = (whole_nats(10), ThetaSettings::default());
    let mut theta = settings.start(DraftLength::Line5, 5, &ten);
    // 7 x .95^k until the median, 5 nats: 7 x .95^7 = 4.888.
    for want in [6.65, 6.3175, 6.001625, 5.70154375, 5.4164665625, 5.145643234375, 5.0, 5.0] {
        theta.doubt();
        near(theta.now, want);
    }
}

#[test]
fn n_draft_by_hand() {
    // (P_target, percentile, N_max, N_draft): min(floor(ln(1 - P_target) / ln P_conf), N_max), at least 1.
    let table = [
        (0.8, 0.7, 99, 4),   // ln .2 / ln .7 = -1.609 / -.357 = 4.51
        (0.8, 0.7, 3, 3),    // N_max binds
        (0.8, 0.9, 99, 15),  // -1.609 / -.105 = 15.28
        (0.8, 0.5, 99, 2),   // -1.609 / -.693 = 2.32
        (0.8, 0.1, 99, 1),   // -1.609 / -2.303 = .70
        (0.9, 0.7, 99, 6),   // -2.303 / -.357 = 6.46
        (0.5, 0.8, 99, 3),   // -.693 / -.223 = 3.11
        (0.8, 0.95, 99, 99), // the greatest entropy: P_conf is 1, so only N_max binds
    ];
    for (p_target, percentile, n_max, want) in table {
        let (p_target, percentile) = (Ratio::new(p_target), Ratio::new(percentile));
        let settings = ThetaSettings { p_target, percentile, min_percentile: Ratio::ZERO, ..ThetaSettings::default() };
        let ten = whole_nats(10);
        assert_eq!(settings.start(DraftLength::Line5, n_max, &ten).n_draft(), want, "{p_target:?} {percentile:?}");
    }
}

#[test]
fn n_draft_follows_theta_or_the_acceptance_rate_by_hand() {
    let (ten, settings) = (whole_nats(10), ThetaSettings::default());
    let start = |length| settings.start(length, 9, &ten);
    // theta 6.65: P_conf is .6, and ln .2 / ln .6 = 3.15. Line 5 stands once for the request.
    let (mut once, mut anew) = (start(DraftLength::Line5), start(DraftLength::Recompute));
    [&mut once, &mut anew].into_iter().for_each(Gate::doubt);
    assert_eq!((once.n_draft(), anew.n_draft()), (4, 3));
    // A: .8, .86, .902, .9314, and ln .8 / ln A: 1, 1.48, 2.16, 3.14.
    let mut by_acceptance = start(DraftLength::AcceptTarget);
    let lengths = [1, 2, 3].map(|_| {
        by_acceptance.learn(&verdict(4, 4));
        by_acceptance.n_draft()
    });
    assert_eq!(lengths, [1, 2, 3]);
    // Another request's end: 5 nats, half of the tokens, ln .2 / ln .5 = 2.32.
    once.resume(5.0);
    assert_eq!((once.nats(), once.n_draft()), (5.0, 2));
}

#[test]
fn the_cap_of_each_unit_of_entropy() {
    // Of 1 to 20 nats the 70th percentile is 14. A vocabulary of 151,936 tokens has at most ln 151,936 = 11.93 nats.
    let twenty = whole_nats(20);
    for (entropy_units, cap) in
        [(EntropyUnits::Nats, 14.0), (EntropyUnits::Normalised, 11.93), (EntropyUnits::LiteralCap1, 1.0)]
    {
        let settings = ThetaSettings { entropy_units, p_target: Ratio::new(0.5), ..ThetaSettings::default() };
        let mut theta = settings.start(DraftLength::Line5, 5, &twenty);
        near(theta.now, cap);
        // A recovery to 1.25 of the first threshold stays below the cap as well: .7 x 14 + .3 x 14 x 1.25 = 15.05.
        theta.learn(&verdict(4, 4));
        near(theta.now, if entropy_units == EntropyUnits::Nats { 15.05 } else { cap });
    }
}

#[test]
fn settings_without_sense_are_refused_by_key() {
    let default = ThetaSettings::default();
    let (zero, one) = (Ratio::ZERO, Ratio::ONE);
    let refused = |settings: ThetaSettings| settings.check().err().map(|(key, _)| key);
    let table = [
        (default, None),
        (ThetaSettings { percentile: one, ..default }, Some("theta.percentile")),
        (ThetaSettings { p_target: zero, ..default }, Some("theta.p_target")),
        (ThetaSettings { calibration_samples: 0, ..default }, Some("theta.calibration_samples")),
        (ThetaSettings { calibration_samples: 1_000_001, ..default }, Some("theta.calibration_samples")),
        (ThetaSettings { calibration_samples: 1_000_000, ..default }, None),
        (ThetaSettings { min_percentile: Ratio::new(0.71), ..default }, Some("theta.min_percentile")),
        (ThetaSettings { min_percentile: default.percentile, ..default }, None),
    ];
    for (settings, want) in table {
        assert_eq!(refused(settings), want, "{settings:?}");
    }
    let lengths = [DraftLength::Fixed(0), DraftLength::Fixed(1), DraftLength::Line5];
    assert_eq!(lengths.map(|length| length.check().is_ok()), [false, true, true]);
}

#[test]
fn a_key_is_idle_where_neither_the_rule_nor_the_length_reads_it() {
    use {AcceptRule::*, DraftLength::*};
    let (weight, target) = ("theta.acceptance_weight", "theta.p_target");
    let table: [(AcceptRule, DraftLength, bool, &[&str]); 7] = [
        (EmaRecover, Fixed(4), true, &[]),
        (Static, AcceptTarget, false, &[]),
        (Static, AcceptTarget, true, &[weight, target]),
        (Static, Line5, false, &[weight]),
        (Static, Line5, true, &[weight, target]),
        (Quantile, Fixed(4), false, &[weight, target]),
        (EmaEntropy, Recompute, false, &[weight]),
    ];
    for (rule, length, trusts, want) in table {
        let idle: Vec<_> = with(rule).idle(length, trusts).iter().map(|(key, _)| *key).collect();
        assert_eq!(idle, want, "{rule:?} {length:?} {trusts}");
    }
}
