//! A store in memory, for tests: optimistic transactions on a copy of the whole state.
//!
//! Several engines may share one store, as the nodes of a cluster share a database: see
//! [`Memory::another_process`]. A transaction during which another one was committed ends as a conflict.

use std::collections::VecDeque;
use std::sync::Arc;

use ee_core::command::Store;
use ee_core::command::record::Entry;
use ee_core::namespace::{CategoryDraft, CategoryRecord, Dismissal, Part};
use parking_lot::Mutex;

use crate::memory_rows::Rows;
use crate::memory_state::State;
use ee_store::StoredRequest;
use ee_store::backend::{
    Backend, Commit, Description, Enlisted, FilesReport, Reads, Restored, RestoredItem, Sizes,
    View, Wake, WriteSession,
};
use ee_store::codec::StoredStats;
use ee_store::idempotency::RETENTION_MS;
use ee_store::time::entry_time;
use ee_store::{
    FailureLatch, NamespaceRow, NamespaceState, StoreError, StoreResult, TrimStep, Trimmed, codec,
};

/// How a commit ends that a test has injected an end for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectedEnd {
    /// As a conflict; nothing is written.
    Conflict,
    /// As unknown, and in fact committed.
    UnknownCommitted,
    /// As unknown, and in fact lost.
    UnknownLost,
    /// Before the commit, which is not reached.
    Failed,
}

/// A store in memory.
#[derive(Default)]
pub struct Memory {
    shared: Arc<Shared>,
    failure: Arc<FailureLatch>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<Arc<State>>,
    ends: Mutex<VecDeque<InjectedEnd>>,
}

impl Memory {
    /// The same store, as another process sees it.
    #[must_use]
    pub fn another_process(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            failure: Arc::default(),
        }
    }

    /// Makes the next commits end in these ways.
    pub fn inject(&self, ends: impl IntoIterator<Item = InjectedEnd>) {
        self.shared.ends.lock().extend(ends);
    }

    /// Ends that were injected and have not come yet.
    pub fn injected(&self) -> usize {
        self.shared.ends.lock().len()
    }
}

impl Backend for Memory {
    fn view(&self) -> StoreResult<Box<dyn View>> {
        Ok(Box::new(MemoryView(Arc::clone(&self.shared.state.lock()))))
    }

    fn write_session(&self, _wake: Wake) -> StoreResult<Box<dyn WriteSession>> {
        Ok(Box::new(MemorySession {
            shared: Arc::clone(&self.shared),
            base: Arc::default(),
            rows: Rows::default(),
            before_command: State::default(),
            resolved: Commit::Conflict,
        }))
    }

    fn failure(&self) -> &Arc<FailureLatch> {
        &self.failure
    }

    fn describe(&self) -> Description {
        Description {
            version: "in memory".into(),
            location: String::new(),
        }
    }

    fn epoch(&self) -> u64 {
        // Of a store that no backup replaces.
        7
    }

    fn acknowledged(&self) -> u64 {
        self.shared.state.lock().sequence
    }

    fn sizes(&self) -> Sizes {
        let state = self.shared.state.lock();
        Sizes {
            log_entries: state.log.len() as u64,
            log_bytes: state.log.values().map(|entry| entry.len() as u64).sum(),
            ..Sizes::default()
        }
    }

    fn verify_files(&self) -> StoreResult<FilesReport> {
        Ok(FilesReport {
            pages: 0,
            findings: Vec::new(),
        })
    }
}

struct MemoryView(Arc<State>);

impl View for MemoryView {
    fn reads(&self) -> &(dyn Reads + 'static) {
        &*self.0
    }
}

struct MemorySession {
    shared: Arc<Shared>,
    /// What the transaction began with.
    base: Arc<State>,
    rows: Rows,
    before_command: State,
    /// How the last transaction of unknown end has ended.
    resolved: Commit,
}

impl MemorySession {
    fn state(&mut self) -> &mut State {
        &mut self.rows.state
    }

    /// Makes the transaction the state, unless another one was committed since it began.
    fn publish(&mut self) -> Commit {
        let mut state = self.shared.state.lock();
        if !Arc::ptr_eq(&state, &self.base) {
            return Commit::Conflict;
        }
        *state = Arc::new(self.rows.state.clone());
        Commit::Committed
    }
}

impl WriteSession for MemorySession {
    fn reads(&self) -> &dyn Reads {
        &self.rows.state
    }

    fn begin(&mut self, now_ms: i64) -> StoreResult<()> {
        self.resolved = Commit::Conflict;
        self.base = Arc::clone(&self.shared.state.lock());
        self.rows.state = State::clone(&self.base);
        let state = self.state();
        state.time_ms = entry_time(now_ms, state.time_ms);
        Ok(())
    }

    fn time_ms(&self) -> i64 {
        self.rows.state.time_ms
    }

    fn enlist(&mut self, namespace: i64, revision: u64) -> StoreResult<Enlisted> {
        let row = self.base.namespaces.get(&namespace);
        let row = row.filter(|row| row.state == NamespaceState::Active);
        Ok(match row {
            Some(row) if row.header.revision == revision => Enlisted::Current,
            _ => Enlisted::Changed,
        })
    }

    fn begin_command(&mut self) {
        self.before_command = self.rows.state.clone();
    }

    fn keep_command(&mut self) -> StoreResult<()> {
        Ok(())
    }

    fn undo_command(&mut self) -> StoreResult<()> {
        self.rows.state = std::mem::take(&mut self.before_command);
        Ok(())
    }

    fn store(&mut self, namespace: i64) -> &mut dyn Store<Error = StoreError> {
        self.rows.namespace = namespace;
        &mut self.rows
    }

