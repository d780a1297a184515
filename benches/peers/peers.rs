//! What else serves the same bytes or the same data.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Bench;
use crate::running::Running;

const LONGEST_START: Duration = Duration::from_secs(180);

/// A server that listens at `url`.
pub struct Peer {
    pub process: Running,
    pub url: String,
}

/// nginx with a file that is compressed already.
pub async fn nginx(bench: &Bench, gzipped: &[u8], sendfile: &str) -> anyhow::Result<Peer> {
    let folder = bench.folder.path().join(format!("nginx-{sendfile}"));
    std::fs::create_dir_all(folder.join("root"))?;
    std::fs::write(folder.join("root/metrics.gz"), gzipped)?;
    let port = free_port()?;
    let (debs, here) = (&bench.debs, folder.display());
    let config = format!(
        "daemon off; worker_processes auto; pid {here}/pid; error_log {here}/errors;
         events {{}}
         http {{
             access_log off; sendfile {sendfile}; tcp_nopush on; keepalive_requests 1000000; default_type text/plain;
             client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
             uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
             server {{ listen 127.0.0.1:{port}; root {here}/root; gzip_static on; }}
         }}"
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, config)?;
    let mut command = Command::new(debs.join("usr/sbin/nginx"));
    command.arg("-e").arg(folder.join("errors")).arg("-p").arg(&folder).arg("-c").arg(&path);
    started(&mut command, port).await
}

/// node_exporter with nothing but its collector of text files.
pub async fn node_exporter(bench: &Bench, text: &str) -> anyhow::Result<Peer> {
    let folder = bench.folder.path().join("textfile");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("bench.prom"), text)?;
    let port = free_port()?;
    let mut command = Command::new(bench.debs.join("usr/bin/prometheus-node-exporter"));
    command
        .args(["--collector.disable-defaults", "--collector.textfile", "--web.disable-exporter-metrics"])
        .arg(format!("--collector.textfile.directory={}", folder.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    started(&mut command, port).await
}

/// Python's client library with a gauge for each family.
pub async fn prometheus_client(bench: &Bench, text: &str) -> anyhow::Result<Peer> {
    let path = bench.folder.path().join("bench.txt");
    std::fs::write(&path, text)?;
    let port = free_port()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/prometheus_client_server.py");
    let mut command = Command::new(&bench.python);
    command.arg(script).arg(path).arg(port.to_string());
    started(&mut command, port).await
}

async fn started(command: &mut Command, port: u16) -> anyhow::Result<Peer> {
    let process = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
    let listens = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(LONGEST_START, listens).await.with_context(|| format!("{command:?} does not listen"))?;
    Ok(Peer { process, url: format!("http://127.0.0.1:{port}/metrics") })
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
