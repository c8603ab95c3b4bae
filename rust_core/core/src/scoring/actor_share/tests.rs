//! Caps against bisection in f64, at the ends of all ranges.

use proptest::prelude::*;

use super::*;
use crate::arithmetic::limits::{MAX_BASE_SHARE, MIN_ACTOR_SHARE};
use crate::scoring::{CentroidSum, Member, Scorer};
use crate::settings::CategorySettings;

/// A category of members (actor, weight, embedding).
struct World {
    settings: CategorySettings,
    base: Option<Vec<f32>>,
    sum: Vec<i64>,
    count: u64,
    weight: WeightSum,
    actors: ActorSums,
}

impl World {
    fn new(settings: CategorySettings, base: Option<Vec<f32>>, dimension: usize) -> Self {
        Self {
            settings,
            base,
            sum: vec![0; dimension],
            count: 0,
            weight: WeightSum::default(),
            actors: ActorSums::default(),
        }
    }

    fn absorb(&mut self, actor: &str, weight: f32, embedding: &[f32]) {
        fixed::add(&mut self.sum, f64::from(weight), embedding).unwrap();
        let member = Member::new(weight, embedding);
        self.actors.absorb(actor, member).unwrap();
        self.weight = self.weight.plus(weight);
        self.count += 1;
    }

    fn forget(&mut self, actor: &str, weight: f32, embedding: &[f32]) {
        fixed::subtract(&mut self.sum, f64::from(weight), embedding).unwrap();
        let member = Member::new(weight, embedding);
        self.actors.forget(actor, member).unwrap();
        self.weight = self.weight.minus(weight);
        self.count -= 1;
    }

    fn centroid(&self) -> CentroidSum<'_> {
        CentroidSum {
            settings: &self.settings,
            base: self.base.as_deref(),
            sum: &self.sum,
            count: self.count,
            weight: self.weight,
            actors: Some(&self.actors),
        }
    }
}

fn settings(cap: f64, base_weight: f32, min_base_share: f64) -> CategorySettings {
    CategorySettings {
        max_actor_share: Some(cap),
        base_weight,
        min_base_share,
        ..CategorySettings::DEFAULT
    }
}

/// Members of one component, an actor for each of these weights.
fn alone(settings: CategorySettings, has_base: bool, weights: &[f32]) -> World {
    let mut world = World::new(settings, has_base.then(|| vec![1.0]), 1);
    for (number, &weight) in weights.iter().enumerate() {
        world.absorb(&format!("{number:03}"), weight, &[1.0 / 1024.0]);
    }
    world
}

/// (base weight, weight of each actor), by bisection.
fn expected(settings: &CategorySettings, has_base: bool, weights: &[f32]) -> (f64, Vec<f64>) {
    let (base_weight, share) = match has_base {
        true => (f64::from(settings.base_weight), settings.min_base_share),
        false => (0.0, 0.0),
    };
    let weights: Vec<f64> = weights.iter().map(|&weight| f64::from(weight)).collect();
    let base = |members: f64| base_weight.max(share / (1.0 - share) * members);
    let mut cap = settings.max_actor_share.unwrap();
    if base_weight == 0.0 {
        cap = cap.max((1.0 - share) / weights.len() as f64);
    }
    let capped = |whole: f64| weights.iter().map(move |own| own.min(cap * whole));
    let all: f64 = weights.iter().sum();
    let (mut reached, mut beyond) = (0.0, 2.0 * (base(all) + all));
    for _ in 0..300 {
        let middle = f64::midpoint(reached, beyond);
        let members: f64 = capped(middle).sum();
        match base(members) + members >= middle * (1.0 - 1e-13) {
            true => reached = middle,
            false => beyond = middle,
        }
    }
    (base(capped(reached).sum()), capped(reached).collect())
}

fn check(settings: CategorySettings, has_base: bool, weights: &[f32]) {
    let world = alone(settings, has_base, weights);
    let centroid = world.centroid();
    let (base, parts) = expected(&settings, has_base, weights);
    let whole = base + parts.iter().sum::<f64>();
    let found = centroid.base_weight() + centroid.members_weight();
    let context = format!("{settings:?} {has_base} {weights:?}");
    // Where all actors are at the cap and the base at its least share, wholes of any size have the same
    // shares; they are what counts.
    let near = |found: f64, expected: f64| {
        assert!(
            (found - expected).abs() <= 1e-9,
            "{found} for {expected}: {context}"
        );
    };
    near(centroid.base_weight() / found, base / whole);
    let mut sum = 0.0;
    for share in centroid.actor_shares() {
        let number: usize = share.actor.parse().unwrap();
        near(share.share, parts[number] / whole);
        assert!(share.scale > 0.0 && share.scale <= 1.0, "{context}");
        let cap = settings.max_actor_share.unwrap();
        let least = (1.0 - base / whole) / weights.len() as f64;
        assert!(share.share <= cap.max(least) + 1e-12, "{context}");
        sum += share.share;
    }
    near(sum + centroid.base_weight() / found, 1.0);
    let capped = centroid.actor_cap().map_or(0, |cap| cap.capped.len());
    assert!(
        capped <= (1.0 / settings.max_actor_share.unwrap()).ceil() as usize,
        "{context}"
    );
}

