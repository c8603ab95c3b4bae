//! The engine: one data directory and everything that can be asked of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ee_core::command::Command;
use ee_core::kernels::Kernel;
use ee_core::namespace::{CategoryView, Header, Namespace, Profile};
use rusqlite::Connection;

use crate::api::{
    At, EngineInfo, Health, ItemFilter, ItemView, NamespaceView, NewNamespace, Options,
    ReadContext, SnapshotView, VerifyReport, WriteContext, Written,
};
use crate::catalog::cached_namespace::{Loaded, NamespaceHandle};
use crate::catalog::namespace_cache::Registry;
use crate::clock::now_ms;
use crate::failpoints::{Step, reach};
use crate::maintenance::verify::{Live, verify};
use crate::metrics::Stats;
use crate::read::consistent as read;
use crate::shared::Shared;
use crate::store::directory::{Directory, Marks};
use crate::store::{Head, copied_sequence, log_frames, open_writer, sqlite_version};
use crate::store::{NamespaceRow, Reader, Readers, Remembered, State, StoreResult, queries};
use crate::transfer::restore::{Restore, append_created};
use crate::transfer::snapshot::Snapshot;
use crate::write::prediction_probe;
use crate::write::writer::Writer;
use crate::{Error, Result};

/// Requests that create or delete a namespace are remembered under this identifier.
const SERVICE: i64 = 0;

/// A data directory, open. All methods may be called from any thread, and may block.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) options: Options,
}

impl Engine {
    /// Opens a data directory, or makes one. Fails if another process has it, if it was written
    /// by another version's format, or if something that was acknowledged is missing.
    pub fn open(directory: &Path, options: Options) -> Result<Self> {
        let directory = Directory::take(directory)?;
        reach(Step::OpenDatabase)?;
        let database = directory.database();
        let marks = directory.marks();
        if marks.acknowledged > 0 && directory.is_empty() {
            // Opening it would make a new one, and throw away a log that may be there.
            return Err(lost("the database file", 0, marks.acknowledged));
        }
        let copied = (marks.copied > 0).then(|| copied_sequence(&database));
        if let Some(Some(copied)) = copied
            && copied < marks.copied
        {
            return Err(lost("the database file by itself", copied, marks.copied));
        }
        let connection = open_writer(&database)?;
        let head = Head::load(&connection)?;
        if head.sequence < marks.acknowledged {
            return Err(lost("the log", head.sequence, marks.acknowledged));
        }
        // Without a log the file must be as it was when the log was last copied back wholly: a
        // copying that was cut off leaves a mixture that only the log makes whole.
        if marks != Marks::default()
            && log_frames(&connection)?.written == 0
            && head.sequence != marks.copied
        {
            return Err(lost("the log", marks.copied, head.sequence));
        }
        reach(Step::OpenAbandon)?;
        abandon_restores(&connection)?;
        let readers = Readers::new(&database);
        let registry = Registry::new(Arc::clone(&readers), options.memory_budget);
        let shared = Arc::new(Shared::new(directory, readers, registry, options.threads));
        shared
            .counters
            .steps
            .store(head.sequence, Ordering::Relaxed);
        let writer = Arc::new(Writer::start(connection, Arc::clone(&shared))?);
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
        let limit = self.options.max_namespaces;
        if context.validate_only {
            return self.reading(|| {
                let reader = self.shared.readers.begin()?;
                check_new_name(&reader, &new.name)?;
                check_room(queries::namespace_count(&reader)?, limit)?;
                Ok(new_row(&new, 0, now_ms()).view())
            });
        }
        self.writer.task(
            move |connection, head| {
                check_deadline(context.deadline)?;
                if let Some(view) = recall(connection, &new.name, &context, head.time_ms)? {
                    return Ok(view);
                }
                check_new_name(connection, &new.name)?;
                check_room(head.namespaces, limit)?;
                head.namespaces += 1;
                let row = new_row(&new, head.take_id(), head.time_ms);
                append_created(connection, head, row.id, &context)?;
                queries::save_namespace(connection, &row)?;
                remember(connection, &new.name, &context, head.time_ms, row.view())
            },
            |_, _| {},
        )
    }

