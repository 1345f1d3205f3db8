//! No file, however broken, makes a reader panic; and a refusal is one line that names the file.

use crate::{
    requests::{RequestTrace, recognise},
    series::{Format, SeriesFile, read_losses, read_rates, read_round_trips},
    testing::{file_with, gzipped, requests, trace},
};
use fuzzing::{Count, Counts, Dice, bytes, fuzz, number_text, telling};
use std::path::{Path, PathBuf};

/// Whole files of the formats, to be damaged.
const WHOLE: &[&str] = &[
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n",
    "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-30 00:00:00.000000,2,960,52\n2024-10-30 00:00:01,0,9,5\n",
    "# msao-sim requests, version 1\narrival_s,input_tokens,output_tokens,num_images,image_width,image_height,image_tokens,\
     image_bytes,frames,audio_s,ttft_ms,tpot_ms,e2e_ms,session\n0,40,20,1,640,480,,,,,5,1,25,a\n1.5,30,8,,448,448,,9000,8,2.5,,,,\n",
    "client,t_s,rate_per_s,interarrival_cv,dist,shape,scale\n0,0,1.5,1,Gamma,0.9,0.7\n0,600,0,0,,0,0\n",
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n",
    "{\"timestamp\": 0, \"input_length\": 655, \"output_length\": 52, \"hash_ids\": [0, 1]}\n{\"timestamp\": 3000.5, \"input_length\": 6, \
     \"output_length\": 5, \"hash_ids\": [0, 2]}\n",
    "{\"session_id\": \"a\", \"timestamp\": 0, \"input_length\": 5, \"output_length\": 2}\n{\"session_id\": \"a\", \"delay\": 7, \
     \"input_length\": 6, \"output_length\": 5}\n",
    "{\"chat_id\":159,\"parent_chat_id\":-1,\"timestamp\":61.114,\"input_length\":521,\"output_length\":132,\"type\":\"text\",\"turn\":1,\
     \"hash_ids\":[1089,1090]}\n",
    "{\"input_lens\": [90, 80], \"output_lens\": [3, 2], \"ttfts\": [0.05, 0.06], \"itls\": [[0.01, 0.01], [0.01]], \
     \"errors\": [\"\", \"\"], \"start_times\": [3.0, 3.5]}",
    "{\"benchmarks\": [{\"requests\": {\"successful\": [{\"request_start_time\": 1.5, \"request_end_time\": 2.0, \"prompt_tokens\": 5, \
     \"output_tokens\": 3, \"time_to_first_token_ms\": 20.5, \"inter_token_latency_ms\": 3.5}]}}]}",
    "{\"metadata\": {\"request_start_ns\": 175981320753, \"benchmark_phase\": \"profiling\"}, \"metrics\": {\"input_sequence_length\": \
     {\"value\": 550, \"unit\": \"tokens\"}, \"output_sequence_length\": {\"value\": 9, \"unit\": \"tokens\"}}, \"error\": null}\n",
    "{\"timings\":{\"prompt_n\":40,\"prompt_ms\":50.0,\"predicted_n\":20,\"predicted_ms\":190.0}}\n",
    "[{\"conversations\": [{\"from\": \"human\", \"value\": \"one two\"}, {\"from\": \"gpt\", \"value\": \"three\"}]}]",
    "{\"client\":0,\"window_s\":0,\"text_tokens\":[[1,1.0]],\"image_tokens\":[[0,1.0]],\"image_count\":[[0,1.0]],\"output_tokens\":[[5,1.0]]}\n",
    "t_s,dl_mbps,ping_ms\n0,1,20\n10,100,\n20,1,50\n",
    "Timestamp,Longitude,DL_bitrate,UL_bitrate,State,PINGAVG\n2019.12.14_10.16.30,-8.5,80000,900,D,\n2019.12.14_10.16.31,-8.5,-,9,D,45\n",
    "run_num,seq_num,Throughput,mobility_mode\n1,1,221.5,walking\n1,2,301,walking\n",
    "{\"start\": {}, \"intervals\": [{\"sum\": {\"start\": 0, \"end\": 1, \"bits_per_second\": 1e6, \"omitted\": false}}]}\n",
    "1289406399 549893 59.85 10.78 10000000 1000\n1289406400 550893 59.85 10.78 5000 1000\n",
    "0.523\t1.812\n1.523\t2.034\n",
    "0\n1\n2\n5\n\n",
];

