//! Kernel ridge regression on a neighbourhood: how much each of at most 56 rows pulls.
//!
//! ```text
//! K_ij = exp(2γ(cos(a_i, a_j) − 1)) + noise_i·[i = j]      k_i = exp(2γ(cos(a_i, x) − 1))
//! v = K⁻¹k                                                  what row i pulls its category by
//! own fit = mean of 1 − (K⁻¹Y)_ic / (K⁻¹)_ii                leave-one-out fit of a member row i
//! ```
//!
//! over the member rows of categories c that have at least two of them, Y the rows' categories.
//!
//! K is factored as L·Lᵀ (Cholesky, in f64), and M = L⁻¹ gives the rest: K⁻¹ = MᵀM. Loops run over
//! whole lines of numbers, every number has its own sequence of operations, nothing is fused and
//! nothing is folded, so the bits do not depend on how many lanes a CPU has.
//!
//! K is positive definite: its first part is (a Gaussian kernel of unit vectors), and each noise is
//! at least [`NOISE`] / [`MAX_TRUST`], some 10⁹ times what rounding can take off a pivot.

#![allow(clippy::needless_range_loop)] // The compiler unrolls loops over indices more surely.

use std::cell::RefCell;

use super::exp::exp;
use crate::kernels::aligned::Aligned;
use crate::kernels::lines::{F32Line, F64Line};
use crate::kernels::{Kernel, Work};

/// γ: how soon a kernel falls off.
const GAMMA: f64 = 1.0;
/// λ: the noise of a row of weight 1.
const NOISE: f64 = 0.05;
/// No row is trusted more than this many equal ones of weight 1.
const MAX_TRUST: f64 = 1024.0;
/// Own fit where nothing tells.
const UNKNOWN_OWN_FIT: f64 = 0.6;

/// Most member rows, names, and rows.
pub(crate) const MAX_MEMBERS: usize = 48;
pub(crate) const MAX_NAMES: usize = 8;
const ROWS: usize = MAX_MEMBERS + MAX_NAMES;

/// A line of eight numbers, and the lines of as many numbers as there are rows.
type Line = [f64; 8];
type Lines = [Line; ROWS / 8];

static ZEROS: Lines = [[0.0; 8]; ROWS / 8];

/// A row of the neighbourhood.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// Its components, and their norm.
    pub(crate) lines: &'a [F32Line],
    pub(crate) norm: f64,
    /// Its cosine with the query.
    pub(crate) similarity: f64,
    /// Its category, less than [`MAX_NAMES`].
    pub(crate) owner: usize,
    /// Its weight, > 0.
    pub(crate) weight: f64,
}

/// What the rows say.
pub(crate) struct Fit {
    /// v, by row.
    pub(crate) pulls: [f64; ROWS],
    /// The mean leave-one-out fit of a member row to its own category.
    pub(crate) own: f64,
}

/// Room for the matrices, to use again for one query after another. Zeros and pages cost as much as
/// some of the work, so a thread keeps one.
pub(crate) struct Workspace {
    /// K by columns, and then L: number i of column k stands for row i, i ≥ k.
    factor: [Lines; ROWS],
    /// M by rows.
    inverse: [Lines; ROWS],
    /// Four rows, widened; past the last one there is what was left there.
    wide: Aligned<F64Line>,
}

/// Bytes of widened rows that a thread keeps: those of some 8,000 components.
const KEPT: usize = 1 << 18;

thread_local! {
    static IDLE: RefCell<Option<Box<Workspace>>> = const { RefCell::new(None) };
}

impl Workspace {
    /// The one that this thread has kept, or a new one.
    pub(crate) fn take() -> Box<Self> {
        IDLE.take().unwrap_or_else(Self::new)
    }

    /// Keeps it for the next query of this thread.
    pub(crate) fn keep(self: Box<Self>) {
        if size_of_val(&*self.wide) <= KEPT {
            IDLE.set(Some(self));
        }
    }

