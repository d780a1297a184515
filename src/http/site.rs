//! The data that responses are made from.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::hosts::Hosts;
use super::page_cache::PageCache;
use crate::access::Web;
use crate::clock::Heartbeat;
use crate::config::Reload;
use crate::instruments::Instruments;
use crate::publication::history::ChangeLog;
use crate::publication::publisher::Published;

/// Everything that responses are made from.
pub struct Site {
    pub published: watch::Receiver<Arc<Published>>,
    pub change_log: ChangeLog,
    pub instruments: Instruments,
    pub stop: CancellationToken,
    /// Of the loops that the process consists of, by their names.
    pub heartbeats: Vec<(&'static str, Heartbeat)>,
    /// A random text of this process, part of each entity tag.
    pub process_id: String,
    pub pages: PageCache,
    /// A permit for each page that is being written.
    pub page_writers: Arc<Semaphore>,
    /// TLS, users and headers as they are now.
    pub web: watch::Receiver<Arc<Web>>,
    /// Whether `/healthz` and `/readyz` need no password.
    pub health_without_auth: bool,
    pub hosts: Hosts,
    /// Where to ask for another reading of the configuration, if that is allowed.
    pub reloads: Option<mpsc::Sender<Reload>>,
}
