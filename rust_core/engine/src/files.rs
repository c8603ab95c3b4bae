//! Checking the files below all namespaces.

use crate::store::queries;
use crate::{Engine, Result};

impl Engine {
    /// Reads every page of the database, verifies its checksum, and compares indexes with tables.
    /// Returns what does not agree; empty: all is well. Takes as long as reading the whole file.
    pub fn check_files(&self) -> Result<Vec<String>> {
        let reader = self.shared.readers.begin()?;
        Ok(queries::check_integrity(&reader)?)
    }
}
