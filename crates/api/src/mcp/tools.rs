//! The tools of an assistant: what each is for, what it takes and gives (the shapes of the wire), and what it does.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use actix_web::http::Method;
use eureka_domain::ids::TipRef;
use eureka_service::{NewTip, SearchQuery, SearchResponse, TipView};
use rmcp::model::{CallToolResult, ContentBlock, ErrorData, JsonObject, Tool, ToolAnnotations};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::Assistant;
use super::cited::{AlikeTips, CitedTip, DraftedTip, FoundTips, link};
use crate::body::parse;
use crate::idempotency::{Created, IdempotencyKey};
use crate::openapi::{as_replied, as_sent};
use crate::page::checked_limit;
use crate::path::tip_ref;
use crate::problem::{INVALID_BODY, Problem, UNKNOWN_FIELD};
use crate::scopes;
use crate::similar::{LOOK_ALIKES, SimilarTextBody};
use crate::tips::{NewTipBody, TipBody};

const SEARCH: &str = "search_tips";
const READ: &str = "read_tip";
const SIMILAR: &str = "similar_tips";
const DRAFT: &str = "draft_tip";
/// The argument that makes a draft safe to repeat.
const KEY: &str = "idempotency_key";
const KEY_AT: &str = "/idempotency_key";
/// How many tips an assistant is told of at once unless it asks otherwise.
const USUAL: i64 = 5;

/// What to find.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SearchArguments {
    /// Words, codes, a question. `"a phrase"`, `-word` and `product:`, `code:`, `part:`, `tag:`, `author:`, `lang:` are understood.
    q: String,
    /// In the community with this slug.
    community: Option<String>,
    /// For this product.
    product: Option<String>,
    /// With this fault code; case and separators do not matter.
    fault_code: Option<String>,
    /// In this language: BCP 47 primary subtag.
    lang: Option<String>,
    /// How many tips at most, 1 to 100; 5 unless given.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// What to read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadArguments {
    /// The tip's number or id.
    #[schema(example = "T-1042")]
    tip: String,
}

/// All there are.
pub(super) fn all() -> &'static [Tool] {
    static ALL: LazyLock<Vec<Tool>> = LazyLock::new(|| {
        let reads = |title: &str| ToolAnnotations::with_title(title).read_only(true).open_world(false);
        vec![
            Tool::new(
                SEARCH,
                "Find approved tips by words, symptoms, fault codes, part numbers or machines. Best first.",
                schema::<SearchArguments>(as_sent),
            )
            .with_raw_output_schema(schema::<FoundTips>(as_replied))
            .with_annotations(reads("Search tips")),
            Tool::new(
                READ,
                "Read a whole tip: what may hurt, problem, cause, solution, machines, whose it is, which revision it is \
                 and how far it can be relied on. A tip that was merged into another leads to that one.",
                schema::<ReadArguments>(as_sent),
            )
            .with_raw_output_schema(schema::<CitedTip>(as_replied))
            .with_annotations(reads("Read a tip")),
            Tool::new(
                SIMILAR,
                "Find approved tips that say nearly the same as a text: before a new one is written.",
                schema::<SimilarTextBody>(as_sent),
            )
            .with_raw_output_schema(schema::<AlikeTips>(as_replied))
            .with_annotations(reads("Find similar tips")),
            Tool::new(
                DRAFT,
                "Start a draft of a new tip. Only its author, for whom you speak, sees it, and sends it to reviewers. The \
                 same call again makes no second one.",
                draft_schema(),
            )
            .with_raw_output_schema(schema::<DraftedTip>(as_replied))
            .with_annotations(
                ToolAnnotations::with_title("Draft a tip")
                    .read_only(false)
                    .destructive(false)
                    .idempotent(true)
                    .open_world(false),
            ),
        ]
    });
    &ALL
}

/// Uses a tool. What the API would answer with a problem is the tool's answer, for the assistant to read.
pub(super) async fn call(of: &Assistant, name: &str, arguments: JsonObject) -> Result<CallToolResult, ErrorData> {
    let answer = match name {
        SEARCH => search(of, arguments).await,
        READ => read(of, arguments).await,
        SIMILAR => similar(of, arguments).await,
        DRAFT => draft(of, arguments).await,
        _ => return Err(ErrorData::invalid_params(format!("there is no tool `{name}`"), None)),
    };
    Ok(answer.unwrap_or_else(|problem| {
        // In words only: clients hold structured content against the schema of what is given.
        let words = serde_json::to_string(&problem.body()).unwrap_or_default();
        CallToolResult::error(vec![ContentBlock::text(words)])
    }))
}

async fn search(of: &Assistant, arguments: JsonObject) -> Result<CallToolResult, Problem> {
    let asked: SearchArguments = read_arguments(arguments)?;
    let limit = checked_limit(Some(asked.limit.unwrap_or(USUAL)))?;
    let query = SearchQuery {
        q: asked.q,
        communities: asked.community.into_iter().collect(),
        products: asked.product.into_iter().collect(),
        fault_codes: asked.fault_code.into_iter().collect(),
        langs: asked.lang.into_iter().collect(),
        limit: usize::try_from(limit).unwrap_or_default(),
        ..SearchQuery::default()
    };
    let caller = of.caller.clone();
    let search = of.api.run(move |service| service.ready_search(&caller, query)).await?;
    let (now, base) = (of.api.service().now(), of.base.clone());
    let shape = move |found: SearchResponse| structured(&FoundTips::new(&found, now, &base));
    Ok(of.api.service().search_tips(search, shape).await?)
}

