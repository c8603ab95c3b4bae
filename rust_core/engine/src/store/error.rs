//! Why the store failed.

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_DATA;
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
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn corrupted(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Corrupted {
            place: place.into(),
            what: what.into(),
        }
    }
}

impl From<ee_core::command::RecoveryError> for StoreError {
    fn from(error: ee_core::command::RecoveryError) -> Self {
        Self::corrupted("namespace", error.to_string())
    }
}

impl From<StoreError> for crate::Error {
    fn from(error: StoreError) -> Self {
        let error = match error {
            StoreError::Sqlite(error) => error,
            StoreError::Corrupted { place, what } => return Self::Corrupted { place, what },
            StoreError::Closed => return Self::ShuttingDown,
        };
        let code = error.sqlite_error();
        let checksum = code.is_some_and(|code| code.extended_code == SQLITE_IOERR_DATA);
        let damaged = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        );
        if checksum || damaged {
            let damage = ee_sqlite_vfs::take_damage().filter(|_| checksum);
            Self::Corrupted {
                place: "database file".into(),
                what: damage.unwrap_or_else(|| error.to_string()),
            }
        } else {
            Self::StoreFailed {
                cause: error.to_string(),
            }
        }
    }
}
