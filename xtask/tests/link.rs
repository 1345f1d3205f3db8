//! The command `link` measures on the machine at hand what is known of TCP: round trips of slow start, and the silence of a connection.

use serde_json::Value;
use std::process::{Command, Output};

/// A link, and sizes: the first flight of a connection, and one that takes four.
const LINE: [&str; 11] =
    ["link", "--rates", "400", "--rtt", "20", "--sizes", "14000,164000", "--cc", "cubic", "--quick", "--if-possible"];

/// A machine that is busy may be late; it is asked so often.
const ATTEMPTS: usize = 3;

fn measure(file: &std::path::Path) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(LINE).arg("--json").arg(file).output();
    let output = output.expect("xtask starts");
    assert!(output.status.success(), "{output:#?}");
    output
}

/// The cells of a size, each as milliseconds, those of the closed form, and round trips beyond them.
fn cells<'v>(all: &'v Value, bytes: u64, connection: &'v str, restart: bool) -> impl Iterator<Item = [f64; 3]> + 'v {
    let is_it = move |cell: &&Value| {
        cell["bytes"] == bytes && cell["connection"] == connection && cell["idle_restart"] == restart
    };
    let number = |cell: &Value, key: &str| cell[key].as_f64().unwrap_or_else(|| panic!("{key} of {cell}"));
    let cells = all.as_array().expect("cells").iter().filter(is_it);
    cells.map(move |cell| {
        let [ms, form, rtt] = ["ms", "closed_form_ms", "rtt_ms"].map(|key| number(cell, key));
        [ms, form, ((ms - form) / rtt).round()]
    })
}

/// The cells that do not hold, in words.
fn wrong(all: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hold = |name: &str, bytes: u64, connection: &str, restart: bool, least: f64, most: f64| {
        let found: Vec<[f64; 3]> = cells(all, bytes, connection, restart).collect();
        assert_eq!(found.len(), 1, "the cell is there once: {all:#}");
        for [ms, form, trips] in found.into_iter().filter(|[.., trips]| !(least..=most).contains(trips)) {
            wrong.push(format!(
                "{name}: {bytes} B took {ms} ms, {trips} round trips more than the {form} ms of the closed form"
            ));
        }
    };
    for bytes in [14_000, 164_000] {
        hold("a warm connection adds nothing", bytes, "warm", true, 0.0, 0.0);
        hold("silence costs nothing without the restart", bytes, "silent", false, 0.0, 0.0);
    }
    hold("ten packets are one flight", 14_000, "new", true, 0.0, 0.0);
    // 114 packets: flights of 10, 20, 40 and 44.
    hold("a new connection starts slowly", 164_000, "new", true, 3.0, 3.0);
    hold("ten packets are one flight after silence", 14_000, "silent", true, 0.0, 0.0);
    hold("a silent connection starts slowly again", 164_000, "silent", true, 2.0, 4.0);
    let warm = [14_000, 164_000].into_iter().flat_map(|bytes| cells(all, bytes, "warm", true));
    wrong.extend(warm.filter(|[ms, form, _]| (ms - form).abs() > 0.1 * form).map(|[ms, form, _]| {
        format!("a warm connection is as the closed form says: found {ms} ms, expected {form} ms within a tenth")
    }));
    wrong
}

#[test]
fn link_measured_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cells.json");
    let mut found = Vec::new();
    for _ in 0..ATTEMPTS {
        let output = measure(&file);
        let said = String::from_utf8_lossy(&output.stderr);
        if !file.exists() {
            assert!(said.contains("skipped: the link cannot be measured:"), "{said}");
            eprintln!("link_measured_again: {said}");
            return;
        }
        println!("{}", String::from_utf8_lossy(&output.stdout));
        found = wrong(&serde_json::from_str(&std::fs::read_to_string(&file).expect("cells")).expect("JSON"));
        assert!(!std::path::Path::new("/sys/class/net/wan0").exists(), "a device is left behind");
        if found.is_empty() {
            return;
        }
        println!("not so:\n{}\n", found.join("\n"));
    }
    panic!("{}", found.join("\n"));
}

/// A list that cannot be measured is refused by its option, before anything is set up.
#[test]
fn what_is_no_link_is_refused() {
    for (arguments, said) in [
        (&["--rates", "0"][..], "--rates: found 0; expected a number from 0.1 to 10000"),
        (&["--rtt", "20,NaN"], "--rtt: found NaN; expected a number from 0.1 to 10000"),
        (&["--simulated", "/nowhere.csv"], "/nowhere.csv: "),
        (&["--sizes", "0"], "invalid value '0'"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("link").args(arguments).output().expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(said), "{arguments:?}: {stderr}");
    }
}
