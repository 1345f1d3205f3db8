//! The turn from a stored picture to the shown one: the orientation that cameras write down.

/// One of the eight orientations of EXIF.
///
/// ```
/// use traces::picture::Turn;
///
/// let quarter = Turn::of(6); // the camera was held on its side
/// assert_eq!(quarter.sides((96, 64)), (64, 96));
/// assert_eq!(quarter.source((0, 0), (96, 64)), (0, 63)); // the lower left corner comes to the top
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn(u8);

impl Turn {
    /// The picture is shown as it is stored.
    pub const NONE: Self = Self(1);

    /// The turn of an orientation; numbers that EXIF does not know turn nothing.
    pub fn of(orientation: u32) -> Self {
        match u8::try_from(orientation) {
            Ok(known @ 1..=8) => Self(known),
            _ => Self::NONE,
        }
    }

    /// Columns and rows of the shown picture, from those of the stored one.
    pub fn sides(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.0 >= 5 { (height, width) } else { (width, height) }
    }

    /// The stored pixel that is shown at a place; `stored` are the stored sides.
    pub fn source(self, (x, y): (u32, u32), (width, height): (u32, u32)) -> (u32, u32) {
        let (right, low) = (width - 1, height - 1);
        match self.0 {
            2 => (right - x, y),
            3 => (right - x, low - y),
            4 => (x, low - y),
            5 => (y, x),
            6 => (y, low - x),
            7 => (right - y, low - x),
            8 => (right - y, x),
            _ => (x, y),
        }
    }
}
