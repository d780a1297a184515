//! What happens in the demo while it is watched.

use fastrand::Rng;
use jiff::Timestamp;

use super::fleet::{COST_CENTERS, ENVIRONMENTS, OWNERS, TEAMS, new_cluster, one_of};
use super::{DemoRegion, REGIONS, others};
use crate::resources::{Resource, Resources};
use crate::state::State;

/// A region neither dies out nor grows without end.
const MIN_CLUSTERS: usize = 8;
const MAX_CLUSTERS: usize = 40;

/// Changes one thing and says what it was. Nothing happens to a region that was taken out of the state.
pub fn drift(state: &mut State, rng: &mut Rng, now: Timestamp) -> Option<String> {
    if rng.u8(..4) == 0 {
        return others::drift(state, rng);
    }
    let region = rng.choice(&REGIONS)?;
    let clusters = state.regions.get_mut(region.id)?.of_mut("hbase");
    let what = match rng.u8(..10) {
        0 if clusters.len() < MAX_CLUSTERS => arrive(clusters, rng, region, now),
        1 if clusters.len() > MIN_CLUSTERS => leave(clusters, rng)?,
        2 => untag(pick(clusters, rng)?, rng),
        3 | 4 => settle(pick(clusters, rng)?),
        _ => tag(pick(clusters, rng)?, rng),
    };
    Some(format!("{}: {what}", region.id))
}

fn pick<'a>(clusters: &'a mut Resources, rng: &mut Rng) -> Option<&'a mut Resource> {
    rng.choice(clusters.iter_mut())
}

fn arrive(clusters: &mut Resources, rng: &mut Rng, region: &DemoRegion, now: Timestamp) -> String {
    let cluster = new_cluster(rng, region, now);
    let what = format!("{} was created", cluster.id());
    clusters.insert(cluster);
    what
}

fn leave(clusters: &mut Resources, rng: &mut Rng) -> Option<String> {
    let id = pick(clusters, rng)?.id().to_owned();
    clusters.remove(&id);
    Some(format!("{id} was deleted"))
}

fn tag(cluster: &mut Resource, rng: &mut Rng) -> String {
    let (key, values): (_, &[&str]) = match rng.u8(..4) {
        0 => ("env", &ENVIRONMENTS),
        1 => ("owner", &OWNERS),
        2 => ("cost-center", &COST_CENTERS),
        _ => ("team", &TEAMS),
    };
    let value = one_of(rng, values);
    cluster.tags.insert(key.to_owned(), value.to_owned());
    format!("{} was tagged {key}={value}", cluster.id())
}

fn untag(cluster: &mut Resource, rng: &mut Rng) -> String {
    let Some(key) = rng.choice(cluster.tags.keys()).cloned() else {
        return tag(cluster, rng);
    };
    cluster.tags.remove(&key);
    format!("{} lost its tag {key:?}", cluster.id())
}

/// A cluster that was busy runs again; one that runs restarts.
fn settle(cluster: &mut Resource) -> String {
    let status = if cluster.status == "ACTIVATION" { "RESTARTING" } else { "ACTIVATION" };
    cluster.status = status.to_owned();
    format!("{} is now {status}", cluster.id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo;

    #[test]
    fn the_world_keeps_its_size_over_a_long_time_and_every_step_is_told() {
        let (mut rng, now) = (Rng::with_seed(7), "2026-11-24T09:00:00Z".parse().unwrap());
        let mut state = demo::state(&mut rng, now);
        let told: Vec<_> = (0..2_000).map(|_| drift(&mut state, &mut rng, now).unwrap()).collect();
        for verb in ["was created", "was deleted", "was tagged", "lost its tag", "is now"] {
            assert!(told.iter().any(|what| what.contains(verb)), "{verb}");
        }
        assert!(
            state
                .regions
                .values()
                .all(|region| (MIN_CLUSTERS..=MAX_CLUSTERS).contains(&region.of("hbase").len()))
        );
    }

    #[test]
    fn a_region_that_is_gone_stays_gone() {
        let (mut rng, now) = (Rng::with_seed(7), "2026-11-24T09:00:00Z".parse().unwrap());
        assert_eq!(drift(&mut State::default(), &mut rng, now), None);
    }
}
