//! `theta`: the threshold and the entropies of the drafted tokens over one request, a panel for each policy that has a threshold.
//! The request is the one of median length in drafts, of the first replication of the first point.

use super::layout::{Grid, Head, fitted, fitting, listed, x_title, y_title};
use super::tokens;
use super::{Figure, Folder, Prepared};
use drawing::{
    Across, Axis, Down, Drawing, Drawn, GREY, INK, Look, Marker, Panel, RGBColor, Sheet, bold, stroke, text, width_px,
};
use std::collections::BTreeMap;
use units::quantile;

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "theta",
    title: "The threshold and the entropies of drafts over a request",
    needs: &[TokenRow::DOC, RunRow::DOC],
    prepare,
};
use tables::{RunRow, TokenRow};

const MOST_POLICIES: usize = 5;

/// Entropies below stand here, nats: nothing is decided among them.
const LEAST_NATS: f64 = 0.01;

/// Positions behind this one are not shown.
const LAST_POSITION: u32 = 240;

const WIDTH: u32 = 1100;

/// Width of the legend of marks.
const LEGEND: f64 = 580.0;

const BLUE: RGBColor = RGBColor(0, 114, 178);
const VERMILION: RGBColor = RGBColor(213, 94, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);

/// The end of a drafted token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Accepted,
    Rejected,
    /// More doubtful than the threshold allows: the cloud makes this token itself, or it is drafted once more.
    Held,
    /// Below the threshold, but nobody judged it: what it was drafted upon did not stand.
    Dropped,
}

const FATES: [Fate; 4] = [Fate::Accepted, Fate::Rejected, Fate::Held, Fate::Dropped];

impl Fate {
    fn of(token: &Draft) -> Self {
        match (token.verified, token.accepted) {
            (true, true) => Self::Accepted,
            (true, false) => Self::Rejected,
            (false, _) if token.entropy > token.theta => Self::Held,
            (false, _) => Self::Dropped,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Held => "above theta, not judged",
            Self::Dropped => "below theta, not judged",
        }
    }

    fn draw(self, sheet: &Sheet<'_>, at: (f64, f64)) -> Drawn {
        let look = |colour, marker| Look::plain(colour, marker);
        match self {
            Self::Accepted => sheet.marker(at, look(BLUE, Marker::Circle), 2.6),
            Self::Rejected => sheet.marker(at, look(VERMILION, Marker::Cross), 3.4),
            Self::Held => sheet.open_marker(at, look(GREEN, Marker::Triangle), 3.8),
            Self::Dropped => sheet.open_marker(at, look(GREY, Marker::Circle), 2.6),
        }
    }
}

/// A drafted token of the request.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Draft {
    position: u32,
    entropy: f64,
    theta: f64,
    accepted: bool,
    verified: bool,
}

struct Theta {
    head: Head,
    panels: Vec<(String, Vec<Draft>)>,
    x: Axis,
    y: Axis,
}

/// Drafts of the first replication of the first point, by policy and request.
#[derive(Default)]
struct Drafts {
    first: Option<(u32, u32)>,
    policies: Vec<(String, BTreeMap<u64, Vec<Draft>>)>,
}

impl Drafts {
    fn add(&mut self, token: &TokenRow) {
        let run = (token.point, token.replication);
        // Without a threshold there is nothing to show.
        if *self.first.get_or_insert(run) != run || !token.theta_nats.is_finite() {
            return;
        }
        let place = self.policies.iter().position(|(policy, _)| **policy == *token.policy).unwrap_or_else(|| {
            self.policies.push((token.policy.to_string(), BTreeMap::new()));
            self.policies.len() - 1
        });
        let TokenRow { position, entropy_nats: entropy, theta_nats: theta, accepted, verified, .. } = *token;
        let draft = Draft { position, entropy, theta, accepted, verified };
        self.policies[place].1.entry(token.request).or_default().push(draft);
    }

