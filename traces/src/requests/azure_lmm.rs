//! Azure LMM inference trace: CSV, with images.
//!
//! Published at <https://github.com/Azure/AzurePublicDataset> with the header
//! `TIMESTAMP,NumImages,ContextTokens,GeneratedTokens`. Its description says that `ContextTokens` counts text and images
//! together and does not tell them apart. So a request with images has all of them in `text_tokens` and `None` in
//! `image_tokens`: whoever knows how many tokens its model makes of an image may take them out.

use super::{
    Format, Requests, TraceFile, TraceRequest,
    azure::{Layout, read as read_layouts, timestamp},
};
use crate::{TraceError, rows::Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use units::SimDuration;

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
        read(self.0.path()?).map(Requests::Listed)
    }
}

const LAYOUTS: [Layout; 2] = [
    Layout {
        header: "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens",
        request: |row| request(row, timestamp(row, 0)?),
    },
    Layout {
        header: "arrival_s,num_images,context_tokens,generated_tokens",
        request: |row| request(row, SimDuration::from_ns(row.fixed_point(0, 9)?)),
    },
];

fn read(path: &Path) -> Result<Vec<TraceRequest>, TraceError> {
    read_layouts(path, &LAYOUTS)
}

fn request(row: &Row<'_>, arrival: SimDuration) -> Result<TraceRequest, TraceError> {
    let images = row.count(1)?;
    let text_tokens = row.count(2)?;
    let output_tokens = row.count(3)?;
    let image_tokens = (images == 0).then_some(0);
    Ok(TraceRequest { arrival, text_tokens, images, image_tokens, output_tokens })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file_with;

    #[test]
    fn image_tokens_are_unknown_where_there_are_images() {
        let text = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n\
                    2024-10-15 12:00:00.000000,2,1400,30\n\
                    2024-10-15 12:00:00.250000,0,12,5\n";
        let requests = read(file_with(text.as_bytes()).path()).unwrap();
        assert_eq!((requests[0].images, requests[0].text_tokens, requests[0].image_tokens), (2, 1400, None));
        assert_eq!((requests[1].images, requests[1].text_tokens, requests[1].image_tokens), (0, 12, Some(0)));
        assert_eq!(requests[1].arrival, SimDuration::from_ms(250));
    }

    #[test]
    fn the_header_of_the_text_trace_is_refused() {
        let text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-10-15 12:00:00,1400,30\n";
        let refused = read(file_with(text.as_bytes()).path()).unwrap_err().to_string();
        assert!(
            refused.contains("expected the header TIMESTAMP,NumImages,ContextTokens,GeneratedTokens or"),
            "{refused}"
        );
    }
}
