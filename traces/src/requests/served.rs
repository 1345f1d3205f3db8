//! Requests in our own CSV, plain or gzip: arrivals, lengths, pictures, video, sound, and how a server fared with them.
//!
//! [`COLUMNS`] are the columns, by name and in any order; an empty cell says nothing. `docs/traces.md` has the rule of the
//! version: a file may begin with the comment `# msao-sim requests, version 1`.

use super::{Format, PictureSize, Pictures, RequestStream, Requests, ServedRequest, TraceFile, TraceRequest};
use crate::{
    TraceError,
    rows::{CsvFile, Row},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use units::SimDuration;

/// The file of requests in our own CSV.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Served(TraceFile);

impl Format for Served {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = true;
    const MOVES: bool = true;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        open(self.0.path()?).map(Requests::Listed)
    }
}

/// The version of the format.
pub const VERSION: u32 = 1;

/// The comment with which a file says its version, but for the number.
pub(super) const SAYS_VERSION: &str = "# msao-sim requests, version ";

/// The columns of the format, each with its meaning.
pub const COLUMNS: [(&str, &str); 14] = [
    ("arrival_s", "Time of arrival, seconds. The first request is at 0 whatever it says. Absent: no times."),
    ("input_tokens", "Text tokens of the prompt, without those of pictures, video and sound."),
    ("output_tokens", "Tokens of the answer, at least 1."),
    ("num_images", "Pictures of the prompt; if absent, 1 where a size is stated."),
    ("image_width", "Columns of each picture, or of each frame, pixels."),
    ("image_height", "Rows of each picture, or of each frame, pixels."),
    ("image_tokens", "Visual tokens of all pictures together; read where no pixels are stated."),
    ("image_bytes", "Encoded bytes of all pictures together, or of the video."),
    ("frames", "Frames of a video, in place of pictures."),
    ("audio_s", "Length of the sound, seconds."),
    ("ttft_ms", "Measured: arrival to first token, milliseconds."),
    ("tpot_ms", "Measured: between tokens after the first, milliseconds."),
    ("e2e_ms", "Measured: arrival to last token, milliseconds."),
    ("session", "Name of the conversation. Kept, and not simulated."),
];

const EXPECTED: &str = "a table of requests: arrival_s, input_tokens, output_tokens, ...";

/// Largest side of a picture: the most that a JPEG can have.
const WIDEST: u32 = 65_535;
/// Most pictures or frames of a request.
const MOST: u32 = 100_000;
/// Longest sound of a request.
const LONGEST_SOUND: SimDuration = SimDuration::from_secs(24 * 3600);

fn open(path: &Path) -> Result<RequestStream, TraceError> {
    super::summaries::refuse(path)?;
    let file = CsvFile::open(path, EXPECTED)?;
    check_version(&file)?;
    let columns = Columns::of(&file)?;
    let untimed = columns.arrival.is_none();
    Ok(RequestStream::csv(file, move |row| columns.read(row).map(Some)).untimed(untimed))
}

/// Refuses the format of a later program.
fn check_version(file: &CsvFile) -> Result<(), TraceError> {
    let Some(version) = file.comment().and_then(|comment| comment.strip_prefix(SAYS_VERSION)) else { return Ok(()) };
    if version == VERSION.to_string() {
        return Ok(());
    }
    let (found, expected) = (format!("version {}", crate::error::shown(version)), format!("version {VERSION}"));
    Err(TraceError::new(file.path(), found, expected, "read it with the program that wrote it, or a later one").at(1))
}

/// Indices of the columns.
struct Columns {
    arrival: Option<usize>,
    input: usize,
    output: usize,
    num_images: Option<usize>,
    size: [Option<usize>; 2],
    tokens: Option<usize>,
    bytes: Option<usize>,
    frames: Option<usize>,
    audio: Option<usize>,
    measured: [Option<usize>; 3],
    session: Option<usize>,
}

impl Columns {
    fn of(file: &CsvFile) -> Result<Self, TraceError> {
        let [input, output] = file.columns(["input_tokens", "output_tokens"])?;
        Ok(Self {
            arrival: file.optional("arrival_s")?,
            input,
            output,
            num_images: file.optional("num_images")?,
            size: [file.optional("image_width")?, file.optional("image_height")?],
            tokens: file.optional("image_tokens")?,
            bytes: file.optional("image_bytes")?,
            frames: file.optional("frames")?,
            audio: file.optional("audio_s")?,
            measured: [file.optional("ttft_ms")?, file.optional("tpot_ms")?, file.optional("e2e_ms")?],
            session: file.optional("session")?,
        })
    }

