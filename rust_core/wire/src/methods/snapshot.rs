//! Snapshot: a stream of frames, each serialized when it is asked for.

use ee_access::Status;
use ee_engine::{Snapshot, SnapshotView};
use prost::Message;

use crate::call::Call;
use crate::decode::number;
use crate::decode::path::Path;
use crate::encode;
use crate::error::{self, FieldPaths};
use crate::fault::Result;
use crate::proto::v1::{self, SnapshotRequest, SnapshotResponse};
use crate::request::Request;
use crate::service::guard;

/// The serialized messages of a snapshot.
pub struct SnapshotStream {
    /// None: it has ended.
    frames: Option<Snapshot>,
}

impl SnapshotStream {
    pub(crate) fn open(call: &Call<'_>, request: &[u8]) -> Result<Self> {
        let mut request: SnapshotRequest = call.decode(request)?;
        let call = call.on_namespace(SnapshotRequest::NAME_FIELD, &request.take_name())?;
        let view = match v1::SnapshotView::try_from(request.view) {
            Ok(v1::SnapshotView::Unspecified | v1::SnapshotView::Full) => SnapshotView::Full,
            Ok(v1::SnapshotView::Effective) => SnapshotView::Effective,
            Err(_) => {
                let path = Path::field("view");
                return Err(number::out_of_range(path, "0 to 2", request.view));
            }
        };
        let frames = call
            .engine
            .snapshot(
                &call.namespace,
                view,
                call.read_context(request.min_revision),
            )
            .map_err(|error| error::fault(FieldPaths::SINGLE, error))?;
        Ok(Self {
            frames: Some(frames),
        })
    }
}

impl Iterator for SnapshotStream {
    type Item = std::result::Result<Vec<u8>, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut frames = self.frames.take()?;
        let message = guard(|| {
            let Some(frame) = frames.next() else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| error::fault(FieldPaths::SINGLE, error))?;
            let response = SnapshotResponse {
                frame: Some(encode::snapshot::frame(frame)),
            };
            Ok(Some((response.encode_to_vec(), frames)))
        });
        // Without its frames, after an error or the end, the stream has ended.
        match message.transpose()? {
            Ok((bytes, frames)) => {
                self.frames = Some(frames);
                Some(Ok(bytes))
            }
            Err(status) => Some(Err(status)),
        }
    }
}