    fn new() -> Box<Self> {
        let lines = [[[0.0; 8]; ROWS / 8]; ROWS];
        Box::new(Self {
            factor: lines,
            inverse: lines,
            wide: Aligned::zeroed(0),
        })
    }

    /// Fits rows, of which the first `members` are members and the others names.
    pub(crate) fn fit(&mut self, kernel: Kernel, rows: &[Row<'_>], members: usize) -> Fit {
        assert!(rows.len() <= ROWS && members <= rows.len());
        self.cosines(kernel, rows);
        kernel.work(Solve {
            workspace: self,
            rows,
            members,
        })
    }

    /// The cosines between rows, into the lower triangle. Four rows at a time, widened into a place
    /// that stays in the nearest cache, meet all that come after them, three by three.
    fn cosines(&mut self, kernel: Kernel, rows: &[Row<'_>]) {
        let length = rows.first().map_or(0, |row| row.lines.len());
        // An odd stride: rows of 2ⁿ components would all begin in the same few sets of the cache.
        let stride = length | 1;
        if self.wide.len() != 4 * stride {
            self.wide = Aligned::zeroed(4 * stride);
        }
        for (block, few) in rows.chunks(4).enumerate() {
            let wide = &mut *self.wide;
            kernel.work(Widen {
                rows: few,
                stride,
                wide,
            });
            let wide = |row: usize| &self.wide[row * stride..row * stride + length];
            let four = [0, 1, 2, 3].map(wide);
            let first = block * 4;
            for three in (first + 1..rows.len()).step_by(3) {
                // Past the last row, the last one again.
                let [a, b, c] = [0, 1, 2].map(|next| (three + next).min(rows.len() - 1));
                let dots = kernel.wide_dots([a, b, c].map(|row| rows[row].lines), four);
                for (i, dots) in [a, b, c].into_iter().zip(dots) {
                    for (j, dot) in (first..i.min(first + 4)).zip(dots) {
                        let cosine = dot / (rows[i].norm * rows[j].norm);
                        self.factor[j][i / 8][i % 8] = cosine;
                    }
                }
            }
        }
    }

    /// K from the cosines. What is above the diagonal, and what lies past the last row, is finite
    /// and never read as a part of K.
    #[inline(always)]
    fn kernels(&mut self, rows: &[Row<'_>]) {
        let count = rows.len();
        for (k, row) in rows.iter().enumerate() {
            let column = &mut self.factor[k];
            for i in (k / 8 * 8..k).chain(count..count.next_multiple_of(8)) {
                column[i / 8][i % 8] = 1.0;
            }
            for line in &mut column[k / 8..count.div_ceil(8)] {
                for value in line {
                    *value = exp(2.0 * GAMMA * (value.clamp(-1.0, 1.0) - 1.0));
                }
            }
            column[k / 8][k % 8] = 1.0 + NOISE / row.weight.min(MAX_TRUST);
        }
    }

    /// L, in the place of K.
    #[inline(always)]
    fn factor(&mut self, count: usize) {
        let ends = count.div_ceil(8);
        for first in 0..ends {
            match ends - first {
                1 => self.factor_eight::<1>(first, count),
                2 => self.factor_eight::<2>(first, count),
                3 => self.factor_eight::<3>(first, count),
                4 => self.factor_eight::<4>(first, count),
                5 => self.factor_eight::<5>(first, count),
                6 => self.factor_eight::<6>(first, count),
                _ => self.factor_eight::<7>(first, count),
            }
        }
    }

    /// The eight columns of L that begin in line `first`, `N` lines before the last: each stays in
    /// registers while all columns before it are taken off, in their order.
    #[inline(always)]
    fn factor_eight<const N: usize>(&mut self, first: usize, count: usize) {
        for k in first * 8..count.min(first * 8 + 8) {
            let (done, rest) = self.factor.split_at_mut(k);
            let mut column = lines_from::<N>(&rest[0], first);
            for other in done.iter() {
                let factor = other[first][k % 8];
                take_off(&mut column, factor, &lines_from::<N>(other, first));
            }
            let root = column[0][k % 8].sqrt();
            for line in &mut column {
                for value in line {
                    *value /= root;
                }
            }
            rest[0][first..first + N].copy_from_slice(&column);
        }
    }

    /// M = L⁻¹.
    #[inline(always)]
    fn invert(&mut self, count: usize) {
        for last in 0..count.div_ceil(8) {
            match last {
                0 => self.invert_eight::<1>(count),
                1 => self.invert_eight::<2>(count),
                2 => self.invert_eight::<3>(count),
                3 => self.invert_eight::<4>(count),
                4 => self.invert_eight::<5>(count),
                5 => self.invert_eight::<6>(count),
                _ => self.invert_eight::<7>(count),
            }
        }
    }

    /// The eight rows of M that end in line `N` − 1, row after row in registers.
    #[inline(always)]
    fn invert_eight<const N: usize>(&mut self, count: usize) {
        for k in (N - 1) * 8..count.min(N * 8) {
            let (done, rest) = self.inverse.split_at_mut(k);
            let mut row = [[0.0; 8]; N];
            row[N - 1][k % 8] = 1.0;
            for (other, column) in done.iter().zip(&self.factor) {
                // What lies past the diagonal of the other row is 0.
                take_off(&mut row, column[N - 1][k % 8], &lines_from::<N>(other, 0));
            }
            let root = self.factor[k][N - 1][k % 8];
            for line in &mut row {
                for value in line {
                    *value /= root;
                }
            }
            rest[0] = [[0.0; 8]; ROWS / 8];
            rest[0][..N].copy_from_slice(&row);
        }
    }

    /// v and the own fit: K⁻¹ times k and times Y, and the diagonal of K⁻¹.
    #[inline(always)]
    fn solve(&self, rows: &[Row<'_>], members: usize) -> Fit {
        let count = rows.len();
        // Beside each other, for each row: its category, one of eight, and its kernel with x.
        let mut solved = [[[0.0; 8]; 2]; ROWS];
        let mut diagonal: Lines = [[0.0; 8]; ROWS / 8];
        let mut sides = [[[0.0; 8]; 2]; ROWS];
        for (side, row) in sides.iter_mut().zip(rows) {
            side[0][row.owner] = 1.0;
            side[1][0] = exp(2.0 * GAMMA * (row.similarity.clamp(-1.0, 1.0) - 1.0));
        }
        // Four rows at a time. Those past the last are 0, as is M above its diagonal.
        let inverse = |row: usize| match row < count {
            true => &self.inverse[row],
            false => &ZEROS,
        };
        let mut halves = [[[0.0; 8]; 2]; ROWS];
        for first in (0..count).step_by(4) {
            let four = [0, 1, 2, 3].map(|next| inverse(first + next));
            let mut sums = [[[0.0; 8]; 2]; 4];
            for (j, side) in sides[..count.min(first + 4)].iter().enumerate() {
                for (sum, row) in sums.iter_mut().zip(four) {
                    add(sum, row[j / 8][j % 8], side);
                }
            }
            halves[first..first + 4].copy_from_slice(&sums);
        }
        for first in (0..count).step_by(4) {
            let mut sums = [[[0.0; 8]; 2]; 4];
            for (row, half) in self.inverse[..count].iter().zip(&halves).skip(first) {
                let line = &row[first / 8];
                for (at, sum) in sums.iter_mut().enumerate() {
                    add(sum, line[first % 8 + at], half);
                }
            }
            solved[first..first + 4].copy_from_slice(&sums);
        }
        for row in &self.inverse[..count] {
            for (squares, line) in diagonal.iter_mut().zip(row) {
                for lane in 0..8 {
                    squares[lane] += line[lane] * line[lane];
                }
            }
        }
        let mut of_owner = [0; MAX_NAMES];
        for row in &rows[..members] {
            of_owner[row.owner] += 1;
        }
        let (mut fits, mut fitted) = (0.0, 0.0);
        for (i, row) in rows[..members].iter().enumerate() {
            if of_owner[row.owner] >= 2 {
                fits += 1.0 - solved[i][0][row.owner] / diagonal[i / 8][i % 8];
                fitted += 1.0;
            }
        }
        Fit {
            pulls: solved.map(|solved| solved[1][0]),
            own: if fitted > 0.0 {
                fits / fitted
            } else {
                UNKNOWN_OWN_FIT
            },
        }
    }
}

/// Everything but the inner products.
struct Solve<'a> {
    workspace: &'a mut Workspace,
    rows: &'a [Row<'a>],
    members: usize,
}

impl Work for Solve<'_> {
    type Output = Fit;

    #[inline(always)]
    fn run(self) -> Fit {
        let Self {
            workspace,
            rows,
            members,
        } = self;
        workspace.kernels(rows);
        workspace.factor(rows.len());
        workspace.invert(rows.len());
        workspace.solve(rows, members)
    }
}

/// Widens rows, with so many lines from one to the next.
struct Widen<'a> {
    rows: &'a [Row<'a>],
    stride: usize,
    wide: &'a mut [F64Line],
}

