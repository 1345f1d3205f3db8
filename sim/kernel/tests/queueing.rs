//! Queueing systems simulated through the kernel against their closed forms.
//!
//! `cargo test -p kernel --test queueing -- --nocapture --test-threads 1` prints the table of errors. Every tolerance is
//! four standard errors, measured in the test over independent replications; nothing is fitted.

#[path = "queueing/models.rs"]
mod models;
#[path = "queueing/table.rs"]
mod table;

#[path = "queueing/batching.rs"]
mod batching;
#[path = "queueing/many_servers.rs"]
mod many_servers;
#[path = "queueing/networks.rs"]
mod networks;
#[path = "queueing/one_server.rs"]
mod one_server;
#[path = "queueing/pipelines.rs"]
mod pipelines;
#[path = "queueing/sharing.rs"]
mod sharing;
