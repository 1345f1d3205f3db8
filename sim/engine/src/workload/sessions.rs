//! Sessions under way: numbers of their requests, and the past that each turn repeats.
//!
//! The turns of a session are requests with numbers in a row, so that a request of that number is the same under every
//! policy, whenever it is sent. Without sessions of users every request is a session of one turn.

use super::{Row, Rows, Shared, Source, Text, Workload};
use kernel::Streams;
use model::audio::Audio;
use model::request::{Images, Request};
use std::rc::Rc;
use units::SimDuration;

/// The sessions that have begun.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    /// Number of the next request.
    pub(crate) next: u64,
    /// The next row of the workload, and of each group that has requests of its own.
    pub(crate) rows: Rows,
    sessions: u64,
    /// The request that first showed the pictures of the latest session.
    shown: u64,
}

impl Begun {
    /// No session yet.
    pub(crate) fn new(workload: &Workload) -> Self {
        Self { next: 0, rows: Rows::new(workload), sessions: 0, shown: 0 }
    }

    /// Begins the next session of a group, if there is one: of this class, or of one that is drawn.
    pub(crate) fn session(
        &mut self,
        workload: &Workload,
        streams: Streams,
        class: Option<u32>,
        group: u32,
    ) -> Option<Session> {
        let (first, row) = (self.next, self.rows.next(workload, group));
        let left = workload.len().checked_sub(first)?.min(workload.left_at(row));
        if left == 0 {
            return None;
        }
        let turns = workload.sessions.as_ref().map_or(1, |sessions| sessions.draw_turns(streams, first));
        let end = first + u64::from(turns).min(left);
        if self.sessions.is_multiple_of(workload.questions_per_picture.max(1).into()) {
            self.shown = first;
        }
        (self.next, self.sessions) = (end, self.sessions + 1);
        self.rows.take(row, end - first);
        let class = class.unwrap_or_else(|| workload.draw_class(streams, first));
        Some(Session { first, next: first, end, class, row, deadline: None, shown: self.shown, past: None })
    }
}

/// A session under way.
pub(crate) struct Session {
    /// Number of its first request.
    pub(crate) first: u64,
    next: u64,
    /// The number behind its last request.
    end: u64,
    /// Its class.
    class: u32,
    /// The row of its first request.
    row: Row,
    /// Time by which the answer to its first turn must be there, from its request.
    pub(crate) deadline: Option<SimDuration>,
    /// The request that first showed its pictures.
    shown: u64,
    /// Apart, since most sessions have one turn.
    past: Option<Box<Past>>,
}

/// A session so far: what was shown at its beginning, and the texts of both sides.
struct Past {
    images: Option<Images>,
    audio: Option<Audio>,
    texts: Vec<Text>,
}

/// A request as it is sent.
pub(crate) struct Turn {
    pub(crate) request: Request,
    /// The answer is shorter than was asked for.
    pub(crate) cut: bool,
    /// Its class.
    pub(crate) class: u32,
    /// Time by which its answer must be there, from its request.
    pub(crate) deadline: Option<SimDuration>,
    /// The parts of its prompt that others may have; none if it shares nothing.
    pub(crate) shared: Option<Rc<Shared>>,
}

impl Session {
    /// The time to think before the next turn; none behind the last.
    pub(crate) fn think(&self, workload: &Workload, streams: Streams) -> Option<SimDuration> {
        let think = || workload.sessions.as_ref().map_or(SimDuration::ZERO, |one| one.draw_think(streams, self.next));
        (self.next < self.end).then(think)
    }

    /// The session, if there are more turns of it. Apart, since every request in flight waits with what is left of its session.
    pub(crate) fn rest(self) -> Option<Box<Self>> {
        (self.next < self.end).then(|| Box::new(self))
    }

