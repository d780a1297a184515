//! Several exporters with one configuration.

use std::collections::BTreeSet;

use simulator::{State, synthetic};

use crate::support::Daemon;

const SHARDS: usize = 3;

async fn shard(state: State, ordinal: usize) -> Daemon {
    let (total, pod) = (SHARDS.to_string(), format!("exporter-{ordinal}"));
    Daemon::start_with(&[("shard.total", &total), ("shard.ordinal", &pod)], state, "").await
}

fn labels_of<'a>(metrics: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let prefix = format!("{name}{{");
    metrics.lines().filter_map(move |line| Some(line.strip_prefix(&prefix)?.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_target_and_each_resource_is_shown_by_exactly_one_shard() {
    let mut targets = BTreeSet::new();
    let mut resources = BTreeSet::new();
    for ordinal in 0..SHARDS {
        let daemon = shard(synthetic(20, 3, 1), ordinal).await;
        daemon.until_fresh().await;
        let metrics = daemon.metrics().await;
        assert!(metrics.contains(&format!("\nalicloud_tag_exporter_shard_ordinal {ordinal}\n")));
        assert!(metrics.contains(&format!("\nalicloud_tag_exporter_shards {SHARDS}\n")));
        for target in labels_of(&metrics, "alicloud_tag_exporter_target") {
            assert!(targets.insert(target.clone()), "{target} is there twice");
        }
        resources.extend(labels_of(&metrics, "alicloud_resource_tags"));
    }
    assert_eq!((targets.len(), resources.len()), (20, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_without_targets_is_ready_and_stays() {
    let mut without = 0;
    for ordinal in 0..SHARDS {
        let daemon = shard(synthetic(1, 3, 1), ordinal).await;
        daemon.until_fresh().await;
        without += usize::from(!daemon.metrics().await.contains("alicloud_tag_exporter_target{"));
        daemon.stop.cancel();
        daemon.running.await.unwrap().unwrap();
    }
    assert_eq!(without, SHARDS - 1);
}
