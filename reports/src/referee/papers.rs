//! A row a paper: how many of its claims come out, and what becomes of its headlines.

use crate::claims::{Judgement, VerdictKind, judgements};
use crate::frame::ReportError;
use std::path::PathBuf;

/// The papers: the platform of their claims, a system if a platform has claims of several papers, and how each is called.
const PAPERS: [(&str, Option<&str>, &str); 8] = [
    ("msao", Some("MoA-Off"), "MoA-Off (arXiv 2509.16995)"),
    ("msao", None, "MSAO (arXiv 2604.02945)"),
    ("mindfusion", None, "MindFusion"),
    ("spec_stop", None, "SpecStop (arXiv 2606.20591)"),
    ("specedge", None, "SpecEdge (arXiv 2505.17052)"),
    ("wisp", None, "WISP (arXiv 2601.11652)"),
    ("sled", None, "SLED (arXiv 2506.09397)"),
    ("distance", None, "Speculation at a Distance (arXiv 2606.25091)"),
];

/// A paper with the verdicts on its claims.
pub(super) struct Paper {
    pub name: &'static str,
    pub claims: usize,
    /// By kind of verdict, in the order of [`KINDS`].
    pub counts: [usize; 5],
    /// Its headlines, each with its verdict in words.
    pub headlines: Vec<String>,
}

/// The kinds of verdicts, in the order of the columns.
pub(super) const KINDS: [(VerdictKind, &str); 5] = [
    (VerdictKind::Reproduced, "reproduced"),
    (VerdictKind::OnlyUnder, "only under an assumption"),
    (VerdictKind::Missed, "missed"),
    (VerdictKind::NotTestable, "need other runs"),
    (VerdictKind::Input, "inputs"),
];

/// Every paper with claims, judged by these folders together.
pub(super) fn all(folders: &[PathBuf]) -> Result<Vec<Paper>, ReportError> {
    let judged = judgements(folders)?;
    let of_paper = |judgement: &Judgement| PAPERS.iter().position(|paper| is_of(judgement, paper));
    let papers = PAPERS.iter().enumerate().map(|(place, (_, _, name))| {
        let own: Vec<&Judgement> = judged.iter().filter(|judgement| of_paper(judgement) == Some(place)).collect();
        let count = |kind| own.iter().filter(|judgement| judgement.verdict.kind() == kind).count();
        let headline =
            |judgement: &&&Judgement| judgement.is_headline && judgement.verdict.kind() != VerdictKind::Input;
        let told =
            |judgement: &&Judgement| format!("{}, {}: {}", judgement.quantity, judgement.printed, judgement.verdict);
        Paper {
            name,
            claims: own.len(),
            counts: KINDS.map(|(kind, _)| count(kind)),
            headlines: own.iter().filter(headline).map(told).collect(),
        }
    });
    Ok(papers.filter(|paper| paper.claims > 0).collect())
}

fn is_of(judgement: &Judgement, (platform, system, _): &(&str, Option<&str>, &str)) -> bool {
    judgement.platform == *platform && system.is_none_or(|system| judgement.system == system)
}
