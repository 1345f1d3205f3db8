//! The counters of a run.

use super::MemoryTally;
use super::flow::Done;
use super::recorder::{RequestRecord, Status};
use hdrhistogram::Histogram;
use model::{latency::Moments, modality::Modality};
use policies::{ClosedForms, Regret};
use std::sync::LazyLock;
use tables::Shortfalls;
use units::{Bytes, SimDuration};

/// Three significant digits: a quantile is within 0.1 % of the exact one. Mean, least and greatest are exact.
const DIGITS: u8 = 3;

/// Most entries that are kept as they are. A run of a few requests, as sweeps have them, would spend a third of its time on the
/// growth of its histograms.
const FEW: usize = 256;

/// The buckets, whatever is in them.
static BUCKETS: LazyLock<Histogram<u64>> = LazyLock::new(histogram);

fn histogram() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("three digits are allowed")
}

/// Durations, with exact moments and quantiles from a histogram of bounded size.
pub struct Durations {
    entries: Entries,
    sum_ns: u128,
    count: u64,
}

/// Durations in units of 512 ns, which is fine enough for a quantile and keeps the histogram small.
enum Entries {
    /// A few, each with its times.
    Few(Vec<(u64, u64)>),
    /// Many, by bucket.
    Many(Box<Histogram<u64>>),
}

impl Default for Durations {
    fn default() -> Self {
        Self { entries: Entries::Few(Vec::new()), sum_ns: 0, count: 0 }
    }
}

/// Shows how many there are, their sum and their percentiles.
impl std::fmt::Debug for Durations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percentiles: Vec<u64> = (0..=100).map(|p| self.entries.value_at_quantile(f64::from(p) / 100.0)).collect();
        write!(f, "{} of {} ns, percentiles {percentiles:?}", self.count, self.sum_ns)
    }
}

impl Durations {
    /// Adds one.
    #[inline]
    pub fn record(&mut self, duration: SimDuration) {
        self.record_n(duration, 1);
    }

    /// Adds the same one several times.
    #[inline]
    pub fn record_n(&mut self, duration: SimDuration, times: u64) {
        self.entries.record_n(duration.as_ns() >> 9, times);
        self.sum_ns += u128::from(duration.as_ns()) * u128::from(times);
        self.count += times;
    }

    /// Adds those of another.
    pub(crate) fn add(&mut self, other: &Self) {
        match &other.entries {
            Entries::Few(few) => few.iter().for_each(|&(value, times)| self.entries.record_n(value, times)),
            Entries::Many(many) => self.entries.add_many(many),
        }
        self.sum_ns += other.sum_ns;
        self.count += other.count;
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sum, ns.
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// Mean in milliseconds; none if there are none.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64 / 1e6)
    }

    /// A quantile in milliseconds, within 0.1 %; none if there are none.
    pub fn quantile_ms(&self, p: f64) -> Option<f64> {
        (self.count > 0).then(|| {
            let bucket = self.entries.value_at_quantile(p);
            // The middle of the bucket.
            let middle = (BUCKETS.lowest_equivalent(bucket) + BUCKETS.highest_equivalent(bucket)) as f64;
            (middle + 1.0) * 0.5 * 512.0 / 1e6
        })
    }
}

impl Entries {
    #[inline]
    fn record_n(&mut self, value: u64, times: u64) {
        match self {
            Self::Many(histogram) => add(histogram, value, times),
            Self::Few(few) if few.len() < FEW => few.push((value, times)),
            Self::Few(_) => add(self.many(), value, times),
        }
    }

    /// Adds those of a histogram.
    fn add_many(&mut self, other: &Histogram<u64>) {
        self.many().add(other).expect("an auto-resizing histogram takes any value");
    }

    /// The histogram, which they become if they are few.
    fn many(&mut self) -> &mut Histogram<u64> {
        if let Self::Few(few) = self {
            let mut histogram = histogram();
            few.iter().for_each(|&(value, times)| add(&mut histogram, value, times));
            *self = Self::Many(Box::new(histogram));
        }
        let Self::Many(histogram) = self else { unreachable!("they are many now") };
        histogram
    }

