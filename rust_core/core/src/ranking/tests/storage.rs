//! Storage of rows: the scores of stored rows, in any order of storing.

use proptest::prelude::*;

use super::cases;
use super::world::{Dice, Kind, World, worlds};
use crate::arithmetic::limits::MAX_DIMENSION;
use crate::ranking::{Query, Rows, Search, UnitRow, cosine};

/// Cosine as in a textbook, of the numerator that a row was made from.
fn plain_cosine(query: &[f32], numerator: &[i64]) -> f64 {
    let dot: f64 = query
        .iter()
        .zip(numerator)
        .map(|(&q, &v)| f64::from(q) * v as f64)
        .sum();
    let q: f64 = query.iter().map(|&q| f64::from(q).powi(2)).sum();
    let v: f64 = numerator.iter().map(|&v| (v as f64).powi(2)).sum();
    dot / (q.sqrt() * v.sqrt())
}

fn values(query: &Query) -> Vec<f32> {
    query
        .lines
        .iter()
        .flat_map(|line| line.0)
        .take(query.dimension())
        .collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_score_is_the_cosine_with_the_numerator(world in worlds()) {
        for query in &world.queries {
            for (unit, numerator) in world.units.iter().zip(&world.numerators) {
                if let Some(unit) = unit {
                    let expected = plain_cosine(&values(query), numerator);
                    prop_assert!((cosine(query, unit.as_ref()) - expected).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn a_stored_row_scores_as_it_does_alone(world in worlds()) {
        for query in &world.queries {
            for (slot, unit) in (0_u32..).zip(&world.units) {
                let alone = unit.as_ref().map(|unit| cosine(query, unit.as_ref()).to_bits());
                prop_assert_eq!(world.rows.get(slot).map(|row| cosine(query, row).to_bits()), alone);
                prop_assert_eq!(world.rows.is_present(slot), unit.is_some());
            }
        }
    }

    #[test]
    fn removals_leave_the_answers_over_what_is_left(mut world in worlds(), seed: u64) {
        let mut dice = Dice(seed);
        for _ in 0..world.rows.len().min(150) {
            let slot = dice.below(world.rows.len());
            match dice.below(3) {
                0 => {
                    world.rows.set(slot as u32, None);
                    world.units[slot] = None;
                }
                _ => {
                    world.rows.swap_remove(slot as u32);
                    world.units.swap_remove(slot);
                    world.keys.swap_remove(slot);
                }
            }
        }
        prop_assert_eq!(world.rows.len(), world.units.len());
        for limit in [0, 3] {
            let search = Search { limit, ..Search::default() };
            for query in &world.queries {
                let found = world.rows.top_k(query, &search, &world.tie());
                prop_assert_eq!(found, world.oracle(query, &search));
            }
        }
    }
}

#[test]
fn an_answer_does_not_depend_on_the_order_of_the_rows() {
    let world = World::new(Kind::Duplicated, 40, 300, 2);
    let mut turned = Rows::new(40);
    for unit in world.units.iter().rev() {
        let slot = turned.push();
        turned.set(slot, unit.as_ref());
    }
    let last = world.rows.len() as u32 - 1;
    let search = Search {
        limit: 20,
        ..Search::default()
    };
    for query in &world.queries {
        let expected = world.rows.top_k(query, &search, &world.tie());
        let tie = world.tie();
        let mut found = turned.top_k(query, &search, &|a, b| tie(last - a, last - b));
        found.iter_mut().for_each(|hit| hit.slot = last - hit.slot);
        assert_eq!(found, expected);
    }
}

#[test]
fn zero_numerators_and_queries_have_no_direction() {
    assert!(UnitRow::from_numerator(&[0; 5]).is_none());
    assert!(UnitRow::from_numerator(&[0, 0, -1]).is_some());
    assert!(Query::new(&[0.0, -0.0]).is_none());
    assert!(Query::new(&[1.0, f32::NAN]).is_none());
    assert!(Query::new(&[1.0, f32::INFINITY]).is_none());
    assert!(Query::new(&[]).is_none());
    assert!(Query::new(&[f32::MAX; 64]).is_some());
    assert!(Query::new(&[1e-45]).is_some());
}

#[test]
fn memory_follows_the_rows_up_and_down() {
    for dimension in [1_usize, 100, 1024, 3072, 16_384] {
        let row_bytes = dimension.next_multiple_of(16) * 4 + dimension.next_multiple_of(64) + 16;
        let mut rows = Rows::new(dimension);
        assert_eq!(rows.memory_bytes(), 0);
        for count in 1..=400 {
            rows.push();
            let spare = row_bytes * (count / 8).max(4);
            assert!(rows.memory_bytes() <= count * row_bytes + spare.min(10 << 20) + 4096);
        }
        for _ in 0..400 {
            rows.swap_remove(0);
        }
        assert!(rows.is_empty() && rows.memory_bytes() < 4096);
    }
}

#[test]
fn rows_of_whole_segments_are_the_stored_ones_grown_or_reserved() {
    // 128 rows a segment: two whole segments and a part, grown row by row or reserved at once.
    for expected in [0, 300] {
        let World {
            mut units, queries, ..
        } = World::new(Kind::Random, MAX_DIMENSION, 300, 21);
        let mut rows = Rows::new(MAX_DIMENSION);
        rows.expect(expected);
        for unit in &units {
            let slot = rows.push();
            rows.set(slot, unit.as_ref());
        }
        let check = |rows: &Rows, units: &[Option<UnitRow>]| {
            assert_eq!(rows.len(), units.len());
            for query in &queries {
                for (slot, unit) in (0_u32..).zip(units) {
                    let alone = unit
                        .as_ref()
                        .map(|unit| cosine(query, unit.as_ref()).to_bits());
                    assert_eq!(
                        rows.get(slot).map(|row| cosine(query, row).to_bits()),
                        alone
                    );
                }
            }
        };
        check(&rows, &units);
        let mut dice = Dice(22);
        for _ in 0..100 {
            let slot = dice.below(rows.len());
            rows.swap_remove(slot as u32);
            units.swap_remove(slot);
        }
        check(&rows, &units);
        // Where rows have been, new ones begin absent.
        for _ in 0..100 {
            rows.push();
            units.push(None);
        }
        check(&rows, &units);
    }
}

#[test]
fn announced_rows_reserve_no_more_memory_than_they_need() {
    for (dimension, count) in [(1024, 7), (1024, 2_500), (384, 20_001)] {
        let mut rows = Rows::new(dimension);
        rows.expect(count);
        for _ in 0..count {
            rows.push();
        }
        assert!(rows.memory_bytes() <= count * (5 * dimension + 16) + 4096);
        rows.push();
        assert!(rows.memory_bytes() > count * (5 * dimension + 16));
    }
}

#[test]
#[should_panic(expected = "another dimension")]
fn a_row_of_another_dimension_is_refused() {
    let mut rows = Rows::new(3);
    let slot = rows.push();
    rows.set(slot, UnitRow::from_numerator(&[1, 2]).as_ref());
}

#[test]
#[should_panic(expected = "another dimension")]
fn a_query_of_another_dimension_is_refused() {
    let rows = Rows::new(3);
    rows.top_k(
        &Query::new(&[1.0]).expect("a direction"),
        &Search::default(),
        &|a, b| a.cmp(&b),
    );
}
