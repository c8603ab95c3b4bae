//! The interface between the engine and a store.
//!
//! A store is one [`Backend`]. Reads go through a [`View`], which is of one moment. Writes go
//! through a [`WriteSession`], one transaction at a time:
//!
//! ```text
//! begin → enlist each namespace → (begin_command → store, append → keep | undo)* → commit
//!                                                        Committed → publish → acknowledge
//!                                                        Conflict  → the batch is applied again
//!                                                        Unknown   → resolve
//! ```
//!
//! How a backend for several processes fits: it gives each process several writers
//! ([`Backend::write_session`]), locks the head of each namespace as the transaction enlists it, and
//! reports by [`Enlisted::Changed`] that another process has committed entries since; the engine
//! then reads the namespace anew. A commit whose fence fails is a [`Commit::Conflict`]. A commit
//! whose answer was lost is [`Commit::Unknown`], and [`WriteSession::resolve`] finds out how it ended.

use std::ops::{ControlFlow, Deref};
use std::sync::Arc;

use ee_core::command::CategoryLoad;
use ee_core::command::Store;
use ee_core::command::record::Entry;
use ee_core::namespace::CategoryDraft;
use ee_core::namespace::{CategoryRecord, Dismissal, Item, Membership, Part};

use crate::{
    DamagedNamespace, FailureLatch, HistoryStart, NamespaceRow, StoreError, StoreResult, TrimStep,
    Trimmed,
};

/// Called, from any thread, when [`WriteSession::upkeep`] has something to finish.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Facts about a store, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Version of the database.
    pub version: String,
    /// Where the data is. Only the operator may see it.
    pub location: String,
}

/// The result of a check of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesReport {
    /// Pages of the database file that were read.
    pub pages: u64,
    /// The damage found; empty: none.
    pub findings: Vec<String>,
}

/// How large a store is. The figures are those of the last write or step of upkeep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Entries of the logs of all namespaces.
    pub log_entries: u64,
    /// Bytes of these entries.
    pub log_bytes: u64,
    /// Bytes that the database file takes on the disk.
    pub database_bytes: u64,
    /// Bytes of it that are free.
    pub free_bytes: u64,
}

/// A store.
pub trait Backend: Send + Sync {
    /// Begins a read view: everything that is read from it is as of one moment.
    fn view(&self) -> StoreResult<Box<dyn View>>;

    /// A session that writes. Fails if the store gives no more of them.
    fn write_session(&self, wake: Wake) -> StoreResult<Box<dyn WriteSession>>;

    /// The failure that has ended writing, if any.
    fn failure(&self) -> &Arc<FailureLatch>;

    /// Facts about the store.
    fn describe(&self) -> Description;

    /// A random number that changes where the revisions of a namespace may go back without its
    /// deletion: when the store is replaced by a backup.
    fn epoch(&self) -> u64;

    /// Entries that have been acknowledged, of all namespaces together.
    fn acknowledged(&self) -> u64;

    /// How large the store is.
    fn sizes(&self) -> Sizes;

    /// Reads every page of the files, and compares indexes with tables. Writes go on.
    fn verify_files(&self) -> StoreResult<FilesReport>;
}

/// A read view: of one moment, the moment of its first read.
pub trait View: Send {
    /// The reads.
    fn reads(&self) -> &(dyn Reads + 'static);
}

impl Deref for dyn View {
    type Target = dyn Reads;

    fn deref(&self) -> &Self::Target {
        self.reads()
    }
}

/// The items of a namespace and their memberships: what a ranking and its explanation read.
pub trait ItemReads {
    /// The item with a key.
    fn item_by_key(&self, namespace: i64, key: &str) -> StoreResult<Option<Item>>;

    /// The item with an identifier, which must exist.
    fn item_by_id(&self, namespace: i64, item: i64) -> StoreResult<Item>;

    /// The memberships of an item, by sequence.
    fn memberships_of(&self, namespace: i64, item: i64) -> StoreResult<Vec<Membership>>;

