//! Eq. 11 worked by hand: its objective (the first term of Eq. 14), each bound, compression, and the bounds of the search.

use super::super::problem::{Bounds, Printed, Problem, Reduced};
use super::*;
use crate::search::Objective;

/// Nothing bounds a plan but the whole of the quality.
const FREE: Bounds = Bounds { quality_loss: 1.0, upload: None, pruning: PruningLoss::QwenVispruner };

/// Does something with the problem of a case, whose modalities may all be dropped but for text.
fn with<T>(case: Case, bounds: Bounds, least: f64, act: impl FnOnce(&Problem<'_>) -> T) -> T {
    let (edge, cloud) = (Linear(case.edge_ms), Linear(case.cloud_ms));
    let least = PerModality::of(|modality| if modality == Modality::Text { 1.0 } else { least });
    let (prompt, view) = (prompt(case.audio), view(&case, &edge, &cloud));
    act(&Problem { prompt, view: &view, bounds: &bounds, handling: Handling::default(), least })
}

/// A plan that keeps so much of the picture, and all else.
fn kept(retention: f64, compression: f64) -> PerModality<Kept> {
    let mut kept = PerModality::<Kept>::default();
    kept[Modality::Visual] = Kept { retention, compression };
    kept
}

fn near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-9 * want.abs().max(1.0), "{got}, not {want}");
}

/// One byte takes a microsecond. The picture has 160,000 bytes, the text 120, and half of the round trip is 10 ms.
const BYTE_A_US: BitsPerSecond = BitsPerSecond::from_mbps(8);

#[test]
fn the_prefill_is_the_slower_of_edge_and_upload_with_cloud() {
    // (ms on the edge, ms in the cloud, retention, compression, seconds)
    let table = [
        (1000.0, 100.0, 1.0, 0.0, 1.0),     // the edge: 1 s, above .16012 + .01 + .1
        (0.0, 100.0, 1.0, 0.0, 0.27012),    // .16012 + .01 + .1
        (100.0, 100.0, 0.5, 0.0, 0.14012),  // .5 x .16 + .00012 + .01 + .5 x .1, above .05
        (100.0, 100.0, 0.5, 0.25, 0.12012), // .375 x .16 + .00012 + .01 + .05
        (300.0, 100.0, 0.5, 0.25, 0.15),    // the edge: .5 x .3
    ];
    for (edge_ms, cloud_ms, retention, compression, want) in table {
        let case = Case { edge_ms, cloud_ms, rate: BYTE_A_US, ..CASE };
        near(with(case, FREE, 0.0, |problem| problem.evaluate(kept(retention, compression)).value), want);
    }
}

#[test]
fn each_bound_is_violated_by_its_own_part_of_itself() {
    let (case, upload) = (Case { rate: BYTE_A_US, ..CASE }, |ms| Some(SimDuration::from_ms(ms)));
    let full = Case { free_tokens: 300, ..case };
    // What .5 of the picture costs by VisPruner's law: .0267 (.5^-.91 - 1).
    let pruned = 0.0267 * (libm::pow(0.5, -0.91) - 1.0);
    let table = [
        ("none", case, FREE, kept(1.0, 0.0), 0.0),
        // .05 x .9^4 = .032805 of right answers, where .02 may be lost.
        ("quality", case, Bounds { quality_loss: 0.02, ..FREE }, kept(1.0, 0.9), 0.012805 / 0.02),
        ("quality", case, Bounds { quality_loss: 0.01, ..FREE }, kept(0.5, 0.2), (pruned + 0.00008 - 0.01) / 0.01),
        ("quality, to the last bit", case, Bounds { quality_loss: 0.02, ..FREE }, kept(1.0, compression_at(0.02)), 0.0),
        // Rounding: beyond the bound by 5e-10 of it.
        ("rounding", case, Bounds { quality_loss: 0.00008 / (1.0 + 5e-10), ..FREE }, kept(1.0, 0.2), 0.0),
        // 391 tokens of the picture and 30 of the text, where 300 are free.
        ("memory", full, FREE, kept(1.0, 0.0), 121.0 / 300.0),
        ("memory, half of the picture", full, FREE, kept(0.5, 0.0), 0.0),
        // 160.12 ms and 10 ms, where 100 ms are allowed; a quarter of the picture takes 40.12 + 10.
        ("upload", case, Bounds { upload: upload(100), ..FREE }, kept(1.0, 0.0), 0.7012),
        ("upload, a quarter of the picture", case, Bounds { upload: upload(100), ..FREE }, kept(0.25, 0.0), 0.0),
        // All of them: the parts add up.
        (
            "all",
            full,
            Bounds { quality_loss: 0.02, upload: upload(20), ..FREE },
            kept(1.0, 0.9),
            0.012805 / 0.02 + 121.0 / 300.0 + 0.306, // a tenth of the picture's bytes: 16.12 + 10 ms of 20
        ),
        ("two", full, Bounds { upload: upload(100), ..FREE }, kept(1.0, 0.0), 121.0 / 300.0 + 0.7012),
    ];
    for (bound, case, bounds, kept, want) in table {
        let got = with(case, bounds, 0.0, |problem| problem.evaluate(kept).violation);
        assert!((got - want).abs() < 1e-9, "{bound}: {got}, not {want}");
    }
}

