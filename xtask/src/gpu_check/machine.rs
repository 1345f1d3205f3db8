//! The device that is to be checked, and what it has to have.

use std::process::Command;

use crate::failure::{Failure, Outcome, UNAVAILABLE};

/// The execution provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The processor: a rehearsal.
    Cpu,
    /// A GPU of NVIDIA's.
    Cuda,
}

impl Provider {
    /// Name of the provider in `sim`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        }
    }
}

/// Facts about the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its name, as the machine says it.
    pub name: String,
    /// Version of the GPU's driver.
    pub driver: Option<String>,
    /// Its memory, or what is free of the processor's.
    pub memory_mib: u64,
}

/// The oldest driver that runs CUDA 13.
const OLDEST_DRIVER: u64 = 580;

/// Memory of weights, activations and caches of the smaller model in 16 bits; a processor widens it, which a rehearsal does not do.
const LEAST_MIB: u64 = 8192;

/// Question to the driver's program.
const QUERY: [&str; 2] = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits"];

impl Machine {
    /// The device of a provider.
    pub fn find(provider: Provider) -> Outcome<Self> {
        match provider {
            Provider::Cpu => Ok(processor()),
            Provider::Cuda => gpu().and_then(Self::suffices),
        }
    }

    /// Refuses a GPU that cannot do it.
    fn suffices(self) -> Outcome<Self> {
        let Self { name, driver, memory_mib } = &self;
        let version = driver.clone().unwrap_or_default();
        let major: Option<u64> = version.split('.').next().and_then(|major| major.parse().ok());
        if major.is_none_or(|major| major < OLDEST_DRIVER) {
            return Err(unavailable(format!(
                "{name} has the driver {version:?}; expected {OLDEST_DRIVER} or newer, which CUDA 13 needs; install it, or take \
                 another machine"
            )));
        }
        if *memory_mib < LEAST_MIB {
            return Err(unavailable(format!(
                "{name} has {memory_mib} MiB of memory; expected {LEAST_MIB} MiB, which the smaller model needs; take a larger GPU"
            )));
        }
        Ok(self)
    }
}

/// A failure that is the machine's.
pub fn unavailable(finding: String) -> Failure {
    Failure::with_code(UNAVAILABLE, finding)
}

fn processor() -> Machine {
    let text = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let value = |text: &str, key: &str| -> Option<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':').map(|(_, value)| value))?;
        Some(line.trim().to_owned())
    };
    let name = value(&text("/proc/cpuinfo"), "model name");
    let free = value(&text("/proc/meminfo"), "MemAvailable");
    let free_kib: Option<u64> = free.and_then(|free| free.split_whitespace().next()?.parse().ok());
    Machine {
        name: name.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        driver: None,
        memory_mib: free_kib.unwrap_or(0) / 1024,
    }
}

fn gpu() -> Outcome<Machine> {
    let remedy = "take a machine with a GPU of NVIDIA's, or rehearse with --provider cpu";
    let output = Command::new("nvidia-smi").args(QUERY).output();
    let output =
        output.map_err(|error| unavailable(format!("no GPU: nvidia-smi does not start ({error}); {remedy}")))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let why = format!("{said}{}", String::from_utf8_lossy(&output.stderr)).trim().replace('\n', " ");
        return Err(unavailable(format!("no GPU: nvidia-smi says {why:?}; {remedy}")));
    }
    parsed(&said)
        .ok_or_else(|| unavailable(format!("no GPU: nvidia-smi names none, it says {:?}; {remedy}", said.trim())))
}

/// The first GPU of what `nvidia-smi` says.
fn parsed(said: &str) -> Option<Machine> {
    let columns: Vec<&str> = said.lines().next()?.split(',').map(str::trim).collect();
    let [name, driver, memory] = columns.as_slice() else { return None };
    Some(Machine { name: (*name).to_owned(), driver: Some((*driver).to_owned()), memory_mib: memory.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_that_suffices_is_taken() {
        let machine = parsed("NVIDIA H200, 580.159.04, 143771\n").unwrap().suffices().unwrap();
        assert_eq!((&*machine.name, machine.memory_mib), ("NVIDIA H200", 143_771));
        assert_eq!(parsed(""), None);
        assert_eq!(parsed("No devices were found"), None);
    }

    #[test]
    fn old_drivers_and_small_memories_are_refused_with_the_code_of_machines() {
        for (said, expected) in [
            ("Tesla T4, 470.82.01, 15360", "has the driver \"470.82.01\"; expected 580 or newer"),
            ("A card, [N/A], 15360", "has the driver \"[N/A]\""),
            ("RTX A2000, 580.65.06, 6138", "has 6138 MiB of memory; expected 8192 MiB"),
        ] {
            let failure = parsed(said).unwrap().suffices().unwrap_err();
            assert_eq!(failure.code(), UNAVAILABLE);
            assert!(failure.to_string().contains(expected), "{failure}");
        }
    }
}
