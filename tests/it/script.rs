//! A cloud that expects given requests, in order, and gives given answers.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use alicloud_tag_exporter::cloud::catalog::Catalog;
use alicloud_tag_exporter::cloud::discovery::TagSource;
use alicloud_tag_exporter::inventory::{Failure, Listing, Resource};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::form_urlencoded;

use crate::support::lister_of;

/// Parameters that every request has.
const COMMON: [&str; 8] = [
    "AccessKeyId",
    "Format",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// Requests and answers as text: `> Action Name=value …`, then `< status body`.
#[derive(Clone)]
pub struct Script {
    expected: Arc<Mutex<VecDeque<(String, String)>>>,
    unexpected: Arc<Mutex<Vec<String>>>,
}

impl Script {
    /// A cloud on loopback that follows `text`.
    pub async fn play(text: &str) -> (Self, SocketAddr) {
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let pair = |pair: &[&str]| {
            let (asked, answer) = (pair[0].strip_prefix("> ").unwrap(), pair[1].strip_prefix("< ").unwrap());
            (asked.to_owned(), answer.to_owned())
        };
        let expected = Arc::new(Mutex::new(lines.chunks(2).map(pair).collect()));
        let script = Self { expected, unexpected: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let playing = script.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                playing.answer(stream).await;
            }
        });
        (script, address)
    }

    async fn answer(&self, mut stream: TcpStream) {
        let Some(form) = form(&mut stream).await else { return };
        let asked = asked(&form);
        let next = self.expected.lock().unwrap().pop_front();
        let answer = match next {
            Some((expected, answer)) if expected == asked => answer,
            other => {
                let expected = other.map_or("nothing".to_owned(), |(expected, _)| expected);
                self.unexpected.lock().unwrap().push(format!("{asked}, expected {expected}"));
                "500 {}".to_owned()
            }
        };
        let (status, body) = answer.split_once(' ').unwrap();
        let text = format!(
            "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
    }

    /// Nothing else was asked for, and nothing less.
    pub fn assert_played(&self) {
        assert_eq!(*self.unexpected.lock().unwrap(), [""; 0]);
        let left = self.expected.lock().unwrap();
        assert!(left.is_empty(), "not asked for: {left:?}");
    }
}

/// The body of a request, which holds its parameters.
pub async fn form(stream: &mut TcpStream) -> Option<String> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        let text = str::from_utf8(&request).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() == length.unwrap_or(0) {
            return Some(body.to_owned());
        }
    }
}

fn asked(form: &str) -> String {
    let mut action = String::new();
    let mut others = Vec::new();
    for (name, value) in form_urlencoded::parse(form.as_bytes()) {
        match &*name {
            "Action" => action = value.into_owned(),
            name if COMMON.contains(&name) => {}
            name => others.push(format!(" {name}={value}")),
        }
    }
    others.sort();
    action + &others.concat()
}

/// Lists a product of `catalog` in region `r1`, when the inventory had `previous` (`id key=value …`); what it found, as
/// text.
pub async fn listed(catalog: &Catalog, tag_source: TagSource, previous: &[&str], script: &str) -> String {
    let (script, address) = Script::play(script).await;
    let product = catalog.products().find(|product| product.name.starts_with("acme")).unwrap();
    let region = if product.api.is_global() { "global" } else { "r1" };
    let mut lister = lister_of(product, region, address, tag_source);
    let previous: Arc<[Resource]> = previous.iter().map(|text| resource(text)).collect();
    let listed = lister.list(&previous).await;
    script.assert_played();
    match listed.map_err(Failure::from) {
        Err(Failure { reason, message }) => format!("{reason}: {message}"),
        Ok(listing) => told(&listing),
    }
}

/// The resources with their tags, and in brackets what else the listing says.
fn told(listing: &Listing) -> String {
    let row = |resource: &Resource| {
        let tags = resource.tags.iter().map(|(key, value)| format!(" {key}={value}"));
        format!("{}{}", resource.id, tags.collect::<String>())
    };
    let mut told = listing.resources.iter().map(row).collect::<Vec<_>>().join(", ");
    let ids = |ids: &BTreeSet<Arc<str>>| ids.iter().map(|id| format!(" {id}")).collect::<String>();
    if let Some(difference) = listing.difference.filter(|difference| *difference != 0) {
        told += &format!(" (differs by {difference})");
    }
    for (what, ids) in [("gone:", ids(&listing.gone)), ("unreadable:", ids(&listing.unreadable))] {
        if !ids.is_empty() {
            told += &format!(" ({what}{ids})");
        }
    }
    if listing.is_confirmed {
        told += " (confirmed)";
    }
    told
}

fn resource(text: &str) -> Resource {
    let mut words = text.split(' ');
    let id = words.next().unwrap();
    let tags = words.filter_map(|word| word.split_once('='));
    Resource { tags: tags.map(|(key, value)| (key.into(), value.into())).collect(), ..Resource::new(id) }
}
