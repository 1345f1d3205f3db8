//! Replays the requests of step logs and compares every step, field by field.
//!
//! ```sh
//! cargo run --release -p serving --example steps -- ../shared/serving/*/*.json
//! ```
//!
//! For each file it says how many steps agree, or the first step and field that differ. It exits with 0 where all agree,
//! with 1 where one differs, and with 2 where a file is no such log.

mod check;
mod course;
mod log;
mod names;
mod record;
mod replay;

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "a program's own arguments")]
fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("found no file; expected the names of step logs: steps FILE...");
        return ExitCode::from(2);
    }
    let mut worst = 0;
    for file in files {
        let verdict = check::file(&file);
        match &verdict {
            check::Verdict::Agrees { steps } => println!("{file}: {steps} steps agree"),
            check::Verdict::Differs(difference) => println!("{file}: {difference}"),
            check::Verdict::NoLog(reason) => eprintln!("{file}:{reason}"),
        }
        worst = worst.max(verdict.code());
    }
    ExitCode::from(worst)
}
