use super::*;
use crate::{audio::Audio, request::ImageSize, request::Images};
use proptest::prelude::*;
use units::{Bytes, SimDuration};

fn of(visual: Descriptor, settings: &MasSettings) -> Mas {
    let descriptors = PerModality::of(|modality| match modality {
        Modality::Text => Some(Descriptor::default()),
        Modality::Visual => Some(visual),
        Modality::Audio => None,
    });
    Mas::of(&descriptors, settings)
}

fn still(spatial: f64, relevance: f64) -> Descriptor {
    Descriptor { spatial, relevance, similarity: None }
}

#[test]
fn by_hand() {
    // b = 1/2, rho = 1/2: 1 - .5 (1 - .3) = .65. Text: 1 - .5 = .5.
    let mas = of(still(0.5, 0.0), &MasSettings::default());
    assert!((mas.0[Modality::Visual] - 0.65).abs() < 1e-15);
    assert_eq!((mas.0[Modality::Text], mas.0[Modality::Audio]), (0.5, 1.0));
    // A video with similarity .9: 1 - .5 (1 - .3 - .36) = .83, as printed 1 - .5 (1 - .3 - .04) = .67.
    let video = Descriptor { similarity: Some(0.9), ..still(0.5, 0.0) };
    assert!((of(video, &MasSettings::default()).0[Modality::Visual] - 0.83).abs() < 1e-15);
    let literal = MasSettings { temporal_sign: TemporalSign::Literal, ..MasSettings::default() };
    assert!((of(video, &literal).0[Modality::Visual] - 0.67).abs() < 1e-15);
    // Sigmoid of ln 3 is 3/4; softmax of (0, ln 3) as well; over (0, 0) they differ for three modalities only.
    let sigmoid = MasSettings { relevance: Relevance::Sigmoid, ..MasSettings::default() };
    assert!((of(still(0.0, libm::log(3.0)), &sigmoid).0[Modality::Visual] - 0.25).abs() < 1e-15);
}

#[test]
fn text_is_protected_unless_the_bound_is_literal() {
    let mas = of(still(0.5, 0.0), &MasSettings::default());
    assert_eq!(mas.least(Modality::Text, &MasSettings::default()), 1.0);
    let literal = MasSettings { text_bound: TextBound::Literal, ..MasSettings::default() };
    assert_eq!(mas.least(Modality::Text, &literal), 0.5);
}

fn trimodal(request: u64) -> Prompt {
    let size = ImageSize::Pixels { width: 640, height: 480 };
    let images = Images { count: 4, size, payload: Bytes::new(1), moving: true, encoded: false };
    let audio = Some(Audio::lasting(SimDuration::from_secs(5)));
    Prompt { request, text_tokens: 20, images: Some(images), audio }
}

#[test]
fn a_higher_tau_s_finds_more_background() {
    let law = DescriptorLaw::default();
    let spatial = |request, tau_s| {
        law.draw(Streams::new(3), &trimodal(request), Ratio::new(tau_s))[Modality::Visual].unwrap().spatial
    };
    for request in 0..50 {
        assert!(spatial(request, 0.1) < spatial(request, 0.3) && spatial(request, 0.3) < spatial(request, 0.5));
    }
    let mean = (0..5000).map(|request| spatial(request, 0.3)).sum::<f64>() / 5000.0;
    assert!((mean - 0.5).abs() < 0.01, "{mean}");
}

proptest! {
    #[test]
    fn sparser_and_stiller_raises_it_and_more_relevant_lowers_it(
        spatial in 0.0f64..0.99, similarity in 0.0f64..0.99, relevance in -5.0f64..5.0, step in 0.001f64..0.01
    ) {
        let mas = |spatial, similarity, relevance| {
            let one = Descriptor { spatial, similarity: Some(similarity), relevance };
            of(one, &MasSettings::default()).0[Modality::Visual]
        };
        let here = mas(spatial, similarity, relevance);
        prop_assert!((0.0..=1.0).contains(&here));
        prop_assert!(mas(spatial + step, similarity, relevance) > here);
        prop_assert!(mas(spatial, similarity + step, relevance) > here);
        prop_assert!(mas(spatial, similarity, relevance + step) < here);
    }

    #[test]
    fn any_weights_stay_within_bounds(spatial in 0.0f64..1.0, similarity in 0.0f64..1.0, weight in 0.0f64..1.0) {
        let settings = MasSettings {
            lambda_spatial: Ratio::new(weight), lambda_temporal: Ratio::new(1.0), ..MasSettings::default()
        };
        let one = Descriptor { spatial, similarity: Some(similarity), relevance: 0.3 };
        prop_assert!((0.0..=1.0).contains(&of(one, &settings).0[Modality::Visual]));
    }
}

fn near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-12, "{got}, not {want}");
}

