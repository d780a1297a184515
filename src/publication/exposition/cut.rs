//! Where the tall metric is cut if it would have too many series.

use super::Options;
use crate::inventory::{Keys, Resource};

/// How much of the tall metric one target shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cut {
    /// Resources from the start of the sort order whose tags are shown.
    pub resources: usize,
    /// Series left out.
    pub dropped: usize,
}

/// What is left of `max_series` for the targets that come next in the sort order.
///
/// The tall metric ends before the resource that would bring it over, and shows nothing behind it.
#[derive(Debug)]
pub struct Room<'a> {
    options: &'a Options,
    left: usize,
    over: bool,
}

impl<'a> Room<'a> {
    pub fn new(options: &'a Options) -> Self {
        Self { options, left: options.max_series, over: false }
    }

    /// The cut of the next target; `series` is the sum of all its resources' ([`series`]).
    pub fn cut(&mut self, resources: &[Resource], series: usize) -> Cut {
        if !self.over && series <= self.left {
            self.left -= series;
            return Cut { resources: resources.len(), dropped: 0 };
        }
        let fitting = if self.over { 0 } else { self.fitting(resources) };
        self.over = true;
        let shown = self::series(self.options, &resources[..fitting]);
        Cut { resources: fitting, dropped: series - shown }
    }

    fn fitting(&self, resources: &[Resource]) -> usize {
        let mut left = self.left;
        let mut keys = Keys::of(&self.options.include_keys);
        let fits = |resource: &&Resource| {
            let rest = left.checked_sub(series_of(&mut keys, resource));
            left = rest.unwrap_or_default();
            rest.is_some()
        };
        resources.iter().take_while(fits).count()
    }
}

/// How many series of the tall metric `resources` have.
pub fn series(options: &Options, resources: &[Resource]) -> usize {
    if !options.resource_tag {
        return 0;
    }
    let mut keys = Keys::of(&options.include_keys);
    resources.iter().map(|resource| series_of(&mut keys, resource)).sum()
}

fn series_of(included: &mut Keys<'_>, resource: &Resource) -> usize {
    resource.tags.iter().filter(|(key, _)| included.has(key)).count()
}

#[cfg(test)]
mod tests {
    use globset::{Glob, GlobSet};

    use super::*;
    use crate::inventory::{Tags, tags_of};

    fn resource(tags: Tags) -> Resource {
        Resource {
            id: "".into(),
            name: "".into(),
            resource_group_id: "".into(),
            status: "".into(),
            created_at: None,
            tags,
            system_tags: Tags::default(),
            unread: None,
        }
    }

    fn options(max_series: usize) -> Options {
        let include_keys = GlobSet::builder().add(Glob::new("k*").unwrap()).build().unwrap();
        Options { resource_tag: true, include_keys, max_series, ..Options::default() }
    }

    fn cuts(options: &Options, targets: &[&[Resource]]) -> Vec<Cut> {
        let mut room = Room::new(options);
        targets.iter().map(|resources| room.cut(resources, series(options, resources))).collect()
    }

    #[test]
    fn whole_resources_are_cut_from_the_end_and_nothing_behind_the_cut_is_shown() {
        let two = || resource(tags_of([("k1", ""), ("k2", ""), ("other", "")]));
        let one = || resource(tags_of([("k1", "")]));
        let (first, second) = ([two(), two()], [two(), one()]);
        let cut = |max| cuts(&options(max), &[&first, &second]);
        assert_eq!(cut(7), [Cut { resources: 2, dropped: 0 }, Cut { resources: 2, dropped: 0 }]);
        assert_eq!(cut(6), [Cut { resources: 2, dropped: 0 }, Cut { resources: 1, dropped: 1 }]);
        assert_eq!(cut(5), [Cut { resources: 2, dropped: 0 }, Cut { resources: 0, dropped: 3 }]);
        assert_eq!(cut(3), [Cut { resources: 1, dropped: 2 }, Cut { resources: 0, dropped: 3 }]);
    }

    #[test]
    fn a_tall_metric_that_is_off_drops_nothing() {
        let options = Options { resource_tag: false, ..options(0) };
        let resources = [resource(tags_of([("k1", "")]))];
        assert_eq!(cuts(&options, &[&resources]), [Cut { resources: 1, dropped: 0 }]);
    }
}