    /// Deletes a namespace and all that it holds. Its rows are purged bit by bit afterwards.
    pub fn delete_namespace(
        &self,
        name: &str,
        force: bool,
        context: WriteContext,
    ) -> Result<NamespaceView> {
        check_deadline(context.deadline)?;
        let name = name.to_owned();
        let delete = move |connection: &Connection, head: &mut Head| {
            check_deadline(context.deadline)?;
            if let Some(view) = recall(connection, &name, &context, head.time_ms)? {
                return Ok(view);
            }
            let row = queries::namespace_by_name(connection, &name)?;
            let mut row = row.ok_or_else(|| Error::NamespaceNotFound { name: name.clone() })?;
            let Header {
                categories, items, ..
            } = row.header;
            if !force && (categories > 0 || items > 0) {
                return Err(Error::NamespaceNotEmpty {
                    name: name.clone(),
                    categories,
                    items,
                });
            }
            let view = row.view();
            if context.validate_only {
                return Ok(view);
            }
            row.state = State::Deleted;
            head.namespaces -= 1;
            queries::save_namespace(connection, &row)?;
            remember(connection, &name, &context, head.time_ms, view)
        };
        self.writer.task(delete, |shared, view| {
            // A dry run, or the first answer to a retry, may name one that is there.
            let there = shared
                .readers
                .begin()
                .and_then(|reader| Ok(queries::namespace_by_name(&reader, &view.name)?.is_some()));
            if !matches!(there, Ok(true)) {
                shared.registry.remove(&view.name);
            }
        })
    }

