//! Links whose rate, round trip or loss changes over time: every format is read, and replications meet all of it.

use crate::summary::{number, summary};
use crate::support::Sim;

/// Three requests over a link with these keys.
fn scenario(replications: u32, link: &str) -> String {
    format!(
        "name = \"link\"\nreplications = {replications}\n[link]\n{link}\n[workload]\ndataset = \"vqav2\"\nrequests = 3\n\
         [policy.cloud_only]\n"
    )
}

/// A file of each format with the same rate, 80 Mbps.
const FILES: &[(&str, &str, &str)] = &[
    ("csv", "\u{feff}T_S,UL_Mbps\n0,80\n1,80\n", ""),
    ("csv", "time,speed\n0,80000\n1000,80000\n", ", column = \"speed\", unit = \"kbps\", time_unit = \"ms\""),
    ("csv", "MBps\n10\n", ", every = \"1 s\""),
    (
        "iperf3",
        "{\"start\": {}, \"intervals\": [{\"sum\": {\"start\": 0, \"end\": 1, \"bits_per_second\": 8e7, \"omitted\": false}}]}",
        "",
    ),
    ("irish5g", "Timestamp,DL_bitrate,State\n2019.12.14_10.16.30,80000,D\n2019.12.14_10.16.31,-,D\n", ""),
    ("lumos5g", "run_num,seq_num,Throughput\n1,1,80\n1,2,80\n", ""),
    ("mahimahi", "\u{feff}3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n3\n\n", ""),
    ("norway3g", "1289406399 549893 59.85 10.78 10000000 1000\n", ""),
    ("pensieve", "0.523\t80\n1.523\t80\n", ""),
];

#[test]
fn every_format_is_read() {
    let constant = Sim::new().with("s.toml", scenario(1, "up.constant = \"80 Mbps\""));
    constant.done(["s.toml", "--out", "out"]);
    let expected = constant.text("out/summary.csv");
    let expected = number(&summary(&expected)[0], "e2e_ms_mean");
    for (format, content, keys) in FILES {
        let sim = Sim::new().with("data/series", content);
        let sim = sim.with("s.toml", scenario(1, &format!("up.{format} = {{ file = \"data/series\"{keys} }}")));
        sim.done(["s.toml", "--out", "out"]);
        let csv = sim.text("out/summary.csv");
        let row = &summary(&csv)[0];
        assert!(row["link.up"].starts_with("series") && row["bandwidth_mbps"].is_empty(), "{format}: {row:?}");
        let e2e = number(row, "e2e_ms_mean");
        // Mahimahi's packets come 20 at once after 3 ms.
        assert!((e2e - expected).abs() < if *format == "mahimahi" { 3.0 } else { 1e-6 }, "{format}: {e2e} {expected}");
        let told = sim.done([&["link", "describe", "data/series"][..], &options(keys)].concat()).stdout;
        assert!(
            told.contains(&format!("format         {format}\n")) && told.contains("mean           80 Mbps"),
            "{told}"
        );
    }
}

/// Keys of a scenario as options of the command line.
fn options(keys: &str) -> Vec<&str> {
    let pairs = keys.split(", ").filter_map(|pair| pair.split_once(" = "));
    let option = |key: &str| match key {
        "column" => "--column",
        "unit" => "--unit",
        "time_unit" => "--time-unit",
        _ => "--every",
    };
    pairs.flat_map(|(key, value)| [option(key), value.trim_matches('"')]).collect()
}

#[test]
fn replications_meet_all_of_a_series() {
    let levels = "t_s,dl_mbps\n0,1\n10,100\n20,1\n30,100\n";
    let e2e = |start: &str| {
        let link = format!("up.csv = {{ file = \"two_levels.csv\", column = \"dl_mbps\" }}\n{start}");
        let sim = Sim::new().with("two_levels.csv", levels).with("s.toml", scenario(8, &link));
        let table = sim.done(["s.toml", "--out", "out"]).stdout;
        assert!(table.contains("link.up") && table.contains("two_levels.csv dl_mbps"), "{table}");
        assert!(!table.contains("null"), "{table}");
        let csv = sim.text("out/summary.csv");
        let row = &summary(&csv)[0];
        (number(row, "e2e_ms_mean"), number(row, "e2e_ms_mean_ci95"))
    };
    let (first, spread) = (e2e("start = \"first\""), e2e(""));
    assert_eq!(e2e("start = \"spread\""), spread);
    // At 1 Mbps a picture takes 1.3 s, at 100 Mbps it is lost in the rest.
    assert!(first.0 > 1.5 * spread.0 && first.1 < 0.2 * first.0, "{first:?} {spread:?}");
    assert!(spread.1 > 0.5 * spread.0, "the interval holds the link's variance: {spread:?}");
}

