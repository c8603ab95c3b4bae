//! What was computed from many members before the command that needs it: to read them takes long, and
//! the writes of other namespaces must not wait for it.

use crate::arithmetic::digest::SetDigest;
use crate::namespace::{Rebuild, dismissal_hash, membership_hash};

/// Members above which a command does not build a sum itself.
pub const MAX_REBUILD: u64 = 10_000;

/// The sum of a category as a command will need it.
#[derive(Clone, Debug)]
pub struct PreparedSum {
    /// The category's identifier.
    pub category: i64,
    /// The window that the sum is of; 0: all members.
    pub window: u32,
    /// Whether the category is frozen then.
    pub frozen: bool,
    /// Whether the sums of each actor's members are built too.
    pub by_actor: bool,
    /// The anchor that the sum is of.
    pub anchor: u64,
    /// The sequence from which members count.
    pub counting_from: u64,
    /// The sum.
    pub rebuild: Rebuild,
}

/// What a new key of a category changes in the digest of its memberships and dismissals.
#[derive(Clone, Debug)]
pub struct PreparedRename {
    /// The category's identifier.
    pub category: i64,
    /// The new key.
    pub key: String,
    /// The sum of the hashes that come, less those that go.
    pub records: SetDigest,
}

/// Adds what a new key of a category changes in the digest of one of its memberships.
pub fn rename_membership(records: &mut SetDigest, item: &str, from: &str, to: &str) {
    records.remove(&membership_hash(item, from));
    records.insert(&membership_hash(item, to));
}

/// Adds what a new key of a category changes in the digest of one of its dismissals.
pub fn rename_dismissal(records: &mut SetDigest, item: &str, from: &str, to: &str) {
    records.remove(&dismissal_hash(item, from));
    records.insert(&dismissal_hash(item, to));
}

/// Sums as of a revision of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// The revision.
    pub revision: u64,
    /// The sums of categories with more than [`MAX_REBUILD`] members that the command changes.
    pub sums: Vec<PreparedSum>,
    /// The rename of a category with more than [`MAX_REBUILD`] members.
    pub rename: Option<PreparedRename>,
}

impl Prepared {
    /// The sum of a category at a revision.
    pub(super) fn sum(&self, revision: u64, category: i64) -> Option<&PreparedSum> {
        let mut sums = self.sums.iter().filter(|_| revision == self.revision);
        sums.find(|sum| sum.category == category)
    }

    /// The rename of a category at a revision.
    pub(super) fn rename(
        &self,
        revision: u64,
        category: i64,
        key: &str,
    ) -> Option<&PreparedRename> {
        let rename = self.rename.as_ref().filter(|_| revision == self.revision);
        rename.filter(|rename| rename.category == category && rename.key == key)
    }
}