/// Lines of files, with numbers of their own where `#` stands.
const LINES: &[&str] = &[
    "arrival_s,context_tokens,generated_tokens\n",
    "2023-11-16 18:1#:46.#,#,#\n",
    "2019.12.14_10.16.#,#,-,#\n",
    "#,#,#,1,Gamma,#,#\n",
    "#.#,#\n",
    "#,#,#\n",
    "#\n",
    "# #\n",
    "{\"timestamp\":#,\"input_length\":#,\"output_length\":#}\n",
    "{\"timings\":{\"prompt_n\":#,\"prompt_ms\":#.#,\"predicted_n\":#,\"predicted_ms\":#}}\n",
    "[,\"\n",
    "#,\"\n",
];

/// A broken file: a whole one with damage, lines in any order, or noise.
fn broken(dice: &mut Dice) -> Vec<u8> {
    let number = |dice: &mut Dice| {
        if dice.one_in(2) { dice.digits(22) } else { number_text(dice).to_owned() }
    };
    let mut content = match dice.below(8) {
        0 => return dice.noise(200).into_bytes(),
        1 => return (0..dice.below(200)).map(|_| dice.bits() as u8).collect(),
        2 | 3 => {
            let head = dice.one_of(WHOLE).lines().next().unwrap_or_default().to_owned() + "\n";
            let mut text = if dice.one_in(2) { head } else { String::new() };
            for _ in 0..dice.below(8) {
                for piece in dice.one_of::<&str>(LINES).split_inclusive('#') {
                    text.push_str(piece.trim_end_matches('#'));
                    if piece.ends_with('#') {
                        text.push_str(&number(dice));
                    }
                }
            }
            text.into_bytes()
        }
        4 | 5 => {
            let whole: &&str = dice.one_of(WHOLE);
            with_numbers(whole, dice, number).into_bytes()
        }
        _ => {
            let mut content = dice.one_of(WHOLE).as_bytes().to_vec();
            bytes(&mut content, dice);
            content
        }
    };
    if dice.one_in(8) {
        content = gzipped(&content);
        if dice.one_in(2) {
            bytes(&mut content, dice);
        }
    }
    content
}

/// A text in which one number in four is another.
fn with_numbers(text: &str, dice: &mut Dice, number: impl Fn(&mut Dice) -> String) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let end = rest[start..].find(|letter: char| !letter.is_ascii_digit()).map_or(rest.len(), |end| start + end);
        changed.push_str(&rest[..start]);
        if dice.one_in(4) {
            changed.push_str(&number(dice))
        } else {
            changed.push_str(&rest[start..end])
        }
        rest = &rest[end..];
    }
    changed + rest
}

/// All traces of one file, as scenarios name them.
fn traces_of(path: &Path) -> Vec<RequestTrace> {
    let named = RequestTrace::FORMATS.iter().map(|entry| {
        let mut trace = trace(entry.name, &entry.example.replace("FILE", &path.display().to_string()));
        trace.files().into_iter().for_each(|file| file.find(Path::to_owned));
        trace
    });
    named.collect()
}

/// Fails unless a refusal is one line that names its file.
fn judge(told: Option<&str>, path: &Path, counts: &Counts) {
    counts.add("readings");
    match told {
        None => counts.add("read whole"),
        Some(told) => assert!(told.starts_with(&path.display().to_string()) && told.lines().count() == 1, "{told}"),
    }
}

/// Reads a file as every format of requests and of series.
fn read_as_everything(path: &Path, traces: &[RequestTrace], counts: &Counts) {
    for trace in traces {
        judge(requests(trace).err().as_deref(), path, counts);
    }
    let keys = SeriesFile::default();
    let rates = Format::ALL.iter().map(|format| read_rates(*format, path, &keys).err());
    let round_trips = [Format::Csv, Format::Irish5g].map(|format| read_round_trips(format, path, &keys).err());
    let losses = read_losses(Format::Csv, path, &keys).err();
    for refusal in rates.chain(round_trips).chain([losses]) {
        judge(refusal.map(|refusal| refusal.to_string()).as_deref(), path, counts);
    }
    judge(recognise(path).err().map(|refusal| refusal.to_string()).as_deref(), path, counts);
}

#[test]
fn fuzz_files() {
    fuzz("files", &[Count::goal("readings"), Count::free("read whole")], || {
        let file = file_with(b"");
        let path: PathBuf = file.path().to_owned();
        let traces = traces_of(&path);
        move |dice, counts| {
            let content = broken(dice);
            // The file lives as long as its path is read.
            std::fs::write(file.path(), &content).expect("a temporary file");
            let input = || String::from_utf8_lossy(&content).into_owned();
            telling(input, || read_as_everything(&path, &traces, counts));
        }
    });
}
