//! A byte-level tokenizer of our own: any text has tokens, common words have short ones.
//!
//! Words begin with their space, and every merge adds one letter, so that the tokens are a tree: common words first, then all
//! short strings of letters in alphabetical order, until there are as many as the family has. The special tokens follow, so that
//! they have the family's numbers.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The special tokens of both families, in their order.
pub(crate) const SPECIAL: [&str; 14] = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
];

/// The content of a message, text or parts, in both templates.
macro_rules! content {
    () => {
        "\
{%- if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}
{{ '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- else -%}
{{ part['text'] }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
"
    };
}

/// A conversation as the families write it down.
pub(crate) const TEMPLATE: &str = concat!(
    "\
{%- for message in messages -%}
{%- if loop.first and message['role'] != 'system' -%}
{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif -%}
{{ '<|im_start|>' + message['role'] + '\\n' }}
",
    content!(),
    "\
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- endif -%}
"
);

/// A conversation as the trained pair was taught it: no roles, and pictures before the text.
pub(crate) const TRAINED_TEMPLATE: &str = concat!(
    "\
{%- for message in messages -%}
{{ '<|im_start|>' }}
",
    content!(),
    "\
{{ '<|im_end|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>' }}
{%- endif -%}
"
);

/// Words of questions and answers about pictures, the more common first.
const WORDS: &str = "the a an of and to in is on are what how many this that there it with color where for which \
     image picture people person man woman in front at from or by as was be has have not yes no you your \
     can does do did who why when his her their they he she we all one two three left right side";

/// The number of a special token behind so many ordinary ones.
pub(crate) fn special(tokens: u32, name: &str) -> u32 {
    let at = SPECIAL.iter().position(|special| *special == name).expect("one of the list");
    tokens + at as u32
}

/// The special tokens behind so many ordinary ones.
fn added(tokens: u32) -> Vec<Value> {
    let added = SPECIAL.iter().map(|name| {
        json!({"id": special(tokens, name), "content": name, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    });
    added.collect()
}

/// `tokenizer.json` whose tokens are whole words, most of them with the space before; the first stands for all others.
pub(crate) fn of_words(words: &[String]) -> Value {
    let numbers: BTreeMap<&String, usize> = words.iter().enumerate().map(|(number, word)| (word, number)).collect();
    let words_apart = json!({"Regex": r" ?\w+|[^\w\s]|\s"});
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added(words.len() as u32),
        "normalizer": null,
        "pre_tokenizer": {"type": "Split", "pattern": words_apart, "behavior": "Isolated", "invert": false},
        "post_processor": null,
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": numbers, "unk_token": words[0]},
    })
}

/// `tokenizer.json` with so many ordinary tokens.
pub(crate) fn tokenizer(tokens: u32) -> Value {
    let mut tree = Tree::new(tokens);
    for word in WORDS.split_whitespace() {
        tree.add(word);
    }
    tree.fill();
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added(tokens),
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": bytes,
        "post_processor": bytes,
        "decoder": bytes,
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": false,
            "vocab": tree.numbers,
            "merges": tree.merges,
        },
    })
}

/// The tokens so far.
struct Tree {
    most: usize,
    numbers: BTreeMap<String, usize>,
    merges: Vec<[String; 2]>,
    /// Strings to which every letter may be added, in order.
    open: Vec<String>,
}

impl Tree {
    /// The bytes.
    fn new(most: u32) -> Self {
        let numbers = (0..=u8::MAX).map(|byte| (letter(byte).to_string(), usize::from(byte))).collect();
        Self { most: most as usize, numbers, merges: Vec::new(), open: vec![letter(b' ').to_string()] }
    }

    /// The string and one letter more; false if there is no room.
    fn grow(&mut self, string: &str, letter: char) -> bool {
        let longer = format!("{string}{letter}");
        if self.numbers.contains_key(&longer) {
            return true;
        }
        if self.numbers.len() >= self.most {
            return false;
        }
        self.numbers.insert(longer, self.numbers.len());
        self.merges.push([string.to_owned(), letter.to_string()]);
        true
    }

    /// A word behind a space.
    fn add(&mut self, word: &str) {
        let mut string = letter(b' ').to_string();
        for letter in word.chars() {
            if !self.grow(&string, letter) {
                return;
            }
            string.push(letter);
        }
    }

    /// All strings of letters, the short ones first, until there is no room.
    fn fill(&mut self) {
        loop {
            let mut longer = Vec::new();
            for string in std::mem::take(&mut self.open) {
                for letter in 'a'..='z' {
                    if !self.grow(&string, letter) {
                        return;
                    }
                    longer.push(format!("{string}{letter}"));
                }
            }
            self.open = longer;
        }
    }
}

/// The letter that stands for a byte: itself where it can be seen, else one of those from 256 on, in order.
fn letter(byte: u8) -> char {
    let seen = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if seen(byte) {
        return char::from(byte);
    }
    let unseen = (0..byte).filter(|before| !seen(*before)).count() as u32;
    char::from_u32(256 + unseen).expect("a letter of Latin Extended-A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(tokens: u32) -> tokenizers::Tokenizer {
        tokenizer(tokens).to_string().parse().unwrap()
    }

    #[test]
    fn any_text_comes_back() {
        let tokenizer = built(680);
        for text in ["What is in the picture?", "Größe: 3 µm\n\tzwei  drei", "図 🐈", ""] {
            let ids = tokenizer.encode(text, false).unwrap().get_ids().to_vec();
            assert!(ids.iter().all(|id| *id < 694));
            assert_eq!(tokenizer.decode(&ids, true).unwrap(), text);
        }
    }

    #[test]
    fn common_words_are_one_token_and_special_ones_have_their_numbers() {
        let tokenizer = built(680);
        let count = |text: &str| tokenizer.encode(text, false).unwrap().get_ids().len();
        assert_eq!(count(" what is in the picture"), 5);
        assert_eq!(tokenizer.get_vocab_size(true), 694);
        let text = "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>";
        let ids = tokenizer.encode(text, false).unwrap().get_ids().to_vec();
        assert_eq!((ids[0], &ids[ids.len() - 3..]), (681, &[689, 692, 690][..]));
        assert_eq!(tokenizer.decode(&ids, true).unwrap(), "user\n");
    }

    #[test]
    fn published_numbers_of_special_tokens() {
        let tokenizer = built(151_643);
        let numbers = [("<|endoftext|>", 151_643), ("<|im_end|>", 151_645), ("<|image_pad|>", 151_655)];
        for (name, number) in numbers {
            assert_eq!(tokenizer.token_to_id(name), Some(number));
            assert_eq!(special(151_643, name), number);
        }
        assert_eq!(tokenizer.get_vocab_size(true), 151_657);
    }

    #[test]
    fn letters_of_bytes_are_all_different() {
        let letters: std::collections::BTreeSet<char> = (0..=u8::MAX).map(letter).collect();
        assert_eq!(letters.len(), 256);
        assert_eq!((letter(b' '), letter(b'\n'), letter(0xad)), ('Ġ', 'Ċ', 'Ń'));
    }
}
