//! Verification, and what the engine measures of itself.

use ee_core::namespace::MemberMemory;

use super::Engine;
use crate::Result;
use crate::api::{At, EngineInfo, FilesReport, Health, ReadContext, VerifyReport};
use crate::catalog::cached_namespace::NamespaceHandle;
use crate::metrics::Stats;
use crate::read::consistent::pinned;
use crate::read::verify::{Live, verify};

impl Engine {
    /// Rebuilds everything from the items and compares it with the live state.
    pub fn verify(&self, namespace: &NamespaceHandle) -> Result<At<VerifyReport>> {
        let loaded = self.at(namespace, ReadContext::default())?;
        let At {
            value: (live, view),
            revision,
        } = self.read_both(&loaded, |published, view| Ok((Live::of(published), view)))?;
        let value = self.reading(|| {
            let row = pinned(view.reads(), &loaded)?;
            verify(view.reads(), &row, live)
        })?;
        Ok(At { value, revision })
    }

    /// Reads every page of the database and verifies its checksum, then compares indexes with tables,
    /// the pages in the WAL included. Takes as long as reading the whole file; writes go on.
    pub fn check_files(&self) -> Result<FilesReport> {
        self.reading(|| Ok(self.shared.backend.verify_files()?))
    }

    /// Version of SQLite, kernel, counts and memory.
    pub fn info(&self) -> Result<EngineInfo> {
        let namespaces = self.reading(|| Ok(self.shared.backend.view()?.namespace_count()?))?;
        Ok(EngineInfo {
            sqlite_version: self.shared.backend.describe().version,
            kernel: self.kernel().name(),
            namespaces,
            memory_bytes: self.shared.cache.memory() as u64,
            members: self.member_memory(),
            sizes: self.shared.backend.sizes(),
        })
    }

    /// The metrics since the engine was opened.
    pub fn stats(&self) -> Stats {
        let cache = &self.shared.cache;
        let members = self.member_memory();
        let sizes = self.shared.backend.sizes();
        Stats {
            history_entries: sizes.log_entries,
            history_bytes: sizes.log_bytes,
            database_bytes: sizes.database_bytes,
            database_free_bytes: sizes.free_bytes,
            clock_ahead_seconds: self.shared.clock.ahead_seconds(),
            namespaces_loaded: cache.loaded().len() as u64,
            memory_bytes: cache.memory() as u64,
            copied_bytes: self.shared.copies.taken(),
            members_loaded: members.members as u64,
            members_bytes: members.bytes as u64,
            log_entries: self.shared.backend.acknowledged(),
            serving: matches!(self.health(), Health::Serving),
            ..self.shared.counters.read()
        }
    }

    /// The members in memory of the loaded namespaces.
    fn member_memory(&self) -> MemberMemory {
        let mut all = MemberMemory::default();
        for namespace in self.shared.cache.loaded() {
            if let Some(published) = namespace.try_read() {
                let own = published.member_memory();
                all.categories += own.categories;
                all.members += own.members;
                all.bytes += own.bytes;
            }
        }
        all
    }
}
