//! The emitted Kubernetes job against the schema of Kubernetes, by `kubernetes-validate` from PyPI, which bundles it.

use crate::many_points::sweep;
use crate::tools::{are_there, find};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The first version that the script promises.
const VERSION: &str = "1.29";

/// True if a file follows the schema, and the faults found.
fn validated(file: &Path) -> (bool, String) {
    let program = find("kubernetes-validate").expect("it was looked for");
    let output = Command::new(program).args(["--strict", "--kubernetes-version", VERSION]).arg(file).output();
    let output = output.expect("the checker starts");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn kubernetes_job_follows_the_schema() {
    if !are_there("kubernetes_job_follows_the_schema") {
        return;
    }
    let sim = sweep();
    let folder = "it's 100% \"odd\" #1 $(HOME)";
    sim.done(["sweep", "many.toml", "--emit", "kubernetes", "--shards", "7", "--out", folder]);
    let file = sim.path(folder).join("job.yaml");
    let (follows, said) = validated(&file);
    assert!(follows, "{said}");

    // The checker would see what is wrong.
    let text = std::fs::read_to_string(&file).expect("a file");
    for (right, wrong) in [
        ("completions: 7", "completions: seven"),
        ("completionMode:", "completionsMode:"),
        ("action: FailJob", "act: FailJob"),
    ] {
        let spoilt = sim.path("spoilt.yaml");
        std::fs::write(&spoilt, text.replace(right, wrong)).expect("a file");
        assert!(!validated(&spoilt).0, "{wrong}");
    }

    // What Kubernetes reads is the path that was meant, and no variable.
    let print = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let python = find("kubernetes-validate").expect("it was looked for").with_file_name("python");
    let read = Command::new(python).args(["-c", print]).arg(&file).output().expect("Python");
    let job: Value = serde_json::from_slice(&read.stdout).expect("JSON");
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let path = sim.path(folder).to_str().expect("UTF-8").to_owned();
    assert_eq!(container["volumeMounts"][0]["mountPath"], Value::from(path.clone()));
    assert_eq!(container["args"][3], Value::from(path.replace("$(HOME)", "$$(HOME)")));
    assert_eq!(container["args"][5], "$(JOB_COMPLETION_INDEX)/7");
}
