//! Sessions whose drafts come from outside: cases worked by hand, and laws for workloads of all kinds.

#[path = "support/held.rs"]
mod held;

use held::held;
use proptest::collection::vec;
use proptest::prelude::*;
use serving::{Admission, Entry, Id, Replica, Request, Rules, Settings, Status, Step, Work};

fn replica(rules: Rules, blocks: u32, sequences: u32) -> Replica {
    let settings = Settings { block_tokens: 4, blocks, sequences, prefix_cache: false, ..Settings::default() };
    Replica::new(rules, settings)
}

/// Forms a step and ends it; the rows are computed before, tokens and drafts.
fn step(replica: &mut Replica) -> Vec<(u32, u32, u32)> {
    let step = replica.schedule();
    replica.complete(&step, |_| unreachable!("there are no drafts but those of sessions"));
    step.work.iter().map(|work| (work.computed, work.tokens, work.drafted)).collect()
}

/// A prompt of 6 tokens. Of 3 drafts 1 is right: the answer has 2 tokens, the second of which is not computed. Then
/// none is drafted, and the engine's own token costs one pass.
#[test]
fn a_session_keeps_its_place_between_its_rounds() {
    let mut replica = replica(Rules::vllm_0_19(), 8, 4);
    let id = replica.submit(Request::session(1, 6));
    assert_eq!(step(&mut replica), [(0, 6, 0)]);
    assert_eq!((step(&mut replica), replica.running()), (vec![], &[id][..]));
    replica.offer(id, 3);
    assert_eq!(step(&mut replica), [(6, 3, 3)]);
    replica.settle(id, 1, true);
    replica.offer(id, 0);
    assert_eq!(step(&mut replica), [(7, 1, 0)]);
    replica.settle(id, 2, true);
    replica.offer(id, 2);
    assert_eq!(step(&mut replica), [(8, 3, 2)]);
    // Both are right, and no bonus is wanted: every token is computed.
    replica.settle(id, 5, false);
    replica.offer(id, 1);
    assert_eq!(step(&mut replica), [(11, 1, 1)]);
    replica.cancel(id);
    assert!(replica.is_idle() && replica.free_blocks() == 8);
}

/// Five blocks of 4 tokens. A session of 8 waits for drafts while an answer grows to 13 tokens and takes its blocks. Its
/// verdict then pays for its prompt and its answer of one token again.
#[test]
fn a_session_that_is_parked_pays_for_its_prompt_again() {
    let mut replica = replica(Rules::vllm_0_19(), 5, 4);
    let other = replica.submit(Request::text(2, 9, 8));
    let session = replica.submit(Request::session(1, 8));
    assert_eq!(step(&mut replica), [(0, 9, 0), (0, 8, 0)]);
    // The prompt's last position brings its first token.
    replica.settle(session, 0, true);
    for computed in 9..13 {
        assert_eq!(step(&mut replica), [(computed, 1, 0)]);
    }
    assert_eq!(replica.sequence(session).map(|session| session.status()), Some(Status::Parked));
    replica.offer(session, 2);
    while replica.sequence(other).is_some() {
        assert_eq!(step(&mut replica).len(), 1);
    }
    assert_eq!(step(&mut replica), [(0, 11, 2)]);
}

/// Steps of 4 tokens, and a prompt of 6. A batch of 5 drafts takes two steps; behind a known token one of 3 takes one, and one of 4
/// takes two.
#[test]
fn a_batch_that_no_step_has_room_for_is_verified_in_pieces() {
    for asynchronous in [false, true] {
        let settings = Settings { step_tokens: 4, blocks: 8, block_tokens: 4, ..Settings::default() };
        let mut replica = Replica::new(Rules { asynchronous, ..Rules::vllm_0_19() }, settings);
        let id = replica.submit(Request::session(1, 6));
        assert_eq!([step(&mut replica), step(&mut replica)], [[(0, 4, 0)], [(4, 2, 0)]]);
        replica.offer(id, 5);
        assert_eq!([step(&mut replica), step(&mut replica)], [[(6, 4, 4)], [(10, 1, 1)]]);
        assert_eq!(step(&mut replica), [], "it waits for its verdict");
        replica.settle(id, 5, true);
        replica.offer(id, 3);
        assert_eq!(step(&mut replica), [(11, 4, 3)]);
        replica.settle(id, 6, true);
        replica.offer(id, 4);
        assert_eq!([step(&mut replica), step(&mut replica)], [[(12, 4, 3)], [(16, 1, 1)]]);
    }
}

