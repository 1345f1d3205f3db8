//! Loops that are left from within: `{% break %}` and `{% continue %}` in a block of its own scope.
//!
//! The compiler jumps to the loop's end or head and leaves the blocks in between open, on which the renderer panics.
//! So each such jump closes them first, as Python does.

use minijinja::machinery::Instruction;

/// A block that an instruction opens and another closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Scope,
    Text,
    Escape,
}

impl Block {
    fn opened_by(instruction: &Instruction<'_>) -> Option<Self> {
        match instruction {
            Instruction::PushWith => Some(Self::Scope),
            Instruction::BeginCapture(_) => Some(Self::Text),
            Instruction::PushAutoEscape => Some(Self::Escape),
            _ => None,
        }
    }

    fn closed_by(instruction: &Instruction<'_>) -> Option<Self> {
        match instruction {
            Instruction::PopFrame => Some(Self::Scope),
            Instruction::EndCapture => Some(Self::Text),
            Instruction::PopAutoEscape => Some(Self::Escape),
            _ => None,
        }
    }

    /// The instructions that close it; a text that was begun is thrown away.
    fn close<'s>(self) -> Vec<Instruction<'s>> {
        match self {
            Self::Scope => vec![Instruction::PopFrame],
            Self::Text => vec![Instruction::EndCapture, Instruction::DiscardTop],
            Self::Escape => vec![Instruction::PopAutoEscape],
        }
    }
}

/// The instructions that belong before each one: those that close the blocks which its jump leaves.
pub fn closings<'s>(all: &[&Instruction<'s>]) -> Vec<Vec<Instruction<'s>>> {
    let open = open_blocks(all);
    let closing = |(place, instruction): (usize, &&Instruction<'s>)| {
        let Instruction::Jump(target) = **instruction else { return Vec::new() };
        let stays = open.get(target as usize).map_or(0, Vec::len);
        open[place].iter().skip(stays).rev().flat_map(|block| block.close()).collect()
    };
    all.iter().enumerate().map(closing).collect()
}

/// The blocks that are open before each instruction, and behind the last one.
fn open_blocks(all: &[&Instruction<'_>]) -> Vec<Vec<Block>> {
    let mut open: Vec<Block> = Vec::new();
    let mut before = Vec::with_capacity(all.len() + 1);
    for instruction in all {
        before.push(open.clone());
        open.extend(Block::opened_by(instruction));
        let closed = Block::closed_by(instruction).and_then(|block| open.iter().rposition(|open| *open == block));
        closed.map(|place| open.remove(place));
    }
    before.push(open);
    before
}