    /// The dismissals of an item, by category.
    fn dismissals_of(&self, namespace: i64, item: i64) -> StoreResult<Vec<Dismissal>>;

    /// Up to `limit` dismissals of a category with items after one, by item.
    fn dismissals_of_category(
        &self,
        namespace: i64,
        category: i64,
        after: i64,
        limit: usize,
    ) -> StoreResult<Vec<Dismissal>>;

    /// The parts of a composite item, by the item that is the part; of another item: none.
    fn parts_of(&self, namespace: i64, composite: i64) -> StoreResult<Vec<Part>>;

    /// What an item is a part of, by composite.
    fn parts_with(&self, namespace: i64, item: i64) -> StoreResult<Vec<Part>>;

    /// Up to `limit` memberships of a category from a sequence on, the oldest first.
    fn members(
        &self,
        namespace: i64,
        category: i64,
        from: u64,
        limit: usize,
    ) -> StoreResult<Vec<Membership>>;

    /// The `nth` newest member (0: the newest) of a category with a sequence above `after` and
    /// below `before`: (sequence, item). `u64::MAX`: no upper bound.
    fn nth_newest_member(
        &self,
        namespace: i64,
        category: i64,
        after: u64,
        before: u64,
        nth: u64,
    ) -> StoreResult<Option<(u64, i64)>>;
}

/// The reads of a store, in a view or inside a transaction.
pub trait Reads: ItemReads {
    /// The active namespace with a name.
    fn namespace_by_name(&self, name: &str) -> StoreResult<Option<NamespaceRow>>;

    /// Up to `limit` active namespaces by name, after a name, whose names begin with a prefix. A
    /// damaged row hides no other.
    fn namespaces_page(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> StoreResult<Vec<Result<NamespaceRow, DamagedNamespace>>>;

    /// Number of active namespaces.
    fn namespace_count(&self) -> StoreResult<u64>;

    /// The category records of a namespace by key, after a key, with their identifiers.
    fn category_records(
        &self,
        namespace: i64,
        after: &str,
        limit: usize,
    ) -> StoreResult<Vec<(i64, CategoryRecord)>>;

    /// Hands over each category of a namespace with its last written sum.
    fn stored_categories(
        &self,
        namespace: i64,
        take: &mut dyn FnMut(CategoryLoad),
    ) -> StoreResult<()>;

    /// The identifier of the category with a key.
    fn category_id(&self, namespace: i64, key: &str) -> StoreResult<Option<i64>>;

    /// The key of the category with an identifier, which must exist.
    fn category_key(&self, namespace: i64, category: i64) -> StoreResult<String>;

    /// The key of the item with an identifier, which must exist.
    fn item_key(&self, namespace: i64, item: i64) -> StoreResult<String>;

    /// Up to `limit` items of a namespace by key, after a key.
    fn items_page(&self, namespace: i64, after: &str, limit: usize) -> StoreResult<Vec<Item>>;

    /// Up to `limit` items in no category, by key, after a key.
    fn inbox_page(&self, namespace: i64, after: &str, limit: usize) -> StoreResult<Vec<Item>>;

    /// Items in no category.
    fn inbox_count(&self, namespace: i64) -> StoreResult<u64>;

    /// Whether an item is in the inbox under its key.
    fn in_inbox(&self, namespace: i64, key: &str, item: i64) -> StoreResult<bool>;

    /// Up to `limit` members of a category, the newest first, before a sequence.
    fn members_page(
        &self,
        namespace: i64,
        category: i64,
        before: Option<u64>,
        limit: usize,
    ) -> StoreResult<Vec<Item>>;

    /// Whether a membership is listed among the members of its category.
    fn is_member(&self, namespace: i64, membership: &Membership) -> StoreResult<bool>;

    /// Whether a part is listed among what its item is a part of.
    fn is_part(&self, namespace: i64, part: &Part) -> StoreResult<bool>;

    /// Calls `each` with the log entries of a namespace after a revision, the newest first.
    fn entries_after(
        &self,
        namespace: i64,
        revision: u64,
        each: &mut dyn FnMut(Entry) -> StoreResult<()>,
    ) -> StoreResult<()>;

    /// Calls `each` with the log entries of a namespace in a range, in its order, until `each`
    /// breaks.
    fn entries_in(
        &self,
        namespace: i64,
        range: &LogRange<'_>,
        each: &mut dyn FnMut(LogRow) -> StoreResult<ControlFlow<()>>,
    ) -> StoreResult<()>;

    /// Where the log of a namespace begins.
    fn history_start(&self, namespace: i64) -> StoreResult<HistoryStart>;

    /// Calls `each` with the bytes of each entry of a namespace from one revision to another, the
    /// oldest first, until `each` returns false.
    fn entry_sizes(
        &self,
        namespace: i64,
        first: u64,
        last: u64,
        each: &mut dyn FnMut(u64) -> bool,
    ) -> StoreResult<()>;

    /// The stored answer to a request, expired or not.
    fn idempotency_get(
        &self,
        namespace: i64,
        request_id: &str,
    ) -> StoreResult<Option<StoredRequest>>;
}

/// A range of a namespace's log.
#[derive(Clone, Copy, Debug)]
pub struct LogRange<'a> {
    /// The lowest revision.
    pub first: u64,
    /// The highest revision.
    pub last: u64,
    /// Whether the highest revision comes first.
    pub newest_first: bool,
    /// Texts of which the reader needs only entries with all of them. A store may leave out an
    /// entry whose bytes lack one; the reader still checks the entries that it gets.
    pub containing: &'a [&'a str],
}

