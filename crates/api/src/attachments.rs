//! `/v1/tips/{id}/attachments`: photos and PDFs, behind the visibility of the texts that have them.

mod body;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, Charset, ContentDisposition,
    DispositionParam, DispositionType, ETAG, ExtendedValue, HeaderValue,
};
use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, post};
use eureka_domain::attachment::{Attachment, BYTES_MAX, Media, Sent, sniff};
use eureka_service::{AttachmentView, NewAttachment, ServiceError, attachment_parts};
use futures_util::stream;

pub(crate) use body::{AttachmentBody, path_of};

use body::{AttachParams, AttachmentParams, FileBody};

use crate::Api;
use crate::body::read;
use crate::caller::Caller;
use crate::conditional::known;
use crate::idempotency::{Created, IdempotencyKey, POSITION, answered};
use crate::page::{PageBody, listed_whole};
use crate::params::Params;
use crate::path::{attachment_id, tip_ref};
use crate::problem::{Problem, UNSUPPORTED_MEDIA_TYPE};

/// What a browser may do with a file that it shows by itself: nothing, in an origin of its own.
const SANDBOX: &str = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Asked again each time whether the reader may still have it.
const PRIVATE: &str = "private, no-cache";
/// What names no type, for clients that do not know it.
const ANYTHING: &str = "application/octet-stream";

/// Attach a photo or a PDF to a tip.
///
/// The body is the file: JPEG, PNG, WebP or PDF, up to 10 MiB and 40 million pixels, 20 to a text. What it is goes by its
/// bytes. Photos are written anew, upright and without place, time and camera; a WebP becomes a JPEG, or a PNG where it is
/// partly transparent. PDFs stay as they are. To attach is to edit: it changes the draft, or starts the next revision, and
/// readers see it when reviewers have approved that. It goes with any other change of the text, so that no `If-Match` is
/// owed. In a text, `![what it shows](attachment:NAME)` has the photo of that name in its place.
#[utoipa::path(
    tag = "tips",
    request_body(
        description = "The file",
        content(
            (FileBody = "image/jpeg"), (FileBody = "image/png"), (FileBody = "image/webp"), (FileBody = "application/pdf"),
            (FileBody = "application/octet-stream"),
        ),
    ),
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        AttachParams,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    responses((status = 201, description = "The attachment", body = AttachmentBody)),
)]
#[post("/tips/{id}/attachments")]
pub(crate) async fn attach_file(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
    params: Params<AttachParams>,
    key: IdempotencyKey,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let who = caller.0.clone();
    api.run(move |service| service.may_attach(&who, tip)).await?;
    require_file(&req)?;
    let _place = api.place_to_upload().ok_or(ServiceError::Busy("too many uploads at once"))?;
    let bytes = read(payload.into_inner(), BYTES_MAX).await?;
    let sent = sniff(&bytes).ok_or_else(|| unsupported("the bytes are not those of a JPEG, PNG, WebP or PDF"))?;
    let name = params.0.name.unwrap_or_default();
    let path = req.uri().to_string();
    let answer = api
        .run(move |service| {
            let print = service.fingerprint("POST", &path, &bytes);
            let once = key.once(print, |view: &AttachmentView| {
                Created::at(path_of(view.tip, view.file.id), Some(etag_of(&view.file)), &AttachmentBody::from(view))
            });
            service.attach_file(&caller.0, tip, NewAttachment { name, sent, bytes: bytes.into() }, once)
        })
        .await?;
    Ok(answered(answer))
}

/// List what is attached to a tip: to the text that you see of it, or to one of its revisions that you may read.
#[utoipa::path(
    tag = "tips",
    params(("id" = String, Path, description = "The tip's id or number"), AttachmentParams),
    responses((status = 200, description = "The attachments, as they were added", body = PageBody<AttachmentBody>)),
)]
#[get("/tips/{id}/attachments")]
pub(crate) async fn list_attachments(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    id: Path<String>,
    params: Params<AttachmentParams>,
) -> Result<HttpResponse, Problem> {
    let tip = tip_ref(&id)?;
    let revision = params.0.revision;
    let items = api.run(move |service| service.list_attachments(&caller.0, tip, revision)).await?;
    Ok(listed_whole(&req, items, |view| AttachmentBody::from(&view)))
}

