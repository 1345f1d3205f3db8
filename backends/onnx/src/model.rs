//! A whole model: from pictures and text to logits.

use crate::decoder::{Decoder, Logits, Sequence};
use crate::error::{Result, refused};
use crate::folder::{Folder, Graph};
use crate::patches::{Grid, Patches};
use crate::placement::{self, Placed};
use crate::positions::{Positions, expand};
use crate::preprocessing::Preprocessing;
use crate::pruning::View;
use crate::reading::Reading;
use crate::session::{Runtime, floats, signature};
use crate::text::Text;
use crate::towers::{Embed, Rows, Vision, rows};
use std::path::PathBuf;
use std::time::Duration;

/// A model that is loaded.
pub struct Model {
    folder: Folder,
    text: Text,
    preprocessing: Preprocessing,
    vision: Vision,
    embed: Embed,
    decoder: Decoder,
}

/// The prompt of a model: tokens and pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// Tokens, every picture's places expanded.
    pub ids: Vec<u32>,
    /// Pictures, in their order in the prompt: what the vision tower encodes of them.
    pub images: Vec<Patches>,
    /// The kept part of each picture.
    pub views: Vec<View>,
}

/// The content of a folder.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Description {
    /// The folder.
    pub folder: PathBuf,
    /// The family that the configuration names.
    pub family: String,
    /// True if the weights are random.
    pub random_weights: bool,
    /// The most tokens of prompt and answer.
    pub context_tokens: usize,
    /// Entries of the tokenizer.
    pub tokens: usize,
    /// Tokens that end an answer.
    pub end_tokens: Vec<u32>,
    /// Layers of the decoder.
    pub layers: usize,
    /// Heads of keys and values.
    pub kv_heads: i64,
    /// Values of a head.
    pub head_size: i64,
    /// The type of keys and values.
    pub kv_type: String,
    /// Bytes of keys and values of a token.
    pub kv_bytes_per_token: u64,
    /// True if attention is fused, so that a rollback cuts a sequence rather than masking it.
    pub fused_attention: bool,
    /// The graphs.
    pub graphs: Vec<GraphDescription>,
}

/// The content of a graph.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct GraphDescription {
    /// Its file.
    pub file: PathBuf,
    /// Bytes, those of weights in other files included.
    pub bytes: u64,
    /// Nodes of the graph.
    pub nodes: u64,
    /// Inputs: name, type and sides.
    pub inputs: Vec<String>,
    /// Outputs likewise.
    pub outputs: Vec<String>,
}

impl Model {
    /// Loads a folder's model; `dtype` chooses among several of one graph.
    ///
    /// # Errors
    /// Something is missing, broken or not as expected; the message names the file.
    pub fn load(folder: Folder, runtime: &Runtime) -> Result<Self> {
        // What is cheap to read comes first: its faults are found before gigabytes are loaded.
        let text = Text::of(&folder)?;
        let preprocessing = Preprocessing::of(&folder)?;
        let files = [folder.graph(Graph::Decoder)?, folder.graph(Graph::Embed)?, folder.graph(Graph::Vision)?];
        let [decoder, embed, vision] = files.map(|file| runtime.open(&file));
        let mut decoder = Decoder::new(decoder?)?;
        if let Some(memory) = runtime.memory() {
            decoder.bind(memory)?;
        }
        // Logits are as wide as the embedding has rows.
        let known = folder.config.vocabulary.and_then(|rows| u32::try_from(rows).ok());
        let known = known.unwrap_or(u32::try_from(decoder.width()).unwrap_or(u32::MAX));
        let (embed, vision) = (Embed::new(embed?, known)?, Vision::new(vision?)?);
        Ok(Self { folder, text, preprocessing, vision, embed, decoder })
    }

    /// Its folder and configuration.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Its tokenizer and chat template.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// Makes it the draft of a target, whose tokens begin with its own.
    ///
    /// # Errors
    /// A token means something else to the target; the message names it.
    pub fn drafts_for(&mut self, target: &Self) -> Result<()> {
        self.text.drafts_for(&target.text)
    }

