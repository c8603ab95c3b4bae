//! The engine: one data directory and the operations on it.

use std::mem;
use std::path::Path;
use std::sync::Arc;

use ee_core::command::Command;
use ee_core::kernels::Kernel;
use ee_core::namespace::{CategoryView, MatchOptions, MemberMemory, Namespace, Ranking};
use ee_store::codec::TrimAnswer;
use ee_store::sqlite::Sqlite;
use ee_store::{Backend, NamespaceRow, Reads, StoreResult, View};

use crate::api::{
    At, EngineInfo, FilesReport, Health, HistorySize, ItemFilter, ItemView, NamespaceView,
    NewNamespace, Options, QuerySpec, ReadContext, SnapshotView, TrimReport, UndoScope,
    UndoSelection, VerifyReport, WriteContext, Written,
};
use crate::catalog::cached_namespace::{CachedNamespace, NamespaceHandle};
use crate::clock::check_deadline;
use crate::lifecycle::{self, CreateNamespace, DeleteNamespace, ListedNamespace};
use crate::metrics::Stats;
use crate::read::consistent as read;
use crate::read::explain::{ExplainSpec, Explained};
use crate::read::history::{self, HistoryFilter, HistoryOrder, HistoryPage};
use crate::read::ranking::{self, Ranker};
use crate::read::review::actors::{ActorsReview, ReviewActorsSpec};
use crate::read::review::categories::{CategoriesReview, ReviewCategoriesSpec};
use crate::read::review::duplicates::{DuplicatesReview, ReviewDuplicatesSpec};
use crate::read::review::impact::{ImpactReview, ReviewImpactSpec};
use crate::read::review::members::{MembersReview, ReviewMembersSpec};
use crate::read::review::rate::{ReviewRateSpec, ReviewRates};
use crate::read::suggest::{SuggestSpec, Suggested};
use crate::read::verify::{Live, verify};
use crate::read::what_if::{WhatIf, WhatIfResult};
use crate::shared::Shared;
use crate::transfer::restore::Restore;
use crate::transfer::snapshot::Snapshot;
use crate::write::idempotency;
use crate::write::prediction_probe;
use crate::write::trim::{Plan, TrimBound, TrimHistory, plan};
use crate::write::writer::Writer;
use crate::{Error, Result};

/// An odd number, so that no two namespaces of a store have the same epoch: 2^64 divided by the golden
/// ratio, so that those of neighbours differ in most digits.
const EPOCH_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// An open data directory. All methods may be called from any thread, and may block.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) options: Options,
}

impl Engine {
    /// Opens a data directory, or creates it. Fails if another process has it open, if it was written
    /// by another version's format, or if an acknowledged write is missing.
    pub fn open(directory: &Path, options: Options) -> Result<Self> {
        Self::with_backend(Arc::new(Sqlite::open(directory)?), options)
    }

    /// An engine over a store.
    pub fn with_backend(backend: Arc<dyn Backend>, options: Options) -> Result<Self> {
        let shared = Arc::new(Shared::new(backend, options.memory_budget, options.threads));
        let writer = Arc::new(Writer::start(Arc::clone(&shared))?);
        Ok(Self {
            shared,
            writer,
            options,
        })
    }

    /// Creates an empty namespace.
    pub fn create_namespace(
        &self,
        new: NewNamespace,
        context: WriteContext,
    ) -> Result<NamespaceView> {
        check_deadline(context.deadline)?;
        let create = CreateNamespace {
            new,
            context,
            max_namespaces: self.options.max_namespaces,
        };
        if create.context.validate_only {
            let now_ms = self.shared.clock.now_ms();
            return self.reading(|| create.validate(self.shared.backend.view()?.reads(), now_ms));
        }
        self.writer.operation(create)
    }

    /// Deletes a namespace with its content. Its rows are purged step by step afterwards.
    pub fn delete_namespace(
        &self,
        name: &str,
        force: bool,
        context: WriteContext,
    ) -> Result<NamespaceView> {
        check_deadline(context.deadline)?;
        self.writer
            .operation(DeleteNamespace::new(name, force, context))
    }

