//! The encoder's cache: embeddings of pictures by name, kept after use until the room is needed.

use std::collections::{BTreeMap, VecDeque};

use crate::request::{Id, Picture};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    embeddings: u32,
    /// Requests that need it, with the place of the picture in the prompt.
    holders: Vec<(Id, u32)>,
}

/// Embeddings of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EncoderCache {
    entries: BTreeMap<u64, Entry>,
    /// Entries that nobody holds, the oldest first.
    idle: VecDeque<u64>,
    /// Room that holds nothing.
    free: u32,
    /// Room that holds nothing, or entries that nobody holds.
    freeable: u32,
    /// Pictures that made room since the last step.
    evicted: Vec<u64>,
    held_by_place: bool,
}

impl EncoderCache {
    /// An empty cache.
    pub fn new(embeddings: u32, held_by_place: bool) -> Self {
        Self {
            entries: BTreeMap::new(),
            idle: VecDeque::new(),
            free: embeddings,
            freeable: embeddings,
            evicted: Vec::new(),
            held_by_place,
        }
    }

    /// Room that holds nothing, in embeddings.
    pub fn free(&self) -> u32 {
        self.free
    }

    /// Room that can be had at once, in embeddings.
    pub fn freeable(&self) -> u32 {
        self.freeable
    }

    /// Holds a picture for a place of a request, if it is there.
    pub fn hold(&mut self, name: u64, holder: (Id, u32)) -> bool {
        let Some(entry) = self.entries.get_mut(&name) else { return false };
        if entry.holders.is_empty() {
            self.idle.retain(|idle| *idle != name);
            self.freeable -= entry.embeddings;
        }
        if !entry.holders.contains(&holder) {
            entry.holders.push(holder);
        }
        true
    }

    /// Makes room for so many embeddings, evicting idle pictures if it must; `false` if that is not enough.
    pub fn make_room(&mut self, embeddings: u32) -> bool {
        if embeddings <= self.free {
            return true;
        }
        if embeddings > self.freeable {
            return false;
        }
        while embeddings > self.free
            && let Some(name) = self.idle.pop_front()
        {
            self.free += self.entries.remove(&name).map_or(0, |entry| entry.embeddings);
            self.evicted.push(name);
        }
        true
    }

    /// Adds a picture that is encoded in this step and holds it.
    pub fn add(&mut self, picture: Picture, holder: (Id, u32)) {
        self.free -= picture.tokens;
        self.freeable -= picture.tokens;
        self.entries.insert(picture.name, Entry { embeddings: picture.tokens, holders: vec![holder] });
    }

    /// Lets a picture go that a place of a request has held.
    pub fn release(&mut self, name: u64, (id, place): (Id, u32)) {
        let Some(entry) = self.entries.get_mut(&name) else { return };
        if entry.holders.is_empty() {
            return;
        }
        let by_place = self.held_by_place;
        entry.holders.retain(|holder| holder.0 != id || (by_place && holder.1 != place));
        if entry.holders.is_empty() {
            self.freeable += entry.embeddings;
            self.idle.push_back(name);
        }
    }

    /// Pictures that were evicted since the last call.
    pub fn take_evicted(&mut self) -> Vec<u64> {
        let mut evicted = std::mem::take(&mut self.evicted);
        if self.held_by_place {
            evicted.retain(|name| !self.entries.contains_key(name));
        }
        evicted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Id = Id { place: 1, generation: 0 };
    const TWO: Id = Id { place: 2, generation: 0 };

    fn picture(name: u64, tokens: u32) -> Picture {
        Picture { name, start: 0, tokens }
    }

    #[test]
    fn a_picture_stays_until_its_room_is_needed() {
        let mut cache = EncoderCache::new(100, false);
        assert!(cache.make_room(60) && !cache.make_room(101));
        cache.add(picture(1, 60), (ONE, 0));
        assert!(!cache.make_room(50), "it is held");
        cache.release(1, (ONE, 0));
        assert_eq!((cache.free(), cache.freeable()), (40, 100));
        assert!(cache.hold(1, (TWO, 0)), "another request finds it");
        cache.release(1, (TWO, 0));
        assert!(cache.make_room(50));
        assert_eq!((cache.take_evicted(), cache.free()), (vec![1], 100));
        assert!(!cache.hold(1, (TWO, 0)));
    }

    #[test]
    fn the_oldest_idle_picture_goes_first() {
        let mut cache = EncoderCache::new(90, false);
        for name in [1, 2, 3] {
            cache.add(picture(name, 30), (ONE, name as u32));
        }
        for name in [2, 1, 3] {
            cache.release(name, (ONE, name as u32));
        }
        assert!(cache.make_room(60));
        assert_eq!(cache.take_evicted(), [2, 1]);
    }

    #[test]
    fn a_picture_shown_twice_is_held_by_request_or_by_place() {
        for (by_place, freeable) in [(false, 100), (true, 40)] {
            let mut cache = EncoderCache::new(100, by_place);
            cache.add(picture(1, 60), (ONE, 0));
            cache.hold(1, (ONE, 1));
            cache.release(1, (ONE, 0));
            assert_eq!(cache.freeable(), freeable);
            cache.release(1, (ONE, 1));
            assert_eq!(cache.freeable(), 100);
        }
    }
}
