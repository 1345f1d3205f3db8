//! The workload: requests, their content and their arrivals.

mod arrivals;
mod classes;
mod own;
mod row;
mod servegen;
mod sessions;
mod shared;

pub(crate) use arrivals::OpenLoop;
pub use arrivals::{Arrivals, Curve, Phases, State};
pub(crate) use own::Rows;
pub(crate) use row::Row;
pub use servegen::draw_servegen;
pub(crate) use sessions::{Begun, Session, Turn};
pub(crate) use shared::{Shared, Source, Text};

use kernel::{Stream, Streams, draw};
use model::accuracy::KnownAccuracy;
use model::audio::Audio;
use model::dataset::{Draw, Drawn, Pixels, Sessions, Shape};
use model::latency::LatencyLimits;
use model::published::Benchmark;
use model::request::{ImageSize, Images, PayloadFormat, Prompt, Request};
use std::sync::Arc;
use traces::requests::{BlockList, PictureSize, Pictures, TraceRequest};
use units::{Bytes, SimDuration};

/// Tokens of an answer that memory is set aside for where nobody says how long answers may be [A].
pub const RESERVED_OUTPUT_TOKENS: u32 = 1024;

/// The requests of a run.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Content of the requests.
    pub content: Content,
    /// Requests of its own of each group of edges that has any; empty where none has.
    pub own: Arc<[Option<OwnRequests>]>,
    /// Classes of requests, if there are several.
    pub classes: Arc<[Class]>,
    /// Arrival process.
    pub arrivals: Arrivals,
    /// Number of requests, at most.
    pub requests: u64,
    /// Longest answer; longer ones are cut. Without it none is.
    pub max_output_tokens: Option<u32>,
    /// Format in which pictures are sent.
    pub payload: PayloadFormat,
    /// Tokens of a system prompt in front of every prompt, the same for all.
    pub system_prompt: u32,
    /// Sessions in a row that ask about the same pictures, at least 1.
    pub questions_per_picture: u32,
    /// Sessions of users; without them every request is a session of its own.
    pub sessions: Option<Sessions>,
    /// Requests at the start that no figure counts.
    pub warm_up: WarmUp,
    /// Longest time that a client waits for its answer.
    pub timeout: Option<SimDuration>,
    /// True lets the edge answer requests that come in while the link is down.
    pub fall_back: bool,
    /// Time after which it answers those under way whose input the link holds up.
    pub fall_back_after: Option<SimDuration>,
}

/// The requests of a group of edges that has its own.
#[derive(Clone, Debug)]
pub struct OwnRequests {
    /// Their content.
    pub content: Content,
    /// The benchmark that they ask, as far as published accuracies go by it.
    pub benchmark: Benchmark,
}

/// A class of requests.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: Arc<str>,
    /// Content of its own; none for that of the workload.
    pub content: Option<Content>,
    /// Part of the workload's requests; 0 for a class with arrivals of its own.
    pub share: f64,
    /// Arrivals of its own, in an open loop.
    pub arrivals: Option<Arrivals>,
    /// Priority in serving engines that have any, the smaller the sooner.
    pub priority: i32,
    /// Limits on its latencies.
    pub slo: LatencyLimits,
    /// Accuracies of the models on its requests, for each group of edges those of each pool.
    pub accuracy: Vec<Vec<KnownAccuracy>>,
    /// The benchmark that its requests ask, as far as published accuracies go by it.
    pub benchmark: Benchmark,
}

/// The requests at the start of a run that no figure counts. By default there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// The first so many.
    Requests(u64),
    /// Those that arrive before this time.
    Time(SimDuration),
}

impl Default for WarmUp {
    fn default() -> Self {
        Self::Requests(0)
    }
}

/// Content of the requests.
#[derive(Clone, Debug)]
pub enum Content {
    /// Requests drawn from the shape of a dataset.
    Shape(Arc<Shape>),
    /// Requests of a trace.
    Trace(Played),
    /// Requests that are known, each with the time at which a trace has it, in their order.
    Listed(Arc<[(Request, SimDuration)]>),
}

/// The requests of a trace that are played, in its order.
#[derive(Clone, Debug)]
pub struct Played {
    /// The requests, which runs and points share.
    pub requests: Arc<[TraceRequest]>,
    /// Length of every answer in place of its own.
    pub output_tokens: Option<u32>,
    /// Blocks of their prompts, by which they share content, where the trace has them.
    pub blocks: Option<Arc<BlockList>>,
}

/// JPEG bytes a pixel: lognormal with this median and deviation of the logarithm [A].
const JPEG_BYTES_PER_PIXEL: f64 = 0.53;
const ENCODING_DEVIATION: f64 = 0.35;
/// The same of the frames of a video, sampled about once a second: less than a picture's, for what neighbours share [A].
const VIDEO_BYTES_PER_PIXEL: f64 = 0.1;
/// Qwen's towers take two frames of a video as one picture.
const FRAMES_PER_PICTURE: u32 = 2;

/// Pixels of a visual token, where a trace states tokens only.
const PIXELS_PER_TOKEN: f64 = 784.0;