    fn read(&self, row: &Row<'_>) -> Result<ServedRequest, TraceError> {
        let seconds = |column: Option<usize>| match row.stated(column) {
            Some(column) => row.fixed_point(column, 9).map(SimDuration::from_ns),
            None => Ok(SimDuration::ZERO),
        };
        let arrival = match self.arrival {
            Some(column) => SimDuration::from_ns(row.fixed_point(column, 9)?),
            None => SimDuration::ZERO,
        };
        let request = TraceRequest {
            arrival,
            text_tokens: row.count(self.input)?,
            pictures: self.pictures(row)?,
            sound: seconds(self.audio)?,
            output_tokens: row.count(self.output)?,
        };
        if let Some(column) = self.audio.filter(|_| request.sound > LONGEST_SOUND) {
            return Err(row.refuse(column, "at most 86400 seconds"));
        }
        let mut timing = [None; 3];
        for (timing, column) in timing.iter_mut().zip(self.measured) {
            *timing = row.stated(column).map(|column| row.number(column)).transpose()?;
        }
        let [ttft_ms, tpot_ms, e2e_ms] = timing;
        let session = row.stated(self.session).map(|column| row.text(column).into());
        Ok(ServedRequest { request, ttft_ms, tpot_ms, e2e_ms, session, blocks: None })
    }

    /// The pictures of a row, or the frames of its video.
    fn pictures(&self, row: &Row<'_>) -> Result<Option<Pictures>, TraceError> {
        let count = |column: Option<usize>| row.stated(column).map(|column| row.count(column)).transpose();
        let sized = row.stated(self.size[0]).or(row.stated(self.tokens)).or(row.stated(self.bytes));
        let frames = count(self.frames)?.unwrap_or(0);
        let images = count(self.num_images)?.unwrap_or(u32::from(sized.is_some() && frames == 0));
        let (column, number) = if frames > 0 { (self.frames, frames) } else { (self.num_images, images) };
        if frames > 0 && images > 0 {
            let expected = "pictures or frames, of a request";
            return Err(row.refusal("pictures and frames".into(), expected, "make two requests of it, or remove one"));
        }
        if number == 0 {
            return Ok(None);
        }
        if let Some(column) = column.filter(|_| number > MOST) {
            return Err(row.refuse(column, "at most 100000"));
        }
        let bytes = count(self.bytes)?.filter(|bytes| *bytes > 0);
        let size = self.size(row, bytes)?;
        Ok(Some(Pictures { count: number, size, bytes, moving: frames > 0 }))
    }

