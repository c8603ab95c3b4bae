//! The rows that the state machine reads and writes, inside the transaction of a write.

use ee_core::command::Store;
use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};

use super::head::Head;
use super::inbox::{enter_inbox, leave_inbox};
use super::lookup::{self, RawCategory, RawItem, RawMembership};
use super::pending::Pending;
use super::reads::Connected;
use super::{dismissals, members, parts};
use crate::{StoreError, StoreResult};

/// The rows of one namespace at a time, in the writer's transaction.
pub(crate) struct Rows {
    pub(crate) connection: Connected,
    pub(crate) namespace: i64,
    pub(crate) head: Head,
    pub(crate) pending: Pending,
}

impl Rows {
    /// Stores a membership as it was in a snapshot: of an item that is not in the inbox, in a
    /// category whose members all come from the snapshot.
    pub(crate) fn insert_restored_membership(
        &mut self,
        membership: &Membership,
    ) -> StoreResult<()> {
        let connection = &self.connection.0;
        self.pending.change(connection)?;
        RawMembership::inserting(connection)?(membership)?;
        members::add_anywhere(connection, membership)
    }
}

impl Store for Rows {
    type Error = StoreError;

    fn item(&mut self, key: &str) -> StoreResult<Option<Item>> {
        self.pending
            .look_for(&self.connection.0, self.namespace, key)?;
        lookup::item_by_key(&self.connection.0, self.namespace, key)
    }

    fn item_by_id(&mut self, id: i64) -> StoreResult<Item> {
        self.pending.look_at(&self.connection.0, id)?;
        lookup::item_by_id(&self.connection.0, id)
    }

    fn insert_item(&mut self, item: &Item, inbox: bool) -> StoreResult<i64> {
        let id = self.head.take_id();
        let item = RawItem::new(self.namespace, id, item);
        self.pending.item(item, inbox);
        Ok(id)
    }

    fn update_item(&mut self, item: &Item) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        RawItem::new(self.namespace, item.id, item).update(&self.connection.0)
    }

    fn delete_item(&mut self, item: &Item) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        leave_inbox(&self.connection.0, self.namespace, &item.key)?;
        self.connection
            .0
            .prepare_cached("DELETE FROM items WHERE id = ?1")?
            .execute([item.id])?;
        Ok(())
    }

    fn memberships(&mut self, item: i64) -> StoreResult<Vec<Membership>> {
        self.pending.look_at(&self.connection.0, item)?;
        lookup::memberships_of(&self.connection.0, item)
    }

    fn insert_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        first: bool,
    ) -> StoreResult<()> {
        let leaves_inbox = first.then(|| (self.namespace, item.key.clone()));
        self.pending.membership(membership, leaves_inbox);
        Ok(())
    }

    fn delete_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        last: bool,
    ) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        self.connection
            .0
            .prepare_cached("DELETE FROM memberships WHERE item = ?1 AND category = ?2")?
            .execute((membership.item, membership.category))?;
        members::remove(&self.connection.0, membership)?;
        if last {
            enter_inbox(&self.connection.0, self.namespace, &item.key, item.id)?;
        }
        Ok(())
    }

    fn oldest_member(&mut self, category: i64, from: u64) -> StoreResult<Option<(u64, i64)>> {
        self.pending.look_at(&self.connection.0, category)?;
        members::oldest_member(&self.connection.0, category, from)
    }

    fn nth_newest_member(
        &mut self,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> StoreResult<Option<(u64, i64)>> {
        self.pending.look_at(&self.connection.0, category)?;
        members::nth_newest_member(&self.connection.0, category, after, before, nth)
    }

    fn members(&mut self, category: i64, from: u64, limit: usize) -> StoreResult<Vec<Membership>> {
        self.pending.look_at(&self.connection.0, category)?;
        members::members(&self.connection.0, category, from, limit)
    }

    fn dismissals(&mut self, item: i64) -> StoreResult<Vec<Dismissal>> {
        dismissals::of_item(&self.connection.0, item)
    }

    fn dismissals_of_category(
        &mut self,
        category: i64,
        after: i64,
        limit: usize,
    ) -> StoreResult<Vec<Dismissal>> {
        dismissals::of_category(&self.connection.0, category, after, limit)
    }

    fn insert_dismissal(&mut self, dismissal: &Dismissal) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        dismissals::insert(&self.connection.0, dismissal)
    }

    fn delete_dismissal(&mut self, dismissal: &Dismissal) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        dismissals::delete(&self.connection.0, dismissal)
    }

    fn parts(&mut self, composite: i64) -> StoreResult<Vec<Part>> {
        parts::of_composite(&self.connection.0, composite)
    }

    fn parts_with(&mut self, item: i64) -> StoreResult<Vec<Part>> {
        parts::with_item(&self.connection.0, item)
    }

    fn part_count(&mut self, composite: i64) -> StoreResult<usize> {
        parts::part_count(&self.connection.0, composite)
    }

    fn composite_count(&mut self, item: i64) -> StoreResult<usize> {
        parts::composite_count(&self.connection.0, item)
    }

    fn insert_part(&mut self, part: &Part) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        parts::insert(&self.connection.0, part)
    }

    fn delete_part(&mut self, part: &Part) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        parts::delete(&self.connection.0, part)
    }

    fn insert_category(&mut self, record: &CategoryRecord) -> StoreResult<i64> {
        let id = self.head.take_id();
        self.update_category(id, record)?;
        Ok(id)
    }

    fn update_category(&mut self, id: i64, record: &CategoryRecord) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        RawCategory::new(id, self.namespace, record).save(&self.connection.0)
    }

    fn rename_category(&mut self, id: i64, record: &CategoryRecord) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        RawCategory::new(id, self.namespace, record).rename(&self.connection.0)
    }

    fn delete_category(&mut self, id: i64) -> StoreResult<()> {
        self.pending.change(&self.connection.0)?;
        self.connection
            .0
            .prepare_cached("DELETE FROM sums WHERE category = ?1")?
            .execute([id])?;
        self.connection
            .0
            .prepare_cached("DELETE FROM categories WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }
}
