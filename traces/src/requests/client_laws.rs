//! Laws by which each client of a service sends requests, as ServeGen publishes them.
//!
//! Published at <https://github.com/alibaba/ServeGen> as two files for each client, which `client_folder` reads; here from two
//! files that hold all clients:
//!
//! - arrivals, CSV: `client,t_s,rate_per_s,interarrival_cv,dist,shape,scale`, a row for each client and window. `dist` is
//!   `Gamma`, `Weibull`, `Exponential` or, in a window in which nothing arrives, empty.
//! - tokens, JSONL: an object for each client and window with `client`, `window_s` and the distributions `text_tokens`,
//!   `image_tokens` (of one image), `image_count` and `output_tokens`, each `[[value, probability], ...]`.
//!
//! Nothing is drawn here. The law of the interarrival times is as published, fitted; its mean is near to `1 / rate_per_s`
//! but not exactly that, and who draws from it decides whether to scale it.

use crate::{
    TraceError,
    error::shown,
    open::{Lines, empty},
    rows::{CsvFile, Row},
};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};
use units::SimDuration;

const ARRIVALS_HEADER: &str = "client,t_s,rate_per_s,interarrival_cv,dist,shape,scale";
const TOKENS_LINE: &str =
    "{\"client\", \"window_s\", \"text_tokens\": [[<value>, <probability>], ...], \"image_tokens\", ...}";

/// Tolerance of the sum of a distribution's published probabilities, which are rounded to five digits.
const PROBABILITY_TOLERANCE: f64 = 0.01;

/// The clients of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServeGen {
    /// In order of their number.
    pub clients: Vec<ServeGenClient>,
    /// Sentences about what the files say and the clients here do not.
    pub remarks: Vec<String>,
}

/// The requests of one client. A window holds until the next one starts.
#[derive(Debug, Clone, PartialEq)]
pub struct ServeGenClient {
    /// The number that the trace gives it.
    pub id: u32,
    /// Arrival windows, in order of start; at least one.
    pub arrivals: Vec<ArrivalWindow>,
    /// Length windows, in order of start; at least one.
    pub tokens: Vec<TokenWindow>,
}

/// The arrivals of a client in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArrivalWindow {
    /// Start of the window, counted from the start of the trace.
    pub start: SimDuration,
    /// Requests a second; zero if and only if `law` is `None`.
    pub rate_per_s: f64,
    /// The law of the times between arrivals, in seconds.
    pub law: Option<Interarrival>,
}

/// A law of the times between arrivals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Interarrival {
    /// A Poisson process with the rate of the window.
    Exponential,
    /// Gamma with mean `shape * scale`.
    Gamma {
        /// Dimensionless, above zero.
        shape: f64,
        /// In seconds, above zero.
        scale: f64,
    },
    /// Weibull with mean `scale * gamma(1 + 1 / shape)`.
    Weibull {
        /// Dimensionless, above zero.
        shape: f64,
        /// In seconds, above zero.
        scale: f64,
    },
}

/// The lengths of a client's requests in one window. A window without requests has the value 0 everywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenWindow {
    /// Start of the window, counted from the start of the trace.
    pub start: SimDuration,
    /// Text tokens of a prompt.
    pub text_tokens: Discrete,
    /// Tokens of one image.
    pub image_tokens: Discrete,
    /// Images of a prompt.
    pub image_count: Discrete,
    /// Tokens of an answer.
    pub output_tokens: Discrete,
}

/// A distribution over finitely many values.
#[derive(Debug, Clone, PartialEq)]
pub struct Discrete {
    /// Rising, at least one.
    pub values: Vec<u32>,
    /// The probability of this value or a smaller one; the last is exactly 1.
    pub cumulative: Vec<f64>,
}

impl Discrete {
    /// The smallest value whose cumulative probability is at least `u`.
    pub fn quantile(&self, u: f64) -> u32 {
        let index = self.cumulative.partition_point(|&cumulative| cumulative < u);
        self.values[index.min(self.values.len() - 1)]
    }

    /// Normalises pairs of value and probability, or says what is wrong with them.
    pub(super) fn new(pairs: &[(u32, f64)]) -> Result<Self, String> {
        if pairs.is_empty() {
            return Err("without values".into());
        }
        if pairs.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err("whose values do not rise".into());
        }
        if let Some((value, probability)) = pairs.iter().find(|(_, probability)| !(0.0..=1.0).contains(probability)) {
            return Err(format!("with probability {probability} of {value}"));
        }
        let total: f64 = pairs.iter().map(|(_, probability)| probability).sum();
        if (total - 1.0).abs() > PROBABILITY_TOLERANCE {
            return Err(format!("whose probabilities sum to {total}"));
        }
        let mut sum = 0.0;
        let mut add = |(_, probability): &(u32, f64)| {
            sum += probability / total;
            sum
        };
        let mut cumulative: Vec<f64> = pairs.iter().map(&mut add).collect();
        // Rounding may leave the sum beside 1, and nothing may be left above the last value.
        *cumulative.last_mut().expect("there is at least one value") = 1.0;
        Ok(Self { values: pairs.iter().map(|(value, _)| *value).collect(), cumulative })
    }
}

