//! A write-behind cache: new rows of a batch of writes that are not in their tables yet.
//!
//! Most writes add items and memberships that nothing reads before the commit. Until then these rows
//! wait here. A refused command then has nothing to undo, where a savepoint would make SQLite copy
//! every changed page; and the rows are inserted while other threads compute hashes and drifts. A read
//! that could find a pending row inserts all of them first.

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

/// The rows, and the part of them that the current command has added.
#[derive(Default)]
pub(crate) struct Pending {
    /// Items, each with whether it is in the inbox.
    items: Vec<(RawItem, bool)>,
    /// Memberships, each with the namespace and key of its item if the item leaves the inbox.
    memberships: Vec<(Membership, Option<(i64, String)>)>,
    /// Entries of the log, which are inserted last: SQLite reads whole entries to find the end of the
    /// log. It looks up the pages of long entries in the WAL, unless the transaction has changed these
    /// pages already.
    entries: Vec<RawEntry>,
    /// Bytes of the entries.
    entry_bytes: usize,
    /// Numbers of rows before the current command.
    before: Rows,
    /// Identifiers of items and categories with pending rows; a superset.
    ids: FxHashSet<i64>,
    /// Hashes of the keys of pending items; a superset.
    keys: FxHashSet<u64>,
    /// How the current command is undone; `None` until it has written to a table.
    guard: Option<Guard>,
    /// The transaction has changed a table.
    used: bool,
    /// Number of memberships inserted by the transaction.
    members: i64,
}

/// Largest number of bytes of pending entries: the entry of a large write holds every value that the
/// write replaced.
const ENTRY_BYTES: usize = 1024 * 1024;

/// Numbers of pending rows.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Rows {
    items: usize,
    memberships: usize,
    entries: usize,
}

/// How a command is undone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    Savepoint,
    /// By rolling back the transaction, which holds nothing else; cheaper than a savepoint.
    Transaction,
}

impl Pending {
    /// Begins a command.
    pub(crate) fn begin(&mut self) {
        self.before = self.rows();
        self.guard = None;
    }

    /// Keeps the current command.
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

    /// Undoes the current command.
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

    /// Records that the transaction has written something else, which is never undone by itself.
    pub(crate) fn written(&mut self) {
        self.used = true;
    }

    /// Number of memberships inserted by the transaction.
    pub(crate) fn members(&self) -> i64 {
        self.members
    }

    pub(super) fn item(&mut self, item: RawItem, inbox: bool) {
        self.ids.insert(item.id);
        self.keys.insert(hash(item.namespace, &item.key));
        self.items.push((item, inbox));
    }

    /// Adds a log entry, and returns its bytes; `sequence` is its position among the entries of all
    /// namespaces.
    pub(crate) fn entry(&mut self, namespace: i64, sequence: u64, entry: &Entry) -> u64 {
        let entry = RawEntry::new(namespace, sequence, entry);
        let bytes = entry.bytes();
        self.entry_bytes += bytes;
        self.entries.push(entry);
        bytes as u64
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

    /// Inserts the pending rows if some may belong to an item or category that is about to be read.
    pub(super) fn look_at(&mut self, connection: &Connection, id: i64) -> StoreResult<()> {
        if self.ids.contains(&id) {
            self.insert(connection)?;
        }
        Ok(())
    }

    /// Inserts the pending rows if one may have a key that is about to be looked up.
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

    /// Prepares a change of a table by the current command.
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
            let mut add = members::adding_new(connection)?;
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