    /// Sentences about what the folder lacks, and what is taken in its place.
    ///
    /// # Errors
    /// A graph has gone.
    pub fn warnings(&self) -> Result<Vec<String>> {
        let mut warnings = self.folder.warnings()?;
        if self.preprocessing.is_assumed() {
            let (least, most) = self.preprocessing.pixels();
            warnings.push(format!(
                "{} has neither preprocessor_config.json nor processor_config.json; pictures are resized to {least} to {most} \
                 pixels, as in the family's first release",
                self.folder.path().display()
            ));
        }
        Ok(warnings)
    }

    /// The form in which it takes its pictures.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// A prompt of tokens with one place a picture, which is expanded; or of expanded ones, which stay as they are.
    ///
    /// # Errors
    /// Places and pictures do not match, or the prompt leaves no room for an answer.
    pub fn prompt(&self, ids: &[u32], images: Vec<Patches>, expanded: bool) -> Result<Prompt> {
        let config = &self.folder.config;
        let grids: Vec<Grid> = images.iter().map(|image| image.grid).collect();
        let ids = if expanded { ids.to_vec() } else { expand(ids, config.image_token, &grids, config.merge)? };
        let views: Vec<_> = grids.iter().map(|grid| View::whole(*grid, config.merge)).collect();
        // Checks the places as well.
        Positions::of(&ids, config.image_token, &views)?;
        if ids.is_empty() {
            return refused("an empty prompt; expected at least one token");
        }
        if ids.len() >= config.context {
            return refused(format!(
                "a prompt of {} tokens; the context of {} has {}, and the answer needs room too; shorten it, or use smaller images",
                ids.len(),
                self.folder.path().display(),
                config.context
            ));
        }
        let entries = u32::try_from(self.text.entries()).unwrap_or(u32::MAX);
        for (most, part) in [(entries, "tokenizer"), (self.embed.known, "embedding")] {
            if let Some(id) = ids.iter().find(|id| **id >= most) {
                return refused(format!("token {id}; the {part} of {} has {most}", self.folder.path().display()));
            }
        }
        Ok(Prompt { ids, images, views })
    }

    /// A prompt with no more of its pictures than these views of them, one each.
    ///
    /// Tokens that are kept stand where they stood; `Prompt` has all that [`Model::open`] needs to know of it. Views of all of
    /// every picture give the very same prompt.
    ///
    /// # Errors
    /// The prompt is pruned already, or the views are of other pictures.
    pub fn pruned(&self, prompt: &Prompt, views: Vec<View>) -> Result<Prompt> {
        let sides = |views: &[View]| views.iter().map(View::sides).collect::<Vec<_>>();
        if !prompt.views.iter().all(View::is_whole) || sides(&prompt.views) != sides(&views) {
            return refused(format!(
                "{} views for a prompt of {} images; expected one each, of the same grids, and a prompt that is whole",
                views.len(),
                prompt.views.len()
            ));
        }
        let image_token = self.folder.config.image_token;
        let (mut ids, mut at, mut pictures) = (Vec::with_capacity(prompt.ids.len()), 0, views.iter());
        while let Some(id) = prompt.ids.get(at) {
            let picture = if *id == image_token { pictures.next() } else { None };
            ids.extend(std::iter::repeat_n(*id, picture.map_or(1, View::tokens)));
            at += picture.map_or(1, View::whole_tokens);
        }
        let images = views.iter().zip(&prompt.images).map(|(view, image)| view.patches(image)).collect();
        Ok(Prompt { ids, images, views })
    }

    /// The positions of the tokens of a prompt.
    ///
    /// # Errors
    /// Its places for pictures are not those of its pictures.
    pub fn positions(&self, prompt: &Prompt) -> Result<Positions> {
        Positions::of(&prompt.ids, self.folder.config.image_token, &prompt.views)
    }

    /// Features of a picture, by the vision tower.
    ///
    /// # Errors
    /// The graph fails.
    pub fn features(&mut self, patches: &Patches) -> Result<Rows> {
        self.vision.features(patches)
    }

    /// Embeddings of tokens, a row each.
    ///
    /// # Errors
    /// The graph fails.
    pub fn embeddings(&mut self, tokens: &[u32]) -> Result<Rows> {
        rows(&self.embed.embed(tokens)?)
    }

