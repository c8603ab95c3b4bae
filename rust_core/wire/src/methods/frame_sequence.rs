//! The order and the counts of the frames of a snapshot to restore.

use ee_engine::Frame;

use crate::call_error::{CallError, Result};
use crate::decode::path::Path;
use crate::proto::v1::snapshot_frame::Content;
use crate::proto::v1::{ErrorReason, Item, SnapshotTrailer};

/// The frames after the header: categories, then items, both by key, then one trailer.
#[derive(Debug, Default)]
pub(super) struct FrameSequence {
    stage: Stage,
    last: Option<String>,
    categories: u64,
    items: u64,
    memberships: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Categories,
    Items,
    Ended,
}

impl FrameSequence {
    /// Accepts a frame if its kind is in order.
    pub(super) fn frame(&mut self, content: Option<&Content>) -> Result<()> {
        let stage = match content {
            Some(Content::Categories(_)) => Stage::Categories,
            Some(Content::Items(_)) => Stage::Items,
            Some(Content::Trailer(_)) => Stage::Ended,
            Some(Content::Header(_)) | None => return Err(self.refused(content)),
        };
        if stage < self.stage || self.stage == Stage::Ended {
            return Err(self.refused(content));
        }
        if stage != self.stage {
            self.stage = stage;
            self.last = None;
        }
        Ok(())
    }

    /// Counts a category.
    pub(super) fn category(&mut self, path: Path<'_>, key: &str) -> Result<()> {
        self.categories += 1;
        self.ascends(path, key)
    }

    /// Counts an item and its memberships.
    pub(super) fn item(&mut self, path: Path<'_>, item: &Item) -> Result<()> {
        self.items += 1;
        self.memberships += item.memberships.len() as u64;
        self.ascends(path, &item.key)
    }

    /// The trailer, if its counts are those of the frames.
    pub(super) fn end(&self, path: Path<'_>, trailer: SnapshotTrailer) -> Result<Frame> {
        for (field, actual, expected) in [
            ("category_count", self.categories, trailer.category_count),
            ("item_count", self.items, trailer.item_count),
            (
                "membership_count",
                self.memberships,
                trailer.membership_count,
            ),
        ] {
            if actual != expected {
                let what = format_args!("says {expected}, and {actual} have come");
                let path = path.then(field).to_string();
                return Err(CallError::at(ErrorReason::InvalidSnapshot, path, what)
                    .with("expected", expected)
                    .with("actual", actual));
            }
        }
        let bytes = trailer.digest.len();
        let digest = trailer.digest.try_into().map_err(|_| {
            let what = format_args!("has {bytes} bytes, it must have 32");
            let path = path.then("digest").to_string();
            CallError::at(ErrorReason::InvalidSnapshot, path, what)
                .with("expected", 32)
                .with("actual", bytes)
        })?;
        Ok(Frame::Trailer {
            categories: self.categories,
            items: self.items,
            memberships: self.memberships,
            digest,
        })
    }

    fn ascends(&mut self, path: Path<'_>, key: &str) -> Result<()> {
        if let Some(last) = self.last.as_deref().filter(|last| *last >= key) {
            let what = format!("comes after {last:?}, keys must ascend");
            let path = path.then("key").to_string();
            return Err(CallError::at(ErrorReason::InvalidSnapshot, path, what));
        }
        self.last = Some(key.to_owned());
        Ok(())
    }

    fn refused(&self, content: Option<&Content>) -> CallError {
        let expected = match self.stage {
            Stage::Categories => "categories, items or trailer",
            Stage::Items => "items or trailer",
            Stage::Ended => "the end of the stream",
        };
        out_of_order(expected, kind(content))
    }
}

/// The name of a frame's kind.
pub(super) fn kind(content: Option<&Content>) -> &'static str {
    match content {
        Some(Content::Header(_)) => "header",
        Some(Content::Categories(_)) => "categories",
        Some(Content::Items(_)) => "items",
        Some(Content::Trailer(_)) => "trailer",
        None => "nothing",
    }
}

/// The refusal of a frame out of order.
#[cold]
pub(super) fn out_of_order(expected: &str, actual: &str) -> CallError {
    let what = format_args!("is {actual}, it must be {expected}");
    CallError::at(ErrorReason::InvalidSnapshot, "frame", what)
        .with("expected", expected)
        .with("actual", actual)
}
