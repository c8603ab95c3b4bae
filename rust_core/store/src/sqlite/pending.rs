//! Rows of a group of writes that are not in their tables yet.
//!
//! Most writes bring new items and memberships, and hardly anything looks for these before the
//! commit. So they wait here: a command that is refused then has nothing to undo, where a savepoint
//! would make SQLite keep a second copy of each page that is changed; and they are inserted while
//! other threads compute what readers will need. Whatever could meet one of them inserts them first.

use std::hash::BuildHasher;

use ee_core::command::record::Entry;
use ee_core::namespace::Membership;
use rusqlite::Connection;
use rustc_hash::{FxBuildHasher, FxHashSet};

use super::inbox::{enter_inbox, leave_inbox};
use super::log::RawEntry;
use super::lookup::{RawItem, RawMembership};
use super::members;
use crate::StoreResult;

/// The rows, and how far the command at work has come.
#[derive(Default)]
pub(crate) struct Pending {
    /// Items; whether they are in the inbox.
    items: Vec<(RawItem, bool)>,
    /// Memberships; namespace and key of the item if it leaves the inbox.
    memberships: Vec<(Membership, Option<(i64, String)>)>,
    /// Entries of the log. They come last: to find the end of the log SQLite reads whole entries,
    /// and for the pages of long ones it searches the write-ahead log, but not once a transaction
    /// has changed a page.
    entries: Vec<RawEntry>,
    /// Bytes of those.
    entry_bytes: usize,
    /// Numbers of rows before those of the command at work.
    before: Rows,
    /// Items and categories that have rows here, and maybe others.
    ids: FxHashSet<i64>,
    /// Hashes of the items' keys, and maybe others.
    keys: FxHashSet<u64>,
    /// What protects the tables from the command at work, once it has written to them.
    guard: Option<Guard>,
    /// The transaction has changed something.
    used: bool,
    /// Memberships that have been inserted.
    members: i64,
}

/// Bytes of entries that wait at the most: those of large writes have all that these replaced.
const ENTRY_BYTES: usize = 1024 * 1024;

/// Numbers of rows that wait.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Rows {
    items: usize,
    memberships: usize,
    entries: usize,
}

/// How what a command has written is undone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    Savepoint,
    /// The transaction has nothing else in it, and is a cheaper one.
    Transaction,
}

impl Pending {
    /// A command begins.
    pub(crate) fn begin(&mut self) {
        self.before = self.rows();
        self.guard = None;
    }

    /// The command that began is kept.
    pub(crate) fn keep(&mut self, connection: &Connection) -> StoreResult<()> {
        if self.guard.take() == Some(Guard::Savepoint) {
            statement(connection, "RELEASE command")?;
        }
        self.begin();
        if self.entry_bytes > ENTRY_BYTES {
            self.insert(connection)?;
        }
        Ok(())
    }

    /// The command that began has never been.
    pub(crate) fn undo(&mut self, connection: &Connection) -> StoreResult<()> {
        self.items.truncate(self.before.items);
        self.memberships.truncate(self.before.memberships);
        for entry in self.entries.drain(self.before.entries..) {
            self.entry_bytes -= entry.bytes();
        }
        match self.guard.take() {
            None => Ok(()),
            Some(Guard::Savepoint) => {
                statement(connection, "ROLLBACK TO command")?;
                statement(connection, "RELEASE command")
            }
            Some(Guard::Transaction) => {
                self.used = false;
                statement(connection, "ROLLBACK")?;
                statement(connection, "BEGIN IMMEDIATE")
            }
        }
    }

    /// Something else than these rows is written, which is not undone.
    pub(crate) fn written(&mut self) {
        self.used = true;
    }

    /// Memberships that have been inserted.
    pub(crate) fn members(&self) -> i64 {
        self.members
    }

    pub(super) fn item(&mut self, item: RawItem, inbox: bool) {
        self.ids.insert(item.id);
        self.keys.insert(hash(item.namespace, &item.key));
        self.items.push((item, inbox));
    }

    /// The entry of the log at a place in the one order of all entries.
    pub(crate) fn entry(&mut self, namespace: i64, sequence: u64, entry: &Entry) {
        let entry = RawEntry::new(namespace, sequence, entry);
        self.entry_bytes += entry.bytes();
        self.entries.push(entry);
    }

    pub(super) fn membership(
        &mut self,
        membership: &Membership,
        leaves_inbox: Option<(i64, String)>,
    ) {
        self.ids.insert(membership.item);
        self.ids.insert(membership.category);
        self.memberships.push((membership.clone(), leaves_inbox));
    }

    /// Before an item or category is looked at: inserts its rows, if there may be any.
    pub(super) fn look_at(&mut self, connection: &Connection, id: i64) -> StoreResult<()> {
        if self.ids.contains(&id) {
            self.insert(connection)?;
        }
        Ok(())
    }

    /// Before the item with a key is looked for.
    pub(super) fn look_for(
        &mut self,
        connection: &Connection,
        namespace: i64,
        key: &str,
    ) -> StoreResult<()> {
        if self.keys.contains(&hash(namespace, key)) {
            self.insert(connection)?;
        }
        Ok(())
    }

    /// Before the command at work changes a table.
    pub(super) fn change(&mut self, connection: &Connection) -> StoreResult<()> {
        self.insert_before(connection)?;
        if self.guard.is_none() {
            self.guard = Some(if self.used {
                statement(connection, "SAVEPOINT command")?;
                Guard::Savepoint
            } else {
                Guard::Transaction
            });
        }
        self.used = true;
        self.insert_rows(connection, self.rows())
    }

    /// Inserts all rows.
    pub(crate) fn insert(&mut self, connection: &Connection) -> StoreResult<()> {
        self.insert_before(connection)?;
        if self.rows() == Rows::default() {
            self.ids.clear();
            self.keys.clear();
            return Ok(());
        }
        self.change(connection)
    }

    fn insert_before(&mut self, connection: &Connection) -> StoreResult<()> {
        let before = std::mem::take(&mut self.before);
        self.used |= before != Rows::default();
        self.insert_rows(connection, before)
    }

    fn insert_rows(
        &mut self,
        connection: &Connection,
        Rows {
            items,
            memberships,
            entries,
        }: Rows,
    ) -> StoreResult<()> {
        if items > 0 {
            let mut insert = RawItem::inserting(connection)?;
            for (item, inbox) in self.items.drain(..items) {
                insert(&item)?;
                if inbox {
                    enter_inbox(connection, item.namespace, &item.key, item.id)?;
                }
            }
        }
        if memberships > 0 {
            let mut insert = RawMembership::inserting(connection)?;
            let mut add = members::adding_newest(connection)?;
            for (membership, leaves_inbox) in self.memberships.drain(..memberships) {
                if let Some((namespace, key)) = leaves_inbox {
                    leave_inbox(connection, namespace, &key)?;
                }
                insert(&membership)?;
                add(&membership)?;
            }
            self.members += memberships as i64;
        }
        for entry in self.entries.drain(..entries) {
            self.entry_bytes -= entry.bytes();
            entry.insert(connection)?;
        }
        Ok(())
    }

    fn rows(&self) -> Rows {
        Rows {
            items: self.items.len(),
            memberships: self.memberships.len(),
            entries: self.entries.len(),
        }
    }
}

fn hash(namespace: i64, key: &str) -> u64 {
    FxBuildHasher.hash_one((namespace, key))
}

pub(crate) fn statement(connection: &Connection, sql: &str) -> StoreResult<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
