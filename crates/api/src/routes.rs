//! Every URL of the API and the handler it leads to.

use actix_web::dev::ResourceDef;
use actix_web::http::header::ALLOW;
use actix_web::{HttpRequest, HttpResponse, ResponseError, guard, web};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::problem::{METHOD_NOT_ALLOWED, NOT_FOUND, Problem};
use crate::{
    admin, api_keys, attachments, changes, communities, docs, exports, feeds, flags, gaps, glossary, health, imports,
    mcp, notifications, openapi, outcomes, passwords, relations, reviews, search, sessions, similar, tips, users,
    webhooks,
};

/// The routes that the OpenAPI document describes.
pub(crate) fn described(cfg: &mut ServiceConfig<'_>) {
    cfg.service(health::health_live)
        .service(health::health_ready)
        .service(health::jwks)
        .service(mcp::talk_to_assistant)
        .service(scope::scope("/v1").configure(v1));
}

fn v1(cfg: &mut ServiceConfig<'_>) {
    // Routes are tried one after the other: first those that are asked for at every keystroke.
    cfg.service(search::search_tips)
        .service(similar::suggest)
        .service(sessions::login)
        .service(sessions::refresh)
        .service(sessions::logout)
        .service(sessions::me)
        .service(passwords::use_reset)
        .service(passwords::change_password)
        .service(passwords::reset_password)
        .service(users::list_users)
        .service(users::create_user)
        .service(users::read_user)
        .service(users::update_user)
        .service(api_keys::list_api_keys)
        .service(api_keys::create_api_key)
        .service(api_keys::read_api_key)
        .service(api_keys::end_api_key)
        .service(communities::list_communities)
        .service(communities::create_community)
        .service(feeds::community_atom)
        .service(feeds::community_json_feed)
        .service(communities::read_community)
        .service(communities::update_community)
        .service(communities::list_members)
        .service(communities::set_member)
        .service(communities::remove_member)
        .service(glossary::read_glossary)
        .service(glossary::write_glossary)
        .service(glossary::list_glossary_versions);
    of_tips(cfg);
    cfg.service(changes::list_changes)
        .service(exports::export_tips)
        .service(imports::import_tips)
        .service(imports::read_import)
        .service(webhooks::list_webhooks)
        .service(webhooks::create_webhook)
        .service(webhooks::read_webhook)
        .service(webhooks::update_webhook)
        .service(webhooks::end_webhook)
        .service(webhooks::rotate_webhook)
        .service(webhooks::ping_webhook)
        .service(webhooks::list_deliveries)
        .service(webhooks::replay_delivery)
        .service(notifications::list_notifications)
        .service(notifications::read_notification)
        .service(notifications::watch_tip)
        .service(notifications::unwatch_tip)
        .service(relations::list_relations)
        .service(relations::relate_tip)
        .service(relations::unrelate_tip)
        .service(flags::flag_tip)
        .service(flags::list_flags)
        .service(flags::read_flag)
        .service(flags::assign_flag)
        .service(flags::resolve_flag)
        .service(outcomes::record_outcome)
        .service(outcomes::list_outcomes)
        .service(outcomes::read_outcome)
        .service(reviews::list_reviews)
        .service(reviews::review_stats)
        .service(reviews::claim_next_review)
        .service(reviews::read_review)
        .service(reviews::claim_review)
        .service(reviews::release_review)
        .service(reviews::decide_review)
        .service(reviews::answer_edits)
        .service(reviews::list_comments)
        .service(reviews::comment_review)
        .service(gaps::list_gaps)
        .service(gaps::read_gap)
        .service(gaps::claim_gap)
        .service(gaps::release_gap)
        .service(gaps::open_hit)
        .service(feeds::search_atom)
        .service(feeds::search_json_feed)
        .service(similar::similar_to_tip)
        .service(similar::similar_tips)
        .service(admin::index_status)
        .service(admin::verify_index)
        .service(admin::rebuild_index)
        .service(admin::list_audit);
}

