//! The questions of a replay, from a file or generated.

use crate::terminal::Failure;
use backends::onnx::{OnnxError, Picture, Result as OnnxResult};
use backends::real::Questions;
use drawn::{Kind, Pixels, SIDE_PX, drawn};
use std::path::Path;
use traces::picture;
use traces::questions::{self, Question};

/// Questions by the number of the request; past the last one, they start again.
pub struct Asked {
    list: Vec<Question>,
    drawn: Option<Drawing>,
}

/// The recipe of a picture, drawn again when needed: all pictures would fill the memory.
struct Drawing {
    seed: u64,
    kind: Kind,
    /// Columns and rows of each; none of a request without pictures.
    sizes: Vec<Option<(u32, u32)>>,
}

impl Asked {
    /// The questions of a file.
    ///
    /// # Errors
    /// The file is refused, or a picture is missing.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        Ok(Self { list: questions::read(file)?, drawn: None })
    }

    /// Drawn questions, with pictures of these sizes.
    pub fn drawn(seed: u64, kind: Kind, sizes: Vec<Option<(u32, u32)>>) -> Self {
        let question = |(number, size): (usize, &Option<(u32, u32)>)| drawn(seed, number as u64, kind, *size).question;
        let list = sizes.iter().enumerate().map(question).collect();
        Self { list, drawn: Some(Drawing { seed, kind, sizes }) }
    }

    /// Number of questions.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The question of a request.
    pub fn question(&self, request: u64) -> &Question {
        &self.list[self.place(request)]
    }

    fn place(&self, request: u64) -> usize {
        usize::try_from(request).unwrap_or(usize::MAX) % self.list.len()
    }

    /// Columns and rows of each picture of a question.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn sizes(&self, request: u64) -> Result<Vec<(u32, u32)>, Failure> {
        let place = self.place(request);
        match &self.drawn {
            Some(Drawing { kind: Kind::Graded, .. }) => Ok(vec![(SIDE_PX, SIDE_PX); self.list[place].images.len()]),
            Some(drawing) => Ok(drawing.sizes[place].into_iter().collect()),
            None => Ok(self.list[place].images.iter().map(|file| picture::size(file)).collect::<Result<_, _>>()?),
        }
    }

    /// Bytes of the pictures as files, where they are files.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn file_bytes(&self, request: u64) -> Result<Option<u64>, Failure> {
        if self.drawn.is_some() {
            return Ok(None);
        }
        let bytes = |file: &std::path::PathBuf| {
            std::fs::metadata(file).map(|data| data.len()).map_err(|error| Failure::io("read", file, &error))
        };
        self.question(request).images.iter().map(bytes).sum::<Result<u64, _>>().map(Some)
    }
}

impl Questions for Asked {
    fn pictures(&self, request: u64) -> OnnxResult<Vec<Picture>> {
        let place = self.place(request);
        let Some(drawing) = &self.drawn else {
            return self.list[place].images.iter().map(|file| Picture::read(file)).collect();
        };
        let size = drawing.sizes[place];
        if size.is_none() && drawing.kind != Kind::Graded {
            return Ok(Vec::new());
        }
        let pictures = drawn(drawing.seed, place as u64, drawing.kind, size).pictures.into_iter();
        let read = |picture: Pixels| Picture { width: picture.width, height: picture.height, bytes: picture.rgb };
        Ok::<_, OnnxError>(pictures.map(read).collect())
    }

    fn text(&self, request: u64) -> String {
        self.question(request).prompt()
    }

    fn score(&self, request: u64, answer: &str) -> f64 {
        self.question(request).score(answer)
    }
}
