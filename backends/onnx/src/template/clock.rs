//! The date in a prompt, in the words of `strftime`.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const DAY: i64 = 86_400;

/// Seconds since 1970. Builds and tests that must not change with the day set `SOURCE_DATE_EPOCH`.
pub fn now() -> i64 {
    let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let seconds = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    set.unwrap_or_else(|| i64::try_from(seconds()).unwrap_or(i64::MAX))
}

/// A moment in UTC: `formatted("%d %b %Y", 0)` is `01 Jan 1970`. Directives that C does not know stay as they are.
pub fn formatted(format: &str, seconds: i64) -> String {
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let mut directive = letters.next();
        let is_bare = directive == Some('-');
        if is_bare {
            directive = letters.next();
        }
        let written = directive.and_then(|directive| written(directive, seconds));
        match (written, directive) {
            // `%-d` is a number without its zeros in front.
            (Some(number), _) if is_bare => text.push_str(match number.trim_start_matches(['0', ' ']) {
                "" => "0",
                bare => bare,
            }),
            (Some(written), _) => text.push_str(&written),
            (None, directive) => {
                text.push_str(if is_bare { "%-" } else { "%" });
                text.extend(directive);
            }
        }
    }
    text
}

/// A directive's text.
fn written(directive: char, seconds: i64) -> Option<String> {
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let weekday = (days + 3).rem_euclid(7);
    let half = (hour + 11) % 12 + 1;
    let (month_name, day_name) = (MONTHS[month as usize - 1], DAYS[weekday as usize]);
    let both = |formats: &str| Some(formatted(formats, seconds));
    Some(match directive {
        'Y' => year.to_string(),
        'y' => format!("{:02}", year.rem_euclid(100)),
        'C' => format!("{:02}", year.div_euclid(100)),
        'm' => format!("{month:02}"),
        'd' => format!("{day:02}"),
        'e' => format!("{day:2}"),
        'j' => format!("{:03}", days - first_of(year) + 1),
        'B' => month_name.to_owned(),
        'b' | 'h' => month_name[..3].to_owned(),
        'A' => day_name.to_owned(),
        'a' => day_name[..3].to_owned(),
        'u' => (weekday + 1).to_string(),
        'w' => ((weekday + 1) % 7).to_string(),
        'H' => format!("{hour:02}"),
        'I' => format!("{half:02}"),
        'M' => format!("{minute:02}"),
        'S' => format!("{:02}", second % 60),
        'p' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        's' => seconds.to_string(),
        'f' => "000000".to_owned(),
        // Python's moment without a zone.
        'z' | 'Z' => String::new(),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '%' => "%".to_owned(),
        'F' => both("%Y-%m-%d")?,
        'T' | 'X' => both("%H:%M:%S")?,
        'R' => both("%H:%M")?,
        'D' | 'x' => both("%m/%d/%y")?,
        'r' => both("%I:%M:%S %p")?,
        'c' => both("%a %b %e %H:%M:%S %Y")?,
        _ => return None,
    })
}

/// Year, month and day of a number of days since 1970, by the calendar that is civil (Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The first day of a year, in days since 1970.
fn first_of(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python: `datetime.fromtimestamp(SECONDS, timezone.utc).replace(tzinfo=None).strftime(FORMAT)`.
    #[test]
    fn moments_are_written_as_in_python() {
        const ALL: &str = "%d %b %Y|%A %-d %B|%Y-%m-%dT%H:%M:%S|%j %u %w %I %p|%c|%D %F %T %R|%e %y %-m%% %Z%q";
        for (seconds, wanted) in [
            (
                0,
                "01 Jan 1970|Thursday 1 January|1970-01-01T00:00:00|001 4 4 12 AM|Thu Jan  1 00:00:00 1970|01/01/70 1970-01-01 00:00:00 00:00| 1 70 1% %q",
            ),
            (
                1_709_251_199,
                "29 Feb 2024|Thursday 29 February|2024-02-29T23:59:59|060 4 4 11 PM|Thu Feb 29 23:59:59 2024|02/29/24 2024-02-29 23:59:59 23:59|29 24 2% %q",
            ),
            (
                1_798_729_445,
                "31 Dec 2026|Thursday 31 December|2026-12-31T15:04:05|365 4 4 03 PM|Thu Dec 31 15:04:05 2026|12/31/26 2026-12-31 15:04:05 15:04|31 26 12% %q",
            ),
        ] {
            assert_eq!(formatted(ALL, seconds), wanted);
        }
        assert_eq!(formatted("%", 0), "%");
        assert_eq!(formatted("%-", 0), "%-");
    }
}
