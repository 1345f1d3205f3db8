//! Tables of kernels that were timed alone: a row is one call on one GPU.
//!
//! Three tables are known by their columns, each with `gpu`, `model`, `engine` and `duration_us`:
//! * layers without attention: `op`, `m_tokens` (rows of the activation);
//! * attention of one layer: `phase`, `batch`, `new_tokens`, `past_tokens` (of each sequence);
//! * attention over one chunk of a prompt and a batch of decodes: `prefill_new_tokens`, `prefill_past_tokens`,
//!   `decode_batch`, `decode_past_tokens`.
//!
//! `source`, `dtype` and `tensor_parallel` (1) may be there. Other columns are not looked at.

use super::{column, positive};
use crate::{
    TraceError,
    rows::{CsvFile, Row},
};

/// Source, device, model and width of a kernel, as the table calls them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelPlace {
    /// Source of the measurement; empty if not stated.
    pub source: String,
    /// The device.
    pub gpu: String,
    /// The model; `-` of a kernel that was measured without one.
    pub model: String,
    /// The width of weights and activations; empty if not stated.
    pub dtype: String,
    /// GPUs that share each layer; the kernel is one GPU's part.
    pub tensor_parallel: u32,
}

/// The work of a kernel.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// A layer without attention, over so many tokens.
    Linear {
        /// The layer's name.
        op: String,
        /// Rows of the activation.
        tokens: u32,
    },
    /// Attention of one layer.
    Attention {
        /// Sequences.
        batch: u32,
        /// New tokens of each sequence.
        new_tokens: u32,
        /// Tokens of each sequence in the cache.
        past_tokens: u32,
        /// True for pictures in a vision tower, which have no cache.
        is_encoder: bool,
    },
    /// Attention of one layer over a chunk of a prompt and a batch of decodes.
    Mixed {
        /// New tokens of the chunk.
        new_tokens: u32,
        /// Tokens of the prompt in the cache.
        past_tokens: u32,
        /// Sequences with one new token each.
        batch: u32,
        /// Tokens of each of these in the cache.
        batch_past_tokens: u32,
    },
}

/// A kernel that was timed alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// Its line in the file.
    pub line: u64,
    /// Where it was timed, but for the engine.
    pub place: KernelPlace,
    /// The engine and its version.
    pub engine: String,
    /// Its work.
    pub call: Call,
    /// Microseconds.
    pub duration_us: f64,
}

/// The kind of a table, with the indices of the columns that only it has.
enum Kind {
    Linear { op: usize, tokens: usize },
    Attention { phase: usize, sizes: [usize; 3] },
    Mixed([usize; 4]),
}

impl Kind {
    /// The kind of a table; none of a table of something else.
    fn of(file: &CsvFile) -> Result<Option<Self>, TraceError> {
        let has = |names: &[&str]| names.iter().all(|name| file.header().iter().any(|column| column == name));
        Ok(Some(match () {
            () if has(&["op", "m_tokens"]) => Self::Linear { op: file.column("op")?, tokens: file.column("m_tokens")? },
            () if has(&["prefill_new_tokens", "decode_batch"]) => Self::Mixed(file.columns([
                "prefill_new_tokens",
                "prefill_past_tokens",
                "decode_batch",
                "decode_past_tokens",
            ])?),
            () if has(&["phase", "past_tokens"]) => Self::Attention {
                phase: file.column("phase")?,
                sizes: file.columns(["batch", "new_tokens", "past_tokens"])?,
            },
            () => return Ok(None),
        }))
    }

    fn call(&self, row: &Row<'_>) -> Result<Call, TraceError> {
        match *self {
            Self::Linear { op, tokens } => {
                Ok(Call::Linear { op: row.text(op).to_owned(), tokens: positive(row, tokens)? })
            }
            Self::Attention { phase, sizes: [batch, new_tokens, past_tokens] } => {
                let is_encoder = match row.text(phase) {
                    "prefill" | "decode" => false,
                    "encoder" => true,
                    _ => return Err(row.refuse(phase, "prefill, decode or encoder")),
                };
                Ok(Call::Attention {
                    batch: positive(row, batch)?,
                    new_tokens: positive(row, new_tokens)?,
                    past_tokens: row.stated(Some(past_tokens)).map_or(Ok(0), |column| row.count(column))?,
                    is_encoder,
                })
            }
            Self::Mixed([new_tokens, past_tokens, batch, batch_past_tokens]) => Ok(Call::Mixed {
                new_tokens: positive(row, new_tokens)?,
                past_tokens: row.count(past_tokens)?,
                batch: positive(row, batch)?,
                batch_past_tokens: row.count(batch_past_tokens)?,
            }),
        }
    }
}

