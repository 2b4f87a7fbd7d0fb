//! Erasing a person: nothing of their name and mail address is left in database or index, files included; what they
//! knew stays, and the chain holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use diesel::RunQueryDsl;
use diesel::sql_types::Text;
use eureka_domain::community::{Community, Openness, Role};
use eureka_search::Index;
use eureka_service::Indexer;
use eureka_store::log::{self, Verdict};
use eureka_store::{Conn, StoreError};
use eureka_testkit::{PASSWORD, Person, TestApp, TestDatabase, on_both, on_both_apps, sample};
use serde_json::{Value, json};

use crate::flip;

/// A name that nothing else contains; it is in the address too.
const NAME: &str = "quixotzyx";
const EMAIL: &str = "quixotzyx@example.org";

/// The person to be erased.
fn reviewer(app: &TestApp, community: &Community) -> Person {
    named(app, community, NAME)
}

/// Somebody of a name, made so that the reply to that is kept.
fn named(app: &TestApp, community: &Community, name: &str) -> Person {
    let account = json!({"email": EMAIL, "name": name, "password": PASSWORD});
    let call = app.call("POST", "/v1/users").by(&app.admin()).header("Idempotency-Key", "account").json(account);
    let id = call.send().expect(201).word("/id").parse().unwrap();
    let person = app.log_in(eureka_domain::ids::UserId(id), EMAIL);
    app.service.enrol_member(community.id, person.id, Role::Reviewer).unwrap();
    person
}

#[test]
fn nothing_of_an_erased_person_is_left_in_any_file_and_what_they_knew_stays() {
    on_both(|database| {
        let app = &TestApp::start(database);
        let printers = app.community("printers", Openness::Open);
        let gone = reviewer(app, &printers);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Steward);
        let tip = app.published(&gone, &ravi, &printers, "Oxidised fuse holders");
        leave_traces(app, &printers, &gone, &ana, &ravi, &tip);
        let (file, plan) = attach_files(app, &gone, &ravi, &tip);
        app.settle(head(app));
        let damaged = damage_index(app);
        let segments = files(app.index_folder());
        let named = left_in_index(app);
        let [aside, in_use]: [Vec<_>; 2] =
            [true, false].map(|is_aside| named.iter().filter(|file| file.starts_with(&damaged) == is_aside).collect());
        assert!(!aside.is_empty() && in_use.len() == 1, "found before: {named:?}");
        assert_ne!(left_in_database(app, database), Vec::<String>::new(), "found before");

        let erased = app.service.erase_user(gone.id).unwrap();
        assert_eq!(erased.value, []);
        app.settle(erased.position);
        app.service.store().scrub().unwrap();
        assert_eq!(left_in_database(app, database), Vec::<String>::new());
        assert_eq!(left_in_index(app), Vec::<PathBuf>::new());
        let is_segment = |file: &&PathBuf| file.file_name().is_some_and(|name| name.len() > 32);
        let kept: Vec<_> = segments.intersection(&files(app.index_folder())).filter(is_segment).cloned().collect();
        assert_eq!(kept, Vec::<PathBuf>::new(), "every file of the index with terms in it is another one");

        assert!(matches!(app.service.verify_log(|_| ()).unwrap(), Verdict::Holds(_)));
        assert!(app.service.indexer().verify(|_| ()).unwrap().is_none());
        let hit = app.get(&ravi, "/v1/search?q=oxidised").expect(200);
        assert_eq!(hit.at("/items/0/tip/author/name"), "Former member", "{}", hit.text());
        assert_eq!(app.get(&ravi, &format!("/v1/tips/{tip}")).expect(200).at("/author/name"), "Former member");
        assert_eq!(app.get(&ravi, &file).expect(200).body, plan, "what they knew stays");
        let history = app.get(&ravi, &format!("/v1/tips/{tip}/history")).expect(200).text();
        assert!(history.contains("tip.attached") && history.contains("Former member"), "{history}");
        assert_eq!(app.get(&gone, "/v1/me").status, 401);
        let login = json!({"email": EMAIL, "password": PASSWORD});
        assert_eq!(app.call("POST", "/v1/auth/login").json(login).send().status, 401);
        app.service.erase_user(gone.id).unwrap();
    });
}