/// A row of a namespace's log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// Its revision.
    pub revision: u64,
    /// Bytes of the stored entry.
    pub bytes: usize,
    /// The entry; `None`: it lacks one of the texts.
    pub entry: Option<Entry>,
}

/// The stored answer to a request with an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRequest {
    /// When the request was answered, in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// Hash of the request without its id.
    pub fingerprint: u64,
    /// The answer, as [`crate::codec`] encodes it.
    pub answer: Vec<u8>,
}

/// How a transaction finds a namespace that it enlists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enlisted {
    /// At the revision that this process has published.
    Current,
    /// At another revision: another process has written to the namespace, or has deleted it.
    Changed,
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Commit {
    /// Durable.
    Committed,
    /// Nothing was written, since another process has written to the same namespace. The batch can
    /// be applied again, to what is stored then. Each conflict means that a transaction of another
    /// process was committed.
    Conflict,
    /// Not known, and why.
    Unknown(StoreError),
}

/// The result of restoring items of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Restored {
    /// Stored.
    Stored,
    /// The namespace has an item with this key already.
    ItemTwice(String),
    /// Two memberships of a category have the same sequence, or an item is in a category twice.
    MembershipTwice,
}

/// An item of a snapshot with its memberships and dismissals, whose `item` is not read.
#[derive(Clone, Debug, PartialEq)]
pub struct RestoredItem {
    /// The item.
    pub item: Item,
    /// Its memberships.
    pub memberships: Vec<Membership>,
    /// Its dismissals.
    pub dismissals: Vec<Dismissal>,
}

/// A session that writes: one transaction at a time.
pub trait WriteSession: Send {
    /// The reads inside the transaction.
    fn reads(&self) -> &dyn Reads;

    /// Begins a transaction. Its entries get the time `now_ms` or, if the clock went back, the time
    /// of the newest entry.
    fn begin(&mut self, now_ms: i64) -> StoreResult<()>;

    /// Time of the transaction's entries, in milliseconds since the Unix epoch.
    fn time_ms(&self) -> i64;

    /// Takes a namespace into the transaction before the first command for it. `revision`: the one
    /// that this process has published.
    fn enlist(&mut self, namespace: i64, revision: u64) -> StoreResult<Enlisted>;

    /// A command begins.
    fn begin_command(&mut self);

    /// Keeps the changes of the command.
    fn keep_command(&mut self) -> StoreResult<()>;

    /// Undoes the changes of the command.
    fn undo_command(&mut self) -> StoreResult<()>;

