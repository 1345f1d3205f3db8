//! The waiter against commands that only look like Slurm's. `tests/slurm.rs` has the real ones.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A stand-in for `sbatch`: it runs a script for each shard, at once, and prints a number.
const SBATCH: &str = r#"#!/bin/bash
cd "$(dirname "$0")"
printf '%s\n' "$*" >> calls
for argument; do case $argument in --array=*) array=${argument#--array=};; esac; done
for range in ${array//,/ }; do
  for shard in $(seq "${range%-*}" "${range#*-}"); do bash ./shard "$shard"; done
done
echo 7
"#;

/// A folder with commands of Slurm, and a sweep of four shards.
struct Fake {
    folder: TempDir,
}

impl Fake {
    /// `shard` is what a task does with the number `$1`; `squeue` what that command does.
    fn new(shard: &str, squeue: &str) -> Self {
        let fake = Self { folder: tempfile::tempdir().expect("a folder") };
        for folder in ["parts", "logs"] {
            fs::create_dir(fake.path(folder)).expect("a folder");
        }
        fake.write("shard", shard);
        fake.write("sbatch", SBATCH);
        fake.write("squeue", &format!("#!/bin/bash\ncd \"$(dirname \"$0\")\"\n{squeue}\n"));
        fake
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).expect("permissions");
    }

    fn job(&self) -> Job {
        Job { name: "fake".into(), shards: 4, sim: "/bin/sim".into() }
    }

    /// Waits for the sweep, at most twice for a shard.
    fn run(&self) -> Result<(), Failure> {
        let slurm = Slurm::find_in(self.folder.path().as_os_str()).expect("it is there");
        let (job, label) = (self.job(), "sim-fake".to_owned());
        let (script, logs) = (self.path("job.sbatch"), self.path("logs"));
        let pace = (Duration::from_millis(1), Duration::from_millis(2));
        let waiter =
            Waiter { slurm: &slurm, job: &job, label, script, logs, resubmit: 1, submitted: BTreeMap::new(), pace };
        waiter.wait(|| Ok((0..4).filter(|shard| !self.path(&format!("parts/{shard}")).exists()).collect()))
    }

    /// The arrays that were submitted.
    fn arrays(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        let array =
            |call: &str| call.split_whitespace().find_map(|word| word.strip_prefix("--array=").map(str::to_owned));
        calls.lines().filter_map(array).collect()
    }
}

/// A shard that dies at its first attempt.
const SHARD_2_DIES_ONCE: &str = "if [ $1 = 2 ] && ! [ -e died ]; then touch died; else touch parts/$1; fi";

#[test]
fn what_is_missing_is_submitted_once() {
    let fake = Fake::new("touch parts/$1", "");
    fs::write(fake.path("parts/1"), "").expect("a part");
    fake.run().expect("done");
    assert_eq!(fake.arrays(), ["0,2-3"]);
    fake.run().expect("nothing to do");
    assert_eq!(fake.arrays().len(), 1);
}

#[test]
fn a_lost_shard_alone_is_submitted_again() {
    let fake = Fake::new(SHARD_2_DIES_ONCE, "");
    fake.run().expect("done");
    assert_eq!(fake.arrays(), ["0-3", "2"]);
}

#[test]
fn a_shard_that_is_lost_again_and_again_is_given_up() {
    let fake = Fake::new("[ $1 = 2 ] || touch parts/$1", "");
    let failure = fake.run().expect_err("shard 2 never comes");
    assert_eq!(fake.arrays(), ["0-3", "2"]);
    assert_eq!(failure.code(), Code::Unavailable, "{failure}");
    assert!(failure.to_string().starts_with("shard 2 was submitted 2 times, and killed or never started"), "{failure}");
}

#[test]
fn what_would_end_so_again_is_not_submitted_again() {
    for (code, expected) in [(2, Code::Refused), (70, Code::Bug)] {
        let refuses = format!(
            "if [ $1 = 1 ]; then echo 'sim: no' > logs/shard-1.log; echo {code} > logs/shard-1.exit; else touch parts/$1; fi"
        );
        let fake = Fake::new(&refuses, "");
        let failure = fake.run().expect_err("shard 1 was refused");
        assert_eq!(fake.arrays(), ["0-3"]);
        assert_eq!(failure.code(), expected, "{failure}");
        assert!(failure.to_string().contains("ends with `sim: no`"), "{failure}");
        // Once the user has mended it, a new call tries again.
        fake.write("shard", "touch parts/$1");
        fake.run().expect("done");
        assert_eq!(fake.arrays(), ["0-3", "1"]);
    }
}

#[test]
fn an_exit_code_that_may_change_is_tried_again() {
    let fake = Fake::new(&format!("echo 127 > logs/shard-$1.exit; {SHARD_2_DIES_ONCE}"), "");
    fake.run().expect("done");
    assert_eq!(fake.arrays(), ["0-3", "2"]);
}

#[test]
fn what_is_queued_by_an_earlier_call_is_waited_for() {
    // Three looks at the queue: shards 0 and 1 wait; they are at work, with one of another job; they are done.
    let squeue = "\
        touch look; printf x >> look
        case $(wc -c < look) in
          1) printf '5_0|PD|Priority|sim-fake\\n5_1|PD|Priority|sim-fake\\n';;
          2) printf '5_0|R|None|sim-fake\\n5_1|R|None|sim-fake\\n5_3|R|None|sim-fake-other\\n';;
          *) touch parts/0 parts/1;;
        esac";
    let fake = Fake::new("touch parts/$1", squeue);
    fake.run().expect("done");
    assert_eq!(fake.arrays(), ["2-3"]);
}

