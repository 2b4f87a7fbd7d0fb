//! The judge of a storm: what clients were told against what was kept.

use std::collections::BTreeMap;

/// What a client was told, of a write that it asked for until it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// That a tip was submitted.
    Submitted,
    /// That it was approved.
    Approved,
    /// That a use of it was recorded.
    Used,
    /// What a search found that waited for the approval's position.
    Searched {
        /// Whether the tip was among it.
        found: bool,
    },
}

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Which client.
    pub(crate) client: usize,
    /// The title of the tip, which no other has.
    pub(crate) title: String,
    /// What was answered.
    pub(crate) told: Told,
    /// The position that came with it.
    pub(crate) position: i64,
    /// Why it had to be asked for again, each time.
    pub(crate) again: Vec<String>,
}

/// What was kept of one tip.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// How many tips have the title.
    pub(crate) tips: usize,
    /// The kinds of its changes, in order.
    pub(crate) history: Vec<String>,
    /// How many uses it has.
    pub(crate) uses: usize,
}

/// What is wrong: nothing acknowledged may be lost or doubled, nothing approved that was not submitted, no client's later
/// write may have an earlier place, and a search that waited for a place must know of it.
pub(crate) fn faults(entries: &[Entry], kept: &BTreeMap<String, Kept>, head: i64) -> Vec<String> {
    let mut faults = Vec::new();
    let mut last: BTreeMap<usize, i64> = BTreeMap::new();
    for Entry { client, title, told, position, .. } in entries {
        let found = kept.get(title).cloned().unwrap_or_default();
        let times = |kind: &str| found.history.iter().filter(|told| *told == kind).count();
        match told {
            Told::Submitted if found.tips != 1 => faults.push(format!("{title}: {} tips", found.tips)),
            Told::Submitted if times("tip.submitted") != 1 => faults.push(format!("{title}: not submitted once")),
            Told::Approved if times("tip.published") != 1 => faults.push(format!("{title}: not published once")),
            Told::Used if found.uses != 1 => faults.push(format!("{title}: {} uses", found.uses)),
            Told::Searched { found: false } => faults.push(format!("{title}: not found at its position")),
            _ => {}
        }
        if !matches!(told, Told::Searched { .. }) {
            let before = last.insert(*client, *position).unwrap_or_default();
            if *position <= before || *position > head {
                faults.push(format!("{title}: position {position} after {before}, head {head}"));
            }
        }
    }
    for (title, Kept { tips, history, .. }) in kept {
        let place = |kind: &str| history.iter().position(|told| told == kind);
        if *tips > 1 {
            faults.push(format!("{title}: {tips} tips"));
        }
        if place("tip.published").is_some() && place("tip.published") < place("tip.submitted") {
            faults.push(format!("{title}: published before it was submitted"));
        }
    }
    faults
}

/// The control: a judge that finds each of these faults, and none where there is none.
#[test]
fn the_judge_finds_what_is_lost_doubled_out_of_order_or_unfound() {
    let entry =
        |told: Told, position: i64| Entry { client: 1, title: "One".to_owned(), told, position, again: Vec::new() };
    let told = [
        entry(Told::Submitted, 2),
        entry(Told::Approved, 3),
        entry(Told::Searched { found: true }, 3),
        entry(Told::Used, 4),
    ];
    let history = ["tip.created", "tip.submitted", "tip.published"].map(str::to_owned).to_vec();
    let whole = Kept { tips: 1, history: history.clone(), uses: 1 };
    let judged = |entries: &[Entry], kept: Kept| faults(entries, &[("One".to_owned(), kept)].into(), 4).len();
    assert_eq!(judged(&told, whole.clone()), 0);
    assert_eq!(faults(&told, &BTreeMap::new(), 4).len(), 3, "all of it is lost");
    assert!(judged(&told, Kept { tips: 2, ..whole.clone() }) > 0, "doubled");
    assert_eq!(judged(&told, Kept { uses: 2, ..whole.clone() }), 1);
    assert_eq!(judged(&told, Kept { history: history[..2].to_vec(), ..whole.clone() }), 1, "its approval is lost");
    let swapped = [0, 2, 1].map(|place| history[place].clone()).to_vec();
    assert_eq!(judged(&told, Kept { history: swapped, ..whole.clone() }), 1);
    assert_eq!(judged(&[entry(Told::Searched { found: false }, 3)], whole.clone()), 1);
    assert_eq!(judged(&[entry(Told::Submitted, 3), entry(Told::Approved, 3)], whole.clone()), 1, "one place twice");
    assert_eq!(judged(&[entry(Told::Submitted, 5)], whole), 1, "beyond the head");
}
