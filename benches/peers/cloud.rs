//! The simulated cloud, in this process.

use std::net::SocketAddr;

use simulator::{self, Cloud, synthetic};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub struct SimulatedCloud {
    pub cloud: Cloud,
    pub address: SocketAddr,
    pub regions: Vec<String>,
}

impl SimulatedCloud {
    pub async fn start(regions: usize, clusters: usize, tags: usize) -> anyhow::Result<Self> {
        let mut state = synthetic(regions, clusters, tags);
        state.limits.tag_rows = Some(50 * tags);
        let regions = state.regions.keys().cloned().collect();
        let cloud = Cloud::new(state);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(simulator::serve(listener, cloud.clone(), CancellationToken::new()));
        Ok(Self { cloud, address, regions })
    }

    /// How many requests it has answered.
    pub fn requests(&self) -> usize {
        self.cloud.edit(|state| state.log.len())
    }

    /// Changes the value of one tag of one cluster in one region.
    pub fn change_a_tag(&self) {
        self.cloud.edit(|state| {
            let region = state.regions.values_mut().next();
            let cluster = region.and_then(|region| region.of_mut("hbase").iter_mut().next());
            if let Some(value) = cluster.and_then(|cluster| cluster.tags.values_mut().next()) {
                value.push_str("-changed");
            }
        });
    }
}
