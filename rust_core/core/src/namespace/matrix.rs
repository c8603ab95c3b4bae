//! Rows of numbers, in blocks.

/// Most bytes of a block, or else one row: growing copies and reserves at most this much.
const BLOCK_BYTES: usize = 256 << 10;

/// A matrix that grows by rows, each `width` numbers. All blocks but the last are full.
///
/// In one allocation, each growth would copy all rows, and free a range as large as the matrix, which the
/// allocator may keep.
#[derive(Clone, Debug)]
pub(super) struct Matrix<T> {
    width: usize,
    /// Rows of a full block.
    block_rows: usize,
    blocks: Vec<Vec<T>>,
    /// Number of rows.
    len: usize,
}

impl<T: Copy + Default> Matrix<T> {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            block_rows: (BLOCK_BYTES / (width * size_of::<T>())).max(1),
            blocks: Vec::new(),
            len: 0,
        }
    }

    pub(super) fn row(&self, slot: usize) -> &[T] {
        let (block, at) = self.place(slot);
        &self.blocks[block][at..at + self.width]
    }

    pub(super) fn row_mut(&mut self, slot: usize) -> &mut [T] {
        let (block, at) = self.place(slot);
        &mut self.blocks[block][at..at + self.width]
    }

    /// Reserves memory of a new matrix for exactly `rows` rows, as far as one block holds them.
    pub(super) fn expect(&mut self, rows: usize) {
        let rows = rows.min(self.block_rows);
        self.blocks = vec![Vec::with_capacity(rows * self.width)];
    }

    pub(super) fn set(&mut self, slot: usize, row: &[T]) {
        self.row_mut(slot).copy_from_slice(row);
    }

    /// Adds a row of zeros.
    pub(super) fn push(&mut self) {
        let block = self.len / self.block_rows;
        if block == self.blocks.len() {
            self.blocks.push(Vec::new());
        }
        let block = &mut self.blocks[block];
        if block.capacity() - block.len() < self.width {
            // An eighth at a time, not a doubling, so that memory follows the number of rows.
            let rows = (self.len / 8)
                .max(4)
                .min(self.block_rows - self.len % self.block_rows);
            block.reserve_exact(rows * self.width);
        }
        block.resize(block.len() + self.width, T::default());
        self.len += 1;
    }

    /// Removes a row; the last one moves into its place.
    pub(super) fn swap_remove(&mut self, slot: usize) {
        let last = self.len - 1;
        let (block, at) = self.place(last);
        let (to_block, to) = self.place(slot);
        if block == to_block {
            self.blocks[block].copy_within(at.., to);
        } else {
            let (before, from) = self.blocks.split_at_mut(block);
            before[to_block][to..to + self.width].copy_from_slice(&from[0][at..]);
        }
        self.blocks[block].truncate(at);
        if at == 0 {
            self.blocks.truncate(block);
        }
        self.len = last;
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let full = self.blocks.len().saturating_sub(1) * self.block_rows * self.width;
        let last = self.blocks.last().map_or(0, Vec::capacity);
        (full + last) * size_of::<T>() + self.blocks.capacity() * size_of::<Vec<T>>()
    }

    /// Block and first cell of a row.
    fn place(&self, slot: usize) -> (usize, usize) {
        (slot / self.block_rows, slot % self.block_rows * self.width)
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

    #[test]
    fn rows_are_found_over_blocks_and_move_between_them() {
        let width = BLOCK_BYTES / size_of::<u32>() / 4;
        let mut matrix = Matrix::new(width);
        for number in 0..10 {
            matrix.push();
            assert!(matrix.row(number).iter().all(|cell| *cell == 0));
            matrix.set(number, &vec![number as u32; width]);
        }
        matrix.swap_remove(1);
        matrix.swap_remove(8);
        let rows: Vec<u32> = (0..8).map(|slot| matrix.row(slot)[width - 1]).collect();
        assert_eq!(rows, [0, 9, 2, 3, 4, 5, 6, 7]);
        for _ in 0..8 {
            matrix.swap_remove(0);
        }
        assert!(matrix.memory_bytes() < 1024);
        matrix.push();
        assert!(matrix.row(0).iter().all(|cell| *cell == 0));
    }

    #[test]
    fn memory_follows_the_number_of_rows() {
        let row_bytes = 384 * size_of::<i64>();
        for (count, expected) in [
            (1, 0),
            (1, 1),
            (60, 60),
            (100, 0),
            (10_000, 0),
            (10_000, 10_000),
        ] {
            let mut matrix = Matrix::<i64>::new(384);
            matrix.expect(expected);
            for _ in 0..count {
                matrix.push();
            }
            let held: usize = matrix.blocks.iter().map(Vec::capacity).sum();
            let bytes = held * size_of::<i64>();
            let spare_rows = if count == expected && count <= matrix.block_rows {
                0
            } else {
                (count / 8).clamp(4, matrix.block_rows)
            };
            assert!(bytes >= count * row_bytes, "{count} rows: {bytes}");
            assert!(
                bytes <= (count + spare_rows) * row_bytes,
                "{count} rows: {bytes}"
            );
            let listed = matrix.blocks.capacity() * size_of::<Vec<i64>>();
            assert_eq!(matrix.memory_bytes(), bytes + listed);
        }
    }
}
