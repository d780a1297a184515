//! The demo's other products: what belongs around the clusters, tagged a little worse than they are.

use std::iter;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::REGIONS;
use super::fleet::{COST_CENTERS, ENVIRONMENTS, OWNERS, TEAMS, one_of};
use crate::product::Product;
use crate::resources::Resource;
use crate::state::State;

/// Products with their numbers in each region, or in all where they have none.
const FLEET: [(&str, usize); 9] = [
    ("ecs-instance", 26),
    ("ecs-disk", 34),
    ("rds", 9),
    ("redis", 7),
    ("mongodb", 5),
    ("slb", 8),
    ("eip", 11),
    ("oss-bucket", 6),
    ("cdn-domain", 12),
];
const SERVICES: [&str; 9] =
    ["checkout", "search", "ledger", "catalog", "images", "ranking", "gateway", "reports", "warehouse"];
/// A tag that is nearly right, wrong or forbidden, on every seventh resource.
const SLIPS: [(&str, &str); 6] = [
    ("ownr", "li.na"),
    ("env", "production"),
    ("temp", "delete after the move"),
    ("owner", ""),
    ("Cost-Center", "4100"),
    ("temp-owner", "a.novak"),
];

/// Puts them into the cloud.
pub fn add(state: &mut State, rng: &mut Rng, now: Timestamp) {
    for (name, count) in FLEET {
        let Some(product) = state.products.get(name).cloned() else { continue };
        let places: &[(&str, &str)] = match product.global {
            true => &[("", "")],
            false => &REGIONS.map(|region| (region.id, region.id_prefix)),
        };
        for (region, prefix) in places {
            let place = match state.regions.get_mut(*region) {
                Some(region) => region.of_mut(name),
                None => state.global.of_mut(name),
            };
            (0..count).for_each(|n| place.insert(resource(&product, rng, (n, prefix), now)));
        }
    }
}

/// Changes a tag of one of them and says so.
pub fn drift(state: &mut State, rng: &mut Rng) -> Option<String> {
    let (name, _) = rng.choice(FLEET)?;
    let global = state.products.get(name)?.global;
    let place = if global { Some(&mut state.global) } else { rng.choice(state.regions.values_mut()) };
    let resource = rng.choice(place?.of_mut(name).iter_mut())?;
    let owner = one_of(rng, &OWNERS);
    resource.tags.insert("owner".to_owned(), owner.to_owned());
    Some(format!("{} was tagged owner={owner}", resource.id()))
}

fn resource(product: &Product, rng: &mut Rng, (n, prefix): (usize, &str), now: Timestamp) -> Resource {
    let service = one_of(rng, &SERVICES);
    let environment = one_of(rng, &ENVIRONMENTS);
    let tail: String = iter::repeat_with(|| rng.alphanumeric().to_ascii_lowercase()).take(10).collect();
    let example = product.example_id().unwrap_or_default();
    let id = match example.split_once('-') {
        _ if example.contains('.') => format!("{service}-{n}.example.com"),
        Some((kind, _)) if product.example_status().is_some() => format!("{kind}-{prefix}{tail}"),
        _ => format!("{service}-{environment}-{prefix}{n}"),
    };
    let mut resource = Resource::new(&id);
    resource.name = format!("{service}-{environment}-{n:02}");
    resource.status = product.example_status().unwrap_or_default();
    let age = SignedDuration::from_secs(rng.i64(86_400..4 * 365 * 86_400));
    resource.created = (now - age).strftime("%Y-%m-%dT%H:%M:00Z").to_string();
    if n % 9 == 4 {
        return resource;
    }
    let tags = [
        ("env", environment),
        ("owner", one_of(rng, &OWNERS)),
        ("team", one_of(rng, &TEAMS)),
        ("cost-center", one_of(rng, &COST_CENTERS)),
    ];
    let slip = n.is_multiple_of(7).then(|| one_slip(rng));
    resource.with_tags(tags).with_tags(slip)
}

fn one_slip(rng: &mut Rng) -> (&'static str, &'static str) {
    rng.choice(SLIPS).unwrap_or_default()
}
