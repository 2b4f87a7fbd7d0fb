//! The OpenAPI document: collected from the handlers, completed with what every operation shares.

mod older;
mod schemas;
mod sizes;

use std::sync::LazyLock;

use actix_web::App;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, Deprecated, HeaderBuilder, ObjectBuilder, PathItem, Ref, RefOr, Response,
    ResponseBuilder, Type,
};
use utoipa::{OpenApi, PartialSchema, ToSchema};
use utoipa_actix_web::AppExt;

use crate::deprecation::{Deprecation, deprecation};
use crate::flags::{FlagKindWord, FlagStateWord};
use crate::idempotency::POSITION;
use crate::outcomes::CountingWord;
use crate::problem::{FieldProblem, ProblemBody};
use crate::request::{FROM_INDEX, LAG};
use crate::reviews::{QueueSortWord, QueueStateWord};
use crate::search::{AgeWord, SortWord};
use crate::{caller, routes, scopes, webhooks};

pub use older::older;
pub(crate) use schemas::{as_replied, as_sent};

/// What replies tell of limits (draft-ietf-httpapi-ratelimit-headers-10).
const RATE_LIMITS: [(&str, &str); 2] = [
    ("RateLimit", "How many requests are left, and in how many seconds all are back; absent where there is no limit"),
    ("RateLimit-Policy", "How many requests may be made in how many seconds; absent where there is no limit"),
];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Eureka",
        description = "Field knowledge, written by practitioners, vetted by peers, found by everyone who needs it.\n\n\
            Every route is under `/v1`, but for `/mcp` and what operators ask. Errors are problems (RFC 9457) with a stable `code`. Unknown parameters and \
            fields are refused. What you may not see does not exist. Instants are RFC 3339 in UTC; what is absent is \
            left out, not null. What is not HTTP, or has a head that is too large or too slow, is answered 400, 431 or \
            408 by the connection itself, without a body.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "The server this comes from: in production, in tests and local alike")),
    // Only query parameters use these, and what those refer to is not collected.
    components(schemas(CountingWord, FlagKindWord, FlagStateWord, QueueStateWord, QueueSortWord, SortWord, AgeWord)),
    tags(
        (name = "sessions", description = "Logging in and out"),
        (name = "users", description = "Accounts"),
        (name = "api-keys", description = "Keys for programs"),
        (name = "communities", description = "Who shares a domain, how they review, who belongs"),
        (name = "tips", description = "Writing and reading tips"),
        (name = "reviews", description = "Peer review"),
        (name = "notifications", description = "Being told"),
        (name = "gaps", description = "What people searched for in vain"),
        (name = "outcomes", description = "What using tips did"),
        (name = "flags", description = "What readers say is wrong with tips"),
        (name = "search", description = "Finding tips"),
        (name = "webhooks", description = "Being told of changes at a URL"),
        (name = "feeds", description = "Being told by a feed reader"),
        (name = "moving", description = "Following changes, moving tips in and out"),
        (name = "operations", description = "Looking after a running service"),
        (name = "health", description = "For balancers and operators"),
    ),
)]
struct Base;

/// The document, as the code has it.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) =
        App::new().into_utoipa_app().openapi(Base::openapi()).configure(routes::described).split_for_parts();
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "The access token of a login, or a token of an identity provider that the service believes: JSON Web Tokens as \
             RFC8725 wants them, of one algorithm, and their type, issuer, audience and times checked",
        ))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("eur_…")
        .description(Some(
            "An API key. It acts with the rights that its owner has at that moment, cut to its scopes: `read` reads as a \
             reader of the owner's communities, `write` contributes, `review` does what reviewers and stewards do to tips, \
             `admin` looks after communities, members and accounts; each may read. An operation names the scope it takes; \
             where none is named, only an access token will do.",
        ))
        .build();
    components.add_security_scheme("api_key", SecurityScheme::Http(key));
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("An API key as the password, with any user name: where feed readers read"))
        .build();
    components.add_security_scheme("basic", SecurityScheme::Http(basic));
    components.schemas.insert("Problem".to_owned(), problem_schema());
    components.schemas.insert(FieldProblem::name().to_string(), FieldProblem::schema());
    document.webhooks = Some(webhooks::described(components));
    for (name, description) in RATE_LIMITS {
        components.headers.insert(name.to_owned(), header(description));
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            secure(method, path, operation);
            complete(method, operation);
            tell_lag(path, operation);
            deprecate(method, path, operation);
        }
    }
    schemas::mend(&mut document);
    document
}

/// The document as JSON text, as committed in `openapi/eureka.json`.
pub(crate) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_pretty_json().unwrap_or_default() + "\n");
    &TEXT
}

/// The document as OpenAPI 3.0.3, for generators that read no newer one.
pub fn document_3_0() -> serde_json::Value {
    older::older(serde_json::to_value(document()).unwrap_or_default())
}

/// [`document_3_0`] as JSON text.
pub(crate) fn text_3_0() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document_3_0()));
    &TEXT
}

/// The methods that a path has.
pub(crate) fn methods(item: &PathItem) -> Vec<&'static str> {
    let mut item = item.clone();
    operations(&mut item).into_iter().map(|(method, _)| method).collect()
}

fn operations(item: &mut PathItem) -> Vec<(&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
    .collect()
}

fn problem_schema() -> RefOr<utoipa::openapi::schema::Schema> {
    ProblemBody::schema()
}

/// Says with what an operation is called, unless it says itself.
fn secure(method: &str, path: &str, operation: &mut Operation) {
    if operation.security.is_some() {
        return;
    }
    let mut ways = vec![SecurityRequirement::new::<_, [&str; 0], &str>("bearer", [])];
    if let Some(scope) = scopes::scope_of(method, path) {
        ways.push(SecurityRequirement::new("api_key", [scope.word()]));
    }
    if method == "GET" && caller::takes_basic(path) {
        ways.push(SecurityRequirement::new::<_, [&str; 0], &str>("basic", []));
    }
    operation.security = Some(ways);
}

