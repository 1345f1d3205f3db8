//! A law of one kind of step: the physical form, perhaps a table over it, the measured range, and the spread of its
//! residuals.

use serde::{Deserialize, Serialize};

use super::{
    Step,
    parts::{DataSheet, Parts, Priced},
    table::Table,
};
use crate::{engine_kind::EngineProfile, model_spec::ModelSpec};

/// The measured range: least and most of a step's sums over its items.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// New tokens of all items.
    pub tokens: [u64; 2],
    /// Tokens of all items whose keys and values are read.
    pub context_tokens: [u64; 2],
    /// Items.
    pub batch: [u64; 2],
}

/// Factor beyond the measured range that still counts as measured: a neighbouring length is no extrapolation.
const SLACK: f64 = 1.1;

impl Range {
    /// The range of some steps; `None` of none.
    pub fn of<'s>(steps: impl IntoIterator<Item = &'s Step>) -> Option<Self> {
        let one = |step: &Step| Self {
            tokens: [step.load.query_tokens; 2],
            context_tokens: [step.load.context_tokens; 2],
            batch: [step.items; 2],
        };
        let join = |a: [u64; 2], b: [u64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        steps.into_iter().map(one).reduce(|a, b| Self {
            tokens: join(a.tokens, b.tokens),
            context_tokens: join(a.context_tokens, b.context_tokens),
            batch: join(a.batch, b.batch),
        })
    }

    /// True if a step lies in the range.
    #[inline]
    pub fn has(&self, step: &Step) -> bool {
        let within = |value: u64, [least, most]: [u64; 2]| {
            let value = value as f64;
            value * SLACK >= least as f64 && value <= most as f64 * SLACK
        };
        within(step.load.query_tokens, self.tokens)
            && within(step.load.context_tokens, self.context_tokens)
            && within(step.items, self.batch)
    }
}

/// Quantiles of measured / predicted durations, every twentieth from the least on.
///
/// The last is the mean of the last twentieth, not the greatest ratio, which is an accident. Durations that are drawn
/// then have the measured mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Quantiles that are kept: every twentieth.
    const KEPT: usize = 21;

    /// The quantiles of measured ratios, in any order; `None` for no ratio.
    pub fn of(mut ratios: Vec<f64>) -> Option<Self> {
        ratios.sort_by(f64::total_cmp);
        let last = ratios.len().checked_sub(1)? as f64;
        let at = |n: usize| between(&ratios, n as f64 / (Self::KEPT - 1) as f64 * last);
        let mut kept: Vec<f64> = (0..Self::KEPT - 1).map(at).collect();
        let above = &ratios[ratios.len() - ratios.len().div_ceil(Self::KEPT - 1)..];
        kept.push(above.iter().sum::<f64>() / above.len() as f64);
        // To a millionth: more says nothing.
        Some(Self(kept.into_iter().map(|ratio| (ratio * 1e6).round() / 1e6).collect()))
    }

    /// True if it can be drawn from: ascending, positive, at least two values.
    pub fn is_sound(&self) -> bool {
        self.0.len() > 1 && self.0[0] > 0.0 && self.0.windows(2).all(|pair| pair[0] <= pair[1]) && self.0[0].is_finite()
    }

    /// The ratio that a share from 0 to 1 of all steps stays at or below; in the last twentieth, its mean.
    #[inline]
    pub fn quantile(&self, share: f64) -> f64 {
        let at = share * (self.0.len() - 1) as f64;
        let last = self.0.len() - 1;
        if at > (last - 1) as f64 { self.0[last] } else { between(&self.0, at) }
    }
}

/// The value at a fractional index of a sorted list, linear between neighbours.
#[inline]
fn between(sorted: &[f64], at: f64) -> f64 {
    let low = (at as usize).min(sorted.len() - 1);
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (at - low as f64).min(1.0) * (sorted[high] - sorted[low])
}

/// The law of one kind of step on a device and a model, with everything folded in that does not depend on the load.
#[derive(Clone, Debug, PartialEq)]
pub struct Law {
    form: Priced,
    table: Option<Table>,
    range: Option<Range>,
    spread: Spread,
    host: HostTime,
}

