//! A store on maps. It checks the guarantees of the state machine: no record is inserted twice, no
//! record is deleted while in use, and an item is reported when it enters or leaves the inbox.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use ee_core::command::Store;
use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};

/// Items, memberships and category records; rolled back by keeping a clone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MapStore {
    pub(crate) items: BTreeMap<i64, Item>,
    keys: BTreeMap<String, i64>,
    pub(crate) categories: BTreeMap<i64, CategoryRecord>,
    /// By sequence.
    pub(crate) memberships: BTreeMap<u64, Membership>,
    /// Items in no category, as the state machine has reported.
    pub(crate) inbox: BTreeSet<i64>,
    /// By item and category.
    pub(crate) dismissals: BTreeMap<(i64, i64), Dismissal>,
    /// By composite and part.
    pub(crate) parts: BTreeMap<(i64, i64), Part>,
    /// Part and composite of each.
    composites: BTreeSet<(i64, i64)>,
    last_item: i64,
    last_category: i64,
}

impl MapStore {
    /// All members of a category, oldest first.
    pub(crate) fn members_of(&self, category: i64) -> impl DoubleEndedIterator<Item = &Membership> {
        self.memberships
            .values()
            .filter(move |m| m.category == category)
    }

    /// The identifier of the item with this key.
    pub(crate) fn item_id(&self, key: &str) -> Option<i64> {
        self.keys.get(key).copied()
    }
}

impl Store for MapStore {
    type Error = Infallible;

    fn item(&mut self, key: &str) -> Result<Option<Item>, Infallible> {
        Ok(self.item_id(key).map(|id| self.items[&id].clone()))
    }

    fn item_by_id(&mut self, id: i64) -> Result<Item, Infallible> {
        Ok(self.items[&id].clone())
    }

    fn insert_item(&mut self, item: &Item, inbox: bool) -> Result<i64, Infallible> {
        assert_eq!(self.item_id(&item.key), None, "an item twice");
        self.last_item += 1;
        let id = self.last_item;
        let item = Item { id, ..item.clone() };
        self.keys.insert(item.key.clone(), id);
        self.items.insert(id, item);
        if inbox {
            self.inbox.insert(id);
        }
        Ok(id)
    }

    fn update_item(&mut self, item: &Item) -> Result<(), Infallible> {
        let before = self.items.insert(item.id, item.clone());
        let before = before.expect("an item that is not there was updated");
        assert_eq!(
            (before.key, before.created_ms),
            (item.key.clone(), item.created_ms)
        );
        Ok(())
    }

    fn delete_item(&mut self, item: &Item) -> Result<(), Infallible> {
        assert!(self.memberships.values().all(|m| m.item != item.id));
        assert!(self.inbox.remove(&item.id), "deleted out of a category");
        assert!(self.dismissals.keys().all(|(own, _)| *own != item.id));
        let in_use = |own: &(i64, i64)| own.0 == item.id || own.1 == item.id;
        assert!(!self.parts.keys().any(in_use), "deleted with parts");
        let before = self.items.remove(&item.id);
        self.keys.remove(&item.key);
        assert_eq!(before.as_ref(), Some(item));
        Ok(())
    }

    fn memberships(&mut self, item: i64) -> Result<Vec<Membership>, Infallible> {
        let all = self.memberships.values();
        Ok(all.filter(|m| m.item == item).cloned().collect())
    }

