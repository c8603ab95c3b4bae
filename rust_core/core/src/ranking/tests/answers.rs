//! Every way to search gives the oracle's answer, to the bit.

use proptest::prelude::*;

use super::cases;
use super::world::{Kind, World, worlds};
use crate::kernels::Kernel;
use crate::ranking::scan::Walk;
use crate::ranking::{Handicap, Hit, Query, Rows, Search, Tally};

const HANDICAP: Handicap = Handicap {
    weight: 0.5,
    first: 0.3,
    rise: 0.5,
};

/// As far as a handicap goes, and less for what has grown.
const REVERSED: Handicap = Handicap {
    weight: 1.0,
    first: 1.0,
    rise: -4.0,
};

/// Slots and the bits of their scores.
fn bits(hits: &[Hit]) -> Vec<(u32, u64)> {
    hits.iter()
        .map(|hit| (hit.slot, hit.score.to_bits()))
        .collect()
}

/// Searches with limits around every edge, with and without filters.
fn searches(world: &World) -> Vec<Search<'_>> {
    let count = world.rows.len();
    let limits = [0, 1, 2, 7, count / 8, count, count + 5];
    let filters = [None, Some(&*world.keep)];
    let mut searches = Vec::new();
    for limit in limits {
        for keep in filters {
            for min_score in [None, Some(0.03), Some(-1.0)] {
                for handicap in [None, Some(HANDICAP), Some(REVERSED)] {
                    searches.push(Search {
                        limit,
                        min_score,
                        handicap,
                        keep,
                        threads: 1,
                        tally: None,
                    });
                }
            }
        }
    }
    searches
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn the_answer_is_the_oracles_with_any_kernel_and_any_limit(world in worlds()) {
        let tie = world.tie();
        for search in searches(&world) {
            for query in &world.queries {
                let expected = bits(&world.oracle(query, &search));
                for kernel in Kernel::available() {
                    let found = world.rows.top_k_with(kernel, query, &search, &tie);
                    prop_assert_eq!(&bits(&found), &expected, "{:?} {:?}", search, kernel);
                }
            }
        }
    }

    #[test]
    fn sketches_threads_and_batches_change_no_answer(world in worlds(), limit in 0_usize..12) {
        let tie = world.tie();
        for keep in [None, Some(&*world.keep)] {
            let search = Search { limit, keep, ..Search::default() };
            let expected: Vec<_> =
                world.queries.iter().map(|query| bits(&world.oracle(query, &search))).collect();
            for (sketches, threads) in [(false, 1), (false, 3), (true, 1), (true, 2), (true, 3)] {
                let kernel = Kernel::best();
                let walk = Walk { kernel, rows: &world.rows, search: &search, tie: &tie, sketches };
                let by_rows = walk.share_rows(&world.queries, threads);
                prop_assert_eq!(&by_rows.iter().map(|hits| bits(hits)).collect::<Vec<_>>(), &expected);
                let by_queries = walk.share_queries(&world.queries, threads);
                prop_assert_eq!(by_queries.iter().map(|hits| bits(hits)).collect::<Vec<_>>(), expected.clone());
            }
        }
    }

    #[test]
    fn the_best_two_are_the_oracles(world in worlds()) {
        let tie = world.tie();
        let queries: Vec<&Query> = world.queries.iter().collect();
        for handicap in [None, Some(HANDICAP), Some(REVERSED)] {
            let search = Search { limit: 2, handicap, ..Search::default() };
            let expected: Vec<_> =
                queries.iter().map(|query| bits(&world.oracle(query, &search))).collect();
            for kernel in Kernel::available() {
                let found = world.rows.best_two(kernel, &queries, handicap, 1, &tie);
                let found = found.iter().map(|two| two.iter().flatten().copied().collect::<Vec<_>>());
                prop_assert_eq!(&found.map(|hits| bits(&hits)).collect::<Vec<_>>(), &expected);
            }
        }
    }

    #[test]
    fn a_shorter_answer_is_a_prefix_of_a_longer_one(world in worlds(), a in 1_usize..90, b in 1_usize..90) {
        let (short, long) = (a.min(b), a.max(b));
        for query in &world.queries {
            let find = |limit| {
                let search = Search { limit, ..Search::default() };
                bits(&world.rows.top_k(query, &search, &world.tie()))
            };
            let (short, long, all) = (find(short), find(long), find(0));
            prop_assert_eq!(&long[..short.len()], short);
            prop_assert_eq!(&all[..long.len()], long);
        }
    }

    #[test]
    fn a_batch_is_its_queries_one_by_one(world in worlds(), limit in 0_usize..20) {
        let search = Search { limit, min_score: Some(-0.5), ..Search::default() };
        let batch = world.rows.top_k_batch(&world.queries, &search, &world.tie());
        prop_assert_eq!(batch.len(), world.queries.len());
        for (query, hits) in world.queries.iter().zip(batch) {
            prop_assert_eq!(bits(&world.rows.top_k(query, &search, &world.tie())), bits(&hits));
        }
    }
}