/// Eq. 7 of a picture or video beside text, and the least that Eq. 11 lets a plan keep of it.
#[test]
fn eq_7_by_hand() {
    let default = MasSettings::default();
    let literal = MasSettings { temporal_sign: TemporalSign::Literal, ..default };
    let heavy = MasSettings { lambda_spatial: Ratio::ONE, lambda_temporal: Ratio::ONE, ..default };
    let light = MasSettings { lambda_spatial: Ratio::new(0.2), lambda_temporal: Ratio::new(0.1), ..default };
    let of_three = libm::log(3.0);
    // (settings, rho, similarity, alpha, MAS)
    let table = [
        (default, 0.5, None, 0.0, 0.65),            // 1 - 1/2 (1 - .6 x .5)
        (default, 0.5, Some(0.9), 0.0, 0.83),       // 1 - 1/2 (1 - .3 - .4 x .9)
        (literal, 0.5, Some(0.9), 0.0, 0.67),       // 1 - 1/2 (1 - .3 - .4 x .1)
        (default, 0.5, Some(0.9), of_three, 0.745), // softmax of (0, ln 3): 1 - 3/4 (1 - .66)
        (light, 0.5, Some(0.8), 0.0, 0.59),         // 1 - 1/2 (1 - .1 - .08)
        (heavy, 1.0, Some(1.0), 0.0, 1.0),          // weights beyond 1 do not raise it above 1
        (default, 0.0, Some(0.0), 0.0, 0.5),        // nothing redundant: 1 - 1/2
    ];
    for (settings, spatial, similarity, relevance, want) in table {
        let mas = of(Descriptor { spatial, similarity, relevance }, &settings);
        near(mas.0[Modality::Visual], want);
        near(mas.least(Modality::Visual, &settings), 1.0 - want);
    }
}

#[test]
fn relevance_is_shared_among_modalities_or_each_its_own() {
    // Three equal modalities: softmax gives each a third, the sigmoid of 0 a half.
    let descriptors = PerModality::of(|_| Some(still(0.0, 0.0)));
    let sigmoid = MasSettings { relevance: Relevance::Sigmoid, ..MasSettings::default() };
    for (settings, share) in [(MasSettings::default(), 1.0 / 3.0), (sigmoid, 0.5)] {
        let mas = Mas::of(&descriptors, &settings);
        mas.0.iter().for_each(|(_, mas)| near(*mas, 1.0 - share));
    }
}

#[test]
fn a_request_is_described_by_the_law_it_is_drawn_from() {
    let default = DescriptorLaw::default();
    let drawn = |tau_s| default.draw(Streams::new(3), &trimodal(7), Ratio::new(tau_s));
    let law = DescriptorLaw { relevance_mean: 3.0, relevance_deviation: 0.5, ..default };
    let stream = || Streams::new(3).stream("relevance", 7);
    near(law.relevance(&mut stream()), 3.0 + 0.5 * draw::normal(&mut stream()));
    // The logits of a map are normal with deviation 1.5 at the least: tau_s from .3 to .5 moves the logit of the share
    // below it by 1.702 (logit .5 - logit .3) / 1.5 = 1.702 x ln(7/3) / 1.5.
    let logit = |tau_s| {
        let share = drawn(tau_s)[Modality::Visual].unwrap().spatial;
        libm::log(share / (1.0 - share))
    };
    near(logit(0.5) - logit(0.3), 1.702 * libm::log(7.0 / 3.0) / 1.5);
    let drawn = drawn(0.3);
    assert_eq!(drawn[Modality::Text], Some(Descriptor::default()));
    assert_eq!(drawn[Modality::Audio].unwrap().spatial, 0.0);
    assert_ne!(drawn[Modality::Audio].unwrap().relevance, drawn[Modality::Visual].unwrap().relevance);
}

#[test]
fn frames_are_as_alike_as_the_law_says() {
    let draw = |request| DescriptorLaw::default().draw(Streams::new(3), &trimodal(request), Ratio::new(0.3));
    for modality in [Modality::Visual, Modality::Audio] {
        let mean = (0..5000).map(|request| draw(request)[modality].unwrap().similarity.unwrap()).sum::<f64>() / 5000.0;
        // Beta(8, 2): 8 / 10, and a deviation of .12 / sqrt 5000.
        assert!((mean - 0.8).abs() < 0.01, "{modality:?}: {mean}");
    }
}

#[test]
fn a_law_without_sense_is_refused_by_key() {
    let default = DescriptorLaw::default();
    let table = [
        (default, None),
        (DescriptorLaw { spatial_alpha: 0.0, ..default }, Some("spatial_alpha")),
        (DescriptorLaw { spatial_beta: f64::INFINITY, ..default }, Some("spatial_beta")),
        (DescriptorLaw { importance_deviation: -1.0, ..default }, Some("importance_deviation")),
        (DescriptorLaw { similarity_alpha: f64::NAN, ..default }, Some("similarity_alpha")),
        (DescriptorLaw { similarity_beta: 0.0, ..default }, Some("similarity_beta")),
        (DescriptorLaw { relevance_mean: -100.0, relevance_deviation: 50.0, ..default }, None),
        (DescriptorLaw { relevance_mean: 100.1, ..default }, Some("relevance_mean")),
        (DescriptorLaw { relevance_mean: -100.1, ..default }, Some("relevance_mean")),
        (DescriptorLaw { relevance_deviation: -0.1, ..default }, Some("relevance_deviation")),
        (DescriptorLaw { relevance_deviation: 50.1, ..default }, Some("relevance_deviation")),
    ];
    for (law, want) in table {
        assert_eq!(law.check().err().map(|(key, _)| key), want, "{law:?}");
    }
}