#[test]
fn quality_that_is_left_is_spent_where_most_bytes_are_saved() {
    // .05 rho^4 of the picture alone: rho = (.02 / .05)^(1/4).
    let alone = libm::pow(0.4, 0.25);
    // Of 160,000 bytes and 40,000: rho is as the cube root of the bytes, 4^(1/3) to 1, and .05 (rho_1^4 + rho_2^4) = .02.
    let power = libm::pow(4.0, 4.0 / 3.0);
    let (seen, heard) = (libm::pow(0.4 * power / (1.0 + power), 0.25), libm::pow(0.4 / (1.0 + power), 0.25));
    // Behind a retention of .8 there is less left: .02 - .0267 (.8^-.91 - 1).
    let pruned = libm::pow((0.02 - 0.0267 * (libm::pow(0.8, -0.91) - 1.0)) / 0.05, 0.25);
    let table = [
        (false, 0.02, 1.0, [alone, 0.0]),
        (true, 0.02, 1.0, [seen, heard]),
        (false, 0.02, 0.8, [pruned, 0.0]),
        (false, 0.02, 0.5, [0.0, 0.0]), // half of the picture costs more than .02: nothing is left
        (true, 1.0, 1.0, [0.95, 0.95]), // no plan compresses more
    ];
    for (audio, quality_loss, retention, want) in table {
        let (case, bounds) = (Case { audio, ..CASE }, Bounds { quality_loss, ..FREE });
        let got = with(case, bounds, 0.0, |problem| problem.compress(kept(retention, 0.0)));
        near(got[Modality::Visual].compression, want[0]);
        near(got[Modality::Audio].compression, want[1]);
        assert_eq!((got[Modality::Text], got[Modality::Visual].retention), (Kept::WHOLE, retention));
    }
    // Without a payload that may be compressed, nothing is.
    let text = Prompt { request: 0, text_tokens: 30, images: None, audio: None };
    let whole = with(CASE, FREE, 0.0, |problem| {
        Problem { prompt: text, view: problem.view, bounds: &FREE, ..*problem }.compress(PerModality::default())
    });
    assert_eq!(whole, PerModality::default());
}

#[test]
fn the_mas_bounds_what_is_kept_where_the_quality_does_not() {
    // A loss of .02 is that of a retention of (1 + .02 / .0267)^(-1 / .91).
    let quality = libm::pow(1.0 + 0.02 / 0.0267, -1.0 / 0.91);
    let bounds = Bounds { quality_loss: 0.02, ..FREE };
    for (least, low) in [(0.75, 0.75), (0.25, quality)] {
        with(CASE, bounds, least, |problem| {
            assert_eq!(problem.free(), [Modality::Visual]);
            let reduced = Reduced::new(problem);
            assert_eq!(reduced.bounds().len(), 1);
            near(reduced.bounds()[0].0, low);
            assert_eq!(reduced.bounds()[0].1, 1.0);
            // A point is a retention, and compression takes what quality is left.
            assert_eq!(reduced.kept(&[0.8]), problem.compress(kept(0.8, 0.0)));
            assert_eq!(reduced.evaluate(&[0.8]), problem.evaluate(problem.compress(kept(0.8, 0.0))));
            // As printed, retention and compression are both searched, the MAS being the one bound from below.
            let printed = Printed::new(problem);
            assert_eq!(printed.bounds(), [(least, 1.0), (0.0, 0.95)]);
            assert_eq!(printed.kept(&[0.8, 0.3]), kept(0.8, 0.3));
            assert_eq!(printed.evaluate(&[0.8, 0.3]), problem.evaluate(kept(0.8, 0.3)));
        });
    }
    with(CASE, bounds, 1.0, |problem| assert!(problem.free().is_empty()));
}

#[test]
fn two_free_modalities_have_a_number_each_and_text_is_never_compressed() {
    let bounds = Bounds { quality_loss: 0.02, ..FREE };
    with(Case { audio: true, ..CASE }, bounds, 0.9, |problem| {
        let reduced = Reduced::new(problem);
        assert_eq!(reduced.bounds(), [(0.9, 1.0); 2]);
        let kept = reduced.kept(&[0.95, 0.9]);
        assert_eq!((kept[Modality::Visual].retention, kept[Modality::Audio].retention), (0.95, 0.9));
        let literal = Problem { least: PerModality::of(|_| 0.0), ..*problem };
        // No token at all is no input, so a hundredth is kept at the least.
        let (share, compression) = ((0.01, 1.0), (0.0, 0.95));
        let printed = Printed::new(&literal);
        assert_eq!(printed.bounds(), [share, (0.0, 0.0), share, compression, share, compression]);
    });
}