#[test]
fn large_scans_answer_the_same_with_one_thread_and_with_two() {
    let world = World::new(Kind::Random, 512, 20_000, 11);
    let tie = world.tie();
    let search = |threads| Search {
        limit: 10,
        threads,
        ..Search::default()
    };
    for query in &world.queries {
        let expected = bits(&world.oracle(query, &search(1)));
        assert_eq!(bits(&world.rows.top_k(query, &search(1), &tie)), expected);
        assert_eq!(bits(&world.rows.top_k(query, &search(2), &tie)), expected);
    }
    let one = world.rows.top_k_batch(&world.queries, &search(1), &tie);
    assert_eq!(
        world.rows.top_k_batch(&world.queries, &search(2), &tie),
        one
    );
}

#[test]
fn the_best_two_of_many_queries_are_the_same_with_one_thread_and_with_two() {
    // More rows than are kept at a time, and several blocks of queries.
    let world = World::new(Kind::NearTied, 96, 700, 13);
    let tie = world.tie();
    let queries: Vec<&Query> = world.queries.iter().cycle().take(400).collect();
    let search = Search {
        limit: 2,
        ..Search::default()
    };
    let expected: Vec<_> = queries
        .iter()
        .map(|query| bits(&world.oracle(query, &search)))
        .collect();
    for threads in [1, 2] {
        let found = world
            .rows
            .best_two(Kernel::best(), &queries, None, threads, &tie);
        let hits = |two: &[Option<Hit>; 2]| two.iter().flatten().copied().collect::<Vec<_>>();
        let found: Vec<_> = found.iter().map(|two| bits(&hits(two))).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn sketches_that_do_not_separate_rows_are_abandoned_and_the_answer_is_the_same() {
    for (kind, share) in [
        (Kind::Random, 1.0..=1.0),
        (Kind::Stretches, 0.1..=0.9),
        (Kind::AllEqual, 0.0..=0.3),
        // Until the last row like the query is found, nothing rules out those that are not.
        (Kind::OneHuge, 0.5..=1.0),
    ] {
        let world = World::new(kind, 512, 6_000, 17);
        let tie = world.tie();
        for threads in [1, 2] {
            let tally = Tally::default();
            let search = Search {
                limit: 10,
                threads,
                tally: Some(&tally),
                ..Search::default()
            };
            // Like a row of the middle: all that are like it are ahead.
            let like: Vec<f32> = world.numerators[3_000].iter().map(|&v| v as f32).collect();
            let query = &Query::new(&like).expect("a direction");
            let expected = bits(&world.oracle(query, &search));
            let found = world.rows.top_k(query, &search, &tie);
            assert_eq!(bits(&found), expected, "{kind:?}");
            let read = tally.sketched() as f64 / world.rows.len() as f64;
            assert!(share.contains(&read), "{kind:?}: {read}");
            let batch = world.rows.top_k_batch(&world.queries, &search, &tie);
            for (query, hits) in world.queries.iter().zip(batch) {
                assert_eq!(bits(&hits), bits(&world.oracle(query, &search)), "{kind:?}");
            }
        }
    }
}

#[test]
fn no_row_reaches_a_minimum_score_of_nan_or_above_one() {
    let world = World::new(Kind::AllEqual, 100, 200, 3);
    for least in [f64::NAN, f64::INFINITY, 1.0_f64.next_up()] {
        let search = Search {
            min_score: Some(least),
            ..Search::default()
        };
        for query in &world.queries {
            assert_eq!(world.rows.top_k(query, &search, &world.tie()), []);
        }
    }
}

#[test]
fn no_rows_no_queries_and_no_kept_rows_give_empty_answers() {
    let world = World::new(Kind::Random, 8, 100, 5);
    let empty = Rows::new(8);
    let search = Search {
        limit: 3,
        ..Search::default()
    };
    assert_eq!(empty.top_k(&world.queries[0], &search, &world.tie()), []);
    assert!(
        world
            .rows
            .top_k_batch(&[], &search, &world.tie())
            .is_empty()
    );
    for keep in [&[][..], &[false; 100]] {
        let search = Search {
            keep: Some(keep),
            ..search
        };
        assert_eq!(
            world.rows.top_k(&world.queries[0], &search, &world.tie()),
            []
        );
    }
}

#[test]
fn answers_are_these_bits_on_every_machine() {
    // FNV-1a over slots and scores. A change of this number is a change of what scores are.
    let mut digest = 0xCBF2_9CE4_8422_2325_u64;
    for (dimension, seed) in [(1, 1), (100, 2), (384, 3), (1024, 4)] {
        let world = World::new(Kind::Random, dimension, 200, seed);
        let search = Search {
            limit: 20,
            ..Search::default()
        };
        for hits in world
            .rows
            .top_k_batch(&world.queries, &search, &world.tie())
        {
            for word in hits
                .iter()
                .flat_map(|hit| [u64::from(hit.slot), hit.score.to_bits()])
            {
                digest = (digest ^ word).wrapping_mul(0x0100_0000_01B3);
            }
        }
    }
    assert_eq!(digest, 0x80BA_408F_C8B2_8148);
}
