//! Conflicts among the entries of one command: two entries that set different values for the same
//! item.

use rustc_hash::FxHashMap;

use crate::command::{ItemPut, PartPut, Rejection};
use crate::settings::Metadata;

/// The values that earlier entries have set, by item.
#[derive(Default)]
pub(super) struct BatchConflicts<'a> {
    items: FxHashMap<&'a str, Values<'a>>,
}

/// The first value of each field, and the entry that has set it.
#[derive(Default)]
struct Values<'a> {
    embedding: Option<(usize, Source<'a>)>,
    weight: Option<(usize, f32)>,
    metadata: Option<(usize, &'a Metadata)>,
    destination: Option<(usize, Destination<'a>)>,
}

/// What the embedding of an item is to be.
#[derive(Clone, Copy)]
enum Source<'a> {
    Embedding(&'a [f32]),
    Parts(&'a [PartPut]),
}

impl PartialEq for Source<'_> {
    /// Parts may be in any order.
    fn eq(&self, other: &Self) -> bool {
        let sorted = |parts: &[PartPut]| {
            let mut parts: Vec<_> = parts
                .iter()
                .map(|own| (own.item.clone(), own.weight))
                .collect();
            parts.sort_by(|a, b| a.0.cmp(&b.0));
            parts
        };
        match (self, other) {
            (Self::Embedding(own), Self::Embedding(other)) => own == other,
            (Self::Parts(own), Self::Parts(other)) => sorted(own) == sorted(other),
            _ => false,
        }
    }
}

/// The place of an item after an entry, as far as entries must agree on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination<'a> {
    /// Entries may name different categories.
    Any,
    /// This category; for an unassignment: out of this category.
    Category(&'a str),
    /// Out of all categories.
    Unassigned,
    /// Deleted.
    Deleted,
}

impl<'a> BatchConflicts<'a> {
    /// Adds the values of an entry; rejects it if an earlier entry has set other ones.
    pub(super) fn check(
        &mut self,
        index: usize,
        item: &'a ItemPut,
        destination: Destination<'a>,
    ) -> Result<(), Rejection> {
        let values = self.items.entry(&item.key).or_default();
        let embedding = item.embedding.as_deref().map(Source::Embedding);
        let embedding = embedding.or(item.parts.as_deref().map(Source::Parts));
        let metadata = item.metadata.as_ref();
        let first = conflict(&mut values.embedding, index, embedding)
            .or(conflict(&mut values.weight, index, item.weight))
            .or(conflict(&mut values.metadata, index, metadata))
            .or(conflict(&mut values.destination, index, Some(destination)));
        reject(first, index, &item.key)
    }

    /// Adds the destination of an entry that sets nothing else.
    pub(super) fn check_destination(
        &mut self,
        index: usize,
        key: &'a str,
        destination: Destination<'a>,
    ) -> Result<(), Rejection> {
        let values = self.items.entry(key).or_default();
        let first = conflict(&mut values.destination, index, Some(destination));
        reject(first, index, key)
    }
}

/// Keeps the first value; returns the entry that has set it if this one differs.
fn conflict<T: PartialEq + Copy>(
    first: &mut Option<(usize, T)>,
    index: usize,
    value: Option<T>,
) -> Option<usize> {
    match (&first, value) {
        (Some((entry, before)), Some(value)) if *before != value => Some(*entry),
        (None, Some(value)) => {
            *first = Some((index, value));
            None
        }
        _ => None,
    }
}

fn reject(first: Option<usize>, index: usize, key: &str) -> Result<(), Rejection> {
    match first {
        Some(first) => Err(Rejection::ConflictingEntries {
            index,
            first,
            key: key.to_owned(),
        }),
        None => Ok(()),
    }
}
