//! The command `link` measures on the machine at hand what is known of TCP: round trips of slow start, and the silence of a connection.

use serde_json::Value;
use std::ops::RangeInclusive;
use std::process::{Command, Output};

/// A link, and sizes: the first flight of a connection, and one that takes four.
const LINE: [&str; 11] =
    ["link", "--rates", "400", "--rtt", "20", "--sizes", "14000,164000", "--cc", "cubic", "--quick", "--if-possible"];

/// A busy machine is late and never early, so a cell is right when one of so many attempts finds it right.
const ATTEMPTS: usize = 5;

fn measure(file: &std::path::Path) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(LINE).arg("--json").arg(file).output();
    let output = output.expect("xtask starts");
    assert!(output.status.success(), "{output:#?}");
    output
}

/// A cell is expected to take so many round trips more than the closed form says.
struct Expected {
    name: &'static str,
    bytes: u64,
    connection: &'static str,
    restart: bool,
    trips: RangeInclusive<f64>,
}

fn expected() -> Vec<Expected> {
    let cell = |name, bytes, connection, restart, trips| Expected { name, bytes, connection, restart, trips };
    let mut expected = vec![
        cell("ten packets are one flight", 14_000, "new", true, 0.0..=0.0),
        // 114 packets: flights of 10, 20, 40 and 44.
        cell("a new connection starts slowly", 164_000, "new", true, 3.0..=3.0),
        cell("ten packets are one flight after silence", 14_000, "silent", true, 0.0..=0.0),
        cell("a silent connection starts slowly again", 164_000, "silent", true, 2.0..=4.0),
    ];
    for bytes in [14_000, 164_000] {
        expected.push(cell("a warm connection adds nothing", bytes, "warm", true, 0.0..=0.0));
        expected.push(cell("silence costs nothing without the restart", bytes, "silent", false, 0.0..=0.0));
    }
    expected
}

impl Expected {
    /// A sentence about a cell that is not as expected.
    fn wrong(&self, all: &Value) -> Option<String> {
        let is_it = |cell: &&Value| {
            cell["bytes"] == self.bytes && cell["connection"] == self.connection && cell["idle_restart"] == self.restart
        };
        let found: Vec<&Value> = all.as_array().expect("cells").iter().filter(is_it).collect();
        let [cell] = found[..] else { panic!("the cell is there once: {all:#}") };
        let number = |key: &str| cell[key].as_f64().unwrap_or_else(|| panic!("{key} of {cell}"));
        let [ms, form, rtt] = ["ms", "closed_form_ms", "rtt_ms"].map(number);
        let trips = ((ms - form) / rtt).round();
        let least = cell["each_ms"].as_array().expect("messages").iter().filter_map(Value::as_f64).fold(ms, f64::min);
        let (name, bytes) = (self.name, self.bytes);
        if !self.trips.contains(&trips) {
            return Some(format!("{name}: {bytes} B took {ms} ms, {trips} round trips more than {form} ms"));
        }
        let is_far = self.connection == "warm" && (least - form).abs() > 0.1 * form;
        is_far.then(|| format!("{name}: {bytes} B took {least} ms at least, expected {form} ms within a tenth"))
    }
}

#[test]
fn link_measured_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cells.json");
    let mut open = expected();
    let mut wrong = Vec::new();
    for _ in 0..ATTEMPTS {
        let output = measure(&file);
        let said = String::from_utf8_lossy(&output.stderr);
        if !file.exists() {
            assert!(said.contains("skipped: the link cannot be measured:"), "{said}");
            eprintln!("link_measured_again: {said}");
            return;
        }
        println!("{}", String::from_utf8_lossy(&output.stdout));
        let all = serde_json::from_str(&std::fs::read_to_string(&file).expect("cells")).expect("JSON");
        assert!(!std::path::Path::new("/sys/class/net/wan0").exists(), "a device is left behind");
        wrong.clear();
        open.retain(|cell| match cell.wrong(&all) {
            Some(found) => {
                wrong.push(found);
                true
            }
            None => false,
        });
        if open.is_empty() {
            return;
        }
        println!("not so:\n{}\n", wrong.join("\n"));
    }
    panic!("{}", wrong.join("\n"));
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
