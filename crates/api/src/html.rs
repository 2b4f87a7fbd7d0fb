//! Markdown as HTML that is safe to show: `?render=html` has it beside the source, which is what is kept, searched and
//! edited. comrak makes it and ammonia lets through what is listed here; neither is trusted to do the other's work.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use comrak::arena_tree::NodeEdge;
use comrak::nodes::NodeValue;
use comrak::{Arena, Node, Options, format_html, try_parse_document};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::attachments::AttachmentBody;

/// Deepest nesting of quotes, lists and emphasis; a text that goes deeper is shown as it was written.
const DEEPEST: usize = 64;
/// Most cells that the lines of a text could make a table of; where there are more, it has no tables.
const CELLS: usize = 20_000;
/// Most that is done for one text, in the parser's own steps of a line, an inline or a node, 256 at a time.
const STEPS: u32 = 2_000;
/// Tells the entity tags of one way to render from those of another: to be raised with what the HTML looks like.
const VERSION: u32 = 1;

/// What texts are rendered as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Render {
    /// HTML that is safe to show, beside the source.
    Html,
}

/// Whether to render texts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenderParams {
    /// `html`: have the Markdown of the texts as HTML that is safe to show, beside the source.
    #[param(inline)]
    pub(crate) render: Option<Render>,
}

/// The texts of a revision as HTML that is safe to show: no scripts, styles, forms or frames, links to `http`, `https` and
/// `mailto` and to the text's own attachments, nothing that is loaded from elsewhere. Its own photos are asked for as any
/// other resource is, with the caller's token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HtmlBody {
    /// What was seen.
    problem: String,
    /// Why it happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// What fixes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
}

impl HtmlBody {
    /// The texts, rendered.
    pub(crate) fn of(problem: &str, cause: Option<&str>, solution: Option<&str>, files: &Files<'_>) -> Self {
        let html = |text: &str| html_with(text, files);
        Self { problem: html(problem), cause: cause.map(html), solution: solution.map(html) }
    }
}

/// What is attached to a text, and can be shown in it by its name: `![what it shows](attachment:NAME)`.
pub(crate) struct Files<'f>(pub(crate) &'f [AttachmentBody]);

impl Files<'_> {
    /// Where the file is that an address in the text means.
    fn find(&self, address: &str) -> Option<&AttachmentBody> {
        let name = address.strip_prefix("attachment:")?;
        self.0.iter().find(|file| file.is_called(name))
    }
}

/// The entity tag of what is rendered: that of the state, and how. A change is made against the first part.
pub(crate) fn tag(state: &str) -> String {
    format!("{}.html{VERSION}\"", state.trim_end_matches('"'))
}

/// A text as HTML that is safe to show, whatever it holds. HTML in it is shown as text, a line break is a line break, and
/// of an image there is only what it is called.
pub(crate) fn html(markdown: &str) -> String {
    html_with(markdown, &Files(&[]))
}

/// The same of a text that has files: its own photos are shown, and its own documents linked to.
fn html_with(markdown: &str, files: &Files<'_>) -> String {
    let rendered = rendered(markdown, files).unwrap_or_else(|| as_written(markdown));
    allowed().clean(&rendered).to_string()
}

/// comrak's HTML, unless the text is made to be too much.
fn rendered(markdown: &str, files: &Files<'_>) -> Option<String> {
    let options = options(markdown);
    let arena = Arena::new();
    let steps = Cell::new(0);
    let enough = || {
        steps.set(steps.get() + 1);
        steps.get() > STEPS
    };
    let root = try_parse_document(&arena, markdown, &options, &enough).ok()?;
    if is_too_deep(root) {
        return None;
    }
    point_to_files(root, files);
    let mut out = String::new();
    format_html(root, &options, &mut out).ok()?;
    Some(out)
}

fn options(markdown: &str) -> Options<'static> {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options.extension.table = has_few_cells(markdown);
    options.render.escape = true;
    options.render.hardbreaks = true;
    options
}

/// Whether no table in the text can become large: short rows are filled up to the longest.
fn has_few_cells(markdown: &str) -> bool {
    let (mut lines, mut longest) = (0, 0);
    for line in markdown.lines() {
        lines += 1;
        longest = longest.max(line.bytes().filter(|&byte| byte == b'|').count());
    }
    lines * (longest + 1) <= CELLS
}

fn is_too_deep(root: Node<'_>) -> bool {
    let mut depth = 0_usize;
    root.traverse().any(|edge| {
        match edge {
            NodeEdge::Start(_) => depth += 1,
            NodeEdge::End(_) => depth -= 1,
        }
        depth > DEEPEST
    })
}

/// Has links and images lead to the files that they mean. Of any other image there is left what it is called.
fn point_to_files<'a>(root: Node<'a>, files: &Files<'_>) {
    let mut others: Vec<Node<'a>> = Vec::new();
    for node in root.descendants() {
        match &mut node.data_mut().value {
            NodeValue::Link(link) => {
                if let Some(file) = files.find(&link.url) {
                    link.url = file.url().to_owned();
                }
            }
            NodeValue::Image(image) => match files.find(&image.url).filter(|file| file.is_picture()) {
                Some(file) => image.url = file.url().to_owned(),
                None => others.push(node),
            },
            _ => {}
        }
    }
    for image in others {
        for child in image.children().collect::<Vec<_>>() {
            image.insert_before(child);
        }
        image.detach();
    }
}

/// Whether an address is one of this service's own for a file; what else is relative leads nowhere.
fn is_file(address: &str) -> bool {
    let mut parts = address.split('/');
    let fixed = [parts.next(), parts.next(), parts.next()] == [Some(""), Some("v1"), Some("tips")];
    let is_id = |part: Option<&str>| part.is_some_and(|id| id.len() == 36 && Uuid::try_parse(id).is_ok());
    fixed && is_id(parts.next()) && parts.next() == Some("attachments") && is_id(parts.next()) && parts.next().is_none()
}

fn file_alone(address: &str) -> Option<Cow<'_, str>> {
    is_file(address).then_some(Cow::Borrowed(address))
}

/// The text itself, line by line.
fn as_written(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

/// Plain text in HTML, line by line.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("<br>\n"),
            other => out.push(other),
        }
    }
    out
}

/// All that may be in a rendered text.
fn allowed() -> &'static Builder<'static> {
    static ALLOWED: LazyLock<Builder<'static>> = LazyLock::new(|| {
        let tags = [
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "img",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ];
        let attributes = [
            ("a", &["href", "title"][..]),
            ("img", &["alt", "src", "title"]),
            ("ol", &["start"]),
            ("td", &["align"]),
            ("th", &["align"]),
        ];
        let attributes: HashMap<&str, HashSet<&str>> =
            attributes.into_iter().map(|(tag, names)| (tag, names.iter().copied().collect())).collect();
        let mut builder = Builder::empty();
        builder
            .tags(tags.into())
            .tag_attributes(attributes)
            .url_schemes(["http", "https", "mailto"].into())
            .generic_attributes(HashSet::new())
            .url_relative(UrlRelative::Custom(Box::new(file_alone)))
            // Absolute addresses are for links alone.
            .attribute_filter(|element, attribute, value| {
                let shows = element != "img" || attribute != "src" || is_file(value);
                shows.then_some(Cow::Borrowed(value))
            })
            .link_rel(Some("nofollow noopener noreferrer"));
        builder
    });
    &ALLOWED
}

#[cfg(test)]
pub(crate) mod tests;
