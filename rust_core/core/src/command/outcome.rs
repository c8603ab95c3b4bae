//! The results of commands.

use serde::{Deserialize, Serialize};

use super::record::ChangeKind;
use super::undo::UndoConflict;
use crate::namespace::{CategoryView, Header, Profile};

/// The result of a command. It is stored with the id of the request, so that a retry gets the first
/// answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Of `Command::UpdateProfile`: the namespace afterwards.
    UpdateProfile {
        /// Description and labels.
        profile: Profile,
        /// Counts.
        header: Box<Header>,
    },
    /// Of `Command::PutCategories`, one for each entry.
    PutCategories(Vec<Put>),
    /// Of `Command::DeleteCategories`.
    DeleteCategories {
        /// Number of categories deleted.
        deleted: u64,
        /// Number of memberships that ended.
        unassigned: u64,
    },
    /// Of `Command::Reanchor`: the category afterwards.
    Reanchor(Box<CategoryView>),
    /// Of `Command::PutItems`, one for each entry.
    PutItems(Vec<Put>),
    /// Of `Command::DeleteItems`.
    DeleteItems {
        /// Number of items deleted.
        deleted: u64,
    },
    /// Of `Command::Assign`, one for each entry.
    Assign(Vec<Assigned>),
    /// Of `Command::Unassign`, one for each entry.
    Unassign(Vec<Unassigned>),
    /// Of `Command::Undo`.
    Undo(Undone),
    /// Of `Command::RenameCategory`.
    RenameCategory {
        /// Whether anything changed: the new key is another one.
        changed: bool,
        /// The category afterwards.
        category: Box<CategoryView>,
    },
    /// Of `Command::MergeCategories`.
    MergeCategories(Box<Merged>),
    /// Of `Command::Dismiss`, for each pair: whether anything changed.
    Dismiss(Vec<bool>),
}

impl Outcome {
    /// Sets the drift that an entry of an Assign reports.
    pub fn set_drift(&mut self, entry: usize, drift: Option<f64>) {
        if let Self::Assign(assigned) = self {
            assigned[entry].category_drift = drift;
        }
    }
}

/// The result of one entry that stores a category or an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    /// The key.
    pub key: String,
    /// Whether it is new.
    pub created: bool,
    /// Whether anything changed.
    pub changed: bool,
}

/// The result of one assignment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assigned {
    /// The item's key.
    pub item: String,
    /// The category's key.
    pub category: String,
    /// The category that the item left, or this one if the item was in it already.
    pub previous: Option<String>,
    /// Whether anything changed.
    pub changed: bool,
    /// Cosine of the item with the category before; `None` if the category had no embedding.
    pub score_before: Option<f64>,
    /// Number of members of the category afterwards.
    pub category_count: u64,
    /// Drift of the category afterwards.
    pub category_drift: Option<f64>,
    /// Whether the item is new.
    pub item_created: bool,
}

/// The result of one unassignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unassigned {
    /// The item's key.
    pub item: String,
    /// The categories that the item left.
    pub previous: Vec<String>,
    /// Whether anything changed.
    pub changed: bool,
    /// Whether the item was deleted.
    pub item_deleted: bool,
}

/// The result of a merge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// The categories that were deleted, in the order in which the command names them.
    pub sources: Vec<MergedSource>,
    /// Drift of the target before.
    pub drift_before: Option<f64>,
    /// The target afterwards.
    pub category: CategoryView,
}

/// A category that was merged into another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergedSource {
    /// The key that it had.
    pub key: String,
    /// The number of its members.
    pub members: u64,
    /// How many of them were not members of the target by then.
    pub moved: u64,
    /// Cosine of its effective embedding with that of the target before the merge; `None` if one of
    /// them had none.
    pub cosine: Option<f64>,
}

/// The changes, and the conflicts, that the result of an undo lists, at most: it is stored for a retry.
pub const UNDO_LISTED: usize = 1_000;

/// The result of an undo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The first changes that it has made, in order; a move is two.
    pub changes: Vec<UndoneChange>,
    /// The number of changes that it has made.
    pub change_count: u64,
    /// The first changes that were left as they are, since later ones depend on them; the newest
    /// first.
    pub skipped: Vec<UndoConflict>,
    /// The number of changes that were left as they are.
    pub skipped_count: u64,
}

/// A change that an undo has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoneChange {
    /// The revision whose change it takes back.
    pub undoes: u64,
    /// What it did.
    pub kind: ChangeKind,
    /// The item's key; empty: of a category or of the namespace.
    pub item: String,
    /// The category's key; empty: of an item or of the namespace.
    pub category: String,
}