/// Has the index be damaged and made anew; where the damaged one is kept.
fn damage_index(app: &TestApp) -> PathBuf {
    let index = app.index_folder().join("index");
    rot(&index);
    assert!(app.service.indexer().check().unwrap().damage.is_some());
    Index::aside(&index).unwrap().unwrap().path
}

/// Flips a letter of a file of an index that holds no text of tips.
fn rot(index: &Path) {
    let current = index.join(std::fs::read_to_string(index.join("CURRENT")).unwrap());
    let sound = files(&current).into_iter().find(|file| file.extension().is_some_and(|kind| kind == "fieldnorm"));
    flip(&sound.unwrap());
}

/// What is made anew from the database passes by the change that tells of the erasure, and nobody would hear of it.
#[test]
fn a_damaged_index_is_not_kept_that_an_erasure_was_not_followed_in() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let gone = reviewer(app, &printers);
        let ravi = app.member(&printers, "ravi", Role::Steward);
        app.published(&gone, &ravi, &printers, "Oxidised fuse holders");
        let (store, first, second) = (app.service.store(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let open = |folder: &tempfile::TempDir| Indexer::open(store.clone(), folder.path()).unwrap();
        let aside = |folder: &tempfile::TempDir| Index::aside(folder.path()).unwrap();
        for folder in [&first, &second] {
            for _ in 0..2 {
                let indexer = open(folder);
                indexer.catch_up().unwrap();
                indexer.stop();
                rot(folder.path());
            }
            assert!(aside(folder).is_some());
        }
        let indexer = open(&second);
        indexer.catch_up().unwrap(); // a damaged one aside, and a sound one that has the name
        indexer.stop();
        app.service.erase_user(gone.id).unwrap();
        let holds = |folder: &tempfile::TempDir| files(folder.path()).iter().any(|file| holds_name(file));
        assert!(holds(&first) && holds(&second));

        let indexer = open(&first);
        indexer.catch_up().unwrap(); // damaged, and made anew after the erasure
        assert_eq!((aside(&first), holds(&first)), (None, false));
        indexer.stop();
        let indexer = open(&second);
        indexer.rebuild(|_| ()).unwrap(); // sound, and made anew before it has followed
        assert_eq!((aside(&second), holds(&second)), (None, false));
        indexer.stop();
    });
}

