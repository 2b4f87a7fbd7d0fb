//! The tables, once for both databases. `migrations/` holds the same in each one's SQL.

#![allow(clippy::wildcard_imports, reason = "the names of diesel's column types, in the form of its `table!`")]

use crate::sql_types::{Instant, Uuid};

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    users (id) {
        id -> Uuid,
        email -> Nullable<Text>,
        name -> Text,
        site_role -> Text,
        status -> Text,
        auth_epoch -> Integer,
        password_hash -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        created_at -> Instant,
        expires_at -> Instant,
        ended_at -> Nullable<Instant>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    refresh_tokens (hash) {
        hash -> Text,
        session_id -> Uuid,
        issued_at -> Instant,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    communities (id) {
        id -> Uuid,
        slug -> Text,
        name -> Text,
        description -> Text,
        openness -> Text,
        quorum -> Integer,
        claim_minutes -> Integer,
        created_at -> Instant,
        updated_at -> Instant,
        safety_quorum -> Integer,
        first_response_days -> Integer,
        decision_days -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    members (community_id, user_id) {
        community_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
        since -> Instant,
        given_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    identities (id) {
        id -> Uuid,
        issuer -> Text,
        subject -> Text,
        user_id -> Uuid,
        linked_at -> Instant,
        token_at -> Nullable<Instant>,
        rules -> Text,
        revoked_at -> Nullable<Instant>,
        gave_admin -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    glossaries (community_id, version) {
        community_id -> Uuid,
        version -> Integer,
        entries -> Text,
        editor_id -> Nullable<Uuid>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    tips (id) {
        id -> Uuid,
        number -> BigInt,
        community_id -> Uuid,
        author_id -> Uuid,
        confidence -> Text,
        hold -> Nullable<Text>,
        live -> Nullable<Integer>,
        latest -> Integer,
        review_id -> Nullable<Uuid>,
        external_id -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
        published_at -> Nullable<Instant>,
        replaced_by -> Nullable<Uuid>,
        replaced_how -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    revisions (tip_id, number) {
        tip_id -> Uuid,
        number -> Integer,
        state -> Text,
        round -> Integer,
        title -> Text,
        problem -> Text,
        cause -> Nullable<Text>,
        solution -> Nullable<Text>,
        products -> Text,
        fault_codes -> Text,
        parts -> Text,
        tags -> Text,
        safety -> Text,
        hazard -> Nullable<Text>,
        lang -> Nullable<Text>,
        attachments -> Text,
        editor_id -> Uuid,
        created_at -> Instant,
        updated_at -> Instant,
        submitted_at -> Nullable<Instant>,
        decided_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uuid;
    revision_credits (tip_id, revision, user_id) {
        tip_id -> Uuid,
        revision -> Integer,
        user_id -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    reviews (id) {
        id -> Uuid,
        tip_id -> Uuid,
        revision -> Integer,
        community_id -> Uuid,
        round -> Integer,
        claimed_by -> Nullable<Uuid>,
        claimed_since -> Nullable<Instant>,
        claimed_until -> Nullable<Instant>,
        outcome -> Nullable<Text>,
        closed_at -> Nullable<Instant>,
        opened_at -> Instant,
        offered_to -> Nullable<Uuid>,
        respond_by -> Nullable<Instant>,
        decide_by -> Nullable<Instant>,
        responded_at -> Nullable<Instant>,
        reminded_at -> Nullable<Instant>,
        escalated_at -> Nullable<Instant>,
        amended_by -> Nullable<Uuid>,
        amended_as -> Nullable<Text>,
        agreed_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    decisions (id) {
        id -> Uuid,
        review_id -> Uuid,
        tip_id -> Uuid,
        revision -> Integer,
        reviewer_id -> Uuid,
        verdict -> Text,
        reason -> Nullable<Text>,
        comment -> Nullable<Text>,
        at -> Instant,
        role -> Nullable<Text>,
        merged_into -> Nullable<Uuid>,
        edited_into -> Nullable<Integer>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    review_comments (id) {
        id -> Uuid,
        review_id -> Uuid,
        reply_to -> Nullable<Uuid>,
        field -> Nullable<Text>,
        author_id -> Uuid,
        body -> Text,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    change_log (seq) {
        seq -> BigInt,
        at -> Instant,
        actor -> Nullable<Uuid>,
        kind -> Text,
        tip_id -> Nullable<Uuid>,
        revision -> Nullable<Integer>,
        from_state -> Nullable<Text>,
        to_state -> Nullable<Text>,
        subject -> Nullable<Uuid>,
        commitment -> Nullable<Text>,
        prev_hash -> Text,
        hash -> Text,
    }
}

diesel::table! {
    change_payloads (seq) {
        seq -> BigInt,
        salt -> Text,
        body -> Text,
    }
}

diesel::table! {
    change_kinds (kind) {
        kind -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uuid;
    change_head (id) {
        id -> Integer,
        log_id -> Uuid,
        seq -> BigInt,
        hash -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Instant;
    idempotency_keys (caller, key) {
        caller -> Text,
        key -> Text,
        fingerprint -> Text,
        status -> Integer,
        headers -> Text,
        body -> Binary,
        created_at -> Instant,
        expires_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    notifications (user_id, seq) {
        user_id -> Uuid,
        seq -> BigInt,
        read_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    watches (tip_id, user_id) {
        tip_id -> Uuid,
        user_id -> Uuid,
        since -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    gaps (id) {
        id -> Uuid,
        community_id -> Nullable<Uuid>,
        home -> Text,
        key -> Text,
        product -> Nullable<Text>,
        terms -> Text,
        wording -> Nullable<Text>,
        asked -> Integer,
        people -> Integer,
        first_asked_at -> Instant,
        last_asked_at -> Instant,
        claimed_by -> Nullable<Uuid>,
        claimed_since -> Nullable<Instant>,
        claimed_until -> Nullable<Instant>,
        tip_id -> Nullable<Uuid>,
        closed_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    searches (id) {
        id -> Uuid,
        at -> Instant,
        user_id -> Uuid,
        home -> Text,
        key -> Nullable<Text>,
        product -> Nullable<Text>,
        typed -> Text,
        hits -> BigInt,
        opened_at -> Nullable<Instant>,
        gap_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    gap_tips (gap_id, tip_id) {
        gap_id -> Uuid,
        tip_id -> Uuid,
        at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    outcomes (id) {
        id -> Uuid,
        tip_id -> Uuid,
        revision -> Integer,
        user_id -> Uuid,
        result -> Text,
        counting -> Text,
        occasion -> Text,
        minutes_spent -> Nullable<Integer>,
        minutes_saved -> Nullable<Integer>,
        product -> Nullable<Text>,
        work_order -> Nullable<Text>,
        note -> Nullable<Text>,
        client_id -> Nullable<Text>,
        happened_at -> Instant,
        reported_at -> Instant,
        seq -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    proofs (tip_id, product) {
        tip_id -> Uuid,
        product -> Text,
        fixed -> Integer,
        partly -> Integer,
        not_fixed -> Integer,
        weight -> Double,
        worth -> Double,
        last_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    flags (id) {
        id -> Uuid,
        tip_id -> Uuid,
        revision -> Integer,
        community_id -> Uuid,
        kind -> Text,
        flagged_by -> Nullable<Uuid>,
        text -> Nullable<Text>,
        duplicate_of -> Nullable<Uuid>,
        assignee -> Nullable<Uuid>,
        due_at -> Instant,
        opened_at -> Instant,
        resolution -> Nullable<Text>,
        reason -> Nullable<Text>,
        resolved_by -> Nullable<Uuid>,
        resolved_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    relations (tip_id, other_id) {
        tip_id -> Uuid,
        other_id -> Uuid,
        kind -> Text,
        reason -> Nullable<Text>,
        said_by -> Uuid,
        said_at -> Instant,
        confirmed_revision -> Nullable<Integer>,
        confirmed_other -> Nullable<Integer>,
        confirmed_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    api_keys (id) {
        id -> Uuid,
        user_id -> Uuid,
        name -> Text,
        hash -> Text,
        scopes -> Text,
        created_at -> Instant,
        expires_at -> Instant,
        last_used_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    throttles (subject) {
        subject -> Text,
        full_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    password_resets (user_id) {
        user_id -> Uuid,
        hash -> Text,
        expires_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    imports (id) {
        id -> Uuid,
        user_id -> Uuid,
        dry_run -> Integer,
        started_at -> Instant,
        finished_at -> Nullable<Instant>,
        lines -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    webhooks (id) {
        id -> Uuid,
        user_id -> Uuid,
        url -> Text,
        description -> Text,
        community_id -> Nullable<Uuid>,
        kinds -> Text,
        status -> Text,
        created_at -> Instant,
        updated_at -> Instant,
        secret_at -> Instant,
        failures -> Integer,
        failing_since -> Nullable<Instant>,
        resting_until -> Nullable<Instant>,
        log_id -> Uuid,
        since -> BigInt,
        seq -> BigInt,
        within -> Nullable<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    webhook_secrets (webhook_id, secret) {
        webhook_id -> Uuid,
        secret -> Text,
        until -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    webhook_deliveries (id) {
        id -> Uuid,
        webhook_id -> Uuid,
        kind -> Nullable<Text>,
        position -> Nullable<BigInt>,
        at -> Nullable<Instant>,
        tip_id -> Nullable<Uuid>,
        was_read -> Integer,
        status -> Text,
        attempts -> Integer,
        created_at -> Instant,
        tried_at -> Nullable<Instant>,
        next_at -> Nullable<Instant>,
        response -> Nullable<Integer>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uuid;
    webhook_told (webhook_id, tip_id) {
        webhook_id -> Uuid,
        tip_id -> Uuid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::{Instant, Uuid};
    webhook_lease (id) {
        id -> Integer,
        holder -> Nullable<Uuid>,
        until -> Nullable<Instant>,
    }
}

diesel::table! {
    attachment_files (sha256) {
        sha256 -> Text,
        thumbnail -> Nullable<Binary>,
    }
}

diesel::table! {
    attachment_parts (sha256, place) {
        sha256 -> Text,
        place -> Integer,
        bytes -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Uuid;
    attachments (id) {
        id -> Uuid,
        tip_id -> Uuid,
        sha256 -> Text,
    }
}

diesel::joinable!(gap_tips -> gaps (gap_id));
diesel::joinable!(glossaries -> communities (community_id));
diesel::joinable!(members -> communities (community_id));
diesel::joinable!(members -> users (user_id));
diesel::joinable!(tips -> communities (community_id));
diesel::joinable!(revisions -> tips (tip_id));
diesel::joinable!(notifications -> change_log (seq));
diesel::joinable!(flags -> communities (community_id));
diesel::joinable!(webhooks -> users (user_id));
diesel::joinable!(webhook_deliveries -> webhooks (webhook_id));
diesel::allow_tables_to_appear_in_same_query!(gaps, gap_tips, searches);
diesel::allow_tables_to_appear_in_same_query!(users, webhooks, webhook_deliveries);
diesel::allow_tables_to_appear_in_same_query!(
    users,
    communities,
    glossaries,
    members,
    tips,
    revisions,
    revision_credits,
    reviews,
    decisions,
    flags,
    change_log
);
diesel::allow_tables_to_appear_in_same_query!(notifications, change_log);
diesel::allow_tables_to_appear_in_same_query!(users, identities);

#[diesel::declare_sql_function]
extern "SQL" {
    /// The text with every occurrence of one part replaced: the one way to look for an exact part that both databases
    /// spell alike (`LIKE` ignores case on SQLite).
    fn replace(
        text: diesel::sql_types::Text,
        part: diesel::sql_types::Text,
        by: diesel::sql_types::Text,
    ) -> diesel::sql_types::Text;
}
