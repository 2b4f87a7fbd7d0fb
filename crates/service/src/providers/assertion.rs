//! What a provider's token says (`OpenID` Connect Core 3.1.3.7, RFC 9068, RFC 8725), once it is found to be sound.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Duration};
use eureka_domain::Instant;
use jsonwebtoken::Validation;
use serde_json::{Map, Value};

use super::keys::ProviderKeys;
use super::{Provider, digest};
use crate::ServiceError;

/// How far the provider's clock may differ.
const LEEWAY: Duration = Duration::seconds(30);
/// Kinds of tokens in the header: plain ones, and access tokens by RFC 9068. A logout token is neither.
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];
/// Kinds of tokens in Keycloak's claim of that name. Its refresh tokens are none of these.
const KINDS: [&str; 2] = ["Bearer", "ID"];
/// `OpenID` Connect has at most so many.
const SUBJECT_MAX: usize = 255;

const INVALID: ServiceError = ServiceError::Unauthenticated("the identity provider's token is not valid");
const EXPIRED: ServiceError = ServiceError::Unauthenticated("the identity provider's token has expired");

/// A token that was found to be sound, but for its times.
pub(crate) struct Assertion {
    /// SHA-256 of the token.
    pub(crate) digest: [u8; 32],
    /// Who says it.
    pub(crate) provider: Arc<Provider>,
    /// Of whom.
    pub(crate) subject: String,
    /// When.
    pub(crate) issued_at: Instant,
    /// The groups that they are in.
    pub(crate) groups: BTreeSet<String>,
    /// What they are called.
    pub(crate) name: Option<String>,
    /// Their mail address, where the provider has verified it.
    pub(crate) email: Option<String>,
    not_before: Option<Instant>,
    expires_at: Instant,
}

impl Assertion {
    /// Whether the token is in force.
    pub(super) fn check_times(&self, now: Instant) -> Result<(), ServiceError> {
        if now >= self.expires_at + LEEWAY {
            return Err(EXPIRED);
        }
        if self.not_before.is_some_and(|from| now + LEEWAY < from) || now + LEEWAY < self.issued_at {
            return Err(INVALID);
        }
        Ok(())
    }
}

/// The issuer that a token names; nothing of it has been verified.
pub(super) fn issuer(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        iss: String,
    }
    Some(jsonwebtoken::dangerous::insecure_decode_claims::<Named>(token).ok()?.iss)
}

/// What a token says, if the provider has signed it for this service.
pub(super) fn read(
    provider: &Arc<Provider>,
    keys: &Arc<ProviderKeys>,
    token: &str,
    now: Instant,
) -> Result<Assertion, ServiceError> {
    let options = &provider.options;
    let header = jsonwebtoken::decode_header(token).map_err(|_| INVALID)?;
    let pinned = options.algorithms.iter().any(|with| with.algorithm() == header.alg);
    let known_type = header.typ.as_deref().is_none_or(|typ| TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ)));
    if !pinned || !known_type || header.crit.is_some() {
        return Err(INVALID);
    }
    let key = keys.find(header.kid.as_deref().ok_or(INVALID)?, header.alg, now)?.ok_or(INVALID)?;
    let mut rules = Validation::new(header.alg);
    rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    rules.set_audience(&options.audience);
    rules.set_issuer(&[&options.issuer]);
    rules.validate_exp = false; // the library reads the system's clock; the times are checked at every use
    let claims: Map<String, Value> = jsonwebtoken::decode(token, &key, &rules).map_err(|_| INVALID)?.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    // The library takes what is absent for right; and a list of issuers, which is none.
    let subject = text("sub").filter(|subject| (1..=SUBJECT_MAX).contains(&subject.len())).ok_or(INVALID)?;
    let named = text("iss") == Some(options.issuer.as_str());
    let of_a_kind = text("typ").is_none_or(|kind| KINDS.contains(&kind));
    if !named || !of_a_kind || claims.contains_key("events") || !is_for_us(options, &claims) {
        return Err(INVALID);
    }
    Ok(Assertion {
        digest: digest(token),
        provider: Arc::clone(provider),
        subject: subject.to_owned(),
        issued_at: moment(&claims, "iat")?.ok_or(INVALID)?,
        not_before: moment(&claims, "nbf")?,
        expires_at: moment(&claims, "exp")?.ok_or(INVALID)?,
        groups: groups(&claims, &options.groups_claim),
        name: text("name").or_else(|| text("preferred_username")).map(str::to_owned),
        email: text("email").filter(|_| claims.get("email_verified") == Some(&Value::Bool(true))).map(str::to_owned),
    })
}

