//! Who is calling: the bearer token of a request, an access token or an API key. Where programs read that know nothing of
//! bearer tokens, an API key may be the password of HTTP Basic.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eureka_domain::{access, api_key};

use crate::problem::{Problem, UNAUTHENTICATED};
use crate::{Api, limits, scopes};

/// An authenticated caller, who may use this route with what they came in with.
pub(crate) struct Caller(pub(crate) access::Caller);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let api = req.app_data::<Data<Api>>().cloned();
        let token = presented(req);
        let (req, route) = (req.clone(), req.match_pattern().unwrap_or_default());
        Box::pin(async move {
            let (Some(api), Some(token)) = (api, token) else {
                let detail = "send `Authorization: Bearer` with an access token or an API key";
                return Err(Problem::new(&UNAUTHENTICATED, detail));
            };
            let remembered = api.service().authenticate_from_memory(&token)?;
            let caller = if let Some(caller) = remembered {
                caller
            } else {
                if !api.service().has_seen(&token) {
                    limits::may_look_up(&api, &req)?;
                }
                api.run(move |service| service.authenticate(&token)).await?
            };
            limits::count_caller(&api, &req, &caller)?;
            scopes::permit(req.method(), &route, &caller)?;
            Ok(Self(caller))
        })
    }
}

/// What feed readers fetch, and where what they show leads.
const BASIC: [&str; 3] = ["/feed.atom", "/feed.json", ".md"];

/// Whether an API key may come as the password of HTTP Basic at this path. Reads only: a browser sends such a password
/// along whoever asks it to.
pub(crate) fn takes_basic(path: &str) -> bool {
    path.starts_with("/v1/") && BASIC.iter().any(|end| path.ends_with(end))
}

/// What a request presents.
pub(crate) fn presented(req: &HttpRequest) -> Option<String> {
    let value = req.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(token.trim().to_owned());
    }
    let is_basic = scheme.eq_ignore_ascii_case("basic") && takes_basic(req.path()) && req.method() == Method::GET;
    let pair = String::from_utf8(STANDARD.decode(is_basic.then(|| token.trim())?).ok()?).ok()?;
    let (_, password) = pair.split_once(':')?;
    password.starts_with(api_key::PREFIX).then(|| password.to_owned())
}
