//! The program of a policy from outside: lines to its stdin, lines from its stdout, each within a time.
//!
//! A run has a process of its own, so runs on other threads do not mix. After a fault nothing is asked any more: every answer is the
//! default, and the run ends with the fault's message.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes of a line, at most.
const LONGEST_LINE: u64 = 1 << 16;

/// A program that answers, until it fails.
pub struct Program {
    name: String,
    state: RefCell<Result<Running, String>>,
}

struct Running {
    child: Child,
    /// None once it was told that nothing more comes.
    questions: Option<ChildStdin>,
    answers: Receiver<String>,
    timeout: Duration,
}

impl Program {
    /// Starts it. Its messages on stderr go where the simulator's do.
    pub fn start(command: &[String], timeout: Duration) -> Self {
        let name = command.join(" ");
        let state = Running::start(command, timeout).map_err(|why| format!("{name}: {why}"));
        Self { name, state: RefCell::new(state) }
    }

    /// Asks, and gives the answer; the default after a fault.
    pub fn ask<A: DeserializeOwned + Default>(&self, question: &impl Serialize) -> A {
        let line = line(question);
        self.attempt(|running| {
            running.send(&line)?;
            let answer = running.receive().map_err(|why| format!("{why}, asked {}", line.trim_end()))?;
            serde_json::from_str(&answer).map_err(|error| {
                let hint = "expected one JSON object a line; what is printed for people goes to stderr";
                format!("answered {} to {}: {error}; {hint}", answer.trim_end(), line.trim_end())
            })
        })
        .unwrap_or_default()
    }

    /// Tells something that wants no answer.
    pub fn tell(&self, news: &impl Serialize) {
        self.attempt(|running| running.send(&line(news)));
    }

    /// Ends all asking, for this reason.
    pub fn refuse(&self, why: &str) {
        self.attempt(|_| Err::<(), _>(why.to_owned()));
    }

    /// The reason why it is asked no more.
    pub fn fault(&self) -> Option<String> {
        self.state.borrow().as_ref().err().cloned()
    }

    fn attempt<T>(&self, act: impl FnOnce(&mut Running) -> Result<T, String>) -> Option<T> {
        let state = &mut *self.state.borrow_mut();
        let Ok(running) = state else { return None };
        match act(running) {
            Ok(done) => Some(done),
            Err(why) => {
                *state = Err(format!("{}: {why}", self.name));
                None
            }
        }
    }
}

/// A message as a line.
fn line(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("a message is JSON") + "\n"
}

impl Running {
    fn start(command: &[String], timeout: Duration) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("no program is named")?;
        let mut child =
            Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(
                |error| format!("cannot start {program}: {error}; expected a program in the PATH, or a file"),
            )?;
        let questions = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, answers) = sync_channel(1);
        std::thread::spawn(move || {
            let mut output = output;
            loop {
                let mut line = String::new();
                let read = output.by_ref().take(LONGEST_LINE).read_line(&mut line);
                if !matches!(read, Ok(1..)) || sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, questions, answers, timeout })
    }

    fn send(&mut self, line: &str) -> Result<(), String> {
        let pipe = self.questions.as_mut().expect("it is open until the end");
        let sent = pipe.write_all(line.as_bytes()).and_then(|()| pipe.flush());
        sent.map_err(|_| self.ended())
    }

    fn receive(&mut self) -> Result<String, String> {
        match self.answers.recv_timeout(self.timeout) {
            Ok(line) if line.ends_with('\n') => Ok(line),
            Ok(line) if line.len() as u64 >= LONGEST_LINE => {
                Err(format!("wrote a line of more than {LONGEST_LINE} bytes"))
            }
            Ok(_) | Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("gave no answer within {} s (policy.external.timeout)", self.timeout.as_secs_f64()))
            }
        }
    }

    /// The way in which it ended by itself.
    fn ended(&mut self) -> String {
        // Its pipe closes a moment before it ends.
        let status = self.exit();
        status.map_or_else(
            || "closed its stdout and runs on; expected an answer to each line".to_owned(),
            |status| format!("ended ({status}) before the run did; its stderr may say why"),
        )
    }

    /// Its status, if it ends within the time.
    fn exit(&mut self) -> Option<ExitStatus> {
        self.questions = None;
        let is_open = |received| matches!(received, Ok(_) | Err(RecvTimeoutError::Timeout));
        if is_open(self.answers.recv_timeout(self.timeout)) {
            let _ = self.child.kill();
        }
        self.child.wait().ok()
    }
}

impl Drop for Running {
    /// Closes its stdin, at which it ends; one that does not within the time is killed.
    fn drop(&mut self) {
        self.exit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A shell script that is started with a timeout of so many milliseconds.
    fn shell(script: &str, ms: u64) -> Program {
        Program::start(&["sh", "-c", script].map(str::to_owned), Duration::from_millis(ms))
    }

    #[test]
    fn it_answers_line_by_line() {
        let program = shell("while read -r line; do case $line in *told*) ;; *) echo \"[$line]\";; esac; done", 10_000);
        for number in 0..3 {
            program.tell(&json!("told"));
            assert_eq!(program.ask::<Value>(&json!({"ask": number})), json!([{"ask": number}]));
        }
        assert_eq!(program.fault(), None);
    }

    #[test]
    fn faults_are_told_and_end_the_asking() {
        for (script, says) in [
            ("exit 3", "ended (exit status: 3) before the run did"),
            ("read -r line; echo nonsense; cat", "answered nonsense to {\"ask\":1}: expected"),
            ("read -r line; exec sleep 60", "gave no answer within 0.5 s (policy.external.timeout), asked {\"ask\":1}"),
            ("read -r line; head -c 70000 /dev/zero | tr '\\0' x; cat", "wrote a line of more than 65536 bytes"),
            ("read -r line; printf '[1'", "ended (exit status: 0)"),
        ] {
            let program = shell(script, if script.contains("sleep") { 500 } else { 10_000 });
            assert_eq!(program.ask::<Value>(&json!({"ask": 1})), Value::Null, "{script}");
            let fault = program.fault().expect(script);
            assert!(fault.starts_with("sh -c ") && fault.contains(says), "{script}: {fault}");
            program.tell(&json!(2));
            assert_eq!((program.ask::<Value>(&json!(3)), program.fault()), (Value::Null, Some(fault)));
        }
        let absent = Program::start(&["no-such-program".to_owned()], Duration::from_secs(1));
        assert!(absent.fault().is_some_and(|fault| fault.contains("cannot start no-such-program")));
    }
}
