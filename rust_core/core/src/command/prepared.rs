//! Sums that were built before their command. To read many members takes long, and the writes of other
//! namespaces must not wait for it.

use crate::namespace::Rebuild;

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
    /// The anchor that the sum is of.
    pub anchor: u64,
    /// The sequence from which members count.
    pub counting_from: u64,
    /// The sum.
    pub rebuild: Rebuild,
}

/// Sums as of a revision of a namespace.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// The revision.
    pub revision: u64,
    /// The sums of categories with more than [`MAX_REBUILD`] members that the command changes.
    pub sums: Vec<PreparedSum>,
}

impl Prepared {
    /// The sum of a category at a revision.
    pub(super) fn sum(&self, revision: u64, category: i64) -> Option<&PreparedSum> {
        let mut sums = self.sums.iter().filter(|_| revision == self.revision);
        sums.find(|sum| sum.category == category)
    }
}