    /// The request of median length in drafts under the first policy, of those in which all of them draft.
    fn typical(&self) -> Option<u64> {
        let (_, first) = self.policies.first()?;
        let in_all = |request: &u64| self.policies.iter().all(|(_, requests)| requests.contains_key(request));
        let mut requests: Vec<(usize, u64)> = first
            .iter()
            .filter(|(request, _)| in_all(request))
            .map(|(request, drafts)| (drafts.len(), *request))
            .collect();
        requests.sort_unstable();
        quantile(&requests, 0.5).map(|(_, request)| request)
    }
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let mut drafts = Drafts::default();
    tokens::each(folder, |token| drafts.add(token))?;
    let all = drafts.policies.len();
    drafts.policies.truncate(MOST_POLICIES);
    let (Some(request), Some((point, _))) = (drafts.typical(), drafts.first) else { return Ok(None) };
    let title = title(&drafts, request);
    let shares = shares(&drafts);
    let mut panels: Vec<(String, Vec<Draft>)> = drafts
        .policies
        .into_iter()
        .map(|(policy, mut requests)| (policy, requests.remove(&request).unwrap_or_default()))
        .collect();
    let drafted = || panels.iter().flat_map(|(_, drafts)| drafts);
    let last = drafted().map(|draft| draft.position).max().unwrap_or(0);
    panels.iter_mut().for_each(|(_, drafts)| drafts.retain(|draft| draft.position < LAST_POSITION));
    let drafted = || panels.iter().flat_map(|(_, drafts)| drafts);
    let nats = drafted().flat_map(|draft| [draft.entropy, draft.theta]).map(|nats| nats.max(LEAST_NATS));
    let y = Axis::log_over(nats.chain([LEAST_NATS, 1.0]), 4);
    let x = Axis::over(drafted().map(|draft| f64::from(draft.position)).chain([0.0]), 12, true);
    let name = tokens::point_names(folder.runs()?)(point);
    let at = if name.is_empty() { String::new() } else { format!(" at {name}") };
    let cut = if last < LAST_POSITION { String::new() } else { format!(" Its first {LAST_POSITION} positions.") };
    let more = match all - panels.len() {
        0 => String::new(),
        _ => format!(" {} of {all} policies are shown.", panels.len()),
    };
    let how = format!(
        "Request {request} of the first replication{at}: the one of median length in drafts. Line: theta, as it was when a \
         batch was sent; marks: entropies of the drafted tokens; what is below {LEAST_NATS} nats stands there.{cut}{more} One \
         request: no intervals. Above theta over all requests: {shares}."
    );
    Ok(Some(Box::new(Theta { head: Head::new(WIDTH, title, &how).with_room_behind(LEGEND), panels, x, y })))
}

/// Share of drafts above the threshold, per cent.
fn share<'d>(drafts: impl Iterator<Item = &'d Draft> + Clone) -> f64 {
    let above = drafts.clone().filter(|draft| draft.entropy > draft.theta).count();
    100.0 * above as f64 / drafts.count().max(1) as f64
}