/// Host time of an engine, for laws of kernels alone, which have none; nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HostTime {
    /// Host time of every iteration.
    pub iteration_ns: f64,
    /// Host time of each item.
    pub item_ns: f64,
    /// Added host time of an iteration in which a prompt starts.
    pub start_ns: f64,
    /// True if it passes while the GPU works: the longer of the two counts.
    pub is_hidden: bool,
    /// True if it is this engine's, and not what engines of its kind were once seen to take.
    pub is_given: bool,
}

impl HostTime {
    /// The host time of a model's iterations by an engine's constants.
    pub fn of_engine(engine: &EngineProfile, model: &ModelSpec, is_given: bool) -> Self {
        let ns = |time: units::SimDuration| time.as_ns() as f64;
        Self {
            iteration_ns: ns(engine.overhead) + model.layers as f64 * ns(engine.layer_overhead),
            item_ns: ns(engine.sequence_overhead),
            start_ns: ns(engine.prefill_overhead),
            is_hidden: engine.hides_host,
            is_given,
        }
    }

    /// The duration of a step whose kernels take so long.
    #[inline]
    fn with(&self, step: &Step, kernels_ns: f64) -> f64 {
        let host_ns = self.iteration_ns + step.items as f64 * self.item_ns;
        let start_ns = if step.load.prefill_starts > 0 { self.start_ns } else { 0.0 };
        start_ns + if self.is_hidden { host_ns.max(kernels_ns) } else { host_ns + kernels_ns }
    }
}

/// A law's duration of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Duration, ns.
    pub ns: f64,
    /// The part of it that a GPU's kernels take, ns.
    kernels_ns: f64,
    /// True if the step lies in the measured range; beyond it the physical form extrapolates.
    pub measured: bool,
}

impl Law {
    /// The law of a form on a device and a model, with a table where that was found better. `range` is the measured
    /// range of that device and model; `None` for a law carried over from others.
    pub fn new(
        parts: &Parts,
        (sheet, model): (DataSheet, &ModelSpec),
        table: Option<Table>,
        range: Option<Range>,
        spread: Spread,
    ) -> Self {
        Self { form: parts.on(sheet, model), table, range, spread, host: HostTime::default() }
    }

    /// The same law with an engine's host time added.
    pub fn with_host(self, host: HostTime) -> Self {
        Self { host, ..self }
    }

    /// The duration of a step, by the table where it has an answer and else by the form. Positive, unless every
    /// coefficient is 0.
    #[inline]
    pub fn predict(&self, step: &Step) -> Prediction {
        let Some(table) = &self.table else {
            return self.predicted(step, self.form.ns(&step.load, step.items), self.covers(step));
        };
        let whole = step.load.layer_share.as_f64() == 1.0;
        let read = table.ms(step.tokens_per_item(), step.context_per_item(), step.items as f64).filter(|_| whole);
        let kernels_ns = match read {
            Some(ms) => ms * 1e6 + self.form.vision_ns(&step.load),
            None => self.form.ns(&step.load, step.items),
        };
        self.predicted(step, kernels_ns, read.is_some())
    }

