//! Undo: the inverses of changes, the newest first.
//!
//! A plan has no conflicts, or leaves conflicting changes out, so each inverse finds what its change
//! has left. The sums of the categories that it changes are written with its commit, so its log entry
//! needs no effects: an item may be changed and deleted in it, and a replay would find neither state.

use std::sync::Arc;

use super::resolved::Resolved;
use super::{ApplyResult, Execution, WriteError};
use crate::command::bounds::MAX_MEMBERSHIPS;
use crate::command::record::{Change, ItemImage};
use crate::command::undo::{Reversal, UndoPlan};
use crate::command::{Rejection, Store, UNDO_LISTED, Undone, UndoneChange};
use crate::namespace::{CategoryDraft, CategoryRecord, Item};

impl<S: Store + ?Sized> Execution<'_, S> {
    pub(super) fn undo(&mut self, plan: &UndoPlan) -> ApplyResult<Undone, S> {
        if plan.revision != self.batch.header.revision {
            return Err(WriteError::Unprepared);
        }
        if !plan.skip_conflicts && !plan.conflicts.is_empty() {
            return Err(Rejection::UndoConflicts(plan.conflicts.clone()).into());
        }
        // Sums are built here: those of the members as they are now would be of no use.
        self.prepared = None;
        for reversal in &plan.reversals {
            self.reverse(reversal)?;
            self.undone.resize(self.changes.len(), reversal.revision);
        }
        let made = self.changes.len();
        self.follow_parts()?;
        self.undone.resize(self.changes.len(), 0);
        self.effects.clear();
        let categories = self.draft.categories.values_mut().flatten();
        for category in categories.filter(|category| category.changed) {
            category.rebuilt = true;
        }
        let done = self.changes[..made].iter().zip(&self.undone);
        let done = done.take(UNDO_LISTED);
        let done = done.map(|(change, &undoes)| UndoneChange {
            undoes,
            kind: change.kind(),
            item: change.item().unwrap_or_default().to_owned(),
            category: change
                .category()
                .map(ToString::to_string)
                .unwrap_or_default(),
        });
        Ok(Undone {
            changes: done.collect(),
            change_count: made as u64,
            skipped: plan.conflicts.iter().take(UNDO_LISTED).cloned().collect(),
            skipped_count: plan.conflicts.len() as u64,
        })
    }

    fn reverse(&mut self, reversal: &Reversal) -> ApplyResult<(), S> {
        let image = reversal.image.as_ref();
        match &reversal.change {
            Change::NamespaceCreated => Ok(()),
            Change::ProfileUpdated {
                description,
                labels,
                ranking,
                history_keep,
            } => {
                let mut profile = self.profile().clone();
                profile.description.clone_from(description);
                profile.labels.clone_from(labels);
                profile.ranking = *ranking;
                profile.history_keep = *history_keep;
                self.set_profile(profile);
                Ok(())
            }
            Change::CategoryCreated { key } => {
                let draft = self.found(key).clone();
                self.delete_category(draft)?;
                Ok(())
            }
            Change::CategoryDeleted { before } => self.insert_category(before.clone()),
            Change::CategoryUpdated { before } => {
                self.charge_rebuild(&before.key)?;
                let anchor = self.found(&before.key).category.anchor;
                let after = CategoryRecord {
                    anchor,
                    ..before.clone()
                };
                self.set_category(&after)?;
                Ok(())
            }
            Change::Reanchored { key, before } => {
                self.charge_rebuild(key)?;
                self.set_anchor(key, *before)
            }
            Change::CategoryRenamed { from, to } => {
                self.charge_rebuild(to)?;
                self.set_key(to, from)
            }
            Change::ItemCreated { key } => {
                let item = self.stored(key)?;
                self.delete_item(&item)?;
                Ok(())
            }
            Change::ItemDeleted {
                key,
                metadata,
                created_ms,
                ..
            } => {
                let image = image.expect("the log has the embedding of a deleted item");
                let after = Item {
                    id: 0,
                    key: key.clone(),
                    weight: image.weight,
                    embedding: image.embedding.clone(),
                    metadata: metadata.clone(),
                    created_ms: created_ms.expect("else it is a conflict"),
                };
                self.put(Resolved {
                    before: None,
                    after,
                    memberships: Vec::new(),
                    parts: Vec::new(),
                    new_parts: None,
                })
            }
            // Its embedding follows when its parts have theirs back.
            Change::CompositeUpdated { followed: true, .. } => Ok(()),
            Change::ItemUpdated { key, metadata, .. }
            | Change::CompositeUpdated { key, metadata, .. } => {
                let before = self.stored(key)?;
                let parts = self.parts(before.id)?;
                let mut after = before.clone();
                after.metadata.clone_from(metadata);
                if let Some(ItemImage {
                    weight, embedding, ..
                }) = image
                {
                    after.weight = *weight;
                    if parts.is_empty() {
                        after.embedding.clone_from(embedding);
                    }
                }
                if before == after {
                    // It is a change all the same: each one that is taken back has one in the log that
                    // says so. The embedding may be equal by chance, or follow parts that are back.
                    self.keep_image(&before);
                    let (key, id) = (after.key, after.id);
                    let metadata = before.metadata;
                    self.changes.push(if parts.is_empty() {
                        Change::ItemUpdated { key, id, metadata }
                    } else {
                        let followed = false;
                        Change::CompositeUpdated {
                            key,
                            id,
                            metadata,
                            followed,
                        }
                    });
                    return Ok(());
                }
                let memberships = self.memberships(before.id)?;
                self.put(Resolved {
                    before: Some(before),
                    after,
                    memberships,
                    parts,
                    new_parts: None,
                })
            }
            Change::Composed { key, .. } => {
                let before = self.stored(key)?;
                let parts = self.parts(before.id)?;
                if !parts.is_empty() {
                    return Ok(());
                }
                let image =
                    image.expect("the log has the embedding of an item that became composite");
                let after = Item {
                    embedding: image.embedding.clone(),
                    ..before.clone()
                };
                let memberships = self.memberships(before.id)?;
                self.put(Resolved {
                    before: Some(before),
                    after,
                    memberships,
                    parts,
                    new_parts: None,
                })
            }
            Change::PartAdded { item, part, .. } => {
                let (composite, item) = (self.stored(item)?, self.stored(part)?);
                let parts = self.parts(composite.id)?;
                let part = parts.iter().find(|own| own.item == item.id);
                let part = part.expect("nothing has removed the part since");
                self.remove_part(&composite.key, &item.key, part)
            }
            Change::PartRemoved { item, part, weight } => {
                let (composite, part) = (self.stored(item)?, self.stored(part)?);
                self.restore_part(&composite, &part, *weight)
            }
            Change::Joined { item, category } => {
                let item = self.stored(item)?;
                let id = self.found(category).category.id;
                let memberships = self.memberships(item.id)?;
                let membership = memberships.iter().find(|own| own.category == id);
                let membership = membership.expect("nothing has ended the membership since");
                self.leave(&item, membership, memberships.len() == 1)?;
                Ok(())
            }
            Change::Dismissed { item, category } => {
                let item = self.stored(item)?;
                let own = &self.found(category).category;
                let (id, key) = (own.id, Arc::clone(&own.key));
                self.end_dismissal(&item, id, &key)?;
                Ok(())
            }
            Change::DismissalEnded {
                item,
                category,
                origin,
            } => {
                let item = self.stored(item)?;
                let own = &self.found(category).category;
                let (id, key) = (own.id, Arc::clone(&own.key));
                self.begin_dismissal(&item, id, &key, origin.clone())
            }
            Change::Left {
                item,
                category,
                sequence,
                origin,
            } => {
                let item = self.stored(item)?;
                let key = Arc::clone(&self.found(category).category.key);
                let from_inbox = self.memberships(item.id)?.is_empty();
                self.rejoin(&item, &key, *sequence, origin, from_inbox)
            }
        }
    }

    /// A category that the plan has found to exist.
    fn found(&mut self, key: &str) -> &mut CategoryDraft {
        let found = self.category(key);
        found.expect("nothing has deleted the category since")
    }

    /// An item that the plan has found to exist.
    fn stored(&mut self, key: &str) -> ApplyResult<Item, S> {
        let item = self.store.item(key).map_err(WriteError::Store)?;
        Ok(item.expect("nothing has deleted the item since"))
    }

    fn put(&mut self, mut resolved: Resolved) -> ApplyResult<(), S> {
        self.save(&mut resolved, true)?;
        self.created(resolved);
        Ok(())
    }

    /// Accounts for what is built from all members, since other writes wait for it.
    fn charge_rebuild(&mut self, key: &str) -> ApplyResult<(), S> {
        let members = self.found(key).category.stats.members;
        if self.bounded && members > MAX_MEMBERSHIPS {
            let category = Some(key.to_owned());
            return Err(Rejection::TooManyMemberships { category, members }.into());
        }
        Ok(self.change_memberships(members)?)
    }
}
