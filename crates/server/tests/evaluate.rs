//! `eureka evaluate`: a small collection, measured over HTTP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops has failed")]

use std::path::Path;
use std::process::{Command, Output};

fn evaluate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eureka"));
    for name in ["DATABASE_URL", "EUREKA_DATA", "EUREKA_LISTEN", "EUREKA_CONFIG", "EUREKA_KEYS"] {
        command.env_remove(name);
    }
    command.arg("evaluate").args(arguments).output().unwrap()
}

fn write(path: &Path, lines: &[&str]) {
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_collection_is_measured_over_http_and_its_runs_bear_outside_names() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("small");
    std::fs::create_dir(&folder).unwrap();
    write(
        &folder.join("corpus.jsonl"),
        &[
            r#"{"_id": "d-fuse", "title": "Oxidised fuse holders", "text": "Fault 3396 comes and goes."}"#,
            r#"{"_id": "d-fan", "title": "", "text": "The fan squeals after a cold night.", "lang": "en"}"#,
            r#"{"_id": "d-empty", "title": "", "text": " "}"#,
            r#"{"_id": "d-twin", "title": "Fuse holders oxidise again", "text": "3396, as ever."}"#,
        ],
    );
    write(
        &folder.join("queries.jsonl"),
        &[
            r#"{"_id": "q1", "text": "squealing fan"}"#,
            r#"{"_id": "q2", "text": "oxidised fuse holders", "doc": "d-fuse"}"#,
            r#"{"_id": "unjudged", "text": "fault"}"#,
        ],
    );
    write(&folder.join("queries-typo.jsonl"), &[r#"{"_id": "q1", "text": "sqeals"}"#]);
    let judged = ["query-id\tcorpus-id\tscore", "q1\td-fan\t1", "q2\td-twin\t2", "q2\td-fan\t0", "q3\td-fan\t0"];
    write(&folder.join("qrels.tsv"), &judged);

    let runs = home.path().join("runs");
    let done = evaluate(&[folder.to_str().unwrap(), "--run", runs.to_str().unwrap()]);
    let table = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{table}{}", String::from_utf8_lossy(&done.stderr));
    let row = |name: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_default().split_whitespace().skip(1).take(4).map(str::to_owned).collect()
    };
    assert_eq!(row("small"), ["2", "1.0000", "1.0000", "1.0000"], "{table}");
    assert_eq!(
        row("small-typo"),
        ["2", "0.5000", "0.5000", "0.5000"],
        "a query that is not asked found nothing\n{table}"
    );
    let run = std::fs::read_to_string(runs.join("small.trec")).unwrap();
    assert_eq!(run.lines().next(), Some("q1 Q0 d-fan 1 1000 eureka"));
    assert!(run.contains("q2 Q0 d-twin 1 1000 eureka") && !run.contains("d-fuse 1 "), "{run}");
    assert!(!run.contains("q2 Q0 d-fuse"), "a document does not find itself\n{run}");
}

#[test]
fn what_is_wrong_with_a_collection_is_said_with_file_and_line() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().to_str().unwrap();
    let said = |output: Output| (output.status.success(), String::from_utf8(output.stderr).unwrap());
    let (done, why) = said(evaluate(&[folder]));
    assert!(!done && why.contains("corpus.jsonl"), "{why}");
    write(&home.path().join("corpus.jsonl"), &[r#"{"_id": "a", "text": "b"}"#, "{"]);
    let (done, why) = said(evaluate(&[folder]));
    assert!(!done && why.contains("corpus.jsonl:2"), "{why}");
}
