//! ServeGen's clients as they are published: a folder with two files for each client.
//!
//! - `chunk-N-trace.csv`, without a header: start of the window in seconds, rate, variation, law, shape, scale.
//! - `chunk-N-dataset.json`: for each window, by its start in seconds, distributions as text, `"{224: 0.0003, 225: ...}"`:
//!   `input_tokens` or, of clients with pictures, `text_tokens`, `image_tokens` (of one) and `image_count`; `output_tokens`.
//!   An empty one says that the window has no request.
//!
//! Sound, video and `reason_ratio` (tokens of reasoning among the output's) are not drawn, which is remarked on.

use super::client_laws::arrival_window;
use super::{Discrete, ServeGen, ServeGenClient, TokenWindow};
use crate::{TraceError, error::shown, open::open_unguarded, rows::CsvFile};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
};
use units::SimDuration;

const EXPECTED: &str = "a folder of ServeGen: chunk-N-trace.csv and chunk-N-dataset.json for each client";
const COLUMNS: [&str; 6] = ["t_s", "rate_per_s", "interarrival_cv", "dist", "shape", "scale"];

/// Reads the clients of a folder, in order of their numbers; those without a request are left out.
pub(super) fn read(folder: &Path) -> Result<ServeGen, TraceError> {
    let (mut clients, mut unread) = (Vec::new(), BTreeMap::<String, usize>::new());
    for (id, [trace, dataset]) in files(folder)? {
        let mut file = CsvFile::open_headless(&trace, &COLUMNS)?;
        let mut arrivals = Vec::new();
        while let Some(row) = file.next()? {
            let window = arrival_window(&row, 0)?;
            if arrivals.last().is_some_and(|last: &super::ArrivalWindow| last.start >= window.start) {
                return Err(row.refusal("a window before the one above".into(), "windows in order", "sort the file"));
            }
            arrivals.push(window);
        }
        let (tokens, fields) = token_windows(&dataset)?;
        if !tokens.is_empty() && arrivals.iter().any(|window| window.law.is_some()) {
            clients.push(ServeGenClient { id, arrivals, tokens });
            fields.into_iter().for_each(|field| *unread.entry(field).or_default() += 1);
        }
    }
    if clients.is_empty() {
        return Err(TraceError::new(folder, "no client with a request", EXPECTED, "name a folder of one model"));
    }
    let all = clients.len();
    let remark = |(field, some): (String, usize)| {
        format!("{} of {some} of {all} clients is not read: their requests are drawn without it", shown(&field))
    };
    Ok(ServeGen { clients, remarks: unread.into_iter().map(remark).collect() })
}

/// The two files of each client.
fn files(folder: &Path) -> Result<BTreeMap<u32, [PathBuf; 2]>, TraceError> {
    let refuse = |error| TraceError::reading(folder, error);
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let id =
            name.strip_prefix("chunk-").and_then(|rest| rest.strip_suffix("-trace.csv")).and_then(|id| id.parse().ok());
        let Some(id) = id else { continue };
        let dataset = folder.join(format!("chunk-{id}-dataset.json"));
        if !dataset.is_file() {
            let found = format!("no {}", dataset.display());
            return Err(TraceError::new(&path, found, EXPECTED, "copy the folder again"));
        }
        files.insert(id, [path, dataset]);
    }
    if files.is_empty() {
        return Err(TraceError::new(folder, "no file chunk-N-trace.csv", EXPECTED, "name a folder of one model"));
    }
    Ok(files)
}

/// Distributions by their name.
type Fields = BTreeMap<String, String>;

/// Fields that are read.
const READ: [&str; 5] = ["input_tokens", "text_tokens", "image_tokens", "image_count", "output_tokens"];

/// The windows of a client, and the fields with values other than 0 that are not read.
fn token_windows(path: &Path) -> Result<(Vec<TokenWindow>, BTreeSet<String>), TraceError> {
    let mut text = String::new();
    open_unguarded(path)?.read_to_string(&mut text).map_err(|error| TraceError::reading(path, error))?;
    let expected =
        "{\"<seconds>\": {\"input_tokens\": \"{<tokens>: <probability>, ...}\", \"output_tokens\": ...}, ...}";
    let windows: BTreeMap<String, Fields> = serde_json::from_str(&text)
        .map_err(|error| TraceError::json(path, &error, expected).at(error.line() as u64))?;
    let refuse = |found: String| TraceError::new(path, found, expected, "copy the file again");
    let (mut all, mut unread) = (Vec::new(), BTreeSet::new());
    for (start, fields) in &windows {
        let seconds = start.parse().ok().and_then(|start| SimDuration::from_secs(1).checked_mul(start));
        let start = seconds.ok_or_else(|| refuse(format!("the window \"{}\"", shown(start))))?;
        all.extend(token_window(start, fields).map_err(refuse)?);
        let others = fields.iter().filter(|(name, text)| !READ.contains(&name.as_str()) && says_something(text));
        unread.extend(others.map(|(name, _)| name.clone()));
    }
    all.sort_by_key(|window| window.start);
    Ok((all, unread))
}

