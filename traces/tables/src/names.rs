//! Words that stand in columns: enums whose values have one name each, in the engine, in files and in figures alike.

/// Declares an enum together with the name of each of its values.
macro_rules! names {
    ($(
        $(#[$about:meta])*
        pub enum $enum:ident {
            $( $(#[doc = $meaning:literal])+ $value:ident = $name:literal, )+
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum {
            $( $(#[doc = $meaning])+ $value, )+
        }

        impl $enum {
            /// Every value, in the order of the declaration.
            pub const ALL: &'static [Self] = &[$( Self::$value, )+];

            /// The name of the value in files.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$value => $name, )+
                }
            }

            /// The sentence that declares the value.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $( Self::$value => concat!($($meaning),+).trim_ascii(), )+
                }
            }

            /// The value of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }
        }

        impl Default for $enum {
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl $crate::cell::Name for $enum {
            const ALL: &'static [Self] = $enum::ALL;
            const WORD: &'static str = stringify!($enum);

            fn name(self) -> &'static str {
                self.name()
            }

            fn place(self) -> usize {
                self as usize
            }
        }
    )+};
}

names! {
    /// The tier of a step.
    pub enum Side {
        /// An edge.
        Edge = "edge",
        /// The cloud.
        Cloud = "cloud",
    }

    /// The end of a request.
    pub enum Status {
        /// The request was answered.
        Completed = "completed",
        /// The request was turned away: a tier that its policy uses has no room for its prompt and answer.
        Rejected = "rejected",
        /// The client had given up when the answer came (`workload.timeout`).
        TimedOut = "timed_out",
    }

    /// A reason why a request was not served as it was asked for.
    pub enum Shortfall {
        /// Rejected: the prompt and its answer are longer than the context window of the edge's model.
        EdgeContext = "edge_context",
        /// Rejected: the prompt and its answer are longer than the context window of the cloud's model.
        CloudContext = "cloud_context",
        /// Rejected: the prompt and its answer have no room in the KV cache of an edge.
        EdgeMemory = "edge_memory",
        /// Rejected: the prompt and its answer have no room in the KV cache of a GPU of the cloud.
        CloudMemory = "cloud_memory",
        /// Timed out: the answer came later than `workload.timeout` allows.
        TimedOut = "timed_out",
        /// Answered, but no further than `workload.max_output_tokens`.
        Cut = "cut",
    }

    /// The end of a search for a capacity.
    pub enum Finding {
        /// Two values that are 2 % apart, or whole numbers in a row: one surely meets the targets, the other surely misses one.
        Found = "found",
        /// The runs that were allowed did not suffice: the answer lies between the two values, as far as they are known.
        Bracket = "bracket",
        /// No value that may be looked at meets the targets.
        Never = "never",
        /// Every value that may be looked at meets the targets.
        Always = "always",
    }

    /// The verdict on a choice beside the others of its policy.
    pub enum Standing {
        /// It surely meets the targets, and of those that do has the least mean.
        Cheapest = "cheapest",
        /// It surely meets the targets, and its interval reaches down to the cheapest one's.
        Perhaps = "as_cheap_perhaps",
        /// It surely meets the targets, at more.
        Dearer = "met",
        /// It surely misses a target.
        Missed = "missed",
        /// The runs that were allowed did not suffice.
        Unsure = "not_known",
    }

    /// The model whose answer it is.
    pub enum Author {
        /// The edge's model.
        Edge = "edge",
        /// The cloud's model, or tokens that it verified.
        Cloud = "cloud",
        /// Unverified tokens of the edge's model beside tokens of the cloud's.
        Both = "both",
    }

    /// The place of a span.
    pub enum Lane {
        /// No place: the span is the request as a whole.
        Request = "request",
        /// The processor of the request's edge.
        EdgeCpu = "edge_cpu",
        /// The GPU of the request's edge.
        EdgeGpu = "edge_gpu",
        /// The link from edge to cloud.
        Uplink = "uplink",
        /// The processor of a server of the cloud.
        CloudCpu = "cloud_cpu",
        /// A GPU of the cloud.
        CloudGpu = "cloud_gpu",
        /// The link from cloud to edge.
        Downlink = "downlink",
    }

    /// The state of a request during a span.
    pub enum Phase {
        /// The request is served, from its submission to its last token.
        Whole = "whole",
        /// The request waits for its turn: from asking to being taken.
        Queued = "queued",
        /// The request has lost its KV blocks to another one, and waits to be computed again.
        Preempted = "preempted",
        /// An iteration of a GPU, or a processor, computes for the request.
        Running = "running",
        /// A message waits for the handshake of its connection.
        Connecting = "connecting",
        /// A message, or the rest of it, waits until its connection's window has room: packets are not acknowledged yet.
        Window = "window",
        /// A message is put on the link, from its first bit to its last.
        Sending = "sending",
        /// A message has left and has not arrived: propagation, jitter and repetition of lost packets.
        Flying = "flying",
    }

    /// The kind of a step or span: work of a processor or GPU, or the content of a message.
    pub enum Kind {
        /// The request as a whole.
        Request = "request",
        /// The edge's processor prepares pictures and sound.
        Preprocess = "preprocess",
        /// The edge's processor plans.
        Plan = "plan",
        /// The first layers of the encoders measure the modalities.
        Probe = "probe",
        /// A vision tower encodes pictures.
        Encode = "encode",
        /// A model reads a prompt.
        Prefill = "prefill",
        /// A model makes one token of an answer.
        Decode = "decode",
        /// The draft model makes one token of a draft.
        Draft = "draft",
        /// The target model judges drafted tokens.
        Verify = "verify",
        /// The edge's layers of a split model run.
        LowerLayers = "lower_layers",
        /// The cloud's layers of a split model run.
        UpperLayers = "upper_layers",
        /// A message brings the input.
        Input = "input",
        /// A message brings hidden states.
        Hidden = "hidden",
        /// A message brings drafted tokens.
        Drafts = "drafts",
        /// A message brings a verdict on drafted tokens.
        Verdict = "verdict",
        /// A message brings a token.
        Token = "token",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_of_one_value() {
        fn check<N: Copy + PartialEq + std::fmt::Debug>(
            all: &[N],
            name: fn(N) -> &'static str,
            named: fn(&str) -> Option<N>,
        ) {
            for value in all {
                assert_eq!(named(name(*value)), Some(*value));
            }
            assert_eq!(named("nothing"), None);
        }
        check(Side::ALL, Side::name, Side::named);
        check(Status::ALL, Status::name, Status::named);
        check(Author::ALL, Author::name, Author::named);
        check(Finding::ALL, Finding::name, Finding::named);
        check(Standing::ALL, Standing::name, Standing::named);
        check(Lane::ALL, Lane::name, Lane::named);
        check(Phase::ALL, Phase::name, Phase::named);
        check(Kind::ALL, Kind::name, Kind::named);
    }
}
