//! Models with the published architectures, in the layout of the hub: with random weights, or small ones with trained weights.
//!
//! Published weights cannot be had everywhere, and how long a step takes does not depend on them: only on the operators, the
//! sizes and the precision, which are the published ones here. What such a model says is noise, and a draft's tokens are hardly
//! ever the target's; `config.json` says so.
//!
//! A folder is whole or not there. The same recipe gives the same bytes.

mod blocks;
mod build;
mod decoder;
mod files;
#[cfg(test)]
mod fitted_tests;
mod proto;
mod shape;
mod tokenizer;
mod tower;
mod trained;
mod weights;

pub use blocks::Attention;
pub use shape::{Family, RELEASES, Release, Shape, Tower};
pub use trained::Trained;
pub use weights::Dtype;

use crate::error::{OnnxError, Result, refused};
use build::GraphBuilder;
use std::io;
use std::path::Path;
use trained::Tensors;
use weights::{Source, hash, random};

/// The file of a draft's folder with the probe's heads that were fitted to it.
const HEADS: &str = "probe_heads.toml";

/// A model to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The dimensions.
    pub shape: Shape,
    /// The precision.
    pub dtype: Dtype,
    /// The operators of attention.
    pub attention: Attention,
    /// The seed of the weights, used with the shape's name.
    pub seed: u64,
}

/// The numbers of weights of a model's graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// The decoder, its head included.
    pub decoder: u64,
    /// The embedding.
    pub embedding: u64,
    /// The vision tower.
    pub vision: u64,
}

impl Recipe {
    fn graphs(&self) -> [GraphBuilder; 3] {
        let Self { shape, dtype, attention, .. } = self;
        [
            decoder::decoder(shape, *dtype, *attention),
            decoder::embedding(shape, *dtype),
            tower::vision(shape, *dtype, *attention),
        ]
    }

    /// The numbers of weights of the graphs.
    pub fn parameters(&self) -> Parameters {
        let [decoder, embedding, vision] = self.graphs().map(|graph| graph.parameters());
        Parameters { decoder, embedding, vision }
    }

    /// Bytes of all weights, which is what `written` is told of, piece by piece.
    pub fn bytes(&self) -> u64 {
        self.graphs().iter().map(GraphBuilder::bytes).sum()
    }

    /// Fills an empty folder with the weights of the shape: trained ones, or random ones of the seed.
    fn write(&self, folder: &Path, written: &mut dyn FnMut(u64)) -> io::Result<()> {
        let Some(trained) = self.shape.trained else {
            return self.fill(folder, &random(hash(self.seed, self.shape.name.as_bytes())), written);
        };
        let tensors = Tensors::of(trained.weights, &self.graphs())?;
        self.fill(folder, &|weight, at, values| tensors.fill(weight, at, values), written)?;
        trained.heads.map_or(Ok(()), |heads| std::fs::write(folder.join(HEADS), heads))
    }

    /// Fills an empty folder.
    fn fill(&self, folder: &Path, source: &Source<'_>, written: &mut dyn FnMut(u64)) -> io::Result<()> {
        let onnx = folder.join("onnx");
        std::fs::create_dir_all(&onnx)?;
        for graph in self.graphs() {
            graph.write(&onnx, source, written)?;
        }
        for (name, content) in files::files(&self.shape, self.dtype, self.seed) {
            // A large one is for no reader.
            let text = if name == "tokenizer.json" { content.to_string() } else { format!("{content:#}\n") };
            std::fs::write(folder.join(name), text)?;
        }
        Ok(())
    }
}

/// Writes models, each into its folder of `target`, which must not be there or be empty. `written` is told how many bytes of
/// weights came to those before.
///
/// # Errors
/// Something is in the way, or the place cannot be written to or is full; nothing is left of it then.
pub fn write(models: &[(&str, Recipe)], target: &Path, written: &mut dyn FnMut(u64)) -> Result<()> {
    let failed =
        |error: io::Error| OnnxError::Refused(format!("cannot write {}: {error}{}", target.display(), remedy(&error)));
    let Some(name) = target.file_name() else {
        return refused(format!("{}: a model cannot replace this folder; give a folder by its name", target.display()));
    };
    may_stand(target)?;
    let parent = target.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(failed)?;
    has_room(parent, models.iter().map(|(_, recipe)| recipe.bytes()).sum(), target)?;
    let prefix = format!(".{}.", name.to_string_lossy());
    let begun = tempfile::Builder::new().prefix(&prefix).suffix(".partial").tempdir_in(parent);
    // Without the temporary name, which the error has as well.
    let making = begun.map_err(|error| failed(error.kind().into()))?;
    for (folder, recipe) in models {
        recipe.write(&making.path().join(folder), written).map_err(failed)?;
    }
    readable_by_others(making.path());
    may_stand(target)?;
    // Over an empty folder, this replaces it.
    std::fs::rename(making.path(), target).map_err(failed)?;
    // It is no longer where it would be removed from.
    let _ = making.keep();
    Ok(())
}

/// The remedy for an error, in words.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room, or choose another place",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; check its permissions, or choose another place"
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => "; a file is in the way",
        _ => "",
    }
}

/// Refuses to write more than a disk has room for.
fn has_room(folder: &Path, bytes: u64, target: &Path) -> Result<()> {
    let Some(free) = free_bytes(folder).filter(|free| *free < bytes) else { return Ok(()) };
    let [needed, free] = [bytes, free].map(|bytes| bytes as f64 / 1e9);
    refused(format!(
        "cannot write {}: {needed:.1} GB are needed, and {free:.1} GB are free there; make room, or choose another place",
        target.display()
    ))
}

/// The free bytes on the disk of a folder, where the system tells.
fn free_bytes(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// Refuses a place at which something is.
fn may_stand(target: &Path) -> Result<()> {
    match std::fs::read_dir(target).map(Iterator::count) {
        Ok(0) => Ok(()),
        Ok(_) => refused(format!(
            "{} is not empty, and models are not written over what is there; choose another folder, or remove it",
            target.display()
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => refused(format!("cannot write {}: {error}; a file is in the way", target.display())),
    }
}

/// Temporary folders are private; models are not.
fn readable_by_others(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Best effort: a model that only its owner can read is still whole.
        let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755));
    }
    #[cfg(not(unix))]
    let _ = folder;
}
