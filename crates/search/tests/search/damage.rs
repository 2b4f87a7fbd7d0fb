//! What a crash, a bad disk or a wrong copy leaves behind: found when the index is opened, never wiped, never a panic.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eureka_search::{
    Change, Cursor, FacetField, Former, Index, OpenOptions, Opened, SCHEMA_VERSION, SearchError, SearchRequest,
    TipDocument,
};
use serde_json::Value;
use tantivy::schema::Document as _;
use tantivy::{DocSet as _, postings::Postings as _};
use uuid::Uuid;

use crate::shelf::{Shelf, With, cursor, everyone, now, open, opened, tip};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every file below a directory except locks, with its content.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else if path.extension().is_none_or(|extension| extension != "lock") {
            out.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    out
}

/// An index at rest: three commits, a removal, both halves in use.
fn at_rest() -> tempfile::TempDir {
    let shelf = Shelf::of([tip(1, "Paper jam", "Tray."), tip(2, "Ward bed", "Motor.").private(1)]);
    shelf.put([tip(3, "Paper curls", "Damp."), tip(4, "Paper torn", "Edge.")], 2);
    shelf.remove(&[3], 3);
    let Shelf { index, dir } = shelf;
    index.close().unwrap();
    drop(index);
    dir
}

fn unusable(dir: &Path) -> Option<String> {
    match opened(dir) {
        Opened::Unusable { why } => Some(why),
        Opened::Fresh(_) | Opened::Usable(_) => None,
    }
}

#[test]
fn an_index_opens_where_its_last_commit_stands() {
    let dir = at_rest();
    let index = open(dir.path());
    assert_eq!(index.cursor(), Some(cursor(3)));
    assert_eq!(index.len(), 3);
    let listed = index.list().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().any(|each| each.fingerprint == tip(1, "Paper jam", "Tray.").fingerprint()));
}

#[test]
fn a_changed_cut_or_missing_file_is_noticed_and_nothing_is_wiped() {
    let dir = at_rest();
    let sound = files(dir.path());
    let mut cases = 0;
    for (path, content) in &sound {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == ".managed.json" {
            continue; // the engine's own list of files to clean up; it says nothing about tips
        }
        let mut broken: Vec<(&str, Option<Vec<u8>>)> = vec![("missing", None), ("empty", Some(Vec::new()))];
        broken.push(("cut", Some(content[..content.len() / 2].to_vec())));
        for at in [0, content.len() / 3, content.len() / 2, content.len().saturating_sub(1)] {
            let mut flipped = content.clone();
            if let Some(byte) = flipped.get_mut(at) {
                *byte ^= 0x10;
                broken.push(("flipped", Some(flipped)));
            }
        }
        for (what, new) in broken {
            cases += 1;
            let place = tempfile::tempdir().unwrap();
            copy(dir.path(), place.path());
            let target = place.path().join(path.strip_prefix(dir.path()).unwrap());
            match &new {
                Some(new) => std::fs::write(&target, new).unwrap(),
                None => std::fs::remove_file(&target).unwrap(),
            }
            let before = files(place.path());
            if let Some(why) = unusable(place.path()) {
                assert!(!why.is_empty());
                let after = files(place.path());
                for (file, content) in before {
                    assert_eq!(after.get(&file), Some(&content), "{name} {what}: {} was touched", file.display());
                }
                if cases % 9 != 0 {
                    continue;
                }
                let mut rebuild = Index::rebuild_over(place.path(), OpenOptions::default()).unwrap();
                rebuild.add(&tip(1, "Paper jam", "Tray.")).unwrap();
                assert_eq!(rebuild.finish(&cursor(9)).unwrap().cursor(), Some(cursor(9)));
            } else {
                // What was changed means nothing (white space, an unused name): then all is as it was.
                assert!(name == "meta.json" || name == "CURRENT", "{name} {what} was not noticed");
                let index = open(place.path());
                assert_eq!((index.cursor(), index.len()), (Some(cursor(3)), 3), "{name} {what}");
            }
        }
    }
    assert!(cases > 60, "{cases}");
}

/// Puts another file in the place of one, as no live reader of the old one notices.
fn replace(file: &Path, bytes: &[u8]) {
    let draft = file.with_extension("rot");
    std::fs::write(&draft, bytes).unwrap();
    std::fs::rename(draft, file).unwrap();
}

