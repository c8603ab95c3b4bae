//! Creating, deleting and listing namespaces, and the limit of their number.

use ee_core::command::record::{Change, Entry};
use ee_core::namespace::{Header, Origin, Profile};
use ee_store::{DamagedNamespace, NamespaceRow, NamespaceState, Reads, StoreResult, WriteSession};

use crate::api::{NamespaceView, NewNamespace, WriteContext};
use crate::clock::check_deadline;
use crate::shared::Shared;
use crate::write::idempotency;
use crate::write::operation::Operation;
use crate::{Error, Result};

/// Creates an empty namespace.
pub(crate) struct CreateNamespace {
    pub(crate) new: NewNamespace,
    pub(crate) context: WriteContext,
    pub(crate) max_namespaces: Option<u64>,
}

impl CreateNamespace {
    /// Computes the answer of the creation and writes nothing.
    pub(crate) fn validate(&self, reads: &dyn Reads, now_ms: i64) -> Result<NamespaceView> {
        check_new_name(reads, &self.new.name)?;
        check_limit(reads.namespace_count()?, self.max_namespaces)?;
        Ok(NamespaceView::of(&created(&self.new, now_ms)))
    }
}

impl Operation for CreateNamespace {
    type Output = NamespaceView;

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<NamespaceView> {
        let Self { new, context, .. } = self;
        check_deadline(context.deadline)?;
        let time_ms = session.time_ms();
        if let Some(view) = idempotency::namespace(session.reads(), &new.name, context, time_ms)? {
            return Ok(view);
        }
        check_new_name(session.reads(), &new.name)?;
        check_limit(session.namespace_count()?, self.max_namespaces)?;
        let mut row = created(new, time_ms);
        row.id = session.create_namespace(&row)?;
        row.header.log_bytes = Some(append_created(session, row.id, context)?);
        session.update_namespace(&row)?;
        idempotency::put_namespace(session, context, &row)?;
        Ok(NamespaceView::of(&row))
    }
}

/// Deletes a namespace with its content. The rows are purged step by step afterwards.
pub(crate) struct DeleteNamespace {
    pub(crate) name: String,
    pub(crate) force: bool,
    pub(crate) context: WriteContext,
    /// Whether the cached namespace of this name was deleted: not after a dry run, nor if a retry finds
    /// a later namespace of the name.
    gone: bool,
}

impl DeleteNamespace {
    pub(crate) fn new(name: &str, force: bool, context: WriteContext) -> Self {
        Self {
            name: name.to_owned(),
            force,
            context,
            gone: false,
        }
    }
}

impl Operation for DeleteNamespace {
    type Output = NamespaceView;

    fn apply(&mut self, session: &mut dyn WriteSession) -> Result<NamespaceView> {
        // After a conflict it is applied again.
        self.gone = false;
        let Self { name, context, .. } = self;
        check_deadline(context.deadline)?;
        let time_ms = session.time_ms();
        if let Some(view) = idempotency::namespace(session.reads(), name, context, time_ms)? {
            self.gone = session.reads().namespace_by_name(name)?.is_none();
            return Ok(view);
        }
        let row = session.reads().namespace_by_name(name)?;
        let row = row.ok_or_else(|| Error::NamespaceNotFound { name: name.clone() })?;
        let Header {
            categories, items, ..
        } = row.header;
        if !self.force && (categories > 0 || items > 0) {
            return Err(Error::NamespaceNotEmpty {
                name: name.clone(),
                categories,
                items,
            });
        }
        if !context.validate_only {
            session.delete_namespace(&row)?;
            idempotency::put_namespace(session, context, &row)?;
            self.gone = true;
        }
        Ok(NamespaceView::of(&row))
    }

    fn committed(&self, shared: &Shared, view: &NamespaceView) {
        // Another process may have created a namespace of this name since; it is loaded on first use.
        if self.gone {
            shared.cache.remove(&view.name);
        }
    }
}

/// A namespace of a list whose row is damaged.
#[derive(Clone, Debug, PartialEq)]
pub struct UnreadableNamespace {
    /// Its name.
    pub name: String,
    /// The damage.
    pub error: Error,
}

