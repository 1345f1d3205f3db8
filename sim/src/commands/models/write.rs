//! `sim models write`: models of published architectures.

use super::args::Write;
use crate::terminal::Failure;
use crate::terminal::with_bar;
use backends::onnx::write::{Recipe, Release, write};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of what progress counts.
const MEGABYTE: u64 = 1_000_000;

/// Writes what was asked for; a line on each model.
pub fn written(asked: &Write) -> Result<String, Failure> {
    let release = Release::named(&asked.model).ok_or_else(|| Failure::bug("a model that is not in the list"))?;
    let dtype = asked.dtype().unwrap_or(release.dtype);
    let recipe = |shape| Recipe { shape, dtype, attention: asked.attention(), seed: asked.seed };
    let models: Vec<_> = release.models.iter().map(|(folder, shape)| (*folder, recipe(*shape))).collect();
    let total: u64 = models.iter().map(|(_, recipe)| recipe.bytes()).sum();
    with_bar(total / MEGABYTE, "MB", |done: &AtomicU64| {
        let mut bytes = 0;
        write(&models, &asked.out, &mut |more| {
            bytes += more;
            done.store(bytes / MEGABYTE, Ordering::Relaxed);
        })
    })?;
    let told = |(folder, recipe): &(&str, Recipe)| {
        let (path, count) = (asked.out.join(folder), recipe.parameters());
        let weights = match recipe.shape.trained {
            Some(_) => "trained weights".to_owned(),
            None => format!("random weights of seed {}", asked.seed),
        };
        format!(
            "{}: {} of {}, {weights}: {} in the decoder, {} in the embedding, {} in the vision tower\n",
            path.display(),
            recipe.shape.name,
            dtype.name(),
            count.decoder,
            count.embedding,
            count.vision
        )
    };
    Ok(models.iter().map(told).collect())
}
