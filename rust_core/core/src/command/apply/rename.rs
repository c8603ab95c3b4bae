//! Renaming a category.
//!
//! Members, sums and places in the order of assignment belong to the category, whatever its key is. Only
//! the digest has the key, in the hash of the category and of each of its memberships and dismissals:
//! afterwards it is that of a namespace in which the category has always had the new key.

use std::sync::Arc;

use super::{ApplyResult, Execution, WriteError};
use crate::arithmetic::digest::SetDigest;
use crate::command::record::Change;
use crate::command::{MAX_REBUILD, Rejection, Store, rename_dismissal, rename_membership};
use crate::namespace::CategoryView;

/// Members read at a time.
const SCAN: usize = 512;

impl<S: Store + ?Sized> Execution<'_, S> {
    /// Renames a category. Returns whether anything changed, and the category afterwards.
    pub(super) fn rename_category(
        &mut self,
        key: &str,
        new_key: &str,
    ) -> ApplyResult<(bool, CategoryView), S> {
        if self.category(key).is_none() {
            let key = key.to_owned();
            return Err(Rejection::CategoryNotFound { index: 0, key }.into());
        }
        let changed = new_key != key;
        if changed {
            if self.category(new_key).is_some() {
                let key = new_key.to_owned();
                return Err(Rejection::CategoryExists { key }.into());
            }
            self.set_key(key, new_key)?;
        }
        let category = self.category(new_key).expect("it has this key now");
        Ok((changed, category.view(false)))
    }

    /// Gives a category that exists a key that no other has.
    pub(super) fn set_key(&mut self, from: &str, to: &str) -> ApplyResult<(), S> {
        let draft = self.category(from).expect("the caller has found it");
        let (id, members) = (draft.category.id, draft.category.stats.members);
        let records = match self.prepared {
            Some(prepared) if members > MAX_REBUILD => {
                let rename = prepared.rename(self.batch.header.revision, id, to);
                rename.ok_or(WriteError::Unprepared)?.records
            }
            _ => self.renamed_records(id, from, to)?,
        };
        self.draft.header.item_records.combine_with(records);

        let (from, to): (Arc<str>, Arc<str>) = (from.into(), to.into());
        let taken = self.draft.categories.insert(Arc::clone(&from), None);
        let mut draft = taken.flatten().expect("as before");
        draft.category.key = Arc::clone(&to);
        draft.touch();
        self.store
            .rename_category(id, &draft.record())
            .map_err(WriteError::Store)?;
        self.draft.keys.insert(id, Arc::clone(&to));
        self.draft.categories.insert(Arc::clone(&to), Some(draft));
        self.changes.push(Change::CategoryRenamed { from, to });
        Ok(())
    }

    fn renamed_records(&mut self, id: i64, from: &str, to: &str) -> ApplyResult<SetDigest, S> {
        let mut records = SetDigest::default();
        self.each_dismissal(id, |_, item, _| {
            rename_dismissal(&mut records, &item.key, from, to);
            Ok(())
        })?;
        let mut next = 0;
        loop {
            let members = self.store.members(id, next, SCAN);
            let members = members.map_err(WriteError::Store)?;
            for member in &members {
                let item = self.store.item_by_id(member.item);
                let item = item.map_err(WriteError::Store)?;
                rename_membership(&mut records, &item.key, from, to);
            }
            match members.last() {
                Some(last) if members.len() == SCAN => next = last.sequence + 1,
                _ => return Ok(records),
            }
        }
    }
}
