//! Whether the entries of one batch agree on what they say of the same item.

use rustc_hash::FxHashMap;

use crate::command::{ItemPut, Refusal};
use crate::settings::Metadata;

/// What earlier entries have said of each item.
#[derive(Default)]
pub(super) struct Claims<'a> {
    items: FxHashMap<&'a str, Claim<'a>>,
}

#[derive(Default)]
struct Claim<'a> {
    embedding: Option<(usize, &'a [f32])>,
    weight: Option<(usize, f32)>,
    metadata: Option<(usize, &'a Metadata)>,
    place: Option<(usize, Place<'a>)>,
}

/// Where an entry says that an item belongs, as far as entries have to agree on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Entries may name different categories.
    Any,
    /// This one (or out of this one).
    Category(&'a str),
    /// Nowhere: out of all.
    Nowhere,
    /// Deleted.
    Deleted,
}

impl<'a> Claims<'a> {
    /// Takes in what an entry says; refuses it if an earlier one says otherwise.
    pub(super) fn agree(
        &mut self,
        index: usize,
        item: &'a ItemPut,
        place: Place<'a>,
    ) -> Result<(), Refusal> {
        let claim = self.items.entry(&item.key).or_default();
        let embedding = item.embedding.as_deref();
        let first = conflict(&mut claim.embedding, index, embedding)
            .or(conflict(&mut claim.weight, index, item.weight))
            .or(conflict(&mut claim.metadata, index, item.metadata.as_ref()))
            .or(conflict(&mut claim.place, index, Some(place)));
        refuse(first, index, &item.key)
    }

    /// Takes in where an entry says that an item belongs.
    pub(super) fn agree_on_place(
        &mut self,
        index: usize,
        key: &'a str,
        place: Place<'a>,
    ) -> Result<(), Refusal> {
        let claim = self.items.entry(key).or_default();
        refuse(conflict(&mut claim.place, index, Some(place)), index, key)
    }
}

/// Takes in what entry `index` says; returns the entry that said something else before.
fn conflict<T: PartialEq + Copy>(
    said: &mut Option<(usize, T)>,
    index: usize,
    now: Option<T>,
) -> Option<usize> {
    match (&said, now) {
        (Some((first, before)), Some(now)) if *before != now => Some(*first),
        (None, Some(now)) => {
            *said = Some((index, now));
            None
        }
        _ => None,
    }
}

fn refuse(first: Option<usize>, index: usize, key: &str) -> Result<(), Refusal> {
    match first {
        Some(first) => Err(Refusal::Contradiction {
            index,
            first,
            key: key.to_owned(),
        }),
        None => Ok(()),
    }
}
