//! The host of a server: its processor works on the pictures of prompts before they are read, and keeps what it made of them.

use kernel::{FifoServer, Service};
use std::collections::BTreeMap;
use units::{SimDuration, SimTime};

/// Pixels of the pictures that are kept: 4 GiB (vLLM's `mm_processor_cache_gb`) at 12 bytes a pixel, three colours of 16 bits in both
/// frames of a pair, as Qwen's towers take them.
const KEPT_PIXELS: u64 = (4 << 30) / 12;

/// Pictures that later prompts may show again: their name, and their pixels.
pub(crate) type Shown = (u64, u64);

/// One processor, and the pictures that it need not work on again.
pub(crate) struct PictureHost {
    processor: FifoServer,
    kept: Kept,
}

impl PictureHost {
    pub(crate) fn new() -> Self {
        Self { processor: FifoServer::new(1), kept: Kept::default() }
    }

    pub(crate) fn processor(&self) -> &FifoServer {
        &self.processor
    }

    /// Works on pictures for so long behind those before them, or not at all if they are kept from an earlier prompt.
    pub(crate) fn serve(&mut self, now: SimTime, duration: SimDuration, shown: Option<Shown>) -> Service {
        let is_kept = shown.is_some_and(|pictures| self.kept.finds(pictures, KEPT_PIXELS));
        self.processor.serve(now, if is_kept { SimDuration::ZERO } else { duration })
    }
}

/// The pictures that were shown last, up to a number of pixels.
#[derive(Default)]
struct Kept {
    /// The place of each picture in the order of showing.
    places: BTreeMap<u64, u64>,
    in_order: BTreeMap<u64, Shown>,
    next_place: u64,
    pixels: u64,
}

impl Kept {
    /// True if pictures are kept. They are from now on, and those that were not shown for longest make room; what is larger than the
    /// whole is never kept.
    fn finds(&mut self, pictures: Shown, most: u64) -> bool {
        let (name, pixels) = pictures;
        if pixels > most {
            return false;
        }
        let earlier = self.places.insert(name, self.next_place).and_then(|place| self.in_order.remove(&place));
        self.in_order.insert(self.next_place, pictures);
        self.next_place += 1;
        self.pixels += if earlier.is_some() { 0 } else { pixels };
        while self.pixels > most
            && let Some((_, (name, pixels))) = self.in_order.pop_first()
        {
            self.places.remove(&name);
            self.pixels -= pixels;
        }
        earlier.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_were_not_shown_for_longest_make_room() {
        let mut kept = Kept::default();
        let found = [1, 2, 1, 3, 2, 1, 9].map(|name| kept.finds((name, 40), 100));
        // 1 and 2 fit; 3 takes the place of 2, which takes that of 1 when it is shown again.
        assert_eq!(found, [false, false, true, false, false, false, false]);
        assert!(!kept.finds((7, 101), 100) && !kept.finds((7, 101), 100), "what is larger than the whole is not kept");
        assert!(kept.finds((9, 40), 100), "and makes nothing else go");
        assert_eq!((kept.pixels, kept.places.len(), kept.in_order.len()), (80, 2, 2));
    }
}
