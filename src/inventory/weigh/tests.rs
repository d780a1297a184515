use super::*;
use crate::inventory::{Known, Outcome, Target, tags_of};

/// One target over its collections.
#[derive(Default)]
struct Watched(Inventory);

/// The listing of `ids`.
fn of<'a>(ids: impl IntoIterator<Item = &'a str>) -> Listing {
    Listing { resources: ids.into_iter().map(Resource::new).collect(), ..Listing::default() }
}

/// The same from an API that counts.
fn counted<'a>(ids: impl IntoIterator<Item = &'a str>, difference: i64) -> Listing {
    Listing { difference: Some(difference), ..of(ids) }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_500_000 + 60 * minute).unwrap()
}

impl Watched {
    fn knowing<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut watched = Self::default();
        watched.collect(0, of(ids));
        watched
    }

    /// What is known after a collection at this minute, and why it failed.
    fn collect(&mut self, minute: i64, listing: Listing) -> String {
        let (target, ended) = (Target::new("a", "r", "hbase"), at(minute));
        let outcome = Outcome { target, started: ended, ended, took: Duration::ZERO, listed: Ok(listing) };
        // As after a restart: what is not stored is not known.
        let stored = serde_json::to_string(&self.0.doubts).unwrap();
        self.0.doubts = serde_json::from_str(&stored).unwrap();
        self.0 = self.0.advance(&outcome);
        let ids = self.known().map_or(&[][..], |known| &known.resources).iter().map(|one| one.id.to_string());
        let ids = ids.collect::<Vec<_>>().join(" ");
        let mismatch = if self.known().is_some_and(|known| known.count_mismatch) { " mismatch" } else { "" };
        let failure = self.0.failure().map_or("", |failure| failure.reason.name());
        format!("{ids}{mismatch} {failure}").trim().to_owned()
    }

    fn known(&self) -> Option<&Known> {
        self.0.known.as_ref()
    }
}

const TEN: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

#[test]
fn a_short_listing_is_believed_after_three_equal_readings_over_fifteen_minutes_and_removes_nothing() {
    let mut watched = Watched::knowing(["a", "b"]);
    for minute in [1, 6, 11, 15] {
        assert_eq!(watched.collect(minute, counted(["b", "c"], 1)), "a b inconsistent", "{minute}");
    }
    assert_eq!(watched.collect(16, counted(["b", "c"], 1)), "a b c mismatch");
    // Once believed, the same difference is believed again, and a lookup still removes.
    assert_eq!(watched.collect(17, counted(["b", "d"], 1)), "a b c d mismatch");
    let gone = Listing { gone: ["a".into()].into(), ..counted(["b", "d"], 1) };
    assert_eq!(watched.collect(18, gone), "b c d mismatch");
    assert_eq!(watched.collect(19, counted(["b", "d"], 2)), "b c d mismatch inconsistent");
    assert_eq!(watched.collect(20, counted(["b", "d"], 1)), "b c d mismatch");
}

#[test]
fn two_readings_over_any_time_are_not_three_and_others_start_over() {
    let mut watched = Watched::knowing(["a"]);
    assert_eq!(watched.collect(1, counted(["a"], 1)), "a inconsistent");
    assert_eq!(watched.collect(30, counted(["a"], 1)), "a inconsistent");
    assert_eq!(watched.collect(31, counted(["a", "b"], 1)), "a inconsistent");
    assert_eq!(watched.collect(45, counted(["a", "b"], 1)), "a inconsistent");
    assert_eq!(watched.collect(46, counted(["a", "b"], 1)), "a b mismatch");
}

#[test]
fn listings_that_stay_short_for_an_hour_are_believed_however_they_differ() {
    let mut watched = Watched::default();
    for minute in 0..60 {
        let ids = [TEN[minute as usize % 10]];
        assert_eq!(watched.collect(minute, counted(ids, 1 + minute % 7)), "inconsistent");
    }
    assert_eq!(watched.collect(60, counted(["a"], 3)), "a mismatch");
    assert_eq!(watched.collect(61, counted(["b"], 5)), "a b mismatch");
    assert_eq!(watched.collect(62, counted(["b"], 0)), "a b");
    assert_eq!(watched.collect(63, counted(["b"], 3)), "a b inconsistent");
}

#[test]
fn more_resources_than_the_count_are_a_mismatch_and_no_failure() {
    let mut watched = Watched::knowing(["a"]);
    assert_eq!(watched.collect(1, counted(["a", "b"], -1)), "a b mismatch");
}

