//! Ranking the categories of a namespace for some queries.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ee_core::namespace::{MatchOptions, Namespace, Ranking};
use ee_core::ranking::Query;

use crate::Result;
use crate::api::{At, QuerySpec, ReadContext};
use crate::catalog::cached_namespace::Target;
use crate::engine::Engine;
use crate::read::{consistent as read, scan_sharing};

/// Bytes of sketches, counted for each query, that are ranked at once: some ten microseconds, and
/// some hundred where the sketches cannot tell the rows apart.
const AT_ONCE_BYTES: u64 = 1 << 20;

/// Rows, counted for each query, that are ranked at once, however short they are.
const AT_ONCE_ROWS: u64 = 1 << 12;

impl Engine {
    /// Ranks all categories for each query; all queries at the same revision.
    pub fn rank(
        &self,
        target: &Target,
        queries: Vec<QuerySpec>,
        mut options: MatchOptions,
        context: ReadContext,
    ) -> Result<At<Vec<Ranking>>> {
        let loaded = self.loaded(target, context)?;
        options.threads = self.options.threads;
        let categories = loaded.read().header().categories;
        self.shared.counters.ranked(queries.len(), categories);
        let (id, settings) = (target.id, &target.settings);
        if read::names_items(&queries) {
            return self.read_both(&loaded, |published, reader| {
                let resolved = read::resolve(Some(&reader), id, settings, &queries)?;
                drop(reader);
                Ok(self.ranked(published, &resolved, &options).value)
            });
        }
        let mut resolved = read::resolve(None, id, settings, &queries)?;
        let scan = |queries: &[Query], options: &MatchOptions| {
            self.ranked(&loaded.read(), queries, options)
        };
        if resolved.len() == 1 && loaded.memory.load(Ordering::Relaxed) >= scan_sharing::MIN_BYTES {
            let at_once = scan_sharing::at_once(options.threads);
            let At { value, revision } =
                loaded
                    .scans
                    .rank(resolved.swap_remove(0), options, at_once, scan);
            return Ok(At {
                value: vec![value],
                revision,
            });
        }
        Ok(scan(&resolved, &options))
    }

    /// The namespace with a name, if it is in memory: then [`Engine::rank_at_once`] may answer.
    pub fn at_hand(&self, name: &str) -> Option<Arc<Target>> {
        let loaded = self.shared.registry.at_hand(name)?;
        Some(Arc::clone(&loaded.target))
    }

    /// [`Engine::rank`], if that waits for nothing and takes microseconds; `None` if it might take
    /// longer. For callers that others wait for.
    pub fn rank_at_once(
        &self,
        target: &Target,
        queries: &[QuerySpec],
        options: &MatchOptions,
        context: ReadContext,
    ) -> Result<Option<At<Vec<Ranking>>>> {
        let loaded = self.shared.registry.at_hand(&target.name);
        let Some(loaded) = loaded.filter(|loaded| loaded.target.id == target.id) else {
            return Ok(None);
        };
        let Some(published) = loaded.try_read() else {
            return Ok(None);
        };
        let header = published.header();
        let rows = header.categories.saturating_mul(queries.len() as u64);
        let bytes = rows.saturating_mul(u64::from(target.settings.dimension));
        let short = rows <= AT_ONCE_ROWS && bytes <= AT_ONCE_BYTES;
        if !short || context.min_revision > header.revision || read::names_items(queries) {
            return Ok(None);
        }
        let resolved = read::resolve(None, target.id, &target.settings, queries)?;
        self.shared
            .counters
            .ranked(queries.len(), header.categories);
        Ok(Some(self.ranked(&published, &resolved, options)))
    }

    fn ranked(
        &self,
        published: &Namespace,
        queries: &[Query],
        options: &MatchOptions,
    ) -> At<Vec<Ranking>> {
        let tally = Some(&self.shared.counters.tally);
        At {
            value: published.rank_with(self.kernel(), queries, options, tally),
            revision: published.header().revision,
        }
    }
}

#[cfg(test)]
mod tests {
    use ee_core::command::{CategoryPut, Command};

    use super::*;
    use crate::{NewNamespace, Options, WriteContext};

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
        let target = engine.settings("n").unwrap();
        engine
            .write(&target, command, WriteContext::default())
            .unwrap();
        engine
    }

    const OPTIONS: MatchOptions = MatchOptions {
        limit: 3,
        min_score: None,
        filter: ee_core::namespace::Filter {
            include: Vec::new(),
            exclude: Vec::new(),
        },
        threads: 1,
    };

    #[test]
    fn what_is_ranked_at_once_is_ranked_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let engine = with(directory.path(), 70);
        let target = engine.settings("n").unwrap();
        for number in 0..20 {
            let queries = vec![query(number), query(number * 7)];
            let context = ReadContext::default();
            let at_once = engine.rank_at_once(&target, &queries, &OPTIONS, context);
            let ranked = engine.rank(&target, queries, OPTIONS, ReadContext::default());
            assert_eq!(at_once.unwrap(), Some(ranked.unwrap()));
        }
    }

    #[test]
    fn what_would_wait_is_not_ranked_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let engine = with(directory.path(), 70);
        let target = engine.settings("n").unwrap();
        let at_once = |queries: &[QuerySpec], min_revision| {
            let context = ReadContext {
                min_revision,
                ..ReadContext::default()
            };
            let found = engine.rank_at_once(&target, queries, &OPTIONS, context);
            found.unwrap().is_some()
        };
        let one = [query(1)];
        assert!(at_once(&one, 0));
        assert!(at_once(&one, 2));
        assert!(!at_once(&one, 3), "that revision is still to come");
        assert!(
            !at_once(&[QuerySpec::Item("i".into())], 0),
            "the store knows"
        );
        let many: Vec<_> = (0..30).map(query).collect();
        assert!(!at_once(&many, 0), "that takes longer");
        {
            let loaded = engine.shared.registry.get("n").unwrap();
            let _reading = loaded.read();
            assert!(at_once(&one, 0), "readers do not keep each other waiting");
        }
        assert_eq!(engine.at_hand("n"), Some(Arc::clone(&target)));
        assert_eq!(engine.at_hand("m"), None);
        engine.shared.registry.remove("n");
        assert!(!at_once(&one, 0), "it has to be loaded");
        assert_eq!(engine.at_hand("n"), None);
    }
}