    fn append(&mut self, namespace: i64, entry: &Entry) -> StoreResult<u64> {
        let bytes: Arc<[u8]> = codec::encode(entry).into();
        let length = bytes.len() as u64;
        let state = self.state();
        state.sequence += 1;
        let before = state.log.insert((namespace, entry.revision), bytes);
        assert!(before.is_none(), "a revision twice");
        Ok(length)
    }

    fn trim(&mut self, namespace: i64, step: TrimStep) -> StoreResult<Trimmed> {
        let state = self.state();
        let start = state.history_start(namespace)?;
        let trimmed = step.count(start, |first, last, each| {
            state.entry_sizes(namespace, first, last, each)
        })?;
        let first = trimmed.start.first_revision;
        let kept = |(of, revision): &(i64, u64)| *of != namespace || *revision >= first;
        state.log.retain(|key, _| kept(key));
        state.starts.insert(namespace, trimmed.start);
        Ok(trimmed)
    }

    fn flush(&mut self) -> StoreResult<()> {
        let mut ends = self.shared.ends.lock();
        if ends.front() == Some(&InjectedEnd::Failed) {
            ends.pop_front();
            return Err(StoreError::failed("the connection was lost"));
        }
        Ok(())
    }

    fn idempotency_put(
        &mut self,
        namespace: i64,
        request_id: &str,
        fingerprint: u64,
        answer: Vec<u8>,
    ) -> StoreResult<()> {
        let state = self.state();
        let request = StoredRequest {
            time_ms: state.time_ms,
            fingerprint,
            answer,
        };
        state
            .answers
            .insert((namespace, request_id.to_owned()), request);
        Ok(())
    }

    fn idempotency_expire(&mut self, limit: usize) -> StoreResult<()> {
        let state = self.state();
        let oldest = state.time_ms - RETENTION_MS;
        let expired = state
            .answers
            .iter()
            .filter(|(_, it)| it.time_ms < oldest || it.time_ms > state.time_ms);
        let expired: Vec<_> = expired.map(|(key, _)| key.clone()).take(limit).collect();
        for key in expired {
            state.answers.remove(&key);
        }
        Ok(())
    }

    fn save_sum(
        &mut self,
        _namespace: i64,
        revision: u64,
        category: &CategoryDraft,
    ) -> StoreResult<()> {
        let sum = (
            revision,
            StoredStats::of(category),
            category.sum.as_slice().into(),
        );
        self.state().sums.insert(category.category.id, sum);
        Ok(())
    }

    fn namespace_count(&self) -> StoreResult<u64> {
        self.rows.state.namespace_count()
    }

    fn create_namespace(&mut self, row: &NamespaceRow) -> StoreResult<i64> {
        let state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        state
            .namespaces
            .insert(id, NamespaceRow { id, ..row.clone() });
        state.sequence += 1;
        Ok(id)
    }

    fn update_namespace(&mut self, row: &NamespaceRow) -> StoreResult<()> {
        self.state().namespaces.insert(row.id, row.clone());
        Ok(())
    }

    fn delete_namespace(&mut self, row: &NamespaceRow) -> StoreResult<()> {
        let state = self.state();
        state.sequence += 1;
        if let Some(row) = state.namespaces.get_mut(&row.id) {
            row.state = NamespaceState::Deleted;
        }
        Ok(())
    }

    fn restore_categories(
        &mut self,
        namespace: i64,
        records: &[CategoryRecord],
    ) -> StoreResult<Vec<i64>> {
        let store = self.store(namespace);
        let insert = |record| store.insert_category(record);
        records.iter().map(insert).collect()
    }

    fn restore_items(&mut self, namespace: i64, items: &[RestoredItem]) -> StoreResult<Restored> {
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
                let place = (membership.category, membership.sequence);
                let state = &mut self.rows.state;
                let taken = state.members.insert(place, id);
                let pair = (id, membership.category);
                if taken.is_some() || state.memberships.insert(pair, membership).is_some() {
                    return Ok(Restored::MembershipTwice);
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
        let store = self.store(namespace);
        parts.iter().try_for_each(|part| store.insert_part(part))
    }

    fn finish_restore(&mut self, row: &NamespaceRow) -> StoreResult<()> {
        let mut row = row.clone();
        row.state = NamespaceState::Active;
        self.update_namespace(&row)
    }

    fn commit(&mut self) -> Commit {
        let end = self.shared.ends.lock().pop_front();
        match end {
            None => self.publish(),
            // Without a flush, this end comes here.
            Some(InjectedEnd::Conflict | InjectedEnd::Failed) => Commit::Conflict,
            Some(end) => {
                self.resolved = match end {
                    InjectedEnd::UnknownCommitted => self.publish(),
                    _ => Commit::Conflict,
                };
                Commit::Unknown(StoreError::failed("the answer to the commit was lost"))
            }
        }
    }

    fn resolve(&mut self, _cause: StoreError) -> Commit {
        self.resolved.clone()
    }

    fn rollback(&mut self) {}

    fn acknowledge(&mut self) -> StoreResult<()> {
        Ok(())
    }

    fn begin_upkeep(&mut self) {}

    fn upkeep(&mut self) {}

    fn purge(&mut self) -> StoreResult<bool> {
        self.begin(0)?;
        let deleted = self.rows.state.namespaces.values();
        let deleted = deleted.filter(|row| row.state == NamespaceState::Deleted);
        let deleted: Vec<i64> = deleted.map(|row| row.id).collect();
        if deleted.is_empty() {
            return Ok(false);
        }
        for namespace in deleted {
            self.rows.state.purge(namespace);
        }
        Ok(self.publish() == Commit::Conflict)
    }

    fn shrink(&mut self) -> StoreResult<bool> {
        Ok(false)
    }

    fn release_memory(&mut self) {}

    fn close(self: Box<Self>) {}
}
