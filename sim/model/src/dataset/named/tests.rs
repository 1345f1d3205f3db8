use super::super::{Pixels, Size};
use super::*;
use kernel::Streams;
use units::SimDuration;

fn law<T: for<'de> Deserialize<'de>>(text: &str) -> Result<Law<T>, String> {
    #[derive(Deserialize)]
    struct File<T> {
        law: T,
    }
    toml::from_str::<File<Law<T>>>(&format!("law = {text}")).map(|file| file.law).map_err(|e| e.message().to_owned())
}

fn tokens(text: &str) -> Law<u32> {
    law(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Mean and standard deviation of 100,000 draws.
fn moments(text: &str) -> (f64, f64) {
    let law = tokens(text);
    law.check(0, 1 << 24).expect("a sound law");
    let mut stream = Streams::new(3).stream("law", 0);
    let drawn: Vec<f64> = (0..100_000).map(|_| law.draw(&mut stream).as_f64()).collect();
    let mean = drawn.iter().sum::<f64>() / 1e5;
    (mean, (drawn.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 1e5).sqrt())
}

#[test]
fn laws_have_their_moments() {
    for (text, mean, deviation) in [
        ("30", 30.0, 0.0),
        ("[[10, 3], [20, 1]]", 12.5, 4.330),
        ("[[10, 3], [20, 0]]", 10.0, 0.0),
        ("{ uniform = { from = 27, to = 38 } }", 32.5, 3.452),
        ("{ geometric = { mean = 1.6 } }", 1.6, 0.980),
        ("{ geometric = { mean = 1.6, plus = 1 } }", 2.6, 0.980),
        ("{ geometric = { mean = 1 } }", 1.0, 0.0),
        ("{ lognormal = { median = 200, sigma = 0.5 } }", 226.63, 120.8),
        ("{ gamma = { mean = 200, shape = 4 } }", 200.0, 100.0),
        ("{ gamma = { mean = 200, shape = 1 } }", 200.0, 200.0),
        ("{ weibull = { scale = 200, shape = 2 } }", 177.25, 92.65),
        ("{ lognormal = { median = 200, sigma = 5, within = [190, 190] } }", 190.0, 0.0),
    ] {
        let (found, spread) = moments(text);
        assert!((found / mean - 1.0).abs() < 0.01, "{text}: mean {found}");
        assert!((spread - deviation).abs() <= 0.02 * deviation + 1e-9, "{text}: deviation {spread}");
    }
}

#[test]
fn a_list_of_one_is_the_constant() {
    let next = |law: Law<u32>| {
        let mut stream = Streams::new(3).stream("law", 0);
        (law.draw(&mut stream), draw::uniform(&mut stream))
    };
    assert_eq!(next(tokens("30")), next(tokens("[[30, 5]]")));
}

#[test]
fn laws_read_back() {
    for text in [
        "30",
        "[[10, 3.0], [20, 1.0]]",
        "{ uniform = { from = 27, to = 38 } }",
        "{ geometric = { mean = 1.6, plus = 1 } }",
        "{ gamma = { mean = 200, shape = 4.0, within = [1, 1024] } }",
    ] {
        let written = toml::Value::try_from(tokens(text)).expect("TOML").to_string();
        assert_eq!(tokens(&written), tokens(text), "{written}");
    }
}

#[test]
fn no_law_is_drawn_from_that_makes_no_sense() {
    let refused = |law: &Law<u32>| law.check(1, 1000).unwrap_err();
    for (text, says) in [
        ("0", "found 0; expected 1 to 1000"),
        ("[]", "its weights sum to 0; expected a finite sum above 0"),
        ("[[10, 0], [20, 0]]", "its weights sum to 0; expected a finite sum above 0"),
        ("[[10, -1], [20, 2]]", "found the weight -1; expected finite weights from 0 up"),
        ("[[10, nan]]", "found the weight NaN; expected"),
        ("[[10, inf]]", "found the weight inf; expected"),
        ("[[2000, 1]]", "found 2000; expected 1 to 1000"),
        ("{ uniform = { from = 9, to = 8 } }", "found from and to = 9 and 8; expected them in rising order"),
        ("{ uniform = { from = 9, to = 1001 } }", "found 1001; expected 1 to 1000"),
        ("{ geometric = { mean = 0.5 } }", "found mean = 0.5; expected a finite number from 1 to 1000"),
        ("{ geometric = { mean = inf } }", "found mean = inf; expected a finite number from 1 to 1000"),
        ("{ geometric = { mean = nan } }", "found mean = NaN; expected a finite number"),
        ("{ lognormal = { median = 0, sigma = 1 } }", "found median = 0; expected 1 to 1000"),
        ("{ lognormal = { median = 9, sigma = 50 } }", "found sigma = 50; expected a finite number from 0 to 5"),
        ("{ gamma = { mean = 9, shape = 0 } }", "found shape = 0; expected a finite number from 0.05 to 1000000"),
        ("{ weibull = { scale = 2000, shape = 1 } }", "found scale = 2000; expected 1 to 1000"),
        (
            "{ gamma = { mean = 9, shape = 2, within = [5, 4] } }",
            "found within = 5 and 4; expected them in rising order",
        ),
    ] {
        assert!(refused(&tokens(text)).starts_with(says), "{text}: {}", refused(&tokens(text)));
    }
    let sound: Law<SimDuration> = law("{ geometric = { mean = 3.0 } }").expect("read");
    assert!(sound.check(SimDuration::ZERO, SimDuration::from_secs(9)).unwrap_err().contains("geometric, which counts"));
}

#[test]
fn what_is_no_law_is_refused_when_it_is_read() {
    for (text, says) in [
        ("-3", "invalid value: integer `-3`, expected u32"),
        ("1.5", "invalid type: floating point `1.5`, expected u32"),
        ("\"30\"", "invalid type: string \"30\", expected u32"),
        ("true", "invalid type: boolean `true`, expected a value, a list of values with weights, or a table"),
        ("[30]", "invalid type: integer `30`, expected a tuple of size 2"),
        ("{ unifrm = { from = 1, to = 2 } }", "unknown variant `unifrm`, expected one of `uniform`"),
        ("{ uniform = { from = 1 } }", "missing field `to`"),
        ("{ uniform = { from = 1, to = 2, by = 3 } }", "unknown field `by`"),
        ("{}", "invalid type: map, expected enum"),
        ("{ geometric = { mean = 2 }, uniform = { from = 1, to = 2 } }", "wanted exactly 1 element"),
    ] {
        let refused = law::<u32>(text).unwrap_err();
        assert!(refused.starts_with(says), "{text}: {refused}");
    }
}

#[test]
fn sounds_and_sizes_are_drawn_alike() {
    let sound: Law<SimDuration> = law("{ uniform = { from = \"2 s\", to = \"4 s\" } }").expect("read");
    let mut stream = Streams::new(3).stream("law", 0);
    let drawn: Vec<f64> = (0..1000).map(|_| sound.draw(&mut stream).as_secs_f64()).collect();
    assert!(drawn.iter().all(|seconds| (2.0..=4.0).contains(seconds)));
    assert!((drawn.iter().sum::<f64>() / 1000.0 - 3.0).abs() < 0.05);
    let sides = "size = { width = 640, height = { uniform = { from = 300, to = 500 } } }";
    let size: Size = toml::from_str::<std::collections::BTreeMap<String, Size>>(sides).expect("TOML")["size"].clone();
    let (least, most) = (Pixels { width: 1, height: 1 }, Pixels { width: 640, height: 499 });
    assert_eq!(size.check(least, most).unwrap_err(), "of its height, found 500; expected 1 to 499");
    let drawn = size.draw(&mut stream);
    assert!(drawn.width == 640 && (300..=500).contains(&drawn.height), "{drawn}");
}

#[test]
fn pictures_are_never_too_slender() {
    let size = |sides: &str| {
        let text = format!("size = {{ {sides} }}");
        toml::from_str::<std::collections::BTreeMap<String, Size>>(&text).expect("TOML")["size"].clone()
    };
    let square = |side| Pixels { width: side, height: side };
    let check = |sides: &str| size(sides).check(square(1), square(65_536));
    let refused = check("width = 30000, height = { lognormal = { median = 100, sigma = 0.1 } }").unwrap_err();
    assert!(
        refused.starts_with("found sides of which one is longer than 200 times the other in 1000 of 1000"),
        "{refused}"
    );
    let rare = "width = 300, height = { lognormal = { median = 300, sigma = 2 } }";
    check(rare).expect("about one in a hundred and twenty is slender");
    let mut stream = Streams::new(3).stream("law", 0);
    let drawn: Vec<Pixels> = (0..20_000).map(|_| size(rare).draw(&mut stream)).collect();
    let at_the_end = drawn.iter().filter(|size| size.height == 2 || size.height == 60_000).count();
    assert!((60..300).contains(&at_the_end), "{at_the_end}");
    assert!(drawn.iter().all(|size| !crate::vision::is_too_elongated(size.width, size.height)));
    let tiny = "width = { lognormal = { median = 1, sigma = 1 } }, height = { lognormal = { median = 1, sigma = 1 } }";
    let drawn = (0..1000).map(|_| size(tiny).draw(&mut stream)).min_by_key(|size| size.width).expect("one");
    assert!(drawn.width >= 1 && drawn.height >= 1, "{drawn}");
}
