//! Atom (RFC 4287). Any text can stand in it: what XML has no way to write becomes U+FFFD.

use atom_syndication::{Category, Content, Entry, Link, Person, Text};
use eureka_service::{ServiceError, TipDocument};

use super::{Feed, html, page_of, summary, urn};
use crate::Api;

/// The feed as text.
pub(super) fn written(api: &Api, feed: &Feed) -> Result<String, ServiceError> {
    let atom = atom_syndication::Feed {
        id: urn(feed.id),
        title: plain(&feed.title),
        subtitle: feed.description.as_deref().map(plain),
        updated: feed.updated.into(),
        links: vec![
            link("self", "application/atom+xml", &feed.link),
            link("alternate", "application/feed+json", &feed.other),
        ],
        entries: feed.tips.iter().map(|tip| entry(api, tip)).collect(),
        ..atom_syndication::Feed::default()
    };
    let bytes = atom.write_to(Vec::new()).map_err(internal)?;
    String::from_utf8(bytes).map_err(internal)
}

fn internal(why: impl std::fmt::Display) -> ServiceError {
    ServiceError::Internal(why.to_string())
}

fn entry(api: &Api, tip: &TipDocument) -> Entry {
    let content = Content {
        lang: tip.lang.as_deref().map(xml),
        value: Some(xml(&html(tip))),
        content_type: Some("html".to_owned()),
        ..Content::default()
    };
    let category = |tag: &String| Category { term: xml(tag), ..Category::default() };
    Entry {
        id: urn(tip.tip.0),
        title: plain(&tip.title),
        updated: tip.updated_at.into(),
        published: Some(tip.published_at.into()),
        authors: vec![Person { name: xml(&tip.author_name), ..Person::default() }],
        categories: tip.tags.iter().map(category).collect(),
        links: vec![link("alternate", "text/markdown", &page_of(api, tip))],
        summary: Some(plain(&summary(tip))),
        content: Some(content),
        ..Entry::default()
    }
}

fn plain(text: &str) -> Text {
    Text::plain(xml(text))
}

fn link(rel: &str, mime: &str, href: &str) -> Link {
    Link { href: xml(href), rel: rel.to_owned(), mime_type: Some(mime.to_owned()), ..Link::default() }
}

/// The text, with U+FFFD for what is no character of XML 1.0 (section 2.2).
fn xml(text: &str) -> String {
    let is_char = |c: char| {
        let is_white = matches!(c, '\t' | '\n' | '\r');
        is_white || matches!(c, ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    };
    text.chars().map(|c| if is_char(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_that_xml_does_not_have_is_replaced_and_every_other_stays() {
        for code in 0..=0x0010_ffff_u32 {
            let Some(c) = char::from_u32(code) else { continue };
            let has = matches!(code, 9 | 10 | 13 | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..);
            let expected = if has { c } else { '\u{fffd}' };
            assert_eq!(xml(&c.to_string()), expected.to_string(), "{code:x}");
        }
    }
}
