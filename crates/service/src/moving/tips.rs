//! Moved tips, taken in: each whole, with its texts, files, reviews and outcomes, or not at all.

use std::collections::BTreeSet;

use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::Community;
use eureka_domain::ids::{OutcomeId, TipId};
use eureka_domain::outcome::Outcome;
use eureka_domain::review::Review;
use eureka_domain::tip::{Confidence, Revision, State, Tip};
use eureka_domain::{Ids, Instant, past};
use eureka_store::{Conn, communities, log, outcomes, revisions, tips};

use super::here::{People, find, here, told};
use super::reviews::{self, Arriving};
use super::{Arrival, MovedFile, MovedTip, files};
use crate::outcomes::recount;
use crate::{ServiceError, audit};

/// Takes a tip in, unless one of its name is here: that one is left as it is.
pub(super) fn take(
    conn: &mut Conn<'_>,
    moved: &MovedTip,
    files: &[MovedFile],
    people: &People,
    ids: &dyn Ids,
    now: Instant,
) -> Result<Arrival, ServiceError> {
    let Some(community) = communities::find_slug(conn, &moved.name.community)? else {
        return Ok(Arrival::Refused(format!("there is no community {}", moved.name.community)));
    };
    if find(conn, &community, &moved.name.id)?.is_some() {
        return Ok(Arrival::Known);
    }
    let id = TipId(ids.next(now));
    let mut texts = match texts_here(moved, id, people) {
        Ok(texts) => texts,
        Err(why) => return Ok(Arrival::Refused(why)),
    };
    let arriving = Arriving { tip: id, community: community.id, texts: &texts, people, ids, now };
    let reviews = match reviews::placed(conn, &moved.reviews, &arriving)? {
        Ok(reviews) => reviews,
        Err(why) => return Ok(Arrival::Refused(why)),
    };
    let tip = match tip_here(conn, moved, id, &community, &texts, people, now)? {
        Ok(tip) => Tip { review: reviews::open(&reviews), ..tip },
        Err(why) => return Ok(Arrival::Refused(why)),
    };
    let in_order: Vec<Review> = reviews.iter().map(|placed| placed.review.clone()).collect();
    let sound = past::checked(tip.author, &texts, &in_order).map_err(told);
    if let Err(why) = sound.and_then(|()| files::check(&texts, files)) {
        return Ok(Arrival::Refused(why));
    }
    tips::insert(conn, &tip)?;
    files::take(conn, id, &mut texts, files, ids, now)?;
    for text in &texts {
        revisions::insert(conn, &tip, text)?;
    }
    reviews::take(conn, reviews)?;
    tell(conn, &tip, &texts, now)?;
    for outcome in &moved.outcomes {
        let outcome = Outcome { id: OutcomeId(ids.next(now)), tip: id, ..outcome.clone() };
        take_outcome(conn, outcome, people, now)?;
    }
    if !moved.outcomes.is_empty() {
        recount(conn, id)?;
    }
    Ok(Arrival::New)
}

/// Says that a tip came in: with the text that readers see, and with one that peers have not approved.
fn tell(conn: &mut Conn<'_>, tip: &Tip, texts: &[Revision], now: Instant) -> Result<(), ServiceError> {
    let live = texts.iter().find(|text| tip.live == Some(text.number));
    let latest = texts.last().filter(|text| tip.live != Some(text.number));
    let unapproved = if live.is_some() { Kind::TipEdited } else { Kind::TipCreated };
    for (kind, text) in [(Kind::TipImported, live), (unapproved, latest)] {
        if let Some(text) = text {
            log::append(conn, &Change::new(kind, None, now).of_tip(tip.id).at_revision(None, text))?;
        }
    }
    Ok(())
}

/// The texts of a tip as they are kept here, or why they cannot be.
fn texts_here(moved: &MovedTip, id: TipId, people: &People) -> Result<Vec<Revision>, String> {
    let mut texts = Vec::with_capacity(moved.revisions.len());
    for text in &moved.revisions {
        let mut credited = BTreeSet::new();
        for person in &text.credited {
            credited.insert(here(people, *person)?);
        }
        texts.push(Revision {
            tip: id,
            text: text.text.clone().checked().map_err(told)?,
            editor: here(people, text.editor)?,
            credited,
            ..text.clone()
        });
    }
    Ok(texts)
}

/// The tip as it is kept here, without its review; or why it cannot be.
fn tip_here(
    conn: &mut Conn<'_>,
    moved: &MovedTip,
    id: TipId,
    community: &Community,
    texts: &[Revision],
    people: &People,
    now: Instant,
) -> Result<Result<Tip, String>, ServiceError> {
    let live = texts.iter().rev().find(|text| text.state == State::Published).map(|text| text.number);
    if let Err(why) = standing(moved, live, texts, people) {
        return Ok(Err(why));
    }
    let author = match here(people, moved.author) {
        Ok(author) => author,
        Err(why) => return Ok(Err(why)),
    };
    Ok(Ok(Tip {
        id,
        number: tips::next_number(conn)?,
        community: community.id,
        author,
        confidence: moved.confidence,
        hold: moved.hold.clone(),
        replaced: None,
        live,
        latest: texts.last().map_or(0, |text| text.number),
        review: None,
        external_id: Some(moved.name.id.clone()),
        created_at: moved.created_at,
        updated_at: now,
        published_at: moved.published_at,
    }))
}

/// Refuses what is said of a tip that its texts do not bear out.
fn standing(moved: &MovedTip, live: Option<i32>, texts: &[Revision], people: &People) -> Result<(), String> {
    if texts.is_empty() {
        return Err("it has no text".to_owned());
    }
    for outcome in &moved.outcomes {
        here(people, outcome.user)?;
        let was_live = |text: &Revision| matches!(text.state, State::Published | State::Superseded);
        if live.is_none() || !texts.iter().any(|text| text.number == outcome.revision && was_live(text)) {
            return Err("an outcome is of a text that readers never saw".to_owned());
        }
    }
    if live.is_some() == (moved.confidence == Confidence::WorkInProgress) {
        return Err(
            "what it is relied on for is not what its texts say: peers have approved it, or have not".to_owned()
        );
    }
    if live.is_none() && (moved.hold.is_some() || moved.published_at.is_some()) {
        return Err("peers have not approved it, so it was never published, nor is its use stopped".to_owned());
    }
    Ok(())
}

fn take_outcome(conn: &mut Conn<'_>, outcome: Outcome, people: &People, now: Instant) -> Result<(), ServiceError> {
    let user = people.get(&outcome.user).copied().ok_or(ServiceError::NotFound("user"))?;
    // A person's clients name each outcome once: one that has the name already keeps it.
    let client_id = match &outcome.client_id {
        Some(name) if outcomes::by_client_id(conn, user, name)?.is_some() => None,
        name => name.clone(),
    };
    let facts = Facts { value: Some(outcome.result.word().to_owned()), ..Facts::default() };
    let change = Change::new(Kind::OutcomeRecorded, None, now).of_tip(outcome.tip).about(outcome.id.0);
    let seq = log::append(conn, &change.on_revision(outcome.revision).telling(audit::payload(&facts)?))?;
    Ok(outcomes::insert(conn, &Outcome { user, client_id, seq, ..outcome })?)
}
