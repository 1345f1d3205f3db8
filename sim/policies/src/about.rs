//! Facts about a policy beside its course: used parts of the testbed, idle keys, checks, closed forms, notes, examples.
//! Each has a default, so that a new policy states only the facts that differ.

use crate::closed_form::{Alone, ClosedForms};
use crate::queue::{Verifier, Waiting};
use crate::settings::Idle;
use crate::testbed::Note;
use model::request::PayloadFormat;

/// Facts about a policy with its settings.
pub trait About: Default {
    /// The used parts of the testbed. By default all: then no key is called idle. A test runs each example and asks for
    /// just the parts that it used.
    fn uses(&self) -> Uses {
        Uses::ALL
    }
    /// Settings that have no effect beside the others on such requests, whatever their values.
    fn idle(&self, _: Asked) -> Vec<Idle> {
        Vec::new()
    }
    /// Refuses settings that make no sense: key and reason.
    fn check(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }
    /// True if it looks at the cloud's load of that moment, or has drafts verified that take no time on the link. Then edges and cloud
    /// cannot be simulated apart.
    fn needs_the_cloud_at_once(&self) -> bool {
        false
    }
    /// The cut through the cloud's model, for a policy that splits its layers.
    fn split(&self) -> Option<Split> {
        None
    }
    /// The model that drafts beside a tier's own, for a policy that asks for one.
    fn drafter(&self) -> Option<Drafter<'_>> {
        None
    }
    /// True if it orders the cloud's queue of drafts: then a GPU gets what [`next`](Self::next) takes, and nothing more until that is
    /// verified. Otherwise drafts go to the engine as they come.
    fn queues(&self) -> bool {
        false
    }
    /// The places of the waiting batches that a GPU of the cloud verifies next, oldest first among the waiting. It may take none, and is
    /// asked again when another comes or a client has gone.
    fn next(&self, waiting: &[Waiting], _: &Verifier<'_>) -> Vec<usize> {
        (0..waiting.len()).collect()
    }
    /// Size of the calibration set that a threshold starts from.
    fn calibration_samples(&self) -> u32 {
        500
    }
    /// Latencies by closed forms of a request that is alone on the platform. By default none, and their columns are empty.
    fn closed_forms(&self, _: &Alone<'_>) -> ClosedForms {
        ClosedForms::default()
    }
    /// True if it learns from requests what edges could share (`memory` of a scenario).
    fn learns(&self) -> bool {
        false
    }
    /// The decisions that it notes. A scenario with any has the table `decisions.parquet`.
    fn notes(&self) -> &'static [Note] {
        &[]
    }
    /// An example of each course that settings can give it, by name. The first one, without a name, has the defaults. Tests
    /// run all of them.
    fn examples() -> Vec<(&'static str, Self)> {
        vec![("", Self::default())]
    }
}

/// The parts of the testbed that a policy uses, with its settings as they are. A key that serves unused parts alone is
/// warned about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Runs a model on the edge's GPU: the edge's own, or layers of the cloud's.
    pub edge_model: bool,
    /// Gives answers of the edge's own model.
    pub edge_answers: bool,
    /// Sends anything to the cloud.
    pub cloud: bool,
    /// Sends pictures as the cloud model's vision tower encodes them, whatever `workload.payload` says.
    pub encodes: bool,
    /// Drafts tokens.
    pub drafts: bool,
    /// Commits tokens that nobody verifies.
    pub trusts: bool,
    /// Probes the inputs.
    pub probes: bool,
    /// Prunes or compresses the inputs, at a loss that is not published.
    pub prunes: bool,
    /// Prunes text too.
    pub prunes_text: bool,
}

impl Uses {
    /// Everything: true of any policy that is not known better.
    pub const ALL: Self = Self {
        edge_model: true,
        edge_answers: true,
        cloud: true,
        encodes: true,
        drafts: true,
        trusts: true,
        probes: true,
        prunes: true,
        prunes_text: true,
    };

    /// The same where pictures are sent as `payload`: encoded ones need the vision tower of the cloud's model on the edge.
    #[must_use]
    pub fn sending(self, payload: PayloadFormat) -> Self {
        let encodes = self.cloud && payload == PayloadFormat::VisionTokens;
        Self { edge_model: self.edge_model || encodes, ..self }
    }

    /// The parts that either of two policies uses.
    pub fn or(self, other: Self) -> Self {
        Self {
            edge_model: self.edge_model || other.edge_model,
            edge_answers: self.edge_answers || other.edge_answers,
            cloud: self.cloud || other.cloud,
            encodes: self.encodes || other.encodes,
            drafts: self.drafts || other.drafts,
            trusts: self.trusts || other.trusts,
            probes: self.probes || other.probes,
            prunes: self.prunes || other.prunes,
            prunes_text: self.prunes_text || other.prunes_text,
        }
    }
}

/// Contents that the requests of a workload may have beside text, as far as they are known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Pictures or a video.
    pub pictures: bool,
    /// Contents with neighbours in time: a video or sound.
    pub moves: bool,
    /// Anything at all.
    pub more_than_text: bool,
}

/// A small model that drafts for a tier's own on the same GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drafter<'p> {
    /// `true` if it is on the edges, `false` if it is in the cloud.
    pub on_edge: bool,
    /// Name of the model; that of the edges if none is named.
    pub model: Option<&'p str>,
    /// The key that it is named by.
    pub key: &'static str,
}

/// A cut through the cloud's model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Layers on the edge, counted from below.
    pub layers_on_edge: u32,
    /// `true` lets the cloud decode by itself, past the edge's layers (MindFusion's decoding shortcut).
    pub shortcut: bool,
    /// The key that the layers were set by.
    pub key: &'static str,
}
