//! No file, however broken, makes a reader panic.

use crate::{
    requests::RequestTrace,
    series::{Format, SeriesFile, read_rates, read_round_trips},
    testing::{file_with, gzipped, requests, trace},
};
use proptest::{prelude::*, test_runner::TestRunner};
use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// Broken text of each format: parts of good lines in any order, with noise between.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop_oneof![
        Just("TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned()),
        Just("arrival_s,context_tokens,generated_tokens\n".to_owned()),
        Just("TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n".to_owned()),
        Just("arrival_s,input_tokens,output_tokens,num_images,image_width,image_height,frames,audio_s\n".to_owned()),
        Just("client,t_s,rate_per_s,interarrival_cv,dist,shape,scale\n".to_owned()),
        Just("t_s,dl_mbps\n".to_owned()),
        Just("Timestamp,DL_bitrate,UL_bitrate,PINGAVG\n".to_owned()),
        Just("run_num,seq_num,Throughput\n".to_owned()),
        Just("{\"intervals\": [{\"sum\": {\"start\": 0, \"end\": 1, \"bits_per_second\": 1e6}}]}\n".to_owned()),
        "2019\\.12\\.14_10\\.16\\.[0-9]{2},[0-9]{1,22},-?,[0-9-]{0,3}\n",
        "[0-9]{1,3} [0-9]{1,3} 1 1 [0-9]{1,22} [0-9]{1,22}\n",
        "[0-9]{1,22}[ \t][0-9.]{1,22}\n",
        Just("{\"timestamp\":0,\"input_length\":1,\"output_length\":1}\n".to_owned()),
        Just("{\"client\":0,\"window_s\":0,\"text_tokens\":[[1,1.0]],\"image_tokens\":[],".to_owned()),
        "2023-11-16 18:1[0-9]:46(\\.[0-9]{1,9})?,[0-9]{1,12},[0-9]{1,3}\n",
        "[0-9]{1,22}(\\.[0-9]{0,22})?(e-?[0-9]{1,4})?,[0-9]{1,22}\n",
        "[0-9],[0-9]{1,5},[0-9.]{1,5},1,(Gamma|Weibull|),[0-9.]{1,4},[0-9.]{1,4}\n",
        "[0-9]{1,22}\n",
        "[,\"\r\n#{}\\[\\]]{1,5}",
        ".{0,10}",
    ];
    prop::collection::vec(parts, 0..8).prop_map(|parts| parts.concat().into_bytes())
}

fn read_as_everything(content: &[u8]) {
    let file = file_with(content);
    let path = file.path();
    let read = RequestTrace::FORMATS.iter().map(|entry| {
        let mut trace = trace(entry.name, &entry.example.replace("FILE", &path.display().to_string()));
        trace.files().into_iter().for_each(|file| file.find(std::path::Path::to_owned));
        requests(&trace).err()
    });
    let keys = SeriesFile::default();
    let rates = Format::ALL.iter().map(|format| read_rates(*format, path, &keys).err());
    let round_trips = [Format::Csv, Format::Irish5g].map(|format| read_round_trips(format, path, &keys).err());
    let series = rates.chain(round_trips).flatten().map(|refusal| refusal.to_string());
    for line in read.flatten().chain(series) {
        assert!(line.starts_with(&path.display().to_string()) && line.lines().count() == 1, "{line}");
    }
}

/// Inputs of a round; a target takes one round, or as many as `FUZZ_SECONDS` has time for.
const ROUND: u32 = 64;

/// Reads inputs as everything, and counts the executions on stderr.
fn fuzz<I: Debug>(target: &str, inputs: impl Strategy<Value = I>, content: impl Fn(&I) -> Vec<u8>) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (begun, mut executions) = (Instant::now(), 0);
    while executions == 0 || begun.elapsed() < Duration::from_secs(seconds) {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(ROUND) };
        let read = TestRunner::new(config).run(&inputs, |input| {
            read_as_everything(&content(&input));
            Ok(())
        });
        read.unwrap_or_else(|failure| panic!("{failure}"));
        executions += u64::from(ROUND);
    }
    eprintln!("fuzz: {target}: {executions} files, each read as every format");
}

#[test]
fn broken_text_is_read_or_refused() {
    fuzz("broken text", broken(), Vec::clone);
}

#[test]
fn noise_is_read_or_refused() {
    fuzz("noise", prop::collection::vec(any::<u8>(), 0..200), Vec::clone);
}

#[test]
fn broken_gzip_is_read_or_refused() {
    let inputs = (broken(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>());
    fuzz("broken gzip", inputs, |(content, place, cut, flip)| {
        let mut packed = gzipped(content);
        let place = place.index(packed.len());
        packed[place] ^= flip;
        packed.truncate(cut.index(packed.len() + 1));
        packed
    });
}
