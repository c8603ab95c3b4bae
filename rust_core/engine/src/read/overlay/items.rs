//! The items of a namespace and their memberships, with differences on top of what a view has.

use std::collections::{BTreeMap, BTreeSet};

use ee_core::command::Store;
use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};
use ee_store::{ItemReads, Reads, StoreError, StoreResult, View};
use rustc_hash::FxHashMap;

/// Members read at a time.
const PAGE: usize = 512;

/// Differences on top of a view.
///
/// New items and categories have negative identifiers, which the store never gives.
pub(crate) struct OverlayItems {
    view: Box<dyn View>,
    namespace: i64,
    /// Items that differ, by identifier; `None`: it did not exist.
    items: FxHashMap<i64, Option<Item>>,
    /// Identifiers of the keys of those; `None`: no item had the key.
    keys: FxHashMap<String, Option<i64>>,
    /// The memberships of each item that has others, by sequence.
    memberships: FxHashMap<i64, Vec<Membership>>,
    /// The members of each category that has others.
    members: FxHashMap<i64, Members>,
    /// The dismissals of each item that has others, by category.
    dismissals: FxHashMap<i64, Vec<Dismissal>>,
    /// The parts of each composite that has others, by item.
    parts: FxHashMap<i64, Vec<Part>>,
    /// What each item is a part of, of those that are a part of others, by composite.
    parts_with: FxHashMap<i64, Vec<Part>>,
    last_id: i64,
    /// Bytes of the items and parts that differ, nearly.
    bytes: u64,
}

/// How the members of a category differ, by sequence.
#[derive(Default)]
struct Members {
    removed: BTreeSet<u64>,
    added: BTreeMap<u64, Membership>,
}

impl OverlayItems {
    /// What a view has.
    pub(crate) fn new(view: Box<dyn View>, namespace: i64) -> Self {
        Self {
            view,
            namespace,
            items: FxHashMap::default(),
            keys: FxHashMap::default(),
            memberships: FxHashMap::default(),
            members: FxHashMap::default(),
            dismissals: FxHashMap::default(),
            parts: FxHashMap::default(),
            parts_with: FxHashMap::default(),
            last_id: 0,
            bytes: 0,
        }
    }

    /// The view, without the differences.
    pub(crate) fn view(&self) -> &dyn Reads {
        self.view.reads()
    }

    fn next_id(&mut self) -> i64 {
        self.last_id -= 1;
        self.last_id
    }

    /// Bytes of the items and parts that differ, nearly.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The parts of a part's composite, and what its item is a part of.
    fn around(&self, part: &Part) -> StoreResult<(Vec<Part>, Vec<Part>)> {
        let parts = self.parts_of(self.namespace, part.composite)?;
        let others = ItemReads::parts_with(self, self.namespace, part.item)?;
        Ok((parts, others))
    }

    fn keep_parts(&mut self, part: &Part, parts: Vec<Part>, others: Vec<Part>) {
        let lists = [
            (&mut self.parts, part.composite, parts),
            (&mut self.parts_with, part.item, others),
        ];
        for (lists, id, parts) in lists {
            self.bytes += size_of_val(&*parts) as u64;
            if let Some(before) = lists.insert(id, parts) {
                self.bytes -= size_of_val(&*before) as u64;
            }
        }
    }

    fn keep(&mut self, item: Item) {
        self.bytes += bytes(&item);
        self.keys.insert(item.key.clone(), Some(item.id));
        if let Some(Some(before)) = self.items.insert(item.id, Some(item)) {
            self.bytes -= bytes(&before);
        }
    }
}

/// Bytes that an item takes, nearly.
fn bytes(item: &Item) -> u64 {
    (size_of_val(&*item.embedding) + 2 * item.key.len() + size_of::<Item>()) as u64
}

impl ItemReads for OverlayItems {
    fn item_by_key(&self, namespace: i64, key: &str) -> StoreResult<Option<Item>> {
        match self.keys.get(key) {
            Some(None) => Ok(None),
            Some(Some(id)) => self.item_by_id(namespace, *id).map(Some),
            None => self.view().item_by_key(namespace, key),
        }
    }

    fn item_by_id(&self, namespace: i64, item: i64) -> StoreResult<Item> {
        match self.items.get(&item) {
            Some(Some(item)) => Ok(item.clone()),
            Some(None) => Err(StoreError::corrupted(
                format!("log, item {item}"),
                "an item that does not exist is needed",
            )),
            None => self.view().item_by_id(namespace, item),
        }
    }

    fn memberships_of(&self, namespace: i64, item: i64) -> StoreResult<Vec<Membership>> {
        match self.memberships.get(&item) {
            Some(own) => Ok(own.clone()),
            None => self.view().memberships_of(namespace, item),
        }
    }

