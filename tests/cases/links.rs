//! Series of rates as they are published.

use crate::summary::{number, summary};
use crate::support::Sim;

fn scenario(replications: u32, link: &str) -> String {
    format!(
        "name = \"case\"\nreplications = {replications}\n[link]\n{link}\n[workload]\ndataset = \"vqav2\"\nrequests = 3\n[policy.cloud_only]\n"
    )
}

/// Mean E2E, and half of its interval.
fn e2e_ms(sim: &Sim) -> (f64, Option<f64>) {
    sim.done("case.toml --out out".split(' '));
    let csv = sim.text("out/summary.csv");
    let row = &summary(&csv)[0];
    (number(row, "e2e_ms_mean"), row["e2e_ms_mean_ci95"].parse().ok())
}

/// The same rate, in each of the files.
pub fn series(_: &str) {
    let constant =
        |rate: &str| e2e_ms(&Sim::new().with("case.toml", scenario(1, &format!("up.constant = \"{rate}\"")))).0;
    let [slow, fast] = ["20 Mbps", "160 Mbps"].map(constant);
    let iperf3 = "{\"start\": {\"version\": \"iperf 3.16\"}, \"intervals\": [{\"sum\": {\"start\": 0, \"end\": 1, \
                  \"bits_per_second\": 20000000.0, \"omitted\": false}}]}";
    let lumos5g = "run_num,seq_num,abstractSignalStr,latitude,longitude,movingSpeed,compassDirection,nrStatus,lte_rssi,Throughput,mobility_mode\n\
                   1,1,2,44.9,-93.2,0.1,150,CONNECTED,-61,20,walking\n1,2,2,44.9,-93.2,0.1,150,CONNECTED,-61,20,walking\n";
    let units = "t_s,dl_Mbps,dl_MBps\n0,20,20\n1,20,20\n";
    for (keys, content, expected) in [
        ("iperf3 = \"s\"", iperf3, slow),
        ("lumos5g = \"s\"", lumos5g, slow),
        ("pensieve = \"s\"", "0.523\t20\n1.523\t20\n", slow),
        ("csv = { file = \"s\", column = \"dl_Mbps\" }", units, slow),
        ("csv = { file = \"s\", column = \"dl_MBps\" }", units, fast),
        ("csv = { file = \"s\", column = \"speed\", unit = \"kbps\" }", "t_s,speed\n0,20000\n1,20000\n", slow),
    ] {
        let found = e2e_ms(&Sim::new().with("case.toml", scenario(1, &format!("up.{keys}"))).with("s", content)).0;
        assert!((found - expected).abs() < 1e-6, "{keys}: {found} ms, not {expected}");
    }
}

pub fn two_levels(_: &str) {
    let run = |start: &str| {
        let text = scenario(8, &format!("up.csv = \"two_levels.csv\"\n{start}"));
        let sim = Sim::new().with("case.toml", text).with("two_levels.csv", "t_s,ul_mbps\n0,2\n8,200\n16,2\n24,200\n");
        let found = e2e_ms(&sim);
        let label = summary(&sim.text("out/summary.csv"))[0]["link.up"].to_owned();
        (found, label)
    };
    let ((first, _), _) = run("start = \"first\"");
    let ((spread, interval), label) = run("");
    assert!(first > 1.4 * spread && interval.expect("8 replications") > 0.3 * spread, "{first} {spread} {interval:?}");
    assert!(label.starts_with("two_levels.csv"), "{label}");
}