impl ServeGen {
    /// Reads the two files.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or is not of this format, if a client's windows are not in order, or if a client is in
    /// one of the files only.
    pub fn read(arrivals: &Path, tokens: &Path) -> Result<Self, TraceError> {
        let mut lengths = read_tokens(tokens)?;
        let mut clients = Vec::new();
        for (id, windows) in read_arrivals(arrivals)? {
            let tokens = lengths.remove(&id).ok_or_else(|| no_such_client(tokens, id, arrivals))?;
            clients.push(ServeGenClient { id, arrivals: windows, tokens });
        }
        match lengths.first_key_value() {
            Some((&id, _)) => Err(no_such_client(arrivals, id, tokens)),
            None => Ok(Self { clients, remarks: Vec::new() }),
        }
    }
}

fn no_such_client(path: &Path, id: u32, other: &Path) -> TraceError {
    let expected = format!("the clients of {}", other.display());
    TraceError::new(path, format!("no client {id}"), expected, "give two files of one trace")
}

fn read_arrivals(path: &Path) -> Result<BTreeMap<u32, Vec<ArrivalWindow>>, TraceError> {
    let expected = format!("the header {ARRIVALS_HEADER}");
    let mut file = CsvFile::open(path, &expected)?;
    if file.header().join(",") != ARRIVALS_HEADER {
        let found = format!("the first line \"{}\"", shown(&file.header().join(",")));
        return Err(TraceError::new(path, found, expected, "give the arrivals file of the trace").at(1));
    }
    let mut clients = BTreeMap::new();
    while let Some(row) = file.next()? {
        let window = arrival_window(&row, 1)?;
        append(&mut clients, row.count(0)?, window, |window| window.start)
            .map_err(|found| row.refusal(found, "windows in order of start", "sort the file by client and time"))?;
    }
    Ok(clients)
}

/// A window of arrivals in a row whose columns begin at `at`: start, rate, variation, law, shape, scale.
pub(super) fn arrival_window(row: &Row<'_>, at: usize) -> Result<ArrivalWindow, TraceError> {
    let [start, rate, variation, law, shape, scale] = [0, 1, 2, 3, 4, 5].map(|column| at + column);
    let start = SimDuration::from_ns(row.fixed_point(start, 9)?);
    let rate_per_s = row.number(rate)?;
    row.number(variation)?;
    let positive = |column| {
        row.number(column)
            .and_then(|number| if number > 0.0 { Ok(number) } else { Err(row.refuse(column, "a number above 0")) })
    };
    let named = match row.text(law) {
        "" => None,
        "Exponential" => Some(Interarrival::Exponential),
        "Gamma" => Some(Interarrival::Gamma { shape: positive(shape)?, scale: positive(scale)? }),
        "Weibull" => Some(Interarrival::Weibull { shape: positive(shape)?, scale: positive(scale)? }),
        _ => return Err(row.refuse(law, "Exponential, Gamma, Weibull or nothing")),
    };
    if named.is_some() != (rate_per_s > 0.0) {
        return Err(row.refuse(rate, "0 without a dist, above 0 with one"));
    }
    Ok(ArrivalWindow { start, rate_per_s, law: named })
}

#[derive(Deserialize)]
struct TokensLine {
    client: u32,
    window_s: u64,
    text_tokens: Vec<(u32, f64)>,
    image_tokens: Vec<(u32, f64)>,
    image_count: Vec<(u32, f64)>,
    output_tokens: Vec<(u32, f64)>,
}

fn read_tokens(path: &Path) -> Result<BTreeMap<u32, Vec<TokenWindow>>, TraceError> {
    let mut lines = Lines::open(path)?;
    let mut clients = BTreeMap::new();
    while let Some((number, text)) = lines.next()? {
        let line: TokensLine =
            serde_json::from_str(text).map_err(|error| TraceError::json(path, &error, TOKENS_LINE).at(number))?;
        let client = line.client;
        token_window(line).and_then(|window| append(&mut clients, client, window, |window| window.start)).map_err(
            |found| {
                let expected = "windows in order, of distributions with rising values and probabilities that sum to 1";
                TraceError::new(path, found, expected, "correct the line").at(number)
            },
        )?;
    }
    if clients.is_empty() {
        return Err(empty(path, TOKENS_LINE));
    }
    Ok(clients)
}

fn token_window(line: TokensLine) -> Result<TokenWindow, String> {
    let discrete = |name, pairs: &[_]| Discrete::new(pairs).map_err(|wrong| format!("{name} {wrong}"));
    let start = SimDuration::from_secs(1).checked_mul(line.window_s);
    Ok(TokenWindow {
        start: start.ok_or_else(|| format!("window_s = {}", line.window_s))?,
        text_tokens: discrete("text_tokens", &line.text_tokens)?,
        image_tokens: discrete("image_tokens", &line.image_tokens)?,
        image_count: discrete("image_count", &line.image_count)?,
        output_tokens: discrete("output_tokens", &line.output_tokens)?,
    })
}

