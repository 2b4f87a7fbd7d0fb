//! What a text can be made to hold, and what becomes of it: read as a browser reads it.

use std::time::{Duration, Instant};

use eureka_domain::attachment::{Attachment, Media};
use eureka_domain::ids::{AttachmentId, TipId};
use html5ever::driver::ParseOpts;
use html5ever::tendril::TendrilSink;
use html5ever::{QualName, local_name, ns, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::prelude::*;

use super::*;

/// Elements by name, each with its attributes.
type Elements = Vec<(String, Vec<(String, String)>)>;

/// Every element of a piece of HTML with its attributes, and its whole text.
fn read(html: &str) -> (Elements, String) {
    let div = QualName::new(None, ns!(html), local_name!("div"));
    let dom = parse_fragment(RcDom::default(), ParseOpts::default(), div, Vec::new(), false).one(html);
    let (mut elements, mut text): (Elements, String) = (Vec::new(), String::new());
    // The fragment stands in an `html` element of the parser's own.
    let mut waiting: Vec<Handle> = dom.document.children.borrow()[0].children.borrow().iter().rev().cloned().collect();
    while let Some(node) = waiting.pop() {
        match &node.data {
            NodeData::Element { name, attrs, template_contents, .. } => {
                assert!(template_contents.borrow().is_none(), "{html}");
                assert_eq!(name.ns, ns!(html), "{html}");
                let attributes = attrs.borrow();
                let attributes = attributes.iter().map(|each| (each.name.local.to_string(), each.value.to_string()));
                elements.push((name.local.to_string(), attributes.collect()));
            }
            NodeData::Text { contents } => text.push_str(&contents.borrow()),
            other => panic!("{other:?} in {html}"),
        }
        waiting.extend(node.children.borrow().iter().rev().cloned());
    }
    (elements, text)
}

/// Refuses all that could do more than show a text. The lists here are not those of the code.
pub(crate) fn check(html: &str) {
    for (element, attributes) in read(html).0 {
        let plain = [
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "img",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ];
        assert!(plain.contains(&element.as_str()), "<{element}> in {html}");
        for (name, value) in &attributes {
            match (element.as_str(), name.as_str()) {
                ("a", "href") if is_path_of_file(value) => {}
                ("img", "src") => assert!(is_path_of_file(value), "{value} in {html}"),
                ("img", "alt" | "title") => {}
                ("a", "href") => {
                    let scheme = value.split(':').next().unwrap_or_default();
                    assert!(["http", "https", "mailto"].contains(&scheme), "{value} in {html}");
                }
                ("a", "rel") => assert_eq!(value, "nofollow noopener noreferrer"),
                ("a", "title") => {}
                ("ol", "start") => assert!(value.parse::<u32>().is_ok(), "{html}"),
                ("td" | "th", "align") => assert!(["left", "center", "right"].contains(&value.as_str()), "{html}"),
                _ => panic!("<{element} {name}={value:?}> in {html}"),
            }
        }
        let has = |name: &str| attributes.iter().any(|(known, _)| known == name);
        assert!(element != "a" || has("rel"), "{html}");
    }
}

/// Whether an address is `/v1/tips/…/attachments/…`, with hexadecimal digits and dashes alone in between.
fn is_path_of_file(address: &str) -> bool {
    let Some((tip, file)) = address.strip_prefix("/v1/tips/").and_then(|rest| rest.split_once("/attachments/")) else {
        return false;
    };
    [tip, file].iter().all(|id| id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-'))
}

#[test]
fn a_text_shows_its_own_photos_and_leads_to_its_own_files_alone() {
    let file = |name: &str, media, place| {
        let id = AttachmentId(Uuid::from_u128(place));
        let (name, sha256) = (name.to_owned(), "0".repeat(64));
        AttachmentBody::new(TipId(Uuid::from_u128(7)), &Attachment { id, name, media, bytes: 1, sha256, pixels: None })
    };
    let files = [file("fuse holders.jpg", Media::Jpeg, 1), file("plan.pdf", Media::Pdf, 2)];
    let shown = |source: &str| {
        let shown = html_with(source, &Files(&files));
        check(&shown);
        shown
    };
    let (photo, plan) = (files[0].url(), files[1].url());
    let link = |text: &str| format!("<p><a href=\"{plan}\" rel=\"nofollow noopener noreferrer\">{text}</a></p>\n");
    for (source, expected) in [
        (
            "![two](<attachment:Fuse holders.jpg> \"rear\")",
            format!("<p><img src=\"{photo}\" alt=\"two\" title=\"rear\"></p>\n"),
        ),
        ("[plan](attachment:plan.pdf)", link("plan")),
        ("![plan](attachment:plan.pdf)", "<p>plan</p>\n".to_owned()),
        ("![x](attachment:other.jpg)", "<p>x</p>\n".to_owned()),
        ("![x](plan.pdf)", "<p>x</p>\n".to_owned()),
        ("![x](https://evil.example/fuse%20holders.jpg)", "<p>x</p>\n".to_owned()),
        (&format!("![x]({photo})"), "<p>x</p>\n".to_owned()),
        (&format!("[x](//evil.example{photo})"), "<p><a rel=\"nofollow noopener noreferrer\">x</a></p>\n".to_owned()),
        (&format!("[x]({photo}/../../../auth)"), "<p><a rel=\"nofollow noopener noreferrer\">x</a></p>\n".to_owned()),
    ] {
        assert_eq!(shown(source), expected, "{source}");
    }
}

#[test]
fn markdown_is_shown_as_it_is_meant() {
    for (source, shown) in [
        (
            "Pull **both** fuses.\nPolish *gently*.",
            "<p>Pull <strong>both</strong> fuses.<br>\nPolish <em>gently</em>.</p>\n",
        ),
        ("1. Off\n2. Pull", "<ol>\n<li>Off</li>\n<li>Pull</li>\n</ol>\n"),
        ("3. On", "<ol start=\"3\">\n<li>On</li>\n</ol>\n"),
        ("`E-541` ~~3396~~", "<p><code>E-541</code> <del>3396</del></p>\n"),
        ("a < b && c > d", "<p>a &lt; b &amp;&amp; c &gt; d</p>\n"),
        (
            "[manual](https://example.org/m?a=1&b=2 \"the \\\" one\")",
            "<p><a href=\"https://example.org/m?a=1&amp;b=2\" title=\"the &quot; one\" rel=\"nofollow noopener noreferrer\">manual</a></p>\n",
        ),
        (
            "ask ana@example.org",
            "<p>ask <a href=\"mailto:ana@example.org\" rel=\"nofollow noopener noreferrer\">ana@example.org</a></p>\n",
        ),
        (
            "|code|part|\n|-|-:|\n|3396|fuse|",
            "<table>\n<thead>\n<tr>\n<th>code</th>\n<th align=\"right\">part</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>3396</td>\n<td align=\"right\">fuse</td>\n</tr>\n</tbody>\n</table>\n",
        ),
        ("```sh\nreset <now>\n```", "<pre><code>reset &lt;now&gt;\n</code></pre>\n"),
        ("![two *fuse* holders](https://evil.example/x.png)", "<p>two <em>fuse</em> holders</p>\n"),
        ("", ""),
    ] {
        assert_eq!(html(source), shown, "{source}");
        check(shown);
    }
}

#[test]
fn no_known_way_to_smuggle_a_script_in_leads_anywhere() {
    for source in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<svg><script>alert&#40;1)</script></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "<form action=javascript:alert(1)><button>x</button></form>",
        "<a href=javascript:alert(1)>x</a>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<!--><img src=x onerror=alert(1)>-->",
        "<style>@import 'https://evil.example/x.css';</style>",
        "<base href=https://evil.example/>",
        "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java\tscript:alert(1))",
        "[x](<java\nscript:alert(1)>)",
        "[x](&#106;avascript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "[x](\u{1}javascript:alert(1))",
        "[x](vbscript:msgbox(1))",
        "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
        "[x](file:///etc/passwd)",
        "[x](//evil.example/)",
        "[x](/v1/auth/logout)",
        "[x](#)",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "[x](https://example.org \"\\\" onmouseover=alert(1) x=\\\"\")",
        "[x](https://example.org/\"onmouseover=alert(1))",
        "![x](https://evil.example/pixel.png)",
        "![x](javascript:alert(1))",
        "![\" onerror=alert(1) x=\"](x)",
        "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
        "[![x](y)](javascript:alert(1))",
        "```\"><script>alert(1)</script>\nx\n```",
        "``` onmouseover=alert(1)\nx\n```",
        "`<script>alert(1)</script>`",
        "|<script>|\n|-|\n|<img src=x onerror=alert(1)>|",
        "https://example.org/\"><script>alert(1)</script>",
        "www.example.org/<script>",
        "\u{0}<script>alert(1)</script>",
        "<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
        "<<script>script>alert(1)<</script>/script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "*<a *href=javascript:alert(1)>*",
    ] {
        check(&html(source));
    }
}

#[test]
fn what_is_made_to_be_too_much_is_shown_in_time_and_loses_no_word() {
    let n = 100_000;
    let fill = |piece: &str| piece.repeat(n / piece.len());
    let lines = |line: &str| format!("{line}\n").repeat(n / (line.len() + 1));
    let many_tables = format!("{}\n{}\n{}", "|x".repeat(1000), "|-".repeat(1000), "|\n".repeat(n / 2 - 2000));
    let definitions = format!("[a]: /{}\n\n{}", "x".repeat(n / 2), "[a]".repeat(n / 6));
    for (what, text) in [
        ("nested quotes", fill(">")),
        ("nested quotes of many lines", lines(&">".repeat(300))),
        ("nested lists", fill("- ")),
        ("nested lists, numbered", fill("1. ")),
        ("indented lists", (0..440).map(|deep| format!("{}- a\n", " ".repeat(deep))).collect::<Vec<_>>().concat()),
        ("quotes and lists", fill("> - ")),
        ("emphasis", fill("*a **a ")),
        ("emphasis, closed", format!("{}b{}", "*a **a ".repeat(n / 14), "** a* ".repeat(n / 14))),
        ("runs of asterisks", fill("a***")),
        ("underscores", fill("_a __a ")),
        ("opened brackets", fill("[")),
        ("closed brackets", fill("]")),
        ("opened images", fill("![")),
        ("nested links", format!("{}a{}", "[".repeat(n / 6), "](b)".repeat(n / 6))),
        ("nested images", format!("{}a{}", "![".repeat(n / 6), "](b)".repeat(n / 6))),
        ("links without an end", fill("[a](<b")),
        ("link titles without an end", fill("[a](b \"")),
        ("one definition, used again and again", definitions),
        ("many definitions", (0..n / 12).map(|one| format!("[{one}]: /a\n")).collect::<Vec<_>>().concat()),
        ("backticks", (0..440).map(|long| format!("{} ", "`".repeat(long))).collect::<Vec<_>>().concat()),
        ("comments without an end", fill("<!-- a")),
        ("declarations without an end", fill("<?")),
        ("tags without an end", fill("<a b='")),
        ("entities", fill("&#x1F600;")),
        ("strikethrough", fill("~~a ~")),
        ("autolinks", fill("www.")),
        ("addresses", fill("a@b.")),
        ("bars", fill("|")),
        ("a table with many cells", many_tables),
        ("wide rows", lines(&"|a".repeat(150))),
        ("setext headings", lines("a\n-")),
        ("line breaks", fill("\n")),
        ("hard breaks", fill("a\\\n")),
        ("thematic breaks", lines("***")),
    ] {
        let began = Instant::now();
        let shown = html(&text);
        let took = began.elapsed();
        check(&shown);
        // A debug build on a busy machine; one that grew with the square would take many minutes.
        assert!(took < Duration::from_mins(1), "{what}: {took:?}");
        assert!(shown.len() < 30 * text.len() + 1000, "{what}: {} bytes", shown.len());
        println!("{what}: {} KB in {took:?}", shown.len() / 1000);
    }
    let deep = format!("{}seen at the bottom", "> ".repeat(1000));
    assert_eq!(read(&html(&deep)).1.trim(), deep);
}

/// Pieces that mean something to Markdown, to HTML or to both, and any text.
fn anything() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "<",
        ">",
        "\"",
        "'",
        "&",
        "=",
        "/",
        "\\",
        "`",
        "*",
        "_",
        "[",
        "]",
        "(",
        ")",
        "!",
        "|",
        "-",
        "~",
        "#",
        "\n",
        " ",
        "\t",
        "\0",
        "<script",
        "</script>",
        "<img src=",
        "onerror=",
        "javascript:",
        "data:",
        "http://",
        "www.",
        "&#106;",
        "&colon;",
        "<!--",
        "-->",
        "<![CDATA[",
        "```",
        "> ",
        "- ",
        "1. ",
        "|-|",
        "[a]: ",
        "<svg>",
        "<math>",
        "<style>",
        "<a href=",
        "@b.c",
    ];
    let piece = prop_oneof![3 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => ".{0,8}"];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_any_text_comes_nothing_but_what_shows_a_text(source in anything()) {
        check(&html(&source));
    }

    #[test]
    fn a_text_that_is_shown_as_it_was_written_loses_nothing(source in "[^\r\0]{0,80}") {
        let shown = allowed().clean(&as_written(&source)).to_string();
        check(&shown);
        let text = read(&shown).1;
        prop_assert_eq!(text.trim_end_matches('\n'), source.trim_end_matches('\n'));
    }
}
