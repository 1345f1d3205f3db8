//! Azure LMM inference trace: CSV, with images.
//!
//! Published at <https://github.com/Azure/AzurePublicDataset> with the header
//! `TIMESTAMP,NumImages,ContextTokens,GeneratedTokens`. Its description says that `ContextTokens` counts text and images
//! together and does not tell them apart. So [`TOKENS_PER_IMAGE`] of them are taken to be each image's.

use super::{
    Format, Pictures, RequestStream, Requests, ServedRequest, TraceFile,
    azure::{self, Columns, column},
};
use crate::{TraceError, rows::Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file of a trace of Azure's multimodal inference service.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AzureLmm(TraceFile);

impl Format for AzureLmm {
    const EXAMPLE: &str = "\"FILE\"";
    const PICTURES: bool = true;

    fn files(&mut self) -> Vec<&mut TraceFile> {
        vec![&mut self.0]
    }

    fn read(&self) -> Result<Requests, TraceError> {
        open(self.0.path()?).map(Requests::Listed)
    }
}

const EXPECTED: &str = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens or \
                        arrival_s,num_images,context_tokens,generated_tokens";

/// Visual tokens of a picture of 640 x 480, where a trace does not tell them from its text tokens. An assumption.
pub const TOKENS_PER_IMAGE: u32 = 391;

fn open(path: &Path) -> Result<RequestStream, TraceError> {
    let file = azure::open(path, EXPECTED)?;
    let columns = Columns::of(&file, EXPECTED)?;
    let images = column(&file, "NumImages")?.ok_or_else(|| file.lacks(&format!("the columns {EXPECTED}")))?;
    Ok(RequestStream::csv(file, move |row| request(&columns, images, row).map(Some)))
}

fn request(columns: &Columns, images: usize, row: &Row<'_>) -> Result<ServedRequest, TraceError> {
    let mut request = columns.read(row)?;
    let images = row.count(images)?;
    let tokens = TOKENS_PER_IMAGE.saturating_mul(images).min(request.text_tokens.saturating_sub(1));
    request.pictures = Pictures::of_tokens(images, tokens);
    request.text_tokens -= tokens;
    Ok(request.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_as;
    use units::SimDuration;

    #[test]
    fn images_have_a_stated_share_of_the_context() {
        let text = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n\
                    2024-10-15 12:00:00.000000,2,1400,30\n\
                    2024-10-15 12:00:00.250000,0,12,5\n\
                    2024-10-15 12:00:00.250000,3,12,5\n";
        let requests = read_as("azure_lmm", text.as_bytes()).unwrap();
        let of = |number: usize| (requests[number].request.text_tokens, requests[number].request.pictures);
        assert_eq!(of(0), (618, Pictures::of_tokens(2, 782)));
        assert_eq!(of(1), (12, None));
        assert_eq!(of(2), (1, Pictures::of_tokens(3, 11)));
        assert_eq!(requests[1].request.arrival, SimDuration::from_ms(250));
    }

    #[test]
    fn the_text_trace_is_refused() {
        let text = b"TIMESTAMP,ContextTokens,GeneratedTokens\n2024-10-15 12:00:00,1400,30\n";
        let refused = read_as("azure_lmm", text).unwrap_err();
        assert!(
            refused.contains("expected the columns TIMESTAMP,NumImages,ContextTokens,GeneratedTokens or"),
            "{refused}"
        );
    }
}
