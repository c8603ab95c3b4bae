//! Restore: a stream of frames, each checked and taken when it comes; all of it, or nothing.

use ee_access::grant::Grant;
use ee_core::namespace::CategoryRecord;
use ee_core::settings::NamespaceSettings;
use ee_engine::{Engine, Frame, ItemView, NamespaceView, NewNamespace, Restore, WriteContext};
use prost::Message;

use super::frame_sequence::{FrameSequence, kind, out_of_order};
use super::snapshot_records;
use crate::call::{self, Call, WriteParams};
use crate::call_error::{CallError, Result, all};
use crate::decode::path::Path;
use crate::decode::{self, number, shape};
use crate::encode::{self, SNAPSHOT_FORMAT};
use crate::frame_checksum::FrameChecksums;
use crate::method::Method;
use crate::proto::v1::snapshot_frame::Content;
use crate::proto::v1::{
    Category, Item, Namespace, RestoreRequest, RestoreResponse, SnapshotHeader, SnapshotView,
};
use crate::request::Request;
use crate::state::ServiceState;
use crate::streams::RequestSink;

/// Begins a restore. The name of the namespace comes with the first message.
pub(crate) fn begin(call: &Call<'_>) -> Result<Box<dyn RequestSink>> {
    Ok(Box::new(RestoreSink {
        state: call.state.clone(),
        method: call.method,
        grant: call.grant.clone(),
        checksums: FrameChecksums::default(),
        stage: Stage::Empty,
    }))
}

/// A restore that has begun. Dropping it leaves nothing behind.
struct RestoreSink {
    state: ServiceState,
    method: &'static Method,
    grant: Grant,
    checksums: FrameChecksums,
    stage: Stage,
}

enum Stage {
    /// Before the first message.
    Empty,
    /// After the header.
    Open(Box<Open>),
    /// After the header of a restore that was finished before: the rest is only compared.
    Again(Box<Again>),
}

struct Open {
    restore: Restore,
    /// The namespace's settings, under which vectors are checked; stored ones stay bit for bit.
    settings: NamespaceSettings,
    sequence: FrameSequence,
    trailer: Option<Frame>,
}

struct Again {
    view: NamespaceView,
    request_id: String,
    /// The trailer has come.
    ended: bool,
}

impl RequestSink for RestoreSink {
    fn push(&mut self, request: &[u8]) -> Result<()> {
        shape::check(request, RestoreRequest::SHAPE)?;
        let request: RestoreRequest = call::decode(self.method, request)?;
        // A frame without content is out of order, which says more.
        if let Some(frame) = request
            .frame
            .as_ref()
            .filter(|frame| frame.content.is_some())
        {
            self.checksums.check(frame)?;
        }
        match &mut self.stage {
            Stage::Empty => self.stage = self.open(request)?,
            Stage::Open(open) => open.take(request).map_err(CallError::in_snapshot)?,
            Stage::Again(again) => again.take(request)?,
        }
        Ok(())
    }

    /// Checks the whole and makes the namespace.
    fn finish(self: Box<Self>) -> Result<Vec<u8>> {
        let trailer = "trailer (the snapshot is cut short)";
        let cut_short = || out_of_order(trailer, "the end of the stream");
        let view = match self.stage {
            Stage::Open(open) => {
                let frame = open.trailer.ok_or_else(cut_short)?;
                open.restore.finish(frame)?
            }
            Stage::Again(again) if again.ended => again.view,
            Stage::Again(_) => return Err(cut_short()),
            Stage::Empty => return Err(out_of_order(trailer, "nothing")),
        };
        let response = RestoreResponse {
            namespace: Some(encode::namespace::namespace(view)),
        };
        Ok(response.encode_to_vec())
    }
}

