//! The built-in datasets: the tables of `scenarios/datasets`, compiled in.

use model::dataset::Shape;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The files, each of `[dataset.NAME]` tables as a scenario has them.
const FILES: [&str; 3] = [
    include_str!("../../../../scenarios/datasets/vqav2.toml"),
    include_str!("../../../../scenarios/datasets/mmbench.toml"),
    include_str!("../../../../scenarios/datasets/msao_configurations.toml"),
];

/// A file of datasets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dataset: BTreeMap<String, Shape>,
}

static SHIPPED: LazyLock<BTreeMap<String, Shape>> = LazyLock::new(|| {
    let read = |text| toml::from_str::<File>(text).expect("a shipped file of datasets").dataset;
    FILES.into_iter().flat_map(read).collect()
});

/// The built-in dataset of that name.
pub fn shipped(name: &str) -> Option<&'static Shape> {
    SHIPPED.get(name)
}

/// The names of all built-in datasets, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_compiled_in() {
        let folder =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/datasets")).expect("a folder");
        let texts = folder.map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("text"));
        let mut texts: Vec<String> = texts.collect();
        texts.sort();
        let mut compiled = FILES.map(str::to_owned);
        compiled.sort();
        assert_eq!(texts, compiled);
        let tables: usize =
            FILES.iter().map(|text| toml::from_str::<File>(text).expect("datasets").dataset.len()).sum();
        assert_eq!(tables, names().count(), "a name stands in two files");
    }

    #[test]
    fn every_figure_has_its_source() {
        for name in names() {
            let shape = shipped(name).expect("a name of the list");
            shape.check().unwrap_or_else(|(key, reason)| panic!("{name}.{key}: {reason}"));
            let table = toml::Table::try_from(shape).expect("TOML");
            let figures = table.keys().filter(|key| !["description", "sources"].contains(&key.as_str()));
            let with_source = shape.sources.keys().collect::<Vec<_>>();
            assert_eq!(figures.collect::<Vec<_>>(), with_source, "{name}");
            assert!(!shape.description.is_empty(), "{name}");
            assert!(shape.accuracy.is_none(), "{name}: accuracies are of models too, and stand in scenarios/sources");
        }
    }
}
