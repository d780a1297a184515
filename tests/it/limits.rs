//! Clients that are slow, many, or talk nonsense.

use std::time::Duration;

use alicloud_tag_exporter::simulator::synthetic;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::Daemon;

const LIMIT: Duration = Duration::from_secs(20);

/// Sends `bytes` and gives the status line of the answer, or nothing when the connection is closed without one.
async fn sent(daemon: &Daemon, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(daemon.address).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await;
    let _ = reading.expect("it neither answers nor closes");
    let answer = String::from_utf8_lossy(&answer);
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_its_time_holds_one_place_and_health_needs_none() {
    let settings = [("web.max_connections", "1"), ("collect.interval", "30s")];
    let daemon = Daemon::start_with(&settings, synthetic(2, 2000, 5), "").await;
    daemon.until_fresh().await;
    // An answer of more bytes than the system's own buffers take, and a reader that leaves it at the first one.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = socket.connect(daemon.address).await.unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(slow.read_u8().await.unwrap(), b'H');
    let refused = daemon.until("/tags?limit=1", |status, _| status == 503).await;
    assert!(refused.contains(r#""code":"busy""#), "{refused}");
    assert_eq!(daemon.get("/healthz").await.0, 200);
    drop(slow);
    daemon.until("/tags?limit=1", |status, _| status == 200).await;
    let metrics = daemon.metrics().await;
    assert!(metrics.contains("http_requests_total{code=\"503\",handler=\"/tags\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_gets_a_4xx_and_is_counted() {
    let daemon = Daemon::start(synthetic(1, 1, 1), "").await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(1 << 20));
    for (bytes, expected) in [
        (&b"GET /\0 HTTP/1.1\r\n\r\n"[..], "HTTP/1.1 400 Bad Request"),
        (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET /%00%ff?%00=%ff HTTP/1.1\r\nconnection: close\r\n\r\n", "HTTP/1.1 404 Not Found"),
        (b"GET /tags?%ff=%00 HTTP/1.1\r\nconnection: close\r\n\r\n", "HTTP/1.1 400 Bad Request"),
    ] {
        assert_eq!(sent(&daemon, bytes).await, expected, "{:?}", String::from_utf8_lossy(bytes));
    }
    let status = sent(&daemon, long.as_bytes()).await;
    assert!(["", "HTTP/1.1 431 Request Header Fields Too Large"].contains(&&*status), "{status}");
    for (code, handler, count) in [(400, "other", 3), (404, "other", 1), (400, "/tags", 1), (431, "other", 1)]
    {
        let line = format!("http_requests_total{{code=\"{code}\",handler=\"{handler}\"}} {count}\n");
        daemon.until("/metrics", |_, metrics| metrics.contains(&line)).await;
    }
}
