//! The writer: the one connection that writes, and its transactions.

use std::sync::Arc;

use ee_core::command::Store;
use ee_core::command::record::Entry;
use ee_core::namespace::CategoryDraft;
use ee_core::namespace::{CategoryRecord, Dismissal, Part};
use rusqlite::Connection;

use super::checkpoint::{checkpoint_passive, checkpoint_restart, checkpoint_truncate, wal_frames};
use super::checkpointer::Checkpointer;
use super::head::Head;
use super::idempotency::Sweep;
use super::members::{NewMembers, move_new_members};
use super::pending::{Pending, statement};
use super::reads::Connected;
use super::rows::Rows;
use super::shrink::{Shrink, Step};
use super::{Shared, database, idempotency, namespaces, purge, shrink, sums, trims};
use crate::StoredRequest;
use crate::backend::{Commit, Enlisted, Reads, Restored, RestoredItem, Wake, WriteSession};
use crate::failpoints::{Failpoint, reach};
use crate::time::entry_time;
use crate::{NamespaceRow, NamespaceState, StoreError, StoreResult, TrimStep, Trimmed};

/// Bytes of the WAL from which on it is checkpointed.
const WAL_BYTES: i64 = 64 * 1024 * 1024;

/// The writing connection and its state. SQLite has one writer, so a transaction never
/// conflicts.
pub(crate) struct SqliteWriter {
    rows: Rows,
    shared: Arc<Shared>,
    new_members: NewMembers,
    /// Bytes of a page.
    page_size: i64,
    checkpointer: Checkpointer,
    /// Before the transaction.
    before: (Head, NewMembers),
    /// Before the command.
    before_command: Head,
    expired: Sweep,
    shrink: Shrink,
    /// The transaction has changed more than sums, which are derived: its loss must be seen.
    raises_sequence: bool,
}

impl SqliteWriter {
    pub(crate) fn new(
        connection: Connection,
        shared: Arc<Shared>,
        wake: Wake,
    ) -> StoreResult<Self> {
        let head = Head::load_counted(&connection)?;
        shared.logged(head);
        let new_members = NewMembers::default();
        Ok(Self {
            checkpointer: Checkpointer::start(Arc::clone(&shared), wake)?,
            page_size: database::page_size(&connection)?,
            rows: Rows {
                connection: Connected(connection),
                namespace: 0,
                head,
                pending: Pending::default(),
            },
            shared,
            new_members,
            before: (head, new_members),
            before_command: head,
            expired: Sweep::default(),
            shrink: Shrink::default(),
            raises_sequence: false,
        })
    }

    fn connection(&self) -> &Connection {
        &self.rows.connection.0
    }

    fn save_namespace(&self, row: &NamespaceRow, state: NamespaceState) -> StoreResult<()> {
        let row = NamespaceRow {
            state,
            ..row.clone()
        };
        namespaces::save_namespace(self.connection(), &row)
    }

    /// Writes the rows that go along with a commit, and commits.
    fn try_commit(&mut self) -> StoreResult<()> {
        let connection = &self.rows.connection.0;
        self.rows.pending.insert(connection)?;
        let added = self.rows.pending.members();
        move_new_members(connection, &mut self.new_members, added)?;
        let head = &mut self.rows.head;
        if self.raises_sequence {
            // Each acknowledged commit raises the sequence, so that its loss can be seen.
            head.sequence = head.sequence.max(self.before.0.sequence + 1);
        }
        if *head != self.before.0 {
            head.save(connection)?;
        }
        statement(connection, "COMMIT")
    }

    fn wal_pages(&self) -> i64 {
        #[cfg(feature = "failpoints")]
        if let Some(pages) = crate::failpoints::wal_pages() {
            return pages;
        }
        WAL_BYTES / self.page_size
    }

    /// Checkpoints the rest of the WAL.
    fn complete_checkpoint(&mut self) -> StoreResult<()> {
        reach(Failpoint::Checkpoint)?;
        checkpoint_passive(self.connection())?;
        let complete = checkpoint_restart(self.connection())?.complete();
        self.mark_checkpointed(complete)?;
        if complete {
            let file = self.shared.directory.database_file()?;
            let (connection, page_size) = (&self.rows.connection.0, self.page_size as usize);
            self.shrink.checkpointed(connection, file, page_size)?;
        }
        Ok(())
    }

    /// Checkpoints everything and empties the WAL. If a reader still uses the WAL, or the disk fails,
    /// the WAL stays for the next start.
    fn final_checkpoint(&self) -> StoreResult<()> {
        reach(Failpoint::CloseCheckpoint)?;
        let complete = checkpoint_passive(self.connection())?.complete();
        self.mark_checkpointed(complete)?;
        if complete && !self.shared.failure.is_set() {
            checkpoint_truncate(self.connection())?;
        }
        Ok(())
    }

