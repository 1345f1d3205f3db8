//! The lines between the simulator and a policy from outside: one JSON object each, at version [`VERSION`].
//!
//! ```text
//! simulator: {"msao_sim":1,"seed":1,"replication":0,"entropy_nats":{"p50":0.17,"p70":0.31,"p90":1.2}}
//! policy:    {"msao_sim":1,"asks":["round"],"tells":["verdict"]}
//! simulator: {"ask":"round","request":0,"edge":0,"round":1,"elapsed_ms":60.4,"view":{"uplink_mbps":400.0,"rtt_ms":20.0,...}}
//! policy:    {"n_draft":3}
//! simulator: {"tell":"verdict","request":0,"edge":0,"round":1,"drafted":3,"accepted":2,"tokens":3,"round_ms":47.1}
//! ```
//!
//! Each `ask` wants one line, of which every key may be absent; a `tell` wants none.

use crate::speculation::LowConfidence;
use crate::testbed;
use model::{modality::Modality, request::Input};
use serde::{Deserialize, Serialize};
use units::SimDuration;

/// Version of the lines.
pub const VERSION: u32 = 1;

/// The first line of a run.
#[derive(Debug, Serialize)]
pub struct Hello {
    /// [`VERSION`].
    pub msao_sim: u32,
    /// Seed of the scenario.
    pub seed: u64,
    /// Number of the replication, from 0. A policy that draws at random seeds its generator with both.
    pub replication: u32,
    /// Entropy of the draft on the calibration set, nats.
    pub entropy_nats: Percentiles,
}

/// Percentiles of a quantity.
#[derive(Debug, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// The 70th, where MSAO's threshold begins.
    pub p70: f64,
    /// The 90th.
    pub p90: f64,
}

/// The answer to [`Hello`].
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Welcome {
    /// Version that the policy speaks.
    pub msao_sim: u32,
    /// Questions that it wants; the others take what was said last.
    pub asks: Vec<Ask>,
    /// News that it wants.
    pub tells: Vec<Tell>,
    /// Course of every request that is not asked about.
    pub course: Course,
}

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The course of a request.
    Request,
    /// The settings of a batch of drafts.
    Round,
    /// The step after a drafted token.
    Token,
}

/// A kind of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// A verdict has arrived.
    Verdict,
    /// A request has its answer.
    End,
}

/// A question.
#[derive(Debug, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Question {
    /// Wants a [`Course`].
    Request { request: u64, edge: u32, elapsed_ms: f64, prompt: Prompt, view: View, prices: Prices },
    /// Wants a [`Plan`]: the request was probed.
    Plan { request: u64, edge: u32, mas: Shares },
    /// Wants a [`Round`].
    Round { request: u64, edge: u32, round: u32, elapsed_ms: f64, view: View },
    /// Wants a [`Token`].
    Token { request: u64, edge: u32, round: u32, position: u32, drafted: u32, entropy_nats: f32 },
}

/// News, which want no answer.
#[derive(Debug, Serialize)]
#[serde(tag = "tell", rename_all = "snake_case")]
pub enum News {
    /// A verdict: so many of the drafts were accepted, and so many tokens of the answer are new.
    Verdict { request: u64, edge: u32, round: u32, drafted: u32, accepted: u32, tokens: u32, round_ms: f64 },
    /// A request has its answer.
    End { request: u64, edge: u32, elapsed_ms: f64 },
}

/// A prompt.
#[derive(Debug, Serialize)]
pub struct Prompt {
    pub text_tokens: u32,
    /// Pictures, or frames of a video.
    pub pictures: u32,
    pub picture_bytes: u64,
    pub sound_bytes: u64,
}

/// The platform as the edge observes it.
#[derive(Debug, Serialize)]
pub struct View {
    pub uplink_mbps: f64,
    pub rtt_ms: f64,
    /// Requests that wait or run on this edge's GPU.
    pub edge_requests: u32,
    /// Requests that wait or run in the cloud, a GPU.
    pub cloud_requests: f64,
    /// Tokens of KV cache that are free on this edge.
    pub edge_free_tokens: u64,
}

