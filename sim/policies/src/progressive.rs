//! Progressive semantic communication (Hsu, Cheng, Papagianni; arXiv 2604.26508): the cloud asks for as much of a picture as it needs.
//!
//! 1. The edge encodes a picture, and codes the tokens into four ordered chunks. It sends the first.
//! 2. The cloud decodes, predicts if the picture is good enough, and if not asks for the next: a round trip each. There is no deadline,
//!    and nobody looks at the rate.
//! 3. Then the cloud answers.
//!
//! Its one-bit case is a crop by request (Song, Kim; arXiv 2512.16349): the cloud answers from a small picture; if it is not sure, by the
//! min-entropy of its answer, it asks for a region at full quality, and answers again from both.
//!
//! Seen: of the first the abstract, and a careful reading second hand with the tables; of the second the abstract and the steps second hand.
//! Chunks are as measured, in JSON: a quarter of 192.3 KiB. Assumed: each further chunk is asked for with chance .2; of the right answers
//! 95 % remain with one chunk (less than 5 points are lost) and all with four, evenly between; coding and prediction take no time (.01 s
//! of 6.94). For the crop: the small picture has a tenth of the pixels; 30 % of the requests are asked again, for a quarter of the picture;
//! the first answer is withheld until it is judged; no right answer is lost or won. The tower on the edge is that of the cloud's model.

use crate::settings::{Idle, idle_if, payload};
use crate::testbed::{Cloud, Edge, Testbed};
use crate::{About, Asked, Briefing, Policy, ServedBy, Uses};
use kernel::Streams;
use model::{
    modality::Modality,
    request::{Input, Kept, PruneStage},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{Bytes, Ratio};

/// Settings of progressive coding: the parts of a picture, and how often the cloud asks for another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Progressive {
    /// The parts that a picture is sent in.
    pub parts: Parts,
    /// Chance that the cloud asks for more.
    pub asks: Ratio,
}

/// The parts of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Parts {
    /// Four chunks of its coded tokens, of so many bytes each.
    Chunks(Bytes),
    /// A small picture, and on request a region.
    Crop(Crop),
}

/// A small picture, and a region of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Crop {
    /// Share of the pixels of the small picture.
    pub small: Ratio,
    /// Share of the picture of the region.
    pub region: Ratio,
}

impl Default for Crop {
    fn default() -> Self {
        Self { small: Ratio::new(0.1), region: Ratio::new(0.25) }
    }
}

/// Chunks of a picture, and the share of the right answers that is lost with the first alone.
const CHUNKS: u32 = 4;
const LOST: f64 = 0.05;

impl Default for Progressive {
    fn default() -> Self {
        Self { parts: Parts::Chunks(Bytes::new(192_300 * 1024 / 1000 / 4)), asks: Ratio::new(0.2) }
    }
}

impl Progressive {
    /// A crop by request with its defaults.
    fn crop() -> Self {
        Self { parts: Parts::Crop(Crop::default()), asks: Ratio::new(0.3) }
    }

    /// Chunks that a request needs: each further one is asked for with the same chance, whatever the plant.
    fn chunks(&self, request: u64) -> u32 {
        let draws = Streams::new(0).keyed("progressive", request);
        let more = (0..u64::from(CHUNKS) - 1).take_while(|chunk| draws.unit(*chunk) < self.asks.as_f64());
        1 + more.count() as u32
    }

    /// Sends chunks one after the other, as they are asked for, and has the question answered from them.
    async fn in_chunks<B: Testbed>(&self, bed: &B, chunk: Bytes) -> ServedBy {
        let mut input = Input::whole(bed.prompt());
        let Some(images) = &mut input.prompt.images else {
            bed.cloud().answer(&input).await;
            return ServedBy::Cloud;
        };
        (images.payload, images.encoded) = (chunk, true);
        input.handling.prune_stage = PruneStage::PostVit;
        let chunks = self.chunks(input.prompt.request);
        bed.cloud().answer_in_parts(&input, chunks).await;
        ServedBy::Published(kept(chunks))
    }

    /// Has the question answered from a small picture, and again with a region of it if the cloud asks for that.
    async fn by_crop<B: Testbed>(&self, bed: &B, Crop { small, region }: Crop) -> ServedBy {
        let whole = Input::whole(bed.prompt());
        let part = |share: Ratio| {
            let mut input = whole;
            input.kept[Modality::Visual] = Kept { retention: share.as_f64(), compression: 0.0 };
            input
        };
        let is_asked = whole.prompt.images.is_some() && self.chunks(whole.prompt.request) > 1;
        if is_asked {
            bed.cloud().consider(&part(small)).await;
        }
        let share = if is_asked { small.as_f64() + region.as_f64() } else { small.as_f64() };
        bed.cloud().answer(&part(Ratio::new(share.min(1.0)))).await;
        ServedBy::Published(1.0)
    }
}

/// Share of the right answers that remain with so many chunks, at least one.
fn kept(chunks: u32) -> f64 {
    1.0 - LOST * f64::from(CHUNKS - chunks) / f64::from(CHUNKS - 1)
}

impl About for Progressive {
    fn uses(&self) -> Uses {
        let encodes = matches!(self.parts, Parts::Chunks(_));
        Uses { cloud: true, edge_model: encodes, encodes, ..Uses::default() }
    }

    fn idle(&self, asked: Asked) -> Vec<Idle> {
        idle_if(!asked.pictures, &["parts", "asks"], "no request has pictures")
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        match self.parts {
            Parts::Chunks(bytes) if payload("parts.chunks", bytes).is_err() => payload("parts.chunks", bytes),
            Parts::Chunks(Bytes::ZERO) => Err(("parts.chunks", "expected more than 0 B".to_owned())),
            Parts::Crop(Crop { small: Ratio::ZERO, .. }) => {
                Err(("parts.crop.small", "expected a share above 0".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn examples() -> Vec<(&'static str, Self)> {
        vec![("", Self::default()), ("crop", Self::crop())]
    }
}

impl Policy for Progressive {
    type Memory = ();

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, (): &()) -> ServedBy {
        bed.edge().preprocess().await;
        match self.parts {
            Parts::Chunks(chunk) => self.in_chunks(bed, chunk).await,
            Parts::Crop(crop) => self.by_crop(bed, crop).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With one chunk 5 points of 100 are lost, with two two thirds of them, with all none.
    #[test]
    fn right_answers_that_remain_by_hand() {
        for (chunks, expected) in [(1, 0.95), (2, 1.0 - 0.1 / 3.0), (3, 1.0 - 0.05 / 3.0), (4, 1.0)] {
            assert!((kept(chunks) - expected).abs() < 1e-12, "{chunks}: {}", kept(chunks));
        }
    }

    #[test]
    fn chunks_are_asked_for_with_the_same_chance_each() {
        let of = |asks: f64| Progressive { asks: Ratio::new(asks), ..Progressive::default() };
        assert!((0..100).all(|request| of(0.0).chunks(request) == 1 && of(1.0).chunks(request) == CHUNKS));
        // 1 + .5 + .25 + .125 in the mean.
        let mean = (0..4000).map(|request| f64::from(of(0.5).chunks(request))).sum::<f64>() / 4000.0;
        assert!((mean - 1.875).abs() < 0.06, "{mean}");
    }
}
