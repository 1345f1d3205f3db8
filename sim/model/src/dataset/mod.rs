//! Datasets as data: the shape of a benchmark's requests, of which requests are drawn.

mod named;
mod sessions;
mod shape;
mod size;
mod spread;
mod value;

pub use named::{Law, Named};
pub use sessions::Sessions;
pub use shape::{Drawn, Shape};
pub use size::{Sides, Size};
pub use spread::{Draw, Spread};
pub use value::{Pixels, Quantity, Value};
