//! What the targets share: a site with some resources, and its answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alicloud_tag_exporter::access::{Admission, Web};
use alicloud_tag_exporter::clock::now;
use alicloud_tag_exporter::http::{self, Hosts, PageCache, Site};
use alicloud_tag_exporter::instruments::Instruments;
use alicloud_tag_exporter::inventory::{Listing, Outcome, Resource, Target};
use alicloud_tag_exporter::publication::history::History;
use alicloud_tag_exporter::publication::publisher::{Arranged, Arrangement, Publisher, Settings};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{Request, Response};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// The real routes over a few resources.
pub struct Served {
    runtime: Runtime,
    site: Site,
}

impl Default for Served {
    fn default() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let site = runtime.block_on(site());
        Self { runtime, site }
    }
}

impl Served {
    /// The whole answer. Its length is the one that it was said to have.
    pub fn answer(&self, request: &Request<()>) -> Response<Bytes> {
        let (head, content) = self.runtime.block_on(self.site.answer(request, Admission::Admitted)).into_parts();
        let said = hyper::body::Body::size_hint(&content).exact().expect("the length is known");
        let collected = self.runtime.block_on(content.collect());
        let body = collected.expect("a body never fails").to_bytes();
        assert_eq!(said, body.len() as u64);
        Response::from_parts(head, body)
    }
}

async fn site() -> Site {
    let instruments = Instruments::new().expect("instruments");
    let history = History::in_memory(instruments.clone()).expect("a history in memory");
    let targets = ["r1", "r2"].map(|region| Target::new("a", region, "hbase"));
    let change_log = history.change_log();
    let settings = Settings { max_staleness: Duration::from_secs(3600), ..Settings::default() };
    let mut publisher = publisher(settings, history, &targets);
    // The second listing makes changes.
    for resources in [0, 5] {
        for target in &targets {
            let resources =
                (0..resources).map(|n| resource(&format!("hb-{n}"), "name", &[("k", "v")])).collect();
            publisher.absorb(&outcome(target, resources)).await;
        }
    }
    Site {
        published: watch::channel(publisher.publish(now())).1,
        change_log,
        instruments,
        stop: CancellationToken::new(),
        heartbeats: Vec::new(),
        process_id: "fuzz".to_owned(),
        pages: PageCache::default(),
        page_writers: Arc::new(Semaphore::new(http::MAX_WRITERS)),
        web: watch::channel(Arc::new(Web::default())).1,
        health_without_auth: true,
        hosts: Hosts::default(),
        reloads: None,
    }
}

/// A publisher that knows nothing of `targets` yet.
pub fn publisher(settings: Settings, history: History, targets: &[Target]) -> Publisher {
    let arranged = Arranged { basis: 0, region_missing_since: None };
    let arrangement = Arrangement {
        number: 0,
        settings: Arc::new(settings),
        targets: targets.iter().map(|target| (target.clone(), arranged)).collect(),
        regions: BTreeMap::new(),
        scopes: Arc::new([]),
    };
    Publisher::new(history, arrangement)
}

/// A listing that worked.
pub fn outcome(target: &Target, resources: Arc<[Resource]>) -> Outcome {
    let listed = Ok(Listing { resources, difference: Some(0), ..Listing::default() });
    Outcome { target: target.clone(), started: now(), ended: now(), took: Duration::ZERO, listed }
}

pub fn resource(id: &str, name: &str, tags: &[(&str, &str)]) -> Resource {
    let tags = tags.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    Resource { name: name.into(), tags, ..Resource::new(id) }
}