    /// Marks the database file as complete, if it is.
    fn mark_checkpointed(&self, complete: bool) -> StoreResult<()> {
        reach(Failpoint::Checkpointed)?;
        let sequence = self.rows.head.sequence;
        if complete
            && let Err(error) = self
                .shared
                .directory
                .watermark()
                .raise_checkpointed(sequence)
        {
            self.shared
                .failure
                .set(&format!("cannot write the watermark: {error}"));
        }
        Ok(())
    }

    fn purge_step(&mut self) -> StoreResult<bool> {
        reach(Failpoint::Purge)?;
        let before = self.rows.head;
        let connection = &self.rows.connection.0;
        statement(connection, "BEGIN IMMEDIATE")?;
        let more = purge::purge_step(connection, &mut self.rows.head)?;
        if self.rows.head != before {
            self.rows.head.save(connection)?;
        }
        statement(connection, "COMMIT")?;
        self.shared.logged(self.rows.head);
        Ok(more)
    }

    /// Begins a checkpoint. The pages that are free afterwards are others.
    fn begin_checkpoint(&mut self) {
        self.shrink.forget();
        self.checkpointer.begin();
    }
}

impl WriteSession for SqliteWriter {
    fn reads(&self) -> &dyn Reads {
        &self.rows.connection
    }

    fn begin(&mut self, now_ms: i64) -> StoreResult<()> {
        self.before = (self.rows.head, self.new_members);
        self.rows.pending = Pending::default();
        self.raises_sequence = false;
        let head = &mut self.rows.head;
        let time_ms = entry_time(now_ms, head.time_ms);
        if time_ms < head.time_ms {
            // Answers have times that are ahead.
            self.expired = Sweep::default();
        }
        head.time_ms = time_ms;
        statement(self.connection(), "BEGIN IMMEDIATE")
    }

    fn time_ms(&self) -> i64 {
        self.rows.head.time_ms
    }

    fn enlist(&mut self, _namespace: i64, _revision: u64) -> StoreResult<Enlisted> {
        Ok(Enlisted::Current)
    }

    fn begin_command(&mut self) {
        self.before_command = self.rows.head;
        self.rows.pending.begin();
    }

    fn keep_command(&mut self) -> StoreResult<()> {
        self.rows.pending.keep(&self.rows.connection.0)
    }

    fn undo_command(&mut self) -> StoreResult<()> {
        self.rows.pending.undo(&self.rows.connection.0)?;
        self.rows.head = self.before_command;
        Ok(())
    }

    fn store(&mut self, namespace: i64) -> &mut dyn Store<Error = StoreError> {
        self.rows.namespace = namespace;
        &mut self.rows
    }

    fn append(&mut self, namespace: i64, entry: &Entry) -> StoreResult<u64> {
        self.raises_sequence = true;
        let head = &mut self.rows.head;
        head.sequence += 1;
        let bytes = self.rows.pending.entry(namespace, head.sequence, entry);
        head.entry_appended(bytes);
        Ok(bytes)
    }

    fn trim(&mut self, namespace: i64, step: TrimStep) -> StoreResult<Trimmed> {
        self.rows.pending.written();
        let trimmed = trims::trim(&self.rows.connection.0, namespace, step)?;
        self.rows
            .head
            .entries_deleted(trimmed.entries, trimmed.bytes);
        Ok(trimmed)
    }

    fn flush(&mut self) -> StoreResult<()> {
        self.rows.pending.insert(&self.rows.connection.0)
    }

    fn idempotency_put(
        &mut self,
        namespace: i64,
        request_id: &str,
        fingerprint: u64,
        answer: Vec<u8>,
    ) -> StoreResult<()> {
        self.raises_sequence = true;
        self.rows.pending.written();
        let request = StoredRequest {
            time_ms: self.rows.head.time_ms,
            fingerprint,
            answer,
        };
        idempotency::put(self.connection(), namespace, request_id, &request)
    }

    fn idempotency_expire(&mut self, limit: usize) -> StoreResult<()> {
        self.rows.pending.written();
        let time_ms = self.rows.head.time_ms;
        self.expired.go_on(&self.rows.connection.0, time_ms, limit)
    }

    fn save_sum(
        &mut self,
        namespace: i64,
        revision: u64,
        category: &CategoryDraft,
    ) -> StoreResult<()> {
        sums::save_sum(self.connection(), namespace, revision, category)
    }

    fn namespace_count(&self) -> StoreResult<u64> {
        Ok(self.rows.head.namespaces)
    }

    fn create_namespace(&mut self, row: &NamespaceRow) -> StoreResult<i64> {
        self.raises_sequence = true;
        let row = NamespaceRow {
            id: self.rows.head.take_id(),
            ..row.clone()
        };
        if row.state == NamespaceState::Active {
            self.rows.head.namespaces += 1;
        }
        namespaces::save_namespace(self.connection(), &row)?;
        Ok(row.id)
    }

    fn update_namespace(&mut self, row: &NamespaceRow) -> StoreResult<()> {
        namespaces::save_namespace(self.connection(), row)
    }