    /// Starts to read a prompt: encodes what is to be seen of the pictures, and puts the features that are kept into the
    /// embeddings.
    ///
    /// # Errors
    /// A graph fails, or features and embeddings do not fit.
    pub fn begin(&mut self, prompt: &Prompt) -> Result<Reading> {
        let mut features = Vec::with_capacity(prompt.images.len());
        for (image, view) in prompt.images.iter().zip(&prompt.views) {
            let encoded = self.vision.features(image)?;
            features.push(match view.features() {
                Some(places) => encoded.chosen(&places)?,
                None => encoded,
            });
        }
        let positions = self.positions(prompt)?;
        let embedded = self.embed.embed(&prompt.ids)?;
        let embedded = if features.is_empty() {
            embedded
        } else {
            let merged = merged(rows(&embedded)?, &prompt.ids, self.folder.config.image_token, &features)?;
            floats(embedded.dtype().tensor_type(), &[1, prompt.ids.len(), merged.width], merged.values)?
        };
        let sequence = self.decoder.empty(positions.delta)?;
        Ok(Reading::new(sequence, positions, self.decoder.in_our_type(embedded)?))
    }

    /// Reads the next `tokens` of a prompt, or what is left of it; the logits of its last token with the last of them. Chunks of
    /// any sizes give the logits of one, up to rounding.
    ///
    /// # Errors
    /// The graph fails, the prompt has been read, or no token is asked for; the reading is then as it was.
    pub fn read(&mut self, reading: &mut Reading, tokens: usize) -> Result<Option<Logits>> {
        let count = tokens.min(reading.left());
        if count == 0 {
            return refused(format!("{tokens} tokens to read of a prompt that has {} left", reading.left()));
        }
        let (sequence, positions, embedded) = reading.next(count)?;
        let logits = self.decoder.step(sequence, embedded, count, Some(positions), 1)?;
        Ok((reading.left() == 0).then_some(logits))
    }

    /// Opens a sequence: reads a prompt in one go. The logits are those of its last token.
    ///
    /// # Errors
    /// A graph fails, or features and embeddings do not fit.
    pub fn open(&mut self, prompt: &Prompt) -> Result<(Sequence, Logits)> {
        let mut reading = self.begin(prompt)?;
        let logits = self.read(&mut reading, prompt.ids.len())?.expect("a prompt is read in one go");
        Ok((reading.into_sequence(), logits))
    }

    /// Appends tokens and gives logits for the last `wanted` of them: 1 to decode, k + 1 to verify k drafts.
    ///
    /// # Errors
    /// The context is full, or a graph fails; the sequence is then as it was.
    pub fn step(&mut self, sequence: &mut Sequence, tokens: &[u32], wanted: usize) -> Result<Logits> {
        let context = self.folder.config.context;
        if sequence.tokens() + tokens.len() > context {
            return refused(format!("{} tokens behind {}; the context has {context}", tokens.len(), sequence.tokens()));
        }
        let embedded = self.decoder.in_our_type(self.embed.embed(tokens)?)?;
        self.decoder.step(sequence, embedded.into(), tokens.len(), None, wanted)
    }

    /// Forgets all but the first `tokens` of a sequence.
    pub fn rollback(&self, sequence: &mut Sequence, tokens: usize) {
        Decoder::rollback(sequence, tokens);
    }

    /// Tokens that the model can give, more than the tokenizer's where its logits are padded.
    pub fn width(&self) -> usize {
        self.decoder.width()
    }

    /// Time spent in the library so far, in all graphs.
    pub fn inside(&self) -> Duration {
        self.vision.graph.inside + self.embed.graph.inside + self.decoder.graph.inside
    }

    /// Number of runs of a graph so far.
    pub fn runs(&self) -> u64 {
        self.vision.graph.runs + self.embed.graph.runs + self.decoder.graph.runs
    }

