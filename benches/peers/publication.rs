//! What follows a listing, alone: diff, judgement, rendering and publication. All in this process.

use alicloud_tag_exporter::clock::now;
use alicloud_tag_exporter::collection::assembly::Assembly;
use alicloud_tag_exporter::collection::collector::Collector;
use alicloud_tag_exporter::collection::targets::{Discovered, arrangement, targets};
use alicloud_tag_exporter::config::{Sources, load};
use alicloud_tag_exporter::instruments::Instruments;
use alicloud_tag_exporter::publication::history::History;
use alicloud_tag_exporter::publication::publisher::Publisher;
use procfs::process::Process;

use crate::cloud::SimulatedCloud;
use crate::table::Table;

pub async fn measure(cloud: &SimulatedCloud, table: &mut Table) -> anyhow::Result<()> {
    let instruments = Instruments::new()?;
    let config = load(&Sources { file: Some(("bench".to_owned(), text(cloud))), ..Sources::default() })?;
    let mut assembly = Assembly::new(&config, &instruments)?;
    let mut collectors = Vec::new();
    for wanted in targets(&config, &Discovered::new()) {
        let parts = assembly.parts(&wanted);
        collectors.push(assembly.collector(wanted.target, &parts)?);
    }
    let arrangement = arrangement(0, &config, Discovered::new());
    let mut publisher = Publisher::new(History::in_memory(instruments)?, arrangement);

    let first = round(&mut collectors, &mut publisher).await?;
    cloud.change_a_tag();
    let second = round(&mut collectors, &mut publisher).await?;
    table.tell("CPU of diff, judgement, rendering, publication: first round", first, "s");
    table.tell("… a round in which one tag changed", second, "s");
    table.at_most("… the one by the other", second / first, "", 0.1);
    Ok(())
}

fn text(cloud: &SimulatedCloud) -> String {
    format!(
        "api = {{ endpoint = \"http://{}\", requests_per_second = 1e4 }}
         policy = {{ required_tags = [{{ key = \"owner\" }}, {{ key = \"env\" }}] }}
         [[accounts]]
         name = \"bench\"
         regions = {:?}
         credentials = {{ source = \"static\", access_key_id = \"testid\", access_key_secret = \"testsecret\" }}",
        cloud.address, cloud.regions
    )
}

/// Collects every target, and gives the CPU seconds of what follows.
async fn round(collectors: &mut [Collector], publisher: &mut Publisher) -> anyhow::Result<f64> {
    let known = publisher.publish(now());
    let mut outcomes = Vec::new();
    for collector in collectors {
        let previous = known.resources(&collector.target);
        outcomes.push(collector.collect(&previous).await);
    }
    drop(known);
    let before = cpu_seconds()?;
    let mut published = None;
    for outcome in &outcomes {
        publisher.absorb(outcome).await;
        published = Some(publisher.publish(now()));
    }
    let spent = cpu_seconds()? - before;
    drop(published);
    Ok(spent)
}

fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = Process::myself()?.stat()?;
    Ok((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64)
}
