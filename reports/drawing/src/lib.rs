//! Drawing of figures: a sheet that becomes SVG and PNG alike, panels with axes, and one style for all.
//!
//! It knows nothing of results. It is a package of its own so that it is compiled fast even where `reports` is not: a PNG is
//! made of fifteen million pixels. The same drawing gives the same bytes; no font of the system is used.

mod colour;
mod geometry;
mod labels;
mod panel;
mod paper;
mod sheet;
mod style;

pub use colour::{DARK, PALE, contrast, diverging, ink_on};
pub use geometry::{Geometry, Lettering};
pub use labels::Labels;
pub use panel::{Axis, Panel, TICK_PX, grouped};
pub use plotters::style::{RGBColor, WHITE};
pub use sheet::{At, DrawError, Drawing, Drawn, Sheet, geometry, png, svg};
pub use style::{
    AXIS, Across, DARK_PAGE, Down, FAMILY, FONT, Fill, GREY, GRID, INK, Look, Marker, Stroke, Text, bold, looks,
    stroke, text, upright, width_px,
};
