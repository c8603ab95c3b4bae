//! Reads that agree with one revision.
//!
//! Reads have two sources. Memory has the published state; the store has the committed state, which is
//! ahead by the batch that is being published, if any. A read of memory alone is of one revision. A
//! read of the store alone answers once its revision is published too, so that no later read returns
//! an earlier revision. A read of both opens a view of the store while it holds the published state,
//! and tries again if the store was ahead.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ee_core::namespace::{Header, Item, Namespace};
use ee_core::scoring::{MeanQuery, Query, Scorer};
use ee_core::settings::NamespaceSettings;
use ee_store::{ItemReads, NamespaceRow, Reads, StoreResult, View};

use crate::api::{
    At, DismissalView, ItemFilter, ItemView, MembershipView, PartView, QuerySpec, ReadContext,
};
use crate::catalog::cached_namespace::CachedNamespace;
use crate::clock::check_deadline;
use crate::shared::Shared;
use crate::{Error, Result};

/// Longest wait for a revision that a read asks for. The wait ends earlier if the caller's deadline
/// is near: a tenth of the remaining time, at most [`MAX_REPLY_TIME`], is left for the reply that
/// says which revision was reached.
pub const MAX_REVISION_WAIT: Duration = Duration::from_secs(5);

/// Longest time that a waiting read leaves for its reply.
const MAX_REPLY_TIME: Duration = Duration::from_millis(100);

/// Interval at which a reader that waits for the writer checks whether the writer still runs.
const PUBLISH_WAIT: Duration = Duration::from_millis(100);

/// When a read that begins to wait for its revision now is to be refused.
pub fn end_of_wait(deadline: Option<Instant>, now: Instant) -> Instant {
    let longest = now + MAX_REVISION_WAIT;
    deadline.map_or(longest, |deadline| {
        let reply = (deadline.saturating_duration_since(now) / 10).min(MAX_REPLY_TIME);
        (deadline - reply).min(longest)
    })
}