/// True of a distribution with a value other than 0.
fn says_something(text: &str) -> bool {
    let values = text.trim_matches(['{', '}', ' ']).split(',').filter_map(|pair| pair.split(':').next());
    values.map(str::trim).any(|value| !value.is_empty() && value.parse() != Ok(0.0))
}

/// A window; none if it has no request.
fn token_window(start: SimDuration, fields: &Fields) -> Result<Option<TokenWindow>, String> {
    let field = |name: &str| fields.get(name).map(|text| discrete(name, text)).transpose();
    let needed = |name: &str| field(name)?.ok_or_else(|| format!("a window without {name}"));
    let nothing = || Discrete { values: vec![0], cumulative: vec![1.0] };
    let text = if fields.contains_key("text_tokens") { "text_tokens" } else { "input_tokens" };
    let (Some(text_tokens), Some(output_tokens)) = (needed(text)?, needed("output_tokens")?) else { return Ok(None) };
    let image_count = field("image_count")?.flatten().unwrap_or_else(nothing);
    let image_tokens = field("image_tokens")?.flatten().unwrap_or_else(nothing);
    Ok(Some(TokenWindow { start, text_tokens, image_tokens, image_count, output_tokens }))
}

/// A distribution written as Python writes a dictionary; none for an empty one.
fn discrete(name: &str, text: &str) -> Result<Option<Discrete>, String> {
    let wrong = || format!("{name} = \"{}\"", shown(text));
    let inner = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or_else(wrong)?;
    if inner.trim().is_empty() {
        return Ok(None);
    }
    let pair = |pair: &str| {
        let (value, probability) = pair.split_once(':')?;
        Some((value.trim().parse().ok()?, probability.trim().parse().ok()?))
    };
    let mut pairs = inner.split(',').map(pair).collect::<Option<Vec<(u32, f64)>>>().ok_or_else(wrong)?;
    pairs.sort_by_key(|(value, _)| *value);
    Discrete::new(&pairs).map(Some).map_err(|wrong| format!("{name} {wrong}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    const TRACE: &str = "0,0.8,0.56,Gamma,3.08,0.36\n600,0,0,,0,0\n1200,0.9,0.7,Weibull,1.3,1.1\n";
    const LANGUAGE: &str = r#"{"0": {"input_tokens": "{224: 0.25, 225: 0.75}", "output_tokens": "{40: 1.0}",
        "reason_ratio": "{0.0: 0.5, 0.25: 0.5}"}, "21600": {"input_tokens": "{}", "output_tokens": "{}"}}"#;
    const PICTURES: &str = r#"{"0": {"text_tokens": "{7: 1.0}", "image_tokens": "{525: 0.5, 1196: 0.5}",
        "image_count": "{1: 1.0}", "audio_count": "{0: 1.0}", "output_tokens": "{19: 1.0}"}}"#;

    #[test]
    fn clients_of_both_kinds_are_read() {
        let folder = folder(&[
            ("chunk-10-trace.csv", TRACE),
            ("chunk-10-dataset.json", PICTURES),
            ("chunk-2-trace.csv", TRACE),
            ("chunk-2-dataset.json", LANGUAGE),
            ("chunk-3-trace.csv", TRACE),
            ("chunk-3-dataset.json", r#"{"0": {"input_tokens": "{}", "output_tokens": "{}"}}"#),
            ("README.md", "words"),
        ]);
        let ServeGen { clients, remarks } = read(folder.path()).unwrap();
        // A count of sounds that is always 0 says nothing.
        assert_eq!(remarks, ["reason_ratio of 1 of 2 clients is not read: their requests are drawn without it"]);
        assert_eq!(clients.iter().map(|client| client.id).collect::<Vec<_>>(), [2, 10], "one has no request");
        assert_eq!((clients[0].arrivals.len(), clients[0].tokens.len()), (3, 1));
        assert_eq!(clients[0].tokens[0].text_tokens.quantile(0.3), 225);
        assert_eq!(clients[0].tokens[0].image_count.quantile(0.5), 0);
        assert_eq!(clients[1].tokens[0].image_tokens.quantile(0.7), 1196);
    }

    #[test]
    fn refusals_name_the_file() {
        let said = |files: &[(&str, &str)]| read(folder(files).path()).unwrap_err().to_string();
        assert!(said(&[]).contains("found no file chunk-N-trace.csv; expected a folder of ServeGen"));
        assert!(said(&[("chunk-1-trace.csv", TRACE)]).contains("chunk-1-trace.csv: found no /"));
        let both =
            |trace: &str, dataset: &str| said(&[("chunk-1-trace.csv", trace), ("chunk-1-dataset.json", dataset)]);
        assert!(both("0,1,1,Pareto,1,1\n", LANGUAGE).contains("chunk-1-trace.csv:1: found dist = \"Pareto\""));
        assert!(both(TRACE, "{\"0\": {}}").contains("chunk-1-dataset.json: found a window without input_tokens"));
        let half = both(TRACE, &LANGUAGE.replace("0.75", "0.5"));
        assert!(half.contains("found input_tokens whose probabilities sum to 0.75"), "{half}");
        assert!(both(TRACE, &LANGUAGE.replace("{40: 1.0}", "40")).contains("found output_tokens = \"40\""));
        assert!(both(TRACE, "{").contains("chunk-1-dataset.json:1: found JSON that ends too early"));
    }
}
