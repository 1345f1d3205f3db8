//! A testbed for one request: drafts and verdicts take their time by a clock, all else is done at once, and noted.

use model::{
    decoding::{Draft, Token, Verdict},
    mas::Descriptors,
    request::{Input, Prompt},
};
use policies::{Batch, Cloud, Edge, Hidden, Note, Plan, Testbed, Tree, Verification, Verify, View};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use units::{Ratio, SimDuration, SimTime};

/// Tokens of an answer, and the drafts of a batch that the cloud accepts at most.
pub const ANSWER: u32 = 40;
pub const ACCEPTED: u32 = 3;

/// The testbed and everything that was done on it.
pub struct Bed {
    prompt: Prompt,
    now: Cell<SimDuration>,
    committed: Cell<u32>,
    drafted: Cell<u32>,
    pub done: RefCell<Vec<&'static str>>,
    /// Round, name and value of each note.
    pub notes: RefCell<Vec<(u32, &'static str, f64)>>,
}

impl Bed {
    pub fn new(prompt: Prompt) -> Self {
        let (committed, drafted, done) = Default::default();
        Self { prompt, now: Cell::new(SimDuration::ZERO), committed, drafted, done, notes: RefCell::default() }
    }

    fn does(&self, what: &'static str) {
        self.done.borrow_mut().push(what);
    }

    fn takes(&self, ms: u64) {
        self.now.set(self.now.get() + SimDuration::from_ms(ms));
    }
}

/// Runs a policy to its end.
pub fn end<T>(serving: impl Future<Output = T>) -> T {
    match pin!(serving).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(end) => end,
        Poll::Pending => panic!("nothing on this testbed waits for anything"),
    }
}

impl Testbed for Bed {
    type Edge = Self;
    type Cloud = Self;

    fn prompt(&self) -> Prompt {
        self.prompt
    }
    fn edge(&self) -> &Self {
        self
    }
    fn cloud(&self) -> &Self {
        self
    }
    fn view(&self) -> View<'_> {
        unreachable!("not looked at")
    }
    fn elapsed(&self) -> SimDuration {
        self.now.get()
    }
    fn note(&self, round: u32, note: &'static Note, value: f64) {
        self.notes.borrow_mut().push((round, note.name, value));
    }
}

impl Edge for Bed {
    async fn preprocess(&self) {
        self.does("preprocess");
    }
    async fn probe(&self, _: Ratio) -> Descriptors {
        unreachable!("not probed")
    }
    fn score(&self, _: Ratio) -> f64 {
        unreachable!("not scored")
    }
    async fn think(&self, _: SimDuration) {}
    fn note_plan(&self, _: &Plan) {}
    async fn answer(&self, input: &Input) {
        assert_eq!(*input, Input::whole(self.prompt));
        self.does("edge");
    }
    async fn answer_drafted(&self, _: &Input, _: u32) {
        unreachable!("no model drafts beside the edge's")
    }
    async fn prefill(&self, _: &Input) {
        self.does("prefill");
    }
    async fn draft(&self) -> Draft {
        self.takes(10);
        let position = self.drafted.replace(self.drafted.get() + 1);
        Draft { token: Token { id: 1, ends: position + 1 == ANSWER }, position, entropy_nats: 0.0 }
    }
    async fn expand(&self, _: &Tree, _: &[Option<u16>], _: u32) -> Vec<Draft> {
        vec![self.draft().await]
    }
    async fn decode(&self) -> Draft {
        unreachable!("not decoded")
    }
    fn trust(&self, _: &Draft) {}
    fn commit(&self, verdict: &Verdict) {
        self.committed.set(verdict.committed);
        self.drafted.set(verdict.committed);
    }
    fn rewind(&self, _: u32) {}
    fn adopt(&self, _: Token) {}
    async fn pass(&self) {}
}

/// A verdict that is there.
pub struct There(Verdict);

impl Future for There {
    type Output = Verdict;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Verdict> {
        Poll::Ready(self.0)
    }
}

impl Verification for There {
    fn has_arrived(&self) -> bool {
        true
    }
}

impl Cloud for Bed {
    type Verification = There;

    async fn answer(&self, input: &Input) {
        assert_eq!(*input, Input::whole(self.prompt));
        self.does("cloud");
    }
    async fn answer_drafted(&self, _: &Input, _: u32) {
        unreachable!("no model drafts beside the cloud's")
    }
    async fn open(&self, _: &Input) {
        self.does("open");
    }
    async fn answer_in_parts(&self, _: &Input, _: u32) {
        unreachable!("not sent in parts")
    }
    async fn consider(&self, _: &Input) {
        unreachable!("not considered")
    }
    fn send_ahead(&self, _: &[Draft], _: &Verify) {}
    fn verify(&self, batch: &Batch<'_>, _: &Verify) -> There {
        self.takes(100);
        let drafted = batch.as_sequence().len() as u32;
        let accepted = drafted.min(ACCEPTED);
        let token = (batch.start + accepted < ANSWER).then(Token::default);
        let committed = batch.start + accepted + u32::from(token.is_some());
        let (last, ends) = (accepted.checked_sub(1).map(|last| last as u16), committed == ANSWER);
        There(Verdict { accepted, drafted, committed, last, token, ends, at: SimTime::ZERO })
    }
    async fn finish(&self, _: &Batch<'_>, _: &Verify) {
        unreachable!("not left to the cloud")
    }
    async fn pass(&self, _: &Hidden<'_>) -> bool {
        unreachable!("not split")
    }
    async fn answer_from(&self, _: &Hidden<'_>) {
        unreachable!("not split")
    }
}