/// Has a person do, and others say of them, whatever leaves a name somewhere.
fn leave_traces(app: &TestApp, printers: &Community, gone: &Person, ana: &Person, ravi: &Person, tip: &str) {
    let keyed = |by: &Person, path: &str, body: Value| {
        app.call("POST", path).by(by).header("Idempotency-Key", path).json(body).send()
    };
    keyed(gone, "/v1/tips", sample("printers", "A draft")).expect(201);
    for owner in [gone, ana] {
        let key = json!({"name": format!("{NAME}'s program"), "scopes": ["read"]});
        keyed(owner, "/v1/api-keys", key).expect(201);
    }
    let outcome = json!({"result": "fixed", "note": format!("ask {NAME}"), "work_order": EMAIL});
    keyed(ana, &format!("/v1/tips/{tip}/outcomes"), outcome).expect(201);
    let flag = json!({"kind": "unclear", "text": format!("what does {NAME} mean?")});
    keyed(ravi, &format!("/v1/tips/{tip}/flags"), flag).expect(201);
    let [waiting, doubtful] = ["Waiting", "Doubtful"].map(|title| app.submitted(ana, printers, title));
    let relation = json!({"relation": "differs_because", "reason": format!("{NAME} means the other fuse")});
    let path = format!("/v1/tips/{}/relations/{tip}", waiting.word("/id"));
    app.call("PUT", &path).by(ana).json(relation).send().expect(200);
    let steward = |method: &str, path: &str, body: Value| {
        app.call(method, path).by(ravi).header("If-Match", "*").json(body).send()
    };
    let words = json!({"entries": [{"term": "fuser", "means": [format!("{NAME}'s \"unit\"")]}]});
    steward("PUT", "/v1/communities/printers/glossary", words).expect(200);
    let charter = json!({"name": format!("Printers of {NAME}"), "description": format!("Ask {EMAIL}.")});
    steward("PATCH", "/v1/communities/printers", charter).expect(200);
    let line = json!({"external_id": NAME, "title": "", "problem": ""}).to_string();
    let sent = app.call("POST", "/v1/imports?community=printers").by(ravi).raw("application/x-ndjson", line.as_bytes());
    assert_eq!(sent.send().status, 201);
    let [claimed, review] = [waiting, doubtful].map(|tip| tip.word("/review/id"));
    app.call("POST", &format!("/v1/reviews/{claimed}/claim")).by(gone).send().expect(200);
    let comment = json!({"text": format!("QuixotZYX asked me: {EMAIL}")});
    keyed(ana, &format!("/v1/reviews/{review}/comments"), comment).expect(201);
    let decision = json!({"verdict": "reject", "revision": 1, "reason": "other", "comment": format!("{NAME} knew")});
    keyed(ravi, &format!("/v1/reviews/{review}/decisions"), decision).expect(201);
    for who in [gone, ana, ravi] {
        app.get(who, &format!("/v1/search?q={NAME}+nowhere")).expect(200);
    }
    app.service.settle_searches();
}

/// Has a person attach a plan that is approved, and something with their name on it and in it that they take away again.
/// Answers where the plan is, and what it holds.
fn attach_files(app: &TestApp, gone: &Person, ravi: &Person, tip: &str) -> (String, Vec<u8>) {
    let attach = |name: &str, bytes: &[u8]| {
        let path = format!("/v1/tips/{tip}/attachments?name={name}");
        let call = app.call("POST", &path).by(gone).header("Idempotency-Key", name).raw("application/pdf", bytes);
        call.send().expect(201).word("/url")
    };
    let plan = b"%PDF-1.7\n% fuses\n".repeat(1000);
    let (kept, taken) =
        (attach("plan.pdf", &plan), attach(&format!("{NAME}.pdf"), &format!("%PDF-1.7 {NAME}").into_bytes()));
    app.call("DELETE", &taken).by(gone).send().expect(204);
    let sent = app.call("POST", &format!("/v1/tips/{tip}/submit")).by(gone).header("If-Match", "*").send().expect(200);
    let decision = json!({"verdict": "approve", "revision": 2});
    app.post(ravi, &format!("/v1/reviews/{}/decisions", sent.word("/review/id")), decision).expect(201);
    (kept, plan)
}

#[test]
fn a_text_that_names_an_erased_person_is_told_and_left_to_its_authors() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let gone = reviewer(app, &printers);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let tip = app.submitted(&ana, &printers, &format!("As {NAME} says"));
        let other = app.post(&ana, "/v1/tips", sample("printers", "It stops")).expect(201);
        let path = format!("/v1/tips/{}/attachments?name={NAME}.pdf", other.word("/id"));
        app.call("POST", &path).by(&ana).raw("application/pdf", b"%PDF-1.7").send().expect(201);
        let erased = app.service.erase_user(gone.id).unwrap();
        let told: Vec<_> = erased.value.iter().map(ToString::to_string).collect();
        assert_eq!(told, [tip.word("/number"), other.word("/number")]);
        assert_eq!(app.get(&ana, &format!("/v1/tips/{}", tip.word("/id"))).word("/title"), format!("As {NAME} says"));
    });
}

