//! Tables of llama.cpp's `llama-bench -o csv`: a row is one test, a prompt or an answer behind a context.
//!
//! A prompt is computed in steps of `n_ubatch` tokens, an answer in steps of one. A row becomes its mean step: the mean
//! duration at the mean context. Rows with a prompt and an answer have one duration for both and are left out.

use super::{Measured, MeasuredStep};
use crate::{
    TraceError,
    rows::{CsvFile, Row},
};

/// The columns that only such a table has together.
const MARKS: [&str; 3] = ["n_prompt", "n_gen", "avg_ns"];

/// True if a table has the columns of `llama-bench`.
pub(super) fn is(file: &CsvFile) -> bool {
    MARKS.iter().all(|mark| file.header().iter().any(|column| column == mark))
}

/// Indices of the columns that are read.
struct Columns {
    build: [usize; 2],
    gpu: usize,
    cpu: usize,
    model: usize,
    size: [usize; 2],
    cache: [usize; 2],
    batch: [usize; 2],
    prompt: usize,
    generated: usize,
    depth: Option<usize>,
    duration_ns: usize,
}

impl Columns {
    fn of(file: &CsvFile) -> Result<Self, TraceError> {
        let [prompt, generated, duration_ns] = file.columns(MARKS)?;
        let [gpu, cpu, model] = file.columns(["gpu_info", "cpu_info", "model_type"])?;
        Ok(Self {
            build: file.columns(["build_commit", "build_number"])?,
            gpu,
            cpu,
            model,
            size: file.columns(["model_size", "model_n_params"])?,
            cache: file.columns(["type_k", "type_v"])?,
            batch: file.columns(["n_batch", "n_ubatch"])?,
            prompt,
            generated,
            depth: file.optional("n_depth")?,
            duration_ns,
        })
    }

    /// The mean step of a row; none of a row that is left out, with the reason.
    fn step(&self, row: &Row<'_>) -> Result<Result<MeasuredStep, &'static str>, TraceError> {
        let [prompt, generated] = [row.count(self.prompt)?, row.count(self.generated)?];
        let chunk = self.batch.map(|column| row.count(column)).into_iter().collect::<Result<Vec<_>, _>>()?;
        let chunk = chunk.into_iter().min().unwrap_or_default();
        let new_tokens = match (prompt, generated) {
            (0, 0) => return Ok(Err("no token")),
            (0, _) => 1,
            (_, 0) if prompt <= chunk => prompt,
            (_, 0) if chunk > 0 && prompt.is_multiple_of(chunk) => chunk,
            (_, 0) => return Ok(Err("a prompt whose last step is shorter than the others")),
            _ => return Ok(Err("a prompt and an answer in one duration")),
        };
        let (tokens, new) = (f64::from(prompt.max(generated)), f64::from(new_tokens));
        let depth = self.depth.map(|column| row.count(column)).transpose()?.unwrap_or_default();
        let ns = row.number(self.duration_ns).ok().filter(|ns| *ns > 0.0);
        let ns = ns.ok_or_else(|| row.refuse(self.duration_ns, "a finite number of nanoseconds above 0"))?;
        let [size, parameters] = self.size.map(|column| row.number(column));
        let bytes_per_weight = Some(size? / parameters?).filter(|bytes| bytes.is_finite() && *bytes > 0.0);
        let [commit, number] = self.build.map(|column| row.text(column));
        let cache = self.cache.map(|column| row.text(column));
        let gpu = Some(row.text(self.gpu)).filter(|gpu| !gpu.is_empty()).unwrap_or_else(|| row.text(self.cpu));
        Ok(Ok(MeasuredStep {
            line: row.line(),
            source: "llama-bench".to_owned(),
            how: String::new(),
            gpu: gpu.to_owned(),
            model: row.text(self.model).to_owned(),
            dtype: if cache == ["f16"; 2] { String::new() } else { format!("KV cache {}", cache.join(", ")) },
            bytes_per_weight,
            engine: format!("llama.cpp {commit} ({number})"),
            tensor_parallel: 1,
            kind: if generated > 0 { "decode" } else { "prefill" }.to_owned(),
            batch: 1,
            context_tokens: f64::from(depth) + (tokens - new) / 2.0,
            new_tokens,
            head: true,
            duration_ms: ns * new / tokens / 1e6,
            dimensions: [None; 3],
        }))
    }
}

/// Reads the rest of such a table.
pub(super) fn read(mut file: CsvFile) -> Result<Measured, TraceError> {
    let columns = Columns::of(&file)?;
    let (mut steps, mut left_out) = (Vec::new(), Vec::<(&str, usize)>::new());
    while let Some(row) = file.next()? {
        match columns.step(&row)? {
            Ok(step) => steps.push(step),
            Err(why) => match left_out.iter_mut().find(|(known, _)| *known == why) {
                Some((_, rows)) => *rows += 1,
                None => left_out.push((why, 1)),
            },
        }
    }
    let told = |(why, rows): (&str, usize)| {
        let rows = if rows == 1 { "1 row is".to_owned() } else { format!("{rows} rows are") };
        format!("{rows} left out: {why}")
    };
    Ok(Measured { steps, remarks: left_out.into_iter().map(told).collect() })
}

#[cfg(test)]
mod tests {
    use crate::{measured::Table, testing::file_with};