    /// The duration of an iteration that also has items of other kinds.
    ///
    /// All tokens go through the matrices at once, by this law. Each item and its attention are priced by its own law.
    /// The forms apply, as no table has such iterations.
    pub fn predict_beside<'l>(&self, step: &Step, others: impl Iterator<Item = (&'l Law, &'l Step)>) -> Prediction {
        let (mut multiplied, mut inside, mut apart_ns) = (step.load, self.covers(step), 0.0);
        for (law, other) in others {
            multiplied.query_tokens += other.load.query_tokens;
            multiplied.head_rows += other.load.head_rows;
            apart_ns += law.form.apart_ns(&other.load, other.items, step.load.wide_context_tokens > 0);
            inside &= law.covers(other);
        }
        let kernels_ns = self.form.ns(&multiplied, step.items) + apart_ns;
        self.predicted(step, kernels_ns, inside)
    }

    #[inline]
    fn predicted(&self, step: &Step, kernels_ns: f64, measured: bool) -> Prediction {
        Prediction { ns: self.host.with(step, kernels_ns), kernels_ns, measured }
    }

    fn covers(&self, step: &Step) -> bool {
        self.range.is_some_and(|range| range.has(step))
    }

    /// The duration of a step that was predicted, in nanoseconds, at a quantile of what the law missed.
    ///
    /// Host time that is not given is none in the lower half, and hidden by no kernel in the upper one.
    #[inline]
    pub fn at_quantile(&self, predicted: Prediction, step: &Step, share: f64) -> f64 {
        let kernels_ns = predicted.kernels_ns * self.spread.quantile(share);
        match self.host {
            host if host.is_given => host.with(step, kernels_ns),
            _ if share < 0.5 => kernels_ns,
            host => HostTime { is_hidden: false, ..host }.with(step, kernels_ns),
        }
    }

    /// The spread of measured over predicted durations.
    pub fn spread(&self) -> &Spread {
        &self.spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{device::Device, engine_kind::EngineKind, load::Load, parallel::Parallel};

    fn law(table: Option<Table>) -> Law {
        law_of(table, |_| ())
    }

    fn law_of(table: Option<Table>, change: impl Fn(&mut Parts)) -> Law {
        let model = ModelSpec::named("qwen2-vl-2b").unwrap();
        let sheet = DataSheet::of(Device::named("rtx-3090").unwrap(), Parallel::NONE);
        let mut parts = Parts::of_engine(&EngineKind::Vllm.profile(model, Device::named("rtx-3090").unwrap()));
        change(&mut parts);
        let measured = [Step::one(Load::decode(100)), Step::one(Load::decode(1000))];
        let spread = Spread::of(vec![0.9, 1.0, 1.2]).unwrap();
        Law::new(&parts, (sheet, model), table, Range::of(&measured), spread)
    }

    #[test]
    fn a_law_of_elsewhere_is_measured_nowhere() {
        let elsewhere = Law { range: None, ..law(None) };
        assert!(!elsewhere.predict(&Step::one(Load::decode(500))).measured);
    }

    #[test]
    fn a_form_extrapolates_and_says_so() {
        let measured = |context| law(None).predict(&Step::one(Load::decode(context))).measured;
        assert!(measured(500));
        assert!(measured(1050));
        assert!(!measured(3000));
        let mut two = Load::decode(200);
        two.add(&Load::decode(200));
        assert!(!law(None).predict(&Step { load: two, items: 2 }).measured);
    }

    #[test]
    fn where_a_table_ends_the_form_goes_on_and_says_so() {
        let law = law(Table::of(&[([1.0, 100.0, 1.0], 7.0), ([1.0, 1000.0, 1.0], 8.0)]));
        let predicted = law.predict(&Step::one(Load::decode(550)));
        assert_eq!((predicted.ns, predicted.measured), (7.5e6, true));
        let beyond = Step::one(Load::decode(2000));
        let form = Law { table: None, ..law.clone() };
        assert_eq!(law.predict(&beyond), Prediction { measured: false, ..form.predict(&beyond) });
        let half = Load::decode(550).on_layers(units::Ratio::new(0.5));
        assert!(!law.predict(&Step::one(half)).measured, "a table is of the whole model");
    }

    #[test]
    fn kernels_are_launched_by_a_host() {
        let kernels = law(None);
        let host = HostTime { iteration_ns: 5e5, start_ns: 1e6, is_given: true, ..HostTime::default() };
        let whole = kernels.clone().with_host(host);
        let adds = |load| whole.predict(&Step::one(load)).ns - kernels.predict(&Step::one(load)).ns;
        assert!((adds(Load::decode(500)) - 5e5).abs() < 1.0);
        assert!((adds(Load::prefill_chunk(500, 0)) - 1.5e6).abs() < 1.0);
        assert!((adds(Load::prefill_chunk(500, 500)) - 5e5).abs() < 1.0);
    }

    #[test]
    fn host_time_that_is_not_known_may_be_none() {
        let step = Step::one(Load::decode(500));
        let at = |is_given: bool, share: f64| {
            let host =
                HostTime { iteration_ns: 5e5, start_ns: 1e6, is_hidden: !is_given, is_given, ..HostTime::default() };
            let law = law(None).with_host(host);
            law.at_quantile(law.predict(&step), &step, share)
        };
        let kernels_ns = law(None).predict(&step).ns;
        let (low, high) = (law(None).spread().quantile(0.05), law(None).spread().quantile(0.95));
        let near = |ns: f64, expected: f64| assert!((ns - expected).abs() < 1.0, "{ns} {expected}");
        near(at(true, 0.05), kernels_ns * low + 5e5);
        near(at(false, 0.05), kernels_ns * low);
        near(at(false, 0.95), kernels_ns * high + 5e5);
    }

    #[test]
    fn items_of_two_kinds_share_the_weights_and_keep_their_attention() {
        let law = law(None);
        let prompt = Step::one(Load::prefill_chunk(512, 0));
        let many = |items: u64| {
            let mut load = Load::NONE;
            (0..items).for_each(|_| load.add(&Load::decode(1000)));
            Step { load, items }
        };
        let both = |items| law.predict_beside(&prompt, std::iter::once((&law, &many(items)))).ns;
        let (alone, tokens) = (law.predict(&prompt).ns, law.predict(&many(32)).ns);
        assert!(both(32) > alone && both(32) < alone + tokens, "{} {alone} {tokens}", both(32));
        // Twice the tokens are about twice as much more, as the prompt is nearly bound by arithmetic already.
        assert!(((both(64) - alone) / (both(32) - alone) - 2.0).abs() < 0.05);
        assert_eq!(law.predict_beside(&prompt, std::iter::empty()).ns, alone);
        let probe = Step::one(Load::vision(units::Flops::new(1e12)));
        let with_probe = law.predict_beside(&prompt, std::iter::once((&law, &probe))).ns;
        assert!((with_probe - alone - law.form.vision_ns(&probe.load)).abs() < 1.0 && with_probe > alone);
    }

    #[test]
    fn decodes_beside_a_chunk_read_their_cache_for_each_query_head() {
        let decodes = Step::one(Load::decode(1000));
        let adds = |main: Load, kv_per_head: f64| {
            let law = law_of(None, |parts| parts.kv_per_head = kv_per_head);
            let main = Step::one(main);
            let beside = law.predict_beside(&main, std::iter::once((&law, &decodes))).ns;
            beside - law.predict_beside(&main, std::iter::empty()).ns
        };
        // Each of the model's two heads of keys has six of queries.
        let more = |main: Load| adds(main, 0.5) - adds(main, 0.0);
        let model = ModelSpec::named("qwen2-vl-2b").unwrap();
        let bytes = decodes.load.context_tokens * model.kv_bytes_per_token().as_u64();
        let read_once = bytes as f64 / Device::named("rtx-3090").unwrap().bandwidth.as_f64() * 1e9;
        let beside_chunk = more(Load::prefill_chunk(512, 0));
        assert!(beside_chunk > 2.0 * read_once, "{beside_chunk} {read_once}");
        assert!(more(Load::decode(500)).abs() < 1.0, "{}", more(Load::decode(500)));
    }

    #[test]
    fn a_spread_has_its_quantiles() {
        let spread = Spread::of((0..=100).map(|n| 0.5 + f64::from(n) / 100.0).collect()).unwrap();
        assert!((spread.quantile(0.25) - 0.75).abs() < 1e-12 && (spread.quantile(0.95) - 1.45).abs() < 1e-12);
        assert!(spread.is_sound() && Spread::of(vec![]).is_none());
        assert_eq!(Spread::of(vec![1.1]).unwrap().quantile(0.3), 1.1);
        for unsound in [&[][..], &[1.0], &[0.0, 1.0], &[2.0, 1.0], &[f64::NAN, 1.0], &[f64::INFINITY, f64::INFINITY]] {
            assert!(!Spread(unsound.to_vec()).is_sound(), "{unsound:?}");
        }
    }

    #[test]
    fn what_is_drawn_has_the_mean_of_what_was_measured() {
        // One step in a hundred is interrupted.
        let measured: Vec<f64> =
            (0..400).map(|n| if n % 100 == 0 { 300.0 } else { 1.0 + f64::from(n % 7) / 70.0 }).collect();
        let mean = measured.iter().sum::<f64>() / 400.0;
        let spread = Spread::of(measured).unwrap();
        let drawn = (0..10_000).map(|n| spread.quantile((f64::from(n) + 0.5) / 10_000.0)).sum::<f64>() / 10_000.0;
        assert!((drawn / mean - 1.0).abs() < 0.02, "{drawn} {mean}");
    }
}