    /// Up to `limit` namespaces by name, after one, as far as they begin with a prefix.
    pub fn list_namespaces(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<NamespaceView>> {
        self.reading(|| {
            let reader = self.shared.readers.begin()?;
            let after = after.unwrap_or_default();
            let rows = queries::namespaces_page(&reader, prefix, after, limit)?;
            Ok(rows.iter().map(NamespaceRow::view).collect())
        })
    }

    /// The namespace with a name, loaded if it is not in memory. If that takes more memory than the
    /// budget allows, other namespaces leave.
    pub fn handle(&self, name: &str) -> Result<NamespaceHandle> {
        let loaded = self.reading(|| self.shared.registry.get(name))?;
        if self.shared.registry.over_budget() {
            self.writer.evict();
        }
        Ok(NamespaceHandle(loaded))
    }

    /// [`Engine::handle`] without waiting: `None` if the namespace is not in memory, or if its
    /// entry there is locked.
    pub fn try_handle(&self, name: &str) -> Option<NamespaceHandle> {
        self.shared.registry.try_get(name).map(NamespaceHandle)
    }

    /// Counts, labels and revision of a namespace.
    pub fn namespace(
        &self,
        namespace: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<NamespaceView> {
        Ok(self.at(namespace, context)?.view())
    }

    /// Writes; returns once that is durable and visible.
    pub fn write(
        &self,
        namespace: &NamespaceHandle,
        command: Command,
        context: WriteContext,
    ) -> Result<Written> {
        check_deadline(context.deadline)?;
        let loaded = Arc::clone(&namespace.0);
        let rehearsal = context.validate_only;
        let guesses = match &command {
            Command::Assign(assignments) if !rehearsal => {
                prediction_probe::before(&self.shared, &loaded, assignments, self.kernel())
            }
            _ => Vec::new(),
        };
        let written = self.writer.write(loaded, command, context)?;
        if !rehearsal && !written.replayed {
            let counters = &self.shared.counters;
            counters.learned(&written.outcome);
            counters.suggested(prediction_probe::taken(
                namespace.settings(),
                &guesses,
                &written.outcome,
            ));
        }
        Ok(written)
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
        self.read_store(&loaded, |reader, row| {
            let item = queries::item_by_key(reader, row.id, key)?;
            let item = item.ok_or_else(|| Error::ItemNotFound {
                key: key.to_owned(),
                query: None,
            })?;
            Ok(read::view(reader, item, embedding)?)
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
        self.read_store(&loaded, |reader, row| {
            let items = read::page(reader, row.id, &filter, limit)?;
            let views = items
                .into_iter()
                .map(|item| read::view(reader, item, embeddings));
            Ok(views.collect::<StoreResult<_>>()?)
        })
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
            SnapshotView::Full => self.reading(|| Snapshot::full(&self.shared, &loaded, now_ms())),
            SnapshotView::Effective => Ok(Snapshot::effective(&self.shared, &loaded, now_ms())),
        }
    }

    /// The first answer to a restore with this id into a namespace of this name, if it was finished
    /// in the last day.
    pub fn restored(&self, name: &str, context: &WriteContext) -> Result<Option<NamespaceView>> {
        self.reading(|| {
            let reader = self.shared.readers.begin()?;
            recall(&reader, name, context, now_ms())
        })
    }

    /// Begins to take a full snapshot back, into a new namespace.
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

    /// Rebuilds everything from the items and compares it with what is live.
    pub fn verify(&self, namespace: &NamespaceHandle) -> Result<At<VerifyReport>> {
        let loaded = self.at(namespace, ReadContext::default())?;
        let At {
            value: (live, reader),
            revision,
        } = self.read_both(&loaded, |published, reader| {
            Ok((Live::of(published), reader))
        })?;
        let value = self.reading(|| verify(&reader, &read::pinned(&reader, &loaded)?, live))?;
        Ok(At { value, revision })
    }

    /// What the engine is.
    pub fn info(&self) -> Result<EngineInfo> {
        let namespaces = self.reading(|| {
            let reader = self.shared.readers.begin()?;
            Ok(queries::namespace_count(&reader)?)
        })?;
        Ok(EngineInfo {
            sqlite_version: sqlite_version().to_owned(),
            kernel: self.kernel().name(),
            namespaces,
            memory_bytes: self.shared.registry.memory() as u64,
        })
    }

    /// What it has done since it was opened.
    pub fn stats(&self) -> Stats {
        let registry = &self.shared.registry;
        Stats {
            namespaces_loaded: registry.loaded().len() as u64,
            memory_bytes: registry.memory() as u64,
            serving: matches!(self.health(), Health::Serving),
            ..self.shared.counters.read()
        }
    }

    /// Returns the error that a write would get now, if the engine refuses writes.
    pub fn may_write(&self) -> Result<()> {
        self.shared.may_write()
    }

    /// Whether it takes writes.
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// Refuses writes from now on; those that were begun are finished.
    pub fn stop_writes(&self) {
        self.shared.stop();
    }

    /// Finishes what was begun, writes everything that a start would have to do again, and lets
    /// go of the directory once nothing is read any more. Idempotent.
    pub fn close(&self) {
        self.shared.stop();
        self.writer.stop();
    }

    /// Reads; an error is told as one of reading.
    fn reading<T>(&self, read: impl FnOnce() -> Result<T>) -> Result<T> {
        read().map_err(|error| self.shared.read_error(error))
    }

    fn read_store<T>(
        &self,
        loaded: &Arc<Loaded>,
        read: impl FnOnce(&Reader, &NamespaceRow) -> Result<T>,
    ) -> Result<At<T>> {
        self.reading(|| self.shared.read_store(loaded, read))
    }

    pub(crate) fn read_both<T>(
        &self,
        loaded: &Arc<Loaded>,
        read: impl FnOnce(&Namespace, Reader) -> Result<T>,
    ) -> Result<At<T>> {
        self.reading(|| self.shared.read_both(loaded, read))
    }

    pub(crate) fn kernel(&self) -> Kernel {
        self.options.kernel.unwrap_or_else(Kernel::best)
    }

    /// The namespace, at the revision that the caller asks for or a later one.
    pub(crate) fn at(
        &self,
        namespace: &NamespaceHandle,
        context: ReadContext,
    ) -> Result<Arc<Loaded>> {
        self.reading(|| self.shared.at(&namespace.0, context))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

/// Something of what was acknowledged is not there any more.
fn lost(place: &str, found: u64, marked: u64) -> Error {
    Error::Corrupted {
        place: place.into(),
        what: format!("ends at step {found}, but step {marked} was there: a part is lost or old"),
    }
}

/// Refuses a name that a namespace has.
pub(crate) fn check_new_name(connection: &Connection, name: &str) -> Result<()> {
    match queries::namespace_by_name(connection, name)? {
        Some(_) => Err(Error::NamespaceExists {
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Refuses one more namespace than there may be.
pub(crate) fn check_room(actual: u64, limit: Option<u64>) -> Result<()> {
    match limit {
        Some(limit) if actual >= limit => Err(Error::TooManyNamespaces { limit }),
        _ => Ok(()),
    }
}

fn new_row(new: &NewNamespace, id: i64, now_ms: i64) -> NamespaceRow {
    NamespaceRow {
        id,
        name: new.name.clone(),
        state: State::Active,
        settings: new.settings.clone(),
        profile: Profile {
            description: new.description.clone(),
            labels: new.labels.clone(),
            created_ms: now_ms,
        },
        header: Header {
            revision: 1,
            next_sequence: 1,
            ..Header::default()
        },
        checkpoint: 1,
    }
}

/// Where the answer to a request is kept that creates or deletes a namespace. Its name is a part of
/// it: whoever may not see a namespace does not meet the ids that were used for it either.
fn kept_under(name: &str, context: &WriteContext) -> String {
    // No name has a slash.
    format!("{name}/{}", context.request_id)
}

/// The first answer to a request with this id that creates or deletes a namespace of this name.
pub(crate) fn recall(
    connection: &Connection,
    name: &str,
    context: &WriteContext,
    now_ms: i64,
) -> Result<Option<NamespaceView>> {
    if context.request_id.is_empty() {
        return Ok(None);
    }
    let (id, fingerprint) = (kept_under(name, context), context.fingerprint);
    match queries::recall(connection, SERVICE, &id, fingerprint, now_ms)? {
        Remembered::No => Ok(None),
        Remembered::Answer(view) => Ok(Some(view)),
        Remembered::Other => Err(Error::RequestIdReused {
            request_id: context.request_id.clone(),
        }),
    }
}

/// Keeps the answer for a retry.
pub(crate) fn remember(
    connection: &Connection,
    name: &str,
    context: &WriteContext,
    now_ms: i64,
    view: NamespaceView,
) -> Result<NamespaceView> {
    if !context.request_id.is_empty() {
        let (id, fingerprint) = (kept_under(name, context), context.fingerprint);
        queries::remember(connection, SERVICE, &id, fingerprint, now_ms, &view)?;
        queries::forget_old(connection, now_ms, 1)?;
    }
    Ok(view)
}

/// Restores that a process did not finish are nobody's.
fn abandon_restores(connection: &Connection) -> Result<()> {
    for id in queries::abandoned_restores(connection)? {
        if let Some(mut row) = queries::namespace_by_id(connection, id)? {
            row.state = State::Deleted;
            queries::save_namespace(connection, &row)?;
        }
    }
    Ok(())
}

fn check_deadline(deadline: Option<Instant>) -> Result<()> {
    match deadline {
        Some(deadline) if Instant::now() > deadline => Err(Error::DeadlineExceeded),
        _ => Ok(()),
    }
}
