//! Written models have the parameters of the models that are simulated.
#![cfg(feature = "onnx")]

use model::model_spec::ModelSpec;
use onnx::write::{Attention, Recipe, Release};

#[test]
fn written_models_have_the_parameters_of_simulated_ones() {
    for name in ["qwen2-vl-2b", "qwen2.5-vl-7b"] {
        let spec = ModelSpec::named(name).unwrap();
        let release = Release::named(name).unwrap();
        for attention in [Attention::Plain, Attention::Fused] {
            let recipe = Recipe { shape: release.models[0].1, dtype: release.dtype, attention, seed: 0 };
            let parameters = recipe.parameters();
            assert_eq!(parameters.vision, spec.vision_params(), "{name}");
            assert_eq!(parameters.embedding, spec.embedding_params(), "{name}");
            // A head that is tied to the embedding is stored in both graphs.
            assert_eq!(parameters.decoder, spec.lm_layer_params() + spec.vocab * spec.hidden, "{name}");
            let stored = parameters.decoder + parameters.embedding + parameters.vision;
            let twice = if spec.tied_head { spec.embedding_params() } else { 0 };
            assert_eq!(stored, spec.params() + twice, "{name}");
            assert_eq!(recipe.bytes(), 2 * stored, "{name}");
        }
    }
}
