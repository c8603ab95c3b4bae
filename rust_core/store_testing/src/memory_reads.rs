//! What can be read of the state in memory.

use std::ops::{Bound, ControlFlow};

use ee_core::command::CategoryLoad;
use ee_core::command::record::Entry;
use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part, UnitCorrection};

use crate::memory_state::State;
use ee_store::{DamagedNamespace, HistoryStart};
use ee_store::{ItemReads, NamespaceRow, NamespaceState, Reads, StoreError, StoreResult, codec};
use ee_store::{LogRange, LogRow, StoredRequest};

fn missing(what: &str, id: i64) -> StoreError {
    StoreError::corrupted(format!("{what}, row {id}"), "the row is missing")
}

impl State {
    /// Deletes all rows of a namespace.
    pub(super) fn purge(&mut self, namespace: i64) {
        let categories = self.categories.iter();
        let categories = categories.filter(|(_, (of, _))| *of == namespace);
        let categories: Vec<i64> = categories.map(|(id, _)| *id).collect();
        self.members
            .retain(|(category, _), _| !categories.contains(category));
        self.memberships
            .retain(|(_, category), _| !categories.contains(category));
        for category in categories {
            self.categories.remove(&category);
            self.sums.remove(&category);
        }
        self.items.retain(|_, (of, _)| *of != namespace);
        self.dismissals
            .retain(|(item, _), _| self.items.contains_key(item));
        self.parts
            .retain(|(composite, _), _| self.items.contains_key(composite));
        self.items_by_key.retain(|(of, _), _| *of != namespace);
        self.inbox.retain(|(of, _)| *of != namespace);
        self.log.retain(|(of, _), _| *of != namespace);
        self.answers.retain(|(of, _), _| *of != namespace);
        self.starts.remove(&namespace);
        self.namespaces.remove(&namespace);
    }

    fn active(&self) -> impl Iterator<Item = &NamespaceRow> {
        let rows = self.namespaces.values();
        rows.filter(|row| row.state == NamespaceState::Active)
    }

    /// (sequence, item) of the members of a category between two sequences.
    fn members_between(
        &self,
        category: i64,
        after: u64,
        before: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, i64)> {
        let first = Bound::Excluded((category, after));
        let end = match before {
            u64::MAX => Bound::Included((category, before)),
            _ => Bound::Excluded((category, before)),
        };
        let empty = after >= before;
        let range = (!empty).then(|| self.members.range((first, end)));
        let members = range.into_iter().flatten();
        members.map(|((_, sequence), item)| (*sequence, *item))
    }
}

impl ItemReads for State {
    fn item_by_key(&self, namespace: i64, key: &str) -> StoreResult<Option<Item>> {
        let id = self.items_by_key.get(&(namespace, key.to_owned()));
        id.map(|id| self.item_by_id(namespace, *id)).transpose()
    }

    fn item_by_id(&self, _namespace: i64, item: i64) -> StoreResult<Item> {
        let found = self.items.get(&item);
        let (_, item) = found.ok_or_else(|| missing("items", item))?;
        Ok(Item::clone(item))
    }

    fn dismissals_of(&self, _namespace: i64, item: i64) -> StoreResult<Vec<Dismissal>> {
        let found = self.dismissals.range((item, i64::MIN)..=(item, i64::MAX));
        Ok(found.map(|(_, own)| own.clone()).collect())
    }

    fn dismissals_of_category(
        &self,
        _namespace: i64,
        category: i64,
        after: i64,
        limit: usize,
    ) -> StoreResult<Vec<Dismissal>> {
        let all = self.dismissals.values();
        let found = all.filter(|own| own.category == category && own.item > after);
        Ok(found.take(limit).cloned().collect())
    }

    fn parts_of(&self, _namespace: i64, composite: i64) -> StoreResult<Vec<Part>> {
        let range = (composite, i64::MIN)..=(composite, i64::MAX);
        let found = self.parts.range(range);
        Ok(found.map(|(_, own)| *own).collect())
    }

    fn parts_with(&self, _namespace: i64, item: i64) -> StoreResult<Vec<Part>> {
        let all = self.parts.values();
        Ok(all.filter(|own| own.item == item).copied().collect())
    }

