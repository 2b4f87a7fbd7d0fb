//! What the index makes of changes that are not a tip's own, and of a database that is not what it was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use eureka_domain::community::{Openness, Role};
use eureka_search::Index;
use eureka_service::{Hold, IndexState, Indexer};
use eureka_store::{Conn, StoreError};
use eureka_testkit::{Person, TestApp, TestDatabase, on_both_apps};
use serde_json::json;

use crate::flip;

/// Runs SQL that no function of the store would, with the triggers that forbid it out of the way.
fn tamper(app: &TestApp, sql: &'static str) {
    let written = app.service.store().write(move |conn| match conn {
        Conn::Sqlite(c) => c
            .batch_execute("DROP TRIGGER IF EXISTS change_log_is_not_rewritten")
            .and_then(|()| c.batch_execute("DROP TRIGGER IF EXISTS submitted_text_is_immutable"))
            .and_then(|()| c.batch_execute(sql))
            .map_err(StoreError::from),
        Conn::Postgres(c) => c
            .batch_execute("SET LOCAL session_replication_role = replica")
            .and_then(|()| c.batch_execute(sql))
            .map_err(StoreError::from),
    });
    written.unwrap();
}

fn found(app: &TestApp, who: &Person, q: &str) -> usize {
    app.get(who, &format!("/v1/search?q={q}")).expect(200).each("/tip/id").len()
}

/// Waits until a search finds this many; says how many it found in the end.
fn settles(app: &TestApp, who: &Person, q: &str, wanted: usize) -> usize {
    for _ in 0..200 {
        if found(app, who, q) == wanted {
            return wanted;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    found(app, who, q)
}

#[test]
fn a_community_that_becomes_private_takes_its_tips_out_of_strangers_sight_and_back_again() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let stella = app.member(&printers, "stella", Role::Steward);
        let otto = app.person("otto");
        for n in 0..3 {
            app.published(&ana, &stella, &printers, &format!("Zirconium {n}"));
        }
        assert_eq!(found(app, &otto, "zirconium"), 3);
        let turn = |word: &str| {
            let call = app.call("PATCH", "/v1/communities/printers").by(&stella).header("If-Match", "*");
            app.settle(call.json(json!({"visibility": word})).send().expect(200).position());
        };
        turn("private");
        assert_eq!((found(app, &otto, "zirconium"), found(app, &ana, "zirconium")), (0, 3));
        assert!(app.service.indexer().verify(|_| ()).unwrap().is_none());
        turn("open");
        assert_eq!((found(app, &otto, "zirconium"), found(app, &ana, "zirconium")), (3, 3));
    });
}

#[test]
fn an_author_is_found_under_the_name_they_bear_now() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "It stops");
        let path = format!("/v1/users/{}", ana.id);
        let rename = app.call("PATCH", &path).by(&ana).header("If-Match", "*").json(json!({"name": "Ana Lima"}));
        app.settle(rename.send().expect(200).position());
        let hit = app.get(&ravi, "/v1/search?q=stops").expect(200);
        assert_eq!(hit.at("/items/0/tip/author/name"), "Ana Lima", "{}", hit.text());
    });
}

#[test]
fn an_index_whose_database_becomes_another_past_is_made_anew_while_running() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "Zirconium in the fuser");
        // As after a failover to a standby that had not heard of the last changes and went on without them: the same
        // numbers, other rows. The row that is rewritten changed nothing that is indexed, so no commit names it.
        app.submitted(&ana, &printers, "Waiting");
        app.settle(app.service.store().read(eureka_store::log::head).unwrap().seq);
        tamper(
            app,
            "UPDATE revisions SET title = 'Beryllium in the fuser' WHERE title LIKE 'Zirconium%';
             UPDATE change_log SET hash = 'f0' WHERE seq = (SELECT seq FROM change_head);
             UPDATE change_head SET hash = 'f0'",
        );
        assert_eq!(settles(app, &ravi, "beryllium", 1), 1);
        assert_eq!(found(app, &ravi, "zirconium"), 0);
    });
}

#[test]
fn what_differs_from_the_database_is_found_and_repaired() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        for title in ["Stale", "Extra", "Sound"] {
            app.published(&ana, &ravi, &printers, title);
        }
        let indexer = app.service.indexer();
        assert!(indexer.verify(|_| ()).unwrap().is_none());
        tamper(
            app,
            "UPDATE revisions SET title = 'Changed behind the log' WHERE title = 'Stale';
             UPDATE tips SET hold = 'x' WHERE id IN (SELECT tip_id FROM revisions WHERE title = 'Extra')",
        );
        let drift = indexer.verify(|_| ()).unwrap();
        assert_eq!((drift.missing.len(), drift.stale.len(), drift.extra.len()), (0, 1, 1));
        indexer.repair(&drift).unwrap();
        assert!(indexer.verify(|_| ()).unwrap().is_none());
        assert_eq!((found(app, &ravi, "changed"), found(app, &ravi, "extra")), (1, 0));
        tamper(app, "UPDATE tips SET hold = NULL");
        let drift = indexer.verify(|_| ()).unwrap();
        assert_eq!((drift.missing.len(), drift.stale.len(), drift.extra.len()), (1, 0, 0));
        assert_eq!(indexer.drift_so_far(), (0, 0), "only checks on schedule are counted");
        assert_eq!(indexer.check().unwrap().missing, drift.missing);
        assert_eq!(found(app, &ravi, "extra"), 1);
        assert!(indexer.check().unwrap().is_none());
        assert_eq!(indexer.drift_so_far(), (1, 1));
    });
}

