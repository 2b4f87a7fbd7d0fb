//! `/docs/`, `/openapi.json`, `/openapi-3.0.json` and `/problems/{code}`: the documentation, served from the binary.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::LOCATION;
use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use eureka_service::ServiceError;
use utoipa_swagger_ui::Config;

use crate::openapi;
use crate::problem::{CATALOGUE, NOT_FOUND, Problem};

/// The paths of the documentation, which does not describe itself.
pub(crate) const PATHS: [&str; 5] =
    ["/docs", "/docs/{file:.*}", "/openapi.json", "/openapi-3.0.json", "/problems/{code}"];

/// The OpenAPI document.
#[get("/openapi.json")]
pub(crate) async fn openapi_document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::text())
}

/// The OpenAPI document as 3.0.3.
#[get("/openapi-3.0.json")]
pub(crate) async fn openapi_document_3_0() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::text_3_0())
}

/// Where the pages begin.
#[get("/docs")]
pub(crate) async fn docs() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, "/docs/")).finish()
}

/// The pages to try the API in.
#[get("/docs/{file:.*}")]
pub(crate) async fn docs_file(file: Path<String>) -> Result<HttpResponse, Problem> {
    static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::from("/openapi.json")));
    let file = utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG))
        .map_err(|error| ServiceError::Internal(error.to_string()))?
        .ok_or_else(|| Problem::new(&NOT_FOUND, "there is no such page"))?;
    Ok(HttpResponse::Ok().content_type(file.content_type).body(file.bytes.into_owned()))
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
