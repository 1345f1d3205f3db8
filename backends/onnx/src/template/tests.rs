//! Templates of public families, written anew by their shape, and what rendering promises of all.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn template(source: &str) -> Template {
    let tokens = json!({"bos_token": "<s>", "eos_token": {"content": "</s>", "special": true}, "pad_token": null,
        "extra_special_tokens": {"image_token": "<I>"}});
    let place = Place { marker: "<I>".to_owned(), whole: "<S><I><E>".to_owned() };
    Template::new(source, &[&tokens, &json!({"bos_token": "<no>", "unk_token": "<unk>"})], place)
}

fn rendered(source: &str, images: usize) -> String {
    template(source).conversation(images, "What?").unwrap()
}

/// A family's template by its shape, and what it makes of `What?` with a picture and with none.
#[derive(serde::Deserialize)]
struct Family {
    name: String,
    source: String,
    one: String,
    none: String,
}

#[derive(serde::Deserialize)]
struct Families {
    family: Vec<Family>,
}

#[test]
fn families_render_as_in_python() {
    let Families { family } = toml::from_str(include_str!("families.toml")).unwrap();
    assert!(family.len() >= 10);
    for Family { name, source, one, none } in family {
        assert_eq!(rendered(&source, 1), one, "{name}");
        assert_eq!(rendered(&source, 0), none, "{name}");
    }
}

#[test]
fn the_form_of_the_content_follows_from_the_template() {
    for (source, form) in [
        ("{% for m in messages %}{{ m.content }}{% endfor %}", Form::Text),
        ("{% for m in messages %}{{ m.content | tojson }}{% endfor %}", Form::Text),
        ("{% for m in messages %}{{ m | tojson }}{% endfor %}", Form::Parts),
        ("{% for m in messages %}{% for c in m.content %}{{ c.text }}{% endfor %}{% endfor %}", Form::Parts),
        (
            "One type: 'text'. {% for m in messages %}{% for c in m.content %}{{ c.text }}{% endfor %}{% endfor %}",
            Form::Parts,
        ),
        ("{{ raise_exception('never') }}", Form::Parts),
        ("nothing", Form::Parts),
    ] {
        assert_eq!(template(source).form, form, "{source}");
    }
}

#[test]
fn values_are_written_as_python_writes_them() {
    for (source, wanted) in [
        ("{{ true }}{{ none }}{{ nothing }}{{ 1.0 }}{{ -3 }}", "TrueNone1.0-3"),
        ("{{ ['a', \"it's\", 'both\\'\"', 'x\\ny\\\\'] }}", "['a', \"it's\", 'both\\'\"', 'x\\ny\\\\']"),
        ("{{ {'b': none, 'a': [1, false]} }}", "{'b': None, 'a': [1, False]}"),
        ("{{ {'b': '<é>', 'a': [1, false]} | tojson }}", "{\"b\": \"<é>\", \"a\": [1, false]}"),
        ("{{ {'a': [1]} | tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ]\n}"),
        ("{{ 'a' is iterable }}{{ none is iterable }}{{ 'a' is sequence }}{{ 3 is sequence }}", "TrueFalseTrueFalse"),
        ("{{ 'a-b-c'.rsplit('-', 1) }}{{ 'a=b'.partition('=')[2] }}{{ 'a=b'.rpartition('-')[2] }}", "['a-b', 'c']ba=b"),
        ("{{ image_token }}{{ eos_token }}{{ pad_token }}", "<I></s>"),
        ("{{ tools is none }}{{ documents is none }}", "TrueTrue"),
        ("{{ messages[0] }}", "{'role': 'user', 'content': [{'type': 'text', 'text': 'What?'}]}"),
    ] {
        assert_eq!(rendered(source, 0), wanted, "{source}");
    }
}

#[test]
fn refusals_and_endless_templates_are_told() {
    let told = |source: &str| template(source).conversation(1, "What?").unwrap_err();
    assert!(told("{{ raise_exception('no pictures') }}").contains("no pictures"));
    let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}";
    assert_eq!(told(endless), "it takes more than 1000000 steps");
    let recursive = "{% macro f(x) %}{{ f(x) }}{{ f(x) }}{% endmacro %}{{ f(1) }}";
    assert!(!told(recursive).is_empty());
    assert!(told("{{ {} | tojson(indent=999999999) }}").contains("an indent of 999999999"));
    assert!(told("{% if %}").contains("syntax error"));
}

