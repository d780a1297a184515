//! Clients that are slow or many.

use std::time::Duration;

use simulator::synthetic;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::Daemon;

const LIMIT: Duration = Duration::from_secs(30);

/// A reader that leaves it at the first bytes of an answer, which has more than the system's own buffers take.
async fn slow_reader(daemon: &Daemon, path: &str) -> TcpStream {
    let answered = async {
        loop {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let mut slow = socket.connect(daemon.address).await.unwrap();
            slow.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
            let mut status = [0; 12];
            slow.read_exact(&mut status).await.unwrap();
            // The only place may still be that of the request before.
            if status == *b"HTTP/1.1 200" {
                return slow;
            }
        }
    };
    tokio::time::timeout(LIMIT, answered).await.expect("there is no place")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_its_time_holds_one_place_and_health_needs_none() {
    let settings = [("web.max_connections", "1"), ("collect.interval", "30s")];
    let daemon = Daemon::start_with(&settings, synthetic(2, 2000, 5), "").await;
    daemon.until_fresh().await;
    let slow = slow_reader(&daemon, "/metrics").await;
    let refused = daemon.until("/tags?limit=1", |status, _| status == 503).await;
    assert!(refused.contains(r#""code":"busy""#), "{refused}");
    assert_eq!(daemon.get("/healthz").await.0, 200);
    drop(slow);
    daemon.until("/tags?limit=1", |status, _| status == 200).await;
    let metrics = daemon.metrics().await;
    assert!(metrics.contains("http_requests_total{code=\"503\",handler=\"/tags\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_one_piece_holds_its_place_until_its_last_byte_is_written() {
    let settings = [("web.max_connections", "1"), ("collect.interval", "5s")];
    let daemon = Daemon::start_with(&settings, synthetic(1, 200, 5), "").await;
    daemon.until_fresh().await;
    daemon.cloud.edit(|state| {
        let clusters = state.regions.values_mut().flat_map(|region| region.of_mut("hbase").iter_mut());
        let values = clusters.flat_map(|cluster| cluster.tags.values_mut());
        values.for_each(|value| *value = "x".repeat(12_000));
    });
    // Changes are written as one text, here of 12 MB.
    daemon.until("/tags/changes?limit=1", |_, text| text.contains("xxx")).await;
    let _slow = slow_reader(&daemon, "/tags/changes?limit=10000").await;
    daemon.until("/tags?limit=1", |status, _| status == 503).await;
}
