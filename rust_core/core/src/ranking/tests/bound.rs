//! The sketch bound bounds, and is tight enough to be of use.

use proptest::prelude::*;

use super::cases;
use super::world::{Dice, Kind, World, worlds};
use crate::kernels::Kernel;
use crate::ranking::{Query, UnitRow, cosine_with};

/// The least and the greatest score that the sketches of a query and a row allow.
fn bounds(query: &Query, unit: &UnitRow) -> (f64, f64) {
    let sketch = query.sketch();
    let mut dot = [0];
    Kernel::SCALAR.sketch_dots(&sketch.lines, &unit.sketch.lines, &mut dot);
    let middle = sketch.middle(dot[0], unit.sketch.scale);
    let slack = sketch.slack(unit.sketch.error);
    (f64::from(middle - slack), f64::from(middle + slack))
}

fn check(world: &World) -> Result<(), TestCaseError> {
    for unit in world.units.iter().flatten() {
        for query in &world.queries {
            let (least, greatest) = bounds(query, unit);
            let score = cosine_with(Kernel::SCALAR, query, unit.as_ref());
            prop_assert!(
                least <= score && score <= greatest,
                "{least} {score} {greatest}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn every_score_lies_within_its_sketch_bounds(world in worlds()) {
        check(&world)?;
    }

    #[test]
    fn a_row_is_within_the_stated_error_of_its_sketch(world in worlds()) {
        for unit in world.units.iter().flatten() {
            let units = unit.lines.iter().flat_map(|line| line.0);
            let norm = units.clone().map(|r| f64::from(r).powi(2)).sum::<f64>().sqrt();
            let sketch = unit.sketch.lines.iter().flat_map(|line| line.0);
            let scale = f64::from(unit.sketch.scale);
            let rest = units.zip(sketch).map(|(r, k)| f64::from(r) / norm - scale * f64::from(k));
            let distance = rest.map(|rest| rest * rest).sum::<f64>().sqrt();
            prop_assert!(distance <= f64::from(unit.sketch.error));
            prop_assert!(distance >= f64::from(unit.sketch.error) * 0.999 - 1e-8);
        }
    }
}

#[test]
fn the_bounds_hold_in_the_largest_dimension() {
    for kind in [Kind::Random, Kind::OneHuge, Kind::Extreme, Kind::Sparse] {
        check(&World::new(kind, 16_384, 20, 9)).expect("the bounds hold");
    }
}

#[test]
fn the_bounds_of_ordinary_vectors_are_within_a_hundredth_of_the_score() {
    let mut dice = Dice(1);
    for dimension in [64, 384, 1024, 4096, 16_384] {
        let values: Vec<f32> = (0..dimension).map(|_| dice.normal() as f32).collect();
        let query = Query::new(&values).expect("a direction");
        let unit = UnitRow::from_numerator(&dice.numerator(dimension)).expect("a direction");
        let (least, greatest) = bounds(&query, &unit);
        assert!(
            greatest - least < 0.02,
            "{dimension}: {least} to {greatest}"
        );
    }
}
