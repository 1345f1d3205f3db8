//! The folder for a bare machine: binaries, ONNX Runtime, the small pair and its answers, the scenario, and `run.sh`.
//!
//! The CUDA provider of ONNX Runtime is 284 MB, most of it machine code for GPUs of other generations: all but one is blanked
//! ([`super::fatbin`]) and the rest compressed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::fatbin;
use super::machine::Provider;
use crate::failure::Outcome;
use crate::house::{House, cargo, root};
use crate::onnxruntime;

/// The file by which a packed folder is known.
pub const MARK: &str = "gpu-check.pack";

const RUN: &str = include_str!("run.sh");

/// Most bytes that one transfer takes to some machines.
const ONE_TRANSFER: u64 = 64 << 20;

/// Content of a packed folder, and whether it is compressed.
pub struct Pack {
    /// The provider whose library is packed.
    pub provider: Provider,
    /// Compute capability whose machine code is kept.
    pub sm: u32,
    /// True if nothing is compressed.
    pub plain: bool,
    /// Folder of the binaries; built here if absent.
    pub binaries: Option<PathBuf>,
}

impl Pack {
    /// Makes the folder, and says how large it is.
    pub fn make(&self, folder: &Path) -> Outcome {
        let failed = |error: std::io::Error| format!("cannot write {}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(failed)?;
        if fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(format!("{} is not empty; expected a new folder, remove it first", folder.display()).into());
        }
        let binaries = self.binaries()?;
        for name in ["sim", "xtask"] {
            self.put(&binaries.join(name), folder, name)?;
        }
        self.put_library(folder)?;
        put_models(self, folder)?;
        fs::copy(root().join("scenarios/replay_gpu.toml"), folder.join("replay_gpu.toml")).map_err(failed)?;
        fs::write(folder.join("run.sh"), RUN).map_err(failed)?;
        fs::write(folder.join(MARK), format!("provider = \"{}\"\nsm = {}\n", self.provider.name(), self.sm))
            .map_err(failed)?;
        println!("{}", sizes(folder)?);
        Ok(())
    }

    fn binaries(&self) -> Outcome<PathBuf> {
        if let Some(folder) = &self.binaries {
            return Ok(folder.clone());
        }
        let status = cargo().args(["build", "--release", "--quiet", "--bin", "sim", "--bin", "xtask"]).status();
        match status {
            Ok(status) if status.success() => Ok(House::target()?.join("release")),
            _ => Err("`cargo build --release` failed; its output above says why".to_owned().into()),
        }
    }

    /// The libraries of the provider.
    fn put_library(&self, folder: &Path) -> Outcome {
        match self.provider {
            Provider::Cpu => onnxruntime::require()?,
            Provider::Cuda => onnxruntime::require_cuda()?,
        }
        let of = House::target()?.join("onnxruntime").join(self.provider.name()).join("onnxruntime/capi");
        let entries = fs::read_dir(&of).map_err(|error| format!("cannot read {}: {error}", of.display()))?;
        let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        for name in names.iter().filter(|name| is_needed(name, self.provider)) {
            if name.contains("providers_cuda") {
                let blanked = self.blanked(&of.join(name))?;
                self.put(blanked.path(), folder, name)?;
            } else {
                self.put(&of.join(name), folder, name)?;
            }
        }
        Ok(())
    }

    /// The provider with the machine code of one generation.
    fn blanked(&self, library: &Path) -> Outcome<tempfile::NamedTempFile> {
        let told = |why: String| {
            format!(
                "{}: {why}; expected ONNX Runtime's CUDA provider, and in --sm a GPU that it has code for",
                library.display()
            )
        };
        let mut bytes = fs::read(library).map_err(|error| told(error.to_string()))?;
        let sum = fatbin::blank(&mut bytes, self.sm).map_err(told)?;
        println!(
            "machine code of sm_{}: {} MB kept, {} MB blanked",
            self.sm,
            sum.kept / 1_000_000,
            sum.blanked / 1_000_000
        );
        let file = tempfile::NamedTempFile::new().map_err(|error| format!("cannot make a temporary file: {error}"))?;
        fs::write(file.path(), bytes).map_err(|error| format!("cannot write {}: {error}", file.path().display()))?;
        Ok(file)
    }

