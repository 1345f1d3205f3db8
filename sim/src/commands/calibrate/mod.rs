//! `sim calibrate`: fits laws of a step to measured steps, and says how wrong they are on configurations that they have not
//! seen.
//!
//! Rows come from tables ([`tables`]), of steps or of kernels ([`kernels`]), or from results folders ([`folder`]). They are put into
//! [`set::Set`]s: one for each device, model, engine and kind of step. Steps of several kinds at once judge their laws ([`mixed`]). [`split`] withholds whole configurations, [`fit`] finds the coefficients of a
//! form, [`choose`] decides between form and table on a split of its own, and [`report`] prints. What comes out is a
//! [`crate::scenario::profile`], which scenarios name. [`preprocess`] and [`tokens`] do the same for a processor and for the token process.
//! [`served`] fits an engine's constants to whole requests instead.

mod args;
mod beside;
mod choose;
pub mod command;
mod fit;
pub mod folder;
mod kernels;
mod mixed;
mod notes;
pub mod preprocess;
pub mod report;
mod served;
mod set;
mod sheets;
mod simplex;
pub mod split;
mod tables;
pub mod tokens;

#[cfg(test)]
mod tests;

pub use args::Args;
#[cfg(feature = "onnx")]
pub use beside::Beside;
pub use command::run;
