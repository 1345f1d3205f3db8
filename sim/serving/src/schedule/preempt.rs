//! Preemption: a request gives its blocks back and is computed again later.

use super::forming::Forming;
use crate::engines::Victim;
use crate::replica::Replica;
use crate::request::Id;
use crate::sequence::Status;
use crate::settings::Order;
use std::cmp::Reverse;

impl Replica {
    /// Takes blocks for more tokens of a running request, preempting others if it must. If the request itself is the last
    /// in order, it is preempted, and there is no room.
    pub(super) fn make_room(&mut self, id: Id, tokens: u32, at: &mut usize, forming: &mut Forming) -> bool {
        let computed = self.sequences[id].computed + tokens;
        let end = computed + self.settings.lookahead();
        let missing = self.missing_blocks(&self.sequences[id], end);
        if missing > 0 {
            while missing > self.blocks.free() {
                let place = self.victim();
                let victim = self.running[place];
                self.preempt(place, at, forming);
                if victim == id {
                    return false;
                }
            }
            self.take_blocks(id, missing);
        }
        self.name_blocks(id, computed);
        true
    }

    /// The place of the running request that is preempted next: the newest, or the last in order of priority and arrival.
    fn victim(&self) -> usize {
        let newest = self.running.len() - 1;
        if self.settings.order == Order::Fcfs {
            return match self.rules.victim {
                Victim::Newest => newest,
                Victim::ShortestAnswer => self.shortest_answer(),
            };
        }
        let rank = |id: Id| {
            let request = &self.sequences[id].request;
            (request.priority, request.arrival)
        };
        // the first of equal ones
        (0..newest).rev().fold(
            newest,
            |last, place| {
                if rank(self.running[place]) >= rank(self.running[last]) { place } else { last }
            },
        )
    }

    /// The place of the running request with the shortest answer; of equal ones of that with the longest prompt.
    fn shortest_answer(&self) -> usize {
        let rank = |place: &usize| {
            let sequence = &self.sequences[self.running[*place]];
            (sequence.outputs, Reverse(sequence.prompt_tokens), Reverse(*place))
        };
        (0..self.running.len()).min_by_key(rank).expect("a request runs")
    }

    /// Preempts the running request in that place; `at` is the place of the request that is being served.
    fn preempt(&mut self, place: usize, at: &mut usize, forming: &mut Forming) {
        let id = self.running.remove(place);
        let taken_back = forming.take_back(id).is_some();
        // vLLM 0.19 only steps back for requests that had been given tokens, and so passes by the next one otherwise
        if taken_back || (self.rules.serves_after_self_preemption && place < *at) {
            *at -= 1;
        }
        self.name_private_blocks(id);
        let sequence = &mut self.sequences[id];
        sequence.status = Status::Preempted;
        sequence.computed = 0;
        sequence.drafts = 0;
        (sequence.keyed, sequence.nameable) = (0, 0);
        sequence.preemptions += 1;
        self.blocks.release(&mut sequence.blocks);
        self.release_pictures(id);
        if self.sequences[id].waits_for_drafts() {
            self.sequences[id].status = Status::Parked;
        } else {
            self.waiting.put_back(id, &self.sequences[id].request);
        }
        forming.step.preempted.push(id);
    }

    /// Parks sessions that wait for drafts, the newest first, where nobody else runs and a request cannot be admitted
    /// beside them.
    pub(super) fn park_for_waiting(&mut self, forming: &mut Forming) {
        while forming.step.work.is_empty() && self.waiting.len() > 0 {
            let Some(newest) = self.newest_idle() else { return };
            self.preempt(newest, &mut 0, forming);
            self.admit_waiting(forming);
        }
    }

    /// Lets all pictures of a request go.
    pub(crate) fn release_pictures(&mut self, id: Id) {
        for (place, picture) in (0..).zip(&self.sequences[id].pictures) {
            self.encoder.release(picture.name, (id, place));
        }
    }
}