    /// A value of the bucket that a quantile lies in, by the histogram's rule.
    fn value_at_quantile(&self, p: f64) -> u64 {
        match self {
            Self::Many(histogram) => histogram.value_at_quantile(p),
            Self::Few(few) => {
                let mut few = few.clone();
                few.sort_unstable();
                let all: u64 = few.iter().map(|(_, times)| times).sum();
                let mut left = ((p.min(1.0) * all as f64).ceil() as u64).max(1);
                let at = few.iter().find(|(_, times)| {
                    let is_there = left <= *times;
                    left = left.saturating_sub(*times);
                    is_there
                });
                at.map_or(0, |(value, _)| *value)
            }
        }
    }
}

fn add(histogram: &mut Histogram<u64>, value: u64, times: u64) {
    histogram.record_n(value, times).expect("an auto-resizing histogram takes any value");
}

/// Sums over probes.
#[derive(Debug, Default)]
pub struct ProbeSums {
    /// From asking to knowing, the queue at the edge's GPU included.
    pub time: Durations,
    /// Most memory of one probe.
    pub memory: Bytes,
}

impl ProbeSums {
    pub(crate) fn record(&mut self, time: SimDuration, memory: Bytes) {
        self.time.record(time);
        self.memory = self.memory.max(memory);
    }

    /// Adds those of another.
    pub(crate) fn add(&mut self, other: &Self) {
        self.time.add(&other.time);
        self.memory = self.memory.max(other.memory);
    }
}

/// Sums of a solver's regrets against the exact one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RegretSums {
    /// Requests on which they were compared.
    pub requests: u64,
    /// Those of them for which the solver found no plan that is allowed.
    pub infeasible: u64,
    /// Gaps to the exact optimum, in parts of it, summed over the others.
    pub gap: f64,
    /// The greatest of them.
    pub gap_max: f64,
    /// Plans that were looked at, summed.
    pub evaluations: u64,
    /// Time that was charged, summed.
    pub time: SimDuration,
}

impl RegretSums {
    pub(crate) fn record(&mut self, regret: &Regret) {
        self.requests += 1;
        self.evaluations += u64::from(regret.evaluations);
        self.time += regret.time;
        match regret.gap {
            Some(gap) => {
                self.gap += gap;
                self.gap_max = self.gap_max.max(gap);
            }
            None => self.infeasible += 1,
        }
    }
}

impl std::iter::Sum for RegretSums {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            requests: sum.requests + one.requests,
            infeasible: sum.infeasible + one.infeasible,
            gap: sum.gap + one.gap,
            gap_max: sum.gap_max.max(one.gap_max),
            evaluations: sum.evaluations + one.evaluations,
            time: sum.time + one.time,
        })
    }
}

/// Closed forms of the first requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClosedFormSums {
    /// Requests.
    pub requests: u64,
    /// Latency by Eq. 14 as printed.
    pub eq14: LatencySum,
    /// Latency by the renewal form.
    pub renewal: LatencySum,
    /// FLOP of the probe in parts of those of the cloud's model for the whole request, summed.
    pub probe_flop: f64,
}

impl ClosedFormSums {
    pub(crate) fn record(&mut self, forms: &ClosedForms, probe_flop: f64) {
        self.requests += 1;
        self.eq14.add(forms.eq14_s);
        self.renewal.add(forms.renewal_s);
        self.probe_flop += probe_flop;
    }
}

/// Latencies by one closed form, over the requests of which the policy has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencySum {
    /// Requests with this form.
    pub requests: u64,
    /// Their latencies, seconds, summed.
    pub seconds: f64,
}

impl LatencySum {
    fn add(&mut self, seconds: Option<f64>) {
        self.requests += u64::from(seconds.is_some());
        self.seconds += seconds.unwrap_or(0.0);
    }
}

