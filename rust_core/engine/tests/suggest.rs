//! Suggestions through the engine: the same with the inbox in memory and without, beside writes, and
//! after a restart.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use ee_core::command::{Command, ItemPut};
use ee_core::namespace::MatchOptions;
use ee_core::settings::RankingMode;
use ee_engine::{
    At, Engine, Error, Options, Place, QuerySpec, ReadContext, SuggestOrder, SuggestSpec, Suggested,
};

const ITEMS: u64 = 700;

fn spec(order: SuggestOrder, limit: usize) -> SuggestSpec {
    SuggestSpec {
        order,
        limit,
        categories: Vec::new(),
        min_score: None,
        max_score: None,
        min_margin: None,
        max_margin: None,
        key_prefix: String::new(),
        metadata: Default::default(),
        ranking: None,
        fairness: None,
        confidence: false,
        min_confidence: None,
        below_confidence: None,
    }
}

fn surest(limit: usize) -> SuggestSpec {
    spec(SuggestOrder::Surest(None), limit)
}

fn suggest(engine: &Engine, spec: &SuggestSpec) -> At<Suggested> {
    let namespace = engine.handle("n").unwrap();
    engine
        .suggest(&namespace, spec, ReadContext::default())
        .unwrap()
}

fn put(engine: &Engine, items: impl Iterator<Item = u64>) {
    let put = |item| ItemPut {
        key: format!("i{item}"),
        embedding: Some(vector(item)),
        ..ItemPut::default()
    };
    write(engine, "n", Command::PutItems(items.map(put).collect())).unwrap();
}

fn world(directory: &Path, options: Options) -> Engine {
    let engine = Engine::open(directory, options).unwrap();
    create(&engine, "n");
    categories(&engine, "n", 20);
    put(&engine, 0..ITEMS);
    engine
}

/// What a Match of each item lists, in the order of suggestions.
fn matched(engine: &Engine, ranking: Option<RankingMode>, items: &[u64]) -> Vec<(String, f64)> {
    let queries = items.iter().map(|item| QuerySpec::Item(format!("i{item}")));
    let options = MatchOptions {
        limit: 2,
        ranking,
        ..MatchOptions::default()
    };
    let namespace = engine.handle("n").unwrap();
    let context = ReadContext::default();
    let found = engine.rank(&namespace, queries.collect(), options, context);
    let rankings = items.iter().zip(found.unwrap().value);
    let mut places: Vec<_> = rankings
        .map(|(item, ranking)| Place {
            margin: ranking.margin.unwrap(),
            rank_score: ranking.matches[0].rank_score,
            item: format!("i{item}"),
        })
        .collect();
    places.sort_by(|a, b| {
        let numbers = b.margin.total_cmp(&a.margin);
        let numbers = numbers.then(b.rank_score.total_cmp(&a.rank_score));
        numbers.then_with(|| a.item.cmp(&b.item))
    });
    let bare = places.into_iter().map(|place| (place.item, place.margin));
    bare.collect()
}

fn listed(suggested: &Suggested) -> Vec<(String, f64)> {
    let each = suggested.suggestions.iter();
    each.map(|each| (each.item.clone(), each.margin.unwrap()))
        .collect()
}

#[test]
fn an_inbox_without_room_in_memory_is_read_from_the_store_with_the_same_answer() {
    let directory = tempdir().unwrap();
    let options = Options {
        memory_budget: Some(1),
        threads: 2,
        ..Options::default()
    };
    let engine = world(directory.path(), options);
    let kept = tempdir().unwrap();
    let roomy = world(kept.path(), Options::default());
    let all: Vec<u64> = (0..ITEMS).collect();
    for ranking in [None, Some(RankingMode::Local)] {
        for item in 0..40 {
            assign(&engine, "n", item, item % 7);
            assign(&roomy, "n", item, item % 7);
        }
        let mut spec = surest(2000);
        spec.ranking = ranking;
        let expected = matched(&roomy, ranking, &all[40..]);
        for _ in 0..2 {
            assert_eq!(listed(&suggest(&engine, &spec).value), expected);
            assert_eq!(listed(&suggest(&roomy, &spec).value), expected);
        }
        let grouped = SuggestOrder::Grouped {
            after: None,
            size: 5,
        };
        let mut spec = self::spec(grouped, 100);
        spec.ranking = ranking;
        assert_eq!(suggest(&engine, &spec), suggest(&roomy, &spec));
    }
    let stats = |engine: &Engine| engine.stats().memory_bytes;
    assert!(stats(&roomy) > stats(&engine) + ITEMS * DIMENSION as u64 * 4);
}

