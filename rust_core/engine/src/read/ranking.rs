//! Ranking the categories of a namespace for some queries.

use ee_core::kernels::Kernel;
use ee_core::namespace::{MatchOptions, MissingMembers, MoreMembers, Namespace, Ranking};
use ee_core::scoring::Query;
use ee_core::settings::RankingMode;
use ee_store::View;

use crate::Result;
use crate::api::{At, QuerySpec, ReadContext};
use crate::catalog::cached_namespace::{CachedNamespace, NamespaceHandle};
use crate::catalog::scan_sharing;
use crate::clock::check_deadline;
use crate::read::consistent;
use crate::read::members::ReadMembers;
use crate::shared::Shared;

/// Bytes of sketches, counted for each query, of a short ranking: some ten microseconds, and some
/// hundred where the sketches cannot tell the rows apart.
const SHORT_BYTES: u64 = 1 << 20;

/// Rows, counted for each query, of a short ranking in any dimension.
const SHORT_ROWS: u64 = 1 << 12;

/// Queries of a short ranking that LOCAL ranks again: a tenth of a millisecond each.
const SHORT_LOCAL: usize = 1;

/// The parts of the engine that a ranking uses.
pub(crate) struct Ranker<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) kernel: Kernel,
}

impl Ranker<'_> {
    /// Ranks all categories for each query; all queries at the same revision.
    pub(crate) fn rank(
        &self,
        namespace: &NamespaceHandle,
        queries: Vec<QuerySpec>,
        mut options: MatchOptions,
        context: ReadContext,
    ) -> Result<At<Vec<Ranking>>> {
        let reading = || self.shared.at(&namespace.0, context);
        let loaded = self.shared.reading(reading)?;
        options.threads = self.shared.threads;
        let categories = loaded.read().header().categories;
        self.shared.counters.ranked(queries.len(), categories);
        let (id, settings) = (loaded.id, &loaded.settings);
        // Named items are resolved at the revision of the answer.
        let resolved = match consistent::names_items(&queries) {
            true => None,
            false => Some(consistent::resolve(None, id, settings, &queries)?),
        };
        if let Some(resolved) = &resolved
            && let Ok(found) = self.ranked_in_memory(&loaded, resolved, &options)
        {
            return Ok(found);
        }
        let read = |published: &Namespace, view: Box<dyn View>| match &resolved {
            Some(resolved) => {
                self.ranked_with_members(&loaded, published, view, resolved, &options)
            }
            None => {
                let resolved = consistent::resolve(Some(view.reads()), id, settings, &queries)?;
                self.ranked_with_members(&loaded, published, view, &resolved, &options)
            }
        };
        loop {
            let found = self
                .shared
                .reading(|| self.shared.read_both(&loaded, read))?;
            if let At {
                value: Some(value),
                revision,
            } = found
            {
                return Ok(At { value, revision });
            }
            check_deadline(context.deadline)?;
        }
    }

    /// Ranks all categories for each query, at an earlier revision.
    pub(crate) fn rank_past(
        &self,
        namespace: &NamespaceHandle,
        revision: u64,
        queries: &[QuerySpec],
        mut options: MatchOptions,
        context: ReadContext,
    ) -> Result<At<Vec<Ranking>>> {
        options.threads = self.shared.threads;
        let (id, settings) = (namespace.0.id, &namespace.0.settings);
        let rank = || {
            let past = self.shared.overlay(namespace, Some(revision), context)?;
            let (published, items) = (past.published(), past.items());
            let queries = consistent::resolve(Some(items), id, settings, queries)?;
            let categories = published.header().categories;
            self.shared.counters.ranked(queries.len(), categories);
            let tally = Some(&self.shared.counters.tally);
            loop {
                let mut members = ReadMembers::new(items, id, published);
                let ranked = members.until_ranked(|more| {
                    published.rank_with(self.kernel, &queries, &options, more, tally)
                })?;
                if let Some(ranked) = ranked {
                    return Ok(ranked);
                }
                check_deadline(context.deadline)?;
            }
        };
        let value = self.shared.reading(rank)?;
        Ok(At { value, revision })
    }

    /// [`Ranker::ranked`], where single queries of a large namespace share a scan.
    fn ranked_in_memory(
        &self,
        loaded: &CachedNamespace,
        queries: &[Query],
        options: &MatchOptions,
    ) -> std::result::Result<At<Vec<Ranking>>, MissingMembers> {
        let scan = |queries: &[Query], options: &MatchOptions| {
            self.ranked(&loaded.read(), queries, options)
        };
        if let [query] = queries
            && loaded.namespace_bytes() >= scan_sharing::MIN_BYTES
            && !self.is_local(&loaded.read(), options)
        {
            let max_running = scan_sharing::max_running(options.threads);
            let scans = &loaded.scans;
            let At { value, revision } =
                scans.rank(query.clone(), options.clone(), max_running, scan)?;
            return Ok(At {
                value: vec![value],
                revision,
            });
        }
        scan(queries, options)
    }

    /// [`Ranker::rank`] if it waits for nothing and takes microseconds.
    pub(crate) fn try_rank(
        &self,
        namespace: &NamespaceHandle,
        queries: &[QuerySpec],
        options: &MatchOptions,
        context: ReadContext,
    ) -> Result<Option<At<Vec<Ranking>>>> {
        let found = self.try_rank_together(namespace, &[queries], options, context.min_revision)?;
        Ok(found.map(|At { value, revision }| At {
            value: value.into_iter().flatten().collect(),
            revision,
        }))
    }

    /// [`Ranker::try_rank`] of each of several calls, all at one revision, in one pass over the rows.
    pub(crate) fn try_rank_together(
        &self,
        namespace: &NamespaceHandle,
        calls: &[&[QuerySpec]],
        options: &MatchOptions,
        min_revision: u64,
    ) -> Result<Option<At<Vec<Vec<Ranking>>>>> {
        let loaded = &namespace.0;
        let Some(published) = loaded.try_read() else {
            return Ok(None);
        };
        let local = self.is_local(&published, options);
        let mut resolved = Vec::with_capacity(calls.len());
        for queries in calls {
            if !short(&published, queries.len(), min_revision)
                || consistent::names_items(queries)
                || queries.len() > SHORT_LOCAL && local
            {
                return Ok(None);
            }
            let queries = consistent::resolve(None, loaded.id, &loaded.settings, queries)?;
            resolved.extend(queries);
        }
        let Ok(At { value, revision }) = self.ranked(&published, &resolved, options) else {
            return Ok(None);
        };
        let categories = published.header().categories;
        self.shared.counters.ranked(resolved.len(), categories);
        let mut rankings = value.into_iter();
        let each = calls.iter().map(|queries| {
            let own = rankings.by_ref().take(queries.len());
            own.collect()
        });
        let value = each.collect();
        Ok(Some(At { value, revision }))
    }

    fn is_local(&self, published: &Namespace, options: &MatchOptions) -> bool {
        published.ranking_of(options).mode == RankingMode::Local
    }

    /// The rankings, from memory alone.
    fn ranked(
        &self,
        published: &Namespace,
        queries: &[Query],
        options: &MatchOptions,
    ) -> std::result::Result<At<Vec<Ranking>>, MissingMembers> {
        let tally = Some(&self.shared.counters.tally);
        let more = MoreMembers::default();
        let value = published.rank_with(self.kernel, queries, options, &more, tally)?;
        let revision = published.header().revision;
        Ok(At { value, revision })
    }

    /// The rankings, reading what is not in memory of members from a view of the same revision.
    /// `None`: so many were read that other work comes first; the next call goes on from there.
    fn ranked_with_members(
        &self,
        loaded: &CachedNamespace,
        published: &Namespace,
        view: Box<dyn View>,
        queries: &[Query],
        options: &MatchOptions,
    ) -> Result<Option<Vec<Ranking>>> {
        let tally = Some(&self.shared.counters.tally);
        let mut members = ReadMembers::new(view.reads(), loaded.id, published);
        let rankings = members
            .until_ranked(|more| published.rank_with(self.kernel, queries, options, more, tally))?;
        let (more, count) = members.finish();
        drop(view);
        self.shared.counters.members_read(count);
        self.shared.keep_members(loaded, published, more);
        Ok(rankings)
    }
}

