use super::*;
use proptest::prelude::*;
use std::process::Command;

const ENGINES: [Engine; 3] = [Engine::Slurm, Engine::Kubernetes, Engine::Parallel];

fn job() -> Job {
    Job { name: "paper grid".to_owned(), shards: 16, sim: PathBuf::from("/opt/msao sim/bin/sim") }
}

#[test]
fn scripts() {
    let folder = Path::new("/sweeps/it's 100% \"odd\" #1");
    for engine in ENGINES {
        insta::assert_snapshot!(engine.script(), text(engine, &job(), folder).expect("a script"));
    }
}

#[test]
fn a_script_is_written_once_and_then_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    for engine in ENGINES {
        let script = emit(engine, &job(), folder.path()).expect("written");
        assert_eq!(emit(engine, &job(), folder.path()).expect("the same"), script);
        fs::write(&script, "changed").expect("a file");
        let refused = emit(engine, &job(), folder.path()).expect_err("it was changed");
        assert!(refused.to_string().contains("a job script that differs is in the way"), "{refused}");
        assert_eq!(fs::read_to_string(&script).expect("a file"), "changed");
    }
}

#[test]
fn the_number_of_shards_has_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    for engine in ENGINES {
        for (shards, fits) in [(0, false), (1, true), (1000, true), (1001, false)] {
            let job = Job { shards, ..job() };
            let text = text(engine, &job, folder.path());
            assert_eq!(text.is_ok(), fits, "{shards}");
            assert!(fits || text.expect_err("out of bounds").to_string().contains("expected 1 to 1000"));
        }
    }
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is written");
}

#[test]
fn paths_that_an_engine_cannot_be_told_are_refused() {
    for (engine, path) in [
        (Engine::Slurm, "/a\\b"),
        (Engine::Parallel, "/a{}b"),
        (Engine::Kubernetes, "/a:b"),
        (Engine::Slurm, "/a\nb"),
        (Engine::Kubernetes, "/a\tb"),
    ] {
        let folder = Path::new(path);
        let refused = text(engine, &job(), folder).expect_err("a path that cannot be told");
        assert!(refused.to_string().contains("cannot name this path"), "{refused}");
    }
}

#[test]
fn jobs_of_two_folders_have_two_names() {
    let job = job();
    assert_eq!(job.label(Path::new("/a")), job.label(Path::new("/a")));
    assert_ne!(job.label(Path::new("/a")), job.label(Path::new("/b")));
}

proptest! {
    /// Labels follow RFC 1123, with room for the number of the shard and the suffix of a pod.
    #[test]
    fn a_label_is_one_of_dns(name in ".{0,80}") {
        let label = Job { name, ..job() }.label(Path::new("/a"));
        prop_assert!(label.len() <= 50, "{}", label);
        prop_assert!(label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", label);
        prop_assert!(label.starts_with("sim-") && !label.contains("--"), "{}", label);
    }

    #[test]
    fn values_are_not_looked_into(value in ".{0,40}") {
        let text = fill("a @KEY@ b @KEY@", |key| if key == "KEY" { value.clone() } else { unreachable!() });
        prop_assert_eq!(text, format!("a {value} b {value}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_shell_reads_the_word_that_was_meant(word in "[ -~äß]{0,20}") {
        let line = format!("printf %s {}", shell(&word));
        let read = Command::new("bash").args(["-c", &line]).output().expect("bash");
        prop_assert_eq!(String::from_utf8_lossy(&read.stdout), word);
    }
}
