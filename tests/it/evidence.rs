//! Answers that contradict each other or cannot be read: what is asked again, and what is made of it.

use alicloud_tag_exporter::cloud::catalog::Catalog;
use alicloud_tag_exporter::cloud::discovery::TagSource;

use std::fmt::Write as _;

use alicloud_tag_exporter::inventory::Failure;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::forms::{NUMBERED, PLAIN, catalog};
use crate::script::{form, listed};
use crate::support::lister_of;

async fn auto(catalog: &Catalog, previous: &[&str], script: &str) -> String {
    listed(catalog, TagSource::Auto, previous, script).await
}

fn one(tags: &str) -> String {
    format!("200 {{\"Total\":1,\"Things\":[{{\"Id\":\"i-1\",\"Tags\":[{tags}]}}]}}\n")
}

const LIST: &str = "> ListThings PageNumber=1 PageSize=2 RegionId=r1\n< ";
const LOOKUP: &str = "> ListThings Id=i-1 PageNumber=1 PageSize=2 RegionId=r1\n< ";
const TAG: &str = r#"{"Key":"k","Value":"v"}"#;

#[tokio::test]
async fn inline_tags_that_vanish_are_gone_when_a_second_answer_says_so() {
    let catalog = catalog("", NUMBERED, None);
    for (second, expected) in [
        (format!("{LOOKUP}{}", one(TAG)), "i-1 k=v"),
        (format!("{LOOKUP}{}", one("")), "i-1"),
        (format!("{LOOKUP}404 {{\"Code\":\"Thing.NotFound\"}}"), " (gone: i-1)"),
        (format!("{LOOKUP}403 {{\"Code\":\"Forbidden.RAM\"}}\n{LIST}{}", one(TAG)), "i-1 k=v"),
        (format!("{LOOKUP}403 {{\"Code\":\"Forbidden.RAM\"}}\n{LIST}{}", one("")), "i-1"),
    ] {
        let script = format!("{LIST}{}{second}", one(""));
        assert_eq!(auto(&catalog, &["i-1 k=v"], &script).await, expected, "{second}");
    }
    assert_eq!(auto(&catalog, &["i-1"], &format!("{LIST}{}", one(""))).await, "i-1");
}

const LIST_TAGS: &str = "> ListTags ResourceId.1=i-1\n< ";

fn tag_rows(rows: &str) -> String {
    format!("200 {{\"Tags\":[{rows}]}}\n")
}

