//! No file, however broken, makes a reader panic.

use crate::{
    bandwidth::{BandwidthSeries, CsvColumns},
    requests::RequestTrace,
    testing::{file_with, gzipped, trace},
};
use proptest::prelude::*;

/// Broken text of each format: parts of good lines in any order, with noise between.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop_oneof![
        Just("TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned()),
        Just("arrival_s,context_tokens,generated_tokens\n".to_owned()),
        Just("TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n".to_owned()),
        Just("client,t_s,rate_per_s,interarrival_cv,dist,shape,scale\n".to_owned()),
        Just("t_s,dl_mbps\n".to_owned()),
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
    let columns = CsvColumns { time: "t_s".to_owned(), rate: "dl_mbps".to_owned(), only: None };
    let requests = RequestTrace::FORMATS.iter().map(|entry| {
        let mut trace = trace(entry.name, &entry.example.replace("FILE", &path.display().to_string()));
        trace.files().into_iter().for_each(|file| file.find(std::path::Path::to_owned));
        trace.read().err()
    });
    let rates = [BandwidthSeries::from_csv(path, &columns).err(), BandwidthSeries::from_mahimahi(path).err()];
    for refusal in requests.chain(rates).flatten() {
        let line = refusal.to_string();
        assert!(line.starts_with(&path.display().to_string()) && line.lines().count() == 1, "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn broken_text_is_read_or_refused(content in broken()) {
        read_as_everything(&content);
    }

    #[test]
    fn noise_is_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..200)) {
        read_as_everything(&content);
    }

    #[test]
    fn broken_gzip_is_read_or_refused(content in broken(), place: prop::sample::Index, cut: prop::sample::Index, flip: u8) {
        let mut packed = gzipped(&content);
        let place = place.index(packed.len());
        packed[place] ^= flip;
        packed.truncate(cut.index(packed.len() + 1));
        read_as_everything(&packed);
    }
}