impl Shared {
    /// The namespace, at the context's least revision or later.
    pub(crate) fn at(
        &self,
        loaded: &Arc<CachedNamespace>,
        context: ReadContext,
    ) -> Result<Arc<CachedNamespace>> {
        let now = Instant::now();
        check_deadline(context.deadline)?;
        let mut loaded = Arc::clone(loaded);
        if context.min_revision == 0 {
            return Ok(loaded);
        }
        let until = if context.at_once {
            now
        } else {
            end_of_wait(context.deadline, now)
        };
        if loaded.retired.load(Ordering::Acquire) {
            loaded = self.current(&loaded)?;
        }
        let actual = loaded.revision();
        if actual >= context.min_revision {
            return Ok(loaded);
        }
        let waits = context.caller.filter(|_| !context.at_once);
        let place = waits.map(|caller| self.waiting.enter(caller));
        let _place = place
            .transpose()
            .map_err(|(limit, value)| Error::TooManyWait {
                expected: context.min_revision,
                actual,
                limit,
                value,
            })?;
        loop {
            match loaded.wait(context.min_revision, until) {
                Ok(()) => return Ok(loaded),
                Err(_) if Instant::now() < until => loaded = self.current(&loaded)?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads from the store alone.
    pub(crate) fn read_store<T>(
        &self,
        loaded: &Arc<CachedNamespace>,
        read: impl FnOnce(&dyn Reads, &NamespaceRow) -> Result<T>,
    ) -> Result<At<T>> {
        let view = self.backend.view()?;
        let row = pinned(view.reads(), loaded)?;
        let value = read(view.reads(), &row)?;
        drop(view);
        let revision = row.header.revision;
        self.published(loaded, revision)?;
        Ok(At { value, revision })
    }

    /// Reads from memory and store at the same revision.
    pub(crate) fn read_both<T>(
        &self,
        loaded: &Arc<CachedNamespace>,
        read: impl FnOnce(&Namespace, Box<dyn View>) -> Result<T>,
    ) -> Result<At<T>> {
        let mut current = Arc::clone(loaded);
        loop {
            let published = current.read();
            let view = self.backend.view()?;
            let committed = pinned(view.reads(), &current)?.header.revision;
            let revision = published.header().revision;
            if committed == revision {
                let value = read(&published, view)?;
                return Ok(At { value, revision });
            }
            drop((published, view));
            current = self.published(&current, committed)?;
        }
    }

    /// Waits until a revision that was read from the store is published too, and returns the
    /// object in which it is: the one that was given may have left memory meanwhile. It is
    /// committed, so this takes no longer than copying it in, unless the writer failed just then.
    pub(crate) fn published(
        &self,
        loaded: &Arc<CachedNamespace>,
        revision: u64,
    ) -> Result<Arc<CachedNamespace>> {
        let mut current = Arc::clone(loaded);
        loop {
            if current
                .wait(revision, Instant::now() + PUBLISH_WAIT)
                .is_ok()
            {
                return Ok(current);
            }
            self.health.may_write_queued()?;
            current = self.current(loaded)?;
        }
    }

    /// The current object of the namespace: the caller's may have left memory.
    pub(crate) fn current(&self, loaded: &CachedNamespace) -> Result<Arc<CachedNamespace>> {
        let current = self.cache.get(&loaded.name)?;
        if current.id == loaded.id {
            Ok(current)
        } else {
            Err(gone(loaded))
        }
    }
}

/// The namespace's row; reading it fixes the revision of the view.
pub(crate) fn pinned(reads: &dyn Reads, loaded: &CachedNamespace) -> Result<NamespaceRow> {
    let row = reads.namespace_by_name(&loaded.name)?;
    row.filter(|row| row.id == loaded.id)
        .ok_or_else(|| gone(loaded))
}

fn gone(loaded: &CachedNamespace) -> Error {
    Error::NamespaceNotFound {
        name: loaded.name.clone(),
    }
}

/// The view of a stored item. `header`: that of its namespace, which is not searched for what it has none of.
pub(crate) fn view(
    reads: &dyn Reads,
    namespace: i64,
    item: Item,
    embedding: bool,
    header: &Header,
) -> StoreResult<ItemView> {
    let mut dismissals = Vec::new();
    if header.dismissals > 0 {
        for dismissal in reads.dismissals_of(namespace, item.id)? {
            dismissals.push(DismissalView {
                category: reads.category_key(namespace, dismissal.category)?,
                origin: dismissal.origin,
            });
        }
        dismissals.sort_unstable_by(|a, b| a.category.cmp(&b.category));
    }
    let mut parts = Vec::new();
    if header.parts > 0 {
        for part in reads.parts_of(namespace, item.id)? {
            parts.push(PartView {
                item: reads.item_key(namespace, part.item)?,
                weight: part.weight,
            });
        }
        parts.sort_unstable_by(|a, b| a.item.cmp(&b.item));
    }
    let memberships = reads.memberships_of(namespace, item.id)?;
    let memberships = memberships.into_iter().map(|membership| {
        Ok(MembershipView {
            category: reads.category_key(namespace, membership.category)?,
            sequence: membership.sequence,
            origin: membership.origin,
        })
    });
    Ok(ItemView {
        key: item.key,
        weight: item.weight,
        embedding: embedding.then_some(item.embedding),
        metadata: item.metadata,
        created_ms: item.created_ms,
        memberships: memberships.collect::<StoreResult<_>>()?,
        dismissals,
        parts,
    })
}

/// A page of items.
pub(crate) fn page(
    reads: &dyn Reads,
    namespace: i64,
    filter: &ItemFilter,
    limit: usize,
) -> Result<Vec<Item>> {
    let first = |after: &Option<String>| after.clone().unwrap_or_default();
    Ok(match filter {
        ItemFilter::All { after } => reads.items_page(namespace, &first(after), limit)?,
        ItemFilter::Inbox { after } => reads.inbox_page(namespace, &first(after), limit)?,
        ItemFilter::Category { key, before } => {
            let category = reads.category_id(namespace, key)?;
            let category = category.ok_or_else(|| Error::CategoryNotFound { key: key.clone() })?;
            reads.members_page(namespace, category, *before, limit)?
        }
    })
}

/// Whether answering needs the store.
pub(crate) fn names_items(queries: &[QuerySpec]) -> bool {
    queries.iter().any(|query| match query {
        QuerySpec::Vector(_) => false,
        QuerySpec::Item(_) => true,
        QuerySpec::Parts(parts) => parts
            .iter()
            .any(|(part, _)| matches!(part, QuerySpec::Item(_))),
    })
}

/// The prepared queries. `reads` is needed for queries that name items.
pub(crate) fn resolve(
    reads: Option<&dyn ItemReads>,
    namespace: i64,
    settings: &NamespaceSettings,
    queries: &[QuerySpec],
) -> Result<Vec<Query>> {
    let scorer = Scorer::of(settings);
    let resolve_one = |(index, query): (usize, &QuerySpec)| {
        let vector = match query {
            QuerySpec::Vector(vector) => return direction(scorer.query(vector), index),
            QuerySpec::Item(key) => {
                let vector = item(reads, namespace, key, (index, None))?.embedding;
                return direction(scorer.query(&vector), index);
            }
            QuerySpec::Parts(parts) => parts,
        };
        let mut mean = MeanQuery::new(settings.dimension as usize);
        for (part, (spec, weight)) in vector.iter().enumerate() {
            let stored;
            let vector = match spec {
                QuerySpec::Vector(vector) => vector,
                QuerySpec::Item(key) => {
                    stored = item(reads, namespace, key, (index, Some(part)))?.embedding;
                    &stored
                }
                QuerySpec::Parts(_) => return Err(Error::DegenerateQuery { query: index }),
            };
            mean.add(*weight, vector)
                .map_err(|_| Error::DegenerateQuery { query: index })?;
        }
        direction(scorer.mean_query(&mean), index)
    };
    queries.iter().enumerate().map(resolve_one).collect()
}

fn direction(query: Option<Query>, index: usize) -> Result<Query> {
    query.ok_or(Error::DegenerateQuery { query: index })
}

fn item(
    reads: Option<&dyn ItemReads>,
    namespace: i64,
    key: &str,
    at: (usize, Option<usize>),
) -> Result<Item> {
    let found = match reads {
        Some(reads) => reads.item_by_key(namespace, key)?,
        None => None,
    };
    found.ok_or_else(|| Error::ItemNotFound {
        key: key.to_owned(),
        query: Some(at),
    })
}

#[cfg(test)]
mod tests {
    use ee_core::command::{CategoryPut, Command};

    use super::*;
    use crate::catalog::cached_namespace::NamespaceHandle;
    use crate::{Engine, NewNamespace, Options, WriteContext};

    /// An engine whose namespace left memory and was written to since, with the object that left.
    fn left(directory: &std::path::Path) -> (Engine, Arc<CachedNamespace>) {
        let engine = Engine::open(directory, Options::default()).unwrap();
        engine
            .create_namespace(NewNamespace::plain(4), WriteContext::default())
            .unwrap();
        let before = engine.shared.cache.get("n").unwrap();
        engine.shared.cache.remove("n");
        let put = CategoryPut {
            key: "c".into(),
            ..CategoryPut::default()
        };
        let command = Command::PutCategories(vec![put]);
        engine
            .write(
                &NamespaceHandle(Arc::clone(&before)),
                command,
                WriteContext::default(),
            )
            .unwrap();
        (engine, before)
    }

    #[test]
    fn a_wait_in_vain_ends_in_time_for_its_answer() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, _) = left(directory.path());
        let namespace = engine.handle("n").unwrap();
        let wait = |millis| {
            let deadline = Instant::now() + Duration::from_millis(millis);
            let context = ReadContext {
                min_revision: 99,
                at_once: false,
                deadline: Some(deadline),
                ..ReadContext::default()
            };
            let (expected, actual) = (99, 2);
            let refused = Error::RevisionNotReached { expected, actual };
            assert_eq!(engine.namespace(&namespace, context), Err(refused));
            deadline.saturating_duration_since(Instant::now())
        };
        assert!(wait(200) > Duration::ZERO);
        assert!(wait(1500) > Duration::from_millis(50));
        assert!(wait(1500) <= MAX_REPLY_TIME);
    }

    #[test]
    fn a_read_of_both_ends_although_its_object_left_memory_and_stands_still() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, before) = left(directory.path());
        let read = engine
            .shared
            .read_both(&before, |published, _| Ok(published.categories().len()));
        let expected = At {
            value: 1,
            revision: 2,
        };
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn a_read_waits_on_the_current_object_of_its_namespace() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, before) = left(directory.path());
        let now = engine.shared.published(&before, 2).unwrap();
        assert_eq!(now.read().header().revision, 2);
        let read = engine.shared.read_store(&before, |_, row| Ok(row.id));
        assert_eq!(read.map(|at| at.revision), Ok(2));
    }

    #[test]
    fn an_unknown_name_leaves_no_trace_in_memory() {
        let directory = tempfile::tempdir().unwrap();
        let (engine, _) = left(directory.path());
        let slots = engine.shared.cache.len();
        for name in ["", "m", "n\0", "N"] {
            let got = engine.shared.cache.get(name);
            assert!(matches!(got, Err(Error::NamespaceNotFound { .. })));
        }
        assert_eq!(engine.shared.cache.len(), slots);
    }
}
