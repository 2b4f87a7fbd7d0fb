//! Who is calling: the bearer token of a request, an access token or an API key.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use eureka_domain::access;

use crate::problem::{Problem, UNAUTHENTICATED};
use crate::{Api, limits, scopes};

/// An authenticated caller, who may use this route with what they came in with.
pub(crate) struct Caller(pub(crate) access::Caller);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let api = req.app_data::<Data<Api>>().cloned();
        let token = bearer(req).map(str::to_owned);
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

/// What a request presents.
pub(crate) fn bearer(req: &HttpRequest) -> Option<&str> {
    let value = req.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