/// A replica of one place. Who waits for drafts makes way for a prompt where nobody else runs, for the next drafts of the
/// other may depend on it.
#[test]
fn a_session_that_waits_makes_way_where_nobody_else_runs() {
    let mut replica = replica(Rules::vllm_0_19(), 8, 1);
    let first = replica.submit(Request::session(1, 6));
    assert_eq!(step(&mut replica), [(0, 6, 0)]);
    replica.settle(first, 0, true);
    let second = replica.submit(Request::session(2, 5));
    assert_eq!(step(&mut replica), [(0, 5, 0)]);
    assert_eq!(replica.sequence(first).map(|session| session.status()), Some(Status::Parked));
    replica.settle(second, 0, true);
    replica.offer(first, 2);
    assert_eq!(step(&mut replica), [(0, 9, 2)]);
    assert_eq!(replica.sequence(second).map(|session| session.preemptions()), Some(1));
}

/// A session between its rounds, or the end of it.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// Drafts after so many steps.
    Offer { steps: usize, drafts: u32 },
    /// The engine writes on by itself.
    WriteOn,
    /// It ends.
    Cancel,
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        8 => (0..6usize, 0..6u32).prop_map(|(steps, drafts)| Next::Offer { steps, drafts }),
        1 => Just(Next::WriteOn),
        1 => Just(Next::Cancel),
    ]
}

/// Sessions, each with its rounds, among requests that the engine answers by itself.
#[derive(Clone, Debug)]
struct Workload {
    rules: Rules,
    settings: Settings,
    /// The step in which each comes, its prompt, and its rounds; none for a request.
    all: Vec<(usize, u32, Option<Vec<Next>>)>,
}

fn workload() -> impl Strategy<Value = Workload> {
    let rules = prop::sample::select(Rules::all());
    let one = (0..30usize, 1..40u32, prop::option::of(vec(next(), 0..8)));
    let settings = (1..6u32, 2..50u32, 14..30u32, any::<[bool; 2]>(), prop::option::of(1..20u32));
    (rules, settings, vec(one, 1..14)).prop_map(
        |(rules, (sequences, step_tokens, blocks, [prefix_cache, full_prompt_gate], threshold), all)| {
            // A slot has room for a session whatever its rounds.
            let sequences = if rules.admission == Admission::Slot { 1 } else { sequences };
            let settings = Settings {
                sequences,
                step_tokens,
                blocks,
                prefix_cache,
                full_prompt_gate,
                long_prompt_threshold: threshold,
                block_tokens: 8,
                context: blocks * 8,
                ..Settings::default()
            };
            Workload { rules, settings, all }
        },
    )
}

/// A session that is being served.
#[derive(Debug)]
struct Client {
    id: Id,
    rounds: std::vec::IntoIter<Next>,
    /// Drafts that are offered in a step to come.
    due: Option<(usize, u32)>,
    offered: Option<u32>,
    /// Drafts of the batch that earlier steps have computed.
    drafted: u32,
}