/// The shares over all requests, in words.
fn shares(drafts: &Drafts) -> String {
    let part = |(policy, requests): &(String, BTreeMap<u64, Vec<Draft>>)| {
        format!("{:.0} % of {policy}'s drafts", share(requests.values().flatten()))
    };
    drafts.policies.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The title: the share of drafts above the threshold in the request that is drawn.
fn title(drafts: &Drafts, request: u64) -> String {
    let of = |requests: &BTreeMap<u64, Vec<Draft>>| share(requests[&request].iter());
    let shares: Vec<f64> = drafts.policies.iter().map(|(_, requests)| of(requests)).collect();
    let pairs = drafts.policies.iter().zip(&shares);
    let parts: Vec<String> = pairs.map(|((policy, _), share)| format!("{share:.0} % of {policy}'s")).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (least, most) = (shares.iter().copied().fold(100.0, f64::min), shares.iter().copied().fold(0.0, f64::max));
    let short = format!("Drafts of request {request} above the threshold: {least:.0} to {most:.0} % of a policy's");
    fitting(WIDTH, [format!("Drafts of request {request} above the threshold: {}", listed(&parts)), short])
}

impl Theta {
    fn grid(&self) -> Grid {
        let edges = [70.0, 24.0, self.head.bottom() + 30.0, 52.0];
        Grid { size: self.size(), edges, between: (0.0, 40.0), columns: 1, count: self.panels.len() }
    }

    /// The legend of marks, below the explanation.
    fn legend(&self, sheet: &Sheet<'_>, (mut x, y): (f64, f64)) -> Drawn {
        sheet.line([(x, y), (x + 18.0, y)], stroke(INK, 1.8))?;
        sheet.text("theta", (x + 24.0, y), &text(12.5, INK, Across::Left, Down::Center))?;
        x += 24.0 + width_px("theta", 12.5, false) + 20.0;
        for fate in FATES {
            fate.draw(sheet, (x + 4.0, y))?;
            sheet.text(fate.name(), (x + 14.0, y), &text(12.5, INK, Across::Left, Down::Center))?;
            x += 14.0 + width_px(fate.name(), 12.5, false) + 20.0;
        }
        Ok(())
    }

    /// The threshold in steps, by position: of what was drafted twice, as it was the last time.
    fn threshold(&self, sheet: &Sheet<'_>, panel: &Panel, drafts: &[Draft]) -> Drawn {
        let last: BTreeMap<u32, f64> = drafts.iter().map(|draft| (draft.position, draft.theta)).collect();
        let steps = last.iter().flat_map(|(position, theta)| {
            [-0.5, 0.5].map(|off| panel.at((f64::from(*position) + off).max(0.0), theta.max(LEAST_NATS)))
        });
        sheet.line(steps, stroke(INK, 1.8))
    }
}

/// The number of drafts by their end.
fn tally(drafts: &[Draft]) -> String {
    let count = |fate: Fate| drafts.iter().filter(|draft| Fate::of(draft) == fate).count();
    let [accepted, rejected, held, dropped] = FATES.map(count);
    format!(
        "{accepted} accepted, {rejected} rejected, {held} above theta and not judged, {dropped} below and not judged"
    )
}

impl Drawing for Theta {
    fn size(&self) -> (u32, u32) {
        (WIDTH, [400, 600, 760, 920, 1080][self.panels.len().clamp(1, MOST_POLICIES) - 1])
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let behind = self.head.draw(sheet)?;
        self.legend(sheet, behind)?;
        let grid = self.grid();
        for (index, (policy, drafts)) in self.panels.iter().enumerate() {
            let panel = grid.panel(index, self.x.clone(), self.y.clone());
            panel.grid(sheet)?;
            let at = (panel.left, panel.top - 10.0);
            let (policy, size) = fitted(policy, panel.width - width_px(&tally(drafts), 11.5, false) - 12.0, 13.0, true);
            sheet.text(&policy, at, &bold(size, INK, Across::Left, Down::Bottom))?;
            let behind = (panel.left + width_px(&policy, size, true) + 12.0, panel.top - 10.0);
            sheet.text(&tally(drafts), behind, &text(11.5, GREY, Across::Left, Down::Bottom))?;
            self.threshold(sheet, &panel, drafts)?;
            for draft in drafts {
                Fate::of(draft).draw(sheet, panel.at(f64::from(draft.position), draft.entropy.max(LEAST_NATS)))?;
            }
            panel.x_labels(sheet, grid.is_lowest(index))?;
            panel.y_labels(sheet)?;
            y_title(sheet, &panel, "entropy, nats", 12.0)?;
            if grid.is_lowest(index) {
                x_title(sheet, &panel, "position in the answer, tokens")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::tests::{count, svg};
    use crate::figure::tokens::testing::{folder, token};

    #[test]
    fn a_draft_has_the_fate_that_the_log_says() {
        let fate =
            |entropy, verified, accepted| Fate::of(&Draft { position: 0, entropy, theta: 0.5, accepted, verified });
        let found = [fate(0.1, true, true), fate(0.1, true, false), fate(0.9, false, false), fate(0.1, false, false)];
        assert_eq!(found, FATES);
        assert_eq!(fate(0.9, true, true), Fate::Accepted, "it was sent in spite of its doubt");
    }

    /// Requests of 1 to 5 drafts, the last of each above the threshold.
    fn rows() -> Vec<TokenRow> {
        let request = |request: u64| {
            (0..=request as u32).map(move |position| {
                let above = u64::from(position) == request;
                let row = token(0, position, if above { 0.9 } else { 0.2 }, [!above, !above]);
                TokenRow { request, ..row }
            })
        };
        (0..5).flat_map(request).collect()
    }

    #[test]
    fn the_request_of_median_length_is_drawn() {
        let figure = svg("theta", folder(&rows()).path()).expect("a figure");
        assert!(figure.contains("Request 2 of the first replication:"), "{figure}");
        let tally = "2 accepted, 0 rejected, 1 above theta and not judged, 0 below and not judged";
        for text in [tally, "msao", "Drafts of request 2 above the threshold: 33 % of msao&apos;s", "entropy, nats"] {
            assert_eq!(count(&figure, text), 1, "{text} in {figure}");
        }
    }

    #[test]
    fn only_the_first_run_is_looked_at() {
        let mut drafts = Drafts::default();
        let token = |point, request| TokenRow { point, request, ..token(0, 0, 0.1, [true, true]) };
        [token(3, 7), token(4, 8)].into_iter().for_each(|token| drafts.add(&token));
        assert_eq!((drafts.first, drafts.typical()), (Some((3, 0)), Some(7)));
        assert_eq!(drafts.policies[0].1.len(), 1);
    }

    #[test]
    fn without_a_threshold_there_is_nothing_to_draw() {
        let rows: Vec<TokenRow> = rows().into_iter().map(|row| TokenRow { theta_nats: f64::INFINITY, ..row }).collect();
        assert_eq!(svg("theta", folder(&rows).path()), None);
    }
}