/// Sums over the requests of a run that are counted: all but those of its warm-up.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Probes.
    pub probe: ProbeSums,
    /// Solvers of the plan.
    pub regret: RegretSums,
    /// Closed forms.
    pub closed_forms: ClosedFormSums,
    /// Time to first token.
    pub ttft: Durations,
    /// Time per output token after the first.
    pub tpot: Durations,
    /// Time between tokens.
    pub itl: Durations,
    /// End-to-end latency.
    pub e2e: Durations,
    /// Requests that were sent.
    pub submitted: u64,
    /// Requests that were answered.
    pub completed: u64,
    /// Requests that were turned away.
    pub rejected: u64,
    /// Requests that met every limit on their latencies.
    pub met: u64,
    /// Deadlines of periodic requests.
    pub deadlines: Deadlines,
    /// Requests that were rejected, and answers that were cut, by reason.
    pub shortfalls: Shortfalls,
    /// Tokens of all answers.
    pub output_tokens: u64,
    /// Bytes of pictures, sound and text that left the edges as they are, or pruned and compressed, but not encoded by a model.
    pub raw_upload: Bytes,
    /// Tokens a second of each answer by itself, tokens / E2E, summed.
    pub own_rate: f64,
    /// Tokens drafted.
    pub drafted: u64,
    /// Drafted tokens accepted.
    pub accepted: u64,
    /// Preemptions, and tokens found in prefix caches, summed.
    pub memory: MemorySums,
    /// Drafted tokens on which a verdict was given.
    pub verified: u64,
    /// Verdicts.
    pub rounds: u64,
    /// Probability of being right, summed over the answers of which it is known.
    pub correct: f64,
    /// Answers of which the probability of being right is known.
    pub graded: u64,
    /// Retention, summed.
    pub retention: f64,
    /// Answers given by the cloud's model, or verified by it.
    pub by_cloud: u64,
    /// Figures of each class; none where there are no classes.
    pub classes: Vec<OfClass>,
}

/// Deadlines of periodic requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadlines {
    /// Requests that have one.
    pub all: u64,
    /// Those of them whose answer was not there.
    pub missed: u64,
}

impl Deadlines {
    fn add(&mut self, missed: Option<bool>) {
        self.all += u64::from(missed.is_some());
        self.missed += u64::from(missed == Some(true));
    }
}

/// Sums over the requests of a class that are counted.
#[derive(Debug, Default)]
pub struct OfClass {
    /// Requests that were sent.
    pub submitted: u64,
    /// Requests that met every limit on their latencies.
    pub met: u64,
    /// Deadlines of periodic requests.
    pub deadlines: Deadlines,
    /// Answers in the part of the run in which rates count; tokens of answers under way are not among them.
    pub done: Done,
    /// Requests that were answered.
    pub completed: u64,
    /// Tokens of their answers.
    pub output_tokens: u64,
    /// Probability of being right, summed over the answers of which it is known.
    pub correct: f64,
    /// Answers of which the probability of being right is known.
    pub graded: u64,
    /// Time to first token.
    pub ttft: Durations,
    /// Time per output token after the first.
    pub tpot: Durations,
    /// End-to-end latency.
    pub e2e: Durations,
}

impl OfClass {
    /// A request was answered.
    fn answer(&mut self, moments: &Moments, correct: Option<f64>) {
        self.completed += 1;
        self.correct += correct.unwrap_or(0.0);
        self.graded += u64::from(correct.is_some());
        self.output_tokens += u64::from(moments.tokens);
        self.ttft.record(moments.ttft());
        self.e2e.record(moments.e2e());
        moments.tpot().into_iter().for_each(|tpot| self.tpot.record(tpot));
    }
}

/// The things that the KV caches of serving engines did, over requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemorySums {
    /// Preemptions.
    pub preemptions: u64,
    /// Tokens computed again after them.
    pub recomputed: u64,
    /// Tokens of prompts looked up in prefix caches.
    pub looked_up: u64,
    /// Tokens found there.
    pub cached: u64,
}

