//! Aligned lines on the heap.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;

/// A number of lines on the heap.
///
/// An allocation with the alignment of a line costs the allocator as much time as scoring some rows,
/// since it cuts a larger block to size. So the larger block is allocated here, and the lines begin
/// at the first aligned address in it.
#[derive(Debug)]
pub(crate) struct Aligned<L> {
    room: Box<[u64]>,
    /// Indices of the first word of the lines, and of the word behind the last.
    first: usize,
    end: usize,
    lines: PhantomData<L>,
}

impl<L: Pod> Aligned<L> {
    /// `count` lines of zeros.
    pub(crate) fn zeroed(count: usize) -> Self {
        const WORD: usize = size_of::<u64>();
        let words = count * size_of::<L>() / WORD;
        let room = vec![0; words + align_of::<L>() / WORD - 1].into_boxed_slice();
        let first = room.as_ptr().align_offset(align_of::<L>());
        Self {
            room,
            first,
            end: first + words,
            lines: PhantomData,
        }
    }
}

impl<L: Pod> Deref for Aligned<L> {
    type Target = [L];

    #[inline]
    fn deref(&self) -> &[L] {
        bytemuck::cast_slice(&self.room[self.first..self.end])
    }
}

impl<L: Pod> DerefMut for Aligned<L> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [L] {
        bytemuck::cast_slice_mut(&mut self.room[self.first..self.end])
    }
}

impl<L: Pod> Clone for Aligned<L> {
    fn clone(&self) -> Self {
        // The block of the copy has its first aligned address elsewhere.
        let mut copy = Self::zeroed(self.len());
        copy.copy_from_slice(self);
        copy
    }
}
