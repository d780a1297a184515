//! Clients that send or read a byte a second, and a normal one beside them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use procfs::net::{TcpNetEntry, TcpState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::exporter::Exporter;
use crate::running::median;
use crate::serving::scrape;
use crate::table::Table;

const SENDERS: usize = 5_000;
const READERS: usize = 200;
const SECOND: Duration = Duration::from_secs(1);
/// Of the scrapes beside them.
const BESIDE: Duration = Duration::from_secs(8);
const SCRAPES: usize = 15;
/// What a connection may take before its first head, and from there to the end of its answer; with some more for a
/// machine that has other work.
const LONGEST_HEAD: Duration = Duration::from_secs(10 + 5);
const LONGEST_ANSWER: Duration = Duration::from_secs(60 + 5);

pub async fn measure(exporter: &Exporter, table: &mut Table) -> anyhow::Result<()> {
    let url = format!("{}/metrics", exporter.url);
    let mut alone = Vec::new();
    for _ in 0..SCRAPES {
        alone.push(scrape(&exporter.http, &url).await?.0.as_secs_f64());
    }
    let address = exporter.url.trim_start_matches("http://").to_owned();
    let (memory, connections) = (exporter.process.megabytes()?, connections_to(&address)?);
    let (mut readers, mut senders) = (JoinSet::new(), JoinSet::new());
    let reading = Arc::new(Semaphore::new(0));
    let clock = Instant::now();
    for number in 0..READERS {
        // Every other one wants plain text, which is inflated for it.
        let coding = if number % 2 == 0 { "gzip" } else { "identity" };
        readers.spawn(read_slowly(address.clone(), coding, Arc::clone(&reading)));
    }
    let _all = timeout(LONGEST_HEAD, reading.acquire_many(READERS as u32)).await??;
    for _ in 0..SENDERS {
        senders.spawn(send_slowly(address.clone()));
    }
    let (mut beside, mut most) = (Vec::new(), memory);
    while clock.elapsed() < BESIDE || beside.len() < SCRAPES {
        beside.push(scrape(&exporter.http, &url).await?.0.as_secs_f64());
        most = most.max(exporter.process.megabytes()?);
        sleep(SECOND / 4).await;
    }
    let figure = median(beside) / median(alone);
    table.at_most("a scrape beside 5,200 slow clients, by its time alone", figure, "", 2.0);
    let latest = latest(senders).await.context("of those that send slowly")?;
    table.at_most("the last one that sends slowly is closed after", latest, "s", LONGEST_HEAD.as_secs_f64());
    most = most.max(exporter.process.megabytes()?);
    let left = connections_to(&address)?;
    ensure!(left >= READERS, "of those that read slowly {left} are left");
    let closed = async {
        while connections_to(&address)? > connections {
            sleep(SECOND / 10).await;
        }
        anyhow::Ok(clock.elapsed())
    };
    // Not seen from the other side: what was sent before can still be read there.
    let latest =
        timeout(2 * LONGEST_ANSWER, closed).await.context("those that read slowly are still there")??;
    let limit = LONGEST_ANSWER.as_secs_f64();
    table.at_most("the last one that reads slowly is closed after", latest.as_secs_f64(), "s", limit);
    drop(readers);
    table.at_most("memory that grows with 5,200 slow clients", most - memory, "MB", 50.0);
    Ok(())
}

/// Connections that a server still holds: one that it has closed is not established, whatever is left to read.
fn connections_to(address: &str) -> anyhow::Result<usize> {
    let address: SocketAddr = address.parse()?;
    let held = |entry: &TcpNetEntry| entry.local_address == address && entry.state == TcpState::Established;
    Ok(procfs::net::tcp()?.iter().filter(|entry| held(entry)).count())
}

/// When the last of them was closed, in seconds since it was connected.
async fn latest(mut clients: JoinSet<anyhow::Result<Duration>>) -> anyhow::Result<f64> {
    let mut latest = Duration::ZERO;
    while let Some(closed) = clients.join_next().await {
        latest = latest.max(closed??);
    }
    Ok(latest.as_secs_f64())
}

/// A head that never ends. Tells when the other side closed.
async fn send_slowly(address: String) -> anyhow::Result<Duration> {
    let mut stream = TcpStream::connect(address).await?;
    let clock = Instant::now();
    let closed = async {
        for byte in b"GET /metrics HTTP/1.1\r\nhost: a\r\nx: ".iter().chain(std::iter::repeat(&b'a')) {
            let mut answer = [0];
            tokio::select! {
                () = sleep(SECOND) => {}
                read = stream.read(&mut answer) => if matches!(read, Ok(0) | Err(_)) { return },
            }
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    };
    timeout(2 * LONGEST_HEAD, closed).await.context("it is still open")?;
    Ok(clock.elapsed())
}

/// A reader with room for little, without end. `reading` gets a permit for its first byte.
async fn read_slowly(address: String, coding: &'static str, reading: Arc<Semaphore>) -> anyhow::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let mut stream = socket.connect(address.parse()?).await?;
    let head = format!("GET /metrics HTTP/1.1\r\nhost: a\r\naccept-encoding: {coding}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.read_u8().await?;
    reading.add_permits(1);
    loop {
        stream.read_u8().await?;
        sleep(SECOND).await;
    }
}
