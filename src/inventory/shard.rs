//! Which of several exporters lists a target. Pure.
//!
//! By rendezvous hashing: each shard has a weight for the target, and the highest wins. So every shard decides alone
//! what it owns, and an additional shard takes its part from the others without moving anything between them.

use siphasher::sip::SipHasher13;

use crate::inventory::Target;

/// One of `total` exporters that share the targets of one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub ordinal: u32,
    pub total: u32,
}

impl Shard {
    /// Whether `target` is listed by this shard; exactly one of all says so.
    pub fn owns(self, target: &Target) -> bool {
        let winner = (0..self.total).max_by_key(|ordinal| weight(*ordinal, target));
        winner == Some(self.ordinal)
    }
}

/// Must never change: the shards of a roll-out, old and new ones, have to agree.
fn weight(ordinal: u32, target: &Target) -> u64 {
    let Target { account, region_id, product } = target;
    SipHasher13::new().hash(format!("{account}\0{region_id}\0{product}\0{ordinal}").as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owners(target: &Target, total: u32) -> Vec<u32> {
        (0..total).filter(|ordinal| Shard { ordinal: *ordinal, total }.owns(target)).collect()
    }

    fn targets(number: usize) -> Vec<Target> {
        (0..number).map(|n| Target::new("prod", &format!("region-{n}"), "hbase")).collect()
    }

    #[test]
    fn the_weights_are_the_same_for_ever() {
        let target = Target::new("prod", "cn-hangzhou", "hbase");
        // SipHash-1-3 with the key 0, as another implementation gives it: PYTHONHASHSEED=0 python3 -c
        // 'print([hash(b"prod\0cn-hangzhou\0hbase\0%d" % n) % 2**64 for n in range(3)])', from Python 3.11 on
        let expected = [7375226638956378847, 6066561169501808608, 4317702108181833308];
        assert_eq!([0, 1, 2].map(|ordinal| weight(ordinal, &target)), expected);
    }

    #[test]
    fn the_targets_are_spread_evenly() {
        let targets = targets(4000);
        for ordinal in 0..4 {
            let owned = targets.iter().filter(|target| Shard { ordinal, total: 4 }.owns(target)).count();
            assert!((850..=1150).contains(&owned), "shard {ordinal} has {owned} of 4000");
        }
    }

    #[test]
    fn one_shard_more_moves_its_part_to_itself_and_nothing_else() {
        let targets = targets(4000);
        let moved = targets.iter().filter(|target| owners(target, 4) != owners(target, 5));
        let moved: Vec<_> = moved.collect();
        assert!(moved.iter().all(|target| owners(target, 5) == [4]));
        assert!((650..=950).contains(&moved.len()), "{} of 4000 moved, a fifth is 800", moved.len());
    }

    proptest! {
        #[test]
        fn each_target_belongs_to_exactly_one_shard(
            account in any::<String>(), region in "[a-z0-9-]{1,20}", product in "[a-z]{1,10}", total in 1_u32..40
        ) {
            prop_assert_eq!(owners(&Target::new(&account, &region, &product), total).len(), 1);
        }
    }
}
