//! Quantities with their unit in the type, and one strict way to write them as text.
//!
//! A quantity is text of the form `<number> <unit>`, for example `200 Mbps`, `20 ms` or `24 GiB`:
//!
//! - The number is decimal digits with an optional fraction: `20`, `1.5`, `1_000_000`. Underscores may stand between
//!   digits. There is no sign, no exponent, no infinity.
//! - Exactly one space follows. `20ms` is refused.
//! - The unit is one of a closed table for the type, and case matters: `Mbps` is not `mbps`, and `MB/s` is not a bit
//!   rate.
//!
//! A number without a unit is refused, in text and in scenario files, with the units to choose from. No unit is
//! assumed.
//!
//! Durations, byte counts and bit rates are integers (nanoseconds, bytes, bits a second). Their text is read exactly, digit
//! by digit, and refused if it cannot be held exactly: `0.5 ns` has no meaning here. What is printed, by `Display`, `Debug`
//! or serde, always reads back to exactly the same value.
//!
//! ```
//! use units::{BitsPerSecond, Bytes, SimDuration};
//!
//! let rate: BitsPerSecond = "200 Mbps".parse()?;
//! let image: Bytes = "1.5 MB".parse()?;
//! assert_eq!(rate.transfer_time(image), SimDuration::from_ms(60));
//! assert_eq!(rate.to_string(), "200 Mbps");
//!
//! let refused = "200 MBps".parse::<BitsPerSecond>().unwrap_err();
//! assert!(refused.to_string().contains("a byte has 8 bits"));
//! # Ok::<(), units::QuantityError>(())
//! ```
//!
//! This package knows nothing of simulations, models or networks, and depends on nothing in the house.

mod amount;
mod compute;
mod data;
mod decimal;
mod energy;
mod error;
mod overflow;
mod quantile;
mod quantity;
mod rate;
mod ratio;
mod server_time;
mod table;
mod text;
mod time;

pub use amount::{Amount, amount, is_amount_unit};
pub use compute::{Flops, FlopsPerSecond};
pub use data::{BitsPerSecond, Bytes, BytesPerSecond};
pub use energy::{Joules, Watts};
pub use error::QuantityError;
pub use overflow::{Overflow, overflow};
pub use quantile::quantile;
pub use rate::PerSecond;
pub use ratio::Ratio;
pub use server_time::ServerTime;
pub use time::{SimDuration, SimTime};
