//! The metric families of a target: what was seen in the cloud, and how seeing went.

use super::{Family, Kind, Samples, TargetView};

mod compliance;
mod status;
mod subject;

pub use status::STATUS;
pub use subject::SUBJECT;

type Render = fn(&TargetView<'_>, &mut Samples<'_>);

const fn gauge(name: &'static str, help: &'static str, samples: Render) -> Family {
    Family { name, kind: Kind::Gauge, help, samples }
}

const fn counter(name: &'static str, help: &'static str, samples: Render) -> Family {
    Family { name, kind: Kind::Counter, help, samples }
}

fn flag(set: bool) -> f64 {
    f64::from(u8::from(set))
}