async fn read(of: &Assistant, arguments: JsonObject) -> Result<CallToolResult, Problem> {
    let asked: ReadArguments = read_arguments(arguments)?;
    let (tip, caller) = (tip_ref(&asked.tip)?, of.caller.clone());
    let view = of
        .api
        .run(move |service| {
            let view = service.read_tip(&caller, tip)?;
            match view.merged_into() {
                Some(number) => service.read_tip(&caller, TipRef::Number(number)),
                None => Ok(view),
            }
        })
        .await?;
    let cited = CitedTip::new(&view, &of.base);
    let mut answer = structured(&cited);
    answer.content = vec![ContentBlock::text(cited.page(&view))];
    Ok(answer)
}

async fn similar(of: &Assistant, arguments: JsonObject) -> Result<CallToolResult, Problem> {
    let text = read_arguments::<SimilarTextBody>(arguments)?.checked()?;
    let (now, base) = (of.api.service().now(), of.base.clone());
    let shape = move |found| structured(&AlikeTips::new(found, now, &base));
    Ok(of.api.service().similar_tips(&of.caller, text.into(), LOOK_ALIKES, shape).await?)
}

async fn draft(of: &Assistant, mut arguments: JsonObject) -> Result<CallToolResult, Problem> {
    scopes::permit(&Method::POST, "/v1/tips", &of.caller)?;
    if arguments.contains_key("submit") {
        return Err(Problem::at(
            &UNKNOWN_FIELD,
            "/submit",
            "unknown",
            "its author sends a tip to reviewers, and nobody else",
        ));
    }
    let key = arguments.remove(KEY);
    // The same text again is the same draft: an assistant that asks twice has lost an answer.
    let sorted: BTreeMap<_, _> = arguments.iter().collect();
    let text = serde_json::to_vec(&sorted).unwrap_or_default();
    let print = of.api.service().fingerprint("MCP", DRAFT, &text);
    let key = match key {
        None => IdempotencyKey::of(format!("mcp:{print}")),
        Some(Value::String(word)) => IdempotencyKey::of(word),
        Some(_) => None,
    };
    let key =
        key.ok_or_else(|| Problem::at(&INVALID_BODY, KEY_AT, "invalid", "1 to 255 printable ASCII characters"))?;
    let new: NewTip = read_arguments::<NewTipBody>(arguments)?.into();
    let new = NewTip { submit: false, ..new };
    let once = key.once(print, |tip: &TipView| {
        Created::at(format!("/v1/tips/{}", tip.tip.id), Some(tip.etag()), &TipBody::from(tip))
    });
    let caller = of.caller.clone();
    let made = of.api.run(move |service| service.create_tip(&caller, new, once)).await;
    let answer = made.map_err(|problem| problem.renamed("Idempotency-Key", KEY_AT))?;
    let kept: Kept = parse(&answer.reply.body)?;
    Ok(structured(&DraftedTip {
        id: kept.id,
        link: link(&of.base, &kept.number),
        number: kept.number,
        revision: kept.revision,
        replayed: answer.replayed,
    }))
}

/// What is looked at of the reply that is kept for a draft.
#[derive(Deserialize)]
struct Kept {
    id: uuid::Uuid,
    number: String,
    revision: i32,
}

fn read_arguments<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Problem> {
    parse(Value::Object(arguments).to_string().as_bytes())
}

/// An answer as data, and as text for clients that show no data. In the text what may hurt stands first, as it is declared.
fn structured(answer: &impl Serialize) -> CallToolResult {
    let mut result = CallToolResult::structured(serde_json::to_value(answer).unwrap_or_default());
    result.content = vec![ContentBlock::text(serde_json::to_string(answer).unwrap_or_default())];
    result
}

/// The schema of a shape of the wire, whole: what it refers to stands beside it.
fn schema<T: ToSchema>(mend: fn(&str, &mut RefOr<Schema>)) -> Arc<JsonObject> {
    let mended = |name: &str, mut schema: RefOr<Schema>| {
        mend(name, &mut schema);
        serde_json::to_value(schema).unwrap_or_default()
    };
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let parts: JsonObject = parts.into_iter().map(|(name, part)| (name.clone(), mended(&name, part))).collect();
    let mut whole = mended(&T::name(), T::schema());
    if let Some(whole) = whole.as_object_mut()
        && !parts.is_empty()
    {
        whole.insert("$defs".to_owned(), Value::Object(parts));
    }
    let text = whole.to_string().replace("#/components/schemas/", "#/$defs/");
    Arc::new(serde_json::from_str(&text).unwrap_or_default())
}

/// A tip to be written, but for sending it to reviewers: that is for people to do.
fn draft_schema() -> Arc<JsonObject> {
    let mut schema = schema::<NewTipBody>(as_sent);
    if let Some(Value::Object(fields)) = Arc::make_mut(&mut schema).get_mut("properties") {
        fields.remove("submit");
        let description =
            "A word of your own for this draft: with it, another text is refused instead of kept beside it.";
        fields.insert(KEY.to_owned(), json!({"type": "string", "maxLength": 255, "description": description}));
    }
    Arc::make_mut(&mut schema).remove("example");
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_what_it_takes_and_gives_and_refers_to_nothing_elsewhere() {
        assert_eq!(all().len(), 4);
        for tool in all() {
            let output = tool.output_schema.as_ref().unwrap();
            for schema in [&tool.input_schema, output] {
                assert_eq!(schema["type"], "object", "{}", tool.name);
                let text = Value::Object((**schema).clone()).to_string();
                for reference in text.split("\"$ref\":\"").skip(1) {
                    let name = reference.split('"').next().unwrap().strip_prefix("#/$defs/").unwrap();
                    assert!(schema["$defs"].get(name).is_some(), "{}: {name}", tool.name);
                }
            }
        }
    }
}
