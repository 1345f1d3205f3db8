//! Mutations of files: of their bytes, and of the values in JSON.

use crate::Dice;
use serde_json::{Map, Number, Value};

/// Changes a few bytes: flipped, set, cut off, doubled or taken out.
pub fn bytes(content: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        if content.is_empty() {
            return;
        }
        let place = dice.place(content.len());
        match dice.below(8) {
            0 => content.truncate(place),
            1 => {
                let end = content.len().min(place + 1 + dice.place(32));
                content.drain(place..end);
            }
            2 => {
                let end = content.len().min(place + 1 + dice.place(32));
                let again = content[place..end].to_vec();
                content.splice(place..place, again);
            }
            3 => content[place] = *dice.one_of(&[0, 0x7f, 0x80, 0xff, b'9', b'"', b'\n', b'-']),
            4 => content[place] = dice.bits() as u8,
            _ => content[place] ^= 1 << dice.below(8),
        }
    }
}

/// Numbers at the ends of what formats and machines hold, as they are written.
const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "2",
    "-1",
    "3",
    "0.5",
    "-0.0",
    "1e-300",
    "1e300",
    "1e18",
    "255",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
];

/// A number at the end of some range, as it is written.
pub fn number_text(dice: &mut Dice) -> &'static str {
    NUMBERS[dice.place(NUMBERS.len())]
}

/// Changes one value of a document, at any depth.
pub fn json(document: &mut Value, dice: &mut Dice) {
    match document {
        Value::Object(fields) if !fields.is_empty() && !dice.one_in(12) => in_object(fields, dice),
        Value::Array(items) if !items.is_empty() && !dice.one_in(6) => {
            let place = dice.place(items.len());
            match dice.below(8) {
                0 => drop(items.remove(place)),
                1 => items.push(items[place].clone()),
                2 => items.clear(),
                _ => json(&mut items[place], dice),
            }
        }
        _ => *document = value(dice),
    }
}

fn in_object(fields: &mut Map<String, Value>, dice: &mut Dice) {
    let place = dice.place(fields.len());
    let name = fields.keys().nth(place).expect("a field").clone();
    match dice.below(10) {
        0 => drop(fields.remove(&name)),
        1 => {
            let other = fields.values().nth(dice.place(fields.len())).expect("a field").clone();
            fields.insert(name, other);
        }
        2 => drop(fields.insert(dice.noise(6), value(dice))),
        _ => json(fields.get_mut(&name).expect("a field"), dice),
    }
}

/// Any value.
fn value(dice: &mut Dice) -> Value {
    match dice.below(10) {
        0 => Value::Null,
        1 => Value::Bool(dice.one_in(2)),
        2 => Value::String(dice.noise(12)),
        3 => Value::Array(Vec::new()),
        4 => Value::Object(Map::new()),
        5 => Value::String(number_text(dice).to_owned()),
        _ => number_text(dice).parse::<Number>().map_or(Value::Null, Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mutations_change_and_stay_json() {
        let whole = json!({"a": [1, 2, {"b": "c"}], "d": null, "e": {"f": 1.5}});
        let mut changed = 0;
        for execution in 0..200 {
            let mut dice = Dice::of(1, execution);
            let mut document = whole.clone();
            json(&mut document, &mut dice);
            changed += u32::from(document != whole);
            let mut content = whole.to_string().into_bytes();
            bytes(&mut content, &mut dice);
            assert!(content.len() < 1000);
        }
        assert!(changed > 150, "{changed}");
    }
}
