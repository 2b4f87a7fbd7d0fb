//! The judge of a storm: what clients asked for and were told, against what was kept. Its controls are in `judge/tests.rs`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::log::{Event, Part, Seen, Step};

/// What was kept of one tip.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// How many tips have the title.
    pub(crate) tips: usize,
    /// Its changes, in order.
    pub(crate) changes: Vec<Change>,
    /// The version that each revision holds.
    pub(crate) texts: BTreeMap<i32, i32>,
    /// How many uses it has.
    pub(crate) uses: usize,
}

/// A change of a tip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// What happened.
    pub(crate) kind: String,
    /// To which revision.
    pub(crate) revision: i32,
    /// The state that the revision came to.
    pub(crate) to: String,
}

/// What is wrong with what was kept, by a log of which `later` is the part that what was kept need not have.
///
/// Each acknowledged write must be there once, each other one at most once, and one that was refused not at all. What was
/// approved must have been under review. Each client's later write must have a later place. Each reading must show a
/// version of the chain, approved where a reader sees it, and none older than what the same client knew of.
pub(crate) fn faults(told: &[Event], later: &[Event], kept: &BTreeMap<String, Kept>, head: i64) -> Vec<String> {
    [ill_formed(told), miscounted(told, later, kept), unlawful(told, kept), misplaced(told, head), misread(told, kept)]
        .concat()
}

/// A client asks for one thing at a time, and is answered what it asked for.
fn ill_formed(told: &[Event]) -> Vec<String> {
    let (mut faults, mut open) = (Vec::new(), BTreeMap::new());
    for Event { client, title, step, part } in told {
        let asked = open.remove(client);
        let is_fit = match part {
            Part::Invoke => open.insert(*client, (title, step)).is_none() && asked.is_none(),
            _ => asked == Some((title, step)),
        };
        if !is_fit {
            faults.push(format!("{title}: the log of client {client} has {part:?} of {step:?} after {asked:?}"));
        }
    }
    faults
}

/// The changes that a write makes: kind and revision.
fn changes_of(step: Step) -> Vec<(&'static str, i32)> {
    match step {
        Step::Submit => vec![("tip.created", 1), ("tip.submitted", 1)],
        Step::Edit { revision, .. } => vec![("tip.edited", revision)],
        Step::Send { revision } => vec![("tip.submitted", revision)],
        Step::Approve { revision } => vec![("tip.published", revision)],
        Step::Use => vec![(USE, 0)],
        Step::Find { .. } | Step::Look | Step::Trespass { .. } => Vec::new(),
    }
}

/// The kind of a use, which the tip's own history does not tell.
const USE: &str = "a use";
/// The kinds of change that only these clients make.
const KINDS: [&str; 4] = ["tip.created", "tip.edited", "tip.submitted", "tip.published"];