    const HEADER: &str = "build_commit,build_number,cpu_info,gpu_info,model_type,model_size,model_n_params,n_batch,n_ubatch,\
                          type_k,type_v,n_prompt,n_gen,n_depth,avg_ns\n";

    fn row(prompt: u32, generated: u32, depth: u32, ns: &str) -> String {
        format!("ab,7,a cpu,a card,m Q4,600,1000,2048,512,f16,f16,{prompt},{generated},{depth},{ns}\n")
    }

    fn read(rows: &str) -> Result<crate::measured::Measured, String> {
        let file = file_with(format!("{HEADER}{rows}").as_bytes());
        let name = file.path().display().to_string();
        match crate::measured::read(file.path()).map_err(|error| error.to_string().replace(&name, "t.csv"))? {
            Table::Steps(read) => Ok(read),
            Table::Kernels(_) => Err("kernels".to_owned()),
        }
    }

    #[test]
    fn rows_become_their_mean_steps() {
        let rows = row(512, 0, 0, "70000000") + &row(2048, 0, 100, "280000000") + &row(0, 129, 1000, "1290000000");
        let steps = read(&rows).unwrap().steps;
        let of = |n: usize| (&*steps[n].kind, steps[n].new_tokens, steps[n].context_tokens, steps[n].duration_ms);
        assert_eq!(of(0), ("prefill", 512, 0.0, 70.0));
        assert_eq!(of(1), ("prefill", 512, 100.0 + 3.0 * 256.0, 70.0));
        assert_eq!(of(2), ("decode", 1, 1064.0, 10.0));
        assert_eq!(
            (&*steps[0].engine, &*steps[0].gpu, steps[0].bytes_per_weight),
            ("llama.cpp ab (7)", "a card", Some(0.6))
        );
    }

    #[test]
    fn rows_without_one_kind_of_step_are_counted() {
        let rows = row(512, 128, 0, "9") + &row(700, 0, 0, "9") + &row(64, 16, 0, "9") + &row(0, 0, 0, "9");
        let read = read(&rows).unwrap();
        assert!(read.steps.is_empty());
        assert_eq!(
            read.remarks,
            [
                "2 rows are left out: a prompt and an answer in one duration",
                "1 row is left out: a prompt whose last step is shorter than the others",
                "1 row is left out: no token",
            ]
        );
    }

    #[test]
    fn what_is_none_is_refused_with_its_line() {
        for ns in ["0", "-1", "NaN", "soon"] {
            let said = read(&row(512, 0, 0, ns)).unwrap_err();
            assert!(said.starts_with(&format!("t.csv:2: found avg_ns = \"{ns}\"; expected a finite number")), "{said}");
        }
        let said = read("ab,7,a cpu\n").unwrap_err();
        assert!(said.starts_with("t.csv:2: found 3 fields; expected 15"), "{said}");
    }
}
