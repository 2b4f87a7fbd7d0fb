//! Who is calling: the bearer token of a request.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use eureka_domain::access;

use crate::Api;
use crate::problem::{Problem, UNAUTHENTICATED};

/// An authenticated caller.
pub(crate) struct Caller(pub(crate) access::Caller);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let api = req.app_data::<Data<Api>>().cloned();
        let token = bearer(req).map(str::to_owned);
        Box::pin(async move {
            let (Some(api), Some(token)) = (api, token) else {
                return Err(Problem::new(&UNAUTHENTICATED, "send `Authorization: Bearer` with an access token"));
            };
            if let Some(caller) = api.service().authenticate_from_memory(&token)? {
                return Ok(Self(caller));
            }
            api.run(move |service| service.authenticate(&token)).await.map(Self)
        })
    }
}

fn bearer(req: &HttpRequest) -> Option<&str> {
    let value = req.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