#[test]
fn what_rots_under_an_index_in_use_is_noticed_when_it_is_asked_for() {
    let dir = at_rest();
    let index = open(dir.path());
    assert_eq!(index.damage().unwrap(), None);
    let mut cases = 0;
    for (path, content) in files(dir.path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == ".managed.json" || name == "meta.json" || content.is_empty() {
            continue;
        }
        let mut flipped = content.clone();
        flipped[content.len() / 2] ^= 0x10;
        replace(&path, &flipped);
        assert!(index.damage().unwrap().is_some(), "{name} was not noticed");
        replace(&path, &content);
        assert_eq!(index.damage().unwrap(), None, "{name}");
        cases += 1;
    }
    assert!(cases > 10, "{cases}");
    std::fs::remove_file(dir.path().join("index-1/restricted/meta.json")).unwrap();
    assert!(index.damage().unwrap().is_some());
}

#[test]
fn a_sound_index_is_never_taken_for_damaged_while_it_is_written_and_merged() {
    let shelf = Shelf::of([tip(1, "Paper jam", "Tray.")]);
    let done = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 2..60 {
                shelf.put([tip(n % 7, "Paper jam", &format!("Tray {n}."))], n);
                shelf.index.tidy().unwrap();
            }
            shelf.index.compact().unwrap();
            done.store(true, Ordering::SeqCst);
        });
        let mut looks = 0;
        while !done.load(Ordering::SeqCst) {
            assert_eq!(shelf.index.damage().unwrap(), None);
            looks += 1;
        }
        looks
    });
    assert!(looks > 3, "{looks}");
}

/// Names the half that the reader below reads; without it, the test is over at once.
const BARE: &str = "EUREKA_SEARCH_TEST_BARE";

/// Not a test of its own: the process in which a bare engine reads all there is in one half. What it makes of damage may
/// end it.
#[test]
fn bare_reader_of_a_half() {
    #[allow(clippy::disallowed_methods, reason = "how the parent names the directory")]
    let Ok(dir) = std::env::var(BARE) else { return };
    print!("read {:x}", bare_digest(Path::new(&dir)).unwrap());
}

/// A sum over all that the files of a half say: stored tips, and words with the tips they stand in and how often.
fn bare_digest(dir: &Path) -> tantivy::Result<u64> {
    let index = tantivy::Index::open_in_dir(dir)?;
    let mut sum = std::hash::DefaultHasher::new();
    for segment in index.reader()?.searcher().segment_readers() {
        let store = segment.get_store_reader(1)?;
        for doc in segment.doc_ids_alive() {
            store.get::<tantivy::TantivyDocument>(doc)?.to_json(&index.schema()).hash(&mut sum);
        }
        let indexed = index.schema();
        for (field, _) in indexed.fields().filter(|(_, entry)| entry.is_indexed()) {
            let words = segment.inverted_index(field)?;
            let mut stream = words.terms().stream()?;
            while stream.advance() {
                stream.key().hash(&mut sum);
                let option = tantivy::schema::IndexRecordOption::WithFreqsAndPositions;
                let mut tips = words.read_postings_from_terminfo(stream.value(), option)?;
                while tips.doc() != tantivy::TERMINATED {
                    (tips.doc(), tips.term_freq()).hash(&mut sum);
                    tips.advance();
                }
            }
        }
    }
    Ok(sum.finish())
}

/// What the bare engine makes of a half, or `None` where it says that something is wrong, or ends.
fn bare_reading(dir: &Path) -> Option<String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "damage::bare_reader_of_a_half", "--nocapture"])
        .env(BARE, dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let read = said.split("read ").nth(1).map(|read| read.split_whitespace().next().unwrap_or_default().to_owned());
    read.filter(|_| output.status.success())
}

