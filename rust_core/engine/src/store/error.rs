//! Why the store failed.

use thiserror::Error;

/// Why a step in the store failed.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// SQLite said no: the disk, memory, or a defect of ours.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row is not what was written.
    #[error("{place}: {what}")]
    Corrupted {
        /// Where.
        place: String,
        /// What does not agree.
        what: String,
    },
}

impl StoreError {
    pub(crate) fn corrupted(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Corrupted {
            place: place.into(),
            what: what.into(),
        }
    }
}

impl From<ee_core::state::RecoveryError> for StoreError {
    fn from(error: ee_core::state::RecoveryError) -> Self {
        Self::corrupted("namespace", error.to_string())
    }
}

impl From<StoreError> for crate::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sqlite(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                    Self::Corrupted {
                        place: "database file".into(),
                        what: error.to_string(),
                    }
                }
                _ => Self::StoreFailed {
                    cause: error.to_string(),
                },
            },
            StoreError::Corrupted { place, what } => Self::Corrupted { place, what },
        }
    }
}
