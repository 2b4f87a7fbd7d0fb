//! Tokens: short access tokens (JWT signed with EdDSA, RFC 8725 and RFC 9068) and opaque refresh tokens.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Duration;
use eureka_domain::Instant;
use eureka_domain::ids::{SessionId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ServiceError;

/// How long an access token lasts.
pub const ACCESS_MINUTES: i64 = 15;
/// How far the clocks of two replicas may differ.
const LEEWAY_SECONDS: i64 = 30;
const AUDIENCE: &str = "eureka";
const TYPE: &str = "at+jwt";
/// How many tokens' signatures are not verified again.
const VERIFIED: u64 = 20_000;
const INVALID: ServiceError = ServiceError::Unauthenticated("the access token is not valid");

/// The key pair that signs access tokens, and the public keys of those before it, which still verify.
pub struct Keys {
    issuer: String,
    signer: Signer,
    verifiers: Vec<Verifier>,
    /// What tokens say whose signature was found right, by their SHA-256: a caller sends the same one for minutes.
    verified: Cache<[u8; 32], Claims>,
    fingerprints: hmac::Key,
}

struct Signer {
    kid: String,
    key: EncodingKey,
}

struct Verifier {
    kid: String,
    public: Vec<u8>,
    key: DecodingKey,
}

/// What an access token says: who, in which session, since when; never what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Who.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// The owner's `auth_epoch` when it was issued.
    pub epoch: i32,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// A public key as JWKS (RFC 7517, RFC 8037) has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKey {
    /// The key's name.
    pub kid: String,
    /// The 32 bytes of the Ed25519 public key, base64url.
    pub x: String,
}

/// A new Ed25519 private key: PKCS#8 v1 DER, to be kept secret.
pub fn generate_key() -> Result<Vec<u8>, ServiceError> {
    let pair = Ed25519KeyPair::generate().map_err(ServiceError::internal)?;
    Ok(pair.to_pkcs8v1().map_err(ServiceError::internal)?.as_ref().to_vec())
}

impl Keys {
    /// Signs with the first of `private` (PKCS#8 DER), verifies with all of them.
    pub fn new(issuer: &str, private: &[Vec<u8>]) -> Result<Self, ServiceError> {
        let mut verifiers = Vec::new();
        let mut signer = None;
        for der in private {
            let pair = Ed25519KeyPair::from_pkcs8(der)
                .map_err(|why| ServiceError::Internal(format!("not an Ed25519 PKCS#8 key: {why}")))?;
            let public = pair.public_key().as_ref().to_vec();
            let kid = hex::encode(Sha256::digest(&public)).chars().take(16).collect::<String>();
            if signer.is_none() {
                signer = Some(Signer { kid: kid.clone(), key: EncodingKey::from_ed_der(der) });
            }
            verifiers.push(Verifier { kid, key: DecodingKey::from_ed_der(&public), public });
        }
        let signer = signer.ok_or_else(|| ServiceError::internal("there is no signing key"))?;
        // Of the oldest key, which stays when a new one comes: what was kept before is told again after.
        let oldest = private.last().map(Vec::as_slice).unwrap_or_default();
        let secret = Sha256::new().chain_update("eureka fingerprints of requests\n").chain_update(oldest).finalize();
        let fingerprints = hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice());
        Ok(Self { fingerprints, issuer: issuer.to_owned(), signer, verifiers, verified: Cache::new(VERIFIED) })
    }

    /// The public keys, for other services to verify with.
    pub fn public(&self) -> Vec<PublicKey> {
        self.verifiers.iter().map(|v| PublicKey { kid: v.kid.clone(), x: URL_SAFE_NO_PAD.encode(&v.public) }).collect()
    }

    /// The key of what tells requests apart: see [`crate::Service::fingerprint`].
    pub(crate) fn fingerprints(&self) -> &hmac::Key {
        &self.fingerprints
    }

    /// A token for a session.
    pub fn issue(&self, user: UserId, session: SessionId, epoch: i32, now: Instant) -> Result<String, ServiceError> {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            sid: session,
            epoch,
            iat: now.timestamp(),
            nbf: now.timestamp(),
            exp: (now + Duration::minutes(ACCESS_MINUTES)).timestamp(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.signer.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.signer.key).map_err(ServiceError::internal)
    }

    /// What a token says, if it is one of ours and in force now.
    pub fn verify(&self, token: &str, now: Instant) -> Result<Claims, ServiceError> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let claims = if let Some(claims) = self.verified.get(&digest) {
            claims
        } else {
            let claims = self.signed(token)?;
            self.verified.insert(digest, claims.clone());
            claims
        };
        let now = now.timestamp();
        if now >= claims.exp + LEEWAY_SECONDS {
            return Err(ServiceError::Unauthenticated("the access token has expired"));
        }
        if now < claims.nbf - LEEWAY_SECONDS {
            return Err(INVALID);
        }
        Ok(claims)
    }

    /// What a token says, if one of our keys signed it.
    fn signed(&self, token: &str) -> Result<Claims, ServiceError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| INVALID)?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(INVALID);
        }
        let kid = header.kid.ok_or(INVALID)?;
        let verifier = self.verifiers.iter().find(|v| v.kid == kid).ok_or(INVALID)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_issuer(&[&self.issuer]);
        rules.validate_exp = false; // the library reads the system's clock; the times are checked at every use
        Ok(jsonwebtoken::decode::<Claims>(token, &verifier.key, &rules).map_err(|_| INVALID)?.claims)
    }
}

