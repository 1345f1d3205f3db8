//! The key `require`: what every policy of a scenario must keep to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A property that every policy must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// No picture, sound or text leaves the edge as such, pruned and compressed ones included: `raw_upload_mb_per_request` is 0.
    NoRawUpload,
}