impl Workload {
    /// Requests that there are.
    pub fn len(&self) -> u64 {
        self.listed().map_or(self.requests, |listed| self.requests.min(listed))
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Request number `number` as it is answered, the same for every policy, with pictures of its own and nothing before
    /// it; and true if the answer is shorter than was asked for.
    pub fn request(&self, streams: Streams, number: u64) -> (Request, bool) {
        self.question(streams, number, Row::of_workload(number), number, self.draw_class(streams, number))
    }

    /// That request as one of a class, with the content of a row, and the pictures of the row with the key `shown`.
    pub(crate) fn question(&self, streams: Streams, number: u64, row: Row, shown: u64, class: u32) -> (Request, bool) {
        let mut request = match self.content_at(class, row) {
            Content::Shape(shape) => from_shape(shape, self.payload, streams, row.key(), shown),
            Content::Trace(trace) => trace.request(self.payload, streams, row),
            Content::Listed(listed) => listed[row.number() as usize].0,
        };
        request.prompt.request = number;
        let output_tokens = request.output_tokens.clamp(1, self.max_output_tokens.unwrap_or(u32::MAX));
        (Request { output_tokens, ..request }, output_tokens < request.output_tokens)
    }

    /// True if prompts may have content in common.
    pub fn shares(&self) -> bool {
        let own = self.own.iter().flatten().map(|own| &own.content);
        let has_blocks = std::iter::once(&self.content).chain(own).any(Content::has_blocks);
        self.system_prompt > 0 || self.questions_per_picture > 1 || self.sessions.is_some() || has_blocks
    }

    /// Blocks of the text of a request of a class, where a trace has them.
    fn blocks(&self, row: Row, class: u32) -> impl Iterator<Item = Text> {
        let list = match self.content_at(class, row) {
            Content::Trace(Played { blocks, .. }) => blocks.as_deref(),
            _ => None,
        };
        let blocks = list.into_iter().flat_map(move |list| list.of(row.number() as usize));
        blocks.map(move |(block, tokens)| Text { source: Source::Block(row.block(block)), tokens })
    }

    /// The longest answer of a model that need not end it by itself.
    pub fn longest_answer(&self) -> u32 {
        self.max_output_tokens.unwrap_or(RESERVED_OUTPUT_TOKENS)
    }

    /// Tokens of an answer that memory is set aside for.
    pub(crate) fn reserved(&self, request: &Request) -> u64 {
        u64::from(self.longest_answer().max(request.output_tokens))
    }

    /// Tokens of an answer that a server holds a context window against: the most that its client allows, or those that it
    /// comes to.
    pub(crate) fn allowed(&self, request: &Request) -> u64 {
        u64::from(self.max_output_tokens.unwrap_or(request.output_tokens))
    }

    /// Time of request `number` in a trace; 0 without one.
    pub fn offset(&self, number: u64) -> SimDuration {
        self.content.offset(number)
    }
}

impl Content {
    /// Requests that there are; none where they are drawn without an end.
    fn len(&self) -> Option<u64> {
        match self {
            Self::Shape(_) => None,
            Self::Trace(trace) => Some(trace.requests.len() as u64),
            Self::Listed(listed) => Some(listed.len() as u64),
        }
    }

    /// Time of a request in a trace; 0 without one.
    fn offset(&self, number: u64) -> SimDuration {
        match self {
            Self::Shape(_) => SimDuration::ZERO,
            Self::Trace(Played { requests, .. }) => {
                requests[number as usize].arrival.saturating_sub(requests[0].arrival)
            }
            Self::Listed(listed) => listed[number as usize].1,
        }
    }