/// The control: of the same flipped bytes the bare engine overlooks a good part, or reads something else.
#[test]
fn bare_tantivy_overlooks_flipped_bytes_that_the_index_finds() {
    let dir = at_rest();
    let half = |dir: &Path| dir.join("index-1/open");
    let sound = bare_reading(&half(dir.path())).unwrap();
    let (mut alike, mut otherwise, mut noticed) = (0, 0, 0);
    for (path, content) in files(&half(dir.path())) {
        if path.extension().is_some_and(|extension| extension == "json") {
            continue; // of these, other trials
        }
        for at in (1..16).map(|part| content.len() * part / 16) {
            let place = tempfile::tempdir().unwrap();
            copy(dir.path(), place.path());
            let mut flipped = content.clone();
            flipped[at] ^= 0x10;
            std::fs::write(place.path().join(path.strip_prefix(dir.path()).unwrap()), flipped).unwrap();
            match bare_reading(&half(place.path())) {
                Some(read) if read == sound => alike += 1,
                Some(_) => otherwise += 1,
                None => noticed += 1,
            }
            assert!(unusable(place.path()).is_some(), "{} at {at} was not noticed", path.display());
        }
    }
    let all = alike + otherwise + noticed;
    println!("of {all} flipped bytes the bare engine noticed {noticed}, read {otherwise} as something else");
    assert!(all > 60 && otherwise > 0 && alike + otherwise > all / 5, "{alike} {otherwise} {noticed}");
}

/// Where an index stands, what it holds, and what it answers.
type Held = (Option<Cursor>, Vec<(u128, i32, u64)>, Vec<String>);

fn held(index: &Index) -> Held {
    let mut listed: Vec<_> = index
        .list()
        .map(|each| each.unwrap())
        .map(|each| (each.tip.0.as_u128(), each.revision, each.fingerprint))
        .collect();
    listed.sort_unstable();
    let answers = ["", "paper", "paper tray", "ward", "edge"].map(|q| {
        let request =
            SearchRequest { audience: everyone(), facets: vec![FacetField::Community], ..SearchRequest::new(q) };
        let found = index.search(&request, now()).unwrap();
        format!("{:?} {:?} {:?}", found.hits, found.total, found.facets)
    });
    (index.cursor(), listed, answers.to_vec())
}

#[test]
fn a_flip_of_any_byte_of_meta_json_is_found_or_means_nothing() {
    let dir = at_rest();
    let index = open(dir.path());
    let sound = held(&index);
    index.close().unwrap();
    drop(index);
    let meta = std::fs::read(dir.path().join("index-1/open/meta.json")).unwrap();
    let (mut found, mut place) = (0, tempfile::tempdir().unwrap());
    copy(dir.path(), place.path());
    for at in 0..meta.len() {
        let mut flipped = meta.clone();
        flipped[at] ^= 0x10;
        std::fs::write(place.path().join("index-1/open/meta.json"), flipped).unwrap();
        if let Opened::Usable(index) = opened(place.path()) {
            assert_eq!(held(&index), sound, "byte {at} of {}", String::from_utf8_lossy(&meta));
            drop(index);
            place = tempfile::tempdir().unwrap();
            copy(dir.path(), place.path());
        } else {
            found += 1;
        }
    }
    println!("of {} flipped bytes {found} were found, and the others mean nothing", meta.len());
    assert!(found > meta.len() / 2, "{found} of {}", meta.len());
}

#[test]
fn an_index_of_another_version_is_not_used() {
    let dir = at_rest();
    let meta = dir.path().join("index-1/open/meta.json");
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(&meta).unwrap()).unwrap();
    let mut other = cursor(3);
    other.schema = SCHEMA_VERSION + 1;
    let crc = crc32fast::hash(&serde_json::to_vec(&other).unwrap());
    value["payload"] = Value::from(serde_json::json!({ "crc": crc, "cursor": other }).to_string());
    std::fs::write(&meta, value.to_string()).unwrap();
    assert_eq!(unusable(dir.path()), Some(format!("the index has schema version {}", SCHEMA_VERSION + 1)));
}

#[test]
fn halves_of_different_moments_are_brought_together_by_replaying() {
    let early = at_rest();
    let late = tempfile::tempdir().unwrap();
    copy(early.path(), late.path());
    let changes =
        || vec![Change::Put(Box::new(tip(2, "Ward bed", "Now open to all."))), Change::Remove(tip(4, "", "").tip)];
    let index = open(late.path());
    index.apply(changes(), &cursor(4)).unwrap();
    let wanted = index.list().map(|each| each.unwrap().fingerprint).collect::<std::collections::BTreeSet<_>>();
    drop(index);
    // The crash came between the two commits: the open half is late, the restricted one early.
    std::fs::remove_dir_all(late.path().join("index-1/restricted")).unwrap();
    copy(&early.path().join("index-1/restricted"), &late.path().join("index-1/restricted"));
    let index = open(late.path());
    assert_eq!(index.cursor(), Some(cursor(3)));
    index.apply(changes(), &cursor(4)).unwrap();
    assert_eq!(index.cursor(), Some(cursor(4)));
    let found = index.list().map(|each| each.unwrap().fingerprint).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(found, wanted);
}

