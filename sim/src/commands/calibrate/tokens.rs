//! `sim calibrate --tokens`: fits the two-state token process to recorded tokens, and holds it to requests that it has not
//! seen.
//!
//! Entropies first (share of hard tokens, persistence, the two means, and their spread where that is not gamma's), by the
//! likelihood of the hidden chain; then how acceptance falls with entropy, by the likelihood of the verdicts. One request in five is
//! withheld, whole.

use super::args::Args;
use crate::results::whole_file;
use crate::scenario::profile::tokens::{FORMAT, HeldOut, TokenProfile};
use crate::scenario::profile::{SourceFile, to_digits};
use crate::terminal::{Failure, say};
use argmin::core::{CostFunction, Error, Executor, State};
use argmin::solver::neldermead::NelderMead;
use kernel::Streams;
use model::token_likelihood::{entropy_log_likelihood, verdict_log_likelihood};
use model::tokens::{TokenProcess, TwoState};
use serde_json::json;
use tables::{RecordedToken, read_tokens};
use units::{Ratio, quantile};

/// Requests, and tokens, that a fit takes at least.
const LEAST_REQUESTS: usize = 10;
const LEAST_TOKENS: usize = 200;

/// Tokens that a fit looks at, at most: of more every so many requests.
const MOST_TOKENS: usize = 30_000;

/// One request in so many is withheld.
const ONE_IN: usize = 5;

/// The first places of the ranges that acceptance is told of.
const POSITIONS: [usize; 4] = [0, 4, 16, 64];
const QUANTILES: [f64; 4] = [0.25, 0.5, 0.7, 0.9];

/// Recorded tokens by request.
pub type Requests = Vec<Vec<RecordedToken>>;

/// Runs it.
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut requests = Requests::new();
    let mut source = Vec::new();
    for folder in &args.folders {
        let path = folder.join("tokens.parquet");
        if !path.is_file() {
            let expected = "expected a results folder with tokens.parquet; run the scenario with --tokens";
            return Err(Failure::refused(format!("{}: found no tokens.parquet; {expected}", folder.display())));
        }
        requests.extend(read_tokens(&path)?);
        source.push(SourceFile::of(&path)?);
    }
    let tokens: usize = requests.iter().map(Vec::len).sum();
    if requests.len() < LEAST_REQUESTS || tokens < LEAST_TOKENS {
        let found = format!("{} requests with {tokens} verified tokens", requests.len());
        let expected = format!("expected at least {LEAST_REQUESTS} with {LEAST_TOKENS}; run more requests");
        return Err(Failure::refused(format!("{}: found {found}; {expected}", args.folders[0].display())));
    }
    let (seen, unseen) = split(requests);
    let two_state = fit(&thinned(&seen));
    let held_out = held_out(&two_state, &unseen);
    let profile = TokenProfile {
        format: FORMAT.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        two_state,
        held_out,
        source,
    };
    if let Some(out) = &args.out {
        let head = "# A token process, fitted by `sim calibrate --tokens`. A scenario uses it with `tokens.profile = \"FILE\"`.\n\n";
        whole_file::write(out, &(head.to_owned() + &toml::to_string(&profile).expect("TOML")))?;
        say(format_args!("the token process in {}", out.display()));
    }
    crate::terminal::print(&if args.json { json(&profile) } else { text(&profile) })
}

/// Requests for the fit, and the withheld ones: by their number, mixed, which tells nothing of them.
fn split(requests: Requests) -> (Requests, Requests) {
    let keyed = Streams::new(0).keyed("calibrate/tokens", 0);
    let mut order: Vec<(u64, Vec<RecordedToken>)> =
        requests.into_iter().enumerate().map(|(number, tokens)| (keyed.bits(number as u64), tokens)).collect();
    order.sort_by_key(|(hash, _)| *hash);
    let count = order.len() / ONE_IN;
    let mut all: Requests = order.into_iter().map(|(_, tokens)| tokens).collect();
    let seen = all.split_off(count);
    (seen, all)
}

fn thinned(requests: &Requests) -> Requests {
    let tokens: usize = requests.iter().map(Vec::len).sum();
    requests.iter().step_by(tokens.div_ceil(MOST_TOKENS).max(1)).cloned().collect()
}

fn entropies(requests: &Requests) -> Vec<Vec<f64>> {
    requests.iter().map(|tokens| tokens.iter().map(|token| f64::from(token.entropy_nats)).collect()).collect()
}

fn verdicts(requests: &Requests) -> Vec<(f64, bool)> {
    requests.iter().flatten().map(|token| (f64::from(token.entropy_nats), token.accepted)).collect()
}

