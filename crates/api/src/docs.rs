//! `/docs/`, `/openapi.json`, `/openapi-3.0.json` and `/problems/{code}`: the documentation, served from the binary.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};

use actix_web::body::{MessageBody, SizedStream};
use actix_web::http::header::LOCATION;
use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, get};
use eureka_service::ServiceError;
use futures_util::stream;
use utoipa_swagger_ui::Config;

use crate::openapi;
use crate::problem::{CATALOGUE, NOT_FOUND, Problem};

/// What is written to a connection at once.
const PIECE: usize = 32 * 1024;

/// The paths of the documentation, which does not describe itself.
pub(crate) const PATHS: [&str; 5] =
    ["/docs", "/docs/{file:.*}", "/openapi.json", "/openapi-3.0.json", "/problems/{code}"];

/// The OpenAPI document.
#[get("/openapi.json")]
pub(crate) async fn openapi_document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(in_pieces(openapi::text().as_bytes()))
}

/// The OpenAPI document as 3.0.3.
#[get("/openapi-3.0.json")]
pub(crate) async fn openapi_document_3_0() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(in_pieces(openapi::text_3_0().as_bytes()))
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
    Ok(HttpResponse::Ok().content_type(file.content_type).body(in_pieces(file.bytes)))
}

/// A file that is written as its client reads: as a whole, each connection would hold more than a megabyte of it.
fn in_pieces(file: impl Into<Cow<'static, [u8]>>) -> impl MessageBody {
    let file = match file.into() {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let length = file.len();
    let piece = move |start| Ok::<_, Infallible>(file.slice(start..length.min(start + PIECE)));
    SizedStream::new(length as u64, stream::iter((0..length).step_by(PIECE).map(piece)))
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
