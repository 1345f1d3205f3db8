//! The binary `sim`, run with a limit on its time.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};
use crate::house::{House, cargo};

/// The binary, and the time at which all has to be over.
pub struct Sim {
    program: PathBuf,
    end: Instant,
}

/// Output of a command.
pub struct Said {
    /// Its result.
    pub result: String,
    /// Warnings, and what was left out.
    pub remarks: String,
}

impl Said {
    /// Result and remarks, as text in a report.
    pub fn quoted(&self) -> String {
        format!("```text\n{}\n```", format!("{}{}", self.result, self.remarks).trim_end())
    }
}

/// Pause between two looks at a running process. It may not outlive the check, and the standard library waits only without a limit.
const LOOK: Duration = Duration::from_millis(50);

impl Sim {
    /// The binary that is named, or lies beside this one in a packed folder, or is built here.
    pub fn find(named: Option<&Path>, limit: Duration) -> Outcome<Self> {
        let end = Instant::now() + limit;
        if let Some(program) = named {
            return Ok(Self { program: program.to_owned(), end });
        }
        let beside = packed().map(|folder| folder.join("sim"));
        if let Some(program) = beside {
            return Ok(Self { program, end });
        }
        let status = cargo().args(["build", "--release", "--quiet", "--bin", "sim"]).status();
        let built = status.is_ok_and(|status| status.success());
        if !built {
            return Err("`cargo build --release --bin sim` failed; its output above says why".to_owned().into());
        }
        // Building is no part of the check.
        Ok(Self { program: House::target()?.join("release/sim"), end: Instant::now() + limit })
    }

    /// Time that is left.
    pub fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Runs a command; what it prints. A failure has its message and its exit code.
    pub fn run<S: Into<OsString>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome<Said> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let told = arguments.iter().take(2).map(|one| one.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let mut command = Command::new(&self.program);
        command.args(&arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("{} does not start: {error}; name another with --sim", self.program.display()))?;
        let (out, err) = (gathered(child.stdout.take()), gathered(child.stderr.take()));
        let mut status = None;
        while status.is_none() && !self.left().is_zero() {
            status = child.try_wait().map_err(|error| format!("`sim {told}`: {error}"))?;
            if status.is_none() {
                thread::sleep(LOOK);
            }
        }
        if status.is_none() {
            // It may have ended by itself a moment ago.
            let _ = child.kill();
            let _ = child.wait();
        }
        let [out, err] = [out, err].map(|thread| thread.join().unwrap_or_default());
        verdict(&told, status, out, err)
    }
}

fn verdict(told: &str, status: Option<ExitStatus>, result: String, remarks: String) -> Outcome<Said> {
    let Some(status) = status else {
        return Err(format!("`sim {told}` was ended: the time was over; allow more with --minutes").into());
    };
    if status.success() {
        return Ok(Said { result, remarks });
    }
    let last = remarks.trim().lines().last().unwrap_or("it says nothing").to_owned();
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Err(Failure::with_code(code, format!("`sim {told}`: {last}")))
}

/// All that a process writes to a pipe.
fn gathered(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // A broken pipe ends the output; nothing more comes.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The packed folder that this binary lies in, if it lies in one.
pub fn packed() -> Option<PathBuf> {
    let folder = std::env::current_exe().ok()?.parent()?.to_owned();
    folder.join(super::pack::MARK).is_file().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell in place of the binary.
    fn shell(limit: Duration) -> Sim {
        Sim { program: "sh".into(), end: Instant::now() + limit }
    }

    #[test]
    fn a_command_is_ended_when_the_time_is_over() {
        let start = Instant::now();
        let failure = shell(Duration::from_millis(200)).run(["-c", "exec sleep 20"]).err().expect("it is ended");
        assert!(failure.to_string().contains("the time was over"), "{failure}");
        assert!(start.elapsed() < Duration::from_secs(15));
    }

    #[test]
    fn a_failure_has_the_last_line_and_the_code_of_the_command() {
        let sim = shell(Duration::from_secs(60));
        let failure = sim.run(["-c", "echo first >&2; echo why >&2; exit 4"]).err().expect("it fails");
        assert_eq!(
            (failure.code(), failure.to_string().trim()),
            (4, "error: `sim -c echo first >&2; echo why >&2; exit 4`: why")
        );
        let said = sim.run(["-c", "echo result; echo remark >&2"]).expect("it passes");
        assert_eq!(said.quoted(), "```text\nresult\nremark\n```");
    }
}
