//! A template compiled, with every value that it makes charged to a meter.

use super::meter::{Blocks, metered};
use minijinja::machinery::{
    CodeGenerator, Instructions, Token, Vm, WhitespaceConfig, make_string_output, parse, tokenize,
};
use minijinja::{AutoEscape, Environment, Error, Value};

/// White space as transformers treats it.
const SPACE: WhitespaceConfig =
    WhitespaceConfig { keep_trailing_newline: false, lstrip_blocks: true, trim_blocks: true };

/// A variable that is 1.
pub const ONE: &str = "one_as_a_variable";

/// The instructions of a template.
pub struct Compiled<'s> {
    instructions: Instructions<'s>,
    blocks: Blocks<'s>,
}

impl<'s> Compiled<'s> {
    /// Compiles a text.
    ///
    /// # Errors
    /// If it is no template.
    pub fn new(source: &'s str) -> Result<Self, Error> {
        let tree = parse(source, "template", Default::default(), SPACE)?;
        let mut generator = CodeGenerator::new("template", source);
        generator.compile_stmt(&tree);
        let (instructions, blocks) = generator.finish();
        let blocks = blocks.iter().map(|(name, block)| (*name, metered(block))).collect();
        Ok(Self { instructions: metered(&instructions), blocks })
    }

    /// The text that it makes of its variables.
    ///
    /// # Errors
    /// If the template fails, or takes more than the environment and its meter allow.
    pub fn render<'e>(&self, environment: &'e Environment<'e>, variables: Value) -> Result<String, Error>
    where
        's: 'e,
    {
        let mut text = String::new();
        let mut output = make_string_output(&mut text);
        Vm::new(environment).eval(&self.instructions, variables, &self.blocks, &mut output, AutoEscape::None)?;
        Ok(text)
    }
}

/// The template with each product a matter of the rendering: the compiler would work out constant ones, however large.
///
/// `'a' * 9` becomes `'a' * ONE * 9`.
pub fn without_constant_products(source: &str) -> String {
    let mut places = Vec::new();
    let mut is_operand = false;
    for token in tokenize(source, false, Default::default(), SPACE) {
        // What is no token is the parser's to refuse.
        let Ok((token, span)) = token else { break };
        if matches!(token, Token::Mul) && is_operand {
            places.push(span.end_offset as usize);
        }
        is_operand = matches!(
            token,
            Token::Ident(_)
                | Token::Str(_)
                | Token::String(_)
                | Token::Int(_)
                | Token::Int128(_)
                | Token::Float(_)
                | Token::BracketClose
                | Token::ParenClose
                | Token::BraceClose
        );
    }
    let mut changed = source.to_owned();
    for place in places.into_iter().rev() {
        changed.insert_str(place, &format!(" {ONE} *"));
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_wait_for_the_rendering() {
        for (source, expected) in [
            ("{{ 'a' * 9 }} * {# 2 * 2 #}", "{{ 'a' * one_as_a_variable * 9 }} * {# 2 * 2 #}"),
            ("{{ f(*a, **b) ** 2 * (3) }}", "{{ f(*a, **b) ** 2 * one_as_a_variable * (3) }}"),
            ("{% for a in [1] * 3 %}", "{% for a in [1] * one_as_a_variable * 3 %}"),
            ("{{ 'é' * 2", "{{ 'é' * one_as_a_variable * 2"),
        ] {
            assert_eq!(without_constant_products(source), expected);
        }
    }
}