    /// Copies a file, or compresses it.
    fn put(&self, from: &Path, folder: &Path, name: &str) -> Outcome {
        let failed = |error: std::io::Error| format!("cannot pack {}: {error}", from.display());
        if self.plain {
            fs::copy(from, folder.join(name)).map_err(failed)?;
            return Ok(());
        }
        let source = fs::File::open(from).map_err(failed)?;
        let packed = fs::File::create(folder.join(format!("{name}.xz"))).map_err(failed)?;
        let status = Command::new("xz")
            .args(["-T1", "--x86", "--lzma2=preset=9e,dict=256MiB", "-c"])
            .stdin(Stdio::from(source))
            .stdout(Stdio::from(packed))
            .status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => {
                Err(format!("xz failed on {} ({status}); make room, or leave it out with --plain", from.display())
                    .into())
            }
            Err(error) => Err(format!("xz does not start: {error}; install xz-utils, or pack with --plain").into()),
        }
    }
}

/// True of the library and of what the provider needs beside it.
fn is_needed(name: &str, provider: Provider) -> bool {
    let library = name.starts_with("libonnxruntime.so.");
    let shared = ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"].contains(&name);
    library || provider == Provider::Cuda && shared
}

/// Packs the small pair and its recorded answers, where they are here; without them the check writes a pair there.
fn put_models(pack: &Pack, folder: &Path) -> Outcome {
    let models = root().join("../shared/models");
    if !models.join("golden/golden.json").is_file() {
        println!("not packed: ../shared/models is not here; the check then writes a small pair");
        return Ok(());
    }
    let archive = tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    let archive = archive.path().join("models.tar");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(&models).arg("--transform").arg("s,^,models/,").arg("-cf").arg(&archive);
    // The pixels of the pictures; other arrays are for tests of parts.
    tar.args(["draft", "target", "golden/golden.json"]).args(pixels(&models)?);
    match tar.status() {
        Ok(status) if status.success() => pack.put(&archive, folder, "models.tar"),
        Ok(status) => Err(format!("tar failed on {} ({status})", models.display()).into()),
        Err(error) => Err(format!("tar does not start: {error}; install tar").into()),
    }
}

/// Files of pixels, from the folder of models.
fn pixels(models: &Path) -> Outcome<Vec<String>> {
    let folder = models.join("golden/npy");
    let entries = fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut pixels: Vec<String> =
        names.filter(|name| name.ends_with(".pixel_values.npy")).map(|name| format!("golden/npy/{name}")).collect();
    pixels.sort();
    Ok(pixels)
}

/// The sizes of the files, and what to do if they are too much for one transfer.
fn sizes(folder: &Path) -> Outcome<String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        files.push((entry.metadata().map_err(failed)?.len(), entry.file_name().to_string_lossy().into_owned()));
    }
    files.sort_by(|a, b| b.cmp(a));
    let sum: u64 = files.iter().map(|(bytes, _)| bytes).sum();
    let mut text: String = files.iter().map(|(bytes, name)| format!("{:>12} {name}\n", bytes)).collect();
    text += &format!("{sum:>12} bytes in {}; run it there with `sh run.sh`\n", folder.display());
    if sum > ONE_TRANSFER {
        text += &format!(
            "more than {ONE_TRANSFER} bytes: where a transfer takes no more, send {} by itself, and the rest in a second one\n",
            files[0].1
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_chosen_by_the_provider() {
        let names = [
            "libonnxruntime.so.1.31.1",
            "libonnxruntime_providers_cuda.so",
            "libonnxruntime_providers_shared.so",
            "libonnxruntime_providers_tensorrt.so",
            "_pybind_state.py",
        ];
        let needed = |provider| names.iter().filter(|name| is_needed(name, provider)).count();
        assert_eq!((needed(Provider::Cpu), needed(Provider::Cuda)), (1, 3));
    }

    #[test]
    fn a_folder_that_is_too_large_for_one_transfer_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("small"), "x").unwrap();
        assert!(!sizes(folder.path()).unwrap().contains("second one"));
        let large = fs::File::create(folder.path().join("large")).unwrap();
        large.set_len(ONE_TRANSFER + 1).unwrap();
        assert!(sizes(folder.path()).unwrap().contains("send large by itself"));
    }
}
