//! Sessions of users: turns that repeat what was said before.

use super::{Draw, Law, Spread};
use kernel::Streams;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::SimDuration;

/// Sessions of users. Each turn repeats the session so far, and is sent a while after the answer to the one before.
///
/// ```
/// use kernel::Streams;
/// use model::dataset::Sessions;
/// use units::SimDuration;
///
/// let sessions: Sessions = toml::from_str("turns = 4\nthink = \"10 s\"").expect("sessions");
/// assert_eq!(sessions.draw_turns(Streams::new(1), 0), 4);
/// assert_eq!(sessions.draw_think(Streams::new(1), 1), SimDuration::from_secs(10));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Number of turns of a session, 1 to 100, e.g. `4` or `{ geometric = { mean = 3.5 } }`.
    pub turns: Law<u32>,
    /// Time between an answer and the next turn, e.g. `"10 s"`; default 0.
    #[serde(default = "at_once")]
    pub think: Law<SimDuration>,
}

fn at_once() -> Law<SimDuration> {
    Spread::Constant(SimDuration::ZERO)
}

/// Most turns of a session: what a distribution draws beyond it becomes it.
const MOST_TURNS: u32 = 100;

/// Longest time to think.
const LONGEST: SimDuration = SimDuration::from_secs(30 * 86_400);

impl Sessions {
    /// Draws the turns of the session whose first turn is this request.
    pub fn draw_turns(&self, streams: Streams, first: u64) -> u32 {
        self.turns.draw(&mut streams.stream("session/turns", first)).clamp(1, MOST_TURNS)
    }

    /// Draws the time between the answer before this request and this request.
    pub fn draw_think(&self, streams: Streams, request: u64) -> SimDuration {
        self.think.draw(&mut streams.stream("session/think", request)).min(LONGEST)
    }

    /// Checks both quantities. The error has the key, and what was found and expected.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        self.turns.check(1, MOST_TURNS).map_err(|expected| ("turns", expected))?;
        self.think.check(SimDuration::ZERO, LONGEST).map_err(|expected| ("think", expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(keys: &str) -> Sessions {
        toml::from_str(keys).unwrap_or_else(|error| panic!("{keys}: {error}"))
    }

    #[test]
    fn both_quantities_are_checked() {
        for (keys, key) in [
            ("turns = 0", "turns"),
            ("turns = 101", "turns"),
            ("turns = { geometric = { mean = 0.5 } }", "turns"),
            ("turns = 2\nthink = \"800 h\"", "think"),
            ("turns = 2\nthink = { lognormal = { median = \"9 s\", sigma = -1 } }", "think"),
        ] {
            let Ok(sessions) = toml::from_str::<Sessions>(keys) else { panic!("{keys}") };
            assert_eq!(sessions.check().map_err(|(key, _)| key), Err(key), "{keys}");
        }
        assert_eq!(
            sessions("turns = [[1, 2], [5, 1]]\nthink = { gamma = { mean = \"9 s\", shape = 1 } }").check(),
            Ok(())
        );
    }

    #[test]
    fn turns_stay_in_their_range_whatever_is_drawn() {
        let sessions = sessions("turns = { geometric = { mean = 90.0 } }");
        let drawn: Vec<u32> = (0..200).map(|first| sessions.draw_turns(Streams::new(1), first)).collect();
        assert!(drawn.iter().all(|turns| (1..=100).contains(turns)) && drawn.contains(&100));
        assert_eq!(sessions.draw_think(Streams::new(1), 3), SimDuration::ZERO);
    }
}