    /// Up to `limit` namespaces whose names begin with a prefix, by name, after a name. A damaged one
    /// hides no other.
    pub fn list_namespaces(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ListedNamespace>> {
        self.reading(|| lifecycle::list(&self.shared, prefix, after, limit))
    }

    /// The namespace with a name, loaded if it is not in memory. If that takes more memory than the
    /// budget allows, other namespaces are evicted.
    pub fn handle(&self, name: &str) -> Result<NamespaceHandle> {
        let loaded = self.reading(|| self.shared.cache.get(name))?;
        if self.shared.cache.over_budget() {
            self.writer.evict();
        }
        Ok(NamespaceHandle(loaded))
    }

    /// [`Engine::handle`] without waiting: `None` if the namespace is not in memory, or if its
    /// entry there is locked.
    pub fn try_handle(&self, name: &str) -> Option<NamespaceHandle> {
        self.shared.health.own_process().ok()?;
        self.shared.cache.try_get(name).map(NamespaceHandle)
    }

    /// The epoch of a namespace's revisions, never 0. It changes where they may go back: when the store
    /// is replaced by a backup, and when the namespace is deleted and created or restored again.
    pub fn epoch(&self, namespace: &NamespaceHandle) -> u64 {
        // Identifiers are never used again within a store.
        let own = namespace.0.id.cast_unsigned().wrapping_mul(EPOCH_STEP);
        self.shared.backend.epoch().wrapping_add(own).max(1)
    }

    /// Counts, labels and revision of a namespace.
    pub fn namespace(
        &self,
        namespace: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<NamespaceView> {
        Ok(self.at(namespace, context)?.view())
    }

    /// Executes a command; returns once its effect is durable and visible.
    pub fn write(
        &self,
        namespace: &NamespaceHandle,
        command: Command,
        context: WriteContext,
    ) -> Result<Written> {
        check_deadline(context.deadline)?;
        let loaded = Arc::clone(&namespace.0);
        let rehearsal = context.validate_only;
        let predictions = match &command {
            Command::Assign(assignments) if !rehearsal => {
                prediction_probe::predict(&self.shared, &loaded, assignments, self.kernel())
            }
            _ => Vec::new(),
        };
        let written = self.writer.write(loaded, command, context)?;
        if !rehearsal && !written.replayed {
            let counters = &self.shared.counters;
            counters.learned(&written.outcome);
            counters.predicted(prediction_probe::compare(
                namespace.settings(),
                &predictions,
                &written.outcome,
            ));
        }
        Ok(written)
    }

    /// Takes changes back; returns once that is durable and visible. A change that later ones depend on
    /// is a conflict.
    pub fn undo(
        &self,
        namespace: &NamespaceHandle,
        selection: &UndoSelection,
        scope: UndoScope,
        context: &WriteContext,
    ) -> Result<Written> {
        check_deadline(context.deadline)?;
        let loaded = Arc::clone(&namespace.0);
        self.writer.undo(&loaded, selection, scope, context)
    }

    /// Ranks all categories for each query; all queries at the same revision.
    pub fn rank(
        &self,
        namespace: &NamespaceHandle,
        queries: Vec<QuerySpec>,
        options: MatchOptions,
        context: ReadContext,
    ) -> Result<At<Vec<Ranking>>> {
        self.ranker().rank(namespace, queries, options, context)
    }

    /// [`Engine::rank`] if it waits for nothing and takes microseconds; `None` if it might take
    /// longer. For threads on which other callers wait.
    pub fn try_rank(
        &self,
        namespace: &NamespaceHandle,
        queries: &[QuerySpec],
        options: &MatchOptions,
        context: ReadContext,
    ) -> Result<Option<At<Vec<Ranking>>>> {
        self.ranker().try_rank(namespace, queries, options, context)
    }

    /// Whether [`Engine::try_rank`] answers so many queries, which name no stored items.
    pub fn is_short(&self, namespace: &NamespaceHandle, queries: usize, min_revision: u64) -> bool {
        ranking::is_short(namespace, queries, min_revision)
    }

    /// Explains the scores of a query.
    pub fn explain(
        &self,
        namespace: &NamespaceHandle,
        spec: &ExplainSpec,
        context: ReadContext,
    ) -> Result<At<Explained>> {
        self.ranker().explain(namespace, spec, context)
    }

    /// Lists members that deserve a second look.
    pub fn review_members(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewMembersSpec,
        context: ReadContext,
    ) -> Result<At<MembersReview>> {
        self.ranker().review_members(namespace, spec, context)
    }

    /// Estimates from the members how many matches a person would have to look at.
    pub fn review_rates(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewRateSpec,
        context: ReadContext,
    ) -> Result<At<ReviewRates>> {
        self.ranker().review_rates(namespace, spec, context)
    }

    /// Suggests a category for each item of the inbox.
    pub fn suggest(
        &self,
        namespace: &NamespaceHandle,
        spec: &SuggestSpec,
        context: ReadContext,
    ) -> Result<At<Suggested>> {
        self.ranker().suggest(namespace, spec, context)
    }

    /// Lists members with nearly the same embedding as an earlier one.
    pub fn review_duplicates(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewDuplicatesSpec,
        context: ReadContext,
    ) -> Result<At<DuplicatesReview>> {
        self.ranker().review_duplicates(namespace, spec, context)
    }

    /// Lists the influence of each actor on each category.
    pub fn review_actors(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewActorsSpec,
        context: ReadContext,
    ) -> Result<At<ActorsReview>> {
        self.ranker().review_actors(namespace, spec, context)
    }

    /// Measures what some members change in the answers for other items.
    pub fn review_impact(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewImpactSpec,
        context: ReadContext,
    ) -> Result<At<ImpactReview>> {
        self.ranker().review_impact(namespace, spec, context)
    }

    /// Lists the health of categories.
    pub fn review_categories(
        &self,
        namespace: &NamespaceHandle,
        spec: &ReviewCategoriesSpec,
        context: ReadContext,
    ) -> Result<At<CategoriesReview>> {
        self.ranker().review_categories(namespace, spec, context)
    }

    /// A category.
    pub fn category(
        &self,
        namespace: &NamespaceHandle,
        key: &str,
        embeddings: bool,
        context: ReadContext,
    ) -> Result<At<CategoryView>> {
        let loaded = self.at(namespace, context)?;
        let published = loaded.read();
        let value = published.category(key, embeddings);
        Ok(At {
            value: value.ok_or_else(|| Error::CategoryNotFound {
                key: key.to_owned(),
            })?,
            revision: published.header().revision,
        })
    }

    /// [`Engine::rank`] at an earlier revision: from 1 to the newest, as far back as the history is kept.
    pub fn rank_past(
        &self,
        namespace: &NamespaceHandle,
        revision: u64,
        queries: &[QuerySpec],
        options: MatchOptions,
        context: ReadContext,
    ) -> Result<At<Vec<Ranking>>> {
        self.ranker()
            .rank_past(namespace, revision, queries, options, context)
    }

    /// [`Engine::explain`] at an earlier revision (`None`: the newest), with what would be after changes
    /// that are not made.
    pub fn explain_what_if(
        &self,
        namespace: &NamespaceHandle,
        revision: Option<u64>,
        spec: &ExplainSpec,
        what_ifs: &[WhatIf],
        context: ReadContext,
    ) -> Result<At<(Explained, Vec<WhatIfResult>)>> {
        self.ranker()
            .explain_what_if(namespace, revision, spec, what_ifs, context)
    }

    /// [`Engine::category`] at an earlier revision.
    pub fn category_past(
        &self,
        namespace: &NamespaceHandle,
        revision: u64,
        key: &str,
        embeddings: bool,
        context: ReadContext,
    ) -> Result<At<CategoryView>> {
        let past = self.reading(|| self.shared.overlay(namespace, Some(revision), context))?;
        let value = past.published().category(key, embeddings);
        let value = value.ok_or_else(|| Error::CategoryNotFound {
            key: key.to_owned(),
        })?;
        Ok(At { value, revision })
    }

    /// Up to `limit` categories by key, after one.
    pub fn categories(
        &self,
        namespace: &NamespaceHandle,
        after: Option<&str>,
        limit: usize,
        embeddings: bool,
        context: ReadContext,
    ) -> Result<At<Vec<CategoryView>>> {
        let loaded = self.at(namespace, context)?;
        let published = loaded.read();
        Ok(At {
            value: published.page(after, limit, embeddings),
            revision: published.header().revision,
        })
    }

    /// An item.
    pub fn item(
        &self,
        namespace: &NamespaceHandle,
        key: &str,
        embedding: bool,
        context: ReadContext,
    ) -> Result<At<ItemView>> {
        let loaded = self.at(namespace, context)?;
        self.read_store(&loaded, |reads, row| {
            let item = reads.item_by_key(row.id, key)?;
            let item = item.ok_or_else(|| Error::ItemNotFound {
                key: key.to_owned(),
                query: None,
            })?;
            let has_dismissals = row.header.dismissals > 0;
            Ok(read::view(reads, row.id, item, embedding, has_dismissals)?)
        })
    }

    /// Up to `limit` items.
    pub fn items(
        &self,
        namespace: &NamespaceHandle,
        filter: ItemFilter,
        limit: usize,
        embeddings: bool,
        context: ReadContext,
    ) -> Result<At<Vec<ItemView>>> {
        let loaded = self.at(namespace, context)?;
        self.read_store(&loaded, |reads, row| {
            let items = read::page(reads, row.id, &filter, limit)?;
            let has_dismissals = row.header.dismissals > 0;
            let views = items
                .into_iter()
                .map(|item| read::view(reads, row.id, item, embeddings, has_dismissals));
            Ok(views.collect::<StoreResult<_>>()?)
        })
    }

    /// A page of the history.
    pub fn history(
        &self,
        namespace: &NamespaceHandle,
        filter: &HistoryFilter,
        order: HistoryOrder,
        context: ReadContext,
    ) -> Result<At<HistoryPage>> {
        let loaded = self.at(namespace, context)?;
        self.read_store(&loaded, |reads, row| {
            history::page(reads, row, filter, order)
        })
    }

    /// How much history the namespace keeps.
    pub fn history_size(
        &self,
        namespace: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<At<HistorySize>> {
        let loaded = self.at(namespace, context)?;
        self.read_store(&loaded, |reads, row| {
            let start = reads.history_start(row.id)?;
            let bytes = match row.header.log_bytes {
                Some(bytes) => bytes.saturating_sub(start.trimmed_bytes),
                None => history::bytes(reads, row, start)?,
            };
            Ok(HistorySize {
                first_revision: start.first_revision,
                revisions: (row.header.revision + 1).saturating_sub(start.first_revision),
                bytes,
            })
        })
    }

    /// Deletes log entries, the oldest first, step by step beside other writes; what earlier steps
    /// deleted stays deleted if a later one fails. The newest entry is always kept.
    pub fn trim_history(
        &self,
        namespace: &NamespaceHandle,
        bound: TrimBound,
        context: WriteContext,
    ) -> Result<At<TrimReport>> {
        check_deadline(context.deadline)?;
        let loaded = Arc::clone(&namespace.0);
        let plan = self.read_store(&loaded, |reads, row| {
            plan(reads, row, bound, &context, self.shared.clock.now_ms())
        })?;
        let first_revision = match plan.value {
            Plan::Answered(answer) => return Ok(report(answer)),
            Plan::New(would) if context.validate_only => {
                return Ok(At {
                    value: would,
                    revision: plan.revision,
                });
            }
            Plan::New(would) => would.first_revision,
        };
        let mut done = TrimReport::default();
        loop {
            // Its dirty sums are in memory, unless it was evicted since.
            let loaded = self.reading(|| self.shared.current(&loaded))?;
            let named = (loaded.name.as_str(), loaded.id);
            let request = Some((context.clone(), done));
            let step = TrimHistory::new(&self.shared, named, first_revision, request);
            let step = self.writer.operation(step)?;
            let answer = report(step.answer);
            if !step.more {
                return Ok(answer);
            }
            done = answer.value;
        }
    }

    /// Everything at one revision.
    pub fn snapshot(
        &self,
        namespace: &NamespaceHandle,
        view: SnapshotView,
        context: ReadContext,
    ) -> Result<Snapshot> {
        let loaded = self.at(namespace, context)?;
        match view {
            SnapshotView::Full => {
                self.reading(|| Snapshot::full(&self.shared, &loaded, self.shared.clock.now_ms()))
            }
            SnapshotView::Effective => Ok(Snapshot::effective(
                &self.shared,
                &loaded,
                self.shared.clock.now_ms(),
            )),
        }
    }

    /// The first answer to a restore with this id into a namespace of this name, if it was finished
    /// in the last day.
    pub fn restored(&self, name: &str, context: &WriteContext) -> Result<Option<NamespaceView>> {
        self.reading(|| {
            let view = self.shared.backend.view()?;
            idempotency::namespace(view.reads(), name, context, self.shared.clock.now_ms())
        })
    }

    /// Begins to restore a full snapshot into a new namespace.
    pub fn restore(&self, new: NewNamespace, context: WriteContext) -> Result<Restore> {
        check_deadline(context.deadline)?;
        Restore::begin(
            Arc::clone(&self.shared),
            Arc::clone(&self.writer),
            new,
            context,
            self.options.max_namespaces,
        )
    }

    /// Rebuilds everything from the items and compares it with the live state.
    pub fn verify(&self, namespace: &NamespaceHandle) -> Result<At<VerifyReport>> {
        let loaded = self.at(namespace, ReadContext::default())?;
        let At {
            value: (live, view),
            revision,
        } = self.read_both(&loaded, |published, view| Ok((Live::of(published), view)))?;
        let value = self.reading(|| {
            let row = read::pinned(view.reads(), &loaded)?;
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
            members_loaded: members.members as u64,
            members_bytes: members.bytes as u64,
            log_entries: self.shared.backend.acknowledged(),
            serving: matches!(self.health(), Health::Serving),
            ..self.shared.counters.read()
        }
    }

    /// Returns the error that a write would get now, if the engine refuses writes.
    pub fn may_write(&self) -> Result<()> {
        self.shared.health.may_write()
    }

    /// Whether the engine accepts writes.
    pub fn health(&self) -> Health {
        self.shared.health.report()
    }

    /// Ends watches, which have no end of their own, with [`Error::ShuttingDown`]; other calls go on.
    pub fn end_watches(&self) {
        self.shared.health.end_watches();
    }

    /// Refuses new writes; those that have begun are finished.
    pub fn stop_writes(&self) {
        self.shared.health.stop();
    }

    /// Finishes the calls that have begun, writes dirty sums, checkpoints, and releases the directory
    /// after the last read. Idempotent. In a forked process it does nothing.
    pub fn close(&self) {
        if self.shared.health.own_process().is_err() {
            return;
        }
        self.shared.health.stop();
        self.writer.stop();
    }

    /// Reads; an error is reported as one of reading.
    fn reading<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        self.shared.reading(read)
    }

    fn read_store<T>(
        &self,
        loaded: &Arc<CachedNamespace>,
        read: impl FnOnce(&dyn Reads, &NamespaceRow) -> Result<T>,
    ) -> Result<At<T>> {
        self.reading(|| self.shared.read_store(loaded, read))
    }

    pub(crate) fn read_both<T>(
        &self,
        loaded: &Arc<CachedNamespace>,
        read: impl FnOnce(&Namespace, Box<dyn View>) -> Result<T>,
    ) -> Result<At<T>> {
        self.reading(|| self.shared.read_both(loaded, read))
    }

    fn ranker(&self) -> Ranker<'_> {
        Ranker {
            shared: &self.shared,
            kernel: self.kernel(),
        }
    }

    pub(crate) fn kernel(&self) -> Kernel {
        self.options.kernel.unwrap_or_else(Kernel::best)
    }

    /// The namespace, at the revision that the caller asks for or a later one.
    pub(crate) fn at(
        &self,
        namespace: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<Arc<CachedNamespace>> {
        self.reading(|| self.shared.at(&namespace.0, context))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if self.shared.health.own_process().is_err() {
            // The destructors would wait for threads that only the parent has, and close files
            // that the parent has locked.
            mem::forget((Arc::clone(&self.shared), Arc::clone(&self.writer)));
        }
        self.close();
    }
}

fn report(answer: TrimAnswer) -> At<TrimReport> {
    At {
        value: TrimReport {
            revisions: answer.entries,
            bytes: answer.bytes,
            first_revision: answer.first_revision,
        },
        revision: answer.revision,
    }
}
