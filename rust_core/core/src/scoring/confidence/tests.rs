//! Leave-one-out scores and confidences against the formula, in f64.

use proptest::prelude::*;

use super::*;
use crate::arithmetic::fixed::{self, WeightSum};
use crate::arithmetic::vector;
use crate::scoring::MemberRow;
use crate::settings::CategorySettings;

const DIMENSION: usize = 19;

type Part = (f32, Vec<f32>);

/// A category, with its sums.
struct World {
    settings: CategorySettings,
    base: Option<Vec<f32>>,
    members: Vec<Part>,
    sum: Vec<i64>,
    weight: WeightSum,
}

impl World {
    fn new(settings: CategorySettings, base: Option<Vec<f32>>, members: Vec<Part>) -> Self {
        let dimension = members.first().map_or(DIMENSION, |(_, x)| x.len());
        let (mut sum, mut weight) = (vec![0; dimension], WeightSum::default());
        for (w, x) in &members {
            fixed::add(&mut sum, f64::from(*w), x).unwrap();
            weight = weight.plus(*w);
        }
        Self {
            settings,
            base,
            members,
            sum,
            weight,
        }
    }

    fn centroid(&self) -> CentroidSum<'_> {
        CentroidSum {
            settings: &self.settings,
            base: self.base.as_deref(),
            sum: &self.sum,
            count: self.members.len() as u64,
            weight: self.weight,
            actors: None,
        }
    }

    fn rows(&self) -> MemberRows {
        let mut rows = MemberRows::new(self.sum.len());
        for (place, (weight, x)) in (1..).zip(&self.members) {
            rows.join(&MemberRow::new(place, &format!("{place}"), *weight, x));
        }
        rows
    }

    fn calibration(&self, kernel: Kernel) -> Calibration {
        Calibration::of(kernel, &self.centroid(), &self.rows())
    }

    /// By the formula: the leave-one-out score of each member, and what is left of its category in
    /// relation to its parts. `None`: nothing is.
    fn formula(&self, place: usize) -> Option<(f64, f64)> {
        let others = || {
            let all = self.members.iter().enumerate();
            all.filter(move |(at, _)| *at != place)
                .map(|(_, part)| part)
        };
        let weight: f64 = others().map(|(w, _)| f64::from(*w)).sum();
        let mut rest = vec![0.0; self.sum.len()];
        let mut parts = 0.0_f64;
        let mut add = |w: f64, x: &[f32]| {
            rest.iter_mut()
                .zip(x)
                .for_each(|(r, &x)| *r += w * f64::from(x));
            parts = parts.max(w * vector::norm(x));
        };
        if let Some(base) = &self.base {
            let share = self.settings.min_base_share;
            let floor = share / (1.0 - share) * weight;
            let own = f64::from(self.settings.base_weight).max(floor);
            add(if others().count() == 0 { 1.0 } else { own }, base);
        }
        others().for_each(|(w, x)| add(f64::from(*w), x));
        let (weight, x) = &self.members[place];
        parts = parts.max(f64::from(*weight) * vector::norm(x));
        let dot = |a: &[f64]| a.iter().zip(x).map(|(a, &x)| a * f64::from(x)).sum::<f64>();
        let norm = rest.iter().map(|r| r * r).sum::<f64>().sqrt();
        (norm > 0.0).then(|| (dot(&rest) / (norm * vector::norm(x)), norm / parts))
    }
}

fn vector() -> impl Strategy<Value = Vec<f32>> {
    let any = prop::collection::vec(-2.0f32..2.0, DIMENSION);
    any.prop_filter("a direction", |x| vector::norm(x) > 1e-3)
}

fn settings() -> impl Strategy<Value = CategorySettings> {
    let base_weight = prop_oneof![Just(0.0f32), Just(1.0), 0.1f32..1000.0];
    let min_base_share = prop_oneof![Just(0.0), 0.0..0.999];
    (base_weight, min_base_share).prop_map(|(base_weight, min_base_share)| CategorySettings {
        base_weight,
        min_base_share,
        ..CategorySettings::DEFAULT
    })
}

