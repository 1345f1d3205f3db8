//! Bytes that policies that draft send up beside their input: those of requests whose input another policy sent alone.

use crate::frame::{self, ReportError};
use std::collections::BTreeMap;
use std::path::Path;
use tables::{RequestRow, TableReader, Text};

/// Labels of policies that send the input and nothing else begin so.
const INPUT_ALONE: &str = "cloud_";

/// More requests than this are not paired to find out what their inputs are.
const MOST_REQUESTS: u64 = 3_000_000;

/// So many of a policy's requests have to have a known input, in parts.
const LEAST_PAIRED: f64 = 0.95;

/// Bytes up beside the input for each token of the answer, by point and policy, for policies that draft.
pub(super) fn by_cell(folder: &Path) -> Result<BTreeMap<(u64, String), f64>, ReportError> {
    if !folder.join("requests.parquet").exists() {
        return Ok(BTreeMap::new());
    }
    let table = frame::open::<RequestRow>(folder)?;
    if table.rows() > MOST_REQUESTS {
        return Ok(BTreeMap::new());
    }
    // Twice over the groups, so that no more than the inputs is held.
    let mut beside = Beside::default();
    for group in 0..table.groups() {
        requests(&table, group)?.iter().for_each(|request| beside.learn(request));
    }
    let is_known = beside.some_draft && !beside.inputs.is_empty();
    for group in (0..table.groups()).filter(|_| is_known) {
        requests(&table, group)?.iter().for_each(|request| beside.add(request));
    }
    Ok(beside.for_each_token())
}

/// The requests of a row group behind the warm-up.
fn requests(table: &TableReader<RequestRow>, group: usize) -> Result<Vec<Request>, ReportError> {
    let numbers =
        table.column(group, RequestRow::replication)?.into_iter().zip(table.column(group, RequestRow::request)?);
    let names = table.column(group, RequestRow::point)?.into_iter().zip(numbers);
    let policies = table.column(group, RequestRow::policy)?.into_iter().zip(table.column(group, RequestRow::warm_up)?);
    let tokens = table
        .column(group, RequestRow::drafted_tokens)?
        .into_iter()
        .zip(table.column(group, RequestRow::output_tokens)?);
    let sent = table.column(group, RequestRow::uplink_bytes)?.into_iter().zip(tokens);
    let shares = [
        RequestRow::retention_text,
        RequestRow::retention,
        RequestRow::retention_audio,
        RequestRow::compression,
        RequestRow::compression_audio,
    ];
    let mut kept = vec![Kept::default(); sent.len()];
    for (place, share) in shares.into_iter().enumerate() {
        let values = table.column(group, share)?;
        kept.iter_mut().zip(values).for_each(|(kept, share)| kept[place] = share.to_bits());
    }
    let rows = policies.zip(names).zip(sent).zip(kept).filter(|((((_, warm_up), _), _), _)| !warm_up);
    let request = |((((policy, _), (point, (replication, request))), (uplink, (drafted, output))), input)| Request {
        policy,
        name: (point, replication, request),
        uplink,
        drafted,
        output,
        input,
    };
    Ok(rows.map(request).collect())
}

/// Point, replication and number of a request.
type Name = (u32, u32, u64);

/// The retention and compression of an input, bit by bit.
type Kept = [u64; 5];

/// A request under a policy.
#[derive(Clone, Debug)]
struct Request {
    policy: Text,
    name: Name,
    uplink: u64,
    drafted: u32,
    output: u32,
    input: Kept,
}

/// Sums of the bytes that policies that draft send up beside the input, over the requests whose input another policy sent alone.
#[derive(Default)]
struct Beside {
    /// Bytes of inputs that were sent alone.
    inputs: BTreeMap<(Name, Kept), u64>,
    some_draft: bool,
    /// By point and policy.
    sums: BTreeMap<(u64, String), Sum>,
}

/// Requests, those with a known input, what was sent beside it and how many tokens these have.
#[derive(Default)]
struct Sum {
    all: u64,
    known: u64,
    beside: i64,
    tokens: u64,
}

impl Beside {
    /// Takes the input of a request that was sent alone.
    fn learn(&mut self, request: &Request) {
        self.some_draft |= request.drafted > 0;
        if request.policy.starts_with(INPUT_ALONE) && request.drafted == 0 {
            self.inputs.insert((request.name, request.input), request.uplink);
        }
    }

    /// Adds a request that drafted to its sum. All inputs are known by now.
    fn add(&mut self, request: &Request) {
        if request.drafted == 0 {
            return;
        }
        let sum = self.sums.entry((u64::from(request.name.0), request.policy.to_string())).or_default();
        sum.all += 1;
        if let Some(input) = self.inputs.get(&(request.name, request.input)) {
            sum.known += 1;
            sum.beside += request.uplink as i64 - *input as i64;
            sum.tokens += u64::from(request.output);
        }
    }

    /// Bytes for each token of the answer, by point and policy; nothing where too few inputs are known.
    fn for_each_token(self) -> BTreeMap<(u64, String), f64> {
        let enough = |sum: &Sum| sum.tokens > 0 && sum.known as f64 >= LEAST_PAIRED * sum.all as f64;
        self.sums
            .into_iter()
            .filter(|(_, sum)| enough(sum))
            .map(|(cell, sum)| (cell, sum.beside as f64 / sum.tokens as f64))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside_the_input(requests: &[Request]) -> BTreeMap<(u64, String), f64> {
        let mut beside = Beside::default();
        requests.iter().for_each(|request| beside.learn(request));
        requests.iter().for_each(|request| beside.add(request));
        beside.for_each_token()
    }

    fn request(policy: &str, number: u64, uplink: u64, drafted: u32, kept: f64) -> Request {
        let input = [1.0, kept, 1.0, 0.0, 0.0].map(f64::to_bits);
        Request { policy: policy.into(), name: (0, 0, number), uplink, drafted, output: 10, input }
    }

    #[test]
    fn what_is_beside_the_input_is_known_from_who_sends_it_alone() {
        let requests = [
            request("cloud_only", 0, 1000, 0, 1.0),
            request("cloud_pruned", 0, 600, 0, 0.5),
            request("speculative", 0, 1200, 8, 1.0),
            request("msao", 0, 900, 8, 0.5),
            // Of another input nothing is known.
            request("other", 0, 900, 8, 0.7),
        ];
        let found: Vec<(String, f64)> =
            beside_the_input(&requests).into_iter().map(|((_, policy), bytes)| (policy, bytes)).collect();
        assert_eq!(found, [("msao".to_owned(), 30.0), ("speculative".to_owned(), 20.0)]);
    }

    #[test]
    fn too_few_known_inputs_say_nothing() {
        let mut requests: Vec<Request> = (0..10).map(|number| request("cloud_only", number, 1000, 0, 1.0)).collect();
        requests.extend((0..10).map(|number| request("msao", number, 1100, 8, if number == 0 { 0.5 } else { 1.0 })));
        assert_eq!(beside_the_input(&requests), BTreeMap::new(), "nine of ten are known");
        requests.push(request("cloud_pruned", 0, 1000, 0, 0.5));
        assert_eq!(beside_the_input(&requests).len(), 1);
    }
}
