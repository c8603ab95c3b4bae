//! Rows and queries of every awkward kind, and the oracle.

use proptest::prelude::*;

use crate::kernels::Kernel;
use crate::ranking::{Hit, Query, Rows, Search, UnitRow, cosine_with};

/// How the numerators of a world relate to each other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Random,
    /// All rows within a thousandth of a few centres.
    Clustered,
    /// A handful of distinct rows, many times each.
    Duplicated,
    /// Rows that differ by single fixed-point units: by less than f32 resolves, or a little more.
    NearTied,
    /// Two or three components that are not 0.
    Sparse,
    /// One component a million times the others: the worst case of an 8-bit sketch.
    OneHuge,
    AllEqual,
    /// Each row and its negative.
    Opposite,
    /// Components up to the ends of the i64s.
    Extreme,
    /// Random rows, then near ties of one of them, then random ones again.
    Stretches,
}

pub(super) fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Random,
        Kind::Clustered,
        Kind::Duplicated,
        Kind::NearTied,
        Kind::Sparse,
        Kind::OneHuge,
        Kind::AllEqual,
        Kind::Opposite,
        Kind::Extreme,
        Kind::Stretches,
    ])
}

/// SplitMix64: large inputs from one small number that proptest can show.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    /// Roughly normal, about ±3 at most.
    pub(super) fn normal(&mut self) -> f64 {
        let sum: f64 = (0..6)
            .map(|_| (self.roll() >> 11) as f64 / (1_u64 << 53) as f64)
            .sum();
        (sum - 3.0) * std::f64::consts::SQRT_2
    }

    pub(super) fn numerator(&mut self, dimension: usize) -> Vec<i64> {
        (0..dimension)
            .map(|_| (self.normal() * (1_u64 << 40) as f64) as i64)
            .collect()
    }
}

/// A set of rows and what was put into it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) rows: Rows,
    pub(super) numerators: Vec<Vec<i64>>,
    /// What should be in each slot.
    pub(super) units: Vec<Option<UnitRow>>,
    /// The key of each slot, in no order.
    pub(super) keys: Vec<u64>,
    pub(super) queries: Vec<Query>,
    pub(super) keep: Vec<bool>,
    /// How far each row has grown.
    pub(super) growths: Vec<f64>,
}

impl World {
    pub(super) fn new(kind: Kind, dimension: usize, count: usize, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let numerators = numerators(kind, dimension, count, &mut dice);
        let mut rows = Rows::new(dimension);
        let mut units = Vec::new();
        let (mut growths, mut grow) = (Vec::new(), Dice(!seed));
        for numerator in &numerators {
            // Every 16th category has no embedding.
            let unit = UnitRow::from_numerator(numerator).filter(|_| dice.below(16) > 0);
            let slot = rows.push();
            rows.set(slot, unit.as_ref());
            let members = grow.below(40) as f64 * f64::from(!seed.is_multiple_of(3));
            growths.push(members / (members + 2.0));
            rows.set_growth(slot, growths[slot as usize]);
            units.push(unit);
        }
        let keys = (0..count).map(|_| dice.roll()).collect();
        let keep = (0..count).map(|_| dice.below(3) > 0).collect();
        let queries = queries(&numerators, dimension, &mut dice);
        Self {
            rows,
            numerators,
            units,
            keys,
            queries,
            keep,
            growths,
        }
    }

    pub(super) fn tie(&self) -> impl Fn(u32, u32) -> std::cmp::Ordering + Sync {
        |a, b| self.keys[a as usize].cmp(&self.keys[b as usize])
    }

