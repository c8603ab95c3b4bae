//! The parameters and results of the engine, apart from commands and their outcomes.

use std::time::Instant;

use ee_core::command::Outcome;
use ee_core::kernels::Kernel;
use ee_core::namespace::{CategoryRecord, Origin};
use ee_core::namespace::{Header, MemberMemory, Profile};
use ee_core::settings::{HistoryKeep, Metadata, NamespaceSettings, RankingSettings};
use ee_store::NamespaceRow;
pub use ee_store::{FilesReport, Sizes};

/// How to open a data directory.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes that the categories of loaded namespaces may take; the namespaces that were not used for
    /// longest are evicted above it. `None`: not limited.
    pub memory_budget: Option<usize>,
    /// Threads that one large scan, or the arithmetic of a batch of writes, may be split over; at
    /// least 1.
    pub threads: usize,
    /// Ranking kernel; `None`: the best for this CPU. Answers do not depend on it.
    pub kernel: Option<Kernel>,
    /// Largest number of namespaces; `None`: not limited.
    pub max_namespaces: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory_budget: None,
            threads: 1,
            kernel: None,
            max_namespaces: None,
        }
    }
}

/// Circumstances of a write.
#[derive(Clone, Debug, Default)]
pub struct WriteContext {
    /// The author of the change.
    pub actor: String,
    /// The reason for the change.
    pub reason: String,
    /// Id with which a retry returns the first answer; empty: retries are not recognized.
    pub request_id: String,
    /// Hash of the request without its id: distinguishes a retry from another request with the same id.
    pub fingerprint: u64,
    /// The revision that the namespace must be at; `None`: any.
    pub if_revision: Option<u64>,
    /// True: compute the answer and write nothing.
    pub validate_only: bool,
    /// Do not begin after this.
    pub deadline: Option<Instant>,
}

/// What an undo takes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoSelection {
    /// Every change of these revisions.
    Revisions {
        /// The first revision, at least 2: the first one of a namespace is its creation.
        first: u64,
        /// The last revision.
        last: u64,
    },
    /// Every change that an actor has made since a time.
    Actor {
        /// The actor.
        actor: String,
        /// The time, in milliseconds since the Unix epoch.
        since_ms: i64,
    },
}

/// How far an undo may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndoScope {
    /// Whether changes with conflicts stay and the others are taken back. False: a conflict refuses the
    /// undo.
    pub skip_conflicts: bool,
    /// Whether changes of the namespace's own settings may be taken back.
    pub settings: bool,
}

/// Circumstances of a read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadContext {
    /// Answer at this revision or a later one.
    pub min_revision: u64,
    /// Stands for the caller: few reads of one caller may wait at a time. `None`: any number, where the
    /// caller's threads are bounded otherwise.
    pub caller: Option<u64>,
    /// Refuse at once if that revision is not reached, instead of waiting for it.
    pub at_once: bool,
    /// Do not wait or begin after this.
    pub deadline: Option<Instant>,
}

/// A namespace to create.
#[derive(Clone, Debug)]
pub struct NewNamespace {
    /// Its name.
    pub name: String,
    /// Settings that are fixed at its creation.
    pub settings: NamespaceSettings,
    /// Description.
    pub description: String,
    /// The caller's labels.
    pub labels: Metadata,
    /// Ranking.
    pub ranking: RankingSettings,
    /// Retention.
    pub history_keep: HistoryKeep,
}

#[cfg(test)]
impl NewNamespace {
    /// A namespace named `n` with default settings, for the unit tests.
    pub(crate) fn plain(dimension: u32) -> Self {
        use ee_core::settings::{MembershipMode, Normalization};
        Self {
            name: "n".into(),
            settings: NamespaceSettings {
                dimension,
                embedding_model: String::new(),
                normalization: Normalization::Raw,
                membership: MembershipMode::Single,
            },
            description: String::new(),
            labels: Default::default(),
            ranking: Default::default(),
            history_keep: HistoryKeep::ALL,
        }
    }
}

/// A namespace with its counts.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceView {
    /// Its name.
    pub name: String,
    /// Settings that are fixed at its creation.
    pub settings: NamespaceSettings,
    /// Description.
    pub description: String,
    /// The caller's labels.
    pub labels: Metadata,
    /// Ranking.
    pub ranking: RankingSettings,
    /// Retention.
    pub history_keep: HistoryKeep,
    /// When it was created, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Revision.
    pub revision: u64,
    /// Categories.
    pub categories: u64,
    /// Items.
    pub items: u64,
    /// Memberships.
    pub memberships: u64,
    /// The state digest.
    pub digest: [u8; 32],
}

impl NamespaceView {
    /// The view of a stored namespace.
    pub(crate) fn of(row: &NamespaceRow) -> Self {
        Self::new(&row.name, &row.settings, &row.profile, &row.header)
    }

    /// The view, from its parts.
    pub fn new(
        name: &str,
        settings: &NamespaceSettings,
        profile: &Profile,
        header: &Header,
    ) -> Self {
        Self {
            name: name.to_owned(),
            settings: settings.clone(),
            description: profile.description.clone(),
            labels: profile.labels.clone(),
            ranking: profile.ranking,
            history_keep: profile.history_keep,
            created_ms: profile.created_ms,
            revision: header.revision,
            categories: header.categories,
            items: header.items,
            memberships: header.memberships,
            digest: header.digest(settings, &profile.ranking),
        }
    }
}

