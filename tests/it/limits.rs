//! Clients that are slow or many.

use alicloud_tag_exporter::simulator::synthetic;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::support::Daemon;

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
