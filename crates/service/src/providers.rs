//! Outside identity providers (`OpenID` Connect) whose tokens are believed: which they are, and what each of their tokens must
//! be. [`crate::Service`] makes of what a token says who is calling (`identities.rs`).

mod assertion;
mod keys;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use eureka_domain::Instant;
use eureka_domain::identity::Mapping;
use jsonwebtoken::Algorithm;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::ServiceError;
use crate::providers::keys::ProviderKeys;

pub(crate) use assertion::Assertion;

/// How many tokens' signatures are not verified again.
const VERIFIED: u64 = 20_000;

/// A provider, as the settings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderOptions {
    /// Its `iss`, to the letter.
    pub issuer: String,
    /// Where its public keys are.
    pub keys: KeySource,
    /// One of these has to be in `aud`.
    pub audience: Vec<String>,
    /// The clients (`azp`) that may have asked for a token. None named: any for a token that is for this service alone, and
    /// the audience for one that is for others too.
    pub clients: Vec<String>,
    /// The signatures that it may use.
    pub algorithms: Vec<SignedWith>,
    /// Where the groups are: the name of a claim, or a JSON pointer where it begins with `/`.
    pub groups_claim: String,
    /// What they give.
    pub mapping: Mapping,
    /// What becomes of somebody who was never here.
    pub newcomers: Newcomers,
    /// Whether an account with the address that the provider has verified is theirs.
    pub linking: Linking,
}

/// Where a provider's public keys are, as a JWKS (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// At a URL; with the certificates (PEM) to trust instead of the public ones.
    Url {
        /// `https://…`, or `http://…` on a loopback address.
        url: String,
        /// The certificates.
        roots: Option<Vec<u8>>,
    },
}

/// What becomes of somebody with a sound token who has no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newcomers {
    /// They get one.
    Welcome,
    /// They are refused until the operator links an account to them.
    Refused,
}

/// Whether somebody is given an account that was there before, because of its mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linking {
    /// Never.
    Never,
    /// Where the provider says that it has verified the address. Never an admin's account.
    ByVerifiedEmail,
}

/// A signature that a provider may use. None with a shared secret, and not none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedWith {
    /// RSA, PKCS#1, SHA-256.
    Rs256,
    /// RSA, PKCS#1, SHA-384.
    Rs384,
    /// RSA, PKCS#1, SHA-512.
    Rs512,
    /// RSA-PSS, SHA-256.
    Ps256,
    /// RSA-PSS, SHA-384.
    Ps384,
    /// RSA-PSS, SHA-512.
    Ps512,
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl SignedWith {
    const ALL: [(&'static str, Self); 9] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("EdDSA", Self::EdDsa),
    ];

    /// The one with this name (RFC 7518, RFC 8037).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, with)| *with)
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// The providers that are believed.
#[derive(Default)]
pub struct Providers(Vec<Arc<Provider>>);

/// One of them, with the keys that it has published.
pub(crate) struct Provider {
    pub(crate) options: ProviderOptions,
    /// Of the mapping.
    pub(crate) rules: String,
    keys: Arc<ProviderKeys>,
    /// What tokens say whose signature was found right, by their SHA-256, as long as the keys stay the same.
    verified: Cache<[u8; 32], (u64, Arc<Assertion>)>,
}

impl Providers {
    /// These, where `own` is the issuer of this service's own tokens. Nothing is fetched before the first token comes.
    pub fn new(own: &str, providers: Vec<ProviderOptions>) -> Result<Self, ServiceError> {
        let mut issuers = BTreeSet::from([own.to_owned()]);
        let mut known = Vec::with_capacity(providers.len());
        for options in providers {
            if options.issuer.is_empty() || !issuers.insert(options.issuer.clone()) {
                let why = format!("the issuer `{}` is named twice, or is this service", options.issuer);
                return Err(ServiceError::Internal(why));
            }
            if options.audience.is_empty() || options.algorithms.is_empty() {
                let why = format!("the issuer `{}` has no audience, or no algorithms", options.issuer);
                return Err(ServiceError::Internal(why));
            }
            let keys = Arc::new(ProviderKeys::new(&options.keys)?);
            let rules = options.mapping.fingerprint();
            known.push(Arc::new(Provider { options, rules, keys, verified: Cache::new(VERIFIED) }));
        }
        Ok(Self(known))
    }

    /// Fetches the keys of each: its issuer, and how many there are or why there are none.
    pub fn try_out(&self, now: Instant) -> Vec<(String, Result<usize, ServiceError>)> {
        self.0.iter().map(|provider| (provider.options.issuer.clone(), provider.keys.fetch_now(now))).collect()
    }

    /// The provider that a token says it is from; nothing of the token has been verified yet.
    pub(crate) fn named_in(&self, token: &str) -> Option<&Arc<Provider>> {
        if self.0.is_empty() {
            return None;
        }
        let issuer = assertion::issuer(token)?;
        self.0.iter().find(|provider| provider.options.issuer == issuer)
    }
}

impl Provider {
    /// What a token says, if its signature was verified before and it is in force: nothing is fetched.
    pub(crate) fn remembered(&self, token: &str, now: Instant) -> Result<Option<Arc<Assertion>>, ServiceError> {
        match self.verified.get(&digest(token)) {
            Some((generation, assertion)) if generation == self.keys.generation() => {
                assertion.check_times(now)?;
                Ok(Some(assertion))
            }
            _ => Ok(None),
        }
    }

    /// What a token says, if the provider has signed it for this service and it is in force. May wait for its keys.
    pub(crate) fn verify(self: &Arc<Self>, token: &str, now: Instant) -> Result<Arc<Assertion>, ServiceError> {
        if let Some(assertion) = self.remembered(token, now)? {
            return Ok(assertion);
        }
        let generation = self.keys.generation(); // before the look at the keys, which may be newer by then
        let assertion = Arc::new(assertion::read(self, &self.keys, token, now)?);
        assertion.check_times(now)?;
        self.verified.insert(assertion.digest, (generation, Arc::clone(&assertion)));
        Ok(assertion)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