    fn dismissals_of(&self, namespace: i64, item: i64) -> StoreResult<Vec<Dismissal>> {
        match self.dismissals.get(&item) {
            Some(own) => Ok(own.clone()),
            None => self.view().dismissals_of(namespace, item),
        }
    }

    fn dismissals_of_category(
        &self,
        namespace: i64,
        category: i64,
        after: i64,
        limit: usize,
    ) -> StoreResult<Vec<Dismissal>> {
        let others = self.dismissals.values().flatten();
        let others = others.filter(|own| own.category == category && own.item > after);
        let mut found: Vec<Dismissal> = others.cloned().collect();
        let mut next = after;
        let mut kept = 0;
        while kept < limit {
            let page = self
                .view()
                .dismissals_of_category(namespace, category, next, PAGE)?;
            let is_last = page.len() < PAGE;
            next = page.last().map_or(next, |last| last.item);
            let before = found.len();
            let page = page.into_iter();
            found.extend(page.filter(|own| !self.dismissals.contains_key(&own.item)));
            kept += found.len() - before;
            if is_last {
                break;
            }
        }
        found.sort_by_key(|own| own.item);
        found.truncate(limit);
        Ok(found)
    }

    fn parts_of(&self, namespace: i64, composite: i64) -> StoreResult<Vec<Part>> {
        match self.parts.get(&composite) {
            Some(own) => Ok(own.clone()),
            None => self.view().parts_of(namespace, composite),
        }
    }

    fn parts_with(&self, namespace: i64, item: i64) -> StoreResult<Vec<Part>> {
        match self.parts_with.get(&item) {
            Some(own) => Ok(own.clone()),
            None => self.view().parts_with(namespace, item),
        }
    }

    fn members(
        &self,
        namespace: i64,
        category: i64,
        from: u64,
        limit: usize,
    ) -> StoreResult<Vec<Membership>> {
        let Some(differences) = self.members.get(&category) else {
            return self.view().members(namespace, category, from, limit);
        };
        let mut found = Vec::new();
        let mut next = from;
        while found.len() < limit {
            let page = self.view().members(namespace, category, next, PAGE)?;
            let is_last = page.len() < PAGE;
            next = page.last().map_or(next, |last| last.sequence + 1);
            let kept = page.into_iter();
            found.extend(kept.filter(|own| !differences.removed.contains(&own.sequence)));
            if is_last {
                break;
            }
        }
        let added = differences.added.range(from..).take(limit);
        found.extend(added.map(|(_, membership)| membership.clone()));
        found.sort_by_key(|membership| membership.sequence);
        found.truncate(limit);
        Ok(found)
    }

    fn nth_newest_member(
        &self,
        namespace: i64,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> StoreResult<Option<(u64, i64)>> {
        let Some(differences) = self.members.get(&category) else {
            let reads = self.view();
            return reads.nth_newest_member(namespace, category, after, before, nth);
        };
        // Among so many of the view, `nth` and one are left.
        let removed = differences.removed.len() as u64;
        let oldest =
            self.view()
                .nth_newest_member(namespace, category, after, before, nth + removed)?;
        let mut from = oldest.map_or(after + 1, |(sequence, _)| sequence);
        let mut found: BTreeMap<u64, i64> = differences
            .added
            .range(after + 1..before)
            .map(|(sequence, membership)| (*sequence, membership.item))
            .collect();
        loop {
            let page = self.view().members(namespace, category, from, PAGE)?;
            let is_last = page.len() < PAGE;
            from = page.last().map_or(from, |last| last.sequence + 1);
            let kept = page.iter().filter(|own| {
                own.sequence < before && !differences.removed.contains(&own.sequence)
            });
            found.extend(kept.map(|own| (own.sequence, own.item)));
            if is_last || from >= before {
                break;
            }
        }
        let nth = usize::try_from(nth).unwrap_or(usize::MAX);
        Ok(found.into_iter().nth_back(nth))
    }
}

impl Store for OverlayItems {
    type Error = StoreError;

    fn item(&mut self, key: &str) -> StoreResult<Option<Item>> {
        self.item_by_key(self.namespace, key)
    }

    fn item_by_id(&mut self, id: i64) -> StoreResult<Item> {
        ItemReads::item_by_id(self, self.namespace, id)
    }

    fn insert_item(&mut self, item: &Item, _inbox: bool) -> StoreResult<i64> {
        let id = self.next_id();
        self.keep(Item { id, ..item.clone() });
        self.memberships.insert(id, Vec::new());
        self.dismissals.insert(id, Vec::new());
        self.parts.insert(id, Vec::new());
        self.parts_with.insert(id, Vec::new());
        Ok(id)
    }

    fn update_item(&mut self, item: &Item) -> StoreResult<()> {
        self.keep(item.clone());
        Ok(())
    }