    fn insert_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        first: bool,
    ) -> Result<(), Infallible> {
        assert_eq!(self.items.get(&item.id), Some(item));
        assert!(self.categories.contains_key(&membership.category));
        assert!(
            self.members_of(membership.category)
                .all(|m| m.item != item.id),
            "a member twice"
        );
        let pair = (item.id, membership.category);
        assert!(
            !self.dismissals.contains_key(&pair),
            "a member is dismissed"
        );
        assert!(!self.memberships.contains_key(&membership.sequence));
        assert_eq!(first, self.inbox.contains(&item.id), "leaves the inbox");
        self.inbox.remove(&item.id);
        self.memberships
            .insert(membership.sequence, membership.clone());
        Ok(())
    }

    fn delete_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        last: bool,
    ) -> Result<(), Infallible> {
        let before = self.memberships.remove(&membership.sequence);
        assert_eq!(before.as_ref(), Some(membership));
        assert_eq!(membership.item, item.id);
        if last {
            assert!(self.memberships.values().all(|m| m.item != item.id));
            self.inbox.insert(item.id);
        }
        Ok(())
    }

    fn oldest_member(
        &mut self,
        category: i64,
        from: u64,
    ) -> Result<Option<(u64, i64)>, Infallible> {
        let mut members = self.members_of(category);
        Ok(members
            .find(|m| m.sequence >= from)
            .map(|m| (m.sequence, m.item)))
    }

    fn nth_newest_member(
        &mut self,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> Result<Option<(u64, i64)>, Infallible> {
        let members = self.members_of(category).rev();
        let mut between = members.filter(|m| m.sequence > after && m.sequence < before);
        let nth = usize::try_from(nth).expect("fits on a test machine");
        Ok(between.nth(nth).map(|m| (m.sequence, m.item)))
    }

    fn members(
        &mut self,
        category: i64,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Membership>, Infallible> {
        let members = self.members_of(category);
        Ok(members
            .filter(|m| m.sequence >= from)
            .take(limit)
            .cloned()
            .collect())
    }

    fn dismissals(&mut self, item: i64) -> Result<Vec<Dismissal>, Infallible> {
        let all = self.dismissals.values();
        Ok(all.filter(|own| own.item == item).cloned().collect())
    }

    fn dismissals_of_category(
        &mut self,
        category: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Dismissal>, Infallible> {
        let all = self.dismissals.values();
        let found = all.filter(|own| own.category == category && own.item > after);
        Ok(found.take(limit).cloned().collect())
    }

    fn insert_dismissal(&mut self, dismissal: &Dismissal) -> Result<(), Infallible> {
        let pair = (dismissal.item, dismissal.category);
        assert!(self.items.contains_key(&pair.0) && self.categories.contains_key(&pair.1));
        let is_member = self.members_of(pair.1).any(|own| own.item == pair.0);
        assert!(!is_member, "a member is dismissed");
        let before = self.dismissals.insert(pair, dismissal.clone());
        assert_eq!(before, None, "a dismissal twice");
        Ok(())
    }

    fn delete_dismissal(&mut self, dismissal: &Dismissal) -> Result<(), Infallible> {
        let pair = (dismissal.item, dismissal.category);
        let before = self.dismissals.remove(&pair);
        assert_eq!(before.as_ref(), Some(dismissal));
        Ok(())
    }

    fn parts(&mut self, composite: i64) -> Result<Vec<Part>, Infallible> {
        let range = (composite, i64::MIN)..=(composite, i64::MAX);
        Ok(self.parts.range(range).map(|(_, own)| *own).collect())
    }

    fn parts_with(&mut self, item: i64) -> Result<Vec<Part>, Infallible> {
        let range = (item, i64::MIN)..=(item, i64::MAX);
        let found = self.composites.range(range);
        Ok(found.map(|own| self.parts[&(own.1, own.0)]).collect())
    }

    fn part_count(&mut self, composite: i64) -> Result<usize, Infallible> {
        Ok(self.parts(composite)?.len())
    }

    fn composite_count(&mut self, item: i64) -> Result<usize, Infallible> {
        Ok(self.parts_with(item)?.len())
    }

    fn insert_part(&mut self, part: &Part) -> Result<(), Infallible> {
        let pair = (part.composite, part.item);
        assert!(self.items.contains_key(&pair.0) && self.items.contains_key(&pair.1));
        let before = self.parts.insert(pair, *part);
        self.composites.insert((part.item, part.composite));
        assert_eq!(before, None, "a part twice");
        Ok(())
    }

    fn delete_part(&mut self, part: &Part) -> Result<(), Infallible> {
        let before = self.parts.remove(&(part.composite, part.item));
        self.composites.remove(&(part.item, part.composite));
        assert_eq!(before, Some(*part));
        Ok(())
    }

    fn insert_category(&mut self, record: &CategoryRecord) -> Result<i64, Infallible> {
        assert!(
            self.categories.values().all(|c| c.key != record.key),
            "a category twice"
        );
        self.last_category += 1;
        self.categories.insert(self.last_category, record.clone());
        Ok(self.last_category)
    }

    fn update_category(&mut self, id: i64, record: &CategoryRecord) -> Result<(), Infallible> {
        let before = self.categories.insert(id, record.clone());
        let before = before.expect("a category that is not there was updated");
        assert_eq!(before.key, record.key);
        Ok(())
    }

    fn rename_category(&mut self, id: i64, record: &CategoryRecord) -> Result<(), Infallible> {
        assert!(
            self.categories.values().all(|c| c.key != record.key),
            "a category twice"
        );
        let before = self.categories.insert(id, record.clone());
        assert!(before.is_some(), "a category that is not there was renamed");
        Ok(())
    }

    fn delete_category(&mut self, id: i64) -> Result<(), Infallible> {
        assert_eq!(self.members_of(id).count(), 0, "deleted with members");
        assert!(self.dismissals.keys().all(|(_, own)| *own != id));
        assert!(self.categories.remove(&id).is_some());
        Ok(())
    }
}
