//! Texts that would act on a terminal, a page or a document if they were let.

use std::collections::BTreeMap;

use quick_xml::events::Event;
use serde_json::Value;
use simulator::{Resource, State};

use super::{Bench, OWNER_AND_ENV, Ran, world};

/// ANSI, NUL, C0 and C1, line breaks, directions, what no XML may hold, ends of sections, quotes, and messages' signs.
pub const HOSTILE: [&str; 12] = [
    "\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}",
    "nul\0nul",
    "\u{1}\u{8}\u{b}\u{1f}\u{7f}",
    "\u{80}\u{9b}31m\u{9f}",
    "one\ntwo\rthree\ttabs",
    "\u{202e}txet\u{202c}\u{2066}x\u{2069}\u{200f}\u{61c}",
    "\u{fffe}\u{ffff}\u{feff}\u{200b}\u{2028}",
    "]]>--><!--",
    "</script><script>alert(1)</script>",
    "\"'`&amp;<&>\\",
    "[link](http://example.com) {0} {{1}} \\[x](y)",
    "../../%2e%2e/é",
];

/// A cluster for each text, with it as id, name, key and value; the last is compliant.
pub fn state() -> State {
    let mut clusters: Vec<_> = HOSTILE
        .iter()
        .map(|text| {
            let mut cluster = Resource::new(&format!("hb-{text}")).with_tags([(*text, *text)]);
            cluster.name = (*text).to_owned();
            cluster
        })
        .collect();
    clusters.push(Resource::new("hb-good").with_tags([("owner", HOSTILE[0]), ("env", HOSTILE[1])]));
    world([("cn-hangzhou", clusters)])
}

/// The rules of the others, and a rule for each of the texts as a key.
pub fn rules() -> String {
    let rule = |(index, text): (usize, &&str)| {
        let key = Value::from(*text).to_string().replace('\u{7f}', "\\u007f");
        format!("[[policy.required_tags]]\nkey = {key}\nlabel = \"k{index}\"\n")
    };
    HOSTILE.iter().enumerate().map(rule).collect::<String>() + OWNER_AND_ENV
}

async fn audited(format: &str) -> Ran {
    let bench = Bench::new(state(), &rules()).await;
    let ran = bench.audit(&["--format", format]).await;
    assert_eq!((ran.code, &*ran.stderr), (1, ""));
    ran
}

/// Nothing that moves a cursor, turns a direction, or hides.
fn assert_harmless(text: &str) {
    let acts = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    let found = text.chars().find(|c| acts(*c));
    assert_eq!(found, None, "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_shows_hostile_texts_and_does_not_obey_them() {
    let told = audited("table").await.stdout;
    assert_harmless(&told);
    assert!(told.contains(r"\u{1b}[31mred"), "{told}");
    assert!(told.contains(r"one\ntwo\rthree\ttabs"), "{told}");
    assert!(told.contains(r#"hb-"'`&amp;<&>\ "#), "{told}");
    let resources = told.lines().filter(|line| line.contains(" hb-")).count();
    assert_eq!(resources, HOSTILE.len() + 1, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn junit_stays_xml_with_hostile_texts() {
    let told = audited("junit").await.stdout;
    assert_harmless(&told);
    let mut reader = quick_xml::Reader::from_str(&told);
    let mut elements = BTreeMap::<String, usize>::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(element) | Event::Empty(element) => {
                let attributes = element.attributes().collect::<Result<Vec<_>, _>>().unwrap();
                assert!(!attributes.is_empty());
                *elements.entry(element.name().0.to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }
    let rules = HOSTILE.len() + 2;
    let cases = (HOSTILE.len() + 1) * rules;
    let failures = HOSTILE.len() * (rules - 1) + (rules - 2);
    let expected = [("failure", failures), ("testcase", cases), ("testsuite", 1), ("testsuites", 1)];
    assert_eq!(elements, expected.map(|(name, count)| (name.to_owned(), count)).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn sarif_shows_hostile_texts_as_text() {
    let told = audited("sarif").await.stdout;
    assert_harmless(&told);
    let report: Value = serde_json::from_str(&told).unwrap();
    let results = report["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), HOSTILE.len() * (HOSTILE.len() + 1) + HOSTILE.len());
    for result in results {
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert_eq!(uri.split('/').count(), 4, "{uri}");
        assert!(uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-_/".contains(&b)), "{uri}");
        let text = result["message"]["text"].as_str().unwrap();
        // A backslash before a bracket, and none that hides that one.
        let brackets = text.replace("\\\\", "").replace("\\[", "").replace("\\]", "");
        assert!(!brackets.contains(['[', ']']), "{text}");
        assert!(!text.replace("{{", "").contains('{'), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_keeps_hostile_texts_exactly_also_when_they_are_read_again() {
    let bench = Bench::new(state(), &rules()).await;
    let saved = bench.audit(&["--format", "json", "--output", "saved.json"]).await;
    assert_eq!(saved.code, 1, "{}", saved.stderr);
    let direct = bench.json(&[]).await;
    let again = bench.json(&["--offline", "saved.json"]).await;
    for report in [direct, again] {
        let rows = report["resources"].as_array().unwrap();
        for text in HOSTILE {
            let id = format!("hb-{text}");
            let row = rows.iter().find(|row| row["resource_id"] == id).unwrap();
            assert_eq!(row["resource_name"], text);
            assert_eq!(row["tags"], serde_json::json!({ text: text }));
        }
    }
}
