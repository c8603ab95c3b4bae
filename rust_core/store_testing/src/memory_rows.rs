//! The rows of one namespace in memory, for the state machine. They check what the state machine
//! promises a store: nothing is stored twice, and nothing is deleted that is still in use.

use std::sync::Arc;

use ee_core::command::Store;
use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};

use crate::memory_state::State;
use ee_store::{ItemReads, Reads, StoreError, StoreResult};

#[derive(Default)]
pub(super) struct Rows {
    pub(super) state: State,
    pub(super) namespace: i64,
}

impl Rows {
    fn take_id(&mut self) -> i64 {
        self.state.last_id += 1;
        self.state.last_id
    }

    fn place(&self, item: &Item) -> (i64, String) {
        (self.namespace, item.key.clone())
    }
}

impl Store for Rows {
    type Error = StoreError;

    fn item(&mut self, key: &str) -> StoreResult<Option<Item>> {
        self.state.item_by_key(self.namespace, key)
    }

    fn item_by_id(&mut self, id: i64) -> StoreResult<Item> {
        ItemReads::item_by_id(&self.state, self.namespace, id)
    }

    fn insert_item(&mut self, item: &Item, inbox: bool) -> StoreResult<i64> {
        let id = self.take_id();
        let place = self.place(item);
        let before = self.state.items_by_key.insert(place.clone(), id);
        assert_eq!(before, None, "an item twice");
        let item = Item { id, ..item.clone() };
        self.state
            .items
            .insert(id, (self.namespace, Arc::new(item)));
        if inbox {
            self.state.inbox.insert(place);
        }
        Ok(id)
    }

    fn update_item(&mut self, item: &Item) -> StoreResult<()> {
        let stored = (self.namespace, Arc::new(item.clone()));
        let before = self.state.items.insert(item.id, stored);
        assert!(before.is_some(), "an item that does not exist was updated");
        Ok(())
    }

    fn delete_item(&mut self, item: &Item) -> StoreResult<()> {
        let place = self.place(item);
        assert!(self.state.inbox.remove(&place), "deleted out of a category");
        let left = self.dismissals(item.id)?;
        assert_eq!(left, [], "deleted with dismissals");
        let left = [self.parts(item.id)?, self.parts_with(item.id)?].concat();
        assert_eq!(left, [], "deleted with parts, or as a part");
        self.state.items_by_key.remove(&place);
        self.state.items.remove(&item.id);
        Ok(())
    }

    fn memberships(&mut self, item: i64) -> StoreResult<Vec<Membership>> {
        self.state.memberships_of(self.namespace, item)
    }

    fn insert_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        first: bool,
    ) -> StoreResult<()> {
        let left = self.state.inbox.remove(&self.place(item));
        assert_eq!(left, first, "leaves the inbox");
        let place = (membership.category, membership.sequence);
        let taken = self.state.members.insert(place, item.id);
        assert_eq!(taken, None, "a place twice");
        let pair = (item.id, membership.category);
        let before = self.state.memberships.insert(pair, membership.clone());
        assert_eq!(before, None, "a member twice");
        Ok(())
    }

    fn delete_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        last: bool,
    ) -> StoreResult<()> {
        let pair = (membership.item, membership.category);
        let before = self.state.memberships.remove(&pair);
        assert_eq!(before.as_ref(), Some(membership));
        let place = (membership.category, membership.sequence);
        self.state.members.remove(&place);
        if last {
            let place = self.place(item);
            self.state.inbox.insert(place);
        }
        Ok(())
    }

    fn oldest_member(&mut self, category: i64, from: u64) -> StoreResult<Option<(u64, i64)>> {
        let mut members = self.state.members.range((category, from)..);
        let oldest = members.next().filter(|((of, _), _)| *of == category);
        Ok(oldest.map(|((_, sequence), item)| (*sequence, *item)))
    }

    fn nth_newest_member(
        &mut self,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> StoreResult<Option<(u64, i64)>> {
        ItemReads::nth_newest_member(&self.state, self.namespace, category, after, before, nth)
    }

    fn members(&mut self, category: i64, from: u64, limit: usize) -> StoreResult<Vec<Membership>> {
        ItemReads::members(&self.state, self.namespace, category, from, limit)
    }

    fn dismissals(&mut self, item: i64) -> StoreResult<Vec<Dismissal>> {
        self.state.dismissals_of(self.namespace, item)
    }

    fn dismissals_of_category(
        &mut self,
        category: i64,
        after: i64,
        limit: usize,
    ) -> StoreResult<Vec<Dismissal>> {
        ItemReads::dismissals_of_category(&self.state, self.namespace, category, after, limit)
    }

    fn insert_dismissal(&mut self, dismissal: &Dismissal) -> StoreResult<()> {
        let pair = (dismissal.item, dismissal.category);
        let before = self.state.dismissals.insert(pair, dismissal.clone());
        assert_eq!(before, None, "a dismissal twice");
        Ok(())
    }

    fn delete_dismissal(&mut self, dismissal: &Dismissal) -> StoreResult<()> {
        let pair = (dismissal.item, dismissal.category);
        let before = self.state.dismissals.remove(&pair);
        assert_eq!(before.as_ref(), Some(dismissal));
        Ok(())
    }

    fn parts(&mut self, composite: i64) -> StoreResult<Vec<Part>> {
        self.state.parts_of(self.namespace, composite)
    }

    fn parts_with(&mut self, item: i64) -> StoreResult<Vec<Part>> {
        ItemReads::parts_with(&self.state, self.namespace, item)
    }

    fn part_count(&mut self, composite: i64) -> StoreResult<usize> {
        Ok(Store::parts(self, composite)?.len())
    }

    fn composite_count(&mut self, item: i64) -> StoreResult<usize> {
        Ok(Store::parts_with(self, item)?.len())
    }

    fn insert_part(&mut self, part: &Part) -> StoreResult<()> {
        let pair = (part.composite, part.item);
        let before = self.state.parts.insert(pair, *part);
        assert_eq!(before, None, "a part twice");
        Ok(())
    }

    fn delete_part(&mut self, part: &Part) -> StoreResult<()> {
        let before = self.state.parts.remove(&(part.composite, part.item));
        assert_eq!(before.as_ref(), Some(part));
        Ok(())
    }

    fn insert_category(&mut self, record: &CategoryRecord) -> StoreResult<i64> {
        let taken = self.state.category_id(self.namespace, &record.key)?;
        assert_eq!(taken, None, "a category twice");
        let id = self.take_id();
        let stored = (self.namespace, Arc::new(record.clone()));
        self.state.categories.insert(id, stored);
        Ok(id)
    }

    fn update_category(&mut self, id: i64, record: &CategoryRecord) -> StoreResult<()> {
        let stored = (self.namespace, Arc::new(record.clone()));
        let before = self.state.categories.insert(id, stored);
        assert!(
            before.is_some(),
            "a category that does not exist was updated"
        );
        Ok(())
    }

    fn rename_category(&mut self, id: i64, record: &CategoryRecord) -> StoreResult<()> {
        let taken = self.state.category_id(self.namespace, &record.key)?;
        assert_eq!(taken, None, "a category twice");
        self.update_category(id, record)
    }

    fn delete_category(&mut self, id: i64) -> StoreResult<()> {
        let member = self.oldest_member(id, 0)?;
        assert_eq!(member, None, "deleted with members");
        let left = Store::dismissals_of_category(self, id, 0, 1)?;
        assert_eq!(left, [], "deleted with dismissals");
        self.state.categories.remove(&id);
        self.state.sums.remove(&id);
        Ok(())
    }
}
