//! Checksums of the frames of a snapshot: each covers its frame and, through the seed, all frames
//! before it. The first damaged, missing, repeated or moved frame is found at its position.

use prost::Message;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::call_error::{CallError, Result};
use crate::proto::v1::{ErrorReason, SnapshotFrame};

/// The checksum of a frame after one with the checksum `before` (0: the first frame). The field
/// `checksum` of the frame is not read.
pub fn frame_checksum(frame: &SnapshotFrame, before: u64) -> u64 {
    // Messages are encoded in one way only: fields by number, maps by key.
    let bytes = match &frame.content {
        Some(content) => {
            let mut bytes = Vec::with_capacity(content.encoded_len());
            content.encode(&mut bytes);
            bytes
        }
        None => Vec::new(),
    };
    xxh3_64_with_seed(&bytes, before)
}

/// [`frame_checksum`] of a serialized frame; `None`: the bytes are no frame.
pub fn serialized_frame_checksum(frame: &[u8], before: u64) -> Option<u64> {
    let frame = SnapshotFrame::decode(frame).ok()?;
    Some(frame_checksum(&frame, before))
}

/// The checksums of a sequence of frames.
#[derive(Debug, Default)]
pub(crate) struct FrameChecksums {
    /// Frames so far.
    frames: u64,
    /// Checksum of the last one.
    last: u64,
}

impl FrameChecksums {
    /// Gives the next frame its checksum.
    pub(crate) fn seal(&mut self, frame: &mut SnapshotFrame) {
        frame.checksum = self.next(frame);
    }

    /// Refuses the next frame if its checksum is another one.
    pub(crate) fn check(&mut self, frame: &SnapshotFrame) -> Result<()> {
        let expected = self.next(frame);
        if frame.checksum == expected {
            return Ok(());
        }
        let number = self.frames;
        let what = format_args!(
            "does not match the content of frame {number}: a frame is damaged, missing or moved"
        );
        Err(
            CallError::at(ErrorReason::InvalidSnapshot, "frame.checksum", what)
                .with("frame", number)
                .with("expected", format_args!("{expected:016x}"))
                .with("actual", format_args!("{:016x}", frame.checksum)),
        )
    }

    fn next(&mut self, frame: &SnapshotFrame) -> u64 {
        self.frames += 1;
        self.last = frame_checksum(frame, self.last);
        self.last
    }
}