/// Times of a request on idle devices, ms.
#[derive(Debug, Serialize)]
pub struct Prices {
    pub edge_prefill_ms: f64,
    pub edge_token_ms: f64,
    pub cloud_prefill_ms: f64,
    pub cloud_token_ms: f64,
    pub upload_ms: f64,
}

/// One number for each modality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visual: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<f64>,
}

/// The course of a request.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Course {
    /// The tier that answers, or both.
    pub route: Route,
    /// `true` probes the request first, and asks for a plan.
    pub probe: bool,
    /// Share of the tokens of each modality that is kept: (0, 1].
    pub retention: Shares,
    /// Share of the bytes of each modality that compression removes: [0, 1).
    pub compression: Shares,
    /// Tokens of a batch.
    pub n_draft: u32,
    /// Batches in flight; 1 waits for each verdict.
    pub window: u32,
    /// Entropy above which a drafted token is not sure enough; none if absent.
    pub threshold_nats: Option<f32>,
    /// The course at such a token.
    pub low_confidence: LowConfidence,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            route: Route::default(),
            probe: false,
            retention: Shares::default(),
            compression: Shares::default(),
            n_draft: 4,
            window: 1,
            threshold_nats: None,
            low_confidence: LowConfidence::default(),
        }
    }
}

/// The tier that answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The edge drafts, the cloud verifies.
    #[default]
    Draft,
    /// The edge's model answers alone.
    Edge,
    /// The cloud's model answers alone.
    Cloud,
}

/// The plan of a probed request.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    pub retention: Shares,
    pub compression: Shares,
}

/// Settings of a batch; what is absent stays as it was.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Round {
    pub n_draft: Option<u32>,
    pub threshold_nats: Option<f32>,
}

/// The course after a drafted token.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Token {
    pub next: Next,
}

/// The edge's next step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// To draft another token, up to `n_draft`.
    #[default]
    Draft,
    /// To send the batch with this token.
    Send,
    /// To treat the token as not sure enough (`low_confidence`).
    Offload,
}

impl Shares {
    /// The number of a modality.
    pub fn of(&self, modality: Modality) -> Option<f64> {
        match modality {
            Modality::Text => self.text,
            Modality::Visual => self.visual,
            Modality::Audio => self.audio,
        }
    }
}

impl Prompt {
    /// The visible part of a prompt.
    pub fn of(prompt: &model::request::Prompt) -> Self {
        let bytes = |modality| if prompt.has(modality) { prompt.bytes(modality).as_u64() } else { 0 };
        Self {
            text_tokens: prompt.text_tokens,
            pictures: prompt.images.map_or(0, |images| images.count),
            picture_bytes: bytes(Modality::Visual),
            sound_bytes: bytes(Modality::Audio),
        }
    }
}

impl View {
    /// A view in its units.
    pub fn of(view: &testbed::View<'_>) -> Self {
        Self {
            uplink_mbps: view.uplink.as_u64() as f64 / 1e6,
            rtt_ms: ms(view.rtt),
            edge_requests: view.edge_requests,
            cloud_requests: view.cloud_requests,
            edge_free_tokens: view.edge_free_tokens,
        }
    }
}

impl Prices {
    /// The prices of a whole input.
    pub fn of(view: &testbed::View<'_>, input: &Input) -> Self {
        let token = |side: &dyn testbed::Prices| ms(side.token(side.prompt_tokens(input)));
        Self {
            edge_prefill_ms: ms(view.edge.prefill(input)),
            edge_token_ms: token(view.edge),
            cloud_prefill_ms: ms(view.cloud.prefill(input)),
            cloud_token_ms: token(view.cloud),
            upload_ms: ms(view.upload_time(input)),
        }
    }
}

/// A time in milliseconds.
pub fn ms(time: SimDuration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_modality_has_its_share() {
        let shares = Shares { text: Some(0.25), visual: Some(0.5), audio: None };
        assert_eq!(
            [Modality::Text, Modality::Visual, Modality::Audio].map(|of| shares.of(of)),
            [Some(0.25), Some(0.5), None]
        );
    }
}
