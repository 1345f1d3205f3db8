//! Links: transfers that queue for a rate (FIFO) or share it (max-min fair).

mod fair;
mod fifo;
mod rate;

pub use fair::FairLink;
pub use fifo::FifoLink;
pub use rate::RateProfile;
