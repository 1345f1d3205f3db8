//! `sim questions import`, `describe` and `draw`.

use super::args::{Command, Draw, Import, Mmbench, Vqav2};
use super::describe;
use super::folder::Folder;
use crate::results::whole_file;
use crate::terminal::{Failure, say};
use drawn::drawn;
use std::fs;
use std::path::Path;
use traces::questions::{self, Question, mmbench, vqav2};

/// Does what was asked.
pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Import(Import::Vqav2(asked)) => import_vqav2(asked),
        Command::Import(Import::Mmbench(asked)) => import_mmbench(asked),
        Command::Describe(asked) => crate::terminal::print(&describe::told(&asked.file, asked.json)?),
        Command::Draw(asked) => draw(asked),
    }
}

fn import_vqav2(asked: &Vqav2) -> Result<(), Failure> {
    let files = vqav2::Files { questions: &asked.questions, annotations: &asked.annotations, images: &asked.images };
    let all = vqav2::import(&files, asked.limit.map(|limit| limit as usize))?;
    let mut text = Vec::new();
    questions::write_to(&mut text, &asked.out, &all)?;
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    whole_file::write(&asked.out, &text)?;
    done(&all, &asked.out);
    Ok(())
}

fn import_mmbench(asked: &Mmbench) -> Result<(), Failure> {
    let folder = Folder::begin(&asked.out)?;
    let all = mmbench::import(&asked.file, &folder.pictures())?;
    done(&all, &folder.finish(&all)?);
    Ok(())
}

fn draw(asked: &Draw) -> Result<(), Failure> {
    let folder = Folder::begin(&asked.out)?;
    let mut all = Vec::new();
    for number in 0..u64::from(asked.count) {
        let mut drawn = drawn(asked.seed, number, asked.kind.into(), asked.size);
        for (image, picture) in drawn.question.images.iter_mut().zip(&drawn.pictures) {
            *image = folder.path().join(&*image);
            fs::write(&*image, picture.png()).map_err(|error| Failure::io("write", image, &error))?;
        }
        all.push(drawn.question);
    }
    done(&all, &folder.finish(&all)?);
    Ok(())
}

fn done(all: &[Question], file: &Path) {
    let questions = if all.len() == 1 { "question" } else { "questions" };
    say(format_args!("{} {questions} in {}", all.len(), file.display()));
}