/// The likeliest process of some requests.
pub fn fit(requests: &Requests) -> TwoState {
    let found = fit_entropies(&entropies(requests));
    let verdicts = verdicts(requests);
    let accepting = |z: &[f64]| TwoState {
        accept_peak: Ratio::new(to_digits(squashed(z[0]))),
        accept_half_nats: to_digits(libm::exp(z[1].clamp(-8.0, 6.0))),
        accept_power: to_digits(libm::exp(z[2].clamp(-3.0, 3.0))),
        ..found
    };
    let from = vec![unsquashed(0.98), libm::log(found.accept_half_nats), libm::log(found.accept_power)];
    accepting(&minimised(from, |z| -verdict_log_likelihood(&accepting(z), &verdicts)))
}

/// The likeliest entropies: gamma, or lognormal where that is worth two more numbers (Schwarz's criterion).
fn fit_entropies(entropies: &[Vec<f64>]) -> TwoState {
    let likelihood = |chain: &TwoState| entropy_log_likelihood(chain, entropies);
    let likeliest = |from| chain(&minimised(from, |z| -likelihood(&chain(z))));
    let gamma = likeliest(coordinates(&TwoState::default()));
    // A gamma law of shape 2 has about the spread of a lognormal one of this deviation.
    let like_gamma = TwoState { easy_deviation: Some(0.8), hard_deviation: Some(0.8), ..gamma };
    let lognormal = likeliest(coordinates(&like_gamma));
    let tokens = entropies.iter().map(Vec::len).sum::<usize>() as f64;
    let worth = likelihood(&lognormal) - likelihood(&gamma) > libm::log(tokens) / tokens;
    if worth { lognormal } else { gamma }
}

/// The coordinates of a process, in which any point is a process: see [`chain`].
fn coordinates(of: &TwoState) -> Vec<f64> {
    let mut z = vec![
        unsquashed(of.hard_alpha / (of.hard_alpha + of.hard_beta)),
        libm::log(of.hard_alpha + of.hard_beta),
        unsquashed((of.stay.as_f64() / 0.98).clamp(1e-3, 1.0 - 1e-3)),
        libm::log(of.easy_entropy_nats),
        libm::log(of.hard_entropy_nats),
    ];
    z.extend([of.easy_deviation, of.hard_deviation].into_iter().flatten().map(libm::log));
    z
}

/// The process of some [`coordinates`]. Shares of hard tokens are a mean and a weight there, which are less entangled than the two
/// parameters of their law.
fn chain(z: &[f64]) -> TwoState {
    let (mean, weight) = (squashed(z[0]), libm::exp(z[1].clamp(-1.0, 5.0)));
    let deviation = |at: usize| z.get(at).map(|log| to_digits(libm::exp(log.clamp(-2.0, 1.5))));
    TwoState {
        // Below a half the law is all at its ends, and the likelihood is integrated too coarsely to tell.
        hard_alpha: to_digits((mean * weight).max(0.5)),
        hard_beta: to_digits(((1.0 - mean) * weight).max(0.5)),
        stay: Ratio::new(to_digits(0.98 * squashed(z[2]))),
        easy_entropy_nats: to_digits(libm::exp(z[3].min(z[4]))),
        hard_entropy_nats: to_digits(libm::exp(z[3].max(z[4]))),
        easy_deviation: deviation(5),
        hard_deviation: deviation(6),
        ..TwoState::default()
    }
}

fn squashed(z: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-z.clamp(-12.0, 12.0)))
}

fn unsquashed(share: f64) -> f64 {
    libm::log(share / (1.0 - share))
}

struct Cost<F>(F);

impl<F: Fn(&[f64]) -> f64> CostFunction for Cost<F> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Vec<f64>) -> Result<f64, Error> {
        Ok((self.0)(at))
    }
}

/// The point at which a function is least, near a start. The search begins once more from its end.
fn minimised(from: Vec<f64>, cost: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let mut at = from;
    for step in [0.7, -0.3] {
        let corner = |axis: usize| {
            let mut corner = at.clone();
            corner[axis] += step;
            corner
        };
        let corners = std::iter::once(at.clone()).chain((0..at.len()).map(corner)).collect();
        let solver = NelderMead::new(corners).with_sd_tolerance(1e-7).expect("a tolerance above 0");
        let searched = Executor::new(Cost(&cost), solver)
            .configure(|state| state.max_iters(80 * at.len() as u64))
            .timer(false)
            .ctrlc(false)
            .run()
            .expect("argmin fails only where the cost does, and this one does not");
        at = searched.state().get_best_param().cloned().unwrap_or(at);
    }
    at
}

