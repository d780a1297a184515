//! Clusters that come and go while pages are read.

use std::sync::Arc;

use alicloud_tag_exporter::inventory::Resource;
use simulator::synthetic;

use crate::support::lister;

/// Each time a cluster of page 1 goes, and another one comes at the end, after page 1 was read: every count fits.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ten seconds; `make test` runs it"]
async fn no_steady_cluster_is_lost_while_page_one_shrinks_two_hundred_times() {
    let mut state = synthetic(1, 250, 1);
    state.limits.tag_rows = Some(1000);
    let mut come = 0;
    state.after_request = Some(Box::new(move |state, answered| {
        if answered.parameters.get("PageNumber").is_none_or(|page| page != "1")
            || answered.parameters.contains_key("ClusterId")
        {
            return;
        }
        come += 1;
        let region = state.regions.values_mut().next().unwrap();
        let first = region.of("hbase").iter().next().unwrap().id().to_owned();
        region.of_mut("hbase").remove(&first);
        region
            .of_mut("hbase")
            .insert(simulator::Resource::new(&format!("hb-new{come:08}")).with_tags([("k", "v")]));
    }));
    let (mut lister, cloud, _stop) = lister(state).await;
    let mut previous: Arc<[Resource]> = Arc::new([]);
    for round in 0..200 {
        let steady: Vec<String> = cloud.edit(|state| {
            let clusters = state.regions.values().next().unwrap().of("hbase");
            clusters.iter().skip(10).map(|cluster| cluster.id().to_owned()).collect()
        });
        let known = Arc::clone(&previous);
        previous = lister.list(&previous).await.unwrap().resources;
        let has = |resources: &[Resource], id: &str| resources.iter().any(|r| *r.id == *id);
        let lost = steady.iter().filter(|id| has(&known, id) && !has(&previous, id));
        assert_eq!(lost.collect::<Vec<_>>(), [""; 0], "in round {round}");
    }
}
