//! The option that an answer chooses, by the rule-based part of MMBench's evaluation (Liu et al. 2024, VLMEvalKit).
//!
//! First the option's letter as a word of its own, then the option's text. What neither decides is no option, hence wrong: no model is
//! asked to judge. Stricter than the published rule in two places, so that fewer answers are right by accident: an option's text must stand
//! there as whole words, and where it does, an `A` before a word in lower case is taken for the article.

use super::letters;

/// Marks that may stand around a letter.
const MARKS: &[char] = &['.', '(', ')', '[', ']', ',', ':', ';', '!', '*', '#', '{', '}'];

/// The distance of a letter from the end of an answer, in words, up to which it counts.
const LAST_WORDS: usize = 4;

/// The option that the answer chooses.
pub fn chosen(answer: &str, choices: &[String]) -> Option<char> {
    let letter = letter(answer, choices.len());
    if letter.is_some() && !(letter == Some('A') && has_article(answer)) {
        return letter;
    }
    by_text(answer, choices).or(letter)
}

/// The one letter of an option that stands alone, near the end of the answer.
fn letter(answer: &str, count: usize) -> Option<char> {
    let plain = answer.replace(MARKS, " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let place = |letter: char| words.iter().position(|word| word.chars().eq([letter]));
    let mut found = letters().take(count).filter_map(|letter| place(letter).map(|place| (letter, place)));
    match (found.next(), found.next()) {
        (Some((letter, place)), None) if place + LAST_WORDS >= words.len() => Some(letter),
        _ => None,
    }
}

/// True if a word in lower case follows an `A`.
fn has_article(answer: &str) -> bool {
    let words: Vec<&str> = answer.split_whitespace().collect();
    words.windows(2).any(|pair| pair[0] == "A" && pair[1].starts_with(char::is_lowercase))
}

/// The one option whose text is the answer, or stands in it. An answer much longer than all options is not looked through.
fn by_text(answer: &str, choices: &[String]) -> Option<char> {
    let answer = words(answer);
    let choices: Vec<Vec<String>> = choices.iter().map(|text| words(text)).collect();
    let length = |words: &[String]| words.iter().map(String::len).sum::<usize>();
    let only = |holds: &dyn Fn(&[String]) -> bool| {
        let mut found = letters().zip(&choices).filter(|(_, text)| !text.is_empty() && holds(text));
        match (found.next(), found.next()) {
            (Some((letter, _)), None) => Some(letter),
            _ => None,
        }
    };
    let whole = only(&|text| text == answer);
    if whole.is_some() || length(&answer) > 2 * choices.iter().map(|text| length(text)).sum::<usize>() {
        return whole;
    }
    only(&|text| answer.windows(text.len()).any(|window| window == text))
}

/// The words of a text in lower case, without the marks around them.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let trimmed = text.split_whitespace().map(|word| word.trim_matches(|c: char| c.is_ascii_punctuation()));
    trimmed.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn a_letter_or_a_text_chooses() {
        let choices = ["teddy bear", "red", "a blue car", "left"].map(str::to_owned);
        for (answer, option) in [
            ("A", Some('A')),
            ("A.", Some('A')),
            ("(B)", Some('B')),
            ("B)", Some('B')),
            ("Answer: C", Some('C')),
            ("The answer is A.", Some('A')),
            ("**D**", Some('D')),
            ("B. red", Some('B')),
            ("D\n", Some('D')),
            ("Red.", Some('B')),
            ("It is a teddy bear.", Some('A')),
            ("A teddy bear", Some('A')),
            ("A blue car", Some('C')),
            ("A red one", Some('B')),
            // Neither decides.
            ("", None),
            ("A or B", None),
            ("B and C", None),
            ("red, on the left", None),
            ("bored", None),
            ("E", None),
            ("b", None),
            ("A is right", Some('A')),
            ("B is what it was at first but I do not know", None),
            ("There is so much to be said about whales and about ships, and so little of what is red in it", None),
        ] {
            assert_eq!(chosen(answer, &choices), option, "{answer}");
        }
    }

    #[test]
    fn a_text_within_another_is_chosen_only_as_a_whole() {
        let choices = ["left", "top left", "?"].map(str::to_owned);
        assert_eq!(chosen("Top left.", &choices), Some('B'));
        assert_eq!(chosen("left", &choices), Some('A'));
        assert_eq!(chosen("It is at the top left.", &choices), None);
    }
}
