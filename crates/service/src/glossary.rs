//! A community's glossary: reading it, rewriting it, its versions. What is in force is kept at hand for searches in
//! `glossary/words.rs`.

mod words;

use eureka_domain::Instant;
use eureka_domain::access::{self, Caller};
use eureka_domain::change::{Change, Facts, Kind};
use eureka_domain::community::Community;
use eureka_domain::glossary::{self, Glossary, GlossaryEntry};
use eureka_domain::ids::{CommunityId, UserId};
use eureka_store::{Conn, Written, communities, glossaries, log, users};

use crate::communities::known;
use crate::{IfMatch, Page, PageRequest, Person, Service, ServiceError, audit, entity_tag};

pub(crate) use words::Words;

/// One version of a glossary, as those who know the community see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlossaryView {
    /// The version; 0 where there has never been one.
    pub version: i32,
    /// What it says.
    pub entries: Vec<GlossaryEntry>,
    /// Who wrote it; absent for the operator.
    pub editor: Option<Person>,
    /// When it was written; absent where there has never been one.
    pub at: Option<Instant>,
}

impl GlossaryView {
    /// The strong entity tag of this view.
    pub fn etag(&self) -> String {
        entity_tag(self)
    }
}

impl Service {
    /// The glossary of a community, as it is in force.
    pub fn read_glossary(&self, caller: &Caller, slug: &str) -> Result<GlossaryView, ServiceError> {
        self.store.read(|conn| {
            let community = known(conn, caller, slug)?;
            in_force(conn, &community)
        })
    }

    /// The versions of a community's glossary, the newest first.
    pub fn list_glossary_versions(
        &self,
        caller: &Caller,
        slug: &str,
        page: &PageRequest,
    ) -> Result<Page<GlossaryView>, ServiceError> {
        self.store.read(|conn| {
            let community = known(conn, caller, slug)?;
            let found = glossaries::versions(conn, community.id, page.after()?, page.fetch())?;
            page.page(found, |version| version.version)?.try_map(|version| view(conn, version))
        })
    }

    /// Rewrites a community's glossary: its stewards, and admins. Searches of this process speak it when this answers,
    /// those of others within a second.
    pub fn write_glossary(
        &self,
        caller: &Caller,
        slug: String,
        entries: Vec<GlossaryEntry>,
        expected: IfMatch,
    ) -> Result<Written<GlossaryView>, ServiceError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let written = self.store.write(move |conn| {
            let community = known(conn, &caller, &slug)?;
            access::may_steward(&caller, community.id)?;
            let before = in_force(conn, &community)?;
            expected.check(before.etag())?;
            let entries = glossary::checked(entries)?;
            if entries == before.entries {
                return Ok(before);
            }
            add_version(conn, community.id, before.version + 1, entries, Some(caller.user), now)?;
            in_force(conn, &community)
        })?;
        self.indexer.reload_words()?;
        Ok(written)
    }

    /// Rewrites a community's glossary from the command line, where the operator is trusted.
    pub fn set_glossary(&self, community: CommunityId, entries: Vec<GlossaryEntry>) -> Result<(), ServiceError> {
        let entries = glossary::checked(entries)?;
        let now = self.clock.now();
        self.store.write(move |conn| {
            let community = communities::find(conn, community)?.ok_or(ServiceError::NotFound("community"))?;
            let before = in_force(conn, &community)?;
            if entries != before.entries {
                add_version(conn, community.id, before.version + 1, entries, None, now)?;
            }
            Ok::<_, ServiceError>(())
        })?;
        self.indexer.reload_words()
    }
}

fn in_force(conn: &mut Conn<'_>, community: &Community) -> Result<GlossaryView, ServiceError> {
    match glossaries::latest(conn, community.id)? {
        Some(latest) => view(conn, latest),
        None => Ok(GlossaryView { version: 0, entries: Vec::new(), editor: None, at: None }),
    }
}

fn view(conn: &mut Conn<'_>, glossary: Glossary) -> Result<GlossaryView, ServiceError> {
    let names = users::names(conn, &glossary.editor.into_iter().collect::<Vec<_>>())?;
    Ok(GlossaryView {
        version: glossary.version,
        entries: glossary.entries,
        editor: glossary.editor.map(|id| Person::named(id, &names)),
        at: Some(glossary.at),
    })
}

fn add_version(
    conn: &mut Conn<'_>,
    community: CommunityId,
    version: i32,
    entries: Vec<GlossaryEntry>,
    editor: Option<UserId>,
    now: Instant,
) -> Result<(), ServiceError> {
    glossaries::insert(conn, &Glossary { community, version, entries, editor, at: now })?;
    let facts = Facts { value: Some(version.to_string()), ..Facts::default() };
    let change = Change::new(Kind::GlossaryUpdated, editor, now).about(community.0);
    log::append(conn, &change.telling(audit::payload(&facts)?))?;
    Ok(())
}