#[test]
fn halves_of_different_databases_are_not_used() {
    let dir = at_rest();
    let other = tempfile::tempdir().unwrap();
    open(other.path()).apply(Vec::new(), &Cursor::new(Uuid::from_u128(5), 3, "x")).unwrap();
    std::fs::remove_dir_all(dir.path().join("index-1/restricted")).unwrap();
    copy(&other.path().join("index-1/restricted"), &dir.path().join("index-1/restricted"));
    assert_eq!(unusable(dir.path()).as_deref(), Some("its halves follow different logs"));
}

/// The engine of a half, and what writes to it, past everything that Eureka does.
fn bare(half: &Path) -> (tantivy::Index, tantivy::IndexWriter) {
    let engine = tantivy::Index::open_in_dir(half).unwrap();
    engine.tokenizers().register("analysed", tantivy::tokenizer::WhitespaceTokenizer::default());
    let writer = engine.writer_with_num_threads(1, 15_000_000).unwrap();
    (engine, writer)
}

#[test]
fn an_index_that_a_bare_commit_robbed_of_its_place_is_not_used() {
    for half in ["open", "restricted"] {
        let dir = at_rest();
        let (engine, mut writer) = bare(&dir.path().join("index-1").join(half));
        assert!(engine.load_metas().unwrap().payload.is_some());
        writer.commit().unwrap();
        assert_eq!(engine.load_metas().unwrap().payload, None, "the engine keeps the payload of a bare commit");
        drop(writer);
        assert_eq!(unusable(dir.path()).as_deref(), Some("it holds tips and no place in the log"), "{half}");
    }
}

/// The control of the place that is committed together with the tips.
#[test]
fn a_place_kept_beside_a_bare_commit_would_lose_or_double_what_a_crash_came_between() {
    let ends_with = |is_place_first: bool| {
        let dir = tempfile::tempdir().unwrap();
        let mut schema = tantivy::schema::Schema::builder();
        let number = schema.add_u64_field("number", tantivy::schema::INDEXED | tantivy::schema::FAST);
        let engine = tantivy::Index::create_in_dir(dir.path(), schema.build()).unwrap();
        let place = dir.path().join("place");
        let kept = |n: u64| std::fs::write(&place, n.to_string()).unwrap();
        let put = |n: u64| {
            let mut writer: tantivy::IndexWriter = engine.writer_with_num_threads(1, 15_000_000).unwrap();
            writer.add_document(tantivy::doc!(number => n)).unwrap();
            writer.commit().unwrap();
        };
        put(1);
        kept(1);
        // The crash comes after the first of the two steps.
        if is_place_first {
            kept(2);
        } else {
            put(2);
        }
        let reached: u64 = std::fs::read_to_string(&place).unwrap().parse().unwrap();
        (reached + 1..=2).for_each(put);
        let searcher = engine.reader().unwrap().searcher();
        let segments = searcher.segment_readers().iter();
        let mut found = segments
            .flat_map(|segment| {
                let numbers = segment.fast_fields().u64("number").unwrap();
                (0..segment.max_doc()).map(move |tip| numbers.first(tip).unwrap()).collect::<Vec<_>>()
            })
            .collect::<Vec<_>>();
        found.sort_unstable();
        found
    };
    assert_eq!(ends_with(true), [1], "lost");
    assert_eq!(ends_with(false), [1, 2, 2], "doubled");
}

#[test]
fn a_second_process_gets_locked_and_harms_nothing() {
    let shelf = Shelf::of([tip(1, "Paper jam", "Tray.")]);
    for _ in 0..2 {
        assert!(matches!(Index::open(shelf.dir.path(), OpenOptions::default()), Err(SearchError::Locked)));
    }
    shelf.put([tip(2, "Paper jam", "Again.")], 2);
    assert_eq!(shelf.find("paper jam").len(), 2);
    shelf.index.close().unwrap();
    assert_eq!(open(shelf.dir.path()).cursor(), Some(cursor(2)));
}

