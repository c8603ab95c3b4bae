//! Composite items: the embedding of an item that has parts is the weighted mean of theirs.
//!
//! The embedding follows the parts. A composite whose parts have changed is kept in `followers`, and gets
//! its new embedding when the command ends: once, however many of its parts have changed, and whatever
//! their means were on the way. So the order of the entries does not matter.
//!
//! A composite cannot be a part. One that loses its last part keeps the embedding that it had, as a plain
//! item. A plain item that gets parts is logged as changed even if its embedding stays equal, since an
//! undo must bring back the embedding that it had on its own.

use rustc_hash::FxHashMap;

use super::resolved::{NewPart, Resolved};
use super::{ApplyResult, Execution, WriteError};
use crate::command::bounds::{MAX_COMPOSITES, MAX_PARTS};
use crate::command::record::Change;
use crate::command::{ItemPut, PartPut, Rejection, Store};
use crate::namespace::{Item, Part, PartsMean, part_hash};

/// Memberships that are read in the time in which an item is read with its embedding.
const PART_SHARE: u64 = 2;

/// Memberships that are read in the time in which the parts or the composites of an item are counted.
const COUNT_SHARE: u64 = 4;

/// How many parts items have, and how many composites they are in, as far as a command has asked.
#[derive(Debug, Default)]
pub(super) struct PartCounts {
    parts: FxHashMap<i64, usize>,
    composites: FxHashMap<i64, usize>,
}

/// The parts that an entry gives to an item, and their mean.
#[derive(Debug)]
pub(super) struct NewParts {
    pub(super) parts: Vec<NewPart>,
    pub(super) mean: Vec<f32>,
}

