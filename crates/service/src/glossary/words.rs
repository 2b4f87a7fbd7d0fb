//! The glossaries in force, at hand for searches: those of open communities together, each private one by itself. Read
//! anew by whoever changes one here, and by the follower of the log when others do.

use std::collections::BTreeMap;
use std::sync::Arc;

use eureka_domain::community::Openness;
use eureka_domain::ids::CommunityId;
use eureka_domain::visibility::Audience;
use eureka_search::{Glossary, SynonymGroup};
use eureka_store::{Store, glossaries};
use parking_lot::{Mutex, RwLock};

use crate::ServiceError;

/// What communities take for the same.
#[derive(Default)]
pub(crate) struct Words {
    in_force: RwLock<Option<Arc<InForce>>>,
    /// Held while they are read: whoever reads later reads a later state.
    reading: Mutex<()>,
}

struct InForce {
    /// Of all open communities.
    open: Glossary,
    /// Of each community alone, open or private.
    each: BTreeMap<CommunityId, (Openness, Glossary)>,
}

impl Words {
    /// Reads what is in force, if that has not been done.
    pub(crate) fn load(&self, store: &Store) -> Result<(), ServiceError> {
        if self.in_force.read().is_none() { self.reload(store) } else { Ok(()) }
    }

    /// Reads what is in force now.
    pub(crate) fn reload(&self, store: &Store) -> Result<(), ServiceError> {
        let _reading = self.reading.lock();
        let found = store.read(glossaries::in_force)?;
        let (mut open, mut each) = (Vec::new(), BTreeMap::new());
        for (openness, glossary) in found {
            let community = glossary.community;
            let groups: Vec<SynonymGroup> = glossary
                .entries
                .into_iter()
                .map(|entry| SynonymGroup {
                    community,
                    phrases: std::iter::once(entry.term).chain(entry.means).collect(),
                })
                .collect();
            if openness == Openness::Open {
                open.extend(groups.iter().cloned());
            }
            each.insert(community, (openness, Glossary::new(groups)));
        }
        *self.in_force.write() = Some(Arc::new(InForce { open: Glossary::new(open), each }));
        Ok(())
    }

    /// What a query says in the words of the communities that an audience reads, or of some of them alone.
    pub(crate) fn spoken_in(&self, q: &str, audience: &Audience, only: &[CommunityId]) -> Vec<SynonymGroup> {
        let in_force = self.in_force.read().clone();
        let Some(in_force) = in_force.as_deref() else { return Vec::new() };
        in_force.read_by(audience, only).flat_map(|glossary| glossary.spoken_in(q)).collect()
    }

    /// What was typed, completed to terms of the communities that an audience reads.
    pub(crate) fn complete(&self, typed: &str, audience: &Audience, most: usize) -> Vec<String> {
        let in_force = self.in_force.read().clone();
        let Some(in_force) = in_force.as_deref() else { return Vec::new() };
        in_force.read_by(audience, &[]).flat_map(|glossary| glossary.complete(typed, most)).take(most).collect()
    }
}

impl InForce {
    fn read_by<'a>(
        &'a self,
        audience: &'a Audience,
        only: &'a [CommunityId],
    ) -> impl Iterator<Item = &'a Glossary> + 'a {
        let all = only.is_empty();
        let wanted =
            move |id: CommunityId, openness| if all { openness == Openness::Private } else { only.contains(&id) };
        let open = all.then_some(&self.open);
        let each = self
            .each
            .iter()
            .filter(move |(id, (openness, _))| wanted(**id, *openness) && audience.reads(**id, *openness));
        open.into_iter().chain(each.map(|(_, (_, glossary))| glossary))
    }
}
