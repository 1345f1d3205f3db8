//! The list of formats: the one place that names them. Scenarios, their schema, hashes and refusals follow from it.

use super::{Format, FormatEntry, Requests, TraceFile};
use crate::TraceError;
use schemars::JsonSchema;
use serde::de::MapAccess;
use serde::{Deserialize, Serialize};

macro_rules! formats {
    ($($(#[doc = $doc:literal])* $name:ident: $format:ident,)*) => {
        $(pub use super::$name::$format;)*

        /// A trace of requests: its format, and its files.
        #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum RequestTrace {
            $($(#[doc = $doc])* $format($format),)*
        }

        impl RequestTrace {
            /// Every format.
            pub const FORMATS: &[FormatEntry] = &[$(FormatEntry {
                name: stringify!($name),
                description: concat!($($doc),*).trim_ascii_start(),
                example: <$format as Format>::EXAMPLE,
            }),*];

            /// The trace of the format `name` whose files are the next value of a table; none if no format has that name.
            ///
            /// # Errors
            /// If the value is none of the format's.
            pub fn next_value<'de, A: MapAccess<'de>>(name: &str, table: &mut A) -> Result<Option<Self>, A::Error> {
                match name {
                    $(stringify!($name) => Ok(Some(Self::$format(table.next_value()?))),)*
                    _ => Ok(None),
                }
            }

            /// Name of the format in scenarios.
            pub fn format(&self) -> &'static str {
                match self { $(Self::$format(_) => stringify!($name),)* }
            }

            /// True if requests may have pictures.
            pub fn has_pictures(&self) -> bool {
                match self { $(Self::$format(_) => <$format as Format>::PICTURES,)* }
            }

            /// True if requests may have a video or sound.
            pub fn moves(&self) -> bool {
                match self { $(Self::$format(_) => <$format as Format>::MOVES,)* }
            }

            /// Every file that it reads.
            pub fn files(&mut self) -> Vec<&mut TraceFile> {
                match self { $(Self::$format(format) => format.files(),)* }
            }

            /// Opens the files for their requests; the places of the files must have been found.
            ///
            /// # Errors
            /// If a file cannot be opened, or is seen not to be of the format.
            pub fn read(&self) -> Result<Requests, TraceError> {
                let read = match self { $(Self::$format(format) => format.read(),)* };
                read.map_err(|refusal| crate::requests::recognise::named(self.format(), refusal))
            }
        }
    };
}

#[cfg(test)]
pub(super) use formats;

// To add a format: its file in this folder with its `mod` line, and its line here, under the name of its file.
formats! {
    /// Records of AIPerf, `profile_export.jsonl`.
    aiperf: Aiperf,
    /// Trace of Azure's LLM inference service, CSV.
    azure_llm: AzureLlm,
    /// Trace of Azure's multimodal inference service, CSV.
    azure_lmm: AzureLmm,
    /// BurstGPT, CSV.
    burstgpt: Burstgpt,
    /// Report of guidellm, JSON.
    guidellm: Guidellm,
    /// Responses of llama.cpp's server with their `timings`, JSON.
    llama_server: LlamaServer,
    /// Mooncake trace or one of its kin, JSONL.
    mooncake: Mooncake,
    /// Qwen-Bailian trace, JSONL.
    qwen_bailian: QwenBailian,
    /// Requests in our own CSV (docs/traces.md): arrivals, lengths, pictures, and for `sim validate` how a server fared.
    served: Served,
    /// ServeGen's clients: laws of arrival and length, from which requests are drawn.
    servegen: Servegen,
    /// Conversations of ShareGPT, JSON, whose lengths a tokenizer counts.
    sharegpt: Sharegpt,
    /// Result of `vllm bench serve --save-detailed`, JSON.
    vllm_bench: VllmBench,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, refusal, trace};
    use std::path::Path;

    #[test]
    fn examples_are_of_their_formats_and_list_their_files() {
        for entry in RequestTrace::FORMATS {
            let mut trace = trace(entry.name, entry.example);
            assert_eq!(trace.format(), entry.name);
            assert_eq!(trace.files().len(), entry.example.matches("FILE").count(), "{}", entry.name);
            assert!(entry.description.ends_with('.'), "{}: {}", entry.name, entry.description);
        }
    }

    /// A file that a format forgets to list is never read, wherever it lies.
    #[test]
    fn only_listed_files_are_read() {
        let file = file_with(b"");
        for FormatEntry { name, example, .. } in RequestTrace::FORMATS {
            let mut trace = trace(name, &example.replace("FILE", &file.path().display().to_string()));
            let refused = refusal(&trace);
            assert!(refused.contains("a file that is not among the files of its format"), "{name}: {refused}");
            trace.files().into_iter().for_each(|file| file.find(Path::to_owned));
            let refused = refusal(&trace);
            assert!(refused.contains("an empty file"), "{name}: {refused}");
        }
    }
}
