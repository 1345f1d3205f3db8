//! The engine's tests, one binary.
//!
//! | module | what it holds the engine to |
//! |---|---|
//! | `no_load` | latencies of a client that is alone, by hand, to the nanosecond |
//! | `closed_forms` | latencies of the closed forms |
//! | `batching` | the items of an iteration, and waits for memory |
//! | `beside` | a small model that drafts beside another on one GPU, by hand |
//! | `link` | order, loss, changing rates and sharing of the link |
//! | `hops` | chains of hops, and what differs by direction or over time |
//! | `fall_back` | requests under way whose input an outage holds up |
//! | `host` | pictures on the processors of hosts, by hand |
//! | `parts` | pictures that are sent in parts, by hand |
//! | `splits` | traffic and time of a model that is split between the tiers |
//! | `speculation` | drafts, verdicts and tokens, each accounted for |
//! | `low_confidence` | unsure tokens and ways of verifying |
//! | `semantics` | readings of MSAO's offloading: verified drafts, whole requests, trust |
//! | `modalities` | pictures, video and sound, and the formats of pictures |
//! | `accuracy` | probabilities that answers are right |
//! | `metrics` | sums over requests and shares of iterations, by hand |
//! | `warm_up` | figures without the first requests |
//! | `spans` | spans against the other records |
//! | `tiers` | rejections, by the tiers that a policy uses alone |
//! | `served` | iterations that serving engines form, with their memory and preemptions |
//! | `prefix` | prompts that share content, and sessions of users, by hand |
//! | `trees` | trees of drafts, and queues that policies order, by hand |
//! | `uses` | the parts of the testbed that each policy says it uses |
//! | `properties` | every policy of the list on any platform: runs end, invariants hold, repeats are equal |
//! | `settings` | every setting of the drafting policies with every other |
//! | `fleets` | groups of edges, pools of the cloud, and routers |
//! | `drafted_gains` | measured gains of drafting on one device |
//! | `digest` | golden runs |
//!
//! Each policy of the list is run by its examples, so a new policy is tested by its line in the list.

mod accuracy;
mod ahead;
mod apart;
mod batching;
mod beside;
mod closed_forms;
mod common;
mod digest;
mod drafted_gains;
mod fall_back;
mod fleets;
mod hops;
mod host;
mod link;
mod low_confidence;
mod metrics;
mod modalities;
mod no_load;
mod parts;
mod pieces;
mod prefix;
mod properties;
mod semantics;
mod served;
mod settings;
mod spans;
mod speculation;
mod splits;
mod tiers;
mod trees;
mod uses;
mod warm_up;
