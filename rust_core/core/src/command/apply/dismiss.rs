//! Dismiss: somebody says that an item does not belong to a category.
//!
//! A dismissal is of an item that is not in the category: it ends when the item joins it, or when one of
//! them is deleted. It changes no sum.

use std::sync::Arc;

use super::{ApplyResult, Execution, WriteError};
use crate::command::record::Change;
use crate::command::{ItemCategory, Rejection, Store};
use crate::namespace::{Dismissal, Item, Origin, dismissal_hash};

/// Dismissals read at a time.
const SCAN: usize = 512;

impl<S: Store + ?Sized> Execution<'_, S> {
    /// Dismisses pairs, or withdraws their dismissals. Returns for each whether anything changed.
    pub(super) fn dismiss(
        &mut self,
        pairs: &[ItemCategory],
        withdraw: bool,
    ) -> ApplyResult<Vec<bool>, S> {
        let pairs = pairs.iter().enumerate();
        pairs
            .map(|(index, pair)| self.dismiss_one(index, pair, withdraw))
            .collect()
    }

    fn dismiss_one(
        &mut self,
        index: usize,
        pair: &ItemCategory,
        withdraw: bool,
    ) -> ApplyResult<bool, S> {
        let Some(item) = self.store.item(&pair.item).map_err(WriteError::Store)? else {
            let key = pair.item.clone();
            return Err(Rejection::ItemNotFound { index, key }.into());
        };
        let Some(category) = self.category(&pair.category) else {
            let key = pair.category.clone();
            return Err(Rejection::CategoryNotFound { index, key }.into());
        };
        let (id, key) = (category.category.id, Arc::clone(&category.category.key));
        if withdraw {
            return self.end_dismissal(&item, id, &key);
        }
        if self.dismissal(item.id, id)?.is_some() {
            return Ok(false);
        }
        if self
            .memberships(item.id)?
            .iter()
            .any(|own| own.category == id)
        {
            return Err(Rejection::ItemInCategory {
                index,
                item: item.key,
                category: key.to_string(),
            }
            .into());
        }
        let origin = self.origin.clone();
        self.begin_dismissal(&item, id, &key, origin)?;
        Ok(true)
    }

    /// Begins a dismissal.
    pub(super) fn begin_dismissal(
        &mut self,
        item: &Item,
        category: i64,
        key: &Arc<str>,
        origin: Origin,
    ) -> ApplyResult<(), S> {
        self.change_memberships(1)?;
        let header = &mut self.draft.header;
        header.dismissals += 1;
        header.item_records.insert(&dismissal_hash(&item.key, key));
        let dismissal = Dismissal {
            item: item.id,
            category,
            origin,
        };
        let stored = self.store.insert_dismissal(&dismissal);
        stored.map_err(WriteError::Store)?;
        self.changes.push(Change::Dismissed {
            item: item.key.clone(),
            category: Arc::clone(key),
        });
        Ok(())
    }

    /// Ends the dismissal of a pair, if it is dismissed. Returns whether it was.
    pub(super) fn end_dismissal(
        &mut self,
        item: &Item,
        category: i64,
        key: &Arc<str>,
    ) -> ApplyResult<bool, S> {
        let Some(dismissal) = self.dismissal(item.id, category)? else {
            return Ok(false);
        };
        self.end(item, key, dismissal)?;
        Ok(true)
    }

    /// Ends the dismissals of an item that is deleted.
    pub(super) fn end_dismissals_of_item(&mut self, item: &Item) -> ApplyResult<(), S> {
        for dismissal in self.dismissals(item.id)? {
            let category = self.category_by_id(dismissal.category);
            let key = Arc::clone(&category.category.key);
            self.end(item, &key, dismissal)?;
        }
        Ok(())
    }

    /// Ends the dismissals of a category that is deleted, and returns them.
    pub(super) fn end_dismissals_of_category(
        &mut self,
        category: i64,
        key: &Arc<str>,
    ) -> ApplyResult<Vec<Dismissal>, S> {
        let mut ended = Vec::new();
        self.each_dismissal(category, |own, item, dismissal| {
            own.end(item, key, dismissal.clone())?;
            ended.push(dismissal);
            Ok(())
        })?;
        Ok(ended)
    }

    /// Hands over each dismissal of a category with its item.
    pub(super) fn each_dismissal(
        &mut self,
        category: i64,
        mut each: impl FnMut(&mut Self, &Item, Dismissal) -> ApplyResult<(), S>,
    ) -> ApplyResult<(), S> {
        // Identifiers may be negative where the past is read.
        let mut after = i64::MIN;
        while self.draft.header.dismissals > 0 {
            let found = self.store.dismissals_of_category(category, after, SCAN);
            let found = found.map_err(WriteError::Store)?;
            self.read_memberships(found.len() as u64)?;
            let count = found.len();
            for dismissal in found {
                after = dismissal.item;
                let item = self.store.item_by_id(dismissal.item);
                let item = item.map_err(WriteError::Store)?;
                each(self, &item, dismissal)?;
            }
            if count < SCAN {
                break;
            }
        }
        Ok(())
    }

    fn end(&mut self, item: &Item, key: &Arc<str>, dismissal: Dismissal) -> ApplyResult<(), S> {
        self.change_memberships(1)?;
        let header = &mut self.draft.header;
        header.dismissals -= 1;
        header.item_records.remove(&dismissal_hash(&item.key, key));
        let deleted = self.store.delete_dismissal(&dismissal);
        deleted.map_err(WriteError::Store)?;
        self.changes.push(Change::DismissalEnded {
            item: item.key.clone(),
            category: Arc::clone(key),
            origin: dismissal.origin,
        });
        Ok(())
    }

    /// The dismissal of a pair.
    pub(super) fn dismissal(
        &mut self,
        item: i64,
        category: i64,
    ) -> ApplyResult<Option<Dismissal>, S> {
        let mut own = self.dismissals(item)?.into_iter();
        Ok(own.find(|own| own.category == category))
    }

    /// The dismissals of an item. A namespace without any is not searched for them.
    fn dismissals(&mut self, item: i64) -> ApplyResult<Vec<Dismissal>, S> {
        if self.draft.header.dismissals == 0 {
            return Ok(Vec::new());
        }
        let found = self.store.dismissals(item).map_err(WriteError::Store)?;
        self.read_memberships(found.len() as u64)?;
        Ok(found)
    }
}