    /// True if prompts are blocks that others may have too.
    fn has_blocks(&self) -> bool {
        matches!(self, Self::Trace(Played { blocks: Some(_), .. }))
    }
}

/// Draws the request of a key, with the pictures and the sound that another one has shown. Sizes, payload and lengths share a
/// stream, in this order; counts and sound have their own.
fn from_shape(shape: &Shape, format: PayloadFormat, streams: Streams, number: u64, shown: u64) -> Request {
    let stream = &mut streams.stream("input", number);
    let own = draw_pictures(shape, format, streams, number, stream);
    let images = match shown == number {
        true => own,
        false => draw_pictures(shape, format, streams, shown, &mut streams.stream("input", shown)),
    };
    // A distribution may draw nothing; a prompt has a beginning.
    let text_tokens = shape.text_tokens.draw(stream).max(1);
    let output_tokens = shape.output_tokens.draw(stream);
    let audio = shape.draw_sound(streams, shown).map(Audio::lasting);
    Request { prompt: Prompt { request: number, text_tokens, images, audio }, output_tokens }
}

/// Draws the pictures of a request from its stream.
fn draw_pictures(
    shape: &Shape,
    format: PayloadFormat,
    streams: Streams,
    number: u64,
    stream: &mut Stream,
) -> Option<Images> {
    let Pixels { width, height } = shape.draw_size(stream)?;
    let Drawn { count, moving } = shape.draw_count(streams, number);
    let pixels = f64::from(width) * f64::from(height) * f64::from(count);
    let encoded = encode(pixels, if moving { VIDEO_BYTES_PER_PIXEL } else { JPEG_BYTES_PER_PIXEL }, stream);
    (count > 0).then(|| Images {
        count: count.div_ceil(if moving { FRAMES_PER_PICTURE } else { 1 }),
        size: ImageSize::Pixels { width, height },
        payload: format.bytes(pixels).unwrap_or(encoded),
        moving,
        encoded: false,
    })
}

/// Bytes of pixels in an encoding of so many bytes a pixel.
fn encode(pixels: f64, median: f64, stream: &mut Stream) -> Bytes {
    let bytes = pixels * median * draw::lognormal(0.0, ENCODING_DEVIATION, stream);
    Bytes::new(bytes.max(1.0) as u64)
}

impl Played {
    fn request(&self, format: PayloadFormat, streams: Streams, row: Row) -> Request {
        let of = &self.requests[row.number() as usize];
        let images = of.pictures.and_then(|pictures| of_trace(pictures, format, streams, row.key()));
        let audio = (!of.sound.is_zero()).then(|| Audio::lasting(of.sound));
        let prompt = Prompt { request: row.key(), text_tokens: of.text_tokens.max(1), images, audio };
        Request { prompt, output_tokens: self.output_tokens.unwrap_or(of.output_tokens) }
    }
}

/// Pictures as far as a trace states them: 784 pixels a visual token, and bytes for pixels or pixels for bytes.
fn of_trace(pictures: Pictures, format: PayloadFormat, streams: Streams, number: u64) -> Option<Images> {
    let per_pixel = if pictures.moving { VIDEO_BYTES_PER_PIXEL } else { JPEG_BYTES_PER_PIXEL };
    let count = pictures.count.div_ceil(if pictures.moving { FRAMES_PER_PICTURE } else { 1 });
    if count == 0 {
        return None;
    }
    let of_bytes = f64::from(pictures.bytes.unwrap_or(0)) / per_pixel;
    let (size, pixels) = match pictures.size {
        PictureSize::Pixels { width, height } => {
            let pixels = f64::from(width) * f64::from(height) * f64::from(pictures.count);
            (ImageSize::Pixels { width, height }, pixels)
        }
        PictureSize::Tokens(total) => (ImageSize::Tokens(total.div_ceil(count)), f64::from(total) * PIXELS_PER_TOKEN),
        PictureSize::Unstated => {
            let side = (of_bytes / f64::from(pictures.count)).sqrt().round().max(1.0) as u32;
            (ImageSize::Pixels { width: side, height: side }, of_bytes)
        }
    };
    let encoded = match pictures.bytes {
        Some(bytes) => Bytes::new(u64::from(bytes)),
        None => encode(pixels, per_pixel, &mut streams.stream("input", number)),
    };
    let payload = format.bytes(pixels).unwrap_or(encoded);
    Some(Images { count, size, payload, moving: pictures.moving, encoded: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture of a request, sent as `format`, and its bytes as JPEG would be drawn.
    fn sent(pictures: Pictures, format: PayloadFormat) -> Images {
        let request = TraceRequest { pictures: Some(pictures), ..TraceRequest::text(SimDuration::ZERO, 40, 20) };
        let played = Played { requests: [request].into(), output_tokens: None, blocks: None };
        played.request(format, Streams::new(1), Row::of_workload(0)).prompt.images.expect("pictures")
    }

    #[test]
    fn pictures_of_a_trace_are_as_it_states_them() {
        let pixels = ImageSize::Pixels { width: 640, height: 480 };
        let stated =
            Pictures { count: 2, size: PictureSize::Pixels { width: 640, height: 480 }, bytes: None, moving: false };
        let drawn = sent(stated, PayloadFormat::Jpeg);
        assert_eq!((drawn.count, drawn.size), (2, pixels));
        assert!((100_000..1_000_000).contains(&drawn.payload.as_u64()), "{}", drawn.payload);
        let measured = Pictures { bytes: Some(70_000), ..stated };
        assert_eq!(sent(measured, PayloadFormat::Jpeg).payload, Bytes::new(70_000));
        assert_eq!(sent(measured, PayloadFormat::Rgb8).payload, Bytes::new(2 * 640 * 480 * 3));
        let video = sent(Pictures { count: 5, moving: true, ..measured }, PayloadFormat::Jpeg);
        assert_eq!((video.count, video.size, video.moving), (3, pixels, true));
        // .53 B a pixel: 70,000 B are two squares of 257 pixels a side.
        let square = ImageSize::Pixels { width: 257, height: 257 };
        assert_eq!(sent(Pictures { size: PictureSize::Unstated, ..measured }, PayloadFormat::Jpeg).size, square);
        let tokens = sent(Pictures { size: PictureSize::Tokens(391), ..stated }, PayloadFormat::Rgb8);
        assert_eq!((tokens.size, tokens.payload), (ImageSize::Tokens(196), Bytes::new(391 * 784 * 3)));
    }
}