impl Work for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (wide, row) in self.wide.chunks_exact_mut(self.stride).zip(self.rows) {
            // Number by number: line by line, the compiler gathers and scatters the numbers of eight
            // lines, for ten times as long.
            let wide: &mut [f64] = bytemuck::cast_slice_mut(wide);
            let narrow: &[f32] = bytemuck::cast_slice(row.lines);
            for (wide, &narrow) in wide.iter_mut().zip(narrow) {
                *wide = f64::from(narrow);
            }
        }
    }
}

/// `N` lines from one on.
#[inline(always)]
fn lines_from<const N: usize>(lines: &Lines, first: usize) -> [Line; N] {
    *lines[first..].first_chunk().expect("so many are left")
}

/// `lines` −= `factor` · `others`.
#[inline(always)]
fn take_off<const N: usize>(lines: &mut [Line; N], factor: f64, others: &[Line; N]) {
    for (line, other) in lines.iter_mut().zip(others) {
        for lane in 0..8 {
            line[lane] -= other[lane] * factor;
        }
    }
}

#[inline(always)]
fn add(sum: &mut [Line; 2], factor: f64, lines: &[Line; 2]) {
    for part in 0..2 {
        for lane in 0..8 {
            sum[part][lane] += factor * lines[part][lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Case {
        vectors: Vec<Vec<f32>>,
        owners: Vec<usize>,
        weights: Vec<f64>,
        query: Vec<f32>,
        members: usize,
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f64 {
        (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()).clamp(-1.0, 1.0)
    }

    fn fit(case: &Case, kernel: Kernel, workspace: &mut Workspace) -> (Vec<f64>, f64) {
        let lines: Vec<_> = case.vectors.iter().map(|row| F32Line::pack(row)).collect();
        let rows: Vec<_> = (0..lines.len())
            .map(|i| Row {
                lines: &lines[i],
                norm: dot(&case.vectors[i], &case.vectors[i]).sqrt(),
                similarity: cosine(&case.vectors[i], &case.query),
                owner: case.owners[i],
                weight: case.weights[i],
            })
            .collect();
        let fit = workspace.fit(kernel, &rows, case.members);
        (fit.pulls[..rows.len()].to_vec(), fit.own)
    }

    /// Gauss and Jordan, with the platform's `exp`.
    fn oracle(case: &Case) -> (Vec<f64>, f64) {
        let count = case.vectors.len();
        let gaussian = |cosine: f64| (2.0 * (cosine - 1.0)).exp();
        let mut matrix = vec![vec![0.0; 2 * count]; count];
        for (i, row) in matrix.iter_mut().enumerate() {
            for (j, value) in row[..count].iter_mut().enumerate() {
                *value = if i == j {
                    1.0 + 0.05 / case.weights[i].min(1024.0)
                } else {
                    gaussian(cosine(&case.vectors[i], &case.vectors[j]))
                };
            }
            row[count + i] = 1.0;
        }
        for pivot in 0..count {
            let factor = matrix[pivot][pivot];
            matrix[pivot].iter_mut().for_each(|value| *value /= factor);
            let own = matrix[pivot].clone();
            for (i, row) in matrix.iter_mut().enumerate() {
                if i != pivot {
                    let factor = row[pivot];
                    row.iter_mut()
                        .zip(&own)
                        .for_each(|(value, own)| *value -= factor * own);
                }
            }
        }
        let inverse = |i: usize, j: usize| matrix[i][count + j];
        let near: Vec<_> = case
            .vectors
            .iter()
            .map(|row| gaussian(cosine(row, &case.query)))
            .collect();
        let pulls = (0..count)
            .map(|i| (0..count).map(|j| inverse(i, j) * near[j]).sum())
            .collect();
        let members = &case.owners[..case.members];
        let fits: Vec<f64> = (0..case.members)
            .filter(|&i| members.iter().filter(|&&owner| owner == members[i]).count() >= 2)
            .map(|i| {
                let own = (0..count).filter(|&j| case.owners[j] == members[i]);
                1.0 - own.map(|j| inverse(i, j)).sum::<f64>() / inverse(i, i)
            })
            .collect();
        let mean = fits.iter().sum::<f64>() / fits.len() as f64;
        (pulls, if fits.is_empty() { 0.6 } else { mean })
    }

    fn cases() -> impl Strategy<Value = Case> {
        let weight = prop_oneof![4 => Just(1.0_f64), 1 => 0.001..2000.0_f64];
        let row = |dimension| prop::collection::vec(-1.0..1.0_f32, dimension);
        (
            prop_oneof![Just(1_usize), Just(2), Just(17), Just(40)],
            0..=48_usize,
            1..=8_usize,
        )
            .prop_flat_map(move |(dimension, members, names)| {
                let count = members + names;
                (
                    prop::collection::vec((row(dimension), 0..names, weight.clone()), count),
                    row(dimension),
                    Just((members, names)),
                    any::<bool>(),
                )
            })
            .prop_map(|(rows, query, (members, names), alike)| {
                let mut case = Case {
                    vectors: vec![],
                    owners: vec![],
                    weights: vec![],
                    query,
                    members,
                };
                for (i, (mut vector, owner, weight)) in rows.into_iter().enumerate() {
                    vector[0] += if vector[0] < 0.0 { -0.1 } else { 0.1 };
                    if alike && i % 3 == 1 {
                        vector.clone_from(&case.vectors[i - 1]);
                    }
                    case.vectors.push(vector);
                    case.owners
                        .push(if i < members { owner } else { i - members });
                    case.weights.push(weight);
                }
                case.query[0] += 0.5;
                let _ = names;
                case
            })
    }

    impl std::fmt::Debug for Case {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(
                f,
                "{} rows, {} members, owners {:?}, weights {:?}",
                self.vectors.len(),
                self.members,
                self.owners,
                self.weights
            )
        }
    }

    proptest! {
        #[test]
        fn it_is_what_gauss_and_jordan_find(case in cases()) {
            let (pulls, own) = fit(&case, Kernel::best(), &mut Workspace::new());
            let (expected, expected_own) = oracle(&case);
            for (actual, expected) in pulls.iter().zip(&expected) {
                prop_assert!((actual - expected).abs() < 1e-7, "{actual} {expected}");
            }
            prop_assert!((own - expected_own).abs() < 1e-7, "{own} {expected_own}");
        }

        #[test]
        fn every_instruction_set_finds_the_same_bits_whatever_was_fitted_before(
            first in cases(), second in cases(),
        ) {
            let bits = |(pulls, own): (Vec<f64>, f64)| {
                (pulls.into_iter().map(f64::to_bits).collect::<Vec<_>>(), own.to_bits())
            };
            let expected = bits(fit(&second, Kernel::SCALAR, &mut Workspace::new()));
            for kernel in Kernel::available() {
                let mut workspace = Workspace::new();
                fit(&first, kernel, &mut workspace);
                prop_assert_eq!(&bits(fit(&second, kernel, &mut workspace)), &expected, "{}", kernel.name());
            }
        }
    }
}
