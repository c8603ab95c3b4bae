//! What the state machine asks of the store, inside the transaction of a write.

use ee_core::store::{CategoryRecord, Item, Membership, Store};
use rusqlite::{Connection, OptionalExtension};

use super::lookup::{self, MEMBERSHIP, RawCategory, RawItem, RawMembership};
use super::{Head, StoreError, StoreResult};

/// The rows of one namespace, in the writer's transaction.
pub(crate) struct SqlStore<'a> {
    connection: &'a Connection,
    namespace: i64,
    head: &'a mut Head,
}

impl<'a> SqlStore<'a> {
    pub(crate) fn new(connection: &'a Connection, namespace: i64, head: &'a mut Head) -> Self {
        Self {
            connection,
            namespace,
            head,
        }
    }

    /// Puts an item into the inbox.
    fn enter_inbox(&mut self, key: &str, item: i64) -> StoreResult<()> {
        self.connection
            .prepare_cached("INSERT INTO inbox VALUES (?1, ?2, ?3)")?
            .execute((self.namespace, key, item))?;
        Ok(())
    }

    /// Takes an item out of the inbox.
    fn leave_inbox(&mut self, key: &str) -> StoreResult<()> {
        self.connection
            .prepare_cached("DELETE FROM inbox WHERE namespace = ?1 AND key = ?2")?
            .execute((self.namespace, key))?;
        Ok(())
    }

    /// Stores a membership of an item that is not in the inbox.
    pub(crate) fn insert_bare_membership(&mut self, membership: &Membership) -> StoreResult<()> {
        RawMembership::insert(self.connection, membership)
    }

    fn one_member(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> StoreResult<Option<(u64, i64)>> {
        one_member(self.connection, sql, parameters)
    }
}

fn one_member(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> StoreResult<Option<(u64, i64)>> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(parameters, |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
        })
        .optional()?)
}

impl Store for SqlStore<'_> {
    type Error = StoreError;

    fn item(&mut self, key: &str) -> StoreResult<Option<Item>> {
        lookup::item_by_key(self.connection, self.namespace, key)
    }

    fn item_by_id(&mut self, id: i64) -> StoreResult<Item> {
        lookup::item_by_id(self.connection, id)
    }

    fn insert_item(&mut self, item: &Item, inbox: bool) -> StoreResult<i64> {
        let id = self.head.take_id();
        RawItem::new(self.namespace, id, item).insert(self.connection)?;
        if inbox {
            self.enter_inbox(&item.key, id)?;
        }
        Ok(id)
    }

    fn update_item(&mut self, item: &Item) -> StoreResult<()> {
        RawItem::new(self.namespace, item.id, item).update(self.connection)
    }

    fn delete_item(&mut self, item: &Item) -> StoreResult<()> {
        self.leave_inbox(&item.key)?;
        self.connection
            .prepare_cached("DELETE FROM items WHERE id = ?1")?
            .execute([item.id])?;
        Ok(())
    }

    fn memberships(&mut self, item: i64) -> StoreResult<Vec<Membership>> {
        lookup::memberships_of(self.connection, item)
    }

    fn insert_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        first: bool,
    ) -> StoreResult<()> {
        if first {
            self.leave_inbox(&item.key)?;
        }
        self.insert_bare_membership(membership)
    }

    fn delete_membership(
        &mut self,
        item: &Item,
        membership: &Membership,
        last: bool,
    ) -> StoreResult<()> {
        self.connection
            .prepare_cached("DELETE FROM memberships WHERE category = ?1 AND sequence = ?2")?
            .execute((membership.category, membership.sequence.cast_signed()))?;
        if last {
            self.enter_inbox(&item.key, item.id)?;
        }
        Ok(())
    }

    fn oldest_member(&mut self, category: i64, from: u64) -> StoreResult<Option<(u64, i64)>> {
        self.one_member(
            "SELECT sequence, item FROM memberships
             WHERE category = ?1 AND sequence >= ?2 ORDER BY sequence LIMIT 1",
            (category, from.cast_signed()),
        )
    }

    fn nth_newest_member(
        &mut self,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> StoreResult<Option<(u64, i64)>> {
        nth_newest_member(self.connection, category, after, before, nth)
    }

    fn members(&mut self, category: i64, from: u64, limit: usize) -> StoreResult<Vec<Membership>> {
        members(self.connection, category, from, limit)
    }

    fn insert_category(&mut self, record: &CategoryRecord) -> StoreResult<i64> {
        let id = self.head.take_id();
        self.update_category(id, record)?;
        Ok(id)
    }

    fn update_category(&mut self, id: i64, record: &CategoryRecord) -> StoreResult<()> {
        RawCategory::new(id, self.namespace, record).save(self.connection)
    }

    fn delete_category(&mut self, id: i64) -> StoreResult<()> {
        self.connection
            .prepare_cached("DELETE FROM sums WHERE category = ?1")?
            .execute([id])?;
        self.connection
            .prepare_cached("DELETE FROM categories WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }
}

/// The `nth` newest member of a category between two places in the order of assignment.
pub(crate) fn nth_newest_member(
    connection: &Connection,
    category: i64,
    after: u64,
    before: u64,
    nth: u64,
) -> StoreResult<Option<(u64, i64)>> {
    // The largest u64 means "no bound"; the column holds i64.
    let before = i64::try_from(before).unwrap_or(i64::MAX);
    one_member(
        connection,
        "SELECT sequence, item FROM memberships
         WHERE category = ?1 AND sequence > ?2 AND sequence < ?3
         ORDER BY sequence DESC LIMIT 1 OFFSET ?4",
        (category, after.cast_signed(), before, nth.cast_signed()),
    )
}

/// Up to `limit` members from a place in the order of assignment on, oldest first.
pub(crate) fn members(
    connection: &Connection,
    category: i64,
    from: u64,
    limit: usize,
) -> StoreResult<Vec<Membership>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {MEMBERSHIP} FROM memberships
         WHERE category = ?1 AND sequence >= ?2 ORDER BY sequence LIMIT ?3"
    ))?;
    let rows = statement.query_map(
        (category, from.cast_signed(), limit as i64),
        RawMembership::read,
    )?;
    rows.map(|row| row?.check()).collect()
}