impl RestoreSink {
    fn open(&self, mut request: RestoreRequest) -> Result<Stage> {
        let call = Call::begin(&self.state, self.method, &self.grant, None)?;
        // The header has the digest of all that comes after it.
        let fingerprint = call.fingerprint(&mut request);
        let header = match request.frame.and_then(|frame| frame.content) {
            Some(Content::Header(header)) => header,
            other => return Err(out_of_order("header", kind(other.as_ref()))),
        };
        let options = request.write.unwrap_or_default();
        if options.validate_only {
            let field = Path::field("write");
            let field = field.then("validate_only");
            return Err(number::out_of_range(field, "unset", "set"));
        }
        let mut name = request.namespace;
        if name.is_empty() {
            let own = header.namespace.as_ref();
            name = own.map(|own| own.name.clone()).unwrap_or_default();
        }
        call.authorize("namespace", &name)?;
        let mut params = call.write_params(Some(options), fingerprint);
        params.refuse_revision();
        let new = new_namespace(header, name).map_err(CallError::in_snapshot);
        let new = params.violations.finish(new)?;
        let WriteParams { context, model, .. } = params;
        call::check_model(&new.settings.embedding_model, &model)?;
        let engine = &self.state.engine;
        Ok(match engine.restored(&new.name, &context)? {
            Some(view) => Stage::Again(Box::new(Again {
                view,
                request_id: context.request_id,
                ended: false,
            })),
            None => Stage::Open(Box::new(Open::begin(engine, new, context)?)),
        })
    }
}

impl Again {
    /// Compares a frame: the trailer must be the one of the finished restore.
    fn take(&mut self, request: RestoreRequest) -> Result<()> {
        let content = request.frame.and_then(|frame| frame.content);
        if self.ended {
            return Err(out_of_order(
                "the end of the stream",
                kind(content.as_ref()),
            ));
        }
        if let Some(Content::Trailer(trailer)) = content {
            if trailer.digest != self.view.digest {
                let request_id = self.request_id.clone();
                let error = ee_engine::Error::RequestIdReused { request_id };
                return Err(CallError::from(error));
            }
            self.ended = true;
        }
        Ok(())
    }
}

impl Open {
    fn begin(engine: &Engine, new: NewNamespace, context: WriteContext) -> Result<Self> {
        let settings = new.settings.clone();
        let restore = engine.restore(new, context)?;
        Ok(Self {
            restore,
            settings,
            sequence: FrameSequence::default(),
            trailer: None,
        })
    }

    fn take(&mut self, request: RestoreRequest) -> Result<()> {
        let frame = Path::field("frame");
        let content = request.frame.and_then(|frame| frame.content);
        self.sequence.frame(content.as_ref())?;
        let frame = match content {
            Some(Content::Categories(run)) => {
                Frame::Records(self.categories(frame.then("categories"), run.categories)?)
            }
            Some(Content::Items(run)) => Frame::Items(self.items(frame.then("items"), run.items)?),
            Some(Content::Trailer(trailer)) => {
                self.trailer = Some(self.sequence.end(frame.then("trailer"), trailer)?);
                return Ok(());
            }
            Some(Content::Header(_)) | None => return Ok(()),
        };
        Ok(self.restore.push(frame)?)
    }

    fn categories(&mut self, path: Path<'_>, run: Vec<Category>) -> Result<Vec<CategoryRecord>> {
        let record = |(index, entry): (usize, Category)| {
            let path = path.then_entry("categories", index);
            self.sequence.category(path, &entry.key)?;
            snapshot_records::category(&self.settings, path, entry)
        };
        all(run.into_iter().enumerate().map(record))
    }

    fn items(&mut self, path: Path<'_>, run: Vec<Item>) -> Result<Vec<ItemView>> {
        let view = |(index, entry): (usize, Item)| {
            let path = path.then_entry("items", index);
            self.sequence.item(path, &entry)?;
            snapshot_records::item(&self.settings, path, entry)
        };
        all(run.into_iter().enumerate().map(view))
    }
}

/// The namespace that a header describes, under this name.
fn new_namespace(header: SnapshotHeader, name: String) -> Result<NewNamespace> {
    let frame = Path::field("frame");
    let path = frame.then("header");
    if header.format != SNAPSHOT_FORMAT {
        return Err(number::out_of_range(
            path.then("format"),
            SNAPSHOT_FORMAT,
            header.format,
        ));
    }
    let view = SnapshotView::try_from(header.view);
    if !matches!(view, Ok(SnapshotView::Full | SnapshotView::Unspecified)) {
        let actual = view.map_or("unknown", |view| view.as_str_name());
        let full = SnapshotView::Full.as_str_name();
        return Err(number::out_of_range(path.then("view"), full, actual));
    }
    let path = path.then("namespace");
    let namespace = header
        .namespace
        .ok_or_else(|| decode::required(path, "is not set"))?;
    decode::namespace::new_namespace(path, Namespace { name, ..namespace })
}