/// Get an attachment: a picture to be shown, a PDF to be saved.
#[utoipa::path(
    tag = "tips",
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("attachment_id" = uuid::Uuid, Path, description = "The attachment"),
    ),
    responses((
        status = 200,
        description = "The file",
        content((FileBody = "image/jpeg"), (FileBody = "image/png"), (FileBody = "application/pdf")),
        headers(("Content-Disposition" = String, description = "`inline` for pictures, `attachment` for PDFs, and its name")),
    )),
)]
#[get("/tips/{id}/attachments/{attachment_id}")]
pub(crate) async fn read_attachment(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tip, id) = (tip_ref(&path.0)?, attachment_id(&path.1)?);
    let file = api.run(move |service| service.read_attachment(&caller.0, tip, id)).await?.file;
    let etag = etag_of(&file);
    if let Some(reply) = known(&req, &etag)? {
        return Ok(guarded(reply));
    }
    let mut reply = HttpResponse::Ok();
    let way = if file.media.is_picture() { DispositionType::Inline } else { DispositionType::Attachment };
    reply.insert_header((CONTENT_TYPE, file.media.word()));
    let reply = served(&mut reply, etag, way, &file.name);
    let (length, parts) = (u64::from(file.bytes), attachment_parts(&file));
    let bytes = stream::try_unfold(0, move |place| {
        let (api, file) = (api.clone(), file.clone());
        async move {
            if place == parts {
                return Ok(None);
            }
            let part = api.run(move |service| service.attachment_part(&file, place)).await?;
            Ok::<_, Problem>(Some((Bytes::from(part), place + 1)))
        }
    });
    Ok(reply.body(SizedStream::new(length, bytes)))
}

/// Get the thumbnail of a photo: a JPEG at most 320 pixels wide and high. A PDF has none.
#[utoipa::path(
    tag = "tips",
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("attachment_id" = uuid::Uuid, Path, description = "The attachment"),
    ),
    responses((
        status = 200,
        description = "The picture",
        content((FileBody = "image/jpeg")),
        headers(("Content-Disposition" = String, description = "`inline`, and its name")),
    )),
)]
#[get("/tips/{id}/attachments/{attachment_id}/thumbnail")]
pub(crate) async fn read_thumbnail(
    api: Data<Api>,
    req: HttpRequest,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tip, id) = (tip_ref(&path.0)?, attachment_id(&path.1)?);
    let (view, picture) = api.run(move |service| service.read_thumbnail(&caller.0, tip, id)).await?;
    let etag = format!("\"{}.thumbnail\"", view.file.sha256);
    if let Some(reply) = known(&req, &etag)? {
        return Ok(guarded(reply));
    }
    let mut reply = HttpResponse::Ok();
    reply.insert_header((CONTENT_TYPE, Media::Jpeg.word()));
    Ok(served(&mut reply, etag, DispositionType::Inline, &view.file.name).body(picture))
}

/// Take an attachment away from a tip.
///
/// To take away is to edit, as to attach is: readers have it until reviewers have approved the text without it, and earlier
/// revisions keep it.
#[utoipa::path(
    tag = "tips",
    params(
        ("id" = String, Path, description = "The tip's id or number"),
        ("attachment_id" = uuid::Uuid, Path, description = "The attachment"),
    ),
    responses((status = 204, description = "It is not attached any more")),
)]
#[delete("/tips/{id}/attachments/{attachment_id}")]
pub(crate) async fn detach_file(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tip, id) = (tip_ref(&path.0)?, attachment_id(&path.1)?);
    let written = api.run(move |service| service.detach_file(&caller.0, tip, id)).await?;
    Ok(HttpResponse::NoContent().insert_header((POSITION, written.position.to_string())).finish())
}

fn require_file(req: &HttpRequest) -> Result<(), Problem> {
    let header = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_known = essence == ANYTHING || Sent::from_word(&essence).is_some();
    if is_known { Ok(()) } else { Err(unsupported("send the bytes of a JPEG, PNG, WebP or PDF as the body")) }
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(&UNSUPPORTED_MEDIA_TYPE, detail)
}

fn etag_of(file: &Attachment) -> String {
    format!("\"{}\"", file.sha256)
}

/// The headers of a file that is served.
fn served<'r>(
    reply: &'r mut HttpResponseBuilder,
    etag: String,
    way: DispositionType,
    name: &str,
) -> &'r mut HttpResponseBuilder {
    reply
        .insert_header((ETAG, etag))
        .insert_header((CONTENT_DISPOSITION, disposition(way, name)))
        .insert_header((CONTENT_SECURITY_POLICY, SANDBOX))
        .insert_header((CACHE_CONTROL, PRIVATE))
}

/// The same for a file that the client has.
fn guarded(mut reply: HttpResponse) -> HttpResponse {
    debug_assert_eq!(reply.status(), StatusCode::NOT_MODIFIED);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
    reply
}

/// `Content-Disposition` (RFC 6266): the name in ASCII for all, and as it is (RFC 8187) for whoever reads that.
fn disposition(way: DispositionType, name: &str) -> ContentDisposition {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' };
    let mut parameters = vec![DispositionParam::Filename(name.chars().map(plain).collect())];
    if !name.is_ascii() {
        let value = name.as_bytes().to_vec();
        let extended = ExtendedValue { charset: Charset::Ext("UTF-8".to_owned()), language_tag: None, value };
        parameters.push(DispositionParam::FilenameExt(extended));
    }
    ContentDisposition { disposition: way, parameters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_in_ascii_and_as_it_is() {
        let told = |name: &str| disposition(DispositionType::Attachment, name).to_string();
        assert_eq!(told("manual 3.pdf"), "attachment; filename=\"manual 3.pdf\"");
        assert_eq!(told("Führung.pdf"), "attachment; filename=\"F_hrung.pdf\"; filename*=UTF-8''F%C3%BChrung.pdf");
    }
}