#[test]
fn a_name_is_found_in_letters_of_either_case_whatever_the_script() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let gone = named(app, &printers, "Зоë Élan_1%");
        let review = app.submitted(&ana, &printers, "Waiting").word("/review/id");
        let path = format!("/v1/reviews/{review}/comments");
        for text in ["ask ЗОË ÉLAN_1%", "ask зоë élan_1%", "ask Зоë Élanx1%"] {
            app.post(&ana, &path, json!({"text": text})).expect(201);
        }
        app.service.erase_user(gone.id).unwrap();
        let said = app.get(&ana, &path).expect(200).each("/text");
        assert_eq!(said, ["ask Former member", "ask Former member", "ask Зоë Élanx1%"]);
    });
}

#[test]
fn what_an_erased_person_had_searched_for_a_moment_before_is_not_written_down_after() {
    on_both(|database| {
        let app = &TestApp::start(database);
        let printers = app.community("printers", Openness::Open);
        let (gone, ana) = (reviewer(app, &printers), app.member(&printers, "ana", Role::Contributor));
        for who in [&gone, &ana] {
            app.get(who, "/v1/search?q=zirconium").expect(200);
        }
        // What may still be being typed is kept back for some seconds.
        assert_eq!((searches_of(app, &gone), searches_of(app, &ana)), (0, 0));
        app.service.erase_user(gone.id).unwrap();
        app.service.settle_searches();
        assert_eq!((searches_of(app, &gone), searches_of(app, &ana)), (0, 1));
    });
}

/// How many searches of a person are kept.
fn searches_of(app: &TestApp, who: &Person) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let query = format!("SELECT count(*) AS n FROM searches WHERE CAST(user_id AS TEXT) = '{}'", who.id);
    let counted = app.service.store().read(|conn| match conn {
        Conn::Sqlite(conn) => diesel::sql_query(&query).get_result::<Count>(*conn).map_err(StoreError::from),
        Conn::Postgres(conn) => diesel::sql_query(&query).get_result::<Count>(*conn).map_err(StoreError::from),
    });
    counted.unwrap().n
}

#[test]
fn the_last_admin_is_not_erased() {
    on_both_apps(|app| {
        let admin = app.admin();
        let refused = app.service.erase_user(admin.id).unwrap_err();
        assert_eq!(refused.to_string(), "you may not erase the last active admin");
        app.get(&admin, "/v1/me").expect(200);
    });
}

fn head(app: &TestApp) -> i64 {
    app.service.store().read(log::head).unwrap().seq
}

/// Where the database still has the name: its files on SQLite, those of its tables and indexes on PostgreSQL.
fn left_in_database(app: &TestApp, database: &TestDatabase) -> Vec<String> {
    #[derive(diesel::QueryableByName)]
    struct Relation {
        #[diesel(sql_type = Text)]
        relname: String,
    }
    if let Some(file) = database.url().strip_prefix("sqlite:") {
        let folder = Path::new(file).parent().unwrap();
        return files(folder).iter().filter(|file| holds_name(file)).map(|file| file.display().to_string()).collect();
    }
    let query = format!(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'i', 't')
         AND position('{NAME}' IN encode(pg_read_binary_file(pg_relation_filepath(oid)), 'escape')) > 0"
    );
    let flushed = app.service.store().write(|conn| match conn {
        Conn::Postgres(conn) => diesel::sql_query("CHECKPOINT").execute(*conn).map_err(StoreError::from),
        Conn::Sqlite(_) => Ok(0),
    });
    flushed.unwrap();
    let found: Vec<Relation> = app
        .service
        .store()
        .read(|conn| match conn {
            Conn::Postgres(conn) => diesel::sql_query(&query).load(*conn).map_err(StoreError::from),
            Conn::Sqlite(_) => Ok(Vec::new()),
        })
        .unwrap();
    found.into_iter().map(|relation| relation.relname).collect()
}

fn left_in_index(app: &TestApp) -> Vec<PathBuf> {
    files(app.index_folder()).into_iter().filter(|file| holds_name(file)).collect()
}

fn holds_name(file: &Path) -> bool {
    let bytes = std::fs::read(file).unwrap_or_default().to_ascii_lowercase();
    bytes.windows(NAME.len()).any(|window| window == NAME.as_bytes())
}

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}
