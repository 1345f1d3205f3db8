//! Damaged profiles of measured steps and of tokens: they are refused in a message, or a scenario is resolved on them.

use crate::scenario::{Plan, Scenario, Source};
use crate::terminal::surviving;
use fuzzing::{Count, Dice, bytes, fuzz, json, telling};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A scenario on the profile.
const SCENARIO: &str = "\
name = \"on\"
replications = 1
workload = { dataset = \"vqav2\", requests = 2, output_tokens = 4 }
policy.cloud_only = {}
policy.speculative = {}
cloud = { profile = \"profile.toml\", noise = \"profile\" }
";

/// The profiles that ship, as texts and as documents.
fn corpus() -> Vec<(String, Value)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/profiles"));
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("profiles").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a profile");
        let document: toml::Value = toml::from_str(&text).expect("TOML");
        let document = serde_json::to_value(document).expect("JSON");
        (text, document)
    };
    paths.iter().map(read).collect()
}

/// A profile with other values, or other bytes.
fn damaged(profiles: &[(String, Value)], dice: &mut Dice) -> Vec<u8> {
    let (text, document) = dice.one_of(profiles);
    if !dice.one_in(4) {
        let mut document = document.clone();
        (0..=dice.below(2)).for_each(|_| json(&mut document, dice));
        // What JSON has and TOML has not is left to the bytes.
        if let Ok(text) = toml::to_string(&document) {
            return text.into_bytes();
        }
    }
    let mut content = text.clone().into_bytes();
    bytes(&mut content, dice);
    content
}

#[test]
fn fuzz_profiles() {
    fuzz("profiles", &[Count::goal("profiles"), Count::part("resolved", 50)], || {
        let (profiles, folder) = (corpus(), tempfile::tempdir().expect("a folder"));
        move |dice, counts| {
            let content = damaged(&profiles, dice);
            fs::write(folder.path().join("profile.toml"), &content).expect("a file");
            let resolve = || {
                let (source, scenario) = Source::new::<Scenario>(&folder.path().join("on.toml"), SCENARIO.to_owned())?;
                Plan::new(source, scenario)?.point(0)
            };
            let told = || String::from_utf8_lossy(&content).into_owned();
            counts.add("profiles");
            match surviving(|| telling(told, resolve)).and_then(|point| point) {
                Ok(_) => counts.add("resolved"),
                Err(failure) => assert!(!failure.is_bug(), "{failure}\nby {}", told()),
            }
        }
    });
}