#[test]
fn a_refusal_of_a_shard_of_an_earlier_call_counts() {
    let squeue = "\
        if [ -e look ]; then echo 2 > logs/shard-1.exit; else touch look; echo '5_1|R|None|sim-fake'; fi";
    let fake = Fake::new("touch parts/$1", squeue);
    assert_eq!(fake.run().expect_err("shard 1 was refused").code(), Code::Refused);
    assert_eq!(fake.arrays(), ["0,2-3"]);
}

#[test]
fn a_controller_that_is_away_for_a_while_loses_nothing() {
    let squeue =
        "printf x >> look; [ $(wc -c < look) -gt 5 ] || { echo 'Unable to contact slurm controller' >&2; exit 1; }";
    let fake = Fake::new("touch parts/$1", squeue);
    fake.run().expect("done");
    assert_eq!(fake.arrays(), ["0-3"]);
}

#[test]
fn a_controller_that_stays_away_is_given_up() {
    let fake = Fake::new("touch parts/$1", "echo 'Unable to contact slurm controller' >&2; exit 1");
    let failure = fake.run().expect_err("it stays away");
    assert_eq!((failure.code(), fake.arrays().len()), (Code::Unavailable, 0));
    assert!(failure.to_string().contains("Unable to contact slurm controller"), "{failure}");
}

#[test]
fn what_sbatch_says_against_the_script_is_passed_on() {
    let fake = Fake::new("", "");
    fake.write("sbatch", "#!/bin/sh\necho 'sbatch: error: invalid partition specified: x' >&2; exit 1");
    let failure = fake.run().expect_err("it is not taken");
    assert_eq!(failure.code(), Code::Unavailable);
    assert!(failure.to_string().contains("invalid partition specified: x"), "{failure}");
}

#[test]
fn without_slurm_there_is_no_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let failure = Slurm::find_in(folder.path().as_os_str()).err().expect("nothing is there");
    assert_eq!(failure.code(), Code::Unavailable);
    assert!(failure.to_string().starts_with("no Slurm on this machine: sbatch is not in the PATH"), "{failure}");
}

#[test]
fn a_script_that_is_there_is_used_as_it_is() {
    let fake = Fake::new("touch parts/$1", "");
    fake.write("job.sbatch", "changed");
    let slurm = Slurm::find_in(fake.folder.path().as_os_str()).expect("it is there");
    let there = || Ok((0..4).filter(|shard| !fake.path(&format!("parts/{shard}")).exists()).collect());
    run(&slurm, &fake.job(), fake.folder.path(), 0, there).expect("done");
    assert_eq!(fs::read_to_string(fake.path("job.sbatch")).expect("a file"), "changed");
    fs::remove_file(fake.path("job.sbatch")).expect("a file");
    run(&slurm, &fake.job(), fake.folder.path(), 0, || Ok(Shards::new())).expect("nothing to do");
    assert!(fs::read_to_string(fake.path("job.sbatch")).expect("a file").contains("--array=0-3"));
}

proptest! {
    /// As Slurm reads them: numbers and runs of numbers, in order.
    #[test]
    fn ranges_name_each_shard_once(shards in proptest::collection::btree_set(0_u64..40, 0..40)) {
        let text = ranges(&shards);
        let runs = text.split(',').filter(|run| !run.is_empty());
        let number = |text: &str| text.parse::<u64>().expect("a number");
        let read: Vec<u64> = runs
            .flat_map(|run| {
                let (first, last) = run.split_once('-').unwrap_or((run, run));
                number(first)..=number(last)
            })
            .collect();
        prop_assert_eq!(read, shards.into_iter().collect::<Vec<_>>());
    }
}
