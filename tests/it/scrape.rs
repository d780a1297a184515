//! Prometheus 2 and 3 scrape text that means harm.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::hostile;
use crate::prometheus::{Prometheus, versions};
use crate::support::Daemon;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Prometheus; `make test` runs it"]
async fn prometheus_2_and_3_store_every_hostile_tag_as_it_is() {
    let daemon = Daemon::start(hostile::state(), "").await;
    daemon.until_fresh().await;
    let expected: BTreeSet<_> = hostile::texts().into_iter().map(|text| [text.clone(), text]).collect();
    let job = format!("{{job_name: tags, static_configs: [{{targets: ['{}']}}]}}", daemon.address);
    for programs in versions() {
        let prometheus = Prometheus::start(&programs, &job).await;
        let stored = tags(&prometheus.until("alicloud_resource_tag").await);
        assert!(stored == expected, "{}", programs.display());
    }
}

/// Key and value of each series.
fn tags(series: &[Value]) -> BTreeSet<[String; 2]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    series.iter().map(|series| ["key", "value"].map(|name| text(&series["metric"][name]))).collect()
}