    /// The rows of a namespace, for the state machine.
    fn store(&mut self, namespace: i64) -> &mut dyn Store<Error = StoreError>;

    /// Appends an entry to a namespace's log, and returns its bytes.
    fn append(&mut self, namespace: i64, entry: &Entry) -> StoreResult<u64>;

    /// Deletes the oldest entries of a namespace's log, as the step allows. The caller keeps those that
    /// a load needs: the ones after the revision of the sums, and the newest.
    fn trim(&mut self, namespace: i64, step: TrimStep) -> StoreResult<Trimmed>;

    /// Writes out rows that were held back. Called beside computation on other threads.
    fn flush(&mut self) -> StoreResult<()>;

    /// Stores the answer to a request, at the transaction's time.
    fn idempotency_put(
        &mut self,
        namespace: i64,
        request_id: &str,
        fingerprint: u64,
        answer: Vec<u8>,
    ) -> StoreResult<()>;

    /// Deletes at most `limit` answers that have expired at the transaction's time.
    fn idempotency_expire(&mut self, limit: usize) -> StoreResult<()>;

    /// Writes the sum and statistics of a category at a revision.
    fn save_sum(
        &mut self,
        namespace: i64,
        revision: u64,
        category: &CategoryDraft,
    ) -> StoreResult<()>;

    /// Number of active namespaces, uncommitted changes included.
    fn namespace_count(&self) -> StoreResult<u64>;

    /// Stores a new namespace, active or restoring, and returns its identifier; `row.id` is not
    /// read.
    fn create_namespace(&mut self, row: &NamespaceRow) -> StoreResult<i64>;

    /// Overwrites the row of a namespace, whose state stays.
    fn update_namespace(&mut self, row: &NamespaceRow) -> StoreResult<()>;

    /// Deletes a namespace, active or restoring. Its rows are purged later.
    fn delete_namespace(&mut self, row: &NamespaceRow) -> StoreResult<()>;

    /// Stores categories in a namespace that is being restored, and returns their identifiers.
    fn restore_categories(
        &mut self,
        namespace: i64,
        records: &[CategoryRecord],
    ) -> StoreResult<Vec<i64>>;

    /// Stores the parts of restored items.
    fn restore_parts(&mut self, namespace: i64, parts: &[Part]) -> StoreResult<()>;

    /// Stores items with their memberships in a namespace that is being restored. The transaction is
    /// to be rolled back unless all of them were stored.
    fn restore_items(&mut self, namespace: i64, items: &[RestoredItem]) -> StoreResult<Restored>;

    /// Makes a restored namespace active.
    fn finish_restore(&mut self, row: &NamespaceRow) -> StoreResult<()>;

    /// Ends the transaction.
    fn commit(&mut self) -> Commit;

    /// Finds out how a transaction ended whose end is unknown.
    fn resolve(&mut self, cause: StoreError) -> Commit;

    /// Rolls the transaction back. Never fails: a transaction without a commit writes nothing.
    fn rollback(&mut self);

    /// Records that the last committed transaction is about to be acknowledged, so that its loss
    /// can be seen later. Called after the transaction is visible and before it is answered.
    fn acknowledge(&mut self) -> StoreResult<()>;

    /// Starts upkeep in the background, if any is due. Takes no time.
    fn begin_upkeep(&mut self);

    /// Finishes upkeep that was started. Called after the writer was woken.
    fn upkeep(&mut self);

    /// Deletes some rows of deleted namespaces, in a transaction of its own: a few milliseconds.
    /// Returns whether any may be left.
    fn purge(&mut self) -> StoreResult<bool>;

    /// Gives some of the store's free room back to the system, in a transaction of its own: a few
    /// milliseconds. Returns whether more is left to give back.
    fn shrink(&mut self) -> StoreResult<bool>;

    /// Frees memory that only makes further writes faster. Called outside of a transaction, once the
    /// session has not written for a while.
    fn release_memory(&mut self);

    /// Finishes all upkeep and releases the writer. No view can be begun afterwards.
    fn close(self: Box<Self>);
}
