//! JSON Feed 1.1.

use eureka_service::{ServiceError, TipDocument};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Feed, html, page_of, summary, urn};
use crate::Api;
use crate::tips::{ConfidenceWord, SafetyWord};
use crate::wire::instant;

/// A feed: <https://www.jsonfeed.org/version/1.1/>.
#[derive(Serialize, ToSchema)]
pub(crate) struct JsonFeed {
    /// Which JSON Feed it is.
    #[schema(example = "https://jsonfeed.org/version/1.1")]
    version: &'static str,
    /// What it is of.
    title: String,
    /// What that is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Its own address.
    feed_url: String,
    /// The tips, the one whose text was published last first.
    items: Vec<JsonFeedItem>,
}

/// A tip in a feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct JsonFeedItem {
    /// The tip's id, as a URN.
    #[schema(example = "urn:uuid:01930000-0000-7000-8000-000000000001")]
    id: String,
    /// Where it is to be read.
    url: String,
    /// One line that names the problem.
    title: String,
    /// The tip, what may hurt first.
    content_html: String,
    /// The problem, what may hurt before it.
    summary: String,
    /// When a revision was first published.
    #[schema(format = DateTime)]
    date_published: String,
    /// When the text that readers see was published.
    #[schema(format = DateTime)]
    date_modified: String,
    /// Whose name is on it.
    authors: Vec<JsonFeedAuthor>,
    /// Its labels.
    tags: Vec<String>,
    /// Its language.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// What JSON Feed has no word for.
    #[serde(rename = "_eureka")]
    eureka: JsonFeedTip,
}

/// Whose name is on a tip.
#[derive(Serialize, ToSchema)]
pub(crate) struct JsonFeedAuthor {
    /// That name.
    name: String,
}

/// What JSON Feed has no word for.
#[derive(Serialize, ToSchema)]
pub(crate) struct JsonFeedTip {
    /// The human key.
    #[schema(example = "T-1042")]
    number: String,
    /// The revision that readers see.
    revision: i32,
    /// The slug of the community that owns it.
    community: String,
    /// How far it can be relied on.
    confidence: ConfidenceWord,
    /// How dangerous the work is.
    safety: SafetyWord,
    /// The hazard in words: show it before anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    hazard: Option<String>,
}

/// The feed as text.
pub(super) fn written(api: &Api, feed: &Feed) -> Result<String, ServiceError> {
    let json = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: feed.title.clone(),
        description: feed.description.clone(),
        feed_url: feed.link.clone(),
        items: feed.tips.iter().map(|tip| item(api, tip)).collect(),
    };
    serde_json::to_string(&json).map_err(|error| ServiceError::Internal(error.to_string()))
}

fn item(api: &Api, tip: &TipDocument) -> JsonFeedItem {
    JsonFeedItem {
        id: urn(tip.tip.0),
        url: page_of(api, tip),
        title: tip.title.clone(),
        content_html: html(tip),
        summary: summary(tip),
        date_published: instant(tip.published_at),
        date_modified: instant(tip.updated_at),
        authors: vec![JsonFeedAuthor { name: tip.author_name.clone() }],
        tags: tip.tags.clone(),
        language: tip.lang.clone(),
        eureka: JsonFeedTip {
            number: tip.number.to_string(),
            revision: tip.revision,
            community: tip.community_slug.clone(),
            confidence: tip.confidence.into(),
            safety: tip.safety.into(),
            hazard: tip.hazard.clone(),
        },
    }
}
