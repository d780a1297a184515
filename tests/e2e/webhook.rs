//! The chat room: takes what the Alertmanager sends.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::process::LIMIT;

/// Every alert that came, in order, as the Alertmanager tells it.
pub struct Webhook {
    pub address: String,
    alerts: watch::Receiver<Vec<Value>>,
}

impl Webhook {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, alerts) = watch::channel(Vec::new());
        tokio::spawn(serve(listener, sender));
        Self { address, alerts }
    }

    /// Those that are `name` and `status`, `firing` or `resolved`.
    pub fn received(&self, name: &str, status: &str) -> Vec<Value> {
        chosen(&self.alerts.borrow(), name, status)
    }

    /// Waits for one that is `name` and `status`.
    pub async fn receives(&mut self, name: &str, status: &str) -> Value {
        let there = |alerts: &Vec<Value>| !chosen(alerts, name, status).is_empty();
        let waited = timeout(LIMIT, self.alerts.wait_for(there)).await;
        let alerts = waited.unwrap_or_else(|_| panic!("no {name} came that is {status}")).unwrap();
        chosen(&alerts, name, status).remove(0)
    }
}

fn chosen(alerts: &[Value], name: &str, status: &str) -> Vec<Value> {
    let wanted = |alert: &&Value| alert["labels"]["alertname"] == name && alert["status"] == status;
    alerts.iter().filter(wanted).cloned().collect()
}

async fn serve(listener: TcpListener, alerts: watch::Sender<Vec<Value>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let alerts = alerts.clone();
        let take = service_fn(move |request: Request<Incoming>| {
            let alerts = alerts.clone();
            async move {
                let body = request.into_body().collect().await?.to_bytes();
                let mut message: Value = serde_json::from_slice(&body).unwrap();
                let new: Vec<Value> = serde_json::from_value(message["alerts"].take()).unwrap();
                alerts.send_modify(|all| all.extend(new));
                Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::new())))
            }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), take));
    }
}
