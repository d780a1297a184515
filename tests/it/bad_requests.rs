//! Requests that are none, or that ask for what there is not, byte by byte.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use simulator::synthetic;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::program::{self, Program};

/// The longest head that is read.
const HEAD_BYTES: usize = 64 * 1024;
const LIMIT: Duration = Duration::from_secs(20);

/// What is sent, and what is counted for it.
struct Case {
    sent: Vec<u8>,
    code: u16,
    handler: &'static str,
    /// The connection may be closed without an answer.
    may_be_cut_off: bool,
}

/// What HTTP/1 does not know.
fn no_requests() -> impl Iterator<Item = Case> {
    let heads: [&[u8]; 17] = [
        b"GET /\0 HTTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"nonsense",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /",
        b"GET / HTTP/9.9",
        b"GET  / HTTP/1.1",
        b"GET http://[::1/ HTTP/1.1",
        b"GET / HTTP/1.1\r\nno colon",
        b"GET / HTTP/1.1\r\n folded: x",
        b"GET / HTTP/1.1\r\nx: a\0b",
        b"GET / HTTP/1.1\r\na name: x",
        b"POST /tags HTTP/1.1\r\ncontent-length: -1",
        b"POST /tags HTTP/1.1\r\ncontent-length: 99999999999999999999",
        b"POST /tags HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2",
        b"POST /tags HTTP/1.0\r\ntransfer-encoding: chunked",
        b"POST /tags HTTP/1.1\r\ntransfer-encoding: gzip",
    ];
    let case = |sent, may_be_cut_off| Case { sent, code: 400, handler: "other", may_be_cut_off };
    // Only a client of HTTP/2 would understand an answer to this.
    let http2 = case(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), true);
    heads.into_iter().map(move |head| case([head, b"\r\n\r\n"].concat(), false)).chain([http2])
}

/// Too much of something: the first by one byte. Who still sends may not see the answer.
fn too_long() -> impl Iterator<Item = Case> {
    let heads = [
        path_of(HEAD_BYTES + 1),
        path_of(1 << 20),
        format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(1 << 20)),
        format!("GET / HTTP/1.1{}\r\n\r\n", "\r\nx: y".repeat(1 << 18)),
        format!("GET / HTTP/1.1{}\r\n\r\n", "\r\nx: y".repeat(101)),
    ];
    heads.into_iter().map(|head| Case {
        sent: head.into_bytes(),
        code: 431,
        handler: "other",
        may_be_cut_off: true,
    })
}

/// A head of so many bytes.
fn path_of(bytes: usize) -> String {
    let head = |path: &str| format!("GET /{path} HTTP/1.1\r\nconnection: close\r\n\r\n");
    head(&"x".repeat(bytes - head("").len()))
}

/// What HTTP knows and this exporter refuses.
fn refused() -> impl Iterator<Item = Case> {
    let deep = URL_SAFE_NO_PAD.encode("[".repeat(20_000));
    let known = [
        ("GET /metrics?collect[]=nothing", 400, "/metrics"),
        ("GET /metrics?collect[]=", 400, "/metrics"),
        ("GET /metrics?product=a&product=b", 400, "/metrics"),
        ("GET /metrics?%00", 400, "/metrics"),
        ("GET /tags?%ff=%00", 400, "/tags"),
        ("GET /tags?limit=99999999999999999999999999", 400, "/tags"),
        ("GET /tags?limit=1e3", 400, "/tags"),
        ("GET /tags?limit=%31%00", 400, "/tags"),
        ("GET /tags?state=%ff", 400, "/tags"),
        (&format!("GET /tags?cursor={deep}"), 400, "/tags"),
        (&format!("GET /tags?cursor={}", "A".repeat(60_000)), 400, "/tags"),
        ("GET /tags/changes?since=999999999-01-01T00:00:00Z", 400, "/tags/changes"),
        ("GET /tags/changes?until=%00", 400, "/tags/changes"),
        ("GET /%00%ff?%00=%ff", 404, "other"),
        ("GET /metrics%00", 404, "other"),
        ("GET /x/../metrics", 404, "other"),
        ("GET /%2e%2e/metrics", 404, "other"),
        ("OPTIONS *", 404, "other"),
        ("CONNECT 127.0.0.1:80", 404, "other"),
        ("get /healthz", 405, "/healthz"),
        ("POST /-/reload", 403, "/-/reload"),
    ];
    let known = known.map(|(line, code, handler)| {
        let sent = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes();
        Case { sent, code, handler, may_be_cut_off: false }
    });
    let longest = path_of(HEAD_BYTES).into_bytes();
    let longest = Case { sent: longest, code: 404, handler: "other", may_be_cut_off: false };
    let without_coding = ["/metrics", "/tags"].map(|path| {
        let head = format!("GET {path} HTTP/1.1\r\nconnection: close\r\naccept-encoding: br, *;q=0\r\n\r\n");
        Case { sent: head.into_bytes(), code: 406, handler: path, may_be_cut_off: false }
    });
    known.into_iter().chain([longest]).chain(without_coding)
}

/// The status of the answer, if one comes before the connection is closed.
async fn status(program: &Program, sent: &[u8]) -> Option<u16> {
    let address = program.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be closed in the middle of it.
    let _ = stream.write_all(sent).await;
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await;
    let _ = reading.expect("it neither answers nor closes");
    let head = String::from_utf8_lossy(&answer);
    head.strip_prefix("HTTP/1.1 ").or(head.strip_prefix("HTTP/1.0 "))?.get(..3)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_request_gets_a_4xx_or_is_cut_off_and_is_counted_and_nothing_panics() {
    let (_, endpoint) = program::cloud(synthetic(1, 1, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "api.endpoint = \"http://{endpoint}\"\n[[accounts]]\nname = \"test\"\nregions = [\"cn-hangzhou\"]"
    );
    let program = Program::start(folder.path(), &config).await;
    let mut counts = BTreeMap::<_, usize>::new();
    for Case { sent, code, handler, may_be_cut_off } in no_requests().chain(too_long()).chain(refused()) {
        let status = status(&program, &sent).await;
        let expected = status == Some(code) || (may_be_cut_off && status.is_none());
        assert!(expected, "{status:?} and not {code} for {:.80}", String::from_utf8_lossy(&sent));
        *counts.entry((code, handler)).or_default() += 1;
    }
    for ((code, handler), count) in counts {
        let line = format!("http_requests_total{{code=\"{code}\",handler=\"{handler}\"}} {count}\n");
        program.until("/metrics", |metrics| metrics.contains(&line)).await;
    }
    let (code, log) = program.stop().await;
    assert_eq!(code, Some(0));
    assert!(!log.contains("panicked"), "{log}");
}
