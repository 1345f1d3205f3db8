//! Invariants of the plant, checked at the end of every run, in release too.

use super::gpu::work;
use super::pictures::PictureHost;
use super::served::Served;
use super::state::State;
use crate::violation::{Violation, require};
use backends::Compute;
use units::SimTime;

impl<C: Compute> State<'_, C> {
    /// Checks all of them, and the ledger's; `waiting` processes have not ended.
    pub(crate) fn check(&self, now: SimTime, waiting: usize) -> Result<(), Violation> {
        require(waiting == 0, || format!("{waiting} processes wait for something that will not happen"))?;
        let (edges, cloud) = self.gpus.split_at(self.edge_cpus.len());
        self.ledger.check(&[edges, cloud].map(work))?;
        self.conservation_of_bytes()?;
        self.gpus(now)?;
        self.nothing_left()
    }

    /// Checks those of edges that are simulated apart: the ledger's, and the bytes', are looked at when the run is whole again.
    pub(crate) fn check_part(&self, now: SimTime, waiting: usize) -> Result<(), Violation> {
        require(waiting == 0, || format!("{waiting} processes wait for something that will not happen"))?;
        self.gpus(now)?;
        self.nothing_left()
    }

    /// Bytes sent = bytes received + lost, in each direction.
    fn conservation_of_bytes(&self) -> Result<(), Violation> {
        for (traffic, direction) in [(self.up.traffic, "up"), (self.down.traffic, "down")] {
            require(traffic.sent == traffic.received + traffic.lost, || format!("bytes {direction}: {traffic:?}"))?;
        }
        Ok(())
    }

    /// KV blocks allocated + free = total, none allocated at the end; busy time <= elapsed.
    fn gpus(&self, now: SimTime) -> Result<(), Violation> {
        for (index, gpu) in self.gpus.iter().enumerate() {
            gpu.kv.check().map_err(|imbalance| Violation::new(format!("GPU {index}: {imbalance}")))?;
            require(gpu.kv.free_blocks() == gpu.kv.total_blocks(), || format!("GPU {index} still holds KV blocks"))?;
            require(gpu.server.busy() <= now.since_start(), || {
                format!("GPU {index} was busy for longer than the run")
            })?;
            require(gpu.server.busy() == gpu.busy.total(), || format!("GPU {index} counts its busy time two ways"))?;
            require(gpu.is_quiet(), || format!("GPU {index} has work left"))?;
            let left = gpu.served.as_deref().is_none_or(Served::is_empty);
            require(left, || format!("the engine of GPU {index} still has a request or its blocks"))?;
        }
        for (index, cpu) in self.edge_cpus.iter().chain(self.hosts.iter().map(PictureHost::processor)).enumerate() {
            let most = now.since_start().of_servers(cpu.workers());
            require(cpu.busy() <= most, || format!("processor {index} was busy for longer than the run"))?;
        }
        Ok(())
    }

    /// Nothing is in flight any more.
    fn nothing_left(&self) -> Result<(), Violation> {
        let models = self.computes.iter().chain(self.drafters.iter().flatten());
        let left = [(self.messages.len(), "messages"), (models.map(C::open_sequences).sum(), "sequences")];
        left.into_iter().try_for_each(|(count, what)| require(count == 0, || format!("{count} {what} left")))
    }
}