    /// The operators that have run, by graph and execution provider. Once, and only of a model on a profiled runtime: else none.
    ///
    /// # Errors
    /// A profile cannot be ended or read.
    pub fn placement(&mut self) -> Result<Vec<Placed>> {
        let graphs = [&mut self.vision.graph, &mut self.embed.graph, &mut self.decoder.graph];
        Ok(graphs.into_iter().map(placement::ended).collect::<Result<Vec<_>>>()?.concat())
    }

    /// A description of the model.
    pub fn describe(&self) -> Description {
        let (kv_heads, head_size, layers) = self.decoder.heads();
        let bytes = match self.decoder.past_type() {
            ort::value::TensorElementType::Float16 => 2,
            _ => 4,
        };
        let graph = |graph: &crate::session::Loaded| GraphDescription {
            file: graph.path.clone(),
            bytes: graph.outline.bytes + graph.outline.external_bytes,
            nodes: graph.outline.operators.values().sum(),
            inputs: graph.session.inputs().iter().map(told).collect(),
            outputs: graph.session.outputs().iter().map(told).collect(),
        };
        let config = &self.folder.config;
        Description {
            folder: self.folder.path().to_owned(),
            family: config.family.clone(),
            random_weights: config.random_weights,
            context_tokens: config.context,
            tokens: self.text.entries(),
            end_tokens: config.ends.clone(),
            layers,
            kv_heads,
            head_size,
            kv_type: self.decoder.past_type().to_string(),
            kv_bytes_per_token: 2 * layers as u64 * kv_heads.unsigned_abs() * head_size.unsigned_abs() * bytes,
            fused_attention: self.decoder.is_fused(),
            graphs: [&self.vision.graph, &self.embed.graph, &self.decoder.graph].map(graph).to_vec(),
        }
    }

    /// The name of the grid's input, which differs between families.
    pub fn grid_name(&self) -> &str {
        self.vision.grid_name()
    }
}

/// An input or output in words: `grid_thw int64 [?, 3]`.
fn told(outlet: &ort::value::Outlet) -> String {
    let (kind, shape) = signature(outlet);
    let sides: Vec<_> = shape.iter().map(|side| if *side < 0 { "?".to_owned() } else { side.to_string() }).collect();
    let kind = kind.map_or_else(|| "no tensor".to_owned(), |kind| kind.to_string());
    format!("{} {kind} [{}]", outlet.name(), sides.join(", "))
}

/// Embeddings in which the places of pictures have the pictures' features.
fn merged(mut embedded: Rows, ids: &[u32], image_token: u32, features: &[Rows]) -> Result<Rows> {
    let width = embedded.width;
    if let Some(other) = features.iter().find(|rows| rows.width != width) {
        return refused(format!(
            "the vision tower's features are {} wide and the embeddings {width}; expected graphs of one model",
            other.width
        ));
    }
    let mut feature = features.iter().flat_map(|rows| rows.values.chunks(width));
    let places = embedded.values.chunks_mut(width).zip(ids).filter(|(_, id)| **id == image_token);
    for (place, _) in places {
        let Some(feature) = feature.next() else {
            return refused("the vision tower gave fewer features than the prompt has places");
        };
        place.copy_from_slice(feature);
    }
    if feature.next().is_some() {
        return refused("the vision tower gave more features than the prompt has places");
    }
    Ok(embedded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_take_their_places_in_order() {
        let embedded = Rows { width: 2, values: vec![0.0; 8] };
        let pictures = [Rows { width: 2, values: vec![1.0, 2.0] }, Rows { width: 2, values: vec![3.0, 4.0] }];
        let merged = |ids: &[u32], features: &[Rows]| merged(embedded.clone(), ids, 9, features);
        assert_eq!(merged(&[9, 1, 9, 1], &pictures).unwrap().values, [1.0, 2.0, 0.0, 0.0, 3.0, 4.0, 0.0, 0.0]);
        assert!(merged(&[9, 1, 1, 1], &pictures).unwrap_err().to_string().contains("more features"));
        assert!(merged(&[9, 9, 9, 1], &pictures).unwrap_err().to_string().contains("fewer features"));
        let wide = [Rows { width: 4, values: vec![0.0; 4] }];
        assert!(merged(&[9, 1, 1, 1], &wide).unwrap_err().to_string().contains("4 wide and the embeddings 2"));
    }
}
