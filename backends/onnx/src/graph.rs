//! The description of an .onnx file without loading it: its operators and its files of weights.
//!
//! ONNX Runtime tells a graph's inputs and outputs, but not its operators. The rollback of a sequence depends on an
//! operator, fused attention.
//!
//! Walking the file also finds one that was cut short, or weights beside it that are missing or cut short, before
//! gigabytes are read. Weights themselves are skipped.

use crate::error::{Result, refused};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// A graph's outline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Nodes by operator.
    pub operators: BTreeMap<String, u64>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of weights in files beside it.
    pub external_bytes: u64,
}

impl Outline {
    /// Reads a graph's file and looks for its files of weights.
    ///
    /// # Errors
    /// The file is no ONNX model, or cut short; or a file of weights is missing or cut short.
    pub fn read(path: &Path) -> Result<Self> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (bytes, file) = match opened {
            Ok(opened) => opened,
            Err(error) => return refused(format!("cannot read {}: {error}", path.display())),
        };
        let mut walk = Walk {
            file: BufReader::new(file),
            at: 0,
            outline: Self { bytes, ..Self::default() },
            weights: BTreeMap::new(),
        };
        if let Err(fault) = walk.model(bytes) {
            return refused(format!("{} is {fault}; obtain the file again", path.display()));
        }
        let Walk { mut outline, weights, .. } = walk;
        for (name, end) in weights {
            outline.external_bytes += weights_file(path, &name, end)?;
        }
        Ok(outline)
    }

    /// Nodes of an operator.
    pub fn count(&self, operator: &str) -> u64 {
        self.operators.get(operator).copied().unwrap_or(0)
    }
}

/// The size of a file of weights, which has to reach to `end`.
fn weights_file(graph: &Path, name: &str, end: u64) -> Result<u64> {
    let path = graph.with_file_name(name);
    match path.metadata() {
        Ok(there) if there.len() >= end => Ok(there.len()),
        Ok(there) => refused(format!(
            "{} is cut short: {} bytes, and {} needs {end}; obtain the file again",
            path.display(),
            there.len(),
            graph.display()
        )),
        Err(error) => refused(format!("cannot read {}, the weights of {}: {error}", path.display(), graph.display())),
    }
}

/// Field numbers of the ONNX messages that are looked at.
mod field {
    pub const MODEL_GRAPH: u64 = 7;
    pub const GRAPH_NODE: u64 = 1;
    pub const GRAPH_INITIALIZER: u64 = 5;
    pub const NODE_OPERATOR: u64 = 4;
    pub const TENSOR_EXTERNAL_DATA: u64 = 13;
    pub const ENTRY_KEY: u64 = 1;
    pub const ENTRY_VALUE: u64 = 2;
}

/// The fault of the bytes, in words.
type Fault = String;

struct Walk {
    file: BufReader<File>,
    at: u64,
    outline: Outline,
    /// Files of weights, each with the byte that it has to reach to.
    weights: BTreeMap<String, u64>,
}

/// A field of a message.
enum Field {
    /// A number, or one of fixed width, which is skipped.
    Number,
    /// Bytes, and where they end.
    Bytes { end: u64 },
}

impl Walk {
    fn model(&mut self, end: u64) -> std::result::Result<(), Fault> {
        let mut graphs = 0;
        while let Some((number, field)) = self.field(end)? {
            if let Field::Bytes { end } = field {
                if number == field::MODEL_GRAPH {
                    graphs += 1;
                    self.graph(end)?;
                }
                self.skip_to(end)?;
            }
        }
        if graphs == 1 { Ok(()) } else { Err(format!("no ONNX model: it has {graphs} graphs, expected 1")) }
    }

    fn graph(&mut self, end: u64) -> std::result::Result<(), Fault> {
        while let Some((number, field)) = self.field(end)? {
            if let Field::Bytes { end } = field {
                match number {
                    field::GRAPH_NODE => self.node(end)?,
                    field::GRAPH_INITIALIZER => self.initializer(end)?,
                    _ => {}
                }
                self.skip_to(end)?;
            }
        }
        Ok(())
    }

    fn node(&mut self, end: u64) -> std::result::Result<(), Fault> {
        while let Some((number, field)) = self.field(end)? {
            if let Field::Bytes { end } = field {
                if number == field::NODE_OPERATOR {
                    let operator = self.text(end)?;
                    *self.outline.operators.entry(operator).or_insert(0) += 1;
                }
                self.skip_to(end)?;
            }
        }
        Ok(())
    }

    /// Weights: where they lie, if not here.
    fn initializer(&mut self, end: u64) -> std::result::Result<(), Fault> {
        let mut external: BTreeMap<String, String> = BTreeMap::new();
        while let Some((number, field)) = self.field(end)? {
            if let Field::Bytes { end } = field {
                if number == field::TENSOR_EXTERNAL_DATA {
                    let (key, value) = self.entry(end)?;
                    external.insert(key, value);
                }
                self.skip_to(end)?;
            }
        }
        if let Some(location) = external.remove("location") {
            let bytes = |key: &str| external.get(key).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
            let reach = self.weights.entry(location).or_insert(0);
            *reach = bytes("offset").saturating_add(bytes("length")).max(*reach);
        }
        Ok(())
    }

