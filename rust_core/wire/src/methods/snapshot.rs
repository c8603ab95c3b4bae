//! Snapshot: a stream of frames, each serialized when it is asked for.

use ee_engine::SnapshotView;
use prost::Message;

use crate::call::Call;
use crate::call_error::Result;
use crate::decode::number;
use crate::decode::path::Path;
use crate::encode;
use crate::frame_checksum::FrameChecksums;
use crate::proto::v1::{self, SnapshotRequest, SnapshotResponse};
use crate::request::Request;
use crate::streams::Replies;

/// Opens a snapshot of a namespace.
pub(crate) fn open(call: &Call<'_>, request: &[u8]) -> Result<Replies> {
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
    let context = call.read_context(request.min_revision, request.epoch)?;
    let frames = call.engine.snapshot(&call.namespace, view, context)?;
    let mut checksums = FrameChecksums::default();
    Ok(Box::new(frames.map(move |frame| {
        let mut frame = encode::snapshot::frame(frame?);
        checksums.seal(&mut frame);
        let response = SnapshotResponse { frame: Some(frame) };
        Ok(response.encode_to_vec())
    })))
}
