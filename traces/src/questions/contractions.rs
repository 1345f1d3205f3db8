//! Contractions: their apostrophes come back, so that `dont` and `don't` are one answer.

use std::{collections::BTreeMap, sync::LazyLock};

/// Words that take `n't`, and `n't've`.
const NEGATED: &str = "ai are ca could did do does had has have is might must need ought sha should was were wo would";

/// Words and the endings that they take. Left out is what reads as another word without its apostrophe: id, ill, well,
/// were, wed, shed, shell, hell, its, lets.
const ENDINGS: &[(&str, &str)] = &[
    ("i", "m ve d've"),
    ("he", "d s d've"),
    ("she", "s d've"),
    ("it", "d ll d've"),
    ("we", "ve d've"),
    ("they you", "d ll re ve d've"),
    ("who", "d ll s ve d've"),
    ("what", "d ll re s ve"),
    ("where", "d s ve"),
    ("there", "d re s d've"),
    ("that", "d ll s"),
    ("why", "d ll re s"),
    ("how when", "d ll s"),
    ("somebody someone something", "d ll s d've"),
    ("could should would might must not", "ve"),
    ("o", "clock"),
    ("ma", "am"),
    ("y", "all"),
];

/// By their letters alone.
static WHOLE: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let negated = NEGATED.split(' ').flat_map(|verb| [format!("{verb}n't"), format!("{verb}n't've")]);
    let ended = ENDINGS.iter().flat_map(|(words, endings)| {
        words.split(' ').flat_map(|word| endings.split(' ').map(move |ending| format!("{word}'{ending}")))
    });
    negated.chain(ended).map(|whole| (letters(&whole), whole)).collect()
});

/// The word with the apostrophes of the contraction that it is; any other word as it is.
pub fn whole(word: &str) -> &str {
    WHOLE.get(&letters(word)).map_or(word, String::as_str)
}

fn letters(word: &str) -> String {
    word.replace('\'', "")
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn apostrophes_come_back() {
        for (written, meant) in [
            ("dont", "don't"),
            ("do'nt", "don't"),
            ("don't", "don't"),
            ("couldntve", "couldn't've"),
            ("theyre", "they're"),
            ("oclock", "o'clock"),
            ("its", "its"),
            ("it's", "it's"),
            ("well", "well"),
            ("girl's", "girl's"),
            ("cat", "cat"),
        ] {
            assert_eq!(whole(written), meant);
        }
    }
}
