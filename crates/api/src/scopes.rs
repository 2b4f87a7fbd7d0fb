//! What an API key may be used for: the one place that decides it, asked by whatever asks who is calling. Reading takes no
//! more than `read`; a change that has no row here is refused to every key.

use actix_web::http::Method;
use eureka_domain::access::Caller;
use eureka_domain::api_key::Scope;

use crate::problem::{INSUFFICIENT_SCOPE, Problem};

/// The scope that each change takes, and whatever else does not go by its method.
const ROWS: &[(&str, &str, Scope)] = &[
    ("POST", "/mcp", Scope::Read), // each of its tools asks for its own
    ("GET", "/v1/admin/audit", Scope::Admin),
    ("GET", "/v1/admin/index", Scope::Admin),
    ("POST", "/v1/admin/index/rebuild", Scope::Admin),
    ("POST", "/v1/admin/index/verify", Scope::Admin),
    ("POST", "/v1/communities", Scope::Admin),
    ("PATCH", "/v1/communities/{slug}", Scope::Admin),
    ("PUT", "/v1/communities/{slug}/glossary", Scope::Review),
    ("PUT", "/v1/communities/{slug}/members/{user_id}", Scope::Admin),
    ("DELETE", "/v1/communities/{slug}/members/{user_id}", Scope::Admin),
    ("POST", "/v1/flags/{id}/assign", Scope::Review),
    ("POST", "/v1/flags/{id}/resolve", Scope::Review),
    ("POST", "/v1/gaps/{id}/claim", Scope::Write),
    ("POST", "/v1/gaps/{id}/release", Scope::Write),
    ("POST", "/v1/imports", Scope::Review),
    ("POST", "/v1/notifications/{id}/read", Scope::Write),
    ("POST", "/v1/reviews/claim-next", Scope::Review),
    ("POST", "/v1/reviews/{id}/answer", Scope::Write),
    ("POST", "/v1/reviews/{id}/claim", Scope::Review),
    ("POST", "/v1/reviews/{id}/comments", Scope::Write),
    ("POST", "/v1/reviews/{id}/decisions", Scope::Review),
    ("POST", "/v1/reviews/{id}/release", Scope::Review),
    ("POST", "/v1/searches/{id}/opened", Scope::Read),
    ("POST", "/v1/tips", Scope::Write),
    ("POST", "/v1/tips/similar", Scope::Read),
    ("PATCH", "/v1/tips/{id}", Scope::Write),
    ("POST", "/v1/tips/{id}/archive", Scope::Review),
    ("POST", "/v1/tips/{id}/attachments", Scope::Write),
    ("DELETE", "/v1/tips/{id}/attachments/{attachment_id}", Scope::Write),
    ("POST", "/v1/tips/{id}/flags", Scope::Write),
    ("POST", "/v1/tips/{id}/hold", Scope::Review),
    ("POST", "/v1/tips/{id}/merge", Scope::Review),
    ("POST", "/v1/tips/{id}/outcomes", Scope::Write),
    ("PUT", "/v1/tips/{id}/relations/{other}", Scope::Write),
    ("DELETE", "/v1/tips/{id}/relations/{other}", Scope::Write),
    ("POST", "/v1/tips/{id}/release", Scope::Review),
    ("POST", "/v1/tips/{id}/restore", Scope::Review),
    ("POST", "/v1/tips/{id}/revert", Scope::Write),
    ("POST", "/v1/tips/{id}/separate", Scope::Review),
    ("POST", "/v1/tips/{id}/submit", Scope::Write),
    ("POST", "/v1/tips/{id}/supersede", Scope::Review),
    ("PUT", "/v1/tips/{id}/watch", Scope::Write),
    ("DELETE", "/v1/tips/{id}/watch", Scope::Write),
    ("POST", "/v1/tips/{id}/withdraw", Scope::Write),
    ("GET", "/v1/users", Scope::Admin),
    ("POST", "/v1/users", Scope::Admin),
    ("PATCH", "/v1/users/{id}", Scope::Admin),
    ("POST", "/v1/webhooks/{id}/deliveries/{delivery}/replay", Scope::Write),
    ("POST", "/v1/webhooks/{id}/ping", Scope::Write),
];

/// What is done in person only.
const IN_PERSON: &[(&str, &str)] = &[
    ("POST", "/v1/auth/logout"),
    ("PUT", "/v1/me/password"),
    ("POST", "/v1/users/{id}/password-reset"),
    ("GET", "/v1/api-keys"),
    ("POST", "/v1/api-keys"),
    ("GET", "/v1/api-keys/{id}"),
    ("DELETE", "/v1/api-keys/{id}"),
    ("GET", "/v1/webhooks"),
    ("POST", "/v1/webhooks"),
    ("GET", "/v1/webhooks/{id}"),
    ("PATCH", "/v1/webhooks/{id}"),
    ("DELETE", "/v1/webhooks/{id}"),
    ("POST", "/v1/webhooks/{id}/rotate"),
];

/// The scope that an operation takes; `None` where no key will do.
pub(crate) fn scope_of(method: &str, route: &str) -> Option<Scope> {
    if IN_PERSON.contains(&(method, route)) {
        return None;
    }
    let row = ROWS.iter().find(|(of, at, _)| (*of, *at) == (method, route));
    row.map(|(_, _, scope)| *scope).or((method == "GET").then_some(Scope::Read))
}

/// Refuses what a key is not for.
pub(crate) fn permit(method: &Method, route: &str, caller: &Caller) -> Result<(), Problem> {
    let Some((_, scopes)) = &caller.key else { return Ok(()) };
    match scope_of(method.as_str(), route) {
        Some(scope) if scopes.grant(scope) => Ok(()),
        Some(scope) => Err(Problem::new(&INSUFFICIENT_SCOPE, format!("this takes a key with the scope `{scope}`"))),
        None => Err(Problem::new(&INSUFFICIENT_SCOPE, "this is done in person, with an access token")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::openapi;

    #[test]
    fn every_change_of_the_document_has_a_row_and_every_row_an_operation() {
        let document = openapi::document();
        let mut described = BTreeSet::new();
        for (path, item) in &document.paths.paths {
            let json = serde_json::to_value(item).unwrap();
            for method in openapi::methods(item) {
                let public = json[method.to_lowercase()]["security"] == serde_json::json!([{}]);
                if !public {
                    described.insert((method, path.clone()));
                }
            }
        }
        let rows = ROWS.iter().map(|(method, path, _)| (*method, *path)).chain(IN_PERSON.iter().copied());
        let decided: BTreeSet<_> = rows.map(|(method, path)| (method, path.to_owned())).collect();
        assert_eq!(decided.len(), ROWS.len() + IN_PERSON.len(), "a row stands twice");
        let changes = described.iter().filter(|(method, _)| *method != "GET").cloned().collect::<BTreeSet<_>>();
        let undecided: Vec<_> = changes.difference(&decided).collect();
        assert!(undecided.is_empty(), "say which scope these take, or that they are done in person: {undecided:?}");
        let stale: Vec<_> = decided.difference(&described).collect();
        assert!(stale.is_empty(), "there are no such operations: {stale:?}");
    }
}
