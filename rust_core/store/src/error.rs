//! Why the store failed.

use thiserror::Error;

/// Why a call of the store failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The database, the disk or memory failed. The transaction may have been rolled back.
    #[error("{cause}")]
    Failed {
        /// The cause.
        cause: String,
    },
    /// The database files are damaged. The transaction may have been rolled back.
    #[error("database file: {what}")]
    Damaged {
        /// The disagreement.
        what: String,
    },
    /// A row with this key exists already. The transaction may have been rolled back.
    #[error("{cause}")]
    Duplicate {
        /// The constraint.
        cause: String,
    },
    /// A stored row or record is damaged.
    #[error("{place}: {what}")]
    Corrupted {
        /// The row.
        place: String,
        /// The disagreement.
        what: String,
    },
    /// A stored record was written by a newer version of the software.
    #[error("{place}: {what}")]
    Newer {
        /// The row.
        place: String,
        /// The kind of record, and its field or version.
        what: String,
    },
    /// The data directory is open already.
    #[error("data directory {directory} is in use by {by}")]
    InUse {
        /// The directory.
        directory: String,
        /// The process that has it open.
        by: Owner,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// A failure of the database, the disk or the machine.
    pub fn failed(cause: impl Into<String>) -> Self {
        Self::Failed {
            cause: cause.into(),
        }
    }

    /// A damaged row or record.
    pub fn corrupted(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Corrupted {
            place: place.into(),
            what: what.into(),
        }
    }

    /// Whether the transaction may be gone, so that a command in it cannot be undone by itself.
    pub fn ends_transaction(&self) -> bool {
        matches!(
            self,
            Self::Failed { .. } | Self::Damaged { .. } | Self::Duplicate { .. }
        )
    }
}

impl From<ee_core::command::RecoveryError> for StoreError {
    fn from(error: ee_core::command::RecoveryError) -> Self {
        Self::corrupted("namespace", error.to_string())
    }
}

/// Result of a call of the store.
pub type StoreResult<T> = Result<T, StoreError>;

/// The process that has a data directory open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The calling one.
    ThisProcess,
    /// Another one.
    AnotherProcess,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ThisProcess => "this process",
            Self::AnotherProcess => "another process",
        })
    }
}
