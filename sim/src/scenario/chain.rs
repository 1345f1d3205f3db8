//! The hops of the link: `[[hop]]`, or `[link]` with the `[edge.link]` in front of it, which stand for a chain of two.

use super::hop::Hop;
use super::ways::{COURSES, OTHERS, Ways};
use super::{Scenario, Source};
use crate::terminal::Failure;
use engine::{HopSpec, SharedBy};
use std::path::Path;
use units::BitsPerSecond;

/// The hops of a scenario: each with its key, its keys, who shares it, and the groups that take it.
pub struct Chained<'s> {
    /// The key of its table.
    pub key: String,
    /// The keys that all hops have.
    pub ways: Ways<'s>,
    shared_by: SharedBy,
    /// By group.
    takes: Vec<bool>,
}

impl Scenario {
    /// The hops on the way from the edges to the cloud, in this order.
    pub fn chain(&self) -> Vec<Chained<'_>> {
        let groups = self.groups();
        if !self.hop.is_empty() {
            let hop = |(number, hop): (usize, &'_ Hop)| {
                let takes = |name: &str| hop.groups.as_ref().is_none_or(|groups| groups.iter().any(|one| one == name));
                (number, groups.iter().map(|group| takes(group.name)).collect())
            };
            let taken: Vec<(usize, Vec<bool>)> = self.hop.iter().enumerate().map(hop).collect();
            let chained = |(number, takes): (usize, Vec<bool>)| {
                let hop = &self.hop[number];
                Chained { key: self.key_of_hop(number), ways: hop.ways(), shared_by: hop.shared_by.resolved(), takes }
            };
            return taken.into_iter().map(chained).collect();
        }
        let own = groups.iter().enumerate().filter_map(|(number, group)| {
            let ways = group.edge.link.as_ref()?.ways();
            let takes = (0..groups.len()).map(|other| other == number).collect();
            Some(Chained { key: format!("{}.link", group.key), ways, shared_by: SharedBy::Edge, takes })
        });
        let takes = vec![true; groups.len()];
        let shared = Chained { key: "link".to_owned(), ways: self.link.ways(), shared_by: SharedBy::All, takes };
        own.chain([shared]).collect()
    }

    /// The key of a table of `[[hop]]`.
    fn key_of_hop(&self, number: usize) -> String {
        if self.hop.len() == 1 { "hop".to_owned() } else { format!("hop.{number}") }
    }

    /// The names of the series of the uplinks that all edges share; none where their rates are constant.
    pub fn uplink_series(&self) -> Option<String> {
        let chain = self.chain();
        let names: Vec<String> = common(&chain).filter_map(|hop| hop.ways.uplink_series()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// The hops that all edges share.
fn common<'c, 's>(chain: &'c [Chained<'s>]) -> impl Iterator<Item = &'c Chained<'s>> {
    chain.iter().filter(|hop| hop.shared_by == SharedBy::All && hop.takes.iter().all(|takes| *takes))
}

/// The numbers of the hops that each group takes, from the edge on.
pub fn taken(chain: &[Chained<'_>], groups: usize) -> Vec<Vec<u32>> {
    let of = |group: usize| {
        let taken = chain.iter().enumerate().filter(|(_, hop)| hop.takes[group]);
        taken.map(|(number, _)| number as u32).collect()
    };
    (0..groups).map(of).collect()
}

/// Reads the files of a chain and builds its hops. Also returns the rate in Mbps that results are labelled by: that of the slowest uplink
/// that all edges share, if it is a constant.
pub fn resolve(chain: &[Chained<'_>], beside: &Path) -> Result<(Vec<HopSpec>, Option<f64>), Failure> {
    let hops = chain.iter().map(|hop| hop.ways.resolve(hop.shared_by, beside)).collect::<Result<_, _>>()?;
    let rates: Option<Vec<BitsPerSecond>> = common(chain).map(|hop| hop.ways.uplink()).collect();
    Ok((hops, rates.and_then(|rates| rates.into_iter().min()).map(BitsPerSecond::as_mbps_f64)))
}

/// Refuses chains that cannot be.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    if !scenario.hop.is_empty() {
        one_form(source, scenario)?;
        names(source, scenario)?;
    }
    let packet = scenario.link.packet + scenario.link.header;
    let chain = scenario.chain();
    chain.iter().try_for_each(|hop| hop.ways.check(source, &hop.key, packet))?;
    let groups = scenario.groups();
    let ways = taken(&chain, groups.len());
    match groups.iter().zip(ways).find(|(_, way)| way.is_empty()) {
        Some((group, _)) => {
            let reason =
                format!("no [[hop]] names {}, so nothing leads from it to the cloud; name it in `groups`", group.name);
            Err(source.refuse_key(&group.key, &reason))
        }
        None => Ok(()),
    }
}

/// Refuses `[[hop]]` beside the keys that it takes the place of.
fn one_form(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let written = source.written();
    let of_link = written.get("link").and_then(toml::Value::as_table);
    let mut keys = COURSES.iter().chain(&OTHERS);
    if let Some(key) = keys.find(|key| of_link.is_some_and(|link| link.contains_key(**key))) {
        let reason = "found beside [[hop]], whose tables have it; move it there, or leave [[hop]] out";
        return Err(source.refuse_key(&format!("link.{key}"), reason));
    }
    match scenario.groups().iter().find(|group| group.edge.link.is_some()) {
        Some(group) => {
            let reason = "found beside [[hop]]; write it as a hop with shared_by = \"edge\", or leave [[hop]] out";
            Err(source.refuse_key(&format!("{}.link", group.key), reason))
        }
        None => Ok(()),
    }
}

/// Refuses hops without a name or of one name, hops that nobody takes, and groups that are not there.
fn names(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let groups = scenario.groups();
    let known = || groups.iter().map(|group| group.name).collect::<Vec<_>>().join(", ");
    for (number, hop) in scenario.hop.iter().enumerate() {
        let key = scenario.key_of_hop(number);
        if hop.name.is_empty() {
            return Err(source.refuse_key(&key, "a hop has no name; give it one with `name`"));
        }
        if scenario.hop[..number].iter().any(|other| other.name == hop.name) {
            let reason = format!("two hops are called \"{}\"; give one of them another name", hop.name);
            return Err(source.refuse_key(&format!("{key}.name"), &reason));
        }
        let Some(named) = &hop.groups else { continue };
        if named.is_empty() {
            let reason = "nobody takes this hop; name a group, or leave `groups` out for all";
            return Err(source.refuse_key(&format!("{key}.groups"), reason));
        }
        if let Some(stranger) = named.iter().find(|name| !groups.iter().any(|group| group.name == **name)) {
            let reason = format!("no group is called \"{stranger}\"; expected one of {}", known());
            return Err(source.refuse_key(&format!("{key}.groups"), &reason));
        }
    }
    Ok(())
}