impl<S: Store + ?Sized> Execution<'_, S> {
    /// The parts of an item. A namespace without any is not searched for them.
    pub(super) fn parts(&mut self, composite: i64) -> ApplyResult<Vec<Part>, S> {
        if self.draft.header.parts == 0 {
            return Ok(Vec::new());
        }
        let found = self.store.parts(composite).map_err(WriteError::Store)?;
        self.read_memberships(found.len() as u64)?;
        Ok(found)
    }

    /// What an item is a part of.
    fn parts_with(&mut self, item: i64) -> ApplyResult<Vec<Part>, S> {
        if self.draft.header.parts == 0 {
            return Ok(Vec::new());
        }
        let found = self.store.parts_with(item).map_err(WriteError::Store)?;
        self.read_memberships(found.len() as u64)?;
        Ok(found)
    }

    fn part_item(&mut self, part: &Part) -> ApplyResult<Item, S> {
        self.read_memberships(PART_SHARE)?;
        let item = self.store.item_by_id(part.item);
        item.map_err(WriteError::Store)
    }

    /// Finds the parts that an entry gives to an item; changes nothing. `before`: the item as stored.
    pub(super) fn resolve_parts(
        &mut self,
        index: usize,
        put: &ItemPut,
        new: &[PartPut],
        before: Option<&Item>,
    ) -> ApplyResult<NewParts, S> {
        let item = || put.key.clone();
        if let Some(before) = before
            && let Some(first) = self.parts_with(before.id)?.first()
        {
            let composite = self.store.item_by_id(first.composite);
            return Err(Rejection::CompositeIsPart {
                index,
                item: item(),
                composite: composite.map_err(WriteError::Store)?.key,
            }
            .into());
        }
        let mut mean = PartsMean::new(self.published.settings());
        let mut parts = Vec::with_capacity(new.len());
        for (place, part) in new.iter().enumerate() {
            if part.item == put.key {
                let (part, item) = (place, item());
                return Err(Rejection::PartOfItself { index, part, item }.into());
            }
            self.read_memberships(PART_SHARE)?;
            let found = self.store.item(&part.item).map_err(WriteError::Store)?;
            let Some(found) = found else {
                return Err(Rejection::PartNotFound {
                    index,
                    part: place,
                    item: item(),
                    key: part.item.clone(),
                }
                .into());
            };
            if !self.parts(found.id)?.is_empty() {
                return Err(Rejection::PartIsComposite {
                    index,
                    part: place,
                    item: item(),
                    key: found.key,
                }
                .into());
            }
            mean.add(part.weight, &found.embedding);
            parts.push(NewPart {
                item: found.id,
                key: found.key,
                weight: part.weight,
            });
        }
        let mean = self.embedding(&put.key, mean)?;
        Ok(NewParts { parts, mean })
    }

    /// Gives an item the parts of an entry instead of those that it has.
    pub(super) fn set_parts(
        &mut self,
        composite: &Item,
        old: &[Part],
        new: &[NewPart],
    ) -> ApplyResult<(), S> {
        let weights: FxHashMap<i64, f32> = new.iter().map(|own| (own.item, own.weight)).collect();
        let kept: FxHashMap<i64, f32> = old.iter().map(|own| (own.item, own.weight)).collect();
        for part in old {
            if weights.get(&part.item) != Some(&part.weight) {
                let key = self.part_item(part)?.key;
                self.remove_part(&composite.key, &key, part)?;
            }
        }
        for part in new {
            if kept.get(&part.item) != Some(&part.weight) {
                self.add_part(composite, part.item, &part.key, part.weight)?;
            }
        }
        Ok(())
    }

    /// Takes a deleted item out of the composites that it is a part of, and its own parts from it.
    pub(super) fn end_parts_of_item(&mut self, item: &Item) -> ApplyResult<(), S> {
        for part in self.parts(item.id)? {
            let key = self.part_item(&part)?.key;
            self.remove_part(&item.key, &key, &part)?;
        }
        for part in self.parts_with(item.id)? {
            self.read_memberships(PART_SHARE)?;
            let composite = self.store.item_by_id(part.composite);
            let key = composite.map_err(WriteError::Store)?.key;
            self.remove_part(&key, &item.key, &part)?;
        }
        self.followers.remove(&item.id);
        Ok(())
    }

    /// Adds a part that a change has removed, or an undo brings back. A plain item becomes composite.
    pub(super) fn restore_part(
        &mut self,
        composite: &Item,
        part: &Item,
        weight: f32,
    ) -> ApplyResult<(), S> {
        let count = self.part_count(composite.id)?;
        if count >= MAX_PARTS {
            let item = composite.key.clone();
            return Err(Rejection::TooManyParts { item }.into());
        }
        if count == 0 && !self.born.contains(&composite.id) {
            self.keep_image(composite);
            self.changes.push(Change::Composed {
                key: composite.key.clone(),
                id: composite.id,
                metadata: composite.metadata.clone(),
            });
        }
        self.add_part(composite, part.id, &part.key, weight)
    }

    fn add_part(
        &mut self,
        composite: &Item,
        id: i64,
        key: &str,
        weight: f32,
    ) -> ApplyResult<(), S> {
        if self.composite_count(id)? >= MAX_COMPOSITES {
            return Err(Rejection::TooManyComposites {
                item: composite.key.clone(),
                part: key.to_owned(),
            }
            .into());
        }
        self.change_memberships(1)?;
        let part = Part {
            composite: composite.id,
            item: id,
            weight,
        };
        self.store.insert_part(&part).map_err(WriteError::Store)?;
        self.count_part(&part, 1);
        let hash = part_hash(&composite.key, key, weight);
        self.draft.header.item_records.insert(&hash);
        self.changes.push(Change::PartAdded {
            item: composite.key.clone(),
            part: key.to_owned(),
            weight,
        });
        Ok(())
    }

    /// Removes a part of a composite, given the keys of both.
    pub(super) fn remove_part(
        &mut self,
        composite: &str,
        key: &str,
        part: &Part,
    ) -> ApplyResult<(), S> {
        self.change_memberships(1)?;
        self.store.delete_part(part).map_err(WriteError::Store)?;
        self.count_part(part, -1);
        let hash = part_hash(composite, key, part.weight);
        self.draft.header.item_records.remove(&hash);
        self.changes.push(Change::PartRemoved {
            item: composite.to_owned(),
            part: key.to_owned(),
            weight: part.weight,
        });
        Ok(())
    }

    /// Accounts for a part that has come or gone.
    fn count_part(&mut self, part: &Part, change: i8) {
        let header = &mut self.draft.header;
        header.parts = header.parts.strict_add_signed(i64::from(change));
        let PartCounts { parts, composites } = &mut self.part_counts;
        let counts = [
            parts.get_mut(&part.composite),
            composites.get_mut(&part.item),
        ];
        for count in counts.into_iter().flatten() {
            *count = count.strict_add_signed(isize::from(change));
        }
        self.followers.insert(part.composite);
    }

    fn part_count(&mut self, composite: i64) -> ApplyResult<usize, S> {
        if let Some(&count) = self.part_counts.parts.get(&composite) {
            return Ok(count);
        }
        let count = self.counted(|store| store.part_count(composite))?;
        self.part_counts.parts.insert(composite, count);
        Ok(count)
    }

    fn composite_count(&mut self, item: i64) -> ApplyResult<usize, S> {
        if let Some(&count) = self.part_counts.composites.get(&item) {
            return Ok(count);
        }
        let count = self.counted(|store| store.composite_count(item))?;
        self.part_counts.composites.insert(item, count);
        Ok(count)
    }

    fn counted(
        &mut self,
        count: impl FnOnce(&mut S) -> Result<usize, S::Error>,
    ) -> ApplyResult<usize, S> {
        if self.draft.header.parts == 0 {
            return Ok(0);
        }
        self.read_memberships(COUNT_SHARE)?;
        count(self.store).map_err(WriteError::Store)
    }

    /// Keeps the composites that an item is a part of, to follow its new embedding.
    pub(super) fn embedding_changed(&mut self, item: i64) -> ApplyResult<(), S> {
        let composites = self.parts_with(item)?;
        let composites = composites.into_iter().map(|part| part.composite);
        self.followers.extend(composites);
        Ok(())
    }

    /// Gives composites whose parts have changed their new embeddings.
    pub(super) fn follow_parts(&mut self) -> ApplyResult<(), S> {
        for id in std::mem::take(&mut self.followers) {
            // Each part is accounted for when its item is read.
            let parts = self.store.parts(id).map_err(WriteError::Store)?;
            if parts.is_empty() {
                continue;
            }
            let before = self.store.item_by_id(id).map_err(WriteError::Store)?;
            let mut mean = PartsMean::new(self.published.settings());
            for part in &parts {
                let item = self.part_item(part)?;
                mean.add(part.weight, &item.embedding);
            }
            let embedding = self.embedding(&before.key, mean)?;
            if embedding == before.embedding {
                continue;
            }
            self.change_memberships(1)?;
            let memberships = self.memberships(id)?;
            let after = Item {
                embedding,
                ..before.clone()
            };
            let mut resolved = Resolved {
                before: Some(before),
                after,
                memberships,
                parts,
                new_parts: None,
            };
            self.save(&mut resolved, false)?;
        }
        Ok(())
    }

    /// A mean in the form in which the namespace stores vectors.
    fn embedding(&self, composite: &str, mean: PartsMean) -> Result<Vec<f32>, Rejection> {
        mean.embedding(self.published.settings())
            .map_err(|error| Rejection::DegenerateComposite {
                item: composite.to_owned(),
                reason: error.to_string(),
            })
    }
}
