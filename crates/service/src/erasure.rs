//! Erasing a person from the command line: what they did stays, who they were goes.

use eureka_domain::RuleError;
use eureka_domain::change::{Change, Kind};
use eureka_domain::erasure::{FORMER_MEMBER, Traces};
use eureka_domain::ids::{TipNumber, UserId};
use eureka_domain::user::{SiteRole, User, UserStatus};
use eureka_store::{Conn, Written, erasure, glossaries, idempotency, log, throttles, users};
use serde_json::Value;

use crate::attempts::account_of;
use crate::{Service, ServiceError};

impl Service {
    /// The account with this address.
    pub fn find_user(&self, email: &str) -> Result<Option<User>, ServiceError> {
        let email = email.trim().to_lowercase();
        self.store.read(|conn| Ok(users::find_email(conn, &email)?))
    }

    /// Erases a person: their account, and their name and mail address wherever they may be rewritten. Answers the tips
    /// whose texts name them, which are for their authors to edit. The indexes follow by themselves, files and all; the
    /// database's files are [`eureka_store::Store::scrub`]'s. May be repeated.
    pub fn erase_user(&self, id: UserId) -> Result<Written<Vec<TipNumber>>, ServiceError> {
        let now = self.clock.now();
        let written = self.store.write(move |conn| {
            let before = users::find(conn, id)?.ok_or(ServiceError::NotFound("user"))?;
            let is_admin = before.site_role == SiteRole::Admin && before.status == UserStatus::Active;
            if is_admin && users::admins(conn)? == 1 {
                return Err(ServiceError::Rule(RuleError::NotPermitted("erase the last active admin")));
            }
            let traces = Traces::of(&before);
            erasure::empty_account(conn, id, now)?;
            throttles::remove(conn, &account_of(&before))?;
            let user = User {
                email: None,
                name: FORMER_MEMBER.to_owned(),
                site_role: SiteRole::Member,
                status: UserStatus::Suspended,
                auth_epoch: before.auth_epoch + 1,
                updated_at: now,
                ..before
            };
            users::save(conn, &user)?;
            erasure::rewrite_texts(conn, &traces)?;
            rewrite_replies(conn, &traces)?;
            erasure::rewrite_imports(conn, &traces, |text| cleaned_json(text.as_bytes(), &traces))?;
            rewrite_glossaries(conn, &traces)?;
            let mentioned = erasure::tips_that_mention(conn, &traces)?;
            log::append(conn, &Change::new(Kind::UserErased, None, now).about(id.0))?;
            Ok(mentioned)
        })?;
        self.callers.forget();
        Ok(written)
    }
}

/// Takes them out of what stands for what, in every version that is kept.
fn rewrite_glossaries(conn: &mut Conn<'_>, traces: &Traces) -> Result<(), ServiceError> {
    for mut glossary in glossaries::all(conn)? {
        let mut is_touched = false;
        for phrase in
            glossary.entries.iter_mut().flat_map(|entry| [&mut entry.term].into_iter().chain(&mut entry.means))
        {
            if let Some(cleaned) = traces.taken_out_of(phrase) {
                *phrase = cleaned;
                is_touched = true;
            }
        }
        if is_touched {
            glossaries::replace(conn, &glossary)?;
        }
    }
    Ok(())
}

/// Takes them out of the replies that are kept for requests that are repeated.
fn rewrite_replies(conn: &mut Conn<'_>, traces: &Traces) -> Result<(), ServiceError> {
    Ok(idempotency::rewrite(conn, |body| cleaned_json(body, traces).map(String::into_bytes))?)
}

/// JSON without them, unless it has none of them, or is not JSON.
fn cleaned_json(text: &[u8], traces: &Traces) -> Option<String> {
    let kept: Value = serde_json::from_slice(text).ok()?;
    let cleaned = cleaned(kept.clone(), traces);
    (cleaned != kept).then(|| cleaned.to_string())
}

fn cleaned(value: Value, traces: &Traces) -> Value {
    match value {
        Value::String(text) => Value::String(traces.taken_out_of(&text).unwrap_or(text)),
        Value::Array(items) => items.into_iter().map(|item| cleaned(item, traces)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, cleaned(field, traces))).collect(),
        other => other,
    }
}
