//! Storing and deleting items.

use super::conflicts::{BatchConflicts, Destination};
use super::resolved::{Resolved, differ};
use super::{ApplyResult, Execution, WriteError, first_by_key};
use crate::command::Store;
use crate::command::record::Change;
use crate::command::{ItemPut, Put, Rejection};
use crate::namespace::{Item, Membership};

impl<S: Store + ?Sized> Execution<'_, S> {
    pub(super) fn put_items(&mut self, puts: &[ItemPut]) -> ApplyResult<Vec<Put>, S> {
        self.check_expectations(puts.iter().map(ItemPut::expectation))?;
        let mut conflicts = BatchConflicts::default();
        let mut outcomes = Vec::with_capacity(puts.len());
        for (index, put) in puts.iter().enumerate() {
            conflicts.check(index, put, Destination::Any)?;
            let mut resolved = self.resolve(index, put)?;
            let (created, changed) = (resolved.before.is_none(), resolved.changed());
            self.save(&mut resolved, true)?;
            self.created(resolved);
            outcomes.push(Put {
                key: put.key.clone(),
                created,
                changed,
            });
        }
        Ok(outcomes)
    }

    /// The item of an entry, before and after; changes nothing.
    pub(super) fn resolve(&mut self, index: usize, put: &ItemPut) -> ApplyResult<Resolved, S> {
        let before = self.store.item(&put.key).map_err(WriteError::Store)?;
        let new = match &put.parts {
            Some(parts) => Some(self.resolve_parts(index, put, parts, before.as_ref())?),
            None => None,
        };
        let (new_parts, mean) = new.map(|new| (new.parts, new.mean)).unzip();
        let embedding = put.embedding.as_ref().or(mean.as_ref());
        let Some(before) = before else {
            let Some(embedding) = embedding.cloned() else {
                return Err(Rejection::EmbeddingNeeded {
                    index,
                    key: put.key.clone(),
                }
                .into());
            };
            let after = Item {
                id: 0,
                key: put.key.clone(),
                weight: put.weight.unwrap_or(1.0),
                embedding,
                metadata: put.metadata.clone().unwrap_or_default(),
                created_ms: self.origin.time_ms,
            };
            return Ok(Resolved {
                before: None,
                after,
                memberships: Vec::new(),
                parts: Vec::new(),
                new_parts,
            });
        };
        let mut after = before.clone();
        if let Some(embedding) = embedding {
            after.embedding.clone_from(embedding);
        }
        if let Some(weight) = put.weight {
            after.weight = weight;
        }
        if let Some(metadata) = &put.metadata {
            after.metadata.clone_from(metadata);
        }
        let memberships = self.memberships(before.id)?;
        let parts = self.parts(before.id)?;
        // An embedding of its own ends the parts.
        let new_parts = new_parts.or(put.embedding.as_ref().map(|_| Vec::new()));
        Ok(Resolved {
            before: Some(before),
            after,
            memberships,
            new_parts: new_parts.filter(|new| differ(&parts, new)),
            parts,
        })
    }

    /// Stores a resolved item, and changes the sums of its categories. `inbox`: whether a new item
    /// stays in the inbox.
    pub(super) fn save(&mut self, resolved: &mut Resolved, inbox: bool) -> ApplyResult<(), S> {
        if !resolved.changed() {
            return Ok(());
        }
        let is_composite = resolved.is_composite();
        let Resolved {
            before,
            after,
            memberships,
            parts,
            new_parts,
        } = resolved;
        if let Some(before) = before {
            let becomes_composite = is_composite && parts.is_empty();
            if before != after || becomes_composite {
                self.update(
                    before,
                    after,
                    memberships,
                    (!parts.is_empty(), is_composite),
                )?;
            }
        } else {
            after.id = self
                .store
                .insert_item(after, inbox)
                .map_err(WriteError::Store)?;
            self.draft.header.items += 1;
            self.born.insert(after.id);
            self.changes.push(Change::ItemCreated {
                key: after.key.clone(),
            });
        }
        if let Some(new) = new_parts {
            self.set_parts(after, parts, new)?;
            // Its embedding is their mean already.
            self.followers.remove(&after.id);
        }
        Ok(())
    }

    /// Overwrites an item, and changes the sums of its categories. `composite`: whether it has parts, before
    /// and after.
    fn update(
        &mut self,
        before: &Item,
        after: &Item,
        memberships: &[Membership],
        composite: (bool, bool),
    ) -> ApplyResult<(), S> {
        self.draft.header.item_records.remove(&before.hash());
        let (was_composite, is_composite) = composite;
        let embedding_changed = before.embedding != after.embedding;
        if before.weight != after.weight || embedding_changed {
            let is_image = self.keep_image(before);
            self.replace(before, after, is_image, memberships)?;
        } else if !was_composite && is_composite {
            self.keep_image(before);
        }
        self.draft.header.item_records.insert(&after.hash());
        self.store.update_item(after).map_err(WriteError::Store)?;
        let (key, id) = (after.key.clone(), after.id);
        let metadata = before.metadata.clone();
        self.changes.push(if was_composite && is_composite {
            let followed = before.weight == after.weight && before.metadata == after.metadata;
            Change::CompositeUpdated {
                key,
                id,
                metadata,
                followed,
            }
        } else {
            Change::ItemUpdated { key, id, metadata }
        });
        if embedding_changed && !was_composite {
            self.embedding_changed(after.id)?;
        }
        Ok(())
    }

    /// Leaves a new item to be hashed when the hashes of the draft are finalized.
    pub(super) fn created(&mut self, resolved: Resolved) {
        if resolved.before.is_none() {
            self.draft.created.push(resolved.after);
        }
    }

    pub(super) fn delete_items(
        &mut self,
        keys: &[String],
        allow_missing: bool,
    ) -> ApplyResult<u64, S> {
        let first = first_by_key(keys.iter().map(String::as_str));
        let mut deleted = 0;
        for (index, key) in keys.iter().enumerate() {
            if first[key.as_str()] != index {
                continue;
            }
            match self.store.item(key).map_err(WriteError::Store)? {
                Some(item) => {
                    self.delete_item(&item)?;
                    deleted += 1;
                }
                None if allow_missing => {}
                None => {
                    return Err(Rejection::ItemNotFound {
                        index,
                        key: key.clone(),
                    }
                    .into());
                }
            }
        }
        Ok(deleted)
    }

    /// Takes an item out of all its categories and deletes it; returns the categories.
    pub(super) fn delete_item(&mut self, item: &Item) -> ApplyResult<Vec<String>, S> {
        let left = self.leave_all(item)?;
        self.end_dismissals_of_item(item)?;
        self.end_parts_of_item(item)?;
        self.keep_image(item);
        self.store.delete_item(item).map_err(WriteError::Store)?;
        self.draft.header.items -= 1;
        self.draft.header.item_records.remove(&item.hash());
        self.changes.push(Change::ItemDeleted {
            key: item.key.clone(),
            id: item.id,
            metadata: item.metadata.clone(),
            created_ms: Some(item.created_ms),
        });
        Ok(left)
    }

    /// Takes an item out of all its categories; returns their keys.
    pub(super) fn leave_all(&mut self, item: &Item) -> ApplyResult<Vec<String>, S> {
        let memberships = self.memberships(item.id)?;
        let mut left = Vec::with_capacity(memberships.len());
        for (index, membership) in memberships.iter().enumerate() {
            let last = index + 1 == memberships.len();
            left.push(self.leave(item, membership, last)?.to_string());
        }
        Ok(left)
    }
}
