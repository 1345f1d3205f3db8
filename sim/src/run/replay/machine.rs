//! The machine that plays real models: its name for what executes them, and the driver.

use backends::onnx::Provider;
use std::process::Command;

/// The device that executes graphs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The machine's name for its processor, or NVIDIA's for its GPU.
    pub device_name: String,
    /// Version of the GPU's driver, if a GPU plays.
    pub driver: Option<String>,
}

impl Machine {
    /// The device of a provider, asked of the machine.
    pub fn of(provider: Provider) -> Self {
        match provider {
            Provider::Cpu => Self { device_name: processor(), driver: None },
            Provider::Cuda => gpu(),
        }
    }
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

/// The first GPU that `nvidia-smi` names.
fn gpu() -> Machine {
    let asked = Command::new("nvidia-smi").args(["--query-gpu=name,driver_version", "--format=csv,noheader"]).output();
    let told = asked.ok().filter(|done| done.status.success());
    let told = told.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
    match told.lines().next().and_then(|line| line.rsplit_once(',')) {
        Some((name, driver)) => Machine { device_name: name.trim().to_owned(), driver: Some(driver.trim().to_owned()) },
        None => Machine { device_name: "a GPU without a name".to_owned(), driver: None },
    }
}
