//! Hashes of the pages in a WAL, in order of its frames. The WAL is written from its beginning on, so
//! this table is filled in order too; a map would not be.

/// Bytes before the first frame of a WAL.
const LOG_HEADER: u64 = 32;

/// Bytes before the page in a frame.
pub(crate) const FRAME_HEADER: usize = 24;

/// The hashes; all pages of a WAL have one size.
#[derive(Default)]
pub(crate) struct Frames {
    page: usize,
    /// By frame; `None`: not known.
    hashes: Vec<Option<u64>>,
}

impl Frames {
    /// Stores the hash of the page at an offset of the WAL; `size`: bytes of a page.
    pub(crate) fn insert(&mut self, offset: u64, page: usize, hash: u64) {
        if page != self.page {
            *self = Self {
                page,
                hashes: Vec::new(),
            };
        }
        let Some(frame) = self.frame(offset) else {
            return; // No page begins there.
        };
        if frame >= self.hashes.len() {
            self.hashes.resize(frame + 1, None);
        }
        self.hashes[frame] = Some(hash);
    }

    /// The hash of the page at an offset, if it is known.
    pub(crate) fn get(&self, offset: u64, page: usize) -> Option<u64> {
        if page != self.page {
            return None; // SQLite reads a part of a page before it knows the page size.
        }
        *self.hashes.get(self.frame(offset)?)?
    }

    /// Forgets the frames behind a new end of the WAL.
    pub(crate) fn truncate(&mut self, size: u64) {
        let whole = size.saturating_sub(LOG_HEADER) / self.frame_size();
        self.hashes.truncate(whole as usize);
    }

    fn frame(&self, offset: u64) -> Option<usize> {
        let from_first = offset.checked_sub(LOG_HEADER + FRAME_HEADER as u64)?;
        let frame = from_first / self.frame_size();
        (from_first % self.frame_size() == 0).then_some(frame as usize)
    }

    fn frame_size(&self) -> u64 {
        (FRAME_HEADER + self.page) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(frame: u64, page: u64) -> u64 {
        32 + 24 + frame * (24 + page)
    }

    #[test]
    fn a_page_has_the_hash_that_it_was_written_with_last() {
        let mut frames = Frames::default();
        for (frame, hash) in [(0, 7), (3, 8), (0, 9)] {
            frames.insert(offset(frame, 4096), 4096, hash);
        }
        let found = |frames: &Frames| [0, 1, 3, 4].map(|n| frames.get(offset(n, 4096), 4096));
        assert_eq!(found(&frames), [Some(9), None, Some(8), None]);
        assert_eq!(frames.get(offset(0, 4096), 512), None);
        assert_eq!(frames.get(offset(0, 4096) + 1, 4096), None);
        assert_eq!(frames.get(0, 4096), None);

        frames.truncate(offset(3, 4096));
        assert_eq!(found(&frames), [Some(9), None, None, None]);
        frames.truncate(0);
        assert_eq!(found(&frames), [None; 4]);
    }

    #[test]
    fn pages_of_another_size_are_those_of_another_log() {
        let mut frames = Frames::default();
        frames.insert(offset(0, 4096), 4096, 7);
        frames.insert(offset(1, 512), 512, 8);
        assert_eq!(frames.get(offset(0, 4096), 4096), None);
        assert_eq!(frames.get(offset(1, 512), 512), Some(8));
    }
}
