//! Storing and deleting items.

use super::conflicts::{BatchConflicts, Destination};
use super::{ApplyResult, Execution, WriteError, first_by_key};
use crate::command::Store;
use crate::command::record::Change;
use crate::command::{ItemPut, Put, Rejection};
use crate::namespace::{Item, Membership};

/// An item before and after an entry.
pub(super) struct Resolved {
    /// As stored; `None`: it is new.
    pub(super) before: Option<Item>,
    /// As it will be.
    pub(super) after: Item,
    /// Its memberships.
    pub(super) memberships: Vec<Membership>,
}

impl Resolved {
    /// Whether anything differs.
    pub(super) fn changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

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
        let Some(before) = before else {
            let Some(embedding) = put.embedding.clone() else {
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
            });
        };
        let mut after = before.clone();
        if let Some(embedding) = &put.embedding {
            after.embedding.clone_from(embedding);
        }
        if let Some(weight) = put.weight {
            after.weight = weight;
        }
        if let Some(metadata) = &put.metadata {
            after.metadata.clone_from(metadata);
        }
        let memberships = self.memberships(before.id)?;
        Ok(Resolved {
            before: Some(before),
            after,
            memberships,
        })
    }

    /// Stores a resolved item, and changes the sums of its categories. `inbox`: whether a new item
    /// stays in the inbox.
    pub(super) fn save(&mut self, resolved: &mut Resolved, inbox: bool) -> ApplyResult<(), S> {
        if !resolved.changed() {
            return Ok(());
        }
        let Resolved {
            before,
            after,
            memberships,
        } = resolved;
        if let Some(before) = before {
            self.draft.header.item_records.remove(&before.hash());
            if before.weight != after.weight || before.embedding != after.embedding {
                let is_image = self.keep_image(before);
                self.replace(before, after, is_image, memberships)?;
            }
            self.draft.header.item_records.insert(&after.hash());
            self.store.update_item(after).map_err(WriteError::Store)?;
            self.changes.push(Change::ItemUpdated {
                key: after.key.clone(),
                id: after.id,
                metadata: before.metadata.clone(),
            });
        } else {
            after.id = self
                .store
                .insert_item(after, inbox)
                .map_err(WriteError::Store)?;
            self.draft.header.items += 1;
            self.changes.push(Change::ItemCreated {
                key: after.key.clone(),
            });
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