#[test]
fn round_trips_follow_their_series() {
    let e2e = |link: &str| {
        let sim = Sim::new().with("rtt.csv", "t_s,ping_ms\n0,200\n1,\n1000000,1\n").with("s.toml", scenario(1, link));
        sim.done(["s.toml", "--out", "out"]);
        number(&summary(&sim.text("out/summary.csv"))[0], "e2e_ms_mean")
    };
    assert_eq!(e2e("rtt.csv = \"rtt.csv\""), e2e("rtt = \"200 ms\""));
}

#[test]
fn rates_delays_and_losses_are_constant_or_series_or_apart() {
    let e2e = |link: &str| {
        let sim = Sim::new().with("x.csv", "t_s,up_mbps,ping_ms,lost_pct\n0,40,30,30\n1,40,30,30\n");
        let sim = sim.with("s.toml", scenario(1, link));
        sim.done(["s.toml", "--out", "out"]);
        number(&summary(&sim.text("out/summary.csv"))[0], "e2e_ms_mean")
    };
    let series = |column: &str| format!("csv = {{ file = \"x.csv\", column = \"{column}\" }}");
    for (constant, column, both) in
        [("40 Mbps", "up_mbps", ["bandwidth", "up", "down"]), ("30 %", "lost_pct", ["loss", "loss_up", "loss_down"])]
    {
        let [whole, up, down] = both;
        let expected = e2e(&format!("{whole} = \"{constant}\""));
        assert_ne!(expected, e2e(""), "{whole} matters");
        assert_eq!(e2e(&format!("{whole}.constant = \"{constant}\"")), expected);
        assert_eq!(e2e(&format!("{whole}.{}", series(column))), expected);
        assert_eq!(e2e(&format!("{up}.{}\n{down} = \"{constant}\"", series(column))), expected);
        assert_ne!(e2e(&format!("{up} = \"{constant}\"")), expected, "{down} matters");
    }
    let expected = e2e("rtt = \"30 ms\"");
    assert_eq!(e2e(&format!("rtt.{}", series("ping_ms"))), expected);
    assert_eq!(e2e("delay_up = \"11 ms\"\ndelay_down = \"19 ms\""), expected);
    assert_eq!(e2e("rtt = \"44 ms\"\ndelay_up = \"8 ms\""), expected, "the other way takes half of rtt");
}

#[test]
fn describe_says_what_was_read() {
    let sim = Sim::new().with("a.csv", "t_s,dl_mbps,ping_ms\n0,1,20\n10,100,\n20,1,50\n");
    insta::assert_snapshot!(sim.done(["link", "describe", "a.csv"]).stdout, @r#"
    a.csv
    format         csv
    values         the column dl_mbps, in Mbps
    times          the column t_s, in s
    readings       3
    length         30 s, after which it repeats
    mean           34 Mbps, over time
    lowest         1 Mbps
    highest        100 Mbps
    in a scenario  link.up.csv = "a.csv"
    "#);
    insta::assert_snapshot!(sim.done(["link", "describe", "a.csv", "--rtt"]).stdout, @r#"
    a.csv
    format         csv
    values         the column ping_ms, in ms
    times          the column t_s, in s
    readings       2, and 1 without a value or left out
    length         40 s, after which it repeats
    mean           35 ms, over time
    lowest         20 ms
    highest        50 ms
    in a scenario  link.rtt.csv = "a.csv"
    "#);
    insta::assert_snapshot!(sim.done(["link", "describe", "a.csv", "--json"]).stdout, @r#"
    {"file":"a.csv","format":"csv","gaps":0,"highest_mbps":100.0,"length_s":30.0,"lowest_mbps":1.0,"mean_mbps":34.0,"readings":3,"times":"the column t_s, in s","values":"the column dl_mbps, in Mbps"}
    "#);
    let lossy = Sim::new().with("c.csv", "t_s,loss_pct\n0,0.5\n10,4\n");
    insta::assert_snapshot!(lossy.done(["link", "describe", "c.csv", "--loss"]).stdout, @r#"
    c.csv
    format         csv
    values         the column loss_pct, in pct
    times          the column t_s, in s
    readings       2
    length         20 s, after which it repeats
    mean           2.25 pct, over time
    lowest         0.5 pct
    highest        4 pct
    in a scenario  link.loss.csv = "c.csv"
    "#);
    let two = Sim::new().with("b.csv", "t_s,a_mbps,b_mbps\n0,1,2\n");
    insta::assert_snapshot!(crate::refusals::refused(&two, &["link", "describe", "b.csv"]), @r#"
    sim: b.csv:1: found the columns t_s,a_mbps,b_mbps; expected one column whose name ends in a unit of bandwidth; name the column with `column` and, if its name has none, the unit with `unit`
    "#);
}