/// Adds what follows from an operation's own declaration: who may call it, the problems it can answer, the headers of
/// its replies.
fn complete(method: &str, operation: &mut Operation) {
    let public = operation.security.iter().flatten().all(|way| *way == SecurityRequirement::default());
    // A search that is posted changes nothing, and its answers have no entity tags.
    let has_tag = |name: &str| operation.tags.iter().flatten().any(|tag| tag == name);
    let of_operations = has_tag("operations");
    let (of_search, of_sessions, is_limited) = (has_tag("search"), has_tag("sessions"), !has_tag("health"));
    let answers_page = answers_page(operation);
    let parameters = operation.parameters.get_or_insert_default();
    let any = |is: &dyn Fn(&Parameter) -> bool| {
        parameters.iter().any(|parameter| matches!(parameter, RefOr::T(parameter) if is(parameter)))
    };
    let (matches, once) = (any(&|p| p.name == "If-Match"), any(&|p| p.name == "Idempotency-Key"));
    let follows = any(&|p| p.name == "Prefer");
    let of_a_user = any(&|p| p.name == "user");
    let in_path = any(&|p| p.parameter_in == ParameterIn::Path);
    let in_query = any(&|p| p.parameter_in == ParameterIn::Query);
    let reads_one = method == "GET" && !answers_page && !of_search && (in_path || has_tag("feeds"));
    if reads_one {
        parameters.push(RefOr::T(header_parameter("If-None-Match", "The ETag of the state you have")));
    }
    let has_body = operation.request_body.is_some();
    // Sessions come and go without a place in the change log, and so does work on the index.
    let is_logged = method != "GET" && !of_sessions && !of_search && !of_operations;

    let mut problems = vec![("500", "An error of this service"), ("503", "Busy or away: try again")];
    if !public {
        problems.push(("401", "No valid credentials"));
        problems.push(("403", "Known, but not permitted"));
    }
    if is_limited {
        problems.push(("429", "Too many requests"));
    }
    if has_body || in_query || matches || once || reads_one {
        problems.push(("400", "Malformed, unknown or wrongly typed"));
    }
    if public && has_body {
        problems.push(("401", "No valid credentials"));
    }
    if in_path || of_a_user {
        problems.push(("404", "It does not exist, or not for you"));
    }
    if follows {
        problems.push(("410", "The log is another one: drop your copy, read everything anew and follow from there"));
    }
    if has_body {
        problems.push(("408", "The body took too long"));
        problems.push(("413", "The body is too large"));
        problems.push(("415", "Not JSON, or compressed"));
        problems.push(("422", "A rule is broken, or the Idempotency-Key was used for another request"));
    }
    if is_logged || (of_operations && method != "GET") {
        problems.push(("409", "The state does not allow it"));
    }
    if matches {
        problems.push(("412", "It has changed since you read it"));
        problems.push(("428", "If-Match is missing"));
    }
    for (status, description) in problems {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(description)));
    }
    if reads_one {
        operation
            .responses
            .responses
            .entry("304".to_owned())
            .or_insert_with(|| RefOr::T(Response::new("You have this state already")));
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        response.headers.insert("X-Request-Id".to_owned(), header("Names this request in the log"));
        if is_limited {
            for (name, _) in RATE_LIMITS {
                let shared = Ref::new(format!("#/components/headers/{name}"));
                response.headers.insert(name.to_owned(), RefOr::Ref(shared));
            }
        }
        let success = status.starts_with('2');
        if success && is_logged {
            response.headers.insert(POSITION.to_owned(), header("The change's place in the log"));
        }
        if (success && (reads_one || matches || status == "201")) || status == "304" {
            response.headers.insert("ETag".to_owned(), header("Names this state"));
        }
        if status == "412" {
            response.headers.insert("ETag".to_owned(), header("Names the present state"));
        }
        if status == "201" {
            response.headers.insert("Location".to_owned(), header("Where it is"));
            response.headers.insert("Idempotency-Replayed".to_owned(), header("`true` on a repeated reply"));
        }
        if matches!(status.as_str(), "429" | "503") {
            response.headers.insert("Retry-After".to_owned(), header("Seconds to wait"));
        }
    }
}

/// Says that what is answered from the index tells how far behind that is.
fn tell_lag(path: &str, operation: &mut Operation) {
    if !FROM_INDEX.contains(&path) {
        return;
    }
    if let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200") {
        let description =
            "How many changes of the log the index has not seen, as far as the process that answers has heard of them";
        response.headers.insert(LAG.to_owned(), header(description));
    }
}

/// Marks what is to go.
fn deprecate(method: &str, path: &str, operation: &mut Operation) {
    if deprecation(method, path).is_none() {
        return;
    }
    operation.deprecated = Some(Deprecated::True);
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        for (name, description) in Deprecation::HEADERS {
            response.headers.insert(name.to_owned(), header(description));
        }
    }
}

/// Whether the reply is a page of a list, which has no entity tag.
fn answers_page(operation: &Operation) -> bool {
    let Some(RefOr::T(response)) = operation.responses.responses.get("200") else { return false };
    response.content.values().any(|content| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => schema.ref_location.contains("/PageBody"),
        _ => false,
    })
}

fn problem(description: &str) -> Response {
    ResponseBuilder::new()
        .description(description)
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build()
}

fn header(description: &str) -> RefOr<utoipa::openapi::Header> {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    RefOr::T(HeaderBuilder::new().schema(Some(text)).description(Some(description)).build())
}

fn header_parameter(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .build()
}
