//! Any bytes in what clients send: conditional and preference headers, lines of an import, forwarding headers, Markdown.
//! Random here and in `make fuzz`, which only takes longer.

use actix_web::http::header::{HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::test::TestRequest;

use crate::conditional::known;
use crate::html;
use crate::imports::Media;
use crate::prefer;

/// The bytes as a text; and each as a piece of one, so that what means something comes about often.
fn texts(bytes: &[u8], pieces: &[&str]) -> [String; 2] {
    let piece = |&byte: &u8| match pieces.get(usize::from(byte)) {
        Some(piece) => (*piece).to_owned(),
        None => char::from(byte).to_string(),
    };
    [String::from_utf8_lossy(bytes).into_owned(), bytes.iter().map(piece).collect()]
}

#[test]
fn any_markdown_becomes_html_that_is_safe() {
    const PIECES: [&str; 40] = [
        "*",
        "**",
        "_",
        "`",
        "```",
        "[",
        "]",
        "(",
        ")",
        "!",
        "|",
        "|-|",
        "\n",
        "\n\n",
        "    ",
        "> ",
        "- ",
        "1. ",
        "# ",
        "<",
        ">",
        "\"",
        "'",
        "&#106;",
        "<script>",
        "</script>",
        "<img src=x onerror=",
        "javascript:",
        "https://a.b",
        "www.a.b",
        "attachment:",
        "[a]: ",
        "<!--",
        "-->",
        "<![CDATA[",
        "\\",
        "~~",
        "a@b.c",
        "\t",
        "\u{0}",
    ];
    bolero::check!().with_max_len(400_usize).for_each(|bytes: &[u8]| {
        for text in texts(bytes, &PIECES) {
            html::tests::check(&html::html(&text));
        }
    });
}

#[test]
fn any_header_of_a_condition_is_tags_or_a_refusal() {
    const PIECES: [&str; 8] = ["\"", "W/", ",", "*", " ", "\"abc\"", "W/\"abc\"", "\\"];
    bolero::check!().with_max_len(120_usize).for_each(|bytes: &[u8]| {
        for text in texts(bytes, &PIECES) {
            let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else { continue };
            let req = TestRequest::get()
                .insert_header((IF_NONE_MATCH, value.clone()))
                .insert_header((IF_MATCH, value.clone()))
                .insert_header(("Prefer", value))
                .to_http_request();
            // Whoever has not named this state has not been told that they have it.
            if let Ok(Some(_)) = known(&req, "\"abc\"") {
                assert!(text.contains("\"abc\"") || text.contains('*'), "{text:?}");
            }
            if let Some(wait) = prefer::wait(&req) {
                assert!((1..=60).contains(&wait.as_secs()));
            }
        }
    });
}

#[test]
fn every_line_of_an_import_is_a_tip_or_told_why_not() {
    const PIECES: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\n",
        "\r\n",
        ";",
        "\"external_id\":\"a\"",
        "\"title\":\"b\"",
        "\"problem\":\"c\"",
        "\"products\":[\"d\"]",
        "external_id,title,problem\n",
        "a,b,c\n",
        "\"\"",
        "null",
        "1e9",
        "\\u0000",
        "\u{feff}",
        "\"safety\":\"danger\"",
        "\"author\":{\"name\":\"e\"}",
        "\"lang\":\"en\"",
    ];
    bolero::check!().with_max_len(300_usize).for_each(|bytes: &[u8]| {
        let order = |media, bytes: &[u8]| Media::named(media).unwrap().order(bytes, Some("printers"), true);
        for text in texts(bytes, &PIECES) {
            let json = order("application/x-ndjson", text.as_bytes()).unwrap();
            let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
            assert_eq!(json.lines.len() + json.unreadable.len(), lines, "{text:?}");
            let csv = order("text/csv", text.as_bytes()).unwrap();
            assert!(csv.lines.len() + csv.unreadable.len() <= text.split('\n').count(), "{text:?}");
        }
        for media in ["application/x-ndjson", "text/csv"] {
            let told = order(media, bytes);
            assert_eq!(told.is_err(), std::str::from_utf8(bytes).is_err());
        }
    });
}
