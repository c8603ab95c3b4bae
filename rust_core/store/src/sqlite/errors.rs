//! Errors of SQLite as errors of the store.

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_DATA;

use crate::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error();
        let checksum = code.is_some_and(|code| code.extended_code == SQLITE_IOERR_DATA);
        let cause = error.to_string();
        match error.sqlite_error_code() {
            _ if checksum => Self::Damaged {
                what: ee_sqlite_vfs::take_damage().unwrap_or(cause),
            },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { what: cause }
            }
            Some(ErrorCode::ConstraintViolation) => Self::Duplicate { cause },
            _ => Self::Failed { cause },
        }
    }
}
