//! What the tests put into a database: people, communities, tips; ids and instants that count up.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Duration};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use eureka_domain::Instant;
use eureka_domain::change::{Change, Kind, Payload};
use eureka_domain::community::{Community, Openness, ReviewPolicy, Role};
use eureka_domain::ids::{CommunityId, ReviewId, TipId, TipNumber, UserId};
use eureka_domain::review::{Decision, Due, Review, Verdict};
use eureka_domain::tip::{Confidence, Revision, Safety, State, Tip, TipText};
use eureka_domain::user::{SiteRole, User, UserStatus};
use eureka_store::{Conn, Store, StoreError, Written, communities, log, reviews, revisions, tips, users};
use eureka_testkit::TestDatabase;
use uuid::Uuid;

/// A new id, later than all before.
pub fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u128((u128::from(n) << 80) | 0x7000_8abc_0000_0000_def0)
}

/// So many microseconds after the tests' first moment.
pub fn at(micros: i64) -> Instant {
    DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap() + Duration::microseconds(micros)
}

/// Writes with the store's own errors.
pub fn write<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<Written<T>, StoreError> {
    store.write(f)
}

/// Reads with the store's own errors.
pub fn read<T>(store: &Store, f: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError>) -> T {
    store.read(f).unwrap()
}

/// The name of the constraint that refused something.
pub fn refused<T: std::fmt::Debug>(by: Result<T, StoreError>) -> &'static str {
    match by {
        Err(StoreError::Conflict { what }) => what,
        other => panic!("not a conflict: {other:?}"),
    }
}

/// What `f` gives in a write that is then undone.
pub fn undone<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    enum Undo<T> {
        Done(T),
        Failed(StoreError),
    }
    impl<T> From<StoreError> for Undo<T> {
        fn from(error: StoreError) -> Self {
            Self::Failed(error)
        }
    }
    match store.write(|conn| Err::<(), _>(Undo::Done(f(conn)?))).map(|_| ()) {
        Err(Undo::Done(value)) => value,
        Err(Undo::Failed(error)) => panic!("{error:?}"),
        Ok(()) => unreachable!("it errs"),
    }
}

/// Runs SQL on a connection.
pub fn execute(conn: &mut Conn<'_>, sql: &str) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(c) => Ok(c.batch_execute(sql)?),
        Conn::Postgres(c) => Ok(c.batch_execute(sql)?),
    }
}

/// Runs SQL that no function of the store would.
pub fn raw(store: &Store, sql: &str) -> Result<(), StoreError> {
    let sql = sql.to_owned();
    write(store, move |conn| execute(conn, &sql)).map(|_| ())
}

/// One number, named `n`.
pub fn number(store: &Store, sql: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    read(store, |conn| match conn {
        Conn::Sqlite(c) => Ok(diesel::sql_query(sql).get_result::<Number>(*c)?.n),
        Conn::Postgres(c) => Ok(diesel::sql_query(sql).get_result::<Number>(*c)?.n),
    })
}

/// One word, named `w`, from a reader.
pub fn word(store: &Store, sql: &str) -> String {
    read(store, |conn| word_on(conn, sql))
}

/// One word, named `w`, on this connection.
pub fn word_on(conn: &mut Conn<'_>, sql: &str) -> Result<String, StoreError> {
    #[derive(QueryableByName)]
    struct Word {
        #[diesel(sql_type = Text)]
        w: String,
    }
    match conn {
        Conn::Sqlite(c) => Ok(diesel::sql_query(sql).get_result::<Word>(*c)?.w),
        Conn::Postgres(c) => Ok(diesel::sql_query(sql).get_result::<Word>(*c)?.w),
    }
}

/// Where a file beside a test's SQLite database would be.
pub fn beside(db: &TestDatabase, name: &str) -> PathBuf {
    Path::new(db.url().trim_start_matches("sqlite:")).with_file_name(name)
}

/// A change that says no more than that an account was made.
pub fn change(payload: Option<Payload>) -> Change {
    Change::new(Kind::UserCreated, None, at(0)).about(id()).telling(payload)
}

