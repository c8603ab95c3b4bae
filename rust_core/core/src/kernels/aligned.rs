//! Lines that live as long as a query.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;

/// A number of lines on the heap.
///
/// A box of lines would have to ask the allocator for their alignment. It answers by cutting a
/// larger piece to size, which costs as much as scoring some rows; so the larger piece is asked
/// for here, and the first whole line in it is found by hand.
#[derive(Debug)]
pub(crate) struct Aligned<L> {
    room: Box<[u64]>,
    /// Where the lines begin and end in it.
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
        // The copy's room begins at another place.
        let mut copy = Self::zeroed(self.len());
        copy.copy_from_slice(self);
        copy
    }
}
