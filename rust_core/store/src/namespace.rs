//! The stored row of a namespace.

use ee_core::namespace::{Header, Profile};
use ee_core::settings::NamespaceSettings;

use crate::StoreError;

/// Where a namespace is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceState {
    /// In use.
    Active = 0,
    /// A restore is filling the namespace; no reader sees it.
    Restoring = 1,
    /// Deleted; the rows are purged step by step.
    Deleted = 2,
}

/// The stored row of a namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct NamespaceRow {
    /// Identifier, never used again for another namespace. 0: not assigned yet.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Where the namespace is in its life.
    pub state: NamespaceState,
    /// Settings that are fixed at creation.
    pub settings: NamespaceSettings,
    /// Description, labels and time of creation.
    pub profile: Profile,
    /// Revision, counts and digests.
    pub header: Header,
    /// Revision up to which all sums are in the table of sums.
    pub sums_revision: u64,
}

/// The row of a namespace that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedNamespace {
    /// The namespace's name.
    pub name: String,
    /// The damage.
    pub error: StoreError,
}

impl NamespaceRow {
    /// The state digest.
    pub fn digest(&self) -> [u8; 32] {
        self.header.digest(&self.settings, &self.profile.ranking)
    }
}