/// Appends one change.
pub fn append(store: &Store) -> i64 {
    let change = change(None);
    write(store, move |conn| log::append(conn, &change)).unwrap().value
}

/// A person, stored.
pub fn person(store: &Store, name: &str) -> UserId {
    let user = User {
        id: UserId(id()),
        email: Some(format!("{name}@example.org")),
        name: name.to_owned(),
        site_role: SiteRole::Member,
        status: UserStatus::Active,
        auth_epoch: 0,
        created_at: at(0),
        updated_at: at(0),
    };
    let user_id = user.id;
    write(store, move |conn| users::insert(conn, &user, None)).unwrap();
    user_id
}

/// A community, stored.
pub fn community(store: &Store, slug: &str, openness: Openness) -> CommunityId {
    let community = Community {
        id: CommunityId(id()),
        slug: slug.to_owned(),
        name: slug.to_owned(),
        description: String::new(),
        openness,
        policy: ReviewPolicy::default(),
        created_at: at(0),
        updated_at: at(0),
    };
    let community_id = community.id;
    write(store, move |conn| communities::insert(conn, &community)).unwrap();
    community_id
}

/// A text.
pub fn text(title: &str) -> TipText {
    TipText {
        title: title.to_owned(),
        problem: "It stops.".to_owned(),
        cause: None,
        solution: Some("Clean the fuse holders.".to_owned()),
        products: vec!["DocuColor 40".to_owned()],
        fault_codes: vec!["3396".to_owned()],
        parts: Vec::new(),
        tags: Vec::new(),
        safety: Safety::None,
        hazard: None,
        attachments: Vec::new(),
        lang: Some("en".to_owned()),
    }
}

/// A tip and its first revision, a draft, not stored.
pub fn draft(community: CommunityId, author: UserId, number: i64) -> (Tip, Revision) {
    let tip = Tip {
        id: TipId(id()),
        number: TipNumber(number),
        community,
        author,
        confidence: Confidence::WorkInProgress,
        hold: None,
        replaced: None,
        live: None,
        latest: 1,
        review: None,
        external_id: None,
        created_at: at(number),
        updated_at: at(number),
        published_at: None,
    };
    let revision = Revision {
        tip: tip.id,
        number: 1,
        round: 1,
        state: State::Draft,
        text: text("It stops"),
        editor: author,
        credited: [author].into(),
        created_at: at(number),
        updated_at: at(number),
        submitted_at: None,
        decided_at: None,
    };
    (tip, revision)
}

/// Stores a tip with its first revision.
pub fn store_tip(store: &Store, tip: &Tip, revision: &Revision) -> Result<(), StoreError> {
    let (tip, revision) = (tip.clone(), revision.clone());
    write(store, move |conn| {
        tips::insert(conn, &tip)?;
        revisions::insert(conn, &tip, &revision)
    })
    .map(|_| ())
}

/// A submitted tip and its open review, stored.
pub fn under_review(store: &Store, community: CommunityId, author: UserId, number: i64) -> (Tip, Revision, Review) {
    let (mut tip, mut revision) = draft(community, author, number);
    revision.state = State::Submitted;
    revision.submitted_at = Some(at(number));
    let review = Review::opened(ReviewId(id()), community, &revision, due(), at(number));
    tip.review = Some(review.id);
    store_tip(store, &tip, &revision).unwrap();
    let stored = review.clone();
    write(store, move |conn| reviews::insert(conn, &stored)).unwrap();
    (tip, revision, review)
}

/// A promise that is kept for a long time.
pub fn due() -> Due {
    Due { respond_by: at(2_000_000_000), decide_by: at(3_000_000_000) }
}

/// An approval.
pub fn approval(reviewer: UserId, micros: i64) -> Decision {
    Decision {
        id: eureka_domain::ids::DecisionId(id()),
        revision: 1,
        reviewer,
        role: Role::Reviewer,
        verdict: Verdict::Approve,
        reason: None,
        comment: None,
        into: None,
        edited_into: None,
        at: at(micros),
    }
}
