//! Things by number, in 32 bits.

use slab::Slab;

/// Things that each have a number. A number that was given back is the next to be given out, so equal runs give equal numbers.
///
/// Asking by a number that is not given out panics: that is a bug of the caller.
///
/// ```
/// use kernel::Numbered;
///
/// let mut requests = Numbered::default();
/// let [first, second] = ["a", "b"].map(|request| requests.insert(request));
/// assert_eq!(requests.remove(first), "a");
/// assert_eq!((requests.insert("c"), *requests.get(second), requests.len()), (first, "b", 2));
/// ```
#[derive(Clone, Debug)]
pub struct Numbered<T>(Slab<T>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(Slab::new())
    }
}

impl<T> Numbered<T> {
    /// Takes a thing in and gives it a number.
    #[inline]
    pub fn insert(&mut self, thing: T) -> u32 {
        self.0.insert(thing) as u32
    }

    /// Takes a thing out and its number back.
    #[inline]
    pub fn remove(&mut self, number: u32) -> T {
        self.0.remove(number as usize)
    }

    /// The thing of a number.
    #[inline]
    pub fn get(&self, number: u32) -> &T {
        &self.0[number as usize]
    }

    /// The thing of a number, to be changed.
    #[inline]
    pub fn get_mut(&mut self, number: u32) -> &mut T {
        &mut self.0[number as usize]
    }

    /// The thing of a number that may have been given back.
    #[inline]
    pub fn find(&self, number: u32) -> Option<&T> {
        self.0.get(number as usize)
    }

    /// Number of things.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