#[test]
fn a_rebuild_beside_replaces_the_index_while_searches_go_on() {
    let shelf = Shelf::of([tip(1, "Paper jam", "Tray.")]);
    let mut rebuild = shelf.index.rebuild_beside().unwrap();
    rebuild.add(&tip(2, "Paper curls", "Damp.")).unwrap();
    rebuild.add(&tip(3, "Ward bed", "Motor.").private(1)).unwrap();
    assert_eq!(shelf.find("paper"), [1]);
    shelf.index.swap_in(rebuild, &cursor(8), Former::Removed).unwrap();
    assert_eq!(shelf.find("paper"), [2]);
    assert_eq!(shelf.index.cursor(), Some(cursor(8)));
    shelf.put([tip(4, "Paper torn", "Edge.")], 9);
    shelf.index.close().unwrap();
    let index = open(shelf.dir.path());
    assert_eq!((index.cursor(), index.len()), (Some(cursor(9)), 3));
    assert!(!shelf.dir.path().join("index-1").exists());
}

#[test]
fn an_abandoned_rebuild_changes_nothing() {
    let shelf = Shelf::of([tip(1, "Paper jam", "Tray.")]);
    let mut rebuild = shelf.index.rebuild_beside().unwrap();
    rebuild.add(&tip(2, "Paper curls", "Damp.")).unwrap();
    drop(rebuild);
    shelf.index.close().unwrap();
    let index = open(shelf.dir.path());
    assert_eq!((index.cursor(), index.len()), (Some(cursor(1)), 1));
    assert!(!shelf.dir.path().join("index-2").exists());
}

#[test]
fn a_rebuild_under_way_elsewhere_is_not_removed() {
    let dir = at_rest();
    let mut rebuild = Index::rebuild_over(dir.path(), OpenOptions::default()).unwrap();
    rebuild.add(&tip(7, "Paper", "New.")).unwrap();
    drop(open(dir.path()));
    let index = rebuild.finish(&cursor(12)).unwrap();
    assert_eq!((index.cursor(), index.len()), (Some(cursor(12)), 1));
}

#[test]
fn a_closed_index_goes_on_answering_but_takes_no_changes() {
    let shelf = Shelf::of([tip(1, "Paper jam", "Tray.")]);
    shelf.index.close().unwrap();
    assert_eq!(shelf.find("paper"), [1]);
    assert!(shelf.index.apply(Vec::new(), &cursor(2)).is_err());
}

/// Names the directory that the victim below works in; without it, the test is over at once.
const VICTIM: &str = "EUREKA_SEARCH_TEST_VICTIM";

/// Not a test of its own: the process that the next test kills. Change `n` puts a tip anew whose text says `n`, every
/// fifth one private, and takes out the one that comes next.
#[test]
fn victim_of_a_kill() {
    #[allow(clippy::disallowed_methods, reason = "how the parent names the directory")]
    let Ok(dir) = std::env::var(VICTIM) else { return };
    let index = open(Path::new(&dir));
    let mut seq = index.cursor().map_or(0, |cursor| cursor.seq);
    loop {
        seq += 1;
        index.apply(change(seq), &cursor(seq)).unwrap();
        print!("!");
        std::io::stdout().flush().unwrap();
    }
}

const TIPS: i64 = 12;
const ROUNDS: u64 = 8;

fn change(seq: i64) -> Vec<Change> {
    let next = Change::Remove(tip(seq % TIPS + 1, "", "").tip);
    vec![Change::Put(Box::new(as_of(seq))), next]
}

/// The tip that change `n` puts.
fn as_of(seq: i64) -> TipDocument {
    let new = tip((seq - 1) % TIPS + 1, "Paper jam", &format!("Tray {seq}."));
    if seq % 5 == 0 { new.private(1) } else { new }
}

#[test]
fn a_killed_process_leaves_an_index_that_goes_on_from_its_cursor_with_each_tip_in_it_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..ROUNDS {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "damage::victim_of_a_kill", "--nocapture"])
            .env(VICTIM, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = victim.stdout.take().unwrap();
        let mut commits = 0;
        while commits < 3 {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).unwrap(), 1, "the victim ended by itself");
            commits += i64::from(byte == *b"!");
        }
        std::thread::sleep(Duration::from_millis(7 * (round % 7)));
        victim.kill().unwrap();
        victim.wait().unwrap();
        let index = open(dir.path());
        let seq = index.cursor().map_or(0, |cursor| cursor.seq);
        assert!(seq >= last + 3, "{last} and 3 more were told, {seq} is there");
        last = seq + 1;
        index.apply(change(last), &cursor(last)).unwrap();
        let mut found: Vec<u64> = index.list().map(|listed| listed.unwrap().fingerprint).collect();
        let mut expected: Vec<u64> =
            (last - TIPS + 2..=last).filter(|seq| *seq > 0).map(|seq| as_of(seq).fingerprint()).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "round {round}, change {last}");
    }
}

