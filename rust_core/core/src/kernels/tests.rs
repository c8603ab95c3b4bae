//! Every kernel of this CPU against the scalar one.

use proptest::prelude::*;

use super::aligned::Aligned;
use super::lines::{F32Line, F64Line, I8Line, I16Line};
use super::{F32_ROUNDINGS, F32_ROUNDINGS_PER_LINE, Kernel};

/// `fast` cases, or as many as the variable PROPTEST_CASES asks for.
pub(crate) fn cases(fast: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(fast),
    }
}

/// Any finite f32 by its bits: zeros of both signs, subnormals, the largest.
fn any_finite() -> impl Strategy<Value = f32> {
    prop_oneof![
        3 => -2.0_f32..2.0,
        1 => any::<f32>().prop_filter("finite", |value| value.is_finite()),
        1 => prop_oneof![
            Just(0.0), Just(-0.0), Just(f32::MAX), Just(f32::MIN), Just(f32::MIN_POSITIVE), Just(1e-45)
        ],
    ]
}

fn vectors(count: usize) -> impl Strategy<Value = Vec<Aligned<F32Line>>> {
    (1_usize..=1100).prop_flat_map(move |dimension| {
        let vector = prop::collection::vec(any_finite(), dimension);
        prop::collection::vec(vector.prop_map(|values| F32Line::pack(&values)), count)
    })
}

/// The largest |m| for which no sum of `dimension` products with |k| ≤ 127 leaves the i32s.
fn range(dimension: usize) -> i16 {
    (i32::MAX as usize / (127 * dimension)).min(I16Line::LARGEST as usize) as i16
}

fn sketches(rows: usize) -> impl Strategy<Value = (Vec<Vec<I16Line>>, Vec<I8Line>)> {
    (1_usize..=18).prop_flat_map(move |lines| {
        let range = range(lines * 64);
        let component = prop_oneof![4 => -range..=range, 1 => Just(range), 1 => Just(-range)];
        let query = prop::collection::vec(component, lines * 64).prop_map(|values| {
            values
                .as_chunks()
                .0
                .iter()
                .map(|&chunk| I16Line::new(chunk))
                .collect::<Vec<_>>()
        });
        let component = prop_oneof![4 => -127_i8..=127, 1 => Just(127_i8), 1 => Just(-127_i8)];
        let rows = prop::collection::vec(component, rows * lines * 64).prop_map(|values| {
            values
                .as_chunks()
                .0
                .iter()
                .map(|&chunk| I8Line(chunk))
                .collect::<Vec<_>>()
        });
        (prop::collection::vec(query, 4), rows)
    })
}

fn sketch_dots(kernel: Kernel, query: &[I16Line], rows: &[I8Line]) -> Vec<i32> {
    let mut out = vec![0; rows.len() / query.len()];
    kernel.sketch_dots(query, rows, &mut out);
    out
}

