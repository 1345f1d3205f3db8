//! Machine code for GPUs in a shared library: all but that of one generation is blanked, so that the library packs small.
//!
//! The section `.nv_fatbin` of an ELF file is a row of containers. Each has a header (magic, version, size of the header, size of the
//! content) and entries: kind (1 is PTX, 2 machine code), size of the entry's header, size of its content, compute capability. The
//! content of a blanked entry is zeros; nothing moves, so every address stays as it was.

use std::ops::Range;

/// Bytes at the start of a container.
const MAGIC: u32 = 0xBA55_ED50;

/// The kind of an entry that is machine code.
const MACHINE_CODE: u16 = 2;

/// Bytes that were kept and blanked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Blanked {
    /// Bytes of the machine code that stays.
    pub kept: u64,
    /// Bytes that are zeros now.
    pub blanked: u64,
}

/// Blanks everything in a library that is not machine code for this compute capability (90 is 9.0).
///
/// # Errors
/// The library is no ELF file of 64 bits with machine code for GPUs, or has none for this one.
pub fn blank(library: &mut [u8], sm: u32) -> Result<Blanked, String> {
    let section = section(library, ".nv_fatbin").ok_or("it has no section .nv_fatbin")?;
    let mut sum = Blanked::default();
    let mut at = section.start;
    while at + 16 <= section.end {
        if number::<4>(library, at) != Some(u64::from(MAGIC)) {
            at += 8;
            continue;
        }
        let header = number::<2>(library, at + 6).ok_or(BROKEN)?;
        let content = number::<8>(library, at + 8).ok_or(BROKEN)?;
        let start = at.checked_add(header as usize).ok_or(BROKEN)?;
        let end = start.checked_add(content as usize).filter(|end| *end <= section.end).ok_or(BROKEN)?;
        container(library, start..end, sm, &mut sum)?;
        at = end.next_multiple_of(8);
    }
    if sum.kept == 0 {
        return Err(format!("it has no machine code for sm_{sm}"));
    }
    Ok(sum)
}

const BROKEN: &str = "its machine code for GPUs is not laid out as expected";

/// Blanks the entries of a container.
fn container(library: &mut [u8], range: Range<usize>, sm: u32, sum: &mut Blanked) -> Result<(), String> {
    let mut at = range.start;
    while at < range.end {
        let kind = number::<2>(library, at).ok_or(BROKEN)?;
        let header = number::<4>(library, at + 4).ok_or(BROKEN)? as usize;
        let content = number::<8>(library, at + 8).ok_or(BROKEN)?;
        let capability = number::<4>(library, at + 28).ok_or(BROKEN)?;
        let start = at.checked_add(header).filter(|start| *start > at).ok_or(BROKEN)?;
        let end = start.checked_add(content as usize).filter(|end| *end <= range.end).ok_or(BROKEN)?;
        if kind == u64::from(MACHINE_CODE) && capability == u64::from(sm) {
            sum.kept += content;
        } else {
            library[start..end].fill(0);
            sum.blanked += content;
        }
        at = end;
    }
    Ok(())
}

/// The place of a section in an ELF file of 64 bits, little-endian.
fn section(file: &[u8], wanted: &str) -> Option<Range<usize>> {
    if file.get(..6)? != b"\x7FELF\x02\x01" {
        return None;
    }
    let table = usize::try_from(number::<8>(file, 0x28)?).ok()?;
    let (size, count, names) = (number::<2>(file, 0x3A)?, number::<2>(file, 0x3C)?, number::<2>(file, 0x3E)?);
    let header = |index: u64| table.checked_add((index * size) as usize);
    let place = |header: usize| -> Option<Range<usize>> {
        let start = usize::try_from(number::<8>(file, header + 0x18)?).ok()?;
        let end = start.checked_add(usize::try_from(number::<8>(file, header + 0x20)?).ok()?)?;
        (end <= file.len()).then_some(start..end)
    };
    let names = &file[place(header(names)?)?];
    (0..count).find_map(|index| {
        let header = header(index)?;
        let name = names.get(number::<4>(file, header)? as usize..)?;
        name.strip_prefix(wanted.as_bytes()).filter(|rest| rest.first() == Some(&0))?;
        place(header)
    })
}

/// A little-endian number of so many bytes.
fn number<const BYTES: usize>(file: &[u8], at: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(BYTES)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry of a kind and capability, with content of 8 bytes.
    fn entry(kind: u16, capability: u32) -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), [1, 0]].concat();
        bytes.extend(64_u32.to_le_bytes());
        bytes.extend(8_u64.to_le_bytes());
        bytes.extend([0; 12]);
        bytes.extend(capability.to_le_bytes());
        bytes.resize(64, 0);
        bytes.extend([capability as u8; 8]);
        bytes
    }

    /// A container of these entries.
    fn packed(entries: &[Vec<u8>]) -> Vec<u8> {
        let content = entries.concat();
        let mut bytes = MAGIC.to_le_bytes().to_vec();
        bytes.extend([1, 0, 16, 0]);
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend(content);
        bytes
    }

    /// An ELF file with nothing but this section and the names of sections.
    fn elf(section: &[u8]) -> Vec<u8> {
        const NAMES: &[u8] = b"\0.nv_fatbin\0.shstrtab\0";
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7FELF\x02\x01");
        let start = file.len();
        file.extend(section);
        let names = file.len();
        file.extend(NAMES);
        let table = file.len() as u64;
        let header = |name: u32, start: usize, size: usize| {
            let mut bytes = name.to_le_bytes().to_vec();
            bytes.resize(0x18, 0);
            bytes.extend((start as u64).to_le_bytes());
            bytes.extend((size as u64).to_le_bytes());
            bytes.resize(64, 0);
            bytes
        };
        file.extend(header(1, start, section.len()));
        file.extend(header(12, names, NAMES.len()));
        file[0x28..0x30].copy_from_slice(&table.to_le_bytes());
        file[0x3A..0x40].copy_from_slice(&[64, 0, 2, 0, 1, 0]);
        file
    }

    #[test]
    fn all_but_one_generation_is_blanked_and_nothing_moves() {
        let section = [packed(&[entry(2, 80), entry(2, 90)]), vec![0; 8], packed(&[entry(1, 90)])].concat();
        let (before, mut after) = (elf(&section), elf(&section));
        assert_eq!(blank(&mut after, 90), Ok(Blanked { kept: 8, blanked: 16 }));
        assert_eq!(before.len(), after.len());
        let changed: Vec<u8> = before.iter().zip(&after).filter(|(a, b)| a != b).map(|(a, _)| *a).collect();
        assert_eq!(changed, [[80; 8], [90; 8]].concat());
    }

    #[test]
    fn what_is_no_such_library_is_refused() {
        assert!(blank(&mut b"no library".to_vec(), 90).unwrap_err().contains("no section"));
        assert_eq!(blank(&mut elf(&packed(&[entry(2, 80)])), 90).unwrap_err(), "it has no machine code for sm_90");
        let mut cut = packed(&[entry(2, 90)]);
        cut[8] = 0xFF;
        assert_eq!(blank(&mut elf(&cut), 90).unwrap_err(), BROKEN);
    }
}
