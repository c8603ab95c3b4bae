//! The parts of a cosine.

use proptest::prelude::*;

use super::*;
use crate::arithmetic::fixed::WeightSum;
use crate::scoring::Scorer;
use crate::settings::CategorySettings;

const DIMENSION: usize = 9;

fn vector() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-2.0f32..2.0, DIMENSION)
}

proptest! {
    #[test]
    fn the_parts_add_up_to_the_score(
        asked in vector(),
        base in prop::option::of(vector()),
        members in prop::collection::vec((0.1f32..4.0, vector()), 0..6),
        base_weight in prop_oneof![Just(0.0f32), 0.1f32..1e6],
        min_base_share in prop_oneof![Just(0.0), 0.0..0.999],
    ) {
        let settings = CategorySettings { base_weight, min_base_share, ..CategorySettings::DEFAULT };
        let (mut sum, mut weight) = (vec![0; DIMENSION], WeightSum::default());
        for (w, x) in &members {
            fixed::add(&mut sum, f64::from(*w), x).unwrap();
            weight = weight.plus(*w);
        }
        let centroid = CentroidSum {
            settings: &settings,
            base: base.as_deref(),
            sum: &sum,
            count: members.len() as u64,
            weight,
            actors: None,
        };
        let (Some(query), Some(row)) =
            (Scorer::Cosine.query(&asked), Scorer::Cosine.row(&centroid)) else {
            return Ok(());
        };
        let score = Scorer::Cosine.score(&query, row.as_ref()).cosine;
        let parts = CosineParts::of(&query, &centroid, score).expect("it has a row");
        let found = [parts.base, parts.members, parts.rounding].iter().sum::<f64>();
        prop_assert!((found - score).abs() < 1e-12, "{found} for {score}");
        let each: f64 = members
            .iter()
            .map(|(weight, embedding)| parts.member(&query, f64::from(*weight), embedding))
            .sum();
        // The bounds of `centroid.rs`, for numerators that do not nearly cancel out.
        prop_assume!(parts.norms > 1e-2 * query.norm());
        prop_assert!((each - parts.members).abs() < 1e-9, "{each} for {}", parts.members);
        prop_assert!(parts.rounding.abs() < 2.0_f64.powi(-24) + 1e-9, "{}", parts.rounding);
    }
}
