//! Decoding speed of a model, and the share of a step spent outside of ONNX Runtime: `cargo run --release -p onnx
//! --example speed -- FOLDER [TOKENS] [THREADS]`. Prints one line of JSON; `speed.py` beside it is the same loop in
//! plain Python. `row_us` is the time to choose a token and its entropy in a row as wide as Qwen's.

use onnx::{Folder, LogitsRow, Model, Provider, Runtime, timed};
use std::error::Error;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: speed FOLDER [TOKENS] [THREADS]")?;
    let tokens: usize = args.next().map_or(Ok(256), |text| text.parse())?;
    let threads: usize = args.next().map_or(Ok(1), |text| text.parse())?;
    let runtime = Runtime::new(None, Provider::Cpu, Some(threads))?;
    let mut model = Model::load(Folder::read(folder.as_ref(), None)?, &runtime)?;
    let prompt = model.prompt(&[5; 32], Vec::new(), true)?;
    let mut steps = Vec::new();
    for _ in 0..5 {
        let (mut sequence, logits) = model.open(&prompt)?;
        let mut token = logits.row(0)?.choice()?.token;
        // To the end, whatever the tokens: an answer may be short.
        for _ in 0..tokens {
            let (start, inside) = (Instant::now(), model.inside());
            token = model.step(&mut sequence, &[token], 1)?.row(0)?.choice()?.token;
            let whole = start.elapsed();
            steps.push((whole, whole - (model.inside() - inside)));
        }
    }
    // The fastest tenth: others share the machine.
    let tenth = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 10].as_secs_f64() * 1e6
    };
    let (mut wholes, mut outsides): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
    let (whole, outside) = (tenth(&mut wholes), tenth(&mut outsides));
    let row: Vec<f32> = (0..151_936_u32).map(|at| (at * 7919 % 4001) as f32 / 200.0 - 10.0).collect();
    let mut rows: Vec<_> = (0..100).map(|_| timed(|| LogitsRow::Single(&row).choice()).1).collect();
    let row = tenth(&mut rows);
    println!(
        "{{\"tokens_per_s\": {:.0}, \"step_us\": {whole:.1}, \"outside_us\": {outside:.1}, \"row_us\": {row:.1}}}",
        1e6 / whole
    );
    Ok(())
}
