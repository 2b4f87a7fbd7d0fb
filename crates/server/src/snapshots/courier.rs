//! Carries what `object_store` asks and is answered, with the HTTP and the TLS that the rest of the house has already. The
//! client that it would bring speaks HTTP/2 with h2 (`deny.toml`).

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use object_store::client::{
    ClientConfigKey, ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpService,
};
use ureq::http::{Method, Request};
use ureq::tls::TlsConfig;
use ureq::{Agent, Error};

use super::bucket::PART;

/// How long a store may take to be reached, to begin an answer, and for one request altogether.
const CONNECTING: Duration = Duration::from_secs(5);
const ANSWERING: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_mins(1);
/// How much of an answer is read: it is kept in memory.
const ANSWER: u64 = 2 * PART;

/// Makes clients.
#[derive(Debug)]
pub(super) struct Courier;

impl HttpConnector for Courier {
    /// A client that speaks TLS, unless told that it need not.
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let plain = options.get_config_value(&ClientConfigKey::AllowHttp).unwrap_or_default().to_lowercase();
        let cryptography = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = Agent::config_builder()
            .tls_config(TlsConfig::builder().unversioned_rustls_crypto_provider(cryptography).build())
            .https_only(!matches!(plain.as_str(), "1" | "true" | "on" | "yes" | "y"))
            .timeout_connect(Some(CONNECTING))
            .timeout_recv_response(Some(ANSWERING))
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Ok(HttpClient::new(Client(config.into())))
    }
}

#[derive(Debug)]
struct Client(Agent);

#[async_trait::async_trait]
impl HttpService for Client {
    /// Blocks: whoever asks is on a thread that does nothing else.
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let reply = match head.method {
            Method::PUT | Method::POST => self.0.run(Request::from_parts(head, &body[..])),
            _ => self.0.run(Request::from_parts(head, ())),
        };
        let (head, mut body) = reply.map_err(failed)?.into_parts();
        let bytes = body.with_config().limit(ANSWER).read_to_vec().map_err(failed)?;
        Ok(HttpResponse::from_parts(head, bytes.into()))
    }
}

/// An error, with what `object_store` has to know to decide on another try.
fn failed(error: Error) -> HttpError {
    let kind = match &error {
        Error::HostNotFound | Error::ConnectionFailed => HttpErrorKind::Connect,
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => HttpErrorKind::Connect,
        Error::Io(_) => HttpErrorKind::Interrupted,
        Error::Timeout(_) => HttpErrorKind::Timeout,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
