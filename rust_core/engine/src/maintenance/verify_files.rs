//! Verifying the files below all namespaces.

use crate::api::FilesReport;
use crate::{Engine, Result};

impl Engine {
    /// Reads every page of the database and verifies its checksum, then compares indexes with tables,
    /// the pages in the WAL included. Takes as long as reading the whole file; writes go on.
    pub fn check_files(&self) -> Result<FilesReport> {
        self.shared
            .reading(|| Ok(self.shared.backend.verify_files()?))
    }
}
