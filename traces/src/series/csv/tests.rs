//! Series of small files, with made-up numbers.

use super::*;
use crate::series::{BandwidthSeries, Only, RoundTripSeries};
use crate::testing::{file_with, shared};
use units::BitsPerSecond;

fn keys(text: &str) -> SeriesFile {
    let mut link: std::collections::BTreeMap<String, SeriesFile> =
        toml::from_str(&format!("up = {{ file = \"x\", {text} }}")).unwrap();
    link.remove("up").unwrap()
}

fn both(text: &str, keys: &SeriesFile) -> Result<(BandwidthSeries, About), String> {
    read(file_with(text.as_bytes()).path(), keys, &Habits::default()).map_err(|error| error.to_string())
}

fn mbps(text: &str, written: &str) -> Vec<(f64, f64)> {
    let (series, _) = both(text, &keys(written)).unwrap();
    series.segments().iter().map(|(start, rate)| (start.as_secs_f64(), rate.as_mbps_f64())).collect()
}

#[test]
fn units_come_from_names_or_keys() {
    let expected = [(0.0, 10.0), (1.0, 20.5)];
    for (text, written) in [
        ("t_s,dl_mbps\n1,10\n2,20.5\n", ""),
        ("T_S,DL_MBPS\n1,10\n2,20.5\n", ""),
        ("\u{feff}t_ms,dl_kbps\n1000,10000\n2000,20500\n", ""),
        ("time_us,Throughput (Mbit/s)\n0,10\n1000000,20.5\n", ""),
        ("t_s,dl_Mbps,dl_MBps\n0,10,1.25\n1,20.5,2.5625\n", "column = \"dl_Mbps\""),
        ("t_s,dl_Mbps,dl_MBps\n0,10,1.25\n1,20.5,2.5625\n", "column = \"dl_MBps\""),
        ("t_s,DL_Mbps\n0,10\n1,20.5\n", "rate = \"dl_mbps\""),
        ("when,speed\n0,10000\n1,20500\n", "column = \"speed\", unit = \"kbps\", time = \"when\", time_unit = \"s\""),
        ("time,speed\n0,10000\n1000,20500\n", "column = \"speed\", unit = \"KBPS\", time_unit = \"ms\""),
        ("speed_kbps\n10000\n20500\n", "every = \"1 s\""),
        ("date,mbps\n2021-01-16T16:04:59Z,10\n2021-01-16T16:05:00Z,20.5\n", "time = \"date\", time_unit = \"date\""),
        ("t_s,dl_mbps\n1,10\n2,20.5\n", "unit = \"Mbps\", time_unit = \"s\""),
    ] {
        assert_eq!(mbps(text, written), expected, "{text} {written}");
    }
}

#[test]
fn one_run_is_chosen_and_doubled_times_keep_the_last() {
    let text = "run,t_s,dl_mbps\na,0,1\na,1,2\na,1,3\na,2,4\na,9,5\nb,0,7\n";
    let (series, about) = both(text, &keys("only = { column = \"run\", value = \"a\" }")).unwrap();
    let seconds: Vec<_> = series.segments().iter().map(|(t, r)| (t.as_secs_f64(), r.as_mbps_f64())).collect();
    assert_eq!(seconds, [(0.0, 1.0), (1.0, 3.0), (2.0, 4.0), (9.0, 5.0)]);
    assert_eq!((series.period(), about.readings), (SimDuration::from_secs(10), 5));
    assert_eq!((&*about.values, &*about.times), ("the column dl_mbps, in Mbps", "the column t_s, in s"));
    let (alone, _) = both(text, &keys("only = { column = \"run\", value = \"b\" }")).unwrap();
    assert_eq!(alone.period(), SimDuration::from_secs(1));
}

#[test]
fn round_trips_may_have_gaps() {
    let text = "t_s,ping_ms\n0,\n1,20\n2,\n3,30.5\n";
    let file = file_with(text.as_bytes());
    let habits = Habits { gaps: &[""] };
    let (series, about): (RoundTripSeries, About) = read(file.path(), &keys(""), &habits).unwrap();
    let ms: Vec<_> = series.segments().iter().map(|(t, rtt)| (t.as_secs_f64(), rtt.as_ms_f64())).collect();
    assert_eq!(ms, [(0.0, 20.0), (2.0, 30.5)], "the first value is at time 0, and holds over the gap");
    assert_eq!((about.gaps, about.readings, series.period()), (2, 2, SimDuration::from_secs(4)));
}