/// A namespace of a list.
pub type ListedNamespace = std::result::Result<NamespaceView, UnreadableNamespace>;

/// Up to `limit` namespaces whose names begin with a prefix, by name, after a name. A damaged row hides
/// no other.
pub(crate) fn list(
    shared: &Shared,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<ListedNamespace>> {
    let view = shared.backend.view()?;
    let rows = view.namespaces_page(prefix, after.unwrap_or_default(), limit)?;
    let listed = rows.into_iter().map(|row| match row {
        Ok(row) => Ok(NamespaceView::of(&row)),
        Err(DamagedNamespace { name, error }) => Err(UnreadableNamespace {
            name,
            error: shared.read_error(error.into()),
        }),
    });
    Ok(listed.collect())
}

/// Refuses the name of an existing namespace.
pub(crate) fn check_new_name(reads: &dyn Reads, name: &str) -> Result<()> {
    match reads.namespace_by_name(name)? {
        Some(_) => Err(Error::NamespaceExists {
            name: name.to_owned(),
        }),
        None => Ok(()),
    }
}

/// Refuses a namespace beyond the limit.
pub(crate) fn check_limit(actual: u64, limit: Option<u64>) -> Result<()> {
    match limit {
        Some(limit) if actual >= limit => Err(Error::TooManyNamespaces { limit }),
        _ => Ok(()),
    }
}

/// The row of a new, empty namespace.
pub(crate) fn new_row(new: &NewNamespace, state: NamespaceState, now_ms: i64) -> NamespaceRow {
    NamespaceRow {
        id: 0,
        name: new.name.clone(),
        state,
        settings: new.settings.clone(),
        profile: Profile {
            description: new.description.clone(),
            labels: new.labels.clone(),
            created_ms: now_ms,
            ranking: new.ranking,
            history_keep: new.history_keep,
        },
        header: Header {
            next_sequence: 1,
            ..Header::default()
        },
        sums_revision: 0,
    }
}

/// The row of a namespace at revision 1, its creation.
fn created(new: &NewNamespace, now_ms: i64) -> NamespaceRow {
    let mut row = new_row(new, NamespaceState::Active, now_ms);
    row.header.revision = 1;
    row.sums_revision = 1;
    row
}

/// Appends the first entry of a namespace's log, and returns its bytes.
pub(crate) fn append_created(
    session: &mut dyn WriteSession,
    namespace: i64,
    context: &WriteContext,
) -> StoreResult<u64> {
    let entry = Entry {
        revision: 1,
        origin: Origin {
            time_ms: session.time_ms(),
            actor: context.actor.clone(),
            reason: context.reason.clone(),
        },
        request_id: context.request_id.clone(),
        changes: vec![Change::NamespaceCreated],
        effects: Vec::new(),
        images: Vec::new(),
        undone: Vec::new(),
    };
    session.append(namespace, &entry)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ee_store::Backend;
    use ee_store_testing::Memory;

    use super::*;
    use crate::{Engine, Options};

    #[test]
    fn a_deleted_namespace_leaves_memory_although_another_one_has_its_name() {
        let store = Memory::default();
        let open = || Engine::with_backend(Arc::new(store.another_process()), Options::default());
        let (engine, other) = (open().unwrap(), open().unwrap());
        let create = |engine: &Engine| {
            let new = NewNamespace::plain(2);
            engine
                .create_namespace(new, WriteContext::default())
                .unwrap()
        };
        let name = create(&engine).name;
        let before = engine.handle(&name).unwrap();
        // Between the commit and its end here, the other engine creates a namespace of this name.
        let mut delete = DeleteNamespace::new(&name, true, WriteContext::default());
        let mut session = store
            .another_process()
            .write_session(Arc::new(|| ()))
            .unwrap();
        session.begin(1).unwrap();
        let view = delete.apply(&mut *session).unwrap();
        assert_eq!(session.commit(), ee_store::Commit::Committed);
        create(&other);
        delete.committed(&engine.shared, &view);
        let after = engine.handle(&name).unwrap();
        assert_ne!(before.0.id, after.0.id);
    }
}
