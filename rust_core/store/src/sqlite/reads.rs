//! The reads through a connection.

use std::ops::ControlFlow;

use ee_core::command::CategoryLoad;
use ee_core::command::record::Entry;
use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};
use rusqlite::Connection;

use super::{
    dismissals, idempotency, integrity, listings, log, lookup, members, namespaces, parts, trims,
};
use crate::{DamagedNamespace, HistoryStart, ItemReads, NamespaceRow, Reads, StoreResult};
use crate::{LogRange, LogRow, StoredRequest};

/// A connection, of a view or of the writer.
pub(crate) struct Connected(pub(crate) Connection);

// Identifiers are unique in a directory, so most look-ups do not need the namespace.
impl ItemReads for Connected {
    fn item_by_key(&self, namespace: i64, key: &str) -> StoreResult<Option<Item>> {
        lookup::item_by_key(&self.0, namespace, key)
    }

    fn item_by_id(&self, _namespace: i64, item: i64) -> StoreResult<Item> {
        lookup::item_by_id(&self.0, item)
    }

    fn memberships_of(&self, _namespace: i64, item: i64) -> StoreResult<Vec<Membership>> {
        lookup::memberships_of(&self.0, item)
    }

    fn dismissals_of(&self, _namespace: i64, item: i64) -> StoreResult<Vec<Dismissal>> {
        dismissals::of_item(&self.0, item)
    }

    fn dismissals_of_category(
        &self,
        _namespace: i64,
        category: i64,
        after: i64,
        limit: usize,
    ) -> StoreResult<Vec<Dismissal>> {
        dismissals::of_category(&self.0, category, after, limit)
    }

    fn parts_of(&self, _namespace: i64, composite: i64) -> StoreResult<Vec<Part>> {
        parts::of_composite(&self.0, composite)
    }

    fn parts_with(&self, _namespace: i64, item: i64) -> StoreResult<Vec<Part>> {
        parts::with_item(&self.0, item)
    }

    fn members(
        &self,
        _namespace: i64,
        category: i64,
        from: u64,
        limit: usize,
    ) -> StoreResult<Vec<Membership>> {
        members::members(&self.0, category, from, limit)
    }

    fn nth_newest_member(
        &self,
        _namespace: i64,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> StoreResult<Option<(u64, i64)>> {
        members::nth_newest_member(&self.0, category, after, before, nth)
    }
}

impl Reads for Connected {
    fn namespace_by_name(&self, name: &str) -> StoreResult<Option<NamespaceRow>> {
        namespaces::namespace_by_name(&self.0, name)
    }

    fn namespaces_page(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> StoreResult<Vec<Result<NamespaceRow, DamagedNamespace>>> {
        namespaces::namespaces_page(&self.0, prefix, after, limit)
    }

    fn namespace_count(&self) -> StoreResult<u64> {
        namespaces::namespace_count(&self.0)
    }

    fn category_records(
        &self,
        namespace: i64,
        after: &str,
        limit: usize,
    ) -> StoreResult<Vec<(i64, CategoryRecord)>> {
        lookup::category_records(&self.0, namespace, after, limit)
    }

    fn stored_categories(
        &self,
        namespace: i64,
        take: &mut dyn FnMut(CategoryLoad),
    ) -> StoreResult<()> {
        listings::stored_categories(&self.0, namespace, take)
    }

    fn category_id(&self, namespace: i64, key: &str) -> StoreResult<Option<i64>> {
        lookup::category_id(&self.0, namespace, key)
    }

    fn category_key(&self, _namespace: i64, category: i64) -> StoreResult<String> {
        lookup::category_key(&self.0, category)
    }

    fn item_key(&self, _namespace: i64, item: i64) -> StoreResult<String> {
        lookup::item_key(&self.0, item)
    }

    fn items_page(&self, namespace: i64, after: &str, limit: usize) -> StoreResult<Vec<Item>> {
        listings::items_page(&self.0, namespace, after, limit)
    }

    fn inbox_page(&self, namespace: i64, after: &str, limit: usize) -> StoreResult<Vec<Item>> {
        listings::inbox_page(&self.0, namespace, after, limit)
    }

    fn inbox_count(&self, namespace: i64) -> StoreResult<u64> {
        integrity::inbox_count(&self.0, namespace)
    }

    fn in_inbox(&self, namespace: i64, key: &str, item: i64) -> StoreResult<bool> {
        integrity::in_inbox(&self.0, namespace, key, item)
    }

    fn members_page(
        &self,
        _namespace: i64,
        category: i64,
        before: Option<u64>,
        limit: usize,
    ) -> StoreResult<Vec<Item>> {
        listings::members_page(&self.0, category, before, limit)
    }

    fn is_member(&self, _namespace: i64, membership: &Membership) -> StoreResult<bool> {
        members::is_member(&self.0, membership)
    }

    fn is_part(&self, _namespace: i64, part: &Part) -> StoreResult<bool> {
        parts::is_indexed(&self.0, part)
    }

    fn entries_after(
        &self,
        namespace: i64,
        revision: u64,
        each: &mut dyn FnMut(Entry) -> StoreResult<()>,
    ) -> StoreResult<()> {
        log::entries_after(&self.0, namespace, revision, each)
    }

    fn entries_in(
        &self,
        namespace: i64,
        range: &LogRange<'_>,
        each: &mut dyn FnMut(LogRow) -> StoreResult<ControlFlow<()>>,
    ) -> StoreResult<()> {
        log::entries_in(&self.0, namespace, range, each)
    }

    fn history_start(&self, namespace: i64) -> StoreResult<HistoryStart> {
        trims::history_start(&self.0, namespace)
    }

    fn entry_sizes(
        &self,
        namespace: i64,
        first: u64,
        last: u64,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()> {
        trims::entry_sizes(&self.0, namespace, first, last, each)
    }

    fn idempotency_get(
        &self,
        namespace: i64,
        request_id: &str,
    ) -> StoreResult<Option<StoredRequest>> {
        idempotency::get(&self.0, namespace, request_id)
    }
}