/// Reads the rest of a table of kernels; none of a table of something else.
pub(super) fn read(file: &mut CsvFile) -> Result<Option<Vec<Kernel>>, TraceError> {
    let Some(kind) = Kind::of(file)? else { return Ok(None) };
    let [gpu, model, engine] = file.columns(["gpu", "model", "engine"])?;
    let duration_us = column(file, "duration_us")?;
    let optional = |name: &str| file.header().iter().position(|column| column == name);
    let (source, dtype, tensor_parallel) = (optional("source"), optional("dtype"), optional("tensor_parallel"));
    let mut kernels = Vec::new();
    while let Some(row) = file.next()? {
        let text = |column: Option<usize>| column.map_or("", |column| row.text(column)).to_owned();
        let tensor_parallel = row.stated(tensor_parallel).map_or(Ok(1), |column| positive(&row, column))?;
        let us = row.number(duration_us).ok().filter(|us| *us > 0.0);
        kernels.push(Kernel {
            line: row.line(),
            place: KernelPlace {
                source: text(source),
                gpu: row.text(gpu).to_owned(),
                model: row.text(model).to_owned(),
                dtype: text(dtype),
                tensor_parallel,
            },
            engine: row.text(engine).to_owned(),
            call: kind.call(&row)?,
            duration_us: us.ok_or_else(|| row.refuse(duration_us, "a finite number of microseconds above 0"))?,
        });
    }
    Ok(Some(kernels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measured::{Table, read},
        testing::file_with,
    };

    fn kernels(text: &str) -> Result<Vec<Kernel>, String> {
        let file = file_with(text.as_bytes());
        let name = file.path().display().to_string();
        match read(file.path()).map_err(|error| error.to_string().replace(&name, "t.csv"))? {
            Table::Kernels(kernels) => Ok(kernels),
            Table::Steps(_) => Err("steps".to_owned()),
        }
    }

    #[test]
    fn each_table_is_known_by_its_columns() {
        let linear =
            kernels("gpu,engine,model,op,tensor_parallel,m_tokens,duration_us\ng,e,m,o_proj,2,16,3.5\n").unwrap();
        assert_eq!(linear[0].call, Call::Linear { op: "o_proj".into(), tokens: 16 });
        assert_eq!((linear[0].line, linear[0].place.tensor_parallel, linear[0].duration_us), (2, 2, 3.5));
        let header = "gpu,engine,model,phase,batch,new_tokens,past_tokens,duration_us\n";
        let attention = kernels(&format!("{header}g,e,m,decode,4,1,100,9\ng,e,-,encoder,1,256,,9\n")).unwrap();
        let call =
            |batch, new_tokens, past_tokens, is_encoder| Call::Attention { batch, new_tokens, past_tokens, is_encoder };
        assert_eq!(attention[0].call, call(4, 1, 100, false));
        assert_eq!(attention[1].call, call(1, 256, 0, true));
        let header =
            "gpu,engine,model,prefill_new_tokens,prefill_past_tokens,decode_batch,decode_past_tokens,duration_us\n";
        let mixed = kernels(&format!("{header}g,e,m,16,0,8,64,7.7\n")).unwrap();
        assert_eq!(mixed[0].call, Call::Mixed { new_tokens: 16, past_tokens: 0, batch: 8, batch_past_tokens: 64 });
    }

    #[test]
    fn values_that_are_none_are_refused_with_their_line() {
        let header = "gpu,engine,model,op,m_tokens,duration_us\n";
        for (row, said) in [
            ("g,e,m,o_proj,0,3", "t.csv:2: found m_tokens = \"0\"; expected a whole number from 1 up"),
            (
                "g,e,m,o_proj,1,-3",
                "t.csv:2: found duration_us = \"-3\"; expected a finite number of microseconds above 0",
            ),
        ] {
            let refused = kernels(&format!("{header}{row}\n")).unwrap_err();
            assert!(refused.starts_with(said), "{refused}");
        }
        let other = kernels("gpu,engine,model,op,m_tokens,duration_ms\n").unwrap_err();
        assert!(other.contains("found the column duration_ms; expected a column \"duration_us\""), "{other}");
    }
}
