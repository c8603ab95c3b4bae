//! Creating, changing, reanchoring and deleting categories.

use std::sync::Arc;

use super::{ApplyResult, Execution, WriteError, first_by_key};
use crate::command::bounds::{MAX_MEMBERSHIPS, READ_SHARE};
use crate::command::record::Change;
use crate::command::{CategoryPut, Put, Rejection};
use crate::command::{MAX_REBUILD, Store};
use crate::namespace::CategoryRecord;
use crate::namespace::{CategoryDraft, CategoryView};
use crate::settings::{CategorySettings, MembershipMode};

/// Members read at a time while a category is deleted.
const SCAN: usize = 512;

impl<S: Store + ?Sized> Execution<'_, S> {
    pub(super) fn put_categories(&mut self, puts: &[CategoryPut]) -> ApplyResult<Vec<Put>, S> {
        let first = first_by_key(puts.iter().map(|put| put.key.as_str()));
        let mut outcomes = Vec::with_capacity(puts.len());
        for (index, put) in puts.iter().enumerate() {
            let first = first[put.key.as_str()];
            if puts[first] != *put {
                let key = put.key.clone();
                return Err(Rejection::ConflictingEntries { index, first, key }.into());
            }
            outcomes.push(match self.category(&put.key) {
                Some(_) => self.update_category(put)?,
                None => self.create_category(put)?,
            });
        }
        Ok(outcomes)
    }

    fn create_category(&mut self, put: &CategoryPut) -> ApplyResult<Put, S> {
        let record = CategoryRecord {
            key: Arc::from(put.key.as_str()),
            settings: changed_settings(CategorySettings::default(), put),
            base: put.base.clone().flatten(),
            metadata: put.metadata.clone().unwrap_or_default(),
            anchor: 0,
            created_ms: self.origin.time_ms,
        };
        self.insert_category(record)?;
        Ok(Put {
            key: put.key.clone(),
            created: true,
            changed: true,
        })
    }

    fn update_category(&mut self, put: &CategoryPut) -> ApplyResult<Put, S> {
        let draft = self.category(&put.key).expect("the caller has found it");
        let mut after = draft.record();
        after.settings = changed_settings(after.settings, put);
        if let Some(base) = &put.base {
            after.base.clone_from(base);
        }
        if let Some(metadata) = &put.metadata {
            after.metadata.clone_from(metadata);
        }
        let changed = self.set_category(&after)?;
        Ok(Put {
            key: put.key.clone(),
            created: false,
            changed,
        })
    }

    /// Stores a new category.
    pub(super) fn insert_category(&mut self, record: CategoryRecord) -> ApplyResult<(), S> {
        let id = self
            .store
            .insert_category(&record)
            .map_err(WriteError::Store)?;
        let key = Arc::clone(&record.key);
        let settings = self.published.settings();
        let ranking = self.published.profile().ranking;
        let mut category = CategoryDraft::create(settings, ranking, id, record);
        category.touch();
        self.draft.header.categories += 1;
        self.draft.keys.insert(id, Arc::clone(&key));
        self.draft
            .categories
            .insert(Arc::clone(&key), Some(category));
        self.changes.push(Change::CategoryCreated { key });
        Ok(())
    }

    /// Sets base, settings and metadata of a category that exists. Returns whether anything differs.
    pub(super) fn set_category(&mut self, after: &CategoryRecord) -> ApplyResult<bool, S> {
        let draft = self.category(&after.key).expect("the caller has found it");
        let before = draft.record();
        // Equal values may still differ by a bit, the sign of a zero. Such a value is not stored, so it
        // must not reach the draft either, on which later commands of the batch build.
        if *after == before {
            return Ok(false);
        }
        let id = draft.category.id;
        draft.category.settings = after.settings;
        draft.category.has_base = after.base.is_some();
        draft.category.metadata = Arc::new(after.metadata.clone());
        draft.base.clone_from(&after.base);
        draft.touch();
        let by_actor = after.settings.max_actor_share.is_some();
        let needs_actors = by_actor && draft.category.actors.is_none();
        draft.keep_actors(by_actor);
        let counts = |s: &CategorySettings| (s.window, s.frozen);
        if needs_actors || counts(&after.settings) != counts(&before.settings) {
            self.rebuild(&after.key)?;
        }
        self.store
            .update_category(id, after)
            .map_err(WriteError::Store)?;
        self.changes.push(Change::CategoryUpdated { before });
        Ok(true)
    }

    pub(super) fn reanchor(&mut self, key: &str, keep_last: u32) -> ApplyResult<CategoryView, S> {
        let Some(draft) = self.category(key) else {
            return Err(Rejection::CategoryNotFound {
                index: 0,
                key: key.to_owned(),
            }
            .into());
        };
        let id = draft.category.id;
        let members = draft.category.stats.members;
        let anchor = match self.prepared {
            Some(prepared) if members > MAX_REBUILD => {
                let sum = prepared.sum(self.batch.header.revision, id);
                sum.ok_or(WriteError::Unprepared)?.anchor
            }
            _ => {
                // The newest member that stops counting; `None` if all continue.
                let last = u64::from(keep_last);
                let newest_behind = self.store.nth_newest_member(id, 0, u64::MAX, last);
                let newest_behind = newest_behind.map_err(WriteError::Store)?;
                newest_behind.map_or(0, |(sequence, _)| sequence)
            }
        };
        self.set_anchor(key, anchor)?;
        Ok(self.category(key).expect("as before").view(false))
    }

    /// Sets the anchor of a category that exists.
    pub(super) fn set_anchor(&mut self, key: &str, anchor: u64) -> ApplyResult<(), S> {
        let draft = self.category(key).expect("the caller has found it");
        let before = draft.category.anchor;
        if anchor == before {
            return Ok(());
        }
        draft.category.anchor = anchor;
        let (id, record) = (draft.category.id, draft.record());
        self.store
            .update_category(id, &record)
            .map_err(WriteError::Store)?;
        self.rebuild(key)?;
        self.changes.push(Change::Reanchored {
            key: record.key,
            before,
        });
        Ok(())
    }

    pub(super) fn delete_categories(
        &mut self,
        keys: &[String],
        allow_missing: bool,
    ) -> ApplyResult<(u64, u64), S> {
        let first = first_by_key(keys.iter().map(String::as_str));
        let (mut deleted, mut unassigned) = (0, 0);
        for (index, key) in keys.iter().enumerate() {
            if first[key.as_str()] != index {
                continue;
            }
            match self.category(key) {
                Some(draft) => {
                    let draft = draft.clone();
                    unassigned += self.delete_category(draft)?;
                    deleted += 1;
                }
                None if allow_missing => {}
                None => {
                    return Err(Rejection::CategoryNotFound {
                        index,
                        key: key.clone(),
                    }
                    .into());
                }
            }
        }
        Ok((deleted, unassigned))
    }

    /// Deletes a category and ends its memberships. Its sum is deleted with it, so nothing is
    /// subtracted and the log needs no effects.
    pub(super) fn delete_category(&mut self, mut draft: CategoryDraft) -> ApplyResult<u64, S> {
        self.draft.drifts.extend(draft.take_drifts());
        let single = self.published.settings().membership == MembershipMode::Single;
        let (id, key) = (draft.category.id, Arc::clone(&draft.category.key));
        let members = draft.category.stats.members;
        if self.work + members.saturating_mul(READ_SHARE) > MAX_MEMBERSHIPS * READ_SHARE {
            return Err(Rejection::TooManyMemberships {
                category: Some(key.to_string()),
                members,
            }
            .into());
        }
        let mut unassigned = 0;
        loop {
            let members = self.store.members(id, 0, SCAN).map_err(WriteError::Store)?;
            self.read_memberships(members.len() as u64)?;
            for member in &members {
                let item = self
                    .store
                    .item_by_id(member.item)
                    .map_err(WriteError::Store)?;
                let last = single || self.memberships(item.id)?.len() == 1;
                self.end_membership(&item, member, &key, last)?;
                unassigned += 1;
            }
            if members.len() < SCAN {
                break;
            }
        }
        self.end_dismissals_of_category(id, &key)?;
        self.drop_category(&draft)?;
        Ok(unassigned)
    }

    /// Deletes a category whose memberships and dismissals have ended.
    pub(super) fn drop_category(&mut self, draft: &CategoryDraft) -> ApplyResult<(), S> {
        let before = draft.record();
        let id = draft.category.id;
        self.store.delete_category(id).map_err(WriteError::Store)?;
        self.draft.header.categories -= 1;
        self.draft
            .header
            .category_records
            .remove(&draft.category.hash);
        self.draft.categories.insert(Arc::clone(&before.key), None);
        self.changes.push(Change::CategoryDeleted { before });
        Ok(())
    }
}

fn changed_settings(mut settings: CategorySettings, put: &CategoryPut) -> CategorySettings {
    settings.base_weight = put.base_weight.unwrap_or(settings.base_weight);
    settings.window = put.window.unwrap_or(settings.window);
    settings.min_base_share = put.min_base_share.unwrap_or(settings.min_base_share);
    settings.frozen = put.frozen.unwrap_or(settings.frozen);
    settings.min_score = put.min_score.unwrap_or(settings.min_score);
    settings.max_actor_share = put.max_actor_share.unwrap_or(settings.max_actor_share);
    settings
}
