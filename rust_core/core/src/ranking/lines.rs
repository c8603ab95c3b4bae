//! The lines of a segment: its full rows and its sketches.

use super::pages::Pages;
use crate::kernels::lines::{F32Line, I8Line};

/// Lines for a number of rows, end to end, with or without reserved memory behind them.
#[derive(Debug)]
pub(super) enum Lines {
    /// Of a segment that can still grow.
    Growing {
        rows: Vec<F32Line>,
        sketches: Vec<I8Line>,
    },
    /// Of a segment with all the memory that it will ever need.
    Whole(Pages),
}

impl Default for Lines {
    fn default() -> Self {
        Self::Growing {
            rows: Vec::new(),
            sketches: Vec::new(),
        }
    }
}

impl Clone for Lines {
    /// In memory of any kind: a copy is read for a short time.
    fn clone(&self) -> Self {
        Self::Growing {
            rows: self.rows().to_vec(),
            sketches: self.sketches().to_vec(),
        }
    }
}

impl Lines {
    #[inline]
    pub(super) fn rows(&self) -> &[F32Line] {
        match self {
            Self::Growing { rows, .. } => rows,
            Self::Whole(pages) => pages.rows(),
        }
    }

    #[inline]
    pub(super) fn sketches(&self) -> &[I8Line] {
        match self {
            Self::Growing { sketches, .. } => sketches,
            Self::Whole(pages) => pages.sketches(),
        }
    }

    pub(super) fn both_mut(&mut self) -> (&mut [F32Line], &mut [I8Line]) {
        match self {
            Self::Growing { rows, sketches } => (rows, sketches),
            Self::Whole(pages) => pages.both_mut(),
        }
    }

    /// Reserves memory for exactly this number of lines in all; `whole`: for good.
    pub(super) fn make_room(&mut self, rows: usize, sketches: usize, whole: bool) {
        let Self::Growing {
            rows: old_rows,
            sketches: old_sketches,
        } = self
        else {
            return;
        };
        if whole && let Some(mut pages) = Pages::new(rows, sketches) {
            let (rows, sketches) = pages.both_mut();
            rows[..old_rows.len()].copy_from_slice(old_rows);
            sketches[..old_sketches.len()].copy_from_slice(old_sketches);
            *self = Self::Whole(pages);
        } else {
            old_rows.reserve_exact(rows - old_rows.len());
            old_sketches.reserve_exact(sketches - old_sketches.len());
        }
    }

    /// Sets the numbers of lines. The contents of new lines are unspecified.
    pub(super) fn resize(&mut self, rows: usize, sketches: usize) {
        if let Self::Growing {
            rows: old_rows,
            sketches: old_sketches,
        } = self
        {
            old_rows.resize(rows, F32Line::ZERO);
            old_sketches.resize(sketches, I8Line::ZERO);
        }
    }

    /// Bytes allocated.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Growing { rows, sketches } => {
                rows.capacity() * size_of::<F32Line>() + sketches.capacity() * size_of::<I8Line>()
            }
            Self::Whole(pages) => pages.memory_bytes(),
        }
    }
}
