//! Eq. 8, 13 and 14, worked by hand.

use super::*;
use crate::Verify;
use crate::speculation::{CacheAtLowConfidence, LowConfidence, StateSize, Unsure};
use crate::testbed::Prices;
use model::{
    accuracy::PruningLoss,
    audio::Audio,
    published::Benchmark,
    request::{ImageSize, Images},
    tokens::TokenProcess,
};
use units::BitsPerSecond;

/// Milliseconds of the prefill and of a token, whatever the input and the context.
struct Fixed(u64, u64);

impl Prices for Fixed {
    fn prefill(&self, _: &Input) -> SimDuration {
        SimDuration::from_ms(self.0)
    }
    fn token(&self, _: u64) -> SimDuration {
        SimDuration::from_ms(self.1)
    }
    fn verify(&self, _: u64, _: u64) -> SimDuration {
        SimDuration::from_ms(self.1)
    }
    fn probe(&self, _: &Prompt) -> SimDuration {
        SimDuration::ZERO
    }
    fn prompt_tokens(&self, _: &Input) -> u64 {
        0
    }
    fn hidden_bytes(&self) -> Bytes {
        Bytes::ZERO
    }
    fn kv_bytes(&self) -> Bytes {
        Bytes::ZERO
    }
    fn encoded_bytes(&self, _: &Prompt) -> Bytes {
        Bytes::ZERO
    }
    fn encode(&self, _: &Prompt) -> SimDuration {
        SimDuration::ZERO
    }
    fn prompt_state_bytes(&self, _: &Input, _: Ratio) -> Bytes {
        Bytes::ZERO
    }
}

/// A request of 120 bytes of text, 160,000 of a picture and 40,000 of sound, of which 1 takes a microsecond, and a
/// round trip of 20 ms. The cloud reads it in 300 ms and makes a token in 5; the edge takes so many milliseconds and 10.
/// Its answer has 10 tokens.
fn with<T>(edge_ms: u64, rtt_per_modality: bool, act: impl FnOnce(&Alone<'_>) -> T) -> T {
    let size = ImageSize::Pixels { width: 640, height: 480 };
    let images = Images { count: 1, size, payload: Bytes::new(160_000), moving: false, encoded: false };
    let audio = Some(Audio::lasting(SimDuration::from_secs(5)));
    let input = Input::whole(Prompt { request: 0, text_tokens: 30, images: Some(images), audio });
    let calibration = Calibration::sample(&TokenProcess::default(), 10, 1);
    let (pruning, benchmark) = (PruningLoss::default(), Benchmark::Other);
    let briefing = Briefing { seed: 1, replication: 0, calibration: calibration.clone().into(), pruning, benchmark };
    let view = View {
        platform: 0,
        uplink: BitsPerSecond::from_mbps(8),
        rtt: SimDuration::from_ms(20),
        way_up: SimDuration::from_ms(10),
        rtt_per_modality,
        edge_requests: 0,
        cloud_requests: 0.0,
        edge_free_tokens: 1 << 20,
        edge: &Fixed(edge_ms, 10),
        cloud: &Fixed(300, 5),
    };
    let preprocess = SimDuration::from_ms(1);
    act(&Alone { view, input: &input, output_tokens: 10, preprocess, tokens: &&calibration, briefing: &briefing })
}

#[test]
fn eq_8_by_hand() {
    // .12 + 160 + 40 ms of bytes, and a round trip for each of three modalities, or half of one.
    let us = SimDuration::from_us;
    assert_eq!(with(0, false, |alone| alone.printed_upload()), us(260_120));
    assert_eq!(with(0, true, |alone| alone.view.upload_time(alone.input)), us(260_120));
    assert_eq!(with(0, false, |alone| alone.view.upload_time(alone.input)), us(210_120));
}

#[test]
fn eq_13_and_14_by_hand() {
    let state =
        StateSize { fixed: Bytes::new(1000), per_new_token: Bytes::ZERO, per_token: Bytes::ZERO, prompt_tokens: 0 };
    let unsure = Unsure { then: LowConfidence::Wait, cache: CacheAtLowConfidence::Flush, state };
    let verify = Verify { one_by_one: false, off_the_link: false, token_bytes: Bytes::new(8) };
    let speculation = Speculation { window: 1, bonus: true, verify, unsure };
    // A round of N_draft = 4: T_draft = 4 x 10 ms, T_verify = 4 x 5 ms, and T_offload = 1 + 20 + 5 ms.
    // (edge's prefill, P_conf, seconds)
    let table = [
        // max(.5, .3 + .26012) + 4 (.04 + .75 x .02) + .25 x .026; E[N_spec] = 1 / (1 - .75) = 4.
        (500, 0.75, 0.56012 + 0.22 + 0.0065),
        (500, 0.5, 0.56012 + 2.0 * (0.04 + 0.01) + 0.013),
        (900, 0.75, 0.9 + 0.22 + 0.0065),
        // No token is sure: a round each, none of it verified.
        (500, 0.0, 0.56012 + 0.04 + 0.026),
        // Every token is: Eq. 13 diverges, and the answer's 10 tokens bound it.
        (500, 1.0, 0.56012 + 10.0 * (0.04 + 0.02)),
    ];
    for (edge_ms, confident, want) in table {
        let drafting = Drafting { n_draft: 4, confident, acceptance: 0.8, speculation: &speculation };
        let got = with(edge_ms, false, |alone| alone.drafting(&drafting).eq14_s.unwrap());
        assert!((got - want).abs() < 1e-9, "{edge_ms} {confident}: {got}, not {want}");
    }
}

/// Seconds as printed, and in the renewal form.
#[track_caller]
fn assert_forms(got: &ClosedForms, eq14_s: f64, renewal_s: f64) {
    let is_near = |got: Option<f64>, want: f64| got.is_some_and(|got| (got - want).abs() < 1e-9);
    assert!(is_near(got.eq14_s, eq14_s) && is_near(got.renewal_s, renewal_s), "{got:?}, not {eq14_s} and {renewal_s}");
}

#[test]
fn systems_that_do_not_draft_by_hand() {
    // Upload .26012 or .21012 s, prefill .3, ten tokens of .005; then preprocessing, nine tokens behind the first, and
    // half a round trip for the last.
    with(500, false, |alone| {
        assert_forms(&alone.on_cloud(), 0.26012 + 0.3 + 0.05, 0.001 + 0.21012 + 0.3 + 0.045 + 0.01)
    });
    with(500, false, |alone| assert_forms(&alone.on_edge(), 0.5 + 0.1, 0.001 + 0.5 + 0.09));
    // Both prefills and a round trip; then nine tokens in the cloud, or on both sides with a round trip each.
    let first = 0.5 + 0.3 + 0.02;
    let split = |shortcut, rest: f64| {
        let forms = with(500, false, |alone| alone.split(Ratio::ONE, shortcut));
        assert_forms(&forms, first + rest, first + rest + 0.001);
    };
    split(true, 9.0 * 0.005);
    split(false, 9.0 * (0.01 + 0.005 + 0.02));
}

#[test]
fn forms_are_mixed_and_delayed() {
    let mixed = ClosedForms::of(1.0, 2.0).mixed(&ClosedForms::of(3.0, 6.0), 0.25);
    assert_forms(&mixed, 2.5, 5.0);
    assert_forms(&mixed.after(SimDuration::from_ms(500)), 2.5, 5.5);
    assert_eq!(mixed.mixed(&ClosedForms::default(), 0.5), ClosedForms::default());
}