#[test]
fn an_inbox_in_memory_follows_blocks_that_grow_shrink_and_vanish() {
    let directory = tempdir().unwrap();
    let engine = world(directory.path(), Options::default());
    let mut inbox: Vec<u64> = (0..ITEMS).collect();
    suggest(&engine, &surest(10));
    // A neighbourhood of keys leaves as a whole, and another one grows by more than a block.
    for (gone, new) in [
        (100..260, 5000..5300),
        (260..ITEMS, 1000..1001),
        (0..100, 2000..2010),
    ] {
        let assignments = gone.clone().map(|item| assignment(item, item % 20));
        write(&engine, "n", Command::Assign(assignments.collect())).unwrap();
        put(&engine, new.clone());
        inbox.retain(|item| !gone.contains(item));
        inbox.extend(new);
        let found = suggest(&engine, &surest(2000));
        assert_eq!(listed(&found.value), matched(&engine, None, &inbox));
    }
    let before = suggest(&engine, &surest(2000));
    drop(engine);
    let engine = open(directory.path());
    assert_eq!(suggest(&engine, &surest(2000)), before);
}

#[test]
fn suggestions_beside_writes_are_each_of_one_revision() {
    let directory = tempdir().unwrap();
    let engine = world(directory.path(), Options::default());
    let begin = suggest(&engine, &surest(1)).revision;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for order in [SuggestOrder::Surest(None), SuggestOrder::MostDoubtful(None)] {
            let (engine, done) = (&engine, &done);
            scope.spawn(move || {
                let spec = spec(order, 2000);
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let found = suggest(engine, &spec);
                    assert!(found.revision >= last);
                    last = found.revision;
                    // Each revision takes one item out of the inbox.
                    let left = ITEMS - (found.revision - begin);
                    assert_eq!(found.value.item_count, left);
                    assert_eq!(found.value.suggestions.len() as u64, left);
                }
            });
        }
        for item in 0..150 {
            assign(&engine, "n", item * 3, item % 20);
        }
        done.store(true, Ordering::Relaxed);
    });
    let inbox: Vec<u64> = (0..ITEMS)
        .filter(|item| !item.is_multiple_of(3) || *item >= 450)
        .collect();
    let found = suggest(&engine, &surest(2000));
    assert_eq!(listed(&found.value), matched(&engine, None, &inbox));
}

#[test]
fn a_page_of_the_same_revision_ranks_nothing_again() {
    let directory = tempdir().unwrap();
    let engine = world(directory.path(), Options::default());
    let ranked = || engine.stats().suggested_items;
    suggest(&engine, &surest(5));
    let once = ranked();
    let after = suggest(&engine, &surest(5)).value.suggestions[4].place();
    suggest(&engine, &spec(SuggestOrder::Surest(Some(after)), 5));
    let mut part = surest(5);
    part.key_prefix = "i1".into();
    suggest(&engine, &part);
    assert_eq!(ranked(), once);
    assign(&engine, "n", 3, 3);
    suggest(&engine, &surest(5));
    assert_eq!(ranked(), once + ITEMS - 1);
}

#[test]
fn a_deadline_ends_the_work() {
    let directory = tempdir().unwrap();
    let engine = world(directory.path(), Options::default());
    let namespace = engine.handle("n").unwrap();
    let context = ReadContext {
        deadline: Some(Instant::now() - Duration::from_millis(1)),
        ..ReadContext::default()
    };
    let refused = engine.suggest(&namespace, &surest(5), context);
    assert_eq!(refused, Err(Error::DeadlineExceeded));
}