/// The history that a namespace keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySize {
    /// The first revision that is kept.
    pub first_revision: u64,
    /// Revisions that are kept.
    pub revisions: u64,
    /// Bytes of their log entries.
    pub bytes: u64,
}

/// What a trim has deleted, or would delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrimReport {
    /// Revisions whose log entries were deleted.
    pub revisions: u64,
    /// Bytes of these entries.
    pub bytes: u64,
    /// The first revision that is kept.
    pub first_revision: u64,
}

/// The result of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The outcome for the caller.
    pub outcome: Outcome,
    /// The namespace's revision after it (or, if nothing was written, at which it was computed).
    pub revision: u64,
    /// True: the answer to an earlier request with the same id; nothing was written now.
    pub replayed: bool,
}

/// An answer and the revision at which it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct At<T> {
    /// The answer.
    pub value: T,
    /// The revision.
    pub revision: u64,
}

/// An item with its memberships.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemView {
    /// Its key.
    pub key: String,
    /// Weight.
    pub weight: f32,
    /// Embedding, if requested.
    pub embedding: Option<Vec<f32>>,
    /// The caller's metadata.
    pub metadata: Metadata,
    /// When it was first stored, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// Its memberships, by sequence.
    pub memberships: Vec<MembershipView>,
    /// Its dismissals, by the category's key.
    pub dismissals: Vec<DismissalView>,
    /// Its parts, by key: its embedding is their weighted mean. Empty: the embedding is its own.
    pub parts: Vec<PartView>,
}

/// One membership of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct MembershipView {
    /// The category's key.
    pub category: String,
    /// Place in the order of assignment.
    pub sequence: u64,
    /// Author, time and reason.
    pub origin: Origin,
}

/// One dismissal of an item: somebody said that it does not belong to a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DismissalView {
    /// The category's key.
    pub category: String,
    /// Author, time and reason.
    pub origin: Origin,
}

/// Bytes of the keys of parts after which a page of items ends, so that it reads no more of them than a
/// message can take.
pub const PART_KEY_BYTES: usize = 3 << 20;

/// One part of a composite item.
#[derive(Clone, Debug, PartialEq)]
pub struct PartView {
    /// The key of the item that is the part.
    pub item: String,
    /// Its weight in the mean.
    pub weight: f32,
}

/// The items to list, and the position to continue from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemFilter {
    /// All, by key, after this one.
    All {
        /// The last key of the page before.
        after: Option<String>,
    },
    /// The inbox, by key, after this one.
    Inbox {
        /// The last key of the page before.
        after: Option<String>,
    },
    /// Members of a category, the most recently assigned first, before this place.
    Category {
        /// The category's key.
        key: String,
        /// Sequence of the last membership of the page before.
        before: Option<u64>,
    },
}

/// The source of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum QuerySpec {
    /// A vector, normalized as the namespace requires.
    Vector(Vec<f32>),
    /// A stored item.
    Item(String),
    /// The weighted mean of vectors and items, without nested parts.
    Parts(Vec<(QuerySpec, f32)>),
}

/// The content of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotView {
    /// Everything that a restore needs.
    Full,
    /// Categories and their effective embeddings.
    Effective,
}

/// A part of a snapshot, in this order: one header, categories, items, one trailer.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// The first.
    Header {
        /// Its content.
        view: SnapshotView,
        /// The namespace, at the snapshot's revision.
        namespace: NamespaceView,
        /// When it was taken, in milliseconds since the Unix epoch.
        time_ms: i64,
    },
    /// Categories as they are stored, by key (full view).
    Records(Vec<CategoryRecord>),
    /// Categories as they match, by key (effective view).
    Effective(Vec<ee_core::namespace::CategoryView>),
    /// Items with embeddings and memberships, by key.
    Items(Vec<ItemView>),
    /// The last.
    Trailer {
        /// Categories sent.
        categories: u64,
        /// Items sent.
        items: u64,
        /// Memberships sent.
        memberships: u64,
        /// The state digest.
        digest: [u8; 32],
    },
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyReport {
    /// Categories whose sum was rebuilt and compared.
    pub categories: u64,
    /// Items read.
    pub items: u64,
    /// Memberships read.
    pub memberships: u64,
    /// Digest of the rebuilt state.
    pub digest: [u8; 32],
    /// The differences found; empty: the namespace is intact.
    pub findings: Vec<String>,
}

/// Facts about the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// Version of the bundled SQLite.
    pub sqlite_version: String,
    /// Ranking kernel in use.
    pub kernel: &'static str,
    /// Namespaces in the directory.
    pub namespaces: u64,
    /// Bytes held for the categories of loaded namespaces.
    pub memory_bytes: u64,
    /// The members in memory for LOCAL, and their part of these bytes.
    pub members: MemberMemory,
    /// How large the store is.
    pub sizes: Sizes,
}

/// Whether the engine accepts writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It accepts writes.
    Serving,
    /// It refuses writes, for this reason.
    NotServing(String),
}
