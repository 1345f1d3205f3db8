//! A replayed step in the words of the log.

use serde_json::{Map, Value, json};
use serving::{Encoding, Entry, Outcome, Replica, Step, Work};

use crate::names::Names;

/// A replayed step, with all fields that a log may have.
pub struct Record {
    fields: Map<String, Value>,
}

impl Record {
    /// A step that has just been formed.
    pub fn formed(step: &Step, replica: &Replica, names: &Names) -> Self {
        let ids = |ids: &[serving::Id]| ids.iter().map(|id| names.request(*id)).collect::<Vec<_>>();
        let waiting: Vec<_> = replica.waiting().collect();
        let with_pictures = step.encodings.chunk_by(|one, next| one.id == next.id);
        let places = |encodings: &[Encoding]| encodings.iter().map(|encoding| encoding.place).collect::<Vec<_>>();
        let inputs: Map<_, _> = with_pictures
            .map(|encodings| (names.request(encodings[0].id).to_owned(), json!(places(encodings))))
            .collect();
        let evicted: Vec<_> = step.evicted_pictures.iter().map(|name| names.picture(*name)).collect();
        let fields = json!({
            "scheduled": step.work.iter().map(|work| row(work, names)).collect::<Vec<_>>(),
            "total_tokens": step.tokens(),
            "preempted": ids(&step.preempted),
            "running": ids(replica.running()),
            "waiting": ids(&waiting),
            "free_blocks": replica.free_blocks(),
            "prefix_queries": step.lookups.tokens,
            "prefix_hits": step.lookups.found,
            "prefix_queries_preempted": step.lookups_preempted.tokens,
            "prefix_hits_preempted": step.lookups_preempted.found,
            "evicted_cached_blocks": step.evicted_blocks,
            "cached_blocks": replica.cached_blocks(),
            "encoder_inputs": inputs,
            "encoder_tokens": step.embeddings(),
            "encoder_evicted": evicted,
            "encoder_free_slots": replica.encoder_free(),
            "encoder_freeable_slots": replica.encoder_freeable(),
        });
        let Value::Object(fields) = fields else { unreachable!("an object was written") };
        Self { fields }
    }

    /// Sets a field.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    /// Adds what the end of the step brought.
    pub fn ended(&mut self, outcomes: &[Outcome], step: &Step, replica: &Replica, names: &Names) {
        let sampled = outcomes.iter().map(|outcome| (names.request(outcome.id).to_owned(), json!(outcome.sampled)));
        let ended = outcomes.iter().filter(|outcome| outcome.ended).map(|outcome| names.request(outcome.id));
        let left = step.work.iter().filter_map(|work| {
            let sequence = replica.sequence(work.id)?;
            Some((names.request(work.id).to_owned(), json!(sequence.computed())))
        });
        self.set("sampled", sampled.collect::<Map<_, _>>());
        self.set("finished", ended.collect::<Vec<_>>());
        self.set("computed_after", left.collect::<Map<_, _>>());
        self.set("free_blocks_after", replica.free_blocks());
    }

    /// The step as the log writes it: an object, or a row of counts.
    pub fn as_logged(&self, compact: bool) -> Value {
        if !compact {
            return Value::Object(self.fields.clone());
        }
        let number = |field: &str| self.fields[field].as_u64().unwrap_or_default();
        let count = |field: &str| self.fields[field].as_array().map_or(0, Vec::len) as u64;
        json!([
            number("start_us"),
            number("duration_us"),
            number("total_tokens"),
            count("running"),
            count("waiting"),
            number("free_blocks"),
            count("preempted"),
            count("finished"),
            number("prefix_hits"),
        ])
    }
}

fn row(work: &Work, names: &Names) -> Value {
    let entry = match work.entry {
        Entry::New => "new",
        Entry::Resumed => "resumed",
        Entry::Running => "running",
    };
    json!([names.request(work.id), entry, work.computed, work.tokens, work.drafted, work.blocks])
}