/// Whether a token is for this service, and was asked for by a client that may: one that is for others too must say by whom.
fn is_for_us(options: &super::ProviderOptions, claims: &Map<String, Value>) -> bool {
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.iter().any(|name| options.audience.iter().any(|ours| ours.as_str() == *name)) {
        return false;
    }
    let client = claims.get("azp").and_then(Value::as_str);
    let may = |client: &str| {
        let clients = if options.clients.is_empty() { &options.audience } else { &options.clients };
        clients.iter().any(|known| known == client)
    };
    (audience.len() == 1 && options.clients.is_empty()) || client.is_some_and(may)
}

/// A moment in whole seconds, as RFC 7519 writes it; an error where it is anything else.
fn moment(claims: &Map<String, Value>, name: &str) -> Result<Option<Instant>, ServiceError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    // No clock that counts is past the year 9999, and adding to a moment near the end of time is an overflow.
    let seconds = value.as_i64().filter(|seconds| (0..253_402_300_800).contains(seconds)).ok_or(INVALID)?;
    Ok(Some(DateTime::from_timestamp(seconds, 0).ok_or(INVALID)?))
}

/// The groups in a claim, or in a part of one that a JSON pointer names.
fn groups(claims: &Map<String, Value>, place: &str) -> BTreeSet<String> {
    let found = match place.strip_prefix('/') {
        Some(path) => {
            let mut names = path.split('/').map(|name| name.replace("~1", "/").replace("~0", "~"));
            let first = names.next().and_then(|name| claims.get(&name));
            names.fold(first, |value, name| value.and_then(|value| value.get(&name)))
        }
        None => claims.get(place),
    };
    match found {
        Some(Value::String(one)) => BTreeSet::from([one.clone()]),
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups_are_found_by_a_claim_s_name_or_by_a_pointer_into_one() {
        let Value::Object(claims) = json!({
            "groups": ["a", "b", 3],
            "https://example.org/groups": "c",
            "realm_access": {"roles": ["d"]},
            "odd/name": {"x": ["e"]},
        }) else {
            unreachable!()
        };
        for (place, found) in [
            ("groups", vec!["a", "b"]),
            ("https://example.org/groups", vec!["c"]),
            ("/realm_access/roles", vec!["d"]),
            ("/odd~1name/x", vec!["e"]),
            ("/realm_access/none/deeper", vec![]),
            ("absent", vec![]),
            ("realm_access", vec![]),
        ] {
            assert_eq!(groups(&claims, place).iter().map(String::as_str).collect::<Vec<_>>(), found, "{place}");
        }
    }

    #[test]
    fn moments_are_whole_seconds_of_years_that_people_write() {
        for odd in [json!("1"), json!(1.5), json!(-1), json!(i64::MAX), json!(null), json!(253_402_300_800_i64)] {
            let claims = Map::from_iter([("exp".to_owned(), odd.clone())]);
            assert!(moment(&claims, "exp").is_err(), "{odd}");
        }
        let claims = Map::from_iter([("exp".to_owned(), json!(253_402_300_799_i64))]);
        assert!(moment(&claims, "exp").unwrap().unwrap().checked_add_signed(LEEWAY).is_some());
        assert_eq!(moment(&claims, "nbf").unwrap(), None);
    }
}
