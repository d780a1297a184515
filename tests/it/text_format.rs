//! A reader of Prometheus' text format 0.0.4, written from its description alone and strict: it panics at whatever
//! is not exactly right.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::str::Chars;

pub type Labels = BTreeMap<String, String>;
/// Metric name → labels → value.
pub type Samples = BTreeMap<String, BTreeMap<Labels, f64>>;

/// All samples of a page. Each family must stand together, under its HELP and TYPE; no series may come twice.
pub fn samples(page: &str) -> Samples {
    let mut samples = Samples::new();
    let (mut families, mut family) = (BTreeSet::new(), "");
    let lines = page.strip_suffix('\n').expect("the last line ends in a line feed").split('\n');
    for line in lines {
        match line.strip_prefix("# ") {
            Some(comment) => {
                let words: Vec<_> = comment.splitn(3, ' ').collect();
                assert!(words.len() == 3 && !words[2].is_empty(), "{line:?}");
                match words[0] {
                    "HELP" => {
                        assert!(families.insert(words[1]), "a second family: {line:?}");
                        family = words[1];
                    }
                    "TYPE" => assert_eq!(words[1], family, "TYPE stands under HELP: {line:?}"),
                    _ => panic!("no comment that was meant: {line:?}"),
                }
            }
            None => {
                let (name, labels, value) = sample(line);
                assert!(name.starts_with(family), "{line:?} stands in {family}");
                assert!(samples.entry(name).or_default().insert(labels, value).is_none(), "twice: {line:?}");
            }
        }
    }
    samples
}

fn sample(line: &str) -> (String, Labels, f64) {
    let mut rest = line.chars().peekable();
    let (name, mut labels) = (word(&mut rest), Labels::new());
    if rest.next_if_eq(&'{').is_some() {
        while rest.next_if_eq(&'}').is_none() {
            let name = word(&mut rest);
            assert_eq!((rest.next(), rest.next()), (Some('='), Some('"')), "{line:?}");
            assert!(labels.insert(name, quoted(&mut rest)).is_none(), "a label comes twice: {line:?}");
            assert!(rest.next_if_eq(&',').is_some() || rest.peek() == Some(&'}'), "{line:?}");
        }
    }
    assert_eq!(rest.next(), Some(' '), "{line:?}");
    let value: String = rest.collect();
    (name, labels, value.parse().unwrap_or_else(|_| panic!("no number: {line:?}")))
}

fn word(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
        word.push(c);
    }
    assert!(!word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit()), "no name: {word:?}");
    word
}

/// A label value, up to the quote that ends it.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut value = String::new();
    loop {
        match rest.next().expect("a label value ends in a quote") {
            '"' => return value,
            '\\' => match rest.next() {
                Some('n') => value.push('\n'),
                Some(c @ ('\\' | '"')) => value.push(c),
                other => panic!("no escape: {other:?} behind {value:?}"),
            },
            c => value.push(c),
        }
    }
}

#[test]
fn a_page_is_read_and_escapes_are_undone() {
    let page = "# HELP m A text.\n# TYPE m gauge\nm{a=\"x\\\\n\\n\\\"\",b=\"\"} 1.5\nm 2\n";
    let labels = Labels::from([("a".to_owned(), "x\\n\n\"".to_owned()), ("b".to_owned(), String::new())]);
    assert_eq!(samples(page)["m"], BTreeMap::from([(labels, 1.5), (Labels::new(), 2.0)]));
}

#[test]
fn a_page_that_is_not_right_is_refused() {
    let good = "# HELP m A.\n# TYPE m gauge\n";
    for bad in ["m 1", "m{a=\"x\"} y\n", "m{a=\"\\x\"} 1\n", "m{a=\"x\",a=\"y\"} 1\n", "n 1\n", "m 1\nm 2\n"]
    {
        let page = format!("{good}{bad}");
        assert!(std::panic::catch_unwind(|| samples(&page)).is_err(), "{bad:?}");
    }
}