fn held_out(chain: &TwoState, unseen: &Requests) -> HeldOut {
    let process = TokenProcess::TwoState(*chain);
    let streams = Streams::new(1);
    // As many requests of the same lengths, several times over.
    let drawn: Requests = (0..20u64)
        .flat_map(|round| {
            unseen.iter().enumerate().map(move |(number, tokens)| (round << 32 | number as u64, tokens.len()))
        })
        .map(|(request, length)| {
            let tokens = process.request(streams, request, 1);
            let outcome = |position| process.outcome(&tokens, position as u32);
            let token = |position| {
                let outcome = outcome(position);
                RecordedToken { entropy_nats: outcome.entropy_nats, accepted: outcome.agrees }
            };
            (0..length).map(token).collect()
        })
        .collect();
    let (own, theirs) = (verdicts(unseen), verdicts(&drawn));
    let mean = own.iter().filter(|(_, accepted)| *accepted).count() as f64 / own.len() as f64;
    let always = -(mean * libm::log(mean.max(1e-6)) + (1.0 - mean) * libm::log((1.0 - mean).max(1e-6)));
    let quantiles = QUANTILES.map(|share| [share, entropy_at(&own, share), entropy_at(&theirs, share)]);
    let by_position = POSITIONS.iter().enumerate().filter_map(|(n, first)| {
        let range = *first..POSITIONS.get(n + 1).copied().unwrap_or(usize::MAX);
        Some([*first as f64, acceptance(unseen, &range)?, acceptance(&drawn, &range)?])
    });
    let everywhere = 0..usize::MAX;
    let entropies = entropies(unseen);
    HeldOut {
        requests: unseen.len() as u64,
        tokens: own.len() as u64,
        acceptance_pct: [unseen, &drawn].map(|all| acceptance(all, &everywhere).unwrap_or_default()),
        entropy_nats: quantiles.to_vec(),
        acceptance_by_position_pct: by_position.collect(),
        verdict_log_loss: [to_digits(-verdict_log_likelihood(chain, &own)), to_digits(always)],
        entropy_log_likelihood: [*chain, TwoState::default()]
            .map(|chain| to_digits(entropy_log_likelihood(&chain, &entropies))),
    }
}

/// Per cent accepted at some places; none if there is no token.
fn acceptance(requests: &Requests, places: &std::ops::Range<usize>) -> Option<f64> {
    let tokens = requests.iter().flat_map(|tokens| tokens.iter().take(places.end).skip(places.start));
    let (count, accepted) = tokens.fold((0u64, 0u64), |(n, sum), token| (n + 1, sum + u64::from(token.accepted)));
    (count > 0).then(|| to_digits(100.0 * accepted as f64 / count as f64))
}

fn entropy_at(tokens: &[(f64, bool)], share: f64) -> f64 {
    let mut sorted: Vec<f64> = tokens.iter().map(|(entropy, _)| *entropy).collect();
    sorted.sort_by(f64::total_cmp);
    to_digits(quantile(&sorted, share).expect("requests have tokens"))
}

fn json(profile: &TokenProfile) -> String {
    let object = json!({ "two_state": profile.two_state, "held_out": profile.held_out });
    serde_json::to_string_pretty(&object).expect("JSON") + "\n"
}

fn text(profile: &TokenProfile) -> String {
    let held = &profile.held_out;
    let mut text = format!("{}\n", toml::to_string(&profile.two_state).expect("TOML"));
    text += &format!("Held out: {} requests, {} tokens           measured  process\n", held.requests, held.tokens);
    let mut line = |what: &str, [measured, process]: [f64; 2], digits: usize| {
        text += &format!("  {what:42} {measured:8.digits$} {process:8.digits$}\n");
    };
    line("acceptance %", held.acceptance_pct, 2);
    for [share, measured, process] in &held.entropy_nats {
        line(&format!("entropy, {:.0} % stay below (nats)", 100.0 * share), [*measured, *process], 3);
    }
    for [first, measured, process] in &held.acceptance_by_position_pct {
        line(&format!("acceptance % from place {first:.0}"), [*measured, *process], 2);
    }
    let [loss, always] = held.verdict_log_loss;
    text += &format!("  a verdict's log loss {loss:.4}; always the mean: {always:.4}\n");
    let [own, default] = held.entropy_log_likelihood;
    text + &format!("  an entropy's log likelihood {own:.4}; the default process's: {default:.4}\n")
}