#[test]
fn refusals_say_where_what_and_what_to_do() {
    const SPEED: &str = "column = \"speed\", time = \"when\", time_unit = \"s\"";
    for (text, written, says) in [
        ("", "", "found an empty file; expected a CSV file with a header"),
        ("t_s,dl_mbps\n", "", "found no row with a value; expected at least one"),
        (
            "t_s,ul_mbps\n0,1\n",
            "column = \"dl_mbps\"",
            ":1: found the columns t_s,ul_mbps; expected a column \"dl_mbps\"",
        ),
        (
            "when,speed\n0,1\n",
            SPEED,
            ":1: found the column \"speed\"; expected a name that ends in its unit: bps, kbps",
        ),
        (
            "when,speed\n0,1\n",
            &format!("{SPEED}, unit = \"mph\""),
            ":1: found unit = \"mph\"; expected bps, kbps, Mbps",
        ),
        (
            "t_s,dl_mbps\n0,1\n",
            "unit = \"kbps\"",
            ":1: found unit = \"kbps\" for the column \"dl_mbps\"; expected the unit of its name, Mbps; leave `unit` out",
        ),
        ("t,dl_mbps\n0,1\n", "", ":1: found the columns t,dl_mbps; expected one column of times, such as t_s; name a"),
        (
            "t,dl_mbps\n0,1\n",
            "time = \"t\"",
            ":1: found the column \"t\"; expected a name that ends in its unit: s, ms",
        ),
        (
            "t_s,a_mbps,b_mbps\n0,1,1\n",
            "",
            "expected one column whose name ends in a unit of bandwidth; name the column",
        ),
        ("t_s,a\n0,1\n", "", "expected a column whose name ends in a unit of bandwidth"),
        ("t_s,dl_mbps,DL_mbps\n0,1,1\n", "column = \"Dl_mbps\"", "expected a column \"Dl_mbps\""),
        (
            "t_s,dl_mbps\n0,1\n2,1\n1,1\n",
            "",
            ":4: found the time 1 s after 2 s; expected times that rise; sort the file",
        ),
        ("t_s,dl_mbps\n0,NaN\n", "", ":2: found dl_mbps = \"NaN\"; expected a decimal number from 0 to 18446744073709"),
        ("t_s,dl_mbps\n0,-1\n", "", ":2: found dl_mbps = \"-1\""),
        ("t_s,dl_mbps\n0,inf\n", "", ":2: found dl_mbps = \"inf\""),
        ("t_s,dl_mbps\n0,\n", "", ":2: found dl_mbps = \"\""),
        ("t_s,dl_mbps\n0,1\n1\n", "", ":3: found 1 fields; expected 2, as in the header t_s,dl_mbps"),
        ("t_s,dl_mbps\n0,0\n1,0.0\n", "", "found a bandwidth of 0 at all times"),
        ("t_s,dl_MBps\n0,4e12\n", "", ":2: found dl_MBps = \"4e12\"; expected a smaller number"),
        (
            "run,t_s,dl_mbps\na,0,1\n",
            "only = { column = \"run\", value = \"b\" }",
            "found no value in the rows with run = \"b\"",
        ),
        ("t_s,dl_mbps\n0,1\n18446744073.7,1\n", "", "found a series of years; expected at most 366 days"),
        ("dl_mbps\n1\n", "every = \"0 s\"", "found `every` of 0"),
        ("t_s,dl_mbps\n0,1\n", "time = \"t_s\", every = \"1 s\"", "found both `time` and `every`"),
        ("t_s,dl_mbps\nnoon,1\n", "time_unit = \"date\"", ":2: found t_s = \"noon\"; expected a date"),
    ] {
        let refused = both(text, &keys(written)).map(|_| text).unwrap_err();
        assert!(refused.contains(says), "{refused}\nhas no\n{says}");
    }
    assert!(both("t_s,dl_mbps\n18446744073.7,1\n", &keys("")).is_ok(), "the first time is zero");
}

#[test]
fn shared_series_are_read() {
    let Some(folder) = shared("traces/network") else { return };
    for (file, rate, only, low, high) in [
        ("lumos5g_5g", "downlink_mbps", ("trace", "100"), 50.0, 1000.0),
        ("lumos5g_4g", "downlink_mbps", ("trace", "50015"), 5.0, 100.0),
        ("us5g_walk_iperf_1hz", "tcp_mbps", ("run", "15652"), 100.0, 2000.0),
        ("ucc5g_ireland_download", "dl_kbps", ("session", "2019.12.14_10.16.30"), 1.0, 500.0),
    ] {
        let path = folder.join(format!("{file}.csv.gz"));
        let only = Only { column: only.0.to_owned(), value: only.1.to_owned() };
        let keys = SeriesFile { column: Some(rate.to_owned()), only: Some(only), ..SeriesFile::default() };
        let (series, _) = read::<BitsPerSecond>(&path, &keys, &Habits::default()).unwrap();
        let mean = series.mean().as_mbps_f64();
        assert!((low..high).contains(&mean), "{file}: {mean} Mbps");
        assert!(series.segments().len() > 50, "{file}: {}", series.segments().len());
    }
}