    fn delete_item(&mut self, item: &Item) -> StoreResult<()> {
        self.keys.insert(item.key.clone(), None);
        if let Some(Some(before)) = self.items.insert(item.id, None) {
            self.bytes -= bytes(&before);
        }
        self.memberships.remove(&item.id);
        Ok(())
    }

    fn memberships(&mut self, item: i64) -> StoreResult<Vec<Membership>> {
        self.memberships_of(self.namespace, item)
    }

    fn insert_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        _first: bool,
    ) -> StoreResult<()> {
        let mut own = self.memberships_of(self.namespace, item.id)?;
        let place = own.partition_point(|other| other.sequence < membership.sequence);
        own.insert(place, membership.clone());
        self.memberships.insert(item.id, own);
        let members = self.members.entry(membership.category).or_default();
        members
            .added
            .insert(membership.sequence, membership.clone());
        Ok(())
    }

    fn delete_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        _last: bool,
    ) -> StoreResult<()> {
        let mut own = self.memberships_of(self.namespace, item.id)?;
        own.retain(|other| other.sequence != membership.sequence);
        self.memberships.insert(item.id, own);
        let members = self.members.entry(membership.category).or_default();
        if members.added.remove(&membership.sequence).is_none() {
            members.removed.insert(membership.sequence);
        }
        Ok(())
    }

    fn oldest_member(&mut self, category: i64, from: u64) -> StoreResult<Option<(u64, i64)>> {
        let first = ItemReads::members(self, self.namespace, category, from, 1)?;
        Ok(first.first().map(|own| (own.sequence, own.item)))
    }

    fn nth_newest_member(
        &mut self,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> StoreResult<Option<(u64, i64)>> {
        ItemReads::nth_newest_member(self, self.namespace, category, after, before, nth)
    }

    fn members(&mut self, category: i64, from: u64, limit: usize) -> StoreResult<Vec<Membership>> {
        ItemReads::members(self, self.namespace, category, from, limit)
    }

    fn dismissals(&mut self, item: i64) -> StoreResult<Vec<Dismissal>> {
        self.dismissals_of(self.namespace, item)
    }

    fn dismissals_of_category(
        &mut self,
        category: i64,
        after: i64,
        limit: usize,
    ) -> StoreResult<Vec<Dismissal>> {
        ItemReads::dismissals_of_category(self, self.namespace, category, after, limit)
    }

    fn insert_dismissal(&mut self, dismissal: &Dismissal) -> StoreResult<()> {
        let mut own = self.dismissals_of(self.namespace, dismissal.item)?;
        let place = own.partition_point(|other| other.category < dismissal.category);
        own.insert(place, dismissal.clone());
        self.dismissals.insert(dismissal.item, own);
        Ok(())
    }

    fn delete_dismissal(&mut self, dismissal: &Dismissal) -> StoreResult<()> {
        let mut own = self.dismissals_of(self.namespace, dismissal.item)?;
        own.retain(|other| other.category != dismissal.category);
        self.dismissals.insert(dismissal.item, own);
        Ok(())
    }

    fn parts(&mut self, composite: i64) -> StoreResult<Vec<Part>> {
        self.parts_of(self.namespace, composite)
    }

    fn parts_with(&mut self, item: i64) -> StoreResult<Vec<Part>> {
        ItemReads::parts_with(self, self.namespace, item)
    }

    fn part_count(&mut self, composite: i64) -> StoreResult<usize> {
        Ok(Store::parts(self, composite)?.len())
    }

    fn composite_count(&mut self, item: i64) -> StoreResult<usize> {
        Ok(Store::parts_with(self, item)?.len())
    }

    fn insert_part(&mut self, part: &Part) -> StoreResult<()> {
        let (mut parts, mut others) = self.around(part)?;
        let place = parts.partition_point(|own| own.item < part.item);
        parts.insert(place, *part);
        let place = others.partition_point(|own| own.composite < part.composite);
        others.insert(place, *part);
        self.keep_parts(part, parts, others);
        Ok(())
    }

    fn delete_part(&mut self, part: &Part) -> StoreResult<()> {
        let (mut parts, mut others) = self.around(part)?;
        parts.retain(|own| own.item != part.item);
        others.retain(|own| own.composite != part.composite);
        self.keep_parts(part, parts, others);
        Ok(())
    }

    fn insert_category(&mut self, _record: &CategoryRecord) -> StoreResult<i64> {
        Ok(self.next_id())
    }

    fn update_category(&mut self, _id: i64, _record: &CategoryRecord) -> StoreResult<()> {
        Ok(())
    }

    fn rename_category(&mut self, _id: i64, _record: &CategoryRecord) -> StoreResult<()> {
        Ok(())
    }

    fn delete_category(&mut self, _id: i64) -> StoreResult<()> {
        Ok(())
    }
}
