//! Bounds of the work of one command: the writes of all namespaces wait for it.

/// Memberships that one command may change. One that is only read counts as a sixteenth.
pub const MAX_MEMBERSHIPS: u64 = 50_000;

/// Members that one merge may move: each leaves one category and joins another one, and an undo of the
/// merge does both again.
pub const MAX_MERGED: u64 = 20_000;

/// Parts of a composite item.
pub const MAX_PARTS: usize = 1_024;

/// Composite items that an item can be a part of: when its embedding changes, the parts of all of them
/// are read, and one command must be able to do so, also where vectors are long.
pub const MAX_COMPOSITES: usize = 100;

/// Memberships that are read in the time in which one is changed.
pub(super) const READ_SHARE: u64 = 16;
