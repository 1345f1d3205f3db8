//! The key `workload.warm_up`: a number of requests, or a time.

use super::Source;
use crate::terminal::Failure;
use engine::Workload;
use schemars::JsonSchema;
use serde::de::{Deserializer, Error, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use units::SimDuration;

/// The key.
const KEY: &str = "workload.warm_up";

/// Requests at the start of a run that no figure counts: the first so many, e.g. `100`, or those that arrive before a time,
/// e.g. `30 s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
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

impl WarmUp {
    /// True if it leaves nothing out.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Requests(0) | Self::Time(SimDuration::ZERO))
    }

    /// The words before requests of which those of the warm-up are left out.
    pub fn left_out(&self) -> &'static str {
        if self.is_none() { "" } else { "but for the warm-up, " }
    }
}

impl From<WarmUp> for engine::WarmUp {
    fn from(written: WarmUp) -> Self {
        match written {
            WarmUp::Requests(requests) => Self::Requests(requests),
            WarmUp::Time(time) => Self::Time(time),
        }
    }
}

/// Refuses a number of requests that leaves nothing. Of a time, only the run can tell.
pub fn check(source: &Source, workload: &Workload) -> Result<(), Failure> {
    let requests = workload.len();
    match workload.warm_up {
        engine::WarmUp::Requests(first) if first >= requests && first > 0 => {
            let found = format!("leaves no request: a run has {requests} requests");
            Err(source.refuse_key(KEY, &format!("{found}; expected a shorter one, or more requests")))
        }
        _ => Ok(()),
    }
}

impl<'de> Deserialize<'de> for WarmUp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// Tells a number of requests and a time apart.
struct Written;

impl Visitor<'_> for Written {
    type Value = WarmUp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of requests, e.g. 100, or a time, e.g. \"30 s\"")
    }

    fn visit_u64<E: Error>(self, requests: u64) -> Result<WarmUp, E> {
        Ok(WarmUp::Requests(requests))
    }

    fn visit_i64<E: Error>(self, requests: i64) -> Result<WarmUp, E> {
        let refused = |_| E::invalid_value(Unexpected::Signed(requests), &self);
        u64::try_from(requests).map(WarmUp::Requests).map_err(refused)
    }

    fn visit_str<E: Error>(self, time: &str) -> Result<WarmUp, E> {
        SimDuration::deserialize(time.into_deserializer()).map(WarmUp::Time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::Value;

    #[test]
    fn a_number_is_of_requests_and_a_text_is_a_time() {
        let read = |value: Value| WarmUp::deserialize(value).map_err(|error| error.to_string());
        let cases = [
            (Value::from(0), WarmUp::default(), true),
            (Value::from(100), WarmUp::Requests(100), false),
            (Value::from("30 s"), WarmUp::Time(SimDuration::from_secs(30)), false),
            (Value::from("0 ns"), WarmUp::Time(SimDuration::ZERO), true),
        ];
        for (value, warm_up, is_none) in cases {
            assert_eq!(read(value.clone()), Ok(warm_up));
            assert_eq!((Value::try_from(warm_up).expect("TOML"), warm_up.is_none()), (value, is_none));
        }
        for (value, told) in [(Value::from(-1), "-1"), (Value::from(1.5), "1.5"), (Value::from("30"), "\"30\"")] {
            let refused = read(value).expect_err("no warm-up");
            assert!(refused.contains(told), "{refused}");
        }
    }
}
