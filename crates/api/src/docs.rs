//! `/docs`, `/openapi.json` and `/problems/{code}`: the documentation, served from the binary.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};

use crate::openapi;
use crate::problem::{CATALOGUE, NOT_FOUND, Problem};

/// The OpenAPI document.
#[get("/openapi.json")]
pub(crate) async fn openapi_document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::text())
}

/// The page about one kind of problem, to which the `type` of every problem leads.
#[get("/problems/{code}")]
pub(crate) async fn problem_page(code: Path<String>) -> Result<HttpResponse, Problem> {
    let kind = CATALOGUE
        .iter()
        .find(|kind| kind.code == code.as_str())
        .ok_or_else(|| Problem::new(&NOT_FOUND, "there is no such problem"))?;
    let page = format!(
        "{title}\n\ncode:   {code}\nstatus: {status}\n\n{advice}\n",
        title = kind.title,
        code = kind.code,
        status = kind.status,
        advice = kind.advice,
    );
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(page))
}
