//! A request of a trace, and what was measured of it.

use super::Blocks;
use units::SimDuration;

/// One request of a trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TraceRequest {
    /// Arrival time, counted from the first request of the file; 0 where the file has no times.
    pub arrival: SimDuration,
    /// Tokens of the prompt's text.
    pub text_tokens: u32,
    /// Pictures or a video of the prompt.
    pub pictures: Option<Pictures>,
    /// Length of the sound of the prompt; 0 for none.
    pub sound: SimDuration,
    /// Tokens of the answer, at least 1.
    pub output_tokens: u32,
}

impl TraceRequest {
    /// A request of text alone.
    pub fn text(arrival: SimDuration, text_tokens: u32, output_tokens: u32) -> Self {
        Self { arrival, text_tokens, output_tokens, ..Self::default() }
    }
}

/// The pictures of a request, all of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pictures {
    /// Number of pictures, or of frames.
    pub count: u32,
    /// Size, as far as the trace says.
    pub size: PictureSize,
    /// Encoded bytes of all together, where the trace says.
    pub bytes: Option<u32>,
    /// True if they are the frames of one video.
    pub moving: bool,
}

impl Pictures {
    /// Pictures of so many visual tokens together; none where either is 0.
    pub fn of_tokens(count: u32, tokens: u32) -> Option<Self> {
        let size = PictureSize::Tokens(tokens);
        (count > 0 && tokens > 0).then_some(Self { count, size, bytes: None, moving: false })
    }
}

/// The size of pictures, as far as a trace says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureSize {
    /// Pixels of each.
    Pixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Visual tokens of all together.
    Tokens(u32),
    /// Not stated: it follows from the bytes.
    Unstated,
}

/// A request, and how a server fared with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServedRequest {
    /// Its arrival and its lengths.
    pub request: TraceRequest,
    /// Milliseconds from its arrival to its first token, where measured.
    pub ttft_ms: Option<f64>,
    /// Milliseconds between tokens after the first, where measured.
    pub tpot_ms: Option<f64>,
    /// Milliseconds from its arrival to its last token, where measured.
    pub e2e_ms: Option<f64>,
    /// Name of the conversation that it belongs to, where the trace says.
    pub session: Option<Box<str>>,
    /// Blocks of its prompt, where the trace says what prompts share.
    pub blocks: Option<Blocks>,
}

impl ServedRequest {
    /// Sets what follows from the other two latencies where one was not measured.
    pub(crate) fn completed(mut self) -> Self {
        let gaps = f64::from(self.request.output_tokens.saturating_sub(1));
        match (self.ttft_ms, self.tpot_ms, self.e2e_ms) {
            (Some(ttft), None, Some(e2e)) if gaps > 0.0 && e2e >= ttft => self.tpot_ms = Some((e2e - ttft) / gaps),
            (Some(ttft), Some(tpot), None) => self.e2e_ms = Some(ttft + gaps * tpot),
            (Some(ttft), None, None) if gaps == 0.0 => self.e2e_ms = Some(ttft),
            _ => {}
        }
        self
    }

    /// True if any latency was measured.
    pub fn is_timed(&self) -> bool {
        self.ttft_ms.or(self.tpot_ms).or(self.e2e_ms).is_some()
    }
}

impl From<TraceRequest> for ServedRequest {
    fn from(request: TraceRequest) -> Self {
        Self { request, ..Self::default() }
    }
}
