//! The store of the items, which are not in memory.
//!
//! The state machine reads and writes through a trait: the engine implements it on its database,
//! inside the transaction of the write, the tests on maps.

use crate::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};

/// The items, memberships and category records of one namespace.
///
/// Every write goes into a transaction that the caller commits or rolls back as a whole.
pub trait Store {
    /// Why the store failed. A missing record is not a failure.
    type Error;

    /// The item with this key.
    fn item(&mut self, key: &str) -> Result<Option<Item>, Self::Error>;
    /// The item with this identifier, which must exist.
    fn item_by_id(&mut self, id: i64) -> Result<Item, Self::Error>;
    /// Stores a new item and returns its identifier; `Item::id` is not read. `inbox`: the item stays
    /// unassigned; otherwise it joins a category in the same command.
    fn insert_item(&mut self, item: &Item, inbox: bool) -> Result<i64, Self::Error>;
    /// Overwrites an item's weight, embedding and metadata.
    fn update_item(&mut self, item: &Item) -> Result<(), Self::Error>;
    /// Deletes an item that has no memberships, dismissals and parts left, and is no part.
    fn delete_item(&mut self, item: &Item) -> Result<(), Self::Error>;

    /// The memberships of an item, by sequence.
    fn memberships(&mut self, item: i64) -> Result<Vec<Membership>, Self::Error>;
    /// Stores a membership. `first`: the item leaves the inbox.
    fn insert_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        first: bool,
    ) -> Result<(), Self::Error>;
    /// Deletes a membership. `last`: the item has left its last category and enters the inbox.
    fn delete_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        last: bool,
    ) -> Result<(), Self::Error>;

    /// The member of a category with the smallest sequence ≥ `from`: (sequence, item).
    fn oldest_member(
        &mut self,
        category: i64,
        from: u64,
    ) -> Result<Option<(u64, i64)>, Self::Error>;
    /// The `nth` newest member (0: the newest) among those with a sequence > `after` and <
    /// `before`: (sequence, item).
    fn nth_newest_member(
        &mut self,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> Result<Option<(u64, i64)>, Self::Error>;
    /// Up to `limit` members with sequences ≥ `from`, oldest first.
    fn members(
        &mut self,
        category: i64,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Membership>, Self::Error>;

    /// The dismissals of an item, by category.
    fn dismissals(&mut self, item: i64) -> Result<Vec<Dismissal>, Self::Error>;
    /// Up to `limit` dismissals of a category with items > `after`, by item.
    fn dismissals_of_category(
        &mut self,
        category: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Dismissal>, Self::Error>;
    /// Stores a dismissal.
    fn insert_dismissal(&mut self, dismissal: &Dismissal) -> Result<(), Self::Error>;
    /// Deletes a dismissal.
    fn delete_dismissal(&mut self, dismissal: &Dismissal) -> Result<(), Self::Error>;

    /// The parts of a composite item, by the item that is the part; of another item: none.
    fn parts(&mut self, composite: i64) -> Result<Vec<Part>, Self::Error>;
    /// What an item is a part of, by composite.
    fn parts_with(&mut self, item: i64) -> Result<Vec<Part>, Self::Error>;
    /// How many parts an item has.
    fn part_count(&mut self, composite: i64) -> Result<usize, Self::Error>;
    /// How many composites an item is a part of.
    fn composite_count(&mut self, item: i64) -> Result<usize, Self::Error>;
    /// Stores a part.
    fn insert_part(&mut self, part: &Part) -> Result<(), Self::Error>;
    /// Deletes a part.
    fn delete_part(&mut self, part: &Part) -> Result<(), Self::Error>;

    /// Stores a new category and returns its identifier.
    fn insert_category(&mut self, record: &CategoryRecord) -> Result<i64, Self::Error>;
    /// Overwrites a category's record, whose key stays.
    fn update_category(&mut self, id: i64, record: &CategoryRecord) -> Result<(), Self::Error>;
    /// Overwrites a category's record, whose key is another one now.
    fn rename_category(&mut self, id: i64, record: &CategoryRecord) -> Result<(), Self::Error>;
    /// Deletes a category that has no members left.
    fn delete_category(&mut self, id: i64) -> Result<(), Self::Error>;
}