#[test]
fn loops_are_left_from_within_blocks() {
    for (source, wanted) in [
        ("{% for a in [1, 2] %}{{ a }}{% with b = a %}{% break %}{% endwith %}{% endfor %}!", "1!"),
        (
            "{% for a in [1, 2] %}{% with b = a %}{% if a == 1 %}{% continue %}{% endif %}{{ b }}{% endwith %}{% endfor %}",
            "2",
        ),
        (
            "{% for a in [1, 2] %}{% set b %}x{% if a == 1 %}{% continue %}{% endif %}y{% endset %}{{ b }}{% endfor %}!",
            "xy!",
        ),
        ("{% for a in [1, 2] %}{% filter upper %}{% with %}x{% break %}{% endwith %}{% endfilter %}{% endfor %}!", "!"),
        ("{% for a in [1, 2] %}{% autoescape true %}{% break %}{% endautoescape %}{% endfor %}{{ '<' }}", "<"),
        (
            "{% for a in [1] %}{% generation %}{% for b in [1, 2] %}{% break %}{% endfor %}{{ a }}{% endgeneration %}{% endfor %}",
            "1",
        ),
    ] {
        assert_eq!(rendered(source, 0), wanted, "{source}");
    }
}

/// Each of these would take more memory than any machine has, in a few hundred steps.
#[test]
fn templates_that_grow_without_end_are_told() {
    let told = |source: &str| template(source).conversation(1, "What?").unwrap_err();
    let double = |by: &str| {
        format!("{{% set n = namespace(x='ab') %}}{{% for i in range(60) %}}{{% set n.x = {by} %}}{{% endfor %}}")
    };
    for grown in [
        "n.x ~ n.x",
        "n.x + n.x",
        "n.x * 2",
        "n.x | replace('a', n.x)",
        "n.x.replace('b', n.x)",
        "[n.x, n.x] | join",
        "n.x.join([n.x, n.x, n.x])",
        "'%s%s' | format(n.x, n.x)",
        "'{}{}'.format(n.x, n.x)",
        "[n.x, n.x] | tojson",
        "[n.x, n.x] | string",
        "(n.x | list) * 3",
    ] {
        assert_eq!(told(&double(grown)), "it makes more than 16 MiB of text", "{grown}");
    }
    for (source, says) in [
        (
            "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set b %}{{ n.x }}{{ n.x }}{% endset %}{% set n.x = b %}{% endfor %}",
            "16 MiB",
        ),
        (
            "{% set n = namespace(x=[]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
            "16 MiB",
        ),
        (
            "{% set n = namespace(x=[]) %}{% for i in range(9000) %}{% set n.x = [n.x] %}{% endfor %}",
            "lists nest deeper than 64 levels",
        ),
        ("{% macro f(x) %}{{ x }}{{ x }}{% endmacro %}{{ f(f(f(f(f(f(f(f('a' * 999999)))))))) }}", "16 MiB"),
        ("{{ 'a' * 99999 * 99999 }}", "repeated string is too large"),
        ("{{ range(9999) | batch(9999999999999999) }}", "a batch of 9999999999999999"),
        ("{{ range(9) | slice(999999999) }}", "slices of 999999999"),
        ("{{ '%999999999d' | format(1) }}{{ '{:>99999999}'.format(1) }}", "a width of 999999999"),
        ("{{ 'a' | indent(999999999) }}", "an indent of 999999999"),
    ] {
        assert!(told(source).contains(says), "{source}: {}", told(source));
    }
    let raw = format!("{{% for i in range(99999) %}}{}{{% endfor %}}", "text ".repeat(1000));
    assert_eq!(told(&raw), "it makes more than 16 MiB of text");
}

#[test]
fn products_indents_and_texts_of_values_are_those_of_python() {
    for (source, wanted) in [
        ("{{ 'ab' * 3 }}{{ 2 * 3 * 4 }}{{ ([1] * 2) }}", "ababab24[1, 1]"),
        ("{{ 'a' ~ true ~ none ~ 1.0 }}", "aTrueNone1.0"),
        (
            "{{ 'a\nb\n\nc' | indent(2) }}|{{ 'a\nb' | indent(width=1, first=true) }}",
            "a
  b

  c| a
 b",
        ),
        ("{{ ['a', 1, none] | join('-') }}{{ '+'.join(['a', 'b']) }}", "a-1-Nonea+b"),
        (
            "{{ 'aXbX'.replace('X', '-') }}{{ 'aXbX'.replace('X', '-', 1) }}{{ 'aXbX' | replace('X', '') }}",
            "a-b-a-bXab",
        ),
        ("{{ '%s is %d' | format('a', 3) }}{{ '{} {}'.format(1, 'b') }}", "a is 31 b"),
    ] {
        assert_eq!(rendered(source, 0), wanted, "{source}");
    }
}

proptest! {
    /// No template, however broken, makes rendering panic or go on for ever.
    #[test]
    fn broken_templates_are_rendered_or_refused(parts in prop::collection::vec(prop_oneof![
        Just("{% for m in messages %}"), Just("{% endfor %}"), Just("{{ m.content }}"), Just("{% generation %}"),
        Just("{% endgeneration %}"), Just("{% set x = x ~ 'a' %}"), Just("{{"), Just("%}"), Just("'"), Just("{#"),
        Just("{{ [m] | tojson }}"), Just("{% break %}"), Just("{% macro f(a) %}"), Just("{% endmacro %}"), Just("{{ f(1) }}"),
    ], 0..12)) {
        let _ = template(&parts.concat()).conversation(1, "What?");
    }
}
