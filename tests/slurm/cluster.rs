//! A private Slurm for one test: slurmctld and a few slurmd on free ports of loopback, with all state in a temporary folder.
//!
//! It ends with the test, whatever happens to that: [`reaper.sh`](reaper.sh) waits for the end of a pipe that only the test holds.

use crate::tools::find;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest time that anything here may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Slurm of this test's own.
pub struct Slurm {
    folder: TempDir,
    reaper: Child,
    /// Daemons; what the reaper ended is waited for.
    daemons: Vec<Child>,
}

/// A task in the queue.
#[derive(Debug)]
pub struct Task {
    /// Job and task: `7_3`.
    pub id: String,
    /// Reason why it does not run, if it does not.
    pub reason: String,
}

impl Slurm {
    /// Starts a controller and nodes `n1`, `n2` ..., of one core each, and waits until they idle.
    pub fn up(nodes: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        configure(folder.path(), nodes);
        let mut reaper = Command::new("bash");
        reaper.args(["-c", include_str!("reaper.sh")]).env("FOLDER", folder.path());
        let reaper = alone(&mut reaper).stdin(Stdio::piped()).spawn().expect("bash");
        let mut slurm = Self { folder, reaper, daemons: Vec::new() };
        slurm.start("slurmctld", &[]);
        for node in 1..=nodes {
            slurm.start("slurmd", &["-N", &format!("n{node}")]);
        }
        slurm.wait_for("all nodes idle", |slurm| {
            slurm
                .says("sinfo", &["-h", "-N", "-o", "%T"])
                .lines()
                .filter(|state| *state == "idle")
                .count()
                .eq(&nodes)
                .then_some(())
        });
        slurm
    }

    fn start(&mut self, daemon: &str, arguments: &[&str]) {
        let program = find(daemon).expect("it was looked for");
        let log = fs::File::create(self.path(&format!("log/{}.out", self.daemons.len()))).expect("a log");
        let mut command = Command::new(program);
        command.args(["-D", "-f"]).arg(self.path("slurm.conf")).args(arguments);
        alone(&mut command).stderr(log);
        self.daemons.push(command.spawn().expect("the daemon starts"));
    }

    /// Lets a command see this Slurm.
    pub fn seen_by<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("SLURM_CONF", self.path("slurm.conf"))
    }

    /// The output of a command of Slurm; empty if it fails.
    pub fn says(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.seen_by(Command::new(program).args(arguments)).output().expect("a command of Slurm");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    }

    /// Submits a script, and says the job's number.
    pub fn sbatch(&self, script: &Path, arguments: &[&str]) -> String {
        let script = script.to_str().expect("UTF-8");
        let number = self.says("sbatch", &[&["--parsable"], arguments, &[script]].concat());
        assert!(number.parse::<u64>().is_ok(), "sbatch {arguments:?} {script}: {number}");
        number
    }

    /// All tasks that are not done.
    pub fn queue(&self) -> Vec<Task> {
        let listed = self.says("squeue", &["-h", "-r", "-o", "%i|%r"]);
        let task = |line: &str| {
            let (id, reason) = line.split_once('|').expect("two columns");
            Task { id: id.to_owned(), reason: reason.to_owned() }
        };
        listed.lines().map(task).collect()
    }

    /// Waits until something is there.
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}: {:#?}\n{}", self.queue(), self.logs());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Ends a node as a power cut would: nobody there can tell the controller.
    pub fn kill_node(&self, node: &str) {
        let daemon = format!("-N\0{node}\0");
        let (log, spool) = (self.path(&format!("log/slurmd.{node}.log")), self.path(&format!("spool/{node}/")));
        let name = format!("SLURMD_NODENAME={node}");
        let of_here =
            |process: &Path| contains(&process.join("environ"), self.path("slurm.conf").to_str().expect("UTF-8"));
        // In this order: a step that outlives slurmd reports how its script ended.
        kill(|process| contains(&process.join("cmdline"), &daemon) && has_open(process, &log));
        kill(|process| has_open(process, &log));
        kill(|process| {
            contains(&process.join("cmdline"), spool.to_str().expect("UTF-8"))
                || (contains(&process.join("environ"), &name) && of_here(process))
        });
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The ends of the logs, for a test that failed.
    fn logs(&self) -> String {
        let files = fs::read_dir(self.path("log")).expect("a folder").map(|entry| entry.expect("an entry").path());
        let end = |file: PathBuf| {
            let text = String::from_utf8_lossy(&fs::read(&file).expect("a log")).into_owned();
            let lines: Vec<_> = text.lines().collect();
            format!("{}:\n{}\n", file.display(), lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        files.map(end).collect()
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        drop(self.reaper.stdin.take());
        // Nobody is left to tell that one of them had ended before.
        let _ = self.reaper.wait();
        for daemon in &mut self.daemons {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// A process that no signal of the terminal reaches, and that keeps none of the test's files open.
fn alone(command: &mut Command) -> &mut Command {
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/")
}

fn configure(folder: &Path, nodes: usize) {
    for name in ["state", "log", "spool"] {
        fs::create_dir(folder.join(name)).expect("a folder");
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("Linux");
    let host = host.trim().split('.').next().expect("the first of some words");
    let user = Command::new("id").arg("-un").output().expect("coreutils").stdout;
    let user = String::from_utf8(user).expect("UTF-8");
    // All at once, so that they differ.
    let listeners: Vec<_> = (0..=nodes).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let ports: Vec<_> = listeners.iter().map(|listener| listener.local_addr().expect("an address").port()).collect();
    let mut text = include_str!("slurm.conf")
        .replace("@HOST@", host)
        .replace("@PORT@", &ports[0].to_string())
        .replace("@USER@", user.trim())
        .replace("@FOLDER@", folder.to_str().expect("UTF-8"));
    for (node, port) in ports.iter().enumerate().skip(1) {
        fs::create_dir(folder.join(format!("spool/n{node}"))).expect("a folder");
        text += &format!(
            "NodeName=n{node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=4000 State=UNKNOWN\n"
        );
    }
    fs::write(folder.join("slurm.conf"), text).expect("a file");
}

/// Kills all processes of which something holds.
fn kill(is_one: impl Fn(&Path) -> bool) {
    let processes = fs::read_dir("/proc").expect("Linux").filter_map(|entry| Some(entry.ok()?.path()));
    let is_number =
        |process: &Path| process.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    for process in processes.filter(|process| is_number(process) && is_one(process)) {
        let number = process.file_name().expect("a name");
        // It may have ended meanwhile.
        let _ = Command::new("kill").arg("-9").arg(number).stderr(Stdio::null()).status();
    }
}

fn contains(file: &Path, text: &str) -> bool {
    fs::read(file).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text))
}

fn has_open(process: &Path, file: &Path) -> bool {
    let Ok(open) = fs::read_dir(process.join("fd")) else { return false };
    open.filter_map(Result::ok).any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == file))
}