#[test]
fn without_proof_a_resource_leaves_when_listings_five_minutes_apart_lack_it() {
    let mut watched = Watched::knowing(["a", "b", "c"]);
    assert_eq!(watched.collect(1, of(["b", "c"])), "a b c");
    assert_eq!(watched.collect(4, of(["b"])), "a b c");
    assert_eq!(watched.0.doubts.missing, [("a".into(), at(1)), ("c".into(), at(4))].into());
    assert_eq!(watched.collect(5, of(["b", "c"])), "a b c");
    assert_eq!(watched.collect(6, of(["b"])), "b c");
    assert_eq!(watched.collect(10, of(["b"])), "b c");
    assert_eq!(watched.collect(11, of(["b"])), "b");
    assert!(watched.0.doubts.is_empty());
}

#[test]
fn a_lookup_or_a_second_listing_that_fits_its_count_proves_it_at_once() {
    let mut watched = Watched::knowing(["a", "b", "c"]);
    let gone = Listing { gone: ["a".into()].into(), ..of(["c"]) };
    assert_eq!(watched.collect(1, gone), "b c");
    assert_eq!(watched.collect(2, Listing { is_confirmed: true, ..counted(["c"], 0) }), "c");
}

#[test]
fn a_short_listing_is_no_second_listing() {
    let mut watched = Watched::knowing(["a", "b"]);
    assert_eq!(watched.collect(1, counted(["b"], 1)), "a b inconsistent");
    assert_eq!(watched.collect(7, counted(["b"], 0)), "a b");
    assert_eq!(watched.collect(12, counted(["b"], 0)), "b");
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_for_long() {
    let mut watched = Watched::knowing(["a", "b"]);
    assert_eq!(watched.collect(10_000, of(["b"])), "a b");
    assert_eq!(watched.collect(1, of(["b"])), "a b");
    assert_eq!(watched.collect(6, of(["b"])), "b");
}

#[test]
fn a_target_that_loses_more_than_half_is_suspicious_until_two_more_listings_agree() {
    for left in [&TEN[..0], &TEN[..4]] {
        let mut watched = Watched::knowing(TEN);
        let all = TEN.join(" ");
        let confirmed = || Listing { is_confirmed: true, ..counted(left.iter().copied(), 0) };
        for minute in [1, 2, 6, 10] {
            assert_eq!(watched.collect(minute, confirmed()), format!("{all} suspicious"), "{minute}");
        }
        assert_eq!(watched.collect(11, confirmed()), left.join(" "));
        assert!(watched.0.doubts.is_empty());
    }
}

#[test]
fn of_a_suspicious_target_only_what_all_listings_lack_goes() {
    let mut watched = Watched::knowing(TEN);
    watched.collect(1, of(["a"]));
    watched.collect(6, of(["b"]));
    assert_eq!(watched.collect(11, of(["c"])), "a b c");
}

#[test]
fn losing_half_or_what_lookups_prove_gone_or_a_few_is_not_suspicious() {
    let mut watched = Watched::knowing(TEN);
    let half = Listing { is_confirmed: true, ..counted(["a", "b", "c", "d", "e"], 0) };
    assert_eq!(watched.collect(1, half), "a b c d e");
    let proved = Listing { gone: ["a", "b", "c", "d", "e"].map(Arc::from).into(), ..counted([], 0) };
    assert_eq!(watched.collect(2, proved), "");
    let mut few = Watched::knowing(["a", "b", "c", "d"]);
    assert_eq!(few.collect(1, Listing { is_confirmed: true, ..counted([], 0) }), "");
}

#[test]
fn unreadable_tags_stay_as_they_were_and_are_no_change() {
    let tagged = |id: &str, tags| Resource { tags, ..Resource::new(id) };
    let listing = |tags: [crate::inventory::Tags; 2]| {
        let resources = ["a", "b"].into_iter().zip(tags).map(|(id, tags)| tagged(id, tags)).collect();
        Listing { resources, ..Listing::default() }
    };
    let (one, none) = (tags_of([("k", "v")]), crate::inventory::Tags::default());
    let mut watched = Watched::default();
    let alone = Listing { resources: [tagged("a", one.clone())].into(), ..Listing::default() };
    watched.collect(0, alone);
    let before = watched.known().unwrap().clone();
    let unreadable = ["a".into(), "b".into()];
    watched.collect(1, Listing { unreadable: unreadable.into(), ..listing([none.clone(), none.clone()]) });
    let doubtful = watched.known().unwrap().clone();
    assert_eq!(doubtful.resources[0].tags, one);
    assert_eq!(doubtful.resources[0].unread, Some(Unread { since: at(1), never_read: false }));
    assert_eq!(doubtful.resources[1].unread, Some(Unread { since: at(1), never_read: true }));
    assert_eq!(doubtful.unreadable(), 2);
    watched.collect(2, listing([one.clone(), one]));
    let after = watched.known().unwrap();
    assert_eq!(after.unreadable(), 0);
    let target = Target::new("a", "r", "hbase");
    let kinds = |old, new| {
        let changes = crate::inventory::diff::changes(&target, old, new);
        changes.iter().map(|change| change.kind.name()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&before, &doubtful), ["resource_appeared"]);
    assert_eq!(kinds(&doubtful, after), [""; 0]);
}
