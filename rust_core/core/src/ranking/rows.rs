//! The rows of a namespace: one per category, present or absent.

use std::ops::Range;

use super::segment::{Segment, SketchBlock};
use super::unit_row::{RowRef, UnitRow};
use crate::arithmetic::limits::MAX_DIMENSION;
use crate::kernels::lines::F32Line;

/// Bytes of full rows in a segment. Growing copies at most this much, and a matrix reserves at most
/// this much (and a quarter more for its sketches). A scan prefetches sketches and starts again in
/// each segment: with many small segments it would wait more often.
const SEGMENT_BYTES: usize = 8 << 20;

/// Rows in a segment: bounded for small dimensions, and enough to keep the kernels busy in large
/// dimensions.
const SEGMENT_ROWS: std::ops::RangeInclusive<usize> = 128..=32_768;

/// Pieces of a full segment: a quarter of a MiB of sketches each, some microseconds of a scan.
const PIECES: usize = 8;

/// The rows of a namespace, by slot: slots are 0, 1, … `len() - 1`, one per category. A row is
/// present (it has a direction) or absent (it is never found).
///
/// Rows are kept in segments of about 8 MiB rather than in one allocation, so that adding a row
/// never copies the matrix, and memory follows the number of rows: 5 bytes a component (padded to
/// whole cache lines: 16 for the f32 row, 64 for the sketch) and 16 bytes a row, 24 where rows
/// have grown.
#[derive(Clone, Debug)]
pub struct Rows {
    dimension: usize,
    /// Slot s is row `s % segment_rows` of segment `s / segment_rows`; a power of two.
    segment_rows: usize,
    segments: Vec<Segment>,
    len: usize,
    /// Number of rows that the caller has announced.
    expected: usize,
}

impl Rows {
    /// No rows, of `dimension` components each.
    ///
    /// # Panics
    ///
    /// If `dimension` is not in 1..=[`MAX_DIMENSION`].
    pub fn new(dimension: usize) -> Self {
        assert!(
            (1..=MAX_DIMENSION).contains(&dimension),
            "dimension out of range"
        );
        let row_bytes = F32Line::count(dimension) * size_of::<F32Line>();
        let rows = (SEGMENT_BYTES / row_bytes).clamp(*SEGMENT_ROWS.start(), *SEGMENT_ROWS.end());
        // The largest power of two that is not larger.
        let segment_rows = 1 << rows.ilog2();
        Self {
            dimension,
            segment_rows,
            segments: Vec::new(),
            len: 0,
            expected: 0,
        }
    }

    /// Announces `rows` rows, so that memory is reserved for exactly that number.
    pub fn expect(&mut self, rows: usize) {
        self.expected = rows;
    }

    /// Number of components of a row.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Number of slots, absent rows included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no slots.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an absent row and returns its slot.
    ///
    /// # Panics
    ///
    /// If every u32 is taken.
    pub fn push(&mut self) -> u32 {
        let slot = u32::try_from(self.len).expect("more rows than slots");
        if self.len == self.segments.len() * self.segment_rows {
            self.segments.push(Segment::default());
        }
        let segment_rows = self.segment_rows;
        let segment = self
            .segments
            .last_mut()
            .expect("a segment was just made sure of");
        if segment.len() == segment.capacity() {
            // An eighth at a time, so that a small namespace stays small; beyond eight segments, a
            // whole segment.
            let wanted = (self.len / 8)
                .max(4)
                .max(self.expected.saturating_sub(self.len));
            let room = segment_rows.min(segment.len() + wanted);
            segment.make_room(room, self.dimension, room == segment_rows);
        }
        segment.push(self.dimension);
        self.len += 1;
        slot
    }

    /// Stores a row, or makes it absent.
    ///
    /// # Panics
    ///
    /// If the slot does not exist, or the row has another dimension.
    pub fn set(&mut self, slot: u32, row: Option<&UnitRow>) {
        if let Some(row) = row {
            assert_eq!(
                row.dimension(),
                self.dimension,
                "a row of another dimension"
            );
        }
        let (segment, at) = self.place(slot);
        self.segments[segment].set(at, row, self.dimension);
    }

    /// How far the row at a slot has grown, 0 to 1, as it was last told; at first 0.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    pub fn growth(&self, slot: u32) -> f64 {
        let (segment, at) = self.place(slot);
        self.segments[segment].growth(at)
    }

    /// Says how far the row at a slot has grown: what its handicap depends on.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    pub fn set_growth(&mut self, slot: u32, growth: f64) {
        let (segment, at) = self.place(slot);
        self.segments[segment].set_growth(at, growth);
    }

    /// Removes a row; the last row moves into its slot.
    ///
    /// # Panics
    ///
    /// If the slot does not exist.
    pub fn swap_remove(&mut self, slot: u32) {
        let (segment, at) = self.place(slot);
        let last = self.segments.len() - 1;
        let (rest, tail) = self.segments.split_at_mut(last);
        let tail = &mut tail[0];
        let from = tail.len() - 1;
        if segment == last {
            tail.copy_within(at, from, self.dimension);
        } else {
            rest[segment].copy_from(at, tail, from, self.dimension);
        }
        tail.pop(self.dimension);
        if tail.len() == 0 {
            self.segments.pop();
        }
        self.len -= 1;
    }

    /// Whether the slot exists and its row is present.
    pub fn is_present(&self, slot: u32) -> bool {
        self.row(slot).is_some()
    }

    /// The row at `slot`, to be scored; `None` if the slot does not exist or its row is absent.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<RowRef<'_>> {
        let (lines, norm) = self.row(slot)?;
        Some(RowRef {
            dimension: self.dimension,
            lines,
            norm,
        })
    }

    /// Bytes allocated.
    pub fn memory_bytes(&self) -> usize {
        let directory = self.segments.capacity() * size_of::<Segment>();
        directory
            + self
                .segments
                .iter()
                .map(Segment::memory_bytes)
                .sum::<usize>()
    }

    /// The components and the norm of a row; `None` if the slot does not exist or its row is absent.
    #[inline]
    pub(super) fn row(&self, slot: u32) -> Option<(&[F32Line], f64)> {
        let slot = slot as usize;
        if slot >= self.len {
            return None;
        }
        let segment = &self.segments[slot >> self.segment_rows.trailing_zeros()];
        segment.row(slot & (self.segment_rows - 1), self.dimension)
    }

    /// Number of pieces: the shares that threads take of a scan.
    pub(super) fn pieces(&self) -> usize {
        self.len.div_ceil(self.piece_rows())
    }

    /// The slots of a piece, all in one segment.
    pub(super) fn piece(&self, piece: usize) -> Range<usize> {
        let first = piece * self.piece_rows();
        first..(first + self.piece_rows()).min(self.len)
    }

    fn piece_rows(&self) -> usize {
        (self.segment_rows / PIECES).max(1)
    }

    /// The sketches of some slots, all in one segment.
    pub(super) fn sketches(&self, slots: Range<usize>) -> SketchBlock<'_> {
        let (segment, first) = self.place(slots.start as u32);
        self.segments[segment].sketches(first..first + slots.len(), self.dimension)
    }

    /// The segment of a slot that must exist, and the index of its row in the segment.
    fn place(&self, slot: u32) -> (usize, usize) {
        let slot = slot as usize;
        assert!(slot < self.len, "no such slot");
        (slot / self.segment_rows, slot % self.segment_rows)
    }
}