    /// The definition of an answer.
    pub(super) fn oracle(&self, query: &Query, search: &Search<'_>) -> Vec<Hit> {
        let mut hits: Vec<Hit> = (0_u32..)
            .zip(&self.units)
            .filter(|&(slot, _)| search.keep.is_none_or(|keep| keep[slot as usize]))
            .filter_map(|(slot, unit)| Some((slot, unit.as_ref()?)))
            .map(|(slot, unit)| {
                let score = cosine_with(Kernel::SCALAR, query, unit.as_ref());
                let growth = self.growths[slot as usize];
                let total = search.handicap.map_or(score, |handicap| {
                    score - handicap.weight * (handicap.first + handicap.rise * growth)
                });
                Hit { slot, score, total }
            })
            .filter(|hit| search.min_score.is_none_or(|least| hit.total >= least))
            .collect();
        let key = |hit: &Hit| self.keys[hit.slot as usize];
        hits.sort_by(|a, b| b.total.total_cmp(&a.total).then(key(a).cmp(&key(b))));
        hits.truncate(if search.limit == 0 {
            usize::MAX
        } else {
            search.limit
        });
        hits
    }
}

/// Worlds large enough for sketches to be used in some and not in others.
pub(super) fn worlds() -> impl Strategy<Value = World> {
    let dimension = prop_oneof![4 => 1_usize..=80, 1 => 81_usize..=1100];
    let count = prop_oneof![1 => 1_usize..=20, 3 => 64_usize..=500];
    (kinds(), dimension, count, any::<u64>())
        .prop_map(|(kind, dimension, count, seed)| World::new(kind, dimension, count, seed))
}

fn numerators(kind: Kind, dimension: usize, count: usize, dice: &mut Dice) -> Vec<Vec<i64>> {
    let centres: Vec<_> = (0..4).map(|_| dice.numerator(dimension)).collect();
    let make = |dice: &mut Dice, index: usize| -> Vec<i64> {
        let centre = &centres[dice.below(4)];
        match kind {
            Kind::Random => dice.numerator(dimension),
            Kind::Clustered => centre
                .iter()
                .map(|&v| v + (dice.normal() * (1_u64 << 30) as f64) as i64)
                .collect(),
            Kind::Duplicated => centre.clone(),
            Kind::NearTied => {
                let reach = 1_u64 << dice.below(20);
                centre
                    .iter()
                    .map(|&v| v + (dice.roll() % reach) as i64)
                    .collect()
            }
            Kind::Sparse => {
                let mut numerator = vec![0; dimension];
                for _ in 0..3 {
                    numerator[dice.below(dimension)] = (dice.normal() * 1e12) as i64;
                }
                numerator
            }
            Kind::OneHuge => {
                let mut numerator = dice.numerator(dimension);
                numerator[dice.below(dimension)] = 1 << 60;
                numerator
            }
            Kind::AllEqual => centres[0].clone(),
            Kind::Opposite => {
                let sign = if index.is_multiple_of(2) { 1 } else { -1 };
                centre.iter().map(|&v| v * sign).collect()
            }
            Kind::Stretches if (count / 3..count / 3 * 2).contains(&index) => centre
                .iter()
                .map(|&v| v + (dice.roll() % 1024) as i64)
                .collect(),
            Kind::Stretches => dice.numerator(dimension),
            Kind::Extreme => (0..dimension)
                .map(|_| [i64::MAX, -i64::MAX, 1, -1, 0, 1 << 40][dice.below(6)])
                .collect(),
        }
    };
    (0..count).map(|index| make(dice, index)).collect()
}

fn queries(numerators: &[Vec<i64>], dimension: usize, dice: &mut Dice) -> Vec<Query> {
    let like = |numerator: &[i64], scale: f32| -> Vec<f32> {
        numerator.iter().map(|&v| v as f32 * scale).collect()
    };
    let chosen = &numerators[dice.below(numerators.len())];
    let mut axis = vec![0.0; dimension];
    axis[dice.below(dimension)] = f32::MAX;
    let mut lopsided = like(&dice.numerator(dimension), 1e-12);
    lopsided[dice.below(dimension)] = 1e6;
    [
        like(&dice.numerator(dimension), 1e-12),
        like(chosen, 1e-12),
        like(chosen, -1e-30),
        axis,
        lopsided,
        like(&dice.numerator(dimension), 1e-44),
        like(&dice.numerator(dimension), 1e20),
    ]
    .iter()
    .filter_map(|values| Query::new(values))
    .collect()
}
