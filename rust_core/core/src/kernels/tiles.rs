//! The walk over sketches, once for all instruction sets.
//!
//! Target features cannot be passed through a generic function, so this is a macro. The module
//! that invokes it defines `PARTS` (vectors in one sketch line), `zero`,
//! `widen_i8(line, part)`, `load_i16(line, part)`, `multiply_add(sum, query, row)`, `total(sum)`,
//! `prefetch(line)`.

/// Prefetch distance of sketches, in cache lines: what memory delivers in about its latency. At least
/// a tile, since all rows of a tile begin at the same time.
///
/// Several rows are read at the same time, which no hardware prefetcher recognizes as one stream.
/// Prefetching in the order of memory is faster by a fifth than row beside row, since memory
/// delivers neighbours together. Prefetching past the last row is harmless: it cannot fault.
pub(super) const PREFETCH_LINES: usize = 128;

/// Defines `tiles::<Q, R>(queries, sketches, out)` for a set of target features.
macro_rules! define_tiles {
    ($features:literal) => {
        /// Every row of `sketches` with each of Q queries, R rows at a time.
        #[target_feature(enable = $features)]
        fn tiles<const Q: usize, const R: usize>(
            queries: [&[I16Line]; Q],
            sketches: &[I8Line],
            mut out: [&mut [i32]; Q],
        ) {
            let stride = queries[0].len();
            let rows = out[0].len();
            let mut row = 0;
            while row + R <= rows {
                let sums = tile::<Q, R>(queries, &sketches[row * stride..(row + R) * stride]);
                for (out, sums) in out.iter_mut().zip(&sums) {
                    out[row..row + R].copy_from_slice(sums);
                }
                row += R;
            }
            while row < rows {
                let sums = tile::<Q, 1>(queries, &sketches[row * stride..(row + 1) * stride]);
                for (out, &[sum]) in out.iter_mut().zip(&sums) {
                    out[row] = sum;
                }
                row += 1;
            }
        }

        /// R rows with Q queries. Each part of a row is widened once for all queries, each part of
        /// a query loaded once for all rows; the Q × R sums stay in registers, which is what the
        /// indices are for: loops over them are unrolled, iterators are not always.
        #[target_feature(enable = $features)]
        #[allow(clippy::needless_range_loop)]
        fn tile<const Q: usize, const R: usize>(
            mut queries: [&[I16Line]; Q],
            sketches: &[I8Line],
        ) -> [[i32; R]; Q] {
            let stride = sketches.len() / R;
            let mut rows = [sketches; R];
            for (row, sketch) in rows.iter_mut().zip(sketches.chunks_exact(stride)) {
                *row = &sketch[..stride];
            }
            for query in &mut queries {
                *query = &query[..stride];
            }
            let ahead = sketches
                .as_ptr()
                .wrapping_add(PREFETCH_LINES.max(R * stride));
            let mut sums = [[zero(); R]; Q];
            for i in 0..stride {
                for r in 0..R {
                    prefetch(ahead.wrapping_add(i * R + r));
                }
                for part in 0..PARTS {
                    let mut wide = [widen_i8(&rows[0][i], part); R];
                    for r in 1..R {
                        wide[r] = widen_i8(&rows[r][i], part);
                    }
                    for q in 0..Q {
                        let query = load_i16(&queries[q][i], part);
                        for r in 0..R {
                            sums[q][r] = multiply_add(sums[q][r], query, wide[r]);
                        }
                    }
                }
            }
            let mut totals = [[0; R]; Q];
            for (totals, sums) in totals.iter_mut().zip(&sums) {
                for (sum, &lanes) in totals.iter_mut().zip(sums) {
                    *sum = total(lanes);
                }
            }
            totals
        }
    };
}

pub(super) use define_tiles;
