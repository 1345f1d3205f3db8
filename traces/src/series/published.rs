//! Data sets that are published as CSV: their columns and units.

use super::{Only, SeriesFile, csv::Habits};
use crate::TraceError;
use std::path::Path;

/// The Irish data sets write `-` where the phone told nothing.
pub(super) const IRISH5G: Habits = Habits { gaps: &["-", ""] };

/// Lumos5G 1.0: a second a row, `Throughput` in Mbps as iPerf saw it. A file with many runs needs `only`.
pub(super) fn lumos5g(path: &Path, keys: &SeriesFile) -> Result<SeriesFile, TraceError> {
    keys.refuse_but(path, "Lumos5G", &["only"])?;
    Ok(with(keys, "Throughput", "Mbps", "seq_num", "s"))
}

/// The Irish data sets: a session a file, `DL_bitrate` and `UL_bitrate` in kbps. Only the downlink was loaded, so it is the default.
pub(super) fn irish5g_rates(path: &Path, keys: &SeriesFile) -> Result<SeriesFile, TraceError> {
    keys.refuse_but(path, "the Irish data set", &["column", "only"])?;
    let column = keys.column.as_deref().unwrap_or("DL_bitrate");
    Ok(with(keys, column, "kbps", "Timestamp", "date"))
}

/// The same, with the pings that were sent beside: `PINGAVG` in ms.
pub(super) fn irish5g_round_trips(path: &Path, keys: &SeriesFile) -> Result<SeriesFile, TraceError> {
    keys.refuse_but(path, "the Irish data set", &["column", "only"])?;
    let column = keys.column.as_deref().unwrap_or("PINGAVG");
    Ok(with(keys, column, "ms", "Timestamp", "date"))
}

fn with(keys: &SeriesFile, column: &str, unit: &str, time: &str, time_unit: &str) -> SeriesFile {
    let [column, unit, time, time_unit] = [column, unit, time, time_unit].map(|text| Some(text.to_owned()));
    let only: Option<Only> = keys.only.clone();
    SeriesFile { file: keys.file.clone(), column, unit, time, time_unit, every: None, only }
}

#[cfg(test)]
mod tests {
    use crate::series::{BandwidthSeries, Format, SeriesFile, read_rates, read_round_trips};
    use crate::testing::file_with;

    const LUMOS: &str = "run_num,seq_num,abstractSignalStr,latitude,longitude,nrStatus,Throughput,mobility_mode\n\
                         1,1,2,44.9,-93.2,CONNECTED,200.5,walking\n\
                         1,2,2,44.9,-93.2,NOT_RESTRICTED,300,walking\n";

    const IRISH: &str = "Timestamp,Longitude,Latitude,Speed,Operatorname,NetworkMode,RSRP,DL_bitrate,UL_bitrate,State,PINGAVG\n\
                         2019.12.14_10.16.30,-8.4,51.8,0,B,5G,-99,1000,7,D,-\n\
                         2019.12.14_10.16.31,-8.4,51.8,0,B,5G,-99,3000,8,D,41.5\n\
                         2019.12.14_10.16.31,-8.4,51.8,0,B,5G,-99,-,8,D,-\n\
                         2019.12.14_10.16.35,-8.4,51.8,0,B,5G,-99,500,9,D,\n";

    fn mbps(series: &BandwidthSeries) -> Vec<(f64, f64)> {
        series.segments().iter().map(|(start, rate)| (start.as_secs_f64(), rate.as_mbps_f64())).collect()
    }

    #[test]
    fn lumos5g_is_read_run_by_run() {
        let read = |text: &str, only: &str| {
            let file = file_with(text.as_bytes());
            let keys: SeriesFile = toml::from_str(&format!("file = \"x\"\n{only}")).unwrap();
            read_rates(Format::Lumos5g, file.path(), &keys).map_err(|error| error.to_string())
        };
        assert_eq!(mbps(&read(LUMOS, "").unwrap().0), [(0.0, 200.5), (1.0, 300.0)]);
        let two = format!("{LUMOS}2,1,2,44.9,-93.2,CONNECTED,7,driving\n");
        assert!(read(&two, "").unwrap_err().contains("choose one with `only`"));
        let second = read(&two, "only = { column = \"run_num\", value = \"2\" }").unwrap();
        assert_eq!(mbps(&second.0), [(0.0, 7.0)]);
        let refused = read(LUMOS, "unit = \"kbps\"").unwrap_err();
        assert!(refused.contains("found the key `unit`; expected none: Lumos5G says it by itself"), "{refused}");
    }

    #[test]
    fn irish5g_has_rates_and_round_trips() {
        let file = file_with(IRISH.as_bytes());
        let (rates, about) = read_rates(Format::Irish5g, file.path(), &SeriesFile::default()).unwrap();
        assert_eq!(mbps(&rates), [(0.0, 1.0), (1.0, 3.0), (5.0, 0.5)]);
        assert_eq!((&*about.values, about.gaps), ("the column DL_bitrate, in kbps", 1));
        let (rtts, about) = read_round_trips(Format::Irish5g, file.path(), &SeriesFile::default()).unwrap();
        assert_eq!((rtts.mean().as_ms_f64(), about.readings, about.gaps), (41.5, 1, 3));
        let up: SeriesFile = toml::from_str("file = \"x\"\ncolumn = \"UL_bitrate\"").unwrap();
        assert_eq!(mbps(&read_rates(Format::Irish5g, file.path(), &up).unwrap().0)[0], (0.0, 0.007));
    }
}