impl MemorySums {
    fn add(&mut self, one: &MemoryTally) {
        self.preemptions += u64::from(one.preemptions);
        self.recomputed += u64::from(one.recomputed);
        self.looked_up += one.looked_up;
        self.cached += u64::from(one.cached);
    }
}

impl Metrics {
    /// No request yet, of so many classes; one class is all requests.
    pub(crate) fn of_classes(classes: usize) -> Self {
        let classes = if classes > 1 { classes } else { 0 };
        Self { classes: (0..classes).map(|_| OfClass::default()).collect(), ..Self::default() }
    }

    /// The figures of a class, where there are classes.
    pub(crate) fn class(&mut self, class: u32) -> Option<&mut OfClass> {
        self.classes.get_mut(class as usize)
    }

    /// A request of a class was sent.
    pub(crate) fn submit(&mut self, class: u32) {
        self.submitted += 1;
        self.class(class).into_iter().for_each(|class| class.submitted += 1);
    }

    /// A request has ended.
    pub(crate) fn end(&mut self, record: &RequestRecord, by_cloud: bool) {
        self.met += u64::from(record.met);
        self.deadlines.add(record.missed);
        if let Some(class) = self.class(record.class) {
            class.met += u64::from(record.met);
            class.deadlines.add(record.missed);
        }
        match record.status {
            Status::Completed => {}
            Status::Rejected => {
                self.rejected += 1;
                return;
            }
            Status::TimedOut => {
                self.drafted += u64::from(record.drafted);
                self.accepted += u64::from(record.accepted);
                return;
            }
        }
        let moments = record.moments.expect("an answered request has moments");
        self.completed += 1;
        self.ttft.record(moments.ttft());
        self.e2e.record(moments.e2e());
        if let Some(tpot) = moments.tpot() {
            self.tpot.record(tpot);
        }
        self.class(record.class).into_iter().for_each(|class| class.answer(&moments, record.correct));
        self.output_tokens += u64::from(moments.tokens);
        self.own_rate += f64::from(moments.tokens) / moments.e2e().as_secs_f64();
        self.drafted += u64::from(record.drafted);
        self.accepted += u64::from(record.accepted);
        self.memory.add(&record.memory);
        self.rounds += u64::from(record.rounds);
        self.correct += record.correct.unwrap_or(0.0);
        self.graded += u64::from(record.correct.is_some());
        self.retention += record.input.kept[Modality::Visual].retention;
        self.by_cloud += u64::from(by_cloud);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth_and_means_are_exact() {
        let mut durations = Durations::default();
        (1..=100_000u64).for_each(|us| durations.record(SimDuration::from_us(us)));
        assert_eq!(durations.mean_ms(), Some(50.0005));
        for (p, exact) in [(0.5, 50.0), (0.9, 90.0), (0.99, 99.0)] {
            let error = durations.quantile_ms(p).expect("there are some") / exact - 1.0;
            assert!(error.abs() < 1.1e-3, "p{p}: {error}");
        }
        assert_eq!(Durations::default().quantile_ms(0.5), None);
    }

    #[test]
    fn a_few_have_the_quantiles_of_the_histogram() {
        let mut draw = 1u64;
        for count in [1, 2, 3, 100, FEW as u64, FEW as u64 + 1, 1000] {
            let (mut durations, mut all) = (Durations::default(), histogram());
            for _ in 0..count {
                draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let (ns, times) = (draw >> (20 + draw % 30), 1 + (draw >> 60));
                durations.record_n(SimDuration::from_ns(ns), times);
                add(&mut all, ns >> 9, times);
            }
            assert_eq!(matches!(durations.entries, Entries::Few(_)), count <= FEW as u64);
            for p in [0.0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
                let expected = all.highest_equivalent(all.value_at_quantile(p));
                let found = BUCKETS.highest_equivalent(durations.entries.value_at_quantile(p));
                assert_eq!(found, expected, "p{p} of {count}");
            }
        }
    }
}