/// Whether [`Ranker::try_rank`] answers so many queries, which name no stored items.
pub(crate) fn is_short(namespace: &NamespaceHandle, queries: usize, min_revision: u64) -> bool {
    let published = namespace.0.try_read();
    published.is_some_and(|published| short(&published, queries, min_revision))
}

/// Whether ranking takes microseconds and needs no later revision.
fn short(published: &Namespace, queries: usize, min_revision: u64) -> bool {
    let header = published.header();
    let rows = header.categories.saturating_mul(queries as u64);
    let bytes = rows.saturating_mul(u64::from(published.settings().dimension));
    rows <= SHORT_ROWS && bytes <= SHORT_BYTES && min_revision <= header.revision
}

#[cfg(test)]
mod tests {
    use ee_core::command::{CategoryPut, Command};

    use super::*;
    use crate::{Engine, NewNamespace, Options, WriteContext};

    const DIMENSION: usize = 512;

    fn query(number: usize) -> QuerySpec {
        let mut vector = vec![1.0; DIMENSION];
        vector[number % DIMENSION] = 40.0;
        QuerySpec::Vector(vector)
    }

    fn with(directory: &std::path::Path, categories: usize) -> Engine {
        let engine = Engine::open(directory, Options::default()).unwrap();
        let new = NewNamespace::plain(DIMENSION as u32);
        engine
            .create_namespace(new, WriteContext::default())
            .unwrap();
        let put = |number: usize| {
            let QuerySpec::Vector(base) = query(number) else {
                unreachable!()
            };
            CategoryPut {
                key: format!("c{number}"),
                base: Some(Some(base)),
                ..CategoryPut::default()
            }
        };
        let command = Command::PutCategories((0..categories).map(put).collect());
        let namespace = engine.handle("n").unwrap();
        engine
            .write(&namespace, command, WriteContext::default())
            .unwrap();
        engine
    }

