//! The change feed: what a reader who keeps a copy of the tips is told of a change. A change of a tip is told as what the
//! tip is now; what the reader may not see is told of only as gone, and only if they could have seen it before.

use crate::change::Kind;
use crate::tip::{Confidence, Replaced, Tip};
use crate::word::word_enum;

word_enum! {
    /// Why a tip is not, or no longer, among those that a reader finds.
    Absence {
        /// Its use was stopped: read why before you do anything.
        Held = "held",
        /// It was taken out for good.
        Archived = "archived",
        /// Another tip says the same.
        Merged = "merged",
        /// Another tip says it better.
        Superseded = "superseded",
        /// The reader may no longer read it.
        Closed = "closed",
    }
}

/// What a reader is told of a tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is among those that they find, with this revision.
    Listed {
        /// The number of the revision that readers see.
        revision: i32,
        /// How far it can be relied on.
        confidence: Confidence,
    },
    /// It is not: drop it.
    Gone(Absence),
}

/// Whether a change may concern those who keep a copy.
pub fn is_followed(kind: Kind) -> bool {
    (kind.is_indexed() && kind != Kind::GapAnswered) || changes_readers(kind) || changes_name(kind)
}

/// Whether it may change who reads a community.
pub fn changes_readers(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::CommunityOpennessChanged
            | Kind::MemberSet
            | Kind::MemberRemoved
            | Kind::UserRoleChanged
            | Kind::UserUpdated
    )
}

/// Whether it may change the name on tips.
pub fn changes_name(kind: Kind) -> bool {
    matches!(kind, Kind::UserRenamed | Kind::UserUpdated | Kind::UserErased)
}

/// What a reader is told of a tip as it is now: `reads` is whether they read its community now, `read` whether they
/// could at some time when it had been approved. Nothing of a tip that was never for them.
pub fn told(tip: &Tip, reads: bool, read: bool) -> Option<Told> {
    let revision = tip.live?;
    match absence(tip) {
        _ if !reads => read.then_some(Told::Gone(Absence::Closed)),
        Some(why) => Some(Told::Gone(why)),
        None => Some(Told::Listed { revision, confidence: tip.confidence }),
    }
}

/// Why an approved tip is not listed, if it is not.
fn absence(tip: &Tip) -> Option<Absence> {
    if tip.hold.is_some() {
        return Some(Absence::Held);
    }
    if tip.confidence == Confidence::Archived {
        return Some(Absence::Archived);
    }
    tip.replaced.map(|replaced| match replaced.how {
        Replaced::Merged => Absence::Merged,
        Replaced::Superseded => Absence::Superseded,
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::ids::{CommunityId, TipId, TipNumber, UserId};
    use crate::tip::Replacement;
    use crate::visibility;

    fn every_tip() -> Vec<Tip> {
        let mut tips = Vec::new();
        for live in [None, Some(2)] {
            for hold in [None, Some("Stop.".to_owned())] {
                for &confidence in Confidence::ALL {
                    for how in [None, Some(Replaced::Merged), Some(Replaced::Superseded)] {
                        tips.push(tip(live, hold.clone(), confidence, how));
                    }
                }
            }
        }
        tips
    }

    fn tip(live: Option<i32>, hold: Option<String>, confidence: Confidence, how: Option<Replaced>) -> Tip {
        let by = TipId(Uuid::from_u128(2));
        Tip {
            id: TipId(Uuid::from_u128(1)),
            number: TipNumber::FIRST,
            community: CommunityId(Uuid::nil()),
            author: UserId(Uuid::nil()),
            confidence,
            hold,
            replaced: how.map(|how| Replacement { by, how }),
            live,
            latest: 3,
            review: None,
            external_id: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            published_at: None,
        }
    }

    #[test]
    fn a_reader_is_told_of_exactly_the_listed_tips_as_such() {
        for tip in every_tip() {
            let listed = matches!(told(&tip, true, true), Some(Told::Listed { revision: 2, .. }));
            assert_eq!(listed, visibility::is_listed(&tip), "{tip:?}");
            assert_eq!(told(&tip, true, true), told(&tip, true, false));
        }
    }

    #[test]
    fn of_a_tip_that_they_do_not_read_they_are_told_at_most_that_it_is_gone() {
        for tip in every_tip() {
            assert_eq!(told(&tip, false, false), None);
            let gone = tip.live.map(|_| Told::Gone(Absence::Closed));
            assert_eq!(told(&tip, false, true), gone);
        }
    }

    #[test]
    fn what_changes_what_is_indexed_is_followed() {
        for &kind in Kind::ALL {
            assert!(!kind.is_indexed() || kind == Kind::GapAnswered || is_followed(kind), "{kind}");
        }
        assert!(!is_followed(Kind::TipSubmitted) && !is_followed(Kind::TipEdited) && !is_followed(Kind::FlagOpened));
    }
}