#[tokio::test]
async fn a_tag_listing_that_lacks_what_the_resource_listing_shows_is_asked_again_and_then_unreadable() {
    let catalog = catalog("", NUMBERED, Some(""));
    let both = r#"{"Key":"k","Value":"v"},{"Key":"l","Value":"w"}"#;
    let some = tag_rows(r#"{"ResourceId":"i-1","Key":"k","Value":"v"}"#);
    let all =
        tag_rows(r#"{"ResourceId":"i-1","Key":"k","Value":"v"},{"ResourceId":"i-1","Key":"l","Value":"w"}"#);
    let first = format!("{LIST}{}{LIST_TAGS}{some}{LIST_TAGS}", one(both));
    for (then, expected) in [
        (all, "i-1 k=v l=w".to_owned()),
        (format!("{some}{LOOKUP}{}", one(TAG)), "i-1 k=v".to_owned()),
        (format!("{some}{LOOKUP}{}", one(both)), "i-1 k=v (unreadable: i-1)".to_owned()),
        (format!("{some}{LOOKUP}500 {{}}"), "i-1 k=v (unreadable: i-1)".to_owned()),
        (format!("{some}{LOOKUP}404 {{\"Code\":\"Thing.NotFound\"}}"), " (gone: i-1)".to_owned()),
    ] {
        assert_eq!(auto(&catalog, &[], &format!("{first}{then}")).await, expected, "{then}");
    }
}

#[tokio::test]
async fn tags_that_all_vanish_from_the_tag_listing_are_asked_for_again() {
    let catalog = catalog("", "paging = { style = \"none\" }", Some(""));
    let list = "> ListThings\n< 200 {\"Things\":[{\"Id\":\"i-1\"}]}\n";
    let none = format!("{LIST_TAGS}{}", tag_rows(""));
    let some = format!("{LIST_TAGS}{}", tag_rows(r#"{"ResourceId":"i-1","Key":"k","Value":"v"}"#));
    assert_eq!(auto(&catalog, &["i-1 k=v"], &format!("{list}{none}{some}")).await, "i-1 k=v");
    assert_eq!(auto(&catalog, &["i-1 k=v"], &format!("{list}{none}{none}")).await, "i-1");
}

#[tokio::test]
async fn one_id_that_is_refused_by_any_code_is_unreadable_and_the_others_go_on() {
    let catalog = catalog("", PLAIN, Some(""));
    let two = "> ListThings\n< 200 {\"Things\":[{\"Id\":\"i-1\"},{\"Id\":\"i-2\"}]}\n";
    let refused = "> ListTags ResourceId.1=i-1 ResourceId.2=i-2\n< 400 {\"Code\":\"Brand.New\"}\n";
    let first = format!("{LIST_TAGS}400 {{\"Code\":\"Brand.New\"}}\n");
    let second = "> ListTags ResourceId.1=i-2\n< ";
    let taken = format!("{two}{refused}{first}{second}{}", tag_rows(r#"{"ResourceId":"i-2","Key":"k"}"#));
    assert_eq!(auto(&catalog, &[], &taken).await, "i-1, i-2 k= (unreadable: i-1)");
    let all = format!("{two}{refused}{first}{second}400 {{\"Code\":\"Brand.New\"}}");
    assert_eq!(auto(&catalog, &[], &all).await, "rejected: ListTags in r1 was rejected: Brand.New");
}

#[tokio::test]
async fn half_a_surrogate_pair_makes_one_resource_unreadable() {
    let half = r#"{"Key":"k","Value":"\ud800"}"#;
    let things = format!(
        "> ListThings\n< 200 {{\"Things\":[{{\"Id\":\"i-1\",\"Tags\":[{TAG}]}},{{\"Id\":\"i-2\",\"Tags\":[{half}]}}]}}"
    );
    assert_eq!(auto(&catalog("", PLAIN, None), &[], &things).await, "i-1 k=v, i-2 (unreadable: i-2)");
    let rows = tag_rows(&format!("{{\"ResourceId\":\"i-1\",{}", &half[1..]));
    let script = format!("{LIST}{}{LIST_TAGS}{rows}", one(""));
    assert_eq!(auto(&catalog("", NUMBERED, Some("")), &[], &script).await, "i-1 (unreadable: i-1)");
}

#[tokio::test]
async fn many_missing_resources_are_confirmed_by_a_second_listing_that_is_as_long_as_its_count() {
    let ids: Vec<_> = (10..32).map(|number| format!("i-{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let (catalog, empty) = (catalog("", NUMBERED, None), "200 {\"Total\":0}\n");
    let confirmed = format!("{LIST}{empty}{LIST}{empty}");
    assert_eq!(auto(&catalog, &ids, &confirmed).await, " (confirmed)");
    let failed = format!("{LIST}{empty}{LIST}403 {{\"Code\":\"Forbidden.RAM\"}}");
    assert_eq!(auto(&catalog, &ids, &failed).await, "");
}

/// A cloud whose listing has always one more page of new rows.
async fn endless() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for page in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            form(&mut stream).await.unwrap();
            let mut rows = String::new();
            for row in 0..50_000 {
                let comma = if row == 0 { "" } else { "," };
                write!(rows, "{comma}{{\"Id\":\"{page}-{row}\"}}").unwrap();
            }
            let body = format!("{{\"Things\":[{rows}],\"NextToken\":\"{page}\"}}");
            let head =
                format!("HTTP/1.1 200 x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    address
}

#[tokio::test]
async fn pages_that_never_end_are_too_large() {
    let catalog = catalog("", "paging = { style = \"next-token\", max_results = 100 }", Some(""));
    let product = catalog.products().find(|product| product.name == "acme-thing").unwrap();
    let mut lister = lister_of(product, "r1", endless().await, TagSource::Auto);
    let Failure { reason, message } = lister.list(&[].into()).await.unwrap_err().into();
    let expected = "ListThings in r1 gave more than 250000 resources, the most for one collection";
    assert_eq!((reason.name(), &*message), ("too_large", expected));
}
