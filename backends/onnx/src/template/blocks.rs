//! The tags that transformers adds to Jinja: `generation` marks what a model says, for training, and shows it as it is.

/// The template without them: a block of its own scope in their place.
///
/// `{% generation %}a{% endgeneration %}` becomes `{% with %}a{% endwith %}`. Comments, texts and raw blocks stay.
pub fn plain(source: &str) -> String {
    let mut plain = String::with_capacity(source.len());
    let (mut rest, mut is_raw) = (source, false);
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        plain.push_str(before);
        let end = match from.as_bytes().get(1) {
            Some(b'#') if !is_raw => from.find("#}").map(|end| end + 2),
            Some(b'{') if !is_raw => closed(from, "}}"),
            Some(b'%') => closed(from, "%}"),
            _ => Some(1),
        };
        // What is not closed is Jinja's to refuse.
        let (tag, behind) = from.split_at(end.unwrap_or(from.len()));
        let name = tag.strip_prefix("{%").map(name).unwrap_or_default();
        is_raw = name == "raw" || is_raw && name != "endraw";
        match name {
            "generation" if !is_raw => plain.push_str(&tag.replacen(name, "with", 1)),
            "endgeneration" if !is_raw => plain.push_str(&tag.replacen(name, "endwith", 1)),
            _ => plain.push_str(tag),
        }
        rest = behind;
    }
    plain + rest
}

/// The first word of a tag, behind its signs for white space.
fn name(tag: &str) -> &str {
    let tag = tag.trim_start_matches(['-', '+']).trim_start();
    &tag[..tag.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tag.len())]
}

/// The place behind the end of a tag; ends within quotes are text.
fn closed(tag: &str, end: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (place, letter) in tag.char_indices().skip(2) {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(mark) if letter == mark => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None if tag[place..].starts_with(end) => return Some(place + end.len()),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_replaced_and_texts_are_not() {
        for (source, wanted) in [
            ("a{%- generation +%}b{%endgeneration%}c", "a{%- with +%}b{%endwith%}c"),
            ("{{ '{% generation %}' }}{# {% generation %} #}", "{{ '{% generation %}' }}{# {% generation %} #}"),
            (
                "{% raw %}{% generation %}{% endraw %}{% generation %}",
                "{% raw %}{% generation %}{% endraw %}{% with %}",
            ),
            ("{% if x == '%}' %}{% generation %}", "{% if x == '%}' %}{% with %}"),
            (
                "{% set generation = 1 %}{{ generation }} { {% generation",
                "{% set generation = 1 %}{{ generation }} { {% with",
            ),
            ("{{ \"\\\"{% generation %}\" }}ä{", "{{ \"\\\"{% generation %}\" }}ä{"),
        ] {
            assert_eq!(plain(source), wanted);
        }
    }
}