    /// The next turn: the session so far, with a text of its own behind it.
    pub(crate) fn turn(&mut self, workload: &Workload, streams: Streams) -> Turn {
        let (number, row) = (self.next, self.row.behind(self.next - self.first));
        self.next += 1;
        let shown = if self.shown == self.first { self.row.key() } else { self.shown };
        let (mut request, cut) = workload.question(streams, number, row, shown, self.class);
        let own = request.prompt.text_tokens;
        let prompt = &mut request.prompt;
        let said: &[Text] = self.past.as_ref().map_or(&[], |past| &past.texts);
        let before = said.iter().fold(workload.system_prompt, |sum, text| sum.saturating_add(text.tokens));
        prompt.text_tokens = own.saturating_add(before);
        if let Some(past) = &self.past {
            (prompt.images, prompt.audio) = (past.images, past.audio);
        }
        let shared = workload.shares().then(|| {
            let texts = said.iter().copied().chain(workload.blocks(row, self.class)).collect();
            Rc::new(Shared { system: workload.system_prompt, shown: self.shown, texts })
        });
        if self.next < self.end {
            let (images, audio) = (prompt.images, prompt.audio);
            let past = self.past.get_or_insert_with(|| Box::new(Past { images, audio, texts: Vec::new() }));
            past.texts.push(Text { source: Source::Request(number), tokens: own });
            past.texts.push(Text { source: Source::Answer(number), tokens: request.output_tokens });
        }
        Turn { request, cut, class: self.class, deadline: self.deadline.take(), shared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunSpec;
    use model::dataset::Sessions;
    use policies::System;

    fn workload(turns: u32) -> Workload {
        let (_, policy) = System::examples().swap_remove(0);
        let workload = RunSpec::example(policy).workload;
        let sessions = Sessions { turns: turns.into(), think: SimDuration::from_secs(2).into() };
        Workload { sessions: Some(sessions), system_prompt: 100, requests: 7, ..workload }
    }

    #[test]
    fn a_turn_repeats_the_session_so_far() {
        let (workload, streams) = (workload(3), Streams::new(1));
        let mut begun = Begun::new(&workload);
        let mut session = begun.session(&workload, streams, None, 0).unwrap();
        assert_eq!((session.first, begun.next), (0, 3));
        // Prompts of 30 tokens of text, answers of 20.
        for (number, tokens, texts) in [(0, 130, 0), (1, 180, 2), (2, 230, 4)] {
            if number > 0 {
                assert_eq!(session.think(&workload, streams), Some(SimDuration::from_secs(2)));
            }
            let Turn { request, cut, shared, .. } = session.turn(&workload, streams);
            assert_eq!((request.prompt.request, request.prompt.text_tokens, cut), (number, tokens, false));
            assert_eq!(request.prompt.images, workload.question(streams, 0, Row::of_workload(0), 0, 0).0.prompt.images);
            let shared = shared.unwrap();
            assert_eq!((shared.system, shared.shown, shared.texts.len()), (100, 0, texts));
            if number == 1 {
                let said = Text { source: Source::Request(0), tokens: 30 };
                assert_eq!(*shared.texts, [said, Text { source: Source::Answer(0), tokens: 20 }]);
            }
        }
        assert_eq!(session.think(&workload, streams), None);
        begun.session(&workload, streams, None, 0).unwrap();
        let last = begun.session(&workload, streams, None, 0).unwrap();
        assert_eq!((last.first, last.end), (6, 7), "the number of requests cuts the last session");
        assert!(begun.session(&workload, streams, None, 0).is_none());
    }

    #[test]
    fn sessions_in_a_row_ask_about_the_same_pictures() {
        let workload = Workload { questions_per_picture: 2, ..workload(2) };
        let (mut begun, streams) = (Begun::new(&workload), Streams::new(1));
        let sessions = std::iter::from_fn(|| begun.session(&workload, streams, None, 0));
        let told: Vec<_> = sessions.map(|session| (session.first, session.shown)).collect();
        assert_eq!(told, [(0, 0), (2, 0), (4, 4), (6, 4)]);
        let payload = |number, shown| {
            let (request, _) = workload.question(streams, number, Row::of_workload(number), shown, 0);
            request.prompt.images.unwrap().payload
        };
        assert_eq!(payload(2, 0), payload(0, 0));
        assert_ne!(payload(2, 2), payload(0, 0));
    }
}
