//! `sim capacity`: the largest load, or the fewest of something, with which a policy meets targets.
//!
//! One key varies. Values are judged by replications ([`loads`]): a value meets the targets if the mean of each is within its bound,
//! and surely if the whole interval is ([`verdict`]). The search ([`search`]) doubles or halves the value until the answer lies
//! between two that are sure, bisects, and puts runs around it ([`crossing`]). [`choices`] finds the cheapest of several. What was run is a
//! results folder like any other ([`folder`]), with the values or choices that were looked at, and with the table of the answers.

mod args;
mod axis;
mod choices;
mod command;
mod crossing;
mod folder;
mod loads;
mod search;
mod verdict;

pub use args::Args;
pub use command::run;