    fn delete_namespace(&mut self, row: &NamespaceRow) -> StoreResult<()> {
        self.raises_sequence = true;
        if row.state == NamespaceState::Active {
            self.rows.head.namespaces -= 1;
        }
        self.save_namespace(row, NamespaceState::Deleted)
    }

    fn restore_categories(
        &mut self,
        namespace: i64,
        records: &[CategoryRecord],
    ) -> StoreResult<Vec<i64>> {
        self.raises_sequence = true;
        let store = self.store(namespace);
        let insert = |record| store.insert_category(record);
        records.iter().map(insert).collect()
    }

    fn restore_items(&mut self, namespace: i64, items: &[RestoredItem]) -> StoreResult<Restored> {
        self.raises_sequence = true;
        self.rows.namespace = namespace;
        for RestoredItem {
            item,
            memberships,
            dismissals,
        } in items
        {
            if self.rows.item(&item.key)?.is_some() {
                return Ok(Restored::ItemTwice(item.key.clone()));
            }
            let id = self.rows.insert_item(item, memberships.is_empty())?;
            for membership in memberships {
                let mut membership = membership.clone();
                membership.item = id;
                match self.rows.insert_restored_membership(&membership) {
                    Ok(()) => {}
                    Err(StoreError::Duplicate { .. }) => return Ok(Restored::MembershipTwice),
                    Err(error) => return Err(error),
                }
            }
            for dismissal in dismissals {
                let item = id;
                self.rows.insert_dismissal(&Dismissal {
                    item,
                    ..dismissal.clone()
                })?;
            }
        }
        Ok(Restored::Stored)
    }

    fn restore_parts(&mut self, namespace: i64, parts: &[Part]) -> StoreResult<()> {
        self.raises_sequence = true;
        let store = self.store(namespace);
        parts.iter().try_for_each(|part| store.insert_part(part))
    }

    fn finish_restore(&mut self, row: &NamespaceRow) -> StoreResult<()> {
        self.raises_sequence = true;
        self.rows.head.namespaces += 1;
        self.save_namespace(row, NamespaceState::Active)
    }

    fn commit(&mut self) -> Commit {
        match self.try_commit() {
            Ok(()) => Commit::Committed,
            // Also an error before COMMIT ends writing, so nothing is gained by telling them apart.
            Err(error) => {
                self.rollback();
                Commit::Unknown(error)
            }
        }
    }

    /// Only a restart can tell, by reading the disk.
    fn resolve(&mut self, cause: StoreError) -> Commit {
        Commit::Unknown(cause)
    }

    fn rollback(&mut self) {
        let _ = statement(self.connection(), "ROLLBACK");
        (self.rows.head, self.new_members) = self.before;
        self.rows.pending = Pending::default();
        self.expired = Sweep::default();
    }

    fn acknowledge(&mut self) -> StoreResult<()> {
        let head = self.rows.head;
        self.shared.logged(head);
        self.shared
            .acknowledge(head.sequence)
            .map_err(|error| StoreError::failed(format!("cannot write the watermark: {error}")))
    }

    /// Begins a checkpoint once the WAL is long, and does not wait for it. A WAL that could not
    /// restart because of a reader is soon tried again.
    fn begin_upkeep(&mut self) {
        if self.checkpointer.is_running() || self.shared.failure.is_set() {
            return;
        }
        let most = self.wal_pages();
        match wal_frames(self.connection()) {
            Ok(wal) if wal.written >= most && wal.written - wal.checkpointed >= most / 4 => {
                self.begin_checkpoint();
            }
            Ok(_) => {}
            Err(error) => self.shared.checkpoint_failed(&error),
        }
    }

    fn upkeep(&mut self) {
        self.checkpointer.completed();
        if !self.shared.failure.is_set()
            && let Err(error) = self.complete_checkpoint()
        {
            self.shared.checkpoint_failed(&error);
        }
    }

    fn purge(&mut self) -> StoreResult<bool> {
        let before = self.rows.head;
        let purged = self.purge_step();
        if purged.is_err() {
            let _ = self.connection().execute_batch("ROLLBACK");
            self.rows.head = before;
        }
        purged
    }

    fn shrink(&mut self) -> StoreResult<bool> {
        if self.checkpointer.is_running() {
            return Ok(true);
        }
        let file = self.shared.directory.database_file()?;
        let connection = &self.rows.connection.0;
        let step = self
            .shrink
            .step(connection, file, self.page_size as usize)?;
        self.shared.freed(shrink::free_bytes(connection, file)?);
        match step {
            Step::Done => Ok(false),
            Step::More => Ok(true),
            Step::Checkpoint => {
                self.begin_checkpoint();
                Ok(true)
            }
        }
    }

    fn release_memory(&mut self) {
        // After an error the pages stay in memory, which the next write may use.
        let _ = database::release_cache(self.connection());
    }

    fn close(mut self: Box<Self>) {
        self.checkpointer.stop();
        self.shared.views.close();
        if !self.shared.failure.is_set()
            && let Err(error) = self.final_checkpoint()
        {
            self.shared.checkpoint_failed(&error);
        }
        let _ = self.rows.connection.0.close();
    }
}