    fn three() -> MatchOptions {
        MatchOptions {
            limit: 3,
            threads: 1,
            ..MatchOptions::default()
        }
    }

    #[test]
    fn try_rank_and_rank_give_the_same_answer() {
        let directory = tempfile::tempdir().unwrap();
        let engine = with(directory.path(), 70);
        let namespace = engine.handle("n").unwrap();
        for number in 0..20 {
            let queries = vec![query(number), query(number * 7)];
            let context = ReadContext::default();
            let tried = engine.try_rank(&namespace, &queries, &three(), context);
            let ranked = engine.rank(&namespace, queries, three(), ReadContext::default());
            assert_eq!(tried.unwrap(), Some(ranked.unwrap()));
        }
    }

    #[test]
    fn calls_that_are_ranked_together_get_the_answers_that_each_gets_alone() {
        let directory = tempfile::tempdir().unwrap();
        let engine = with(directory.path(), 70);
        let namespace = engine.handle("n").unwrap();
        let calls: Vec<_> = (0..9)
            .map(|number| {
                (0..=number % 3)
                    .map(|each| query(number * 5 + each))
                    .collect()
            })
            .collect();
        let calls: Vec<_> = calls.iter().map(Vec::as_slice).collect();
        let together = |calls: &[&[QuerySpec]], min_revision| {
            engine.try_rank_together(&namespace, calls, &three(), min_revision)
        };
        let found = together(&calls, 2).unwrap().unwrap();
        for (queries, value) in calls.iter().zip(found.value) {
            let alone = engine.try_rank(&namespace, queries, &three(), ReadContext::default());
            let revision = found.revision;
            assert_eq!(alone.unwrap(), Some(At { value, revision }));
        }
        assert_eq!(
            together(&calls, 3),
            Ok(None),
            "that revision is still to come"
        );
        let long: Vec<_> = (0..30).map(query).collect();
        assert_eq!(
            together(&[calls[0], &long], 0),
            Ok(None),
            "one of them takes longer"
        );
    }

    #[test]
    fn calls_at_the_same_time_kept_each_other_from_their_namespace() {
        let directory = tempfile::tempdir().unwrap();
        let engine = with(directory.path(), 3);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let engine = &engine;
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        if thread == 0 {
                            engine.handle("n").unwrap();
                        } else {
                            engine.try_handle("n").expect("nothing changes its entry");
                        }
                    }
                });
            }
        });
    }

    #[test]
    fn try_rank_never_waits() {
        let directory = tempfile::tempdir().unwrap();
        let engine = with(directory.path(), 70);
        let namespace = engine.handle("n").unwrap();
        let tried = |queries: &[QuerySpec], min_revision| {
            let context = ReadContext {
                min_revision,
                ..ReadContext::default()
            };
            let found = engine.try_rank(&namespace, queries, &three(), context);
            found.unwrap().is_some()
        };
        let one = [query(1)];
        assert!(tried(&one, 0));
        assert!(tried(&one, 2));
        assert!(!tried(&one, 3), "that revision is still to come");
        assert!(!tried(&[QuerySpec::Item("i".into())], 0), "the store knows");
        let many: Vec<_> = (0..30).map(query).collect();
        assert!(!tried(&many, 0), "that takes longer");
        {
            let loaded = engine.shared.cache.get("n").unwrap();
            let _reading = loaded.read();
            assert!(tried(&one, 0), "readers do not keep each other waiting");
        }
        assert!(engine.is_short(&namespace, 1, 2));
        assert!(!engine.is_short(&namespace, 1, 3));
        assert!(!engine.is_short(&namespace, 30, 0));
        assert_eq!(engine.try_handle("n").unwrap().name(), "n");
        assert!(engine.try_handle("m").is_none());
        engine.shared.cache.remove("n");
        assert!(
            engine.try_handle("n").is_none(),
            "the namespace has to be loaded"
        );
    }
}
