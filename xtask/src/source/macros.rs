//! Paths among the tokens of macros and attributes, which are no syntax yet.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

/// The keywords behind which a macro declares an item.
const DECLARING: [&str; 7] = ["struct", "enum", "trait", "fn", "const", "static", "type"];

/// The names found among tokens.
#[derive(Debug, Default)]
pub struct Found {
    /// Paths and words alone, each with its line.
    pub paths: Vec<(Vec<String>, usize)>,
    /// Paths of two segments or more that stand in quotes.
    pub quoted: Vec<(Vec<String>, usize)>,
    /// Words before a colon or a sign of equality: an argument's name, a field's.
    pub labels: Vec<(String, usize)>,
    /// Names behind `struct`, `fn` and their like.
    pub declared: BTreeSet<String>,
    /// True if a macro's argument stands behind `crate::`.
    pub pastes_behind_crate: bool,
}

/// Looks through all tokens, groups too.
pub fn scan(tokens: &TokenStream) -> Found {
    let mut found = Found::default();
    look(tokens, &mut found);
    found
}

/// The file in `path = "file"`, as `cfg_attr` has it.
pub fn path_value(tokens: &TokenStream) -> Option<String> {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    tokens.windows(3).find_map(|three| match three {
        [TokenTree::Ident(path), TokenTree::Punct(is), TokenTree::Literal(file)]
            if path == "path" && is.as_char() == '=' =>
        {
            Some(file.to_string().trim_matches('"').to_owned())
        }
        _ => None,
    })
}

fn look(tokens: &TokenStream, found: &mut Found) {
    let tokens: Vec<_> = tokens.clone().into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => look(&group.stream(), found),
            TokenTree::Literal(literal) => found.quoted.extend(quoted(literal)),
            TokenTree::Punct(_) => {}
            TokenTree::Ident(_) => at = path(&tokens, at, found),
        }
        at += 1;
    }
}

/// Reads the path that starts at a word; returns its last token's place.
fn path(tokens: &[TokenTree], start: usize, found: &mut Found) -> usize {
    let line = tokens[start].span().start().line;
    let (mut words, mut last) = (Vec::new(), start);
    words.extend(word(&tokens[start]));
    while is_punct(tokens.get(last + 1), ':') && is_punct(tokens.get(last + 2), ':') {
        if let Some(next) = tokens.get(last + 3).and_then(word) {
            words.push(next);
            last += 3;
            continue;
        }
        found.pastes_behind_crate |= words == ["crate"] && is_punct(tokens.get(last + 3), '$');
        break;
    }
    let before = start.checked_sub(1).and_then(|before| tokens.get(before));
    let is_declared = before.and_then(word).is_some_and(|word| DECLARING.contains(&word.as_str()));
    if is_declared {
        found.declared.extend(words.into_iter().next());
    } else if !is_no_path(before, &words) {
        let after = tokens.get(last + 1);
        let is_label = words.len() == 1 && (is_punct(after, ':') || is_punct(after, '='));
        if is_label {
            found.labels.push((words.concat(), line));
        } else {
            found.paths.push((words, line));
        }
    }
    last
}

/// Fields, methods, lifetimes, and arguments of a macro by name.
fn is_no_path(before: Option<&TokenTree>, words: &[String]) -> bool {
    let starts_elsewhere = is_punct(before, '.') || is_punct(before, '\'');
    starts_elsewhere || is_punct(before, '$') && words[0] != "crate"
}

fn word(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(ident) => Some(ident.to_string().trim_start_matches("r#").to_owned()),
        _ => None,
    }
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// The path in a string literal, if it is one.
fn quoted(literal: &proc_macro2::Literal) -> Option<(Vec<String>, usize)> {
    let text = literal.to_string();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let words: Vec<_> = inner.split("::").map(str::to_owned).collect();
    let is_word = |word: &String| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    (words.len() > 1 && words.iter().all(is_word)).then(|| (words, literal.span().start().line))
}