    fn memberships_of(&self, _namespace: i64, item: i64) -> StoreResult<Vec<Membership>> {
        let found = self.memberships.range((item, i64::MIN)..=(item, i64::MAX));
        let mut found: Vec<_> = found.map(|(_, membership)| membership.clone()).collect();
        found.sort_by_key(|membership| membership.sequence);
        Ok(found)
    }

    fn members(
        &self,
        _namespace: i64,
        category: i64,
        from: u64,
        limit: usize,
    ) -> StoreResult<Vec<Membership>> {
        let found = self.members.range((category, from)..=(category, u64::MAX));
        let membership = |(_, item): (_, &i64)| {
            let found = self.memberships.get(&(*item, category)).cloned();
            found.ok_or_else(|| missing("memberships", *item))
        };
        found.take(limit).map(membership).collect()
    }

    fn nth_newest_member(
        &self,
        _namespace: i64,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> StoreResult<Option<(u64, i64)>> {
        let mut found = self.members_between(category, after, before).rev();
        Ok(found.nth(usize::try_from(nth).unwrap_or(usize::MAX)))
    }
}

impl Reads for State {
    fn namespace_by_name(&self, name: &str) -> StoreResult<Option<NamespaceRow>> {
        Ok(self.active().find(|row| row.name == name).cloned())
    }

