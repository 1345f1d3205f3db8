//! The bundled scenarios that the referee's sentences and tables are made of.

macro_rules! bundled {
    ($($scenario:ident = $name:literal,)+) => {
        /// A bundled scenario.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Bundled {
            $( $scenario, )+
        }

        impl Bundled {
            /// Every one of them.
            pub const ALL: &[Self] = &[ $( Self::$scenario, )+ ];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$scenario => $name, )+
                }
            }
        }
    };
}

bundled! {
    Ablation = "ablation",
    BreakEvenRttAcceptance = "break_even_rtt_acceptance",
    BreakEvenRttSilence = "break_even_rtt_silence",
    Covspec = "covspec",
    Load = "load",
    MindfusionTable2 = "mindfusion_table2",
    MoaOff = "moa_off",
    Paper = "paper",
    Pipesd = "pipesd",
    Progressive = "progressive",
    Silence = "silence",
    Specedge = "specedge",
    Speculation = "speculation",
    Tornado = "tornado",
    Wisp = "wisp",
}
