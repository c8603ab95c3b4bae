//! Rows of numbers in one contiguous block.

/// A matrix that grows by rows, each `width` numbers, without gaps.
#[derive(Clone, Debug)]
pub(super) struct Matrix<T> {
    width: usize,
    cells: Vec<T>,
}

impl<T: Copy + Default> Matrix<T> {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            cells: Vec::new(),
        }
    }

    pub(super) fn row(&self, slot: usize) -> &[T] {
        &self.cells[slot * self.width..(slot + 1) * self.width]
    }

    pub(super) fn row_mut(&mut self, slot: usize) -> &mut [T] {
        &mut self.cells[slot * self.width..(slot + 1) * self.width]
    }

    /// Reserves memory for exactly `rows` rows. If that fails, memory is allocated row by row, and
    /// fails then if it must.
    pub(super) fn expect(&mut self, rows: usize) {
        let _ = self
            .cells
            .try_reserve_exact(rows.saturating_mul(self.width));
    }

    pub(super) fn set(&mut self, slot: usize, row: &[T]) {
        self.row_mut(slot).copy_from_slice(row);
    }

    /// Adds a row of zeros.
    pub(super) fn push(&mut self) {
        if self.cells.capacity() - self.cells.len() < self.width {
            // An eighth at a time, not a doubling, so that memory follows the number of rows.
            let rows = (self.cells.len() / self.width / 8).max(4);
            self.cells.reserve_exact(rows * self.width);
        }
        self.cells
            .resize(self.cells.len() + self.width, T::default());
    }

    /// Removes a row; the last one moves into its place.
    pub(super) fn swap_remove(&mut self, slot: usize) {
        let last = self.cells.len() - self.width;
        self.cells.copy_within(last.., slot * self.width);
        self.cells.truncate(last);
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_takes_the_place_of_a_removed_one() {
        let mut matrix = Matrix::new(2);
        for row in [[1, 2], [3, 4], [5, 6]] {
            matrix.push();
            matrix.set(row[0] / 2, &row);
        }
        matrix.swap_remove(0);
        assert_eq!((matrix.row(0), matrix.row(1)), (&[5, 6][..], &[3, 4][..]));
        matrix.swap_remove(1);
        assert_eq!(matrix.row(0), [5, 6]);
    }
}
