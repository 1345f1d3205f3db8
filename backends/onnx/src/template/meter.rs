//! The text that a rendering makes: counted, and bounded.
//!
//! Jinja's steps say nothing of memory: a text that is doubled forty times takes forty steps. So every value that a
//! template makes is charged to a meter. A template is compiled as always; behind each instruction that makes a value stands
//! a call of [`CHARGE`] then, and before each text that is copied from the template one of [`RAW`].

use super::leaving::closings;
use minijinja::machinery::{Instruction, Instructions};
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that a rendering makes, at most; a conversation takes some thousand.
pub const BYTES: usize = 16 << 20;

/// Levels of lists and mappings within each other, at most.
const LEVELS: u32 = 64;

/// Bytes of an item of a list or mapping.
const ITEM: usize = 32;

/// Names of the calls. No template can give something such a name.
const CHARGE: &str = "charge value";
const RAW: &str = "charge text";
const CONCAT: &str = "concatenate values";

/// The bytes that a rendering may still make.
#[derive(Clone, Debug)]
pub struct Meter(Arc<AtomicUsize>);

impl Meter {
    /// A meter of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// True if more was taken than there was.
    pub fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// If there are not as many left; nothing is left then.
    pub fn take(&self, bytes: usize) -> Result<(), Error> {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(bytes);
        self.0.store(left, Ordering::Relaxed);
        if left > 0 { Ok(()) } else { Err(Error::new(ErrorKind::InvalidOperation, "it makes too much text")) }
    }

    /// Takes the size of a value.
    ///
    /// # Errors
    /// If it is larger than what is left, or nests too deeply.
    fn charge(&self, value: &Value) -> Result<(), Error> {
        match value.kind() {
            ValueKind::String | ValueKind::Bytes => self.take(value.len().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
                self.take(value.len().unwrap_or(1).saturating_add(1).saturating_mul(ITEM))?;
                self.walk(value, LEVELS)
            }
            _ => Ok(()),
        }
    }

    /// Fails where a value has more levels than these.
    fn walk(&self, value: &Value, levels: u32) -> Result<(), Error> {
        let kind = value.kind();
        if !matches!(kind, ValueKind::Seq | ValueKind::Map) {
            return Ok(());
        }
        if levels == 0 {
            return Err(Error::new(ErrorKind::InvalidOperation, format!("lists nest deeper than {LEVELS} levels")));
        }
        for item in value.try_iter()? {
            self.take(ITEM)?;
            let item = if kind == ValueKind::Map { value.get_item(&item)? } else { item };
            self.walk(&item, levels - 1)?;
        }
        Ok(())
    }

    /// A text that charges what is written to it.
    pub fn text(&self) -> Text<'_> {
        Text { meter: self, text: String::new() }
    }

    /// Adds the calls to an environment; `concatenated` makes a text of two values.
    pub fn add(
        &self,
        environment: &mut Environment<'_>,
        concatenated: impl Fn(&Value, &Value) -> Result<String, Error> + Send + Sync + 'static,
    ) {
        let meter = self.clone();
        environment.add_function(CHARGE, move |value: Value| meter.charge(&value).map(|()| value));
        let meter = self.clone();
        environment.add_function(RAW, move |bytes: usize| meter.take(bytes));
        environment.add_function(CONCAT, move |left: &Value, right: &Value| concatenated(left, right));
    }
}

/// A text in the making.
pub struct Text<'m> {
    meter: &'m Meter,
    text: String,
}

impl Text<'_> {
    /// The whole text.
    pub fn whole(self) -> String {
        self.text
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.meter.take(text.len()).map_err(|_| fmt::Error)?;
        self.text.push_str(text);
        Ok(())
    }
}

/// A template's blocks of instructions, by name.
pub type Blocks<'s> = BTreeMap<&'s str, Instructions<'s>>;

/// The same instructions with the calls, and with blocks closed that a jump leaves.
pub fn metered<'s>(instructions: &Instructions<'s>) -> Instructions<'s> {
    let all: Vec<&Instruction<'s>> = (0..).map_while(|place| instructions.get(place)).collect();
    let mut places = Vec::with_capacity(all.len() + 1);
    let mut next = 0;
    let closings = closings(&all);
    for (instruction, closing) in all.iter().zip(&closings) {
        places.push(next);
        next += (closing.len() + with_calls(instruction).len()) as u32;
    }
    places.push(next);
    let mut changed = Instructions::new(instructions.name(), instructions.source());
    for ((place, instruction), closing) in (0..).zip(all).zip(closings) {
        let line = instructions.get_line(place).and_then(|line| u16::try_from(line).ok()).unwrap_or_default();
        for instruction in closing.into_iter().chain(with_calls(instruction)) {
            changed.add_with_line(moved(instruction, &places), line);
        }
    }
    changed
}

/// An instruction and the calls around it.
fn with_calls<'s>(instruction: &Instruction<'s>) -> Vec<Instruction<'s>> {
    let charge = Instruction::CallFunction(CHARGE, Some(1));
    match instruction {
        Instruction::EmitRaw(text) => {
            let size = Instruction::LoadConst(Value::from(text.len()));
            let charge = Instruction::CallFunction(RAW, Some(1));
            vec![size, charge, Instruction::DiscardTop, instruction.clone()]
        }
        Instruction::StringConcat => vec![Instruction::CallFunction(CONCAT, Some(2)), charge],
        Instruction::Add
        | Instruction::Mul
        | Instruction::Slice
        | Instruction::BuildList(_)
        | Instruction::BuildMap(_)
        | Instruction::ApplyFilter(..)
        | Instruction::CallFunction(..)
        | Instruction::CallMethod(..)
        | Instruction::CallObject(_)
        | Instruction::EndCapture => vec![instruction.clone(), charge],
        _ => vec![instruction.clone()],
    }
}

/// An instruction whose target has moved.
fn moved<'s>(instruction: Instruction<'s>, places: &[u32]) -> Instruction<'s> {
    let to = |target: u32| places.get(target as usize).copied().unwrap_or(u32::MAX);
    match instruction {
        Instruction::Iterate(target) => Instruction::Iterate(to(target)),
        Instruction::Jump(target) => Instruction::Jump(to(target)),
        Instruction::JumpIfFalse(target) => Instruction::JumpIfFalse(to(target)),
        Instruction::JumpIfFalseOrPop(target) => Instruction::JumpIfFalseOrPop(to(target)),
        Instruction::JumpIfTrueOrPop(target) => Instruction::JumpIfTrueOrPop(to(target)),
        Instruction::BuildMacro(name, target, flags) => Instruction::BuildMacro(name, to(target), flags),
        other => other,
    }
}
