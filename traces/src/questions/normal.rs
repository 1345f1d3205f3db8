//! VQAv2's normalisation of answers, after the description at <https://visualqa.org/evaluation.html>.

use super::contractions;

/// The marks that become a space. As in the published evaluation, `$ % & # * ^ ~ |`, apostrophe and colon stay.
const MARKS: &str = ";/[]\"{}()=+\\_-><@`,?!";

const NUMBERS: [&str; 11] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/// The form in which answers are compared: lower case; no punctuation but apostrophes, colons and decimal points; numbers up to ten
/// as digits; no articles; contractions with their apostrophes; single spaces. An answer of articles alone keeps them.
pub fn normalised(answer: &str) -> String {
    let text = without_marks(&answer.to_lowercase().replace('\u{2019}', "'"));
    let is_article = |word: &&str| matches!(*word, "a" | "an" | "the");
    let bare = !text.split_whitespace().all(|word| is_article(&word));
    let words = text.split_whitespace().filter(|word| !(bare && is_article(word)));
    let mut normalised = String::with_capacity(text.len());
    for word in words {
        if !normalised.is_empty() {
            normalised.push(' ');
        }
        match NUMBERS.iter().position(|number| *number == word) {
            Some(number) => normalised += &number.to_string(),
            None if word == "none" => normalised.push('0'),
            None => normalised += contractions::whole(word),
        }
    }
    normalised
}

/// Without the commas and periods that are none of a number, and with a space for every other mark.
fn without_marks(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(mark) = rest.next() {
        let digit_follows = rest.peek().is_some_and(char::is_ascii_digit);
        match mark {
            // 100,978 is one number.
            ',' if before.is_ascii_digit() && digit_follows => {}
            // A decimal point has a digit behind it; any other period goes.
            '.' if !digit_follows => {}
            mark if MARKS.contains(mark) => plain.push(' '),
            other => plain.push(other),
        }
        before = mark;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::normalised;
    use proptest::prelude::*;

    #[test]
    fn answers_are_compared_in_one_form() {
        for (written, form) in [
            ("Yes.", "yes"),
            ("  The  Cat ", "cat"),
            ("two", "2"),
            ("None", "0"),
            ("3.5", "3.5"),
            ("100,978 people", "100978 people"),
            ("red, white", "red white"),
            ("black/white", "black white"),
            ("t-shirt", "t shirt"),
            ("U.S.", "us"),
            ("dont know", "don't know"),
            ("Don\u{2019}t", "don't"),
            ("girl's", "girl's"),
            ("2:50 pm", "2:50 pm"),
            ("50%", "50%"),
            ("\"yes\"", "yes"),
            ("a\nb\tc", "b c"),
            ("A", "a"),
            ("?!", ""),
        ] {
            assert_eq!(normalised(written), form, "{written}");
        }
    }

    proptest! {
        #[test]
        fn once_is_enough(answer in "(?s).{0,40}") {
            let once = normalised(&answer);
            prop_assert_eq!(normalised(&once), once);
        }

        #[test]
        fn once_is_enough_of_marks_and_numbers(answer in "[0-9.,' aAndthe:?-]{0,12}") {
            let once = normalised(&answer);
            prop_assert_eq!(normalised(&once), once);
        }

        #[test]
        fn case_and_spaces_do_not_matter(words in prop::collection::vec("[a-z]{1,6}", 1..5)) {
            let answer = words.join(" ");
            prop_assert_eq!(normalised(&format!(" {}. ", words.join("  ").to_uppercase())), normalised(&answer));
        }
    }
}
