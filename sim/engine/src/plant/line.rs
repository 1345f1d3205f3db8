//! A waiting line whose first member stands in place.

use std::collections::VecDeque;

/// A waiting line, first come first. An edge of one client never has a second member in it, and then it owns no memory.
pub(crate) struct Line<T> {
    /// None only of an empty line.
    first: Option<T>,
    #[expect(
        clippy::box_collection,
        reason = "a queue in place takes 24 bytes more, of which most lines never make use"
    )]
    behind: Option<Box<VecDeque<T>>>,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { first: None, behind: None }
    }
}

impl<T> Line<T> {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(crate) fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    #[inline]
    pub(crate) fn push_back(&mut self, one: T) {
        if self.first.is_none() {
            self.first = Some(one);
        } else {
            self.behind.get_or_insert_default().push_back(one);
        }
    }

    /// Lets one in before everybody else.
    #[inline]
    pub(crate) fn push_front(&mut self, one: T) {
        if let Some(second) = self.first.replace(one) {
            self.behind.get_or_insert_default().push_front(second);
        }
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let first = self.first.take();
        self.move_up();
        first
    }

    /// Takes out the first member of whom this is true.
    pub(crate) fn take_first(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        if self.first.as_ref().is_some_and(&is_it) {
            return self.pop_front();
        }
        let behind = self.behind.as_deref_mut()?;
        let place = behind.iter().position(is_it)?;
        behind.remove(place)
    }

    /// Keeps the members of whom this is true.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&T) -> bool) {
        if let Some(behind) = self.behind.as_deref_mut() {
            behind.retain(&is_kept);
        }
        self.first.take_if(|first| !is_kept(first));
        if self.first.is_none() {
            self.move_up();
        }
    }

    /// The members, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.behind.iter().flat_map(|behind| &**behind))
    }

    /// Lets the second member be the first, who has left.
    #[inline]
    fn move_up(&mut self) {
        if let Some(behind) = self.behind.as_deref_mut() {
            self.first = behind.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Line;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    proptest! {
        #[test]
        fn a_line_is_a_queue(steps in prop::collection::vec((0..5, 0..8_u32), 1..40)) {
            let (mut line, mut queue) = (Line::default(), VecDeque::new());
            for (step, one) in steps {
                match step {
                    0 => { line.push_back(one); queue.push_back(one); }
                    1 => { line.push_front(one); queue.push_front(one); }
                    2 => prop_assert_eq!(line.pop_front(), queue.pop_front()),
                    3 => {
                        let place = queue.iter().position(|other| *other == one);
                        prop_assert_eq!(line.take_first(|other| *other == one), place.and_then(|at| queue.remove(at)));
                    }
                    _ => { line.retain(|other| *other != one); queue.retain(|other| *other != one); }
                }
                prop_assert_eq!((line.is_empty(), line.front()), (queue.is_empty(), queue.front()));
                prop_assert!(line.iter().eq(&queue));
            }
        }
    }
}
