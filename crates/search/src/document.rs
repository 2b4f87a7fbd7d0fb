//! What is indexed of a tip: everything a hit shows and everything a search looks at.

use std::hash::Hasher;

use eureka_domain::Instant;
use eureka_domain::community::Openness;
use eureka_domain::ids::{CommunityId, TipId, TipNumber, UserId};
use eureka_domain::proof::Tally;
use eureka_domain::tip::{Confidence, Safety};
use serde::{Deserialize, Serialize};

/// A published tip as the index takes it. A hit gives back the same fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TipDocument {
    /// For ever.
    pub tip: TipId,
    /// The human key.
    #[serde(with = "number")]
    pub number: TipNumber,
    /// The live revision.
    pub revision: i32,
    /// Who owns it.
    pub community: CommunityId,
    /// The owner's word in URLs.
    pub community_slug: String,
    /// Whether the community is open: decides in which of the two indexes the tip lives.
    pub openness: Openness,
    /// One line that names the problem.
    pub title: String,
    /// What was seen.
    pub problem: String,
    /// Why it happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What fixes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
    /// Machines it applies to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// Fault codes, byte for byte.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault_codes: Vec<String>,
    /// Part numbers, byte for byte.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// Free labels, lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How dangerous the work is.
    pub safety: Safety,
    /// The hazard in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hazard: Option<String>,
    /// Language of the text (BCP 47 primary subtag); detected at indexing when absent, and present in hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Whose name is on it.
    pub author: UserId,
    /// That name.
    pub author_name: String,
    /// How far it can be relied on.
    pub confidence: Confidence,
    /// When it was first published.
    pub published_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// What its outcomes add up to, if any were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Tally>,
    /// The tips that were merged into it: who searches in their words finds this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stands_for: Vec<MergedTip>,
}

/// What is indexed of a tip that was merged into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedTip {
    /// The human key.
    #[serde(with = "number")]
    pub number: TipNumber,
    /// The line that named the problem there.
    pub title: String,
    /// Machines it applied to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// Its fault codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault_codes: Vec<String>,
    /// Its part numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
}

impl MergedTip {
    /// All of it that is words: the title, then the labels.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        let labels = self.products.iter().chain(&self.fault_codes).chain(&self.parts);
        std::iter::once(&self.title).chain(labels)
    }
}

impl TipDocument {
    /// Its fault codes, and those of the tips it stands for.
    pub(crate) fn all_fault_codes(&self) -> impl Iterator<Item = &String> {
        self.fault_codes.iter().chain(self.stands_for.iter().flat_map(|merged| &merged.fault_codes))
    }

    /// Its part numbers, and those of the tips it stands for.
    pub(crate) fn all_parts(&self) -> impl Iterator<Item = &String> {
        self.parts.iter().chain(self.stands_for.iter().flat_map(|merged| &merged.parts))
    }

    /// A number that differs when anything that is indexed or shown differs. Compared by `index verify`.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        match serde_json::to_writer(&mut hasher, self) {
            Ok(()) => hasher.finish(),
            Err(_) => 0, // writing to a hasher cannot fail
        }
    }
}

#[cfg(test)]
impl TipDocument {
    /// A tip of an open community.
    pub(crate) fn sample(number: i64) -> Self {
        Self {
            tip: TipId(uuid::Uuid::from_u128(number.unsigned_abs().into())),
            number: TipNumber(number),
            revision: 1,
            community: CommunityId(uuid::Uuid::from_u128(1)),
            community_slug: "office-printers".to_owned(),
            openness: Openness::Open,
            title: "Paper jam".to_owned(),
            problem: "Tray.".to_owned(),
            cause: None,
            solution: None,
            products: Vec::new(),
            fault_codes: Vec::new(),
            parts: Vec::new(),
            tags: Vec::new(),
            safety: Safety::None,
            hazard: None,
            lang: None,
            author: UserId(uuid::Uuid::from_u128(2)),
            author_name: "Ada".to_owned(),
            confidence: Confidence::Validated,
            published_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            proof: None,
            stands_for: Vec::new(),
        }
    }
}

/// FNV-1a, 64 bit: stable over versions, which the standard library's hasher is not.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl std::io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Hasher::write(self, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

mod number {
    use eureka_domain::ids::TipNumber;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde calls")]
    pub(super) fn serialize<S: Serializer>(number: &TipNumber, to: S) -> Result<S::Ok, S::Error> {
        number.0.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TipNumber, D::Error> {
        i64::deserialize(from).map(TipNumber)
    }
}

/// One step that brings the index nearer to the database. Applying the same change twice does no harm.
#[derive(Debug, Clone)]
pub enum Change {
    /// The tip is listed and reads like this now.
    Put(Box<TipDocument>),
    /// The tip is no longer listed.
    Remove(TipId),
}
