//! Memory in huge pages, where the system has them.
//!
//! A scan reads a page of 4 KiB in less time than it takes to look up where the next one is. With
//! pages of 2 MiB it looks up five hundred times less.

use std::ops::Range;

use memmap2::MmapMut;

use crate::kernels::lines::{F32Line, I8Line};

/// Bytes of a huge page, nearly everywhere. Elsewhere nothing is wrong, and nothing gained.
const HUGE: usize = 2 << 20;

/// Room for a number of full rows and their sketches, zeros at first.
#[derive(Debug)]
pub(super) struct Pages {
    map: MmapMut,
    /// Where the sketches are, and then the rows.
    sketches: Range<usize>,
    rows: Range<usize>,
}

impl Pages {
    /// None where this is not known to be better than memory of any kind, or there is no such
    /// memory.
    pub(super) fn new(rows: usize, sketches: usize) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let sketch_bytes = sketches * size_of::<I8Line>();
        let bytes = sketch_bytes + rows * size_of::<F32Line>();
        // What lies before the first huge page and behind the last row is never touched, and
        // costs addresses only.
        let map = MmapMut::map_anon(bytes + HUGE).ok()?;
        let start = map.as_ptr().align_offset(HUGE);
        // Whole pages: the last one may not be needed whole. A system that refuses gives small
        // ones.
        #[cfg(target_os = "linux")]
        let _ = map.advise_range(memmap2::Advice::HugePage, start, bytes / HUGE * HUGE);
        let middle = start + sketch_bytes;
        Some(Self {
            map,
            sketches: start..middle,
            rows: middle..start + bytes,
        })
    }

    pub(super) fn rows(&self) -> &[F32Line] {
        bytemuck::cast_slice(&self.map[self.rows.clone()])
    }

    pub(super) fn sketches(&self) -> &[I8Line] {
        bytemuck::cast_slice(&self.map[self.sketches.clone()])
    }

    pub(super) fn both_mut(&mut self) -> (&mut [F32Line], &mut [I8Line]) {
        let all = &mut self.map[self.sketches.start..self.rows.end];
        let (sketches, rows) = all.split_at_mut(self.sketches.len());
        (
            bytemuck::cast_slice_mut(rows),
            bytemuck::cast_slice_mut(sketches),
        )
    }

    /// Bytes that are used, or will be.
    pub(super) fn memory_bytes(&self) -> usize {
        self.sketches.len() + self.rows.len()
    }
}