fn weight() -> impl Strategy<Value = f32> {
    prop_oneof![
        Just(1.0_f32),
        Just(1.0 / 1024.0),
        Just(1_048_576.0),
        (-10.0..20.0_f32).prop_map(f32::exp2),
    ]
}

proptest! {
    #[test]
    fn shares_are_those_of_bisection(
        cap in prop_oneof![
            MIN_ACTOR_SHARE..1.0,
            (2..100_u32).prop_map(|parts| 1.0 / f64::from(parts)),
            Just(MIN_ACTOR_SHARE),
        ],
        base in prop_oneof![Just(None), weight().prop_map(Some), Just(Some(0.0))],
        base_share in prop_oneof![Just(0.0), 0.0..MAX_BASE_SHARE, Just(0.5)],
        weights in prop::collection::vec(weight(), 1..130),
    ) {
        check(settings(cap, base.unwrap_or(1.0), base_share), base.is_some(), &weights);
    }

    #[test]
    fn as_many_actors_as_the_cap_asks_for_are_at_its_edge(
        count in 1..100_usize,
        base_share in prop_oneof![Just(0.0), 0.0..MAX_BASE_SHARE],
        base_weight in prop_oneof![Just(0.0_f32), weight()],
        weights in prop::collection::vec(weight(), 100),
        ulps in -2..3_i64,
    ) {
        let edge = (1.0 - base_share) / count as f64;
        let cap = f64::from_bits(edge.to_bits().wrapping_add_signed(ulps));
        let cap = cap.clamp(MIN_ACTOR_SHARE, 1.0_f64.next_down());
        check(settings(cap, base_weight, base_share), true, &weights[..count]);
        check(settings(cap, base_weight, base_share), false, &weights[..count]);
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_one_that_has_left_leaves_no_trace(
        cap in MIN_ACTOR_SHARE..1.0,
        base in prop::option::of(prop::collection::vec(-0.5_f32..0.5, 5)),
        (members, shuffled) in prop::collection::vec(
            (0..4_u8, weight(), prop::collection::vec(-0.5_f32..0.5, 5)), 1..12,
        ).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        (actor, extra, embedding) in (0..6_u8, weight(), prop::collection::vec(-0.5_f32..0.5, 5)),
    ) {
        let build = |members: &[(u8, f32, Vec<f32>)]| {
            let mut world = World::new(settings(cap, 1.0, 0.1), base.clone(), 5);
            for (actor, weight, embedding) in members {
                world.absorb(&format!("{actor}"), *weight, embedding);
            }
            world
        };
        let (one, mut other) = (build(&members), build(&shuffled));
        other.absorb(&format!("{actor}"), extra, &embedding);
        other.forget(&format!("{actor}"), extra, &embedding);
        prop_assert_eq!(&one.actors, &other.actors);
        prop_assert_eq!(one.actors.digest(), other.actors.digest());
        let (one, other) = (one.centroid(), other.centroid());
        prop_assert_eq!(one.numerator(), other.numerator());
        prop_assert_eq!(one.effective(), other.effective());
        prop_assert_eq!(one.actor_shares(), other.actor_shares());
        let row = |sum| Scorer::Cosine.row(sum).map(|row| row.as_ref().lines.to_vec());
        prop_assert!(row(&one) == row(&other));
    }

    #[test]
    fn the_effective_embedding_is_that_of_scaled_weights(
        cap in MIN_ACTOR_SHARE..1.0,
        base in prop::option::of(prop::collection::vec(-2.0_f32..2.0, 5)),
        members in prop::collection::vec(
            (0..4_u8, 0.01_f32..30.0, prop::collection::vec(-2.0_f32..2.0, 5)), 1..12,
        ),
    ) {
        let mut world = World::new(settings(cap, 1.0, 0.0), base, 5);
        for (actor, weight, embedding) in &members {
            world.absorb(&format!("{actor}"), *weight, embedding);
        }
        let centroid = world.centroid();
        let cap = centroid.actor_cap();
        let base_weight = centroid.base_weight();
        let whole = base_weight + centroid.members_weight();
        let Some(effective) = centroid.effective() else {
            return Ok(());
        };
        for (at, &found) in effective.iter().enumerate() {
            let mut mean = centroid.base.map_or(0.0, |base| base_weight * f64::from(base[at]));
            for (actor, weight, embedding) in &members {
                let scale = cap.as_ref().map_or(1.0, |cap| cap.scale(&format!("{actor}")));
                mean += scale * f64::from(*weight) * f64::from(embedding[at]);
            }
            let mean = mean / whole;
            prop_assert!((f64::from(found) - mean).abs() < 1e-6, "{found} for {mean}");
        }
    }
}

#[test]
fn one_actor_beside_a_base_weighs_what_the_cap_allows() {
    let world = alone(settings(0.4, 1.0, 0.0), true, &[50.0]);
    let share = &world.centroid().actor_shares()[0];
    assert!((share.share - 0.4).abs() < 1e-12, "{share:?}");
    assert_eq!(
        world.centroid().base_weight(),
        1.0,
        "the base weighs what it did"
    );
}

#[test]
fn one_actor_without_a_base_is_the_whole_as_without_a_cap() {
    let world = alone(settings(0.01, 1.0, 0.0), false, &[50.0]);
    assert_eq!(world.centroid().actor_cap(), None);
}

#[test]
fn a_cap_that_nobody_reaches_changes_no_bit() {
    let with = alone(settings(0.6, 1.0, 0.2), true, &[3.0, 2.0, 2.5]);
    let without = CentroidSum {
        actors: None,
        ..with.centroid()
    };
    assert_eq!(with.centroid().actor_cap(), None);
    assert_eq!(with.centroid().numerator(), without.numerator());
    assert_eq!(with.centroid().effective(), without.effective());
}

/// The part of one actor may leave the range of a sum where that of all does not.
#[test]
fn sums_of_actors_that_cancel_out_are_scaled_exactly() {
    let mut world = World::new(settings(0.3, 1.0, 0.0), Some(vec![1.0, 0.0]), 2);
    let large = 8_000_000.0;
    for _ in 0..244 {
        world.absorb("a", 1.0, &[32_768.0, 1.0]);
        world.absorb("b", 1.0, &[-32_768.0, 1.0]);
    }
    world.absorb("c", 1.0, &[0.0, 0.5]);
    assert!(fixed::to_f64(world.actors.get("a").unwrap().sum[0]) > 0.95 * large);
    let scaled = world.centroid().numerator().unwrap();
    // Both are capped alike, so they cancel out to the base.
    assert_eq!(scaled.to_f64(scaled.components[0]), 1.0);
}

/// With one of two actors who cancel out uncapped, the sum of the others alone would leave the range.
#[test]
fn a_sum_that_leaves_its_range_under_a_cap_becomes_coarser() {
    let mut world = World::new(settings(0.45, 1.0, 0.0), None, 2);
    for number in 0..250 {
        world.absorb(&format!("b{}", number % 4), 1.0, &[-32_768.0, 0.5]);
        world.absorb("a", 1.0, &[32_768.0, 0.5]);
        world.absorb("a", 1024.0, &[0.0, 1.0 / 1024.0]);
    }
    world.absorb("d", 1.0, &[-32_000.0, 0.5]);
    let centroid = world.centroid();
    let cap = centroid.actor_cap().expect("a is capped");
    let [a, others] = [cap.scale("a"), 250.0 * -32_768.0 - 32_000.0];
    let expected = a * 250.0 * 32_768.0 + others;
    let scaled = centroid.numerator().expect("it has a direction");
    let found = scaled.to_f64(scaled.components[0]);
    assert!(
        (found / expected - 1.0).abs() < 1e-9,
        "{found} for {expected}"
    );
}

#[test]
fn an_actor_at_the_cap_is_not_capped() {
    let thirds = alone(settings(0.05, 1.0, 0.0), false, &[1.0, 2.0, 3.0]);
    let shares = thirds.centroid().actor_shares();
    assert_eq!(shares.last().map(|lightest| lightest.scale), Some(1.0));
    assert!(shares[..2].iter().all(|above| above.scale < 0.51));

    let alike = alone(settings(0.05, 0.0, 0.3), true, &[1.0; 3]);
    assert!(
        alike
            .centroid()
            .actor_shares()
            .iter()
            .all(|own| own.scale == 1.0)
    );
}