    fn namespaces_page(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> StoreResult<Vec<Result<NamespaceRow, DamagedNamespace>>> {
        let mut rows: Vec<_> = self
            .active()
            .filter(|row| row.name.as_str() > after && row.name.starts_with(prefix))
            .cloned()
            .collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows.truncate(limit);
        Ok(rows.into_iter().map(Ok).collect())
    }

    fn namespace_count(&self) -> StoreResult<u64> {
        Ok(self.active().count() as u64)
    }

    fn category_records(
        &self,
        namespace: i64,
        after: &str,
        limit: usize,
    ) -> StoreResult<Vec<(i64, CategoryRecord)>> {
        let mut records: Vec<_> = self
            .categories
            .iter()
            .filter(|(_, (of, record))| *of == namespace && &*record.key > after)
            .map(|(id, (_, record))| (*id, CategoryRecord::clone(record)))
            .collect();
        records.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        records.truncate(limit);
        Ok(records)
    }

    fn stored_categories(
        &self,
        namespace: i64,
        take: &mut dyn FnMut(CategoryLoad),
    ) -> StoreResult<()> {
        for (id, record) in self.category_records(namespace, "", usize::MAX)? {
            let sum = self.sums.get(&id);
            let window = u64::from(record.settings.window);
            let oldest = match window {
                0 => None,
                window => {
                    let nth = window - 1;
                    self.nth_newest_member(namespace, id, record.anchor, u64::MAX, nth)?
                }
            };
            take(CategoryLoad {
                id,
                counting_from: oldest.map_or(record.anchor + 1, |(sequence, _)| sequence),
                record,
                revision: sum.map_or(0, |(revision, ..)| *revision),
                unit_correction: sum.map_or(UnitCorrection::Zero, |(_, stored, _)| {
                    stored.unit_correction.clone()
                }),
                actors: sum.and_then(|(_, stored, _)| stored.actors.clone()),
                sum: sum.map(|(_, stored, sum)| (stored.stats, sum.to_vec())),
            });
        }
        Ok(())
    }

    fn category_id(&self, namespace: i64, key: &str) -> StoreResult<Option<i64>> {
        let mut categories = self.categories.iter();
        let found = categories.find(|(_, (of, record))| *of == namespace && *record.key == *key);
        Ok(found.map(|(id, _)| *id))
    }

    fn category_key(&self, _namespace: i64, category: i64) -> StoreResult<String> {
        let found = self.categories.get(&category);
        let (_, record) = found.ok_or_else(|| missing("categories", category))?;
        Ok(record.key.to_string())
    }

    fn item_key(&self, namespace: i64, item: i64) -> StoreResult<String> {
        Ok(self.item_by_id(namespace, item)?.key)
    }

    fn items_page(&self, namespace: i64, after: &str, limit: usize) -> StoreResult<Vec<Item>> {
        let from = Bound::Excluded((namespace, after.to_owned()));
        let found = self.items_by_key.range((from, Bound::Unbounded));
        let found = found.take_while(|((of, _), _)| *of == namespace);
        let found = found.take(limit);
        found
            .map(|(_, id)| self.item_by_id(namespace, *id))
            .collect()
    }

    fn inbox_page(&self, namespace: i64, after: &str, limit: usize) -> StoreResult<Vec<Item>> {
        let from = Bound::Excluded((namespace, after.to_owned()));
        let found = self.inbox.range((from, Bound::Unbounded));
        let found = found.take_while(|(of, _)| *of == namespace).take(limit);
        let item = |(_, key): &(i64, String)| {
            let item = self.item_by_key(namespace, key)?;
            item.ok_or_else(|| missing("inbox", 0))
        };
        found.map(item).collect()
    }

    fn inbox_count(&self, namespace: i64) -> StoreResult<u64> {
        let found = self.inbox.iter().filter(|(of, _)| *of == namespace);
        Ok(found.count() as u64)
    }

    fn in_inbox(&self, namespace: i64, key: &str, item: i64) -> StoreResult<bool> {
        let place = (namespace, key.to_owned());
        let known = self.items_by_key.get(&place) == Some(&item);
        Ok(known && self.inbox.contains(&place))
    }

    fn members_page(
        &self,
        namespace: i64,
        category: i64,
        before: Option<u64>,
        limit: usize,
    ) -> StoreResult<Vec<Item>> {
        let found = self.members_between(category, 0, before.unwrap_or(u64::MAX));
        let found = found.rev().take(limit);
        found
            .map(|(_, item)| self.item_by_id(namespace, item))
            .collect()
    }

    fn is_member(&self, _namespace: i64, membership: &Membership) -> StoreResult<bool> {
        let place = (membership.category, membership.sequence);
        Ok(self.members.get(&place) == Some(&membership.item))
    }

    fn is_part(&self, _namespace: i64, part: &Part) -> StoreResult<bool> {
        Ok(self.parts.get(&(part.composite, part.item)) == Some(part))
    }

    fn entries_after(
        &self,
        namespace: i64,
        revision: u64,
        each: &mut dyn FnMut(Entry) -> StoreResult<()>,
    ) -> StoreResult<()> {
        let found = self
            .log
            .range((namespace, revision + 1)..=(namespace, u64::MAX));
        for ((_, revision), bytes) in found.rev() {
            each(codec::decode(bytes, &format!("log, revision {revision}"))?)?;
        }
        Ok(())
    }

    fn history_start(&self, namespace: i64) -> StoreResult<HistoryStart> {
        let start = self.starts.get(&namespace);
        Ok(start.copied().unwrap_or(HistoryStart::WHOLE))
    }

    fn entry_sizes(
        &self,
        namespace: i64,
        first: u64,
        last: u64,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()> {
        let entries = self.log.range((namespace, first)..);
        let mut entries = entries.take_while(|((of, at), _)| *of == namespace && *at <= last);
        // Until it returns false.
        entries.all(|(_, bytes)| each(bytes.len() as u64));
        Ok(())
    }

    fn entries_in(
        &self,
        namespace: i64,
        range: &LogRange<'_>,
        each: &mut dyn FnMut(LogRow) -> StoreResult<ControlFlow<()>>,
    ) -> StoreResult<()> {
        let mut found: Vec<_> = self
            .log
            .range((namespace, range.first)..)
            .take_while(|((of, revision), _)| *of == namespace && *revision <= range.last)
            .collect();
        if range.newest_first {
            found.reverse();
        }
        for ((_, revision), bytes) in found {
            let row = LogRow {
                revision: *revision,
                bytes: bytes.len(),
                entry: Some(codec::decode(bytes, &format!("log, revision {revision}"))?),
            };
            if each(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn idempotency_get(
        &self,
        namespace: i64,
        request_id: &str,
    ) -> StoreResult<Option<StoredRequest>> {
        Ok(self
            .answers
            .get(&(namespace, request_id.to_owned()))
            .cloned())
    }
}