proptest! {
    #[test]
    fn scores_are_those_of_the_formula_and_the_same_with_each_kernel(
        settings in settings(),
        base in prop::option::of(vector()),
        members in prop::collection::vec((0.1f32..20.0, vector()), 1..8),
    ) {
        let world = World::new(settings, base, members);
        let rows = world.rows();
        let members: Vec<_> = rows.leaving().collect();
        let centroid = world.centroid();
        let left_out = LeftOut::new(Kernel::best(), &centroid).unwrap();
        for (place, member) in members.iter().enumerate() {
            let (expected, found) = (world.formula(place), left_out.score(member));
            let ((expected, left), found) = match (expected, found) {
                (Some(expected), Some(found)) => (expected, found),
                (expected, found) => {
                    prop_assert!(expected.is_none() && found.is_none(), "{found:?}");
                    continue;
                }
            };
            let bound = 1e-9 + 2.0_f64.powi(-23) / left;
            prop_assert!((found - expected).abs() < bound, "{found}, {expected}, {left}");
            if left > 0.1 {
                prop_assert!((found - expected).abs() < EQUAL);
            }
        }
        let expected = world.calibration(Kernel::SCALAR);
        for kernel in Kernel::available() {
            prop_assert_eq!(&world.calibration(kernel), &expected, "{}", kernel.name());
        }
    }
}

fn equal(count: usize, base: Option<&[f32]>) -> World {
    let members = vec![(1.0, vec![0.3, 0.1, -0.7]); count];
    World::new(
        CategorySettings::DEFAULT,
        base.map(<[f32]>::to_vec),
        members,
    )
}

#[test]
fn a_confidence_is_a_place_among_the_members() {
    let members = [0.0f32, 0.5, 1.0, 2.0].map(|y| (1.0, vec![1.0, y]));
    let world = World::new(
        CategorySettings::DEFAULT,
        Some(vec![1.0, 0.0]),
        members.to_vec(),
    );
    let calibration = world.calibration(Kernel::best());
    let mut scores: Vec<f64> = (0..4).map(|at| world.formula(at).unwrap().0).collect();
    scores.sort_by(f64::total_cmp);
    let confidence = |score| calibration.confidence(score).unwrap();
    assert_eq!(confidence(-1.0), 0.2, "no member fits as badly");
    assert!((confidence(scores[0]) - 0.2).abs() < 1e-6);
    let between = f64::midpoint(scores[1], scores[2]);
    assert!((confidence(between) - 0.5).abs() < 1e-6);
    assert!((confidence(scores[3] - 2e-6) - 0.8).abs() < 1e-4);
    assert_eq!(confidence(scores[3]), 1.0);
    let steps = (-100..100).map(|step| confidence(f64::from(step) / 100.0));
    assert!(steps.is_sorted());
}

#[test]
fn scores_that_differ_by_rounding_only_are_equal() {
    let calibration = equal(4, None).calibration(Kernel::best());
    for rounding in [-3e-7, 0.0, 3e-7] {
        assert_eq!(calibration.confidence(1.0 + rounding), Some(1.0));
    }
    assert_eq!(calibration.confidence(1.0 - 3e-6), Some(0.2));
}

#[test]
fn without_its_only_member_a_category_is_its_base_or_nothing() {
    let base = [1.0, 0.0, 0.0];
    let member = 0.3 / 0.59_f64.sqrt();
    let confidence = |base, score| equal(1, base).calibration(Kernel::best()).confidence(score);
    assert_eq!(confidence(Some(&base[..]), member + 1e-5), Some(1.0));
    assert_eq!(confidence(Some(&base[..]), member - 1e-5), Some(0.5));
    assert_eq!(confidence(None, 1.0), None);
    let weightless = CategorySettings {
        base_weight: 0.0,
        ..CategorySettings::DEFAULT
    };
    let world = World::new(weightless, Some(base.to_vec()), equal(1, None).members);
    let found = world.calibration(Kernel::best()).confidence(member - 1e-5);
    assert_eq!(found, Some(0.5), "alone the base is the whole");
}

#[test]
fn a_member_without_which_nothing_is_left_is_no_measure() {
    let (third, quarter) = (vec![1.0 / 3.0, 0.9, 0.1], vec![0.25, -0.5, 0.5]);
    let opposite = third.iter().map(|x| -x).collect();
    let members = vec![(0.7, third), (0.7, opposite), (1.0, quarter)];
    let world = World::new(CategorySettings::DEFAULT, None, members);
    let calibration = world.calibration(Kernel::best());
    assert_eq!(calibration.scores.len(), 2, "the third is all that remains");
}

#[test]
fn a_heavy_member_is_scored_against_the_light_ones() {
    let light = (1.0f32, vec![0.6, 0.8]);
    let members = vec![(1_048_576.0, vec![1.0, 0.0]), light.clone(), light];
    let world = World::new(CategorySettings::DEFAULT, None, members);
    let found = &world.calibration(Kernel::best()).scores;
    assert!(
        (found[0] - 0.6).abs() < 1e-7 && found.len() == 3,
        "{found:?}"
    );
}