    fn size(&self, row: &Row<'_>, bytes: Option<u32>) -> Result<PictureSize, TraceError> {
        let side = |column: usize| match row.count(column)? {
            side @ 1..=WIDEST => Ok(side),
            _ => Err(row.refuse(column, "1 to 65535 pixels")),
        };
        let tokens = row.stated(self.tokens).map(|column| row.count(column)).transpose()?.filter(|tokens| *tokens > 0);
        match (self.size.map(|column| row.stated(column)), tokens, bytes) {
            ([Some(width), Some(height)], ..) => Ok(PictureSize::Pixels { width: side(width)?, height: side(height)? }),
            ([None, None], Some(tokens), _) => Ok(PictureSize::Tokens(tokens)),
            ([None, None], None, Some(_)) => Ok(PictureSize::Unstated),
            _ => {
                let expected = "image_width and image_height, image_tokens, or image_bytes";
                Err(row.refusal("a picture without a size".into(), expected, "state one of them"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, read_as, shared};

    fn read_text(text: &str) -> Result<Vec<ServedRequest>, String> {
        read_as("served", text.as_bytes())
    }

    #[test]
    fn columns_are_found_by_name_and_timings_may_lack() {
        let text = "request,output_tokens,arrival_s,input_tokens,e2e_ms,tpot_ms\n7,3,1.5,10,90.5,2\n8,1,2.25,4,,\n";
        let served = read_text(text).unwrap();
        let first = &served[0];
        assert_eq!((first.request.text_tokens, first.request.output_tokens), (10, 3));
        assert_eq!((first.ttft_ms, first.tpot_ms, first.e2e_ms), (None, Some(2.0), Some(90.5)));
        assert_eq!(served[1].request.arrival, SimDuration::from_ms(750), "counted from the first");
        assert_eq!(served[1].e2e_ms, None);
    }

    #[test]
    fn pictures_have_pixels_tokens_or_bytes() {
        let header = "input_tokens,output_tokens,num_images,image_width,image_height,image_tokens,image_bytes,frames";
        let pictures = |cells: &str| {
            let served = read_text(&format!("{header},audio_s\n40,20,{cells}\n"))?;
            Ok::<_, String>((served[0].request.pictures, served[0].request.sound))
        };
        let of = |count, size, bytes, moving| Some(Pictures { count, size, bytes, moving });
        let vga = PictureSize::Pixels { width: 640, height: 480 };
        for (cells, expected) in [
            ("2,640,480,,,,", of(2, vga, None, false)),
            (",640,480,99,5000,0,", of(1, vga, Some(5000), false)),
            ("3,,,1173,,,", of(3, PictureSize::Tokens(1173), None, false)),
            ("1,,,,70000,,", of(1, PictureSize::Unstated, Some(70_000), false)),
            (",640,480,,,8,2.5", of(8, vga, None, true)),
            ("0,640,480,,,,", None),
            (",,,,,,", None),
        ] {
            assert_eq!(pictures(cells).unwrap().0, expected, "{cells}");
        }
        assert_eq!(pictures(",640,480,,,8,2.5").unwrap().1, SimDuration::from_ms(2500));
        for (cells, says) in [
            ("1,,,,,,", "trace:2: found a picture without a size; expected image_width and image_height, image_tokens"),
            ("1,640,,,,,", "trace:2: found a picture without a size"),
            ("1,0,480,,,,", "trace:2: found image_width = \"0\"; expected 1 to 65535 pixels"),
            ("1,640,70000,,,,", "trace:2: found image_height = \"70000\""),
            ("100001,640,480,,,,", "trace:2: found num_images = \"100001\"; expected at most 100000"),
            ("1,640,480,,,8,", "trace:2: found pictures and frames; expected pictures or frames"),
            ("-1,640,480,,,,", "trace:2: found num_images = \"-1\"; expected a whole number"),
            (",,,,,,90000", "trace:2: found audio_s = \"90000\"; expected at most 86400 seconds"),
        ] {
            let said = pictures(cells).unwrap_err();
            assert!(said.starts_with(says), "{said}\nis not\n{says}");
        }
    }

    #[test]
    fn refusals_say_where_what_and_what_to_do() {
        let row = |row: &str| format!("arrival_s,input_tokens,output_tokens,ttft_ms\n0,5,5,1\n{row}\n");
        for (text, message) in [
            ("".to_owned(), "trace: found an empty file; expected a table of requests"),
            (
                "arrival_s,input_tokens\n".to_owned(),
                "trace:1: found the columns arrival_s,input_tokens; expected a column \"output_tokens\"",
            ),
            (
                "arrival_s,input_tokens,output_tokens,output_tokens\n".to_owned(),
                "trace:1: found the column output_tokens a second time; expected each column once",
            ),
            (
                "# msao-sim requests, version 2\ninput_tokens\n".to_owned(),
                "trace:1: found version 2; expected version 1",
            ),
            ("arrival_s,input_tokens,output_tokens\n".to_owned(), "trace: found no request; expected at least 1"),
            (row("1,5,0,2"), "trace:3: found a request with 0 output tokens; expected at least 1"),
            (row("1,16777217,5,2"), "trace:3: found a request with 16777217 input tokens; expected at most 16777216"),
            (row("1,5,16777217,2"), "trace:3: found a request with 16777217 output tokens; expected at most 16777216"),
            (row(",5,5,2"), "trace:3: found arrival_s = \"\"; expected a decimal number"),
            (row("1,5,5,-2"), "trace:3: found ttft_ms = \"-2\"; expected a finite number that is not negative"),
            (row("1,5,5,NaN"), "trace:3: found ttft_ms = \"NaN\""),
            (row("1,5,5"), "trace:3: found 3 fields; expected 4"),
            (row("1e9,5,5,1"), "trace:3: found an arrival 1000000000 s after the first; expected at most 10 years"),
            (
                row("1,5,5,2\n0.5,5,5,2"),
                "trace:4: found an arrival 500 ms before the one above; expected times in order",
            ),
        ] {
            let refused = read_text(&text).unwrap_err();
            assert!(refused.starts_with(message), "{refused}\nis not\n{message}");
        }
    }

    #[test]
    fn columns_that_are_not_read_are_remarked_on() {
        let file = file_with(b"# msao-sim requests, version 1\ninput_tokens,speed,output_tokens\n1,2,3\n");
        let stream = open(file.path()).unwrap();
        assert!(!stream.is_timed());
        assert_eq!(stream.remarks(), ["1 column is not read: speed"]);
    }

    #[test]
    fn shared_requests_are_read() {
        let Some(path) = shared("measured/requests_rtxpro6000_llama31_8b.csv.gz") else { return };
        let served = open(&path).unwrap().all().unwrap();
        assert_eq!(served.len(), 300);
        for one in served {
            let [ttft, tpot, e2e] = [one.ttft_ms, one.tpot_ms, one.e2e_ms].map(Option::unwrap);
            let gaps = f64::from(one.request.output_tokens - 1);
            assert!((ttft + gaps * tpot - e2e).abs() < 1.0, "{one:?}");
        }
    }
}
