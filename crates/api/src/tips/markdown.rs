//! `/v1/tips/{id}.md`: a tip as a page of Markdown, for people and for assistants that cite. What may hurt comes first.

use std::fmt::Write;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use eureka_domain::attachment::Attachment;
use eureka_domain::tip::{Confidence, Safety};
use eureka_service::TipView;

use super::{TipPageParams, where_it_went};
use crate::Api;
use crate::attachments::path_of;
use crate::caller::Caller;
use crate::conditional::tagged_as;
use crate::params::Params;
use crate::path::tip_ref;
use crate::problem::Problem;

/// Read a tip as a page of Markdown.
///
/// For people, and for assistants that cite it: title, what may hurt, problem, cause, solution, machines and codes, whose
/// name is on it, which revision it is and how far it can be relied on, and its address.
#[utoipa::path(
    tag = "tips",
    params(("id" = String, Path, description = "The tip's id or number", example = "T-1042"), TipPageParams),
    responses(
        (
            status = 200,
            description = "The tip as you see it",
            body = String,
            content_type = "text/markdown",
            example = json!("# DocuColor 40: intermittent 3396\n\n> **Danger.** Mains at the fuse holders.\n"),
        ),
        (
            status = 307,
            description = "It was merged into another tip",
            headers(("Location" = String, description = "The other tip")),
        ),
    ),
)]
#[get("/tips/{id}.md")]
pub(crate) async fn read_tip_page(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
    params: Params<TipPageParams>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let view = api.run(move |service| service.read_tip(&caller.0, tip)).await?;
    if let Some(elsewhere) = where_it_went(&view, params.0.redirect, ".md") {
        return Ok(elsewhere);
    }
    tagged_as(&req, view.etag(), "text/markdown; charset=utf-8", page(&view))
}

/// The page of a tip. Its texts are Markdown already, and stand there as they were written; all else is plain text.
pub(crate) fn page(view: &TipView) -> String {
    let text = &view.shown.text;
    let mut page = format!("# {}\n", plain(&text.title));
    if let Some(reason) = &view.tip.hold {
        page += &notice("Stop. Do not use this tip now.", reason);
    }
    match text.safety {
        Safety::None => {}
        Safety::Caution => page += &notice("Caution.", text.hazard.as_deref().unwrap_or_default()),
        Safety::Danger => page += &notice("Danger.", text.hazard.as_deref().unwrap_or_default()),
    }
    if view.tip.live != Some(view.shown.number) {
        page += &notice("Not approved.", &format!("This text is {}.", view.shown.state));
    } else if view.tip.confidence != Confidence::Validated {
        page += &notice("Not validated.", &format!("The tip is {}.", view.tip.confidence.word().replace('_', " ")));
    }
    if let Some(number) = view.replaced_by {
        page += &notice("Replaced.", &format!("{number} took its place: [{number}](/v1/tips/{number}.md)"));
    }
    let parts =
        [("Problem", Some(&text.problem)), ("Cause", text.cause.as_ref()), ("Solution", text.solution.as_ref())];
    for (heading, part) in parts {
        if let Some(part) = part {
            let _ = write!(page, "\n## {heading}\n\n{}\n", part.trim());
        }
    }
    page += "\n---\n\n";
    page += &facts(view);
    page
}

/// What stands below the text, each on a line.
fn facts(view: &TipView) -> String {
    let text = &view.shown.text;
    let codes = |labels: &[String]| labels.iter().map(|label| code(label)).collect::<Vec<_>>().join(", ");
    let names = |labels: &[String]| labels.iter().map(|label| plain(label)).collect::<Vec<_>>().join(", ");
    let also_by: Vec<String> = view.also_by.iter().map(|person| plain(&person.name)).collect();
    let author = [vec![plain(&view.author.name)], also_by].concat().join(", ");
    let proof = view.proof.as_ref().map(|proof| {
        let uses = proof.fixed + proof.partly + proof.not_fixed;
        format!("fixed it {} of {uses}", proof.fixed)
    });
    let file = |file: &Attachment| format!("[{}]({})", plain(&file.name), path_of(view.tip.id, file.id));
    let number = view.tip.number;
    let lines = [
        ("Products", names(&text.products)),
        ("Fault codes", codes(&text.fault_codes)),
        ("Parts", codes(&text.parts)),
        ("Tags", names(&text.tags)),
        ("Attachments", text.attachments.iter().map(file).collect::<Vec<_>>().join(", ")),
        ("Author", author),
        ("Community", plain(&view.community)),
        ("Revision", view.shown.number.to_string()),
        ("Confidence", view.tip.confidence.word().replace('_', " ")),
        ("Proof", proof.unwrap_or_default()),
        ("Confirmed", view.confirmed_at.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default()),
        ("Tip", format!("[{number}](/v1/tips/{number})")),
    ];
    let given = lines.iter().filter(|(_, value)| !value.is_empty());
    given.fold(String::new(), |page, (name, value)| page + &format!("- {name}: {value}\n"))
}

/// Something to be read before all else.
fn notice(what: &str, why: &str) -> String {
    let lines: Vec<String> = why.trim().lines().map(plain).collect();
    format!("\n{}\n", format!("> **{what}** {}", lines.join("\n> ")).trim_end())
}

/// Plain text on one line, with nothing in it that Markdown takes for its own.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '!' => out.extend(['\\', c]),
            other => out.push(other),
        }
    }
    out
}

/// A code, byte for byte: within as many backticks as it takes.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_markdown_stays_as_it_was_written() {
        assert_eq!(plain("a_b*c* [x](y) <b> # 1\nz"), r"a\_b\*c\* \[x\](y) \<b\> \# 1 z");
        assert_eq!(code("E-541"), "`E-541`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(notice("Danger.", "Mains.\n# Unplug"), "\n> **Danger.** Mains.\n> \\# Unplug\n");
        assert_eq!(notice("Danger.", ""), "\n> **Danger.**\n");
    }
}
