//! Where the tall metric ends when it would have too many series.

use super::Options;
use crate::inventory::Resource;

/// How much of the tall metric one target shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Resources from the start of the sort order whose tags are shown.
    pub resources: usize,
    /// Series left out.
    pub dropped: usize,
}

/// The cuts of all targets, given in their sort order: the tall metric ends before the resource that would bring
/// it over `max_series`, and shows nothing behind it.
pub fn cuts<'a>(options: &Options, targets: impl IntoIterator<Item = &'a [Resource]>) -> Vec<Cut> {
    let mut left = options.max_series;
    let mut over = false;
    let mut cut = |resources: &[Resource]| {
        let mut cut = Cut { resources: 0, dropped: 0 };
        for resource in resources {
            let series = series(options, resource);
            over |= series > left;
            if over {
                cut.dropped += series;
            } else {
                left -= series;
                cut.resources += 1;
            }
        }
        cut
    };
    targets.into_iter().map(&mut cut).collect()
}

fn series(options: &Options, resource: &Resource) -> usize {
    if !options.resource_tag {
        return 0;
    }
    resource.tags.iter().filter(|(key, _)| options.include_keys.is_match(&***key)).count()
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
        }
    }

    fn options(max_series: usize) -> Options {
        let include_keys = GlobSet::builder().add(Glob::new("k*").unwrap()).build().unwrap();
        Options { resource_tag: true, include_keys, max_series, ..Options::default() }
    }

    #[test]
    fn whole_resources_are_cut_from_the_end_and_nothing_behind_the_cut_is_shown() {
        let two = || resource(tags_of([("k1", ""), ("k2", ""), ("other", "")]));
        let one = || resource(tags_of([("k1", "")]));
        let (first, second) = ([two(), two()], [two(), one()]);
        let cut = |max| cuts(&options(max), [&first[..], &second[..]]);
        assert_eq!(cut(7), [Cut { resources: 2, dropped: 0 }, Cut { resources: 2, dropped: 0 }]);
        assert_eq!(cut(6), [Cut { resources: 2, dropped: 0 }, Cut { resources: 1, dropped: 1 }]);
        assert_eq!(cut(5), [Cut { resources: 2, dropped: 0 }, Cut { resources: 0, dropped: 3 }]);
        assert_eq!(cut(3), [Cut { resources: 1, dropped: 2 }, Cut { resources: 0, dropped: 3 }]);
    }

    #[test]
    fn a_tall_metric_that_is_off_drops_nothing() {
        let options = Options { resource_tag: false, ..options(0) };
        let resources = [resource(tags_of([("k1", "")]))];
        assert_eq!(cuts(&options, [&resources[..]]), [Cut { resources: 1, dropped: 0 }]);
    }
}
