//! Requests drawn from ServeGen's laws.

use kernel::{Stream, Streams, draw};
use traces::requests::{Discrete, Interarrival, Pictures, ServeGen, ServeGenClient, TraceRequest};
use units::{Ratio, SimDuration};

/// Draws requests from ServeGen's laws: each client is a renewal process whose law and rate change from window to
/// window, and each request's lengths come from the client's own distributions. Only this share of the requests is
/// kept, drawn one by one, and of those at most the first `requests`.
pub fn draw_servegen(laws: &ServeGen, streams: Streams, requests: u64, share: Ratio) -> Vec<TraceRequest> {
    let mut all = Vec::new();
    for client in &laws.clients {
        let mut stream = streams.stream("servegen", u64::from(client.id));
        for (index, window) in client.arrivals.iter().enumerate() {
            let Some(law) = &window.law else { continue };
            let end = client.arrivals.get(index + 1).map_or(window.start + SERVEGEN_WINDOW, |next| next.start);
            let mut at = window.start.as_secs_f64() + interarrival(law, window.rate_per_s, &mut stream);
            while at < end.as_secs_f64() {
                // Thinning keeps the law of the lengths, whatever the share.
                if draw::uniform(&mut stream) < share.as_f64() {
                    all.push(draw_lengths(client, SimDuration::from_secs_f64(at), &mut stream));
                }
                at += interarrival(law, window.rate_per_s, &mut stream);
            }
        }
    }
    // Stable: clients that coincide keep their order.
    all.sort_by_key(|request| request.arrival);
    all.truncate(usize::try_from(requests).unwrap_or(usize::MAX));
    all
}

/// Length of a window where no other follows.
const SERVEGEN_WINDOW: SimDuration = SimDuration::from_secs(600);

fn interarrival(law: &Interarrival, rate_per_s: f64, stream: &mut Stream) -> f64 {
    match *law {
        Interarrival::Exponential => draw::exponential(stream) / rate_per_s,
        Interarrival::Gamma { shape, scale } => draw::gamma(shape, scale, stream),
        Interarrival::Weibull { shape, scale } => draw::weibull(shape, scale, stream),
    }
}

fn draw_lengths(client: &ServeGenClient, at: SimDuration, stream: &mut Stream) -> TraceRequest {
    let window = client.tokens.iter().rev().find(|window| window.start <= at).unwrap_or(&client.tokens[0]);
    let mut draw = |law: &Discrete| law.quantile(draw::uniform(stream));
    let images = draw(&window.image_count);
    let each = draw(&window.image_tokens);
    TraceRequest {
        pictures: Pictures::of_tokens(images, each.saturating_mul(images)),
        ..TraceRequest::text(at, draw(&window.text_tokens), draw(&window.output_tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use traces::requests::{ArrivalWindow, TokenWindow};

    #[test]
    fn a_request_is_as_long_as_its_window_says() {
        let always = |value| Discrete { values: vec![value], cumulative: vec![1.0] };
        let window = |start, tokens| TokenWindow {
            start: SimDuration::from_secs(start),
            text_tokens: always(tokens),
            image_tokens: always(0),
            image_count: always(0),
            output_tokens: always(tokens),
        };
        let arrivals =
            ArrivalWindow { start: SimDuration::from_secs(0), rate_per_s: 1.0, law: Some(Interarrival::Exponential) };
        let tokens = vec![window(0, 10), window(200, 20), window(400, 30)];
        let laws =
            ServeGen { clients: vec![ServeGenClient { id: 1, arrivals: vec![arrivals], tokens }], remarks: Vec::new() };
        let drawn = draw_servegen(&laws, Streams::new(1), u64::MAX, Ratio::ONE);
        assert!(drawn.len() > 500, "{}", drawn.len());
        for request in drawn {
            let windows = (request.arrival.as_secs_f64() / 200.0) as u32;
            assert_eq!(request.output_tokens, 10 * (windows + 1), "{}", request.arrival);
        }
    }
}
