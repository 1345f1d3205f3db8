//! Forming the next step.
//!
//! There is no notion of prefill or decode. A request has tokens that are not computed yet, be they of its prompt, its
//! last output or drafts, and each step computes some of them:
//!
//! 1. running requests, in order of admission, as long as the budget lasts; blocks are taken as they are needed, if need
//!    be from the last request in order, which is preempted;
//! 2. if nobody was preempted, waiting requests, in order, as long as budget, places and blocks last;
//! 3. all that is in the step counts as computed from now on.
//!
//! Engines that keep prompts apart do the second first, and then the first if the step is empty.

mod budget;
mod due;
mod estimate;
mod forming;
mod give;
mod pictures;
mod preempt;
mod room;
mod running;
mod waiting;

use crate::replica::Replica;
use crate::request::Id;
use crate::step::Step;
use forming::Forming;
pub(crate) use room::newly_full;

impl Replica {
    /// Forms the next step, which then runs until it is [completed](Self::complete).
    ///
    /// With asynchronous scheduling a step may be formed while another runs.
    pub fn schedule(&mut self) -> Step {
        self.schedule_in(Step::default())
    }

    /// Forms the next step in the memory of one that is over.
    pub fn schedule_in(&mut self, over: Step) -> Step {
        let mut forming = Forming::new(self, over);
        self.form(&mut forming);
        let mut step = forming.step;
        self.set_out(&mut step);
        self.learn(&step);
        step.evicted_pictures = self.encoder.take_evicted();
        step.evicted_blocks = self.blocks.take_lost_keys();
        step
    }

    /// Puts work into the step.
    fn form(&mut self, forming: &mut Forming) {
        if self.rules.prompts_apart {
            self.serve_prompts(forming);
            self.admit_unless_preempted(forming);
            if forming.step.work.is_empty() {
                self.serve_running(forming);
            }
        } else {
            self.serve_running(forming);
            self.admit_unless_preempted(forming);
        }
        if forming.step.preempted.is_empty() {
            self.park_for_waiting(forming);
        }
    }

    fn admit_unless_preempted(&mut self, forming: &mut Forming) {
        if forming.step.preempted.is_empty() {
            self.admit_waiting(forming);
        }
    }

    /// Counts what is in the step as computed.
    fn set_out(&mut self, step: &mut Step) {
        for work in &mut step.work {
            let sequence = &mut self.sequences[work.id];
            let reads_pictures = sequence.computed < sequence.pictures_end();
            sequence.computed += work.tokens;
            work.samples = sequence.is_computed(self.settings.context);
            sequence.mid_prompt = !work.samples;
            if let Some(session) = &mut sequence.session {
                session.read |= work.samples;
                session.verifying = work.samples && session.offered.is_some();
            } else if self.rules.asynchronous && work.samples {
                sequence.pending += 1 + work.drafted;
                sequence.drafts = self.settings.draft_tokens;
            }
            if reads_pictures && !self.rules.pictures.kept_until_end {
                self.release_read_pictures(work.id);
            }
        }
    }

    /// Lets the pictures go whose placeholders are all computed.
    pub(crate) fn release_read_pictures(&mut self, id: Id) {
        let sequence = &self.sequences[id];
        for (place, picture) in (0..).zip(&sequence.pictures) {
            if picture.end() <= sequence.computed {
                self.encoder.release(picture.name, (id, place));
            }
        }
    }
}