/// Tips, with their texts and files.
fn of_tips(cfg: &mut ServiceConfig<'_>) {
    cfg.service(tips::list_tips)
        .service(tips::create_tip)
        .service(tips::read_tip_page)
        .service(tips::read_tip)
        .service(tips::edit_tip)
        .service(tips::submit_tip)
        .service(tips::withdraw_tip)
        .service(tips::hold_tip)
        .service(tips::release_tip)
        .service(tips::archive_tip)
        .service(tips::restore_tip)
        .service(tips::list_revisions)
        .service(tips::read_revision)
        .service(tips::diff_revisions)
        .service(tips::revert_tip)
        .service(tips::merge_tip)
        .service(tips::supersede_tip)
        .service(tips::separate_tip)
        .service(tips::tip_history)
        .service(attachments::attach_file)
        .service(attachments::list_attachments)
        .service(attachments::read_attachment)
        .service(attachments::read_thumbnail)
        .service(attachments::detach_file);
}

/// Adds everything the API serves to an application: the described routes, the documentation, and problems for what is
/// not found.
pub(crate) fn routes(cfg: &mut web::ServiceConfig) {
    let known = KnownPaths::new();
    for (path, methods) in known.within_patterns() {
        let is_other = guard::fn_guard(move |asked| !methods.contains(&asked.head().method.as_str()));
        cfg.service(web::resource(path).guard(is_other).to(not_served));
    }
    described(&mut ServiceConfig::new(cfg));
    cfg.service(docs::openapi_document)
        .service(docs::openapi_document_3_0)
        .service(docs::problem_page)
        .service(docs::docs)
        .service(docs::docs_file)
        .app_data(web::Data::new(known))
        .default_service(web::to(not_served));
}

/// The paths and the methods each has.
struct KnownPaths(Vec<(ResourceDef, Vec<&'static str>)>);

impl KnownPaths {
    fn new() -> Self {
        let described = openapi::document().paths.paths;
        let described = described.into_iter().map(|(path, item)| (ResourceDef::new(path), openapi::methods(&item)));
        let documentation = docs::PATHS.iter().map(|path| (ResourceDef::new(*path), vec!["GET"]));
        Self(described.chain(documentation).collect())
    }

    /// The methods of the path that says most of this one: of `/tips/{id}.md` rather than of `/tips/{id}`.
    fn methods(&self, path: &str) -> &[&'static str] {
        let known = self.0.iter().filter(|(known, _)| known.is_match(path));
        let closest = known.max_by_key(|(known, _)| known.pattern().map_or(0, written_out));
        closest.map_or(&[], |(_, methods)| methods)
    }

    /// The paths that would do for a pattern as well (`/reviews/claim-next` for `/reviews/{id}`), with their own methods.
    fn within_patterns(&self) -> Vec<(String, Vec<&'static str>)> {
        let fits = |path: &str| self.0.iter().any(|(known, _)| known.pattern() != Some(path) && known.is_match(path));
        let paths = self.0.iter().filter_map(|(known, methods)| Some((known.pattern()?, methods)));
        let plain = paths.filter(|(path, _)| !path.contains('{') && fits(path));
        plain.map(|(path, methods)| (path.to_owned(), methods.clone())).collect()
    }
}

/// How many letters of a pattern stand for themselves.
fn written_out(pattern: &str) -> usize {
    pattern.split('{').map(|part| part.rsplit('}').next().map_or(0, str::len)).sum()
}

/// 405 where the path is known under other methods, 404 where it is not known at all.
async fn not_served(req: HttpRequest, known: web::Data<KnownPaths>) -> HttpResponse {
    let methods = known.methods(req.path());
    if methods.is_empty() {
        return Problem::new(&NOT_FOUND, "there is nothing at this path").error_response();
    }
    let allowed = methods.join(", ");
    let problem = Problem::new(&METHOD_NOT_ALLOWED, format!("this path has {allowed}"));
    let mut reply = problem.error_response();
    if let Ok(value) = allowed.parse() {
        reply.headers_mut().insert(ALLOW, value);
    }
    reply
}
