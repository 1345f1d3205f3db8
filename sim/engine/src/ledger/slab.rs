//! Numbers that are given out, given back and given out again.

/// A slab: numbers that are given out, given back and given out again.
pub(crate) struct Slab<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(crate) fn insert(&mut self, item: T) -> u32 {
        match self.free.pop() {
            Some(index) => {
                self.items[index as usize] = Some(item);
                index
            }
            None => {
                self.items.push(Some(item));
                self.items.len() as u32 - 1
            }
        }
    }

    pub(crate) fn remove(&mut self, index: u32) -> T {
        let item = self.items[index as usize].take().expect("an occupied place");
        self.free.push(index);
        item
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> &T {
        self.items[index as usize].as_ref().expect("an occupied place")
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        self.items[index as usize].as_mut().expect("an occupied place")
    }

    /// The item at an index, if there is one.
    #[inline]
    pub(crate) fn find(&self, index: u32) -> Option<&T> {
        self.items.get(index as usize).and_then(Option::as_ref)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }
}
