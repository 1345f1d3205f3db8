//! The modules of a package as they are written, and which of them names which.

mod imports;
mod macros;
mod paths;
mod resolve;
mod tree;

#[cfg(test)]
mod tests;

pub use imports::{Level, levels};
pub use tree::{Tree, module_folder};
