//! Why a command may be rejected.

use thiserror::Error;

use super::bounds::{MAX_COMPOSITES, MAX_MEMBERSHIPS, MAX_MERGED, MAX_PARTS};
use super::undo::UndoConflict;
use crate::arithmetic::limits::MAX_CAPPED_ACTORS;
use crate::namespace::SumOverflow;

/// Why a command was rejected; it has changed nothing. `index` is the index of the entry in the
/// command.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// No category has this key.
    #[error("category {key:?} does not exist")]
    CategoryNotFound {
        /// The entry.
        index: usize,
        /// The key.
        key: String,
    },
    /// Another category has this key.
    #[error("category {key:?} exists already")]
    CategoryExists {
        /// The key.
        key: String,
    },
    /// No item has this key.
    #[error("item {key:?} does not exist")]
    ItemNotFound {
        /// The entry.
        index: usize,
        /// The key.
        key: String,
    },
    /// No item has this key, and the entry has neither embedding nor parts to create it with.
    #[error("item {key:?} does not exist, and there is no embedding to create it with")]
    EmbeddingNeeded {
        /// The entry.
        index: usize,
        /// The key.
        key: String,
    },
    /// An item is not in the category that its entry expects it in.
    #[error("item {item:?} is in {actual:?} and not in {expected:?} (\"\": in no category)")]
    CategoryMismatch {
        /// The entry.
        index: usize,
        /// The item's key.
        item: String,
        /// The key of the expected category; empty: none.
        expected: String,
        /// The key of the item's first category; empty: none.
        actual: String,
    },
    /// An item is to be dismissed from a category that it is in.
    #[error("item {item:?} is in category {category:?}")]
    ItemInCategory {
        /// The entry.
        index: usize,
        /// The item's key.
        item: String,
        /// The category's key.
        category: String,
    },
    /// An item that is to be a part does not exist.
    #[error("item {key:?}, a part of {item:?}, does not exist")]
    PartNotFound {
        /// The entry.
        index: usize,
        /// The place of the part.
        part: usize,
        /// The key of the composite.
        item: String,
        /// The key of the part.
        key: String,
    },
    /// An item is to be a part of itself.
    #[error("item {item:?} cannot be a part of itself")]
    PartOfItself {
        /// The entry.
        index: usize,
        /// The place of the part.
        part: usize,
        /// The key.
        item: String,
    },
    /// An item that is to be a part has parts itself.
    #[error("item {key:?} has parts itself, so it cannot be a part of {item:?}")]
    PartIsComposite {
        /// The entry.
        index: usize,
        /// The place of the part.
        part: usize,
        /// The key of the composite that it was to be a part of.
        item: String,
        /// Its key.
        key: String,
    },
    /// An item that is to have parts is a part itself.
    #[error("item {item:?} is a part of {composite:?}, so it cannot have parts itself")]
    CompositeIsPart {
        /// The entry.
        index: usize,
        /// The item's key.
        item: String,
        /// The key of a composite that it is a part of.
        composite: String,
    },
    /// An item is to be a part of one composite too many.
    #[error(
        "item {part:?} is a part of {MAX_COMPOSITES} other items, which is the most, so it cannot be one \
         of {item:?}"
    )]
    TooManyComposites {
        /// The key of the composite that it was to be a part of.
        item: String,
        /// Its key.
        part: String,
    },
    /// An undo would give a composite a part too many.
    #[error("item {item:?} has {MAX_PARTS} parts, which is the most")]
    TooManyParts {
        /// The key of the composite.
        item: String,
    },
    /// The parts of a composite cancel out, so that their mean is no embedding.
    #[error("the parts of item {item:?} cancel out: {reason}")]
    DegenerateComposite {
        /// The key of the composite.
        item: String,
        /// What is wrong with the mean.
        reason: String,
    },
    /// Two entries set different values for the same key.
    #[error("entries {first} and {index} set different values for {key:?}")]
    ConflictingEntries {
        /// The later entry.
        index: usize,
        /// The earlier entry.
        first: usize,
        /// The key.
        key: String,
    },
    /// The command would change too many memberships; see [`MAX_MEMBERSHIPS`].
    ///
    /// [`MAX_MEMBERSHIPS`]: super::MAX_MEMBERSHIPS
    #[error(
        "the write would change or read too many memberships, more than the work of {MAX_MEMBERSHIPS}: \
         unassign the members of a large category first, in several writes"
    )]
    TooManyMemberships {
        /// The category to delete, if it has too many members by itself.
        category: Option<String>,
        /// The number of its members.
        members: u64,
    },
    /// No category has the key of the target of a merge.
    #[error("category {key:?} does not exist")]
    TargetNotFound {
        /// The key.
        key: String,
    },
    /// A category is to be merged into itself.
    #[error("category {key:?} cannot be merged into itself")]
    MergeIntoItself {
        /// The entry.
        index: usize,
        /// The key.
        key: String,
    },
    /// The categories to merge have too many members.
    #[error("the categories to merge have {members} members, more than {MAX_MERGED}")]
    TooManyMerged {
        /// The number of their members.
        members: u64,
    },
    /// In a category that caps the share of an actor, the members of too many actors would count.
    #[error(
        "the members of {actors} actors would count in category {category:?}, which has a \
         max_actor_share: at most {MAX_CAPPED_ACTORS} can"
    )]
    TooManyActors {
        /// The category.
        category: String,
        /// The number of actors.
        actors: usize,
    },
    /// Changes to take back conflict with later ones. Never empty.
    #[error("{}", conflict_text(.0))]
    UndoConflicts(Vec<UndoConflict>),
    /// A category's sum would leave its range.
    #[error(transparent)]
    SumOverflow(#[from] SumOverflow),
}

/// Names the first conflict, and counts the others.
fn conflict_text(conflicts: &[UndoConflict]) -> String {
    let mut text = match conflicts.first() {
        Some(first) => first.to_string(),
        None => "changes conflict".to_owned(),
    };
    if conflicts.len() > 1 {
        text += &format!(" (and {} more conflicts)", conflicts.len() - 1);
    }
    text
}