/// Adds a window to its client, or says that it starts too early.
fn append<W>(
    clients: &mut BTreeMap<u32, Vec<W>>,
    client: u32,
    window: W,
    start: impl Fn(&W) -> SimDuration,
) -> Result<(), String> {
    let windows = clients.entry(client).or_default();
    match windows.last() {
        Some(last) if start(last) >= start(&window) => {
            Err(format!("a window of client {client} at {}, not after the one at {}", start(&window), start(last)))
        }
        _ => {
            windows.push(window);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, shared};

    const ARRIVALS: &str = "client,t_s,rate_per_s,interarrival_cv,dist,shape,scale\n\
                            0,0,0.805,0.57,Gamma,3.0811,0.36\n0,600,0.9,0.7,Weibull,1.3,1.1\n0,1200,0,0,,0,0\n";

    fn tokens(client: u32, window_s: u64, text: &str) -> String {
        format!(
            "{{\"client\":{client},\"window_s\":{window_s},\"text_tokens\":{text},\"image_tokens\":[[525,1.0]],\
             \"image_count\":[[1,1.0]],\"output_tokens\":[[19,0.5],[20,0.5]]}}\n"
        )
    }

    fn read(arrivals: &str, tokens: &str) -> Result<ServeGen, String> {
        let (arrivals, tokens) = (file_with(arrivals.as_bytes()), file_with(tokens.as_bytes()));
        ServeGen::read(arrivals.path(), tokens.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn clients_have_their_windows() {
        let trace =
            read(ARRIVALS, &(tokens(0, 0, "[[136,0.25],[372,0.75]]") + &tokens(0, 21600, "[[0,1.0]]"))).unwrap();
        let client = &trace.clients[0];
        assert_eq!(client.arrivals[0].law, Some(Interarrival::Gamma { shape: 3.0811, scale: 0.36 }));
        assert_eq!(client.arrivals[1].start, SimDuration::from_secs(600));
        assert_eq!(client.arrivals[2].law, None);
        let text = &client.tokens[0].text_tokens;
        assert_eq!([0.0, 0.25, 0.26, 1.0].map(|u| text.quantile(u)), [136, 136, 372, 372]);
        assert_eq!(client.tokens[1].text_tokens.quantile(0.5), 0);
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        let good = tokens(0, 0, "[[1,1.0]]");
        let row = |row: &str| format!("{ARRIVALS}{row}\n");
        for (arrivals, tokens, says) in [
            (ARRIVALS.into(), String::new(), "found an empty file; expected {\"client\""),
            ("a,b\n".into(), good.clone(), ":1: found the first line \"a,b\"; expected the header client,t_s"),
            (ARRIVALS.into(), tokens(1, 0, "[[1,1.0]]"), "found no client 0; expected the clients of"),
            (ARRIVALS.into(), good.clone() + &tokens(1, 0, "[[1,1.0]]"), "found no client 1; expected the clients of"),
            (row("0,1800,1,1,Pareto,1,1"), good.clone(), ":5: found dist = \"Pareto\"; expected Exponential, Gamma"),
            (row("0,1800,1,1,Gamma,0,1"), good.clone(), ":5: found shape = \"0\"; expected a number above 0"),
            (row("0,1800,nan,1,Gamma,1,1"), good.clone(), ":5: found rate_per_s = \"nan\"; expected a finite number"),
            (row("0,1800,1,1,,1,1"), good.clone(), ":5: found rate_per_s = \"1\"; expected 0 without a dist"),
            (row("0,1200,1,1,Gamma,1,1"), good.clone(), ":5: found a window of client 0 at 20 min, not after"),
            (ARRIVALS.into(), good.clone() + &good, ":2: found a window of client 0 at 0 ns, not after"),
            (ARRIVALS.into(), tokens(0, 0, "[]"), ":1: found text_tokens without values"),
            (ARRIVALS.into(), tokens(0, 0, "[[2,0.5],[1,0.5]]"), ":1: found text_tokens whose values do not rise"),
            (ARRIVALS.into(), tokens(0, 0, "[[1,0.5]]"), ":1: found text_tokens whose probabilities sum to 0.5"),
            (ARRIVALS.into(), tokens(0, 0, "[[1,-0.5],[2,1.5]]"), ":1: found text_tokens with probability -0.5 of 1"),
            (ARRIVALS.into(), good[..60].to_owned(), ":1: found JSON that ends too early at column 60"),
        ] {
            let refused = read(&arrivals, &tokens).unwrap_err();
            assert!(refused.contains(says), "{refused}\nhas no\n{says}");
        }
    }

    #[test]
    fn shared_trace_is_read() {
        let Some(folder) = shared("traces/requests") else { return };
        let arrivals = folder.join("servegen_mm_image_arrivals.csv.gz");
        let trace = ServeGen::read(&arrivals, &folder.join("servegen_mm_image_tokens.jsonl.gz")).unwrap();
        assert_eq!(trace.clients.len(), 35);
        assert!(trace.clients.iter().all(|client| client.arrivals.len() == 72 && client.tokens.len() == 2));
    }
}
