//! The kinds of input that MSAO tells apart (Eq. 1: text, vision, audio).

use std::ops::{Index, IndexMut};

/// A kind of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// The prompt's text.
    Text,
    /// Pictures, or the frames of a video.
    Visual,
    /// Sound.
    Audio,
}

impl Modality {
    /// Every modality, in the order in which they are always listed.
    pub const ALL: [Self; 3] = [Self::Text, Self::Visual, Self::Audio];
}

/// One thing for each modality.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PerModality<T>([T; 3]);

impl<T> PerModality<T> {
    /// Makes each of them.
    pub fn of(make: impl FnMut(Modality) -> T) -> Self {
        Self(Modality::ALL.map(make))
    }

    /// Each with its modality.
    pub fn iter(&self) -> impl Iterator<Item = (Modality, &T)> {
        Modality::ALL.into_iter().zip(&self.0)
    }
}

impl<T> Index<Modality> for PerModality<T> {
    type Output = T;
    fn index(&self, modality: Modality) -> &T {
        &self.0[modality as usize]
    }
}

impl<T> IndexMut<Modality> for PerModality<T> {
    fn index_mut(&mut self, modality: Modality) -> &mut T {
        &mut self.0[modality as usize]
    }
}