/// The least and the most of each change of a tip.
type Bounds = BTreeMap<(&'static str, i32), (usize, usize)>;

/// How often each change of a tip must be there at least, and may be at most.
fn bounds<'e>(told: &'e [Event], later: &'e [Event]) -> BTreeMap<&'e str, Bounds> {
    let mut steps: BTreeMap<(&str, Step), (bool, usize)> = BTreeMap::new();
    for (event, counts) in told.iter().map(|event| (event, true)).chain(later.iter().map(|event| (event, false))) {
        let (is_owed, doubts) = steps.entry((&event.title, event.step)).or_default();
        match event.part {
            Part::Invoke => *doubts += 1,
            Part::Fail(_) => *doubts = doubts.saturating_sub(1),
            Part::Ok { .. } => *is_owed |= counts,
            Part::Unknown(_) => {}
        }
    }
    let mut bounds: BTreeMap<&str, Bounds> = BTreeMap::new();
    for ((title, step), (is_owed, doubts)) in steps {
        let of_tip = bounds.entry(title).or_default();
        for change in changes_of(step) {
            let (least, most) = of_tip.entry(change).or_default();
            *least += usize::from(is_owed);
            *most += usize::from(doubts > 0);
        }
    }
    bounds
}

/// What is lost, doubled, or there though it was refused or never asked for.
fn miscounted(told: &[Event], later: &[Event], kept: &BTreeMap<String, Kept>) -> Vec<String> {
    let (mut faults, mut bounds, nothing) = (Vec::new(), bounds(told, later), Kept::default());
    for title in kept.keys() {
        bounds.entry(title).or_default();
    }
    for (title, bounds) in bounds {
        let found = kept.get(title).unwrap_or(&nothing);
        let counts = counts(found);
        for change in counts.keys().chain(bounds.keys()).collect::<BTreeSet<_>>() {
            let (least, most) = bounds.get(change).copied().unwrap_or_default();
            let count = counts.get(change).copied().unwrap_or_default();
            if !(least..=most).contains(&count) {
                faults.push(format!("{title}: {count} of {change:?}, {least} to {most} are due"));
            }
        }
        if found.tips > 1 {
            faults.push(format!("{title}: {} tips", found.tips));
        }
    }
    faults
}

fn counts(kept: &Kept) -> BTreeMap<(&str, i32), usize> {
    let mut counts = BTreeMap::new();
    for change in kept.changes.iter().filter(|change| KINDS.contains(&change.kind.as_str())) {
        *counts.entry((change.kind.as_str(), change.revision)).or_default() += 1;
    }
    if kept.uses > 0 {
        counts.insert((USE, 0), kept.uses);
    }
    counts
}

/// What was refused though it may be done, done though it may not, or approved without having been under review.
fn unlawful(told: &[Event], kept: &BTreeMap<String, Kept>) -> Vec<String> {
    let mut faults = Vec::new();
    for Event { title, step, part, .. } in told {
        match (step, part) {
            (Step::Trespass { .. }, Part::Ok { .. }) => faults.push(format!("{title}: {step:?} was acknowledged")),
            // A token that is of no more use, or the tag of a state that the same edit has left, when it is sent again.
            (_, Part::Fail(why)) if why.starts_with("401") || why.starts_with("412") => {}
            (Step::Trespass { .. }, _) => {}
            (_, Part::Fail(why)) => faults.push(format!("{title}: {step:?} was refused: {why}")),
            _ => {}
        }
    }
    for (title, Kept { changes, .. }) in kept {
        for (place, change) in changes.iter().enumerate().filter(|(_, change)| change.kind == "tip.published") {
            let before = changes[..place].iter().rev().find(|before| before.revision == change.revision);
            let from = before.map_or("nothing", |before| &before.to);
            if !["submitted", "in_review"].contains(&from) {
                faults.push(format!("{title}: revision {} was published from {from}", change.revision));
            }
        }
    }
    faults
}

/// Whether each of a client's writes has a later place in the log than the one before, and none lies beyond its head.
fn misplaced(told: &[Event], head: i64) -> Vec<String> {
    let (mut faults, mut last) = (Vec::new(), BTreeMap::new());
    for Event { client, title, step, part } in told {
        let Part::Ok { position, .. } = part else { continue };
        if changes_of(*step).is_empty() {
            continue;
        }
        let before = last.insert(client, *position).unwrap_or_default();
        if *position <= before || *position > head {
            faults.push(format!("{title}: position {position} after {before}, head {head}"));
        }
    }
    faults
}

/// What a client knows of a tip.
#[derive(Default)]
struct Known {
    /// The revision that readers see, since it was acknowledged or shown.
    live: i32,
    /// The version that the author sees.
    newest: i32,
    /// The revisions that it has asked to be approved.
    approving: BTreeSet<i32>,
}

impl Known {
    /// Why a reader may not be shown this, if so.
    fn forbids(&self, seen: Seen, texts: &BTreeMap<i32, i32>) -> Option<String> {
        if seen.revision < self.live {
            Some(format!("{seen:?} after {}", self.live))
        } else if !self.approving.contains(&seen.revision) {
            Some(format!("{seen:?} unapproved"))
        } else {
            (texts.get(&seen.revision) != Some(&seen.version)).then(|| format!("{seen:?} is none of {texts:?}"))
        }
    }
}

/// What clients were shown that they should not have been, and what not that they should.
fn misread(told: &[Event], kept: &BTreeMap<String, Kept>) -> Vec<String> {
    let (mut faults, mut known, nothing) = (Vec::new(), BTreeMap::<_, Known>::new(), Kept::default());
    for Event { client, title, step, part } in told {
        let known = known.entry((client, title)).or_default();
        let texts = &kept.get(title).unwrap_or(&nothing).texts;
        match (step, part) {
            (Step::Approve { revision }, Part::Invoke) => drop(known.approving.insert(*revision)),
            (Step::Approve { revision }, Part::Ok { .. }) => known.live = known.live.max(*revision),
            (Step::Submit, Part::Ok { .. }) => known.newest = known.newest.max(1),
            (Step::Edit { version, .. }, Part::Ok { .. }) => known.newest = known.newest.max(*version),
            (Step::Find { at }, Part::Ok { position, .. }) if position < at => {
                faults.push(format!("{title}: a search that waited for {at} knew of {position}"));
            }
            (Step::Find { at }, Part::Ok { seen, .. }) => {
                let wrong = match seen {
                    None => (known.live > 0).then(|| format!("revision {} not found at {at}", known.live)),
                    Some(seen) => known.forbids(*seen, texts),
                };
                faults.extend(wrong.map(|wrong| format!("{title}: {wrong}")));
                known.live = known.live.max(seen.map_or(0, |seen| seen.revision));
            }
            (Step::Look, Part::Ok { seen, .. }) => {
                let version = seen.map_or(0, |seen| seen.version);
                // The text of a draft gives way to a later one of the same revision.
                let is_kept = seen.is_some_and(|seen| texts.get(&seen.revision).is_some_and(|kept| version <= *kept));
                if version < known.newest || !is_kept {
                    faults.push(format!("{title}: {seen:?} of {texts:?} after version {}", known.newest));
                }
                known.newest = known.newest.max(version);
            }
            _ => {}
        }
    }
    faults
}