/// Flips a letter of an index's words, of the half of open communities.
fn rot(dir: &Path) -> (PathBuf, Vec<u8>) {
    let home = dir.join(std::fs::read_to_string(dir.join("CURRENT")).unwrap()).join("open");
    let words = files(&home).into_keys().find(|file| file.extension().is_some_and(|kind| kind == "term")).unwrap();
    let mut bytes = std::fs::read(&words).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    replace(&words, &bytes);
    (words.file_name().unwrap().into(), bytes)
}

/// Makes an index anew that holds one tip.
fn made_anew(dir: &Path, seq: i64) -> Index {
    let mut rebuild = Index::rebuild_over(dir, OpenOptions::default()).unwrap();
    rebuild.add(&tip(1, "Paper jam", "Tray.")).unwrap();
    rebuild.finish(&cursor(seq)).unwrap()
}

#[test]
fn of_indexes_that_were_damaged_the_last_one_is_put_aside_and_opened_by_nobody() {
    let dir = at_rest();
    assert_eq!(Index::aside(dir.path()).unwrap(), None);
    let (name, rotten) = rot(dir.path());
    assert!(unusable(dir.path()).is_some());
    assert_eq!(Index::aside(dir.path()).unwrap(), None, "nothing is moved before another is whole");
    let index = made_anew(dir.path(), 9);
    let aside = Index::aside(dir.path()).unwrap().unwrap();
    assert_eq!(aside.places, [cursor(3), cursor(3)]);
    assert_eq!(std::fs::read(aside.path.join("open").join(name)).unwrap(), rotten, "it is there to be looked at");
    let called = aside.path.file_name().unwrap().to_str().unwrap().strip_prefix("damaged-").unwrap().to_owned();
    assert!(called.len() == "20261130T101500Z".len() && called.ends_with('Z'), "{called}");
    assert!(!dir.path().join("index-1").exists() && aside.bytes > 0);
    let shipped = index.ship().unwrap().unwrap().files.clone();
    assert!(shipped.iter().all(|file| file.starts_with("open/") || file.starts_with("restricted/")), "{shipped:?}");
    index.close().unwrap();
    drop(index);
    assert_eq!(open(dir.path()).cursor(), Some(cursor(9)));
    assert_eq!(Index::aside(dir.path()).unwrap(), Some(aside));

    rot(dir.path());
    assert!(unusable(dir.path()).is_some());
    drop(made_anew(dir.path(), 12));
    let names = || std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names().filter(|name| name.to_string_lossy().starts_with("damaged-")).count(), 1);
    assert_eq!(Index::aside(dir.path()).unwrap().unwrap().places, [cursor(9), cursor(9)], "the last one");

    assert!(Index::forget_aside(dir.path()).unwrap());
    assert!(!Index::forget_aside(dir.path()).unwrap());
    assert_eq!(open(dir.path()).cursor(), Some(cursor(12)));
}

#[test]
fn an_index_that_says_nowhere_where_it_stood_is_not_kept() {
    let dir = at_rest();
    for half in ["open", "restricted"] {
        std::fs::write(dir.path().join("index-1").join(half).join("meta.json"), "{").unwrap();
    }
    assert!(unusable(dir.path()).is_some());
    drop(made_anew(dir.path(), 9));
    assert_eq!(Index::aside(dir.path()).unwrap(), None);
    assert!(!dir.path().join("index-1").exists());
}

#[test]
fn an_index_in_use_that_was_damaged_is_put_aside_when_another_is_swapped_in() {
    let shelf = Shelf::of([tip(1, "Paper jam", "Tray.")]);
    for (former, seq) in [(Former::PutAside, 5), (Former::Removed, 6)] {
        rot(shelf.dir.path());
        let mut rebuild = shelf.index.rebuild_beside().unwrap();
        rebuild.add(&tip(1, "Paper jam", "Tray.")).unwrap();
        shelf.index.swap_in(rebuild, &cursor(seq), former).unwrap();
        assert_eq!(shelf.find("paper"), [1]);
        assert_eq!(Index::aside(shelf.dir.path()).unwrap().unwrap().places[0], cursor(1), "{former:?}");
    }
}