fn sketch_dots4(kernel: Kernel, queries: &[Vec<I16Line>], rows: &[I8Line]) -> [Vec<i32>; 4] {
    let mut out = [const { Vec::new() }; 4].map(|mut out: Vec<i32>| {
        out.resize(rows.len() / queries[0].len(), 0);
        out
    });
    let queries = [0, 1, 2, 3].map(|q| &*queries[q]);
    kernel.sketch_dots4(queries, rows, out.each_mut().map(|out| &mut **out));
    out
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn every_kernel_computes_the_scalar_inner_product_bit_for_bit(vectors in vectors(5)) {
        let [query, rows @ ..] = &*vectors else { unreachable!() };
        let rows: [&[F32Line]; 4] = [0, 1, 2, 3].map(|row| &*rows[row]);
        let expected = rows.map(|row| Kernel::SCALAR.dot(query, row).to_bits());
        for kernel in Kernel::available() {
            prop_assert_eq!(rows.map(|row| kernel.dot(query, row).to_bits()), expected);
            let [a, b, c, d] = rows;
            let pairs = [kernel.dot2(query, [a, b]), kernel.dot2(query, [c, d])];
            prop_assert_eq!(pairs.as_flattened().iter().map(|dot| dot.to_bits()).collect::<Vec<_>>(), expected);
            for more in [false, true] {
                prop_assert_eq!(kernel.dot4(query, rows, more).map(f64::to_bits), expected);
            }
        }
    }

    #[test]
    fn every_kernel_computes_it_with_widened_rows_too(vectors in vectors(7)) {
        let queries = [0, 1, 2].map(|query| &*vectors[query]);
        let rows = [3, 4, 5, 6].map(|row| &*vectors[row]);
        let widen = |line: &F32Line| F64Line(line.0.map(f64::from));
        let wide = rows.map(|row| row.iter().map(widen).collect::<Vec<_>>());
        let wide = [0, 1, 2, 3].map(|row| &*wide[row]);
        let expected = queries.map(|query| rows.map(|row| Kernel::SCALAR.dot(query, row).to_bits()));
        for kernel in Kernel::available() {
            let dots = kernel.wide_dots(queries, wide);
            prop_assert_eq!(dots.map(|dots| dots.map(f64::to_bits)), expected);
        }
    }

    #[test]
    fn the_inner_products_of_every_kernel_in_f32_are_within_their_bound(
        vectors in (1_usize..=1100).prop_flat_map(|dimension| {
            let vector = prop::collection::vec(-2.0_f32..2.0, dimension);
            prop::collection::vec(vector.prop_map(|values| F32Line::pack(&values)), 11)
        })
    ) {
        let queries = [0, 1, 2].map(|query| &*vectors[query]);
        let rows = std::array::from_fn(|row| &*vectors[3 + row]);
        let roundings = F32_ROUNDINGS_PER_LINE * queries[0].len() + F32_ROUNDINGS;
        let bound = roundings as f64 / 16_777_216.0 / (1.0 - roundings as f64 / 16_777_216.0);
        for kernel in Kernel::available() {
            let dots = kernel.f32_dots(queries, rows);
            for (query, dots) in queries.iter().zip(dots) {
                for (row, dot) in rows.iter().zip(dots) {
                    let exact = kernel.dot(query, row);
                    let norms = (kernel.dot(query, query) * kernel.dot(row, row)).sqrt();
                    prop_assert!((f64::from(dot) - exact).abs() <= bound * norms + 1e-12);
                }
            }
        }
    }

    #[test]
    fn every_kernel_makes_the_scalar_sketch_of_a_query(vectors in vectors(1)) {
        let query = &vectors[0];
        let largest = Kernel::SCALAR.largest(query);
        let per_unit = (f32::from(I16Line::LARGEST) / largest).min(1e30);
        let quantised = |kernel: Kernel| {
            let mut lines = Aligned::<I16Line>::zeroed(query.len().div_ceil(4));
            kernel.quantise(query, per_unit, &mut lines);
            lines
        };
        let expected = quantised(Kernel::SCALAR);
        let components = query.iter().flat_map(|line| line.0);
        let words = expected.iter().flat_map(|line| line.words);
        for (q, m) in components.zip(words) {
            prop_assert!((f64::from(q) * f64::from(per_unit) - f64::from(m)).abs() <= 0.504);
        }
        for line in &*expected {
            prop_assert_eq!(line.sum, line.words.iter().map(|&m| i32::from(m)).sum::<i32>());
            for ((&m, &high), &low) in line.words.iter().zip(&line.high).zip(&line.low) {
                prop_assert_eq!(i32::from(m), 256 * i32::from(high) + i32::from(low));
            }
        }
        for kernel in Kernel::available() {
            prop_assert_eq!(kernel.largest(query).to_bits(), largest.to_bits());
            prop_assert_eq!(&*quantised(kernel), &*expected);
        }
    }

    #[test]
    fn every_kernel_computes_the_scalar_integers(
        (queries, rows) in (1_usize..=19).prop_flat_map(sketches)
    ) {
        for query in &queries {
            let expected = sketch_dots(Kernel::SCALAR, query, &rows);
            for kernel in Kernel::available() {
                prop_assert_eq!(&sketch_dots(kernel, query, &rows), &expected);
            }
        }
        let expected = sketch_dots4(Kernel::SCALAR, &queries, &rows);
        for kernel in Kernel::available() {
            prop_assert_eq!(&sketch_dots4(kernel, &queries, &rows), &expected);
        }
    }
}

#[test]
fn the_largest_sketch_products_do_not_overflow_in_any_dimension() {
    for dimension in [1, 63, 64, 384, 515, 516, 517, 1024, 4096, 16_384] {
        let lines = I8Line::count(dimension);
        let mut query = vec![[0; 64]; lines];
        let mut row = vec![I8Line::ZERO; lines];
        for i in 0..dimension {
            query[i / 64][i % 64] = range(dimension);
            row[i / 64].0[i % 64] = -127;
        }
        let query: Vec<_> = query.into_iter().map(I16Line::new).collect();
        let expected = -127 * i64::from(range(dimension)) * dimension as i64;
        for kernel in Kernel::available() {
            assert_eq!(i64::from(sketch_dots(kernel, &query, &row)[0]), expected);
        }
    }
}

#[test]
fn a_kernel_is_found_by_its_name_and_no_other() {
    for kernel in Kernel::available() {
        assert_eq!(Kernel::by_name(kernel.name()), Some(kernel));
    }
    assert_eq!(Kernel::by_name("AVX2"), None);
    assert!(Kernel::available().contains(&Kernel::best()));
}