    fn entry(&mut self, end: u64) -> std::result::Result<(String, String), Fault> {
        let mut entry = (String::new(), String::new());
        while let Some((number, field)) = self.field(end)? {
            if let Field::Bytes { end } = field {
                match number {
                    field::ENTRY_KEY => entry.0 = self.text(end)?,
                    field::ENTRY_VALUE => entry.1 = self.text(end)?,
                    _ => self.skip_to(end)?,
                }
            }
        }
        Ok(entry)
    }

    /// The next field of a message that ends at `end`, with its number.
    fn field(&mut self, end: u64) -> std::result::Result<Option<(u64, Field)>, Fault> {
        if self.at >= end {
            return Ok(None);
        }
        let tag = self.number()?;
        let field = match tag & 7 {
            0 => {
                self.number()?;
                Field::Number
            }
            1 => self.fixed(8, end)?,
            5 => self.fixed(4, end)?,
            2 => {
                let length = self.number()?;
                let stop = self.at.checked_add(length).filter(|stop| *stop <= end);
                Field::Bytes { end: stop.ok_or_else(|| self.short(end))? }
            }
            _ => return Err("no ONNX model".to_owned()),
        };
        Ok(Some((tag >> 3, field)))
    }

    fn fixed(&mut self, width: u64, end: u64) -> std::result::Result<Field, Fault> {
        let stop = self.at + width;
        if stop > end {
            return Err(self.short(end));
        }
        self.skip_to(stop)?;
        Ok(Field::Number)
    }

    /// A file that was cut short ends inside a field of its outermost message.
    fn short(&self, end: u64) -> Fault {
        if end == self.outline.bytes {
            format!("cut short, at {} bytes, or no ONNX model", self.outline.bytes)
        } else {
            "no ONNX model".to_owned()
        }
    }

    fn number(&mut self) -> std::result::Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.file.read_exact(&mut byte).map_err(|_| self.short(self.outline.bytes))?;
            self.at += 1;
            number |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(number);
            }
        }
        Err("no ONNX model".to_owned())
    }

    fn text(&mut self, end: u64) -> std::result::Result<String, Fault> {
        // Names are short; what claims to be longer is something else.
        let length = end.checked_sub(self.at).and_then(|left| usize::try_from(left).ok());
        let length = length.filter(|length| *length < 1 << 16);
        let mut bytes = vec![0; length.ok_or("no ONNX model")?];
        self.file.read_exact(&mut bytes).map_err(|_| self.short(self.outline.bytes))?;
        self.at = end;
        String::from_utf8(bytes).map_err(|_| "no ONNX model".to_owned())
    }

    fn skip_to(&mut self, end: u64) -> std::result::Result<(), Fault> {
        let step = end.checked_sub(self.at).and_then(|step| i64::try_from(step).ok()).ok_or("no ONNX model")?;
        self.file
            .seek_relative(step)
            .or_else(|_| self.file.seek(SeekFrom::Start(end)).map(drop))
            .map_err(|e| e.to_string())?;
        self.at = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).unwrap();
        assert!(length < 0x80);
        [&[number << 3 | 2, length], bytes].concat()
    }

    fn entry(key: &str, value: &str) -> Vec<u8> {
        field(13, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
    }

    /// A model of two nodes, whose weights lie in `w.bin` up to byte 12.
    fn model() -> Vec<u8> {
        let node = |operator: &str| field(1, &[field(1, b"x"), field(4, operator.as_bytes())].concat());
        let tensor = [entry("location", "w.bin"), entry("offset", "4"), entry("length", "8")].concat();
        let graph = [node("MatMul"), node("MatMul"), field(5, &tensor)].concat();
        [vec![8, 9], field(7, &graph)].concat()
    }

    fn read(bytes: &[u8], weights: Option<usize>) -> std::result::Result<Outline, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        std::fs::write(&path, bytes).unwrap();
        if let Some(weights) = weights {
            std::fs::write(folder.path().join("w.bin"), vec![0; weights]).unwrap();
        }
        Outline::read(&path).map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "D"))
    }

    #[test]
    fn operators_and_weights_are_found() {
        let outline = read(&model(), Some(12)).unwrap();
        assert_eq!((outline.count("MatMul"), outline.count("Add")), (2, 0));
        assert_eq!(outline.external_bytes, 12);
    }

    #[test]
    fn every_way_of_cutting_a_model_short_is_told() {
        let whole = model();
        for length in 0..whole.len() {
            let message = read(&whole[..length], Some(12)).unwrap_err();
            assert!(message.contains("ONNX model"), "{length}: {message}");
        }
        assert!(read(&whole[..whole.len() - 1], Some(12)).unwrap_err().contains("cut short"));
    }

    #[test]
    fn weights_that_are_missing_or_short_are_named() {
        insta_like(&read(&model(), None).unwrap_err(), "cannot read D/w.bin, the weights of D/m.onnx");
        insta_like(&read(&model(), Some(11)).unwrap_err(), "D/w.bin is cut short: 11 bytes, and D/m.onnx needs 12");
    }

    fn insta_like(message: &str, start: &str) {
        assert!(message.starts_with(start), "{message}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(&bytes, None);
        }
    }
}
