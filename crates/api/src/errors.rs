//! `docs/errors.md`: the catalogue of problems as a page, made from the code.

use std::fmt::Write as _;

use crate::problem::CATALOGUE;

const HEAD: &str = "\
# Errors

Every error reply is a problem (RFC 9457), `application/problem+json`. Act on `code`: it never changes. `detail` is for people
and may. `errors[]` says what is wrong with which field (`pointer`), `request_id` names the request in the service's log. `type`
is `/problems/` and the code, and a running service has a page there.

This page is made from the code by `make openapi`; `crates/api/src/problem.rs` is where it is written.

| status | code | what it is | what to do |
| --- | --- | --- | --- |
";

/// The catalogue of errors, as Markdown.
pub fn errors_page() -> String {
    let mut page = HEAD.to_owned();
    let mut kinds = CATALOGUE.to_vec();
    kinds.sort_by_key(|kind| kind.status);
    for kind in kinds {
        let _ = writeln!(page, "| {} | `{}` | {} | {} |", kind.status, kind.code, kind.title, kind.advice);
    }
    page
}