/// A new secret of 256 bits, base64url: a refresh token.
pub(crate) fn new_secret() -> Result<String, ServiceError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(ServiceError::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a secret. It has 256 bits of its own, so a plain hash is enough.
pub(crate) fn secret_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(seconds: i64) -> Instant {
        chrono::DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn keys() -> (Keys, Vec<u8>) {
        let der = generate_key().unwrap();
        (Keys::new("https://eureka.example", std::slice::from_ref(&der)).unwrap(), der)
    }

    fn issue(keys: &Keys) -> String {
        keys.issue(UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)), 3, at(0)).unwrap()
    }

    #[test]
    fn a_token_says_who_and_lasts_fifteen_minutes_and_the_leeway() {
        let (keys, _) = keys();
        let token = issue(&keys);
        let claims = keys.verify(&token, at(60)).unwrap();
        assert_eq!((claims.sub.0.as_u128(), claims.sid.0.as_u128(), claims.epoch), (1, 2, 3));
        assert!(keys.verify(&token, at(15 * 60 + 29)).is_ok());
        assert!(keys.verify(&token, at(15 * 60 + 30)).is_err());
        assert!(keys.verify(&token, at(-31)).is_err());
        let mut forged = token.into_bytes();
        let last = forged.len() - 10;
        forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert!(keys.verify(&forged, at(60)).is_err(), "what was verified is the token, not who it names");
    }

    #[test]
    fn a_key_that_was_rotated_out_still_verifies_and_a_strange_one_does_not() {
        let (old, old_der) = keys();
        let new_der = generate_key().unwrap();
        let token = issue(&old);
        let rotated = Keys::new("https://eureka.example", &[new_der.clone(), old_der]).unwrap();
        assert!(rotated.verify(&token, at(0)).is_ok());
        let other = Keys::new("https://eureka.example", &[new_der]).unwrap();
        assert!(other.verify(&token, at(0)).is_err());
    }

    #[test]
    fn a_token_of_another_issuer_type_or_algorithm_is_refused() {
        let (keys, der) = keys();
        let other = Keys::new("https://elsewhere.example", std::slice::from_ref(&der)).unwrap();
        assert!(keys.verify(&issue(&other), at(0)).is_err());

        let claims = keys.verify(&issue(&keys), at(0)).unwrap();
        let forge = |header: Header, key: &EncodingKey| jsonwebtoken::encode(&header, &claims, key).unwrap();
        let mut plain = Header::new(Algorithm::EdDSA);
        plain.kid = Some(keys.signer.kid.clone());
        assert!(keys.verify(&forge(plain.clone(), &keys.signer.key), at(0)).is_err(), "typ JWT");
        let mut hmac = Header::new(Algorithm::HS256);
        hmac.typ = Some(TYPE.to_owned());
        hmac.kid = plain.kid;
        let public = keys.verifiers[0].public.clone();
        assert!(keys.verify(&forge(hmac, &EncodingKey::from_secret(&public)), at(0)).is_err(), "HS256");
        for junk in ["", "a", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            assert!(keys.verify(junk, at(0)).is_err(), "{junk}");
        }
    }
}
