//! The loop around the scheduler: arrivals, durations of steps, tokens as the log says.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};
use serving::{Outcome, Piece, Replica, Request, Step, Work};

use crate::course::Course;
use crate::log::{Log, LogRequest, Source};
use crate::names::Names;
use crate::record::Record;

/// Steps and results of a log's requests, replayed.
pub struct Replay {
    pub steps: Vec<Record>,
    pub results: Map<String, Value>,
    pub totals: Value,
    pub stuck: bool,
}

/// A step in flight.
struct Flight {
    number: usize,
    step: Step,
    end_us: u64,
}

struct Server<'a> {
    log: &'a Log,
    replica: Replica,
    names: Names,
    courses: Vec<Course>,
    /// Requests that have not arrived, in order of arrival.
    coming: VecDeque<usize>,
    in_flight: VecDeque<Flight>,
    records: Vec<Record>,
    now_us: u64,
    last_end_us: u64,
    tokens: u64,
}

/// Replays a log's requests.
pub fn replay(log: &Log) -> Replay {
    let mut coming: Vec<usize> = (0..log.requests.len()).collect();
    coming.sort_by_key(|index| log.requests[*index].arrival_us);
    let mut server = Server {
        log,
        replica: Replica::new(log.rules(), log.settings()),
        names: Names::default(),
        courses: log.requests.iter().map(|_| Course::default()).collect(),
        coming: coming.into(),
        in_flight: VecDeque::new(),
        records: Vec::new(),
        now_us: 0,
        last_end_us: 0,
        tokens: 0,
    };
    server.run();
    server.conclude()
}

impl Server<'_> {
    fn run(&mut self) {
        let depth = if self.log.settings.async_scheduling { 2 } else { 1 };
        let mut arrived = Vec::new();
        // one step more than the log has is enough to differ from it
        while self.records.len() <= self.log.steps.len() {
            arrived.extend(self.queue_arrivals());
            if self.replica.is_idle() {
                if let Some(next) = self.coming.front() {
                    // an empty step in flight is over by then
                    self.now_us = self.now_us.max(self.log.requests[*next].arrival_us);
                    continue;
                }
            } else {
                let tokens = self.form(std::mem::take(&mut arrived));
                if tokens > 0 && self.in_flight.len() < depth {
                    continue;
                }
            }
            let Some(flight) = self.in_flight.pop_front() else { return };
            self.land(&flight);
            let nothing_moves =
                flight.step.tokens() == 0 && self.in_flight.iter().all(|other| other.step.tokens() == 0);
            if nothing_moves && !self.replica.is_idle() && !self.look_again() {
                break;
            }
        }
        while let Some(flight) = self.in_flight.pop_front() {
            self.land(&flight);
        }
    }

    /// After a step without a token the log's loop looks again a few times, then at the next arrival. How often is no
    /// matter of the scheduler, so the log is followed; `false` if it ends here.
    fn look_again(&mut self) -> bool {
        let Some(next) = self.log.steps.get(self.records.len()) else { return false };
        let time = ["scheduled_us", "start_us"].iter().find_map(|field| next.get(field)).or(next.get(0));
        if let Some(coming) = self.coming.front()
            && time.and_then(serde_json::Value::as_u64).is_some_and(|time| time > self.now_us)
        {
            self.now_us = self.log.requests[*coming].arrival_us;
        }
        true
    }

    fn queue_arrivals(&mut self) -> Vec<String> {
        let mut arrived = Vec::new();
        while let Some(&index) = self.coming.front()
            && self.log.requests[index].arrival_us <= self.now_us
        {
            self.coming.pop_front();
            let logged = &self.log.requests[index];
            let request = self.request(logged);
            let id = self.replica.submit(request);
            self.names.requests.insert(id, (index, logged.id.clone()));
            arrived.push(logged.id.clone());
        }
        arrived
    }

    fn request(&mut self, logged: &LogRequest) -> Request {
        let names = &mut self.names;
        let prompt = logged.prompt.iter().map(|(source, tokens)| match source {
            Source::Text(source) => Piece::Text { source: *source, tokens: *tokens },
            Source::Picture(name) => Piece::Picture { name: names.number_of_picture(name), tokens: *tokens },
        });
        // vLLM compares the names of equal ones, as text
        let tie = self.log.requests.iter().filter(|other| other.id < logged.id).count() as u64;
        Request {
            prompt: prompt.collect(),
            answer: logged.out_segment,
            output_tokens: logged.output_tokens.get(),
            output_limit: logged.output_tokens.get(),
            priority: logged.priority,
            arrival: logged.arrival_us,
            tie,
            is_session: false,
            is_private: false,
        }
    }

    /// Forms a step; its tokens.
    fn form(&mut self, arrived: Vec<String>) -> u32 {
        let step = self.replica.schedule();
        let number = self.records.len();
        let law = &self.log.step_law;
        let (tokens, embeddings) = (step.tokens(), step.embeddings());
        let duration =
            law.base_us + law.per_token_us * u64::from(tokens) + law.per_encoder_token_us * u64::from(embeddings);
        let duration = if tokens == 0 { 0 } else { duration };
        let start = self.now_us.max(self.last_end_us);
        let mut record = Record::formed(&step, &self.replica, &self.names);
        record.set("step", number);
        record.set("scheduled_us", self.now_us);
        record.set("start_us", start);
        record.set("duration_us", duration);
        record.set("arrived", arrived);
        record.set("finished", Vec::<String>::new());
        for work in &step.work {
            let first_hit = self.replica.sequence(work.id).and_then(|sequence| sequence.first_hit());
            self.courses[self.names.index(work.id)].first_hit = first_hit;
        }
        for id in &step.preempted {
            self.courses[self.names.index(*id)].preemptions += 1;
        }
        self.tokens += u64::from(tokens);
        self.last_end_us = start + duration;
        self.records.push(record);
        self.in_flight.push_back(Flight { number, step, end_us: start + duration });
        tokens
    }

    /// Ends a step.
    fn land(&mut self, flight: &Flight) {
        self.now_us = self.now_us.max(flight.end_us);
        let (courses, names, log) = (&mut self.courses, &self.names, self.log);
        let outcomes = self.replica.complete(&flight.step, |work: &Work| {
            let index = names.index(work.id);
            let accept = &log.requests[index].accept;
            let verification = courses[index].verifications;
            courses[index].verifications += 1;
            if accept.is_empty() { 0 } else { accept[verification % accept.len()] }
        });
        for Outcome { id, sampled, ended } in &outcomes {
            let course = &mut courses[names.index(*id)];
            course.outputs += sampled;
            course.first_us.get_or_insert(flight.end_us);
            course.last_us = flight.end_us;
            course.ended = *ended;
        }
        self.records[flight.number].ended(&outcomes, &flight.step, &self.replica, &self.names);
    }

    fn conclude(self) -> Replay {
        let results = self
            .log
            .requests
            .iter()
            .zip(&self.courses)
            .map(|(request, course)| (request.id.clone(), course.result(request)));
        let results: Map<_, _> = results.collect();
        let totals = json!({
            "steps": self.records.len(),
            "scheduled_tokens": self.tokens,
            "preemptions": self.courses.iter().map(|course| course.preemptions).sum::<u32>(),
            "end_us": self.now_us,
        });
        let stuck = self.courses.iter().any(|course| !course.ended);
        Replay { steps: self.records, results, totals, stuck }
    }
}