/// The files of the halves' segments.
fn segment_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(segment_files(&path));
        } else if path.file_name().is_some_and(|name| name.len() > 32) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn what_rots_in_the_files_of_a_running_service_is_found_on_schedule_and_made_anew() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "Zirconium in the fuser");
        let indexer = app.service.indexer();
        assert!(indexer.check().unwrap().is_none());
        let rotten = segment_files(app.index_folder()).into_iter().find(|file| file.extension().unwrap() == "idx");
        let rotten = rotten.unwrap();
        let rot = flip(&rotten);
        let found_damage = indexer.verify(|_| ()).unwrap();
        assert!(found_damage.damage.is_some() && !found_damage.is_none(), "{found_damage:?}");
        assert!(rotten.exists() && indexer.damage_so_far() == 0, "verifying repairs nothing");
        assert_eq!(found(app, &ravi, "zirconium"), 1, "the old one answers meanwhile");

        assert!(indexer.check().unwrap().damage.is_some());
        assert_eq!((indexer.damage_so_far(), indexer.drift_so_far()), (1, (0, 0)));
        assert!(!rotten.exists());
        let aside = Index::aside(&app.index_folder().join("index")).unwrap().unwrap().path;
        assert_eq!(segment_files(&aside).iter().filter(|file| std::fs::read(file).unwrap() == rot).count(), 1);
        assert!(indexer.check().unwrap().is_none());
        assert_eq!(indexer.damage_so_far(), 1);
        app.published(&ana, &ravi, &printers, "Zirconium in the tray");
        assert_eq!(found(app, &ravi, "zirconium"), 2);
    });
}

#[test]
fn an_index_is_not_ready_before_it_has_reached_the_log_s_end_as_it_was_at_the_start() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "Zirconium");
        let folder = tempfile::tempdir().unwrap();
        let later = Indexer::open(app.service.store().clone(), &folder.path().join("index")).unwrap();
        assert_eq!(later.state(), (IndexState::CatchingUp, 0));
        let head = app.service.store().read(eureka_store::log::head).unwrap().seq;
        later.catch_up().unwrap();
        let (state, position) = later.state();
        assert!(state == IndexState::Ready && position >= head, "{state:?} at {position} of {head}");
        later.stop();
    });
}

#[test]
fn an_index_that_another_has_is_left_alone_and_opened_when_it_is_free() {
    on_both_apps(|app| {
        let printers = app.community("printers", Openness::Open);
        let ana = app.member(&printers, "ana", Role::Contributor);
        let ravi = app.member(&printers, "ravi", Role::Reviewer);
        app.published(&ana, &ravi, &printers, "Zirconium");
        let (store, dir) = (app.service.store().clone(), app.index_folder().join("index"));
        let error = Indexer::open(store.clone(), &dir).map(drop).unwrap_err();
        let second = Indexer::shut(store, &dir, &error);
        let follower = second.follow().unwrap();
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(second.state().0, IndexState::Held(Hold::Locked));
        assert!(second.index().is_none() && second.rebuild(|_| ()).is_err(), "nor is another one made over it");
        assert_eq!(found(app, &ravi, "zirconium"), 1);
        app.service.indexer().stop();
        wait_until("the index is opened", || second.state().0 == IndexState::Ready);
        assert_eq!(second.index().unwrap().len(), 1);
        second.stop();
        follower.join().unwrap();
    });
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("{what}: not within ten seconds");
}

#[test]
fn while_the_database_is_away_an_index_that_had_caught_up_goes_on_and_another_does_not_begin() {
    let database = TestDatabase::sqlite();
    let store = database.open_again();
    let file = PathBuf::from(database.url().strip_prefix("sqlite:").unwrap());
    let away = file.with_extension("away");
    let folder = tempfile::tempdir().unwrap();
    let following = Indexer::open(store.clone(), &folder.path().join("following")).unwrap();
    let starting = Indexer::open(store.clone(), &folder.path().join("starting")).unwrap();
    let follower = following.follow().unwrap();
    wait_until("it follows", || following.state().0 == IndexState::Ready);

    std::fs::rename(&file, &away).unwrap();
    std::fs::create_dir(&file).unwrap(); // or a new file would be made
    wait_until("it notices", || {
        store.close(); // nobody is left to read from before
        following.state().0 == IndexState::OnItsOwn
    });
    assert!(following.index().is_some());
    let late = starting.follow().unwrap();
    wait_until("the other one is held up", || starting.state().0 == IndexState::Held(Hold::DatabaseAway));

    std::fs::remove_dir(&file).unwrap();
    std::fs::rename(&away, &file).unwrap();
    wait_until("it goes on", || following.state().0 == IndexState::Ready);
    wait_until("and so does the other", || starting.state().0 == IndexState::Ready);
    for (indexer, thread) in [(following, follower), (starting, late)] {
        indexer.stop();
        thread.join().unwrap();
    }
}
