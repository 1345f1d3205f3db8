//! Writes the lessons of the trained pair: `lessons SEED FIRST COUNT QUESTIONS FOLDER`.
//!
//! `pictures.u8` holds all pictures behind each other, rows of red, green and blue; `lessons.jsonl` has a line a lesson: the number
//! of its pictures, and each question's id, prompt and answer.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [seed, first, count, questions, folder] = &arguments[..] else {
        eprintln!("expected SEED FIRST COUNT QUESTIONS FOLDER");
        std::process::exit(2);
    };
    let number = |text: &String| text.parse::<u64>().expect("a whole number");
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    let mut pixels = BufWriter::new(File::create(folder.join("pictures.u8"))?);
    let mut lines = BufWriter::new(File::create(folder.join("lessons.jsonl"))?);
    for at in number(first)..number(first) + number(count) {
        let lesson = drawn::lesson(number(seed), at, number(questions) as usize);
        for picture in &lesson.pictures {
            pixels.write_all(&picture.rgb)?;
        }
        let asked: Vec<_> = lesson
            .questions
            .iter()
            .map(|asked| [&asked.id, &asked.prompt(), &asked.answers[0]].map(String::clone))
            .collect();
        writeln!(lines, "{}", serde_json::json!({"pictures": lesson.pictures.len(), "questions": asked}))?;
    }
    pixels.flush()?;
    lines.flush()
}
