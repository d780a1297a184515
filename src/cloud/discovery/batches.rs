//! Ids in batches, which become smaller where the cloud wants it. Pure.

/// The ids that are still to be asked for.
pub(super) struct Batches<'a, T> {
    rest: &'a [T],
    /// Parts of a batch that was refused, the last one first.
    halves: Vec<&'a [T]>,
}

impl<'a, T> Batches<'a, T> {
    pub fn of(all: &'a [T]) -> Self {
        Self { rest: all, halves: Vec::new() }
    }

    /// The next batch, of at most `size`.
    pub fn next(&mut self, size: usize) -> Option<&'a [T]> {
        if let Some(half) = self.halves.pop() {
            return Some(half);
        }
        let (batch, rest) = self.rest.split_at(self.rest.len().min(size));
        self.rest = rest;
        (!batch.is_empty()).then_some(batch)
    }

    /// Takes a batch back in two halves.
    pub fn halve(&mut self, batch: &'a [T]) {
        let (first, second) = batch.split_at(batch.len() / 2);
        self.halves.extend([second, first]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_is_refused_for_one_id_is_halved_down_to_it_and_no_other_is_lost() {
        let ids: Vec<_> = (0..25).collect();
        let mut batches = Batches::of(&ids);
        let (mut asked, mut refused, mut requests) = (Vec::new(), Vec::new(), 0);
        while let Some(batch) = batches.next(10) {
            requests += 1;
            match batch {
                [id] if *id == 13 => refused.push(*id),
                batch if batch.contains(&13) => batches.halve(batch),
                batch => asked.extend_from_slice(batch),
            }
        }
        assert_eq!(refused, [13]);
        assert_eq!(asked, ids.iter().copied().filter(|id| *id != 13).collect::<Vec<_>>());
        assert!(requests <= 3 + 2 * 4, "{requests}");
    }

    #[test]
    fn a_smaller_size_holds_from_the_next_batch_on() {
        let ids: Vec<_> = (0..6).collect();
        let mut batches = Batches::of(&ids);
        assert_eq!(batches.next(4), Some(&ids[..4]));
        assert_eq!(batches.next(1), Some(&ids[4..5]));
        assert_eq!(batches.next(4), Some(&ids[5..]));
        assert_eq!(batches.next(4), None);
    }
}
