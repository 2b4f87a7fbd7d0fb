//! From the database to the index: the one place that decides what is indexed of a tip, for the follower of the log, the
//! rebuild and the check alike.

use std::collections::{BTreeSet, HashMap};

use eureka_domain::community::Community;
use eureka_domain::ids::{CommunityId, TipId, UserId};
use eureka_domain::proof::Tally;
use eureka_domain::visibility;
use eureka_search::{Change, MergedTip, TipDocument};
use eureka_store::tips::TipSheet;
use eureka_store::{Conn, communities, proofs, tips, users};

use crate::ServiceError;

/// Most tips that one is found by in their words, too.
const MOST_MERGED: usize = 20;

/// How each tip stands now: its document, or that it is not listed.
pub(crate) fn changes(conn: &mut Conn<'_>, ids: &[TipId]) -> Result<Vec<Change>, ServiceError> {
    let sheets = tips::sheets(conn, ids)?;
    let gone: BTreeSet<TipId> = {
        let found: BTreeSet<TipId> = sheets.iter().map(|sheet| sheet.tip.id).collect();
        ids.iter().copied().filter(|id| !found.contains(id)).collect()
    };
    let mut changes: Vec<Change> = gone.into_iter().map(Change::Remove).collect();
    changes.extend(of_sheets(conn, sheets)?);
    Ok(changes)
}

/// The documents of those tips that are listed, and the removal of the others.
pub(crate) fn of_sheets(conn: &mut Conn<'_>, sheets: Vec<TipSheet>) -> Result<Vec<Change>, ServiceError> {
    let mut owners: HashMap<CommunityId, Community> = HashMap::new();
    for id in sheets.iter().map(|sheet| sheet.tip.community).collect::<BTreeSet<_>>() {
        if let Some(community) = communities::find(conn, id)? {
            owners.insert(id, community);
        }
    }
    let authors: Vec<UserId> =
        sheets.iter().map(|sheet| sheet.tip.author).collect::<BTreeSet<_>>().into_iter().collect();
    let names = users::names(conn, &authors)?;
    let merged = merged(conn, &sheets)?;
    let proofs = proofs::of_tips(conn, &sheets.iter().map(|sheet| sheet.tip.id).collect::<Vec<_>>())?;
    Ok(sheets
        .into_iter()
        .map(|sheet| {
            let id = sheet.tip.id;
            let name = names.get(&sheet.tip.author).cloned().unwrap_or_default();
            let proof = proofs.get(&id).map(|proof| proof.all);
            let stands_for = merged.get(&id).cloned().unwrap_or_default();
            match owners.get(&sheet.tip.community).and_then(|owner| document(sheet, owner, name, proof)) {
                Some(document) => Change::Put(Box::new(TipDocument { stands_for, ..document })),
                None => Change::Remove(id),
            }
        })
        .collect())
}

fn document(sheet: TipSheet, owner: &Community, author_name: String, proof: Option<Tally>) -> Option<TipDocument> {
    let TipSheet { tip, live, .. } = sheet;
    if !visibility::is_listed(&tip) {
        return None;
    }
    let live = live?;
    let text = live.text;
    Some(TipDocument {
        tip: tip.id,
        number: tip.number,
        revision: live.number,
        community: owner.id,
        community_slug: owner.slug.clone(),
        openness: owner.openness,
        title: text.title,
        problem: text.problem,
        cause: text.cause,
        solution: text.solution,
        products: text.products,
        fault_codes: text.fault_codes,
        parts: text.parts,
        tags: text.tags,
        safety: text.safety,
        hazard: text.hazard,
        lang: text.lang,
        author: tip.author,
        author_name,
        confidence: tip.confidence,
        published_at: tip.published_at.or(live.decided_at).unwrap_or(tip.created_at),
        updated_at: live.decided_at.unwrap_or(live.updated_at),
        proof,
        stands_for: Vec::new(),
    })
}

/// What each tip stands for: those merged into it that readers may still read, the oldest first.
fn merged(conn: &mut Conn<'_>, sheets: &[TipSheet]) -> Result<HashMap<TipId, Vec<MergedTip>>, ServiceError> {
    let listed: Vec<TipId> =
        sheets.iter().map(|sheet| &sheet.tip).filter(|tip| visibility::is_listed(tip)).map(|tip| tip.id).collect();
    let mut merged = HashMap::new();
    for (into, mut ids) in tips::merged_into(conn, &listed)? {
        ids.sort_unstable();
        let speaking =
            tips::sheets(conn, &ids)?.into_iter().filter(|sheet| visibility::speaks_through_another(&sheet.tip));
        let texts = speaking.filter_map(|sheet| Some((sheet.tip.number, sheet.live?.text)));
        let of = texts.take(MOST_MERGED).map(|(number, text)| MergedTip {
            number,
            title: text.title,
            products: text.products,
            fault_codes: text.fault_codes,
            parts: text.parts,
        });
        merged.insert(into, of.collect());
    }
    Ok(merged)
}
