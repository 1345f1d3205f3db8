//! `semantics = "trust"`: tokens that the edge is sure of are committed as they are, and nobody verifies them. The other
//! reading of "adaptive speculative": fast, and no longer lossless.

use crate::batch::Batch;
use crate::speculation::{At, Gate, Speculation};
use crate::testbed::{Cloud, Edge, Testbed};
use model::decoding::Verdict;

/// Answers with the edge's model, except for tokens that it is not sure of: those the cloud makes. The edge has read its
/// prompt, the cloud is opened.
pub(crate) async fn run<B: Testbed>(bed: &B, speculation: &Speculation, theta: &mut impl Gate) {
    // Tokens that the cloud has not seen yet.
    let mut trusted = Vec::new();
    let mut round = 1;
    loop {
        let token = bed.edge().decode().await;
        if theta.is_confident(&token, &At::new(bed, round)) {
            bed.edge().trust(&token);
            trusted.push(token);
            if token.token.ends {
                return;
            }
            continue;
        }
        bed.edge().rewind(token.position);
        let state = speculation.state(&trusted, &token);
        let batch = Batch { bonus: true, judged: false, ..speculation.batch(&trusted, &token, state) };
        bed.edge().note_threshold(theta.theta_nats(), Some(&token));
        let made = bed.cloud().verify(&batch, &speculation.verify).await;
        bed.edge().commit(&made);
        if made.ends {
            return;
        }
        // Nobody has judged them, but they stand: for the threshold they are accepted.
        let stand = trusted.len() as u32;
        theta.sent(&trusted);
        theta.learn(&Verdict { accepted: stand, drafted: stand, ..made }, &At::new(bed, round));
        theta.doubt();
        trusted.clear();
        round += 1;
    }
}