impl Client {
    /// Goes on after a verdict, or after the prompt. False once it has left.
    fn go_on(&mut self, replica: &mut Replica, now: usize) -> bool {
        match self.rounds.next().unwrap_or(Next::Cancel) {
            Next::Offer { steps, drafts } => self.due = Some((now + steps, drafts)),
            Next::WriteOn => {
                let outputs = replica.sequence(self.id).expect("it is there").outputs();
                replica.write_on(self.id, outputs + 5);
                return false;
            }
            Next::Cancel => {
                replica.cancel(self.id);
                return false;
            }
        }
        true
    }

    fn offer(&mut self, replica: &mut Replica, now: usize) {
        if let Some((_, drafts)) = self.due.take_if(|(step, _)| *step <= now) {
            replica.offer(self.id, drafts);
            self.offered = Some(drafts);
        }
    }

    /// Takes the end of a step that had work for it. False once it has left.
    fn end(&mut self, work: &Work, replica: &mut Replica, now: usize) -> bool {
        // After a preemption the batch is computed anew.
        let before = if work.entry == Entry::Running { self.drafted } else { 0 };
        self.drafted = before + work.drafted;
        if !work.samples {
            let all = self.offered.map(|offered| offered + 1);
            let is_cut = all.is_some_and(|all| all > replica.settings().step_tokens);
            assert!(work.drafted == 0 || is_cut, "drafts that fit into a step are verified together");
            return true;
        }
        let drafted = std::mem::take(&mut self.drafted);
        let outputs = replica.sequence(self.id).expect("it is there").outputs();
        if let Some(offered) = self.offered.take() {
            assert_eq!(drafted, offered, "all drafts are verified");
            let accepted = (work.computed + work.blocks) % (offered + 1);
            replica.settle(self.id, outputs + accepted, true);
        } else {
            replica.settle(self.id, outputs, true);
        }
        self.go_on(replica, now)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever waits is served in the end, and drafts are verified together.
    #[test]
    fn every_batch_has_its_verdict_and_no_block_is_lost(workload in workload()) {
        let mut replica = Replica::new(workload.rules.clone(), workload.settings.clone());
        let mut coming = workload.all.clone();
        coming.sort_by_key(|(step, ..)| *step);
        let mut coming = coming.into_iter().peekable();
        let mut clients: Vec<Client> = Vec::new();
        let (mut now, mut idle, mut in_flight) = (0, 0, None::<Step>);
        while coming.peek().is_some() || !clients.is_empty() || !replica.is_idle() {
            while let Some((_, prompt, rounds)) = coming.next_if(|(step, ..)| *step <= now) {
                let source = 100 + now as u64 * 100 + clients.len() as u64;
                match rounds {
                    None => drop(replica.submit(Request::text(source, prompt, 9))),
                    Some(rounds) => {
                        let id = replica.submit(Request::session(source, prompt));
                        clients.push(Client { id, rounds: rounds.into_iter(), due: None, offered: None, drafted: 0 });
                    }
                }
            }
            clients.iter_mut().for_each(|client| client.offer(&mut replica, now));
            let step = replica.schedule();
            prop_assert!(step.tokens() <= workload.settings.step_tokens);
            prop_assert!(replica.running().len() <= workload.settings.sequences as usize);
            prop_assert_eq!(held(&replica) + replica.free_blocks(), workload.settings.blocks, "no block is lost");
            for work in &step.work {
                prop_assert!(work.computed + work.tokens <= work.blocks * workload.settings.block_tokens);
            }
            idle = if step.work.is_empty() { idle + 1 } else { 0 };
            prop_assert!(idle < 60, "nothing moves: {:?}", clients);
            let over = if workload.rules.asynchronous { in_flight.replace(step) } else { Some(step) }.unwrap_or_default();
            replica.complete(&over, |_| 0);
            for work in &over.work {
                let place = clients.iter().position(|client| client.id == work.id);
                if let Some(place) = place.filter(|place| !clients[*place].end(work, &mut replica, now)) {
                    clients.remove(place);
                }
            }
            now += 1;
        }
        prop_assert_eq!(replica.free_blocks(), workload.settings.blocks);
    }
}
