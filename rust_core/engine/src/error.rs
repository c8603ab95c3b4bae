//! The errors of the engine.

use ee_core::command::Rejection;
use ee_store::StoreError;
use thiserror::Error;

/// The error of a call. Nothing was changed, unless the text says that it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No namespace has this name.
    #[error("namespace {name:?} does not exist")]
    NamespaceNotFound {
        /// The name.
        name: String,
    },
    /// A namespace has this name already.
    #[error("namespace {name:?} exists already")]
    NamespaceExists {
        /// The name.
        name: String,
    },
    /// The limit of namespaces is reached.
    #[error("there are as many namespaces as there may be, {limit}: delete one that is not needed")]
    TooManyNamespaces {
        /// The limit.
        limit: u64,
    },
    /// The namespace to delete still holds something.
    #[error("namespace {name:?} holds {categories} categories and {items} items")]
    NamespaceNotEmpty {
        /// The name.
        name: String,
        /// Categories in it.
        categories: u64,
        /// Items in it.
        items: u64,
    },
    /// No category has this key (in a read).
    #[error("category {key:?} does not exist")]
    CategoryNotFound {
        /// The key.
        key: String,
    },
    /// No item has this key (in a read).
    #[error("item {key:?} does not exist")]
    ItemNotFound {
        /// The key.
        key: String,
        /// The query of a Match that names it, and the part of the query.
        query: Option<(usize, Option<usize>)>,
    },
    /// The parts of a query cancel out, or leave the range of a sum.
    #[error("the parts of query {query} cancel out: it points nowhere")]
    DegenerateQuery {
        /// Index of the query.
        query: usize,
    },
    /// The command is invalid in the current state.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The sums that the write needs are of another revision: another process, or a write that found
    /// the namespace elsewhere in memory, came between. [`crate::Engine::write`] builds them again.
    #[error("the namespace was changed while the write was prepared")]
    Unprepared,
    /// The request's id was used by another request.
    #[error("request_id {request_id:?} was used before by another request")]
    RequestIdReused {
        /// The id.
        request_id: String,
    },
    /// The revision that a read waits for was not reached in time.
    #[error("revision {expected} is not reached, the namespace is at {actual}")]
    RevisionNotReached {
        /// The revision asked for.
        expected: u64,
        /// The current one.
        actual: u64,
    },
    /// The namespace is not at the revision that a write expects.
    #[error("the namespace is at revision {actual} and not at {expected}")]
    RevisionMismatch {
        /// The revision that the write expects.
        expected: u64,
        /// The current one.
        actual: u64,
    },
    /// The entry of a revision was trimmed.
    #[error(
        "the history of revision {revision} was trimmed, the first kept revision is \
         {first_revision}"
    )]
    HistoryTrimmed {
        /// The revision asked for.
        revision: u64,
        /// The first one that is kept.
        first_revision: u64,
    },
    /// An undo would take back a change of the namespace's own settings, which the caller may not change.
    #[error(
        "revision {revision} changed the settings of the namespace, which this caller may not change"
    )]
    UndoOfSettings {
        /// The revision.
        revision: u64,
    },
    /// An undo selects more than one undo may take back.
    #[error(
        "the undo would take back too much, more than {limit} {what}: take the newest revisions \
         back first, in several undos"
    )]
    UndoTooLarge {
        /// The limit.
        limit: u64,
        /// Its unit.
        what: &'static str,
    },
    /// A namespace has more categories than a read copies.
    #[error(
        "the namespace has {categories} categories, this read copies at most {limit} of its dimension"
    )]
    CopyTooLarge {
        /// The categories of the namespace.
        categories: u64,
        /// The most categories of its dimension.
        limit: u64,
    },
    /// A change whose effect was asked for would be refused.
    #[error("{rejection}")]
    WhatIf {
        /// Its number in the request.
        index: usize,
        /// Why.
        rejection: Rejection,
    },
    /// More has changed since a revision than a read of the past takes back.
    #[error("more than {limit} {what} since the revision")]
    PastTooFar {
        /// The limit.
        limit: u64,
        /// What it limits.
        what: &'static str,
    },
    /// Reviews, reads of the past and changes that are not made copy as much as they may together.
    #[error(
        "reviews, reads of earlier revisions and what_if hold copies of {limit} bytes, as many as they \
         may together: try again when one has ended"
    )]
    TooManyCopies {
        /// The limit.
        limit: u64,
    },
    /// A call would compare more items with more categories than it may.
    #[error(
        "{items} items of the inbox pass key_prefix and metadata: with {categories} categories these \
         are more than {limit} pairs, the most that one call ranks"
    )]
    InboxTooLarge {
        /// The items, or as many as are too many.
        items: u64,
        /// The categories.
        categories: u64,
        /// The limit of their product.
        limit: u64,
    },
    /// A reader that had caught up is further behind than it may be.
    #[error(
        "the reader is {behind} revisions behind, at most {limit} are allowed: watch again after \
         revision {sent}"
    )]
    ReaderTooSlow {
        /// Revisions that the reader has not taken.
        behind: u64,
        /// The most revisions that it may be behind.
        limit: u64,
        /// The last revision that was sent as a whole.
        sent: u64,
    },
    /// The revision that a read asks for is not reached, and the read may not wait for it.
    #[error(
        "revision {expected} is not reached, the namespace is at {actual}, and no more reads may wait: \
         {limit} is {value}"
    )]
    TooManyWait {
        /// The revision asked for.
        expected: u64,
        /// The current one.
        actual: u64,
        /// Name of the limit.
        limit: &'static str,
        /// The limit.
        value: u32,
    },
    /// The deadline passed before the work began.
    #[error("the deadline passed before the work began")]
    DeadlineExceeded,
    /// A snapshot cannot be restored.
    #[error("the snapshot cannot be restored: {reason}")]
    InvalidSnapshot {
        /// The fault.
        reason: String,
    },
    /// Stored data is damaged.
    #[error("stored data is damaged: {place}: {what}")]
    Corrupted {
        /// The place: table and row, or file.
        place: String,
        /// The disagreement.
        what: String,
    },
    /// Stored data was written by a newer version of the software.
    #[error("stored data cannot be read by this version: {place}: {what}")]
    NewerData {
        /// The place: table and row, or file.
        place: String,
        /// The kind of record, and its field or version.
        what: String,
    },
    /// The directory is open already.
    #[error("data directory {directory} is in use by {by}")]
    DirectoryInUse {
        /// The directory.
        directory: String,
        /// The process that has it open.
        by: ee_store::Owner,
    },
    /// The engine was opened by a process that the calling one was forked from.
    #[error(
        "process {opened} opened the data directory, and process {calling} was forked from it: \
         open the directory here once it is closed there"
    )]
    Forked {
        /// The process that opened the engine.
        opened: u32,
        /// The calling process.
        calling: u32,
    },
    /// A directory that must be empty is not.
    #[error("data directory {directory} is not empty")]
    DirectoryNotEmpty {
        /// The directory.
        directory: String,
    },
    /// The store failed and accepts no more writes. Whether the last write is durable is not known
    /// until a restart.
    #[error("the store failed and takes no more writes: {cause}")]
    StoreFailed {
        /// The cause.
        cause: String,
    },
    /// A part of the store could not be read; other reads may succeed.
    #[error("the store could not be read: {cause}")]
    ReadFailed {
        /// The cause.
        cause: String,
    },
    /// The engine is being closed.
    #[error("the service is shutting down")]
    ShuttingDown,
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Failed { cause } | StoreError::Duplicate { cause } => {
                Self::StoreFailed { cause }
            }
            StoreError::Damaged { what } => Self::Corrupted {
                place: "database file".into(),
                what,
            },
            StoreError::Corrupted { place, what } => Self::Corrupted { place, what },
            StoreError::Newer { place, what } => Self::NewerData { place, what },
            StoreError::InUse { directory, by } => Self::DirectoryInUse { directory, by },
            StoreError::Closed => Self::ShuttingDown,
        }
    }
}

/// Result of a call.
pub type Result<T> = std::result::Result<T, Error>;
