//! Restore: a stream of frames, each checked and taken when it comes; all of it, or nothing.

use ee_access::Status;
use ee_access::grant::Grant;
use ee_core::namespace::CategoryRecord;
use ee_core::settings::NamespaceSettings;
use ee_engine::{Engine, Frame, ItemView, NamespaceView, NewNamespace, Restore, WriteContext};
use prost::Message;

use super::order::{Order, kind, out_of_order};
use crate::call::{self, Call, WriteParams};
use crate::decode::path::Path;
use crate::decode::{self, number, shape, snapshot};
use crate::encode::{self, SNAPSHOT_FORMAT};
use crate::error::{self, FieldPaths};
use crate::fault::{Fault, Result};
use crate::proto::v1::snapshot_frame::Content;
use crate::proto::v1::{
    Category, Item, Namespace, RestoreRequest, RestoreResponse, SnapshotHeader, SnapshotView,
};
use crate::request::Request;
use crate::service::{Service, guard};
use crate::table::RESTORE;

/// A restore that has begun. Dropping it leaves nothing behind.
pub struct RestoreStream {
    service: Service,
    grant: Grant,
    stage: Stage,
}

enum Stage {
    /// Nothing has come yet.
    Empty,
    /// The header has come.
    Open(Box<Open>),
    /// The header has come, of a restore that was finished before: the rest is only looked at.
    Again(Box<Again>),
    /// It has failed.
    Over,
}

struct Open {
    restore: Restore,
    /// The namespace's settings, under which vectors are checked and kept bit for bit.
    settings: NamespaceSettings,
    order: Order,
    trailer: Option<Frame>,
}

struct Again {
    view: NamespaceView,
    request_id: String,
    /// The trailer has come.
    ended: bool,
}

impl RestoreStream {
    pub(crate) fn new(service: Service, grant: Grant) -> Self {
        Self {
            service,
            grant,
            stage: Stage::Empty,
        }
    }

    /// Takes the next message. After an error only dropping it is left.
    pub fn push(&mut self, request: &[u8]) -> std::result::Result<(), Status> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        self.stage = guard(|| {
            shape::check(request, RestoreRequest::SHAPE)?;
            let request: RestoreRequest = call::decode(&RESTORE, request)?;
            match stage {
                Stage::Empty => self.open(request),
                Stage::Open(mut open) => {
                    open.take(request).map_err(Fault::in_snapshot)?;
                    Ok(Stage::Open(open))
                }
                Stage::Again(mut again) => {
                    again.take(request)?;
                    Ok(Stage::Again(again))
                }
                Stage::Over => Err(out_of_order("nothing", "a frame after an error")),
            }
        })?;
        Ok(())
    }

    /// Checks the whole and makes the namespace; returns the serialized reply.
    pub fn finish(mut self) -> std::result::Result<Vec<u8>, Status> {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        guard(|| {
            let trailer = "trailer (the snapshot is cut short)";
            let cut_short = || out_of_order(trailer, "the end of the stream");
            let view = match stage {
                Stage::Open(open) => {
                    let frame = open.trailer.ok_or_else(cut_short)?;
                    let finished = open.restore.finish(frame);
                    finished.map_err(|error| error::fault(FieldPaths::SINGLE, error))?
                }
                Stage::Again(again) if again.ended => again.view,
                Stage::Again(_) => return Err(cut_short()),
                Stage::Empty | Stage::Over => return Err(out_of_order(trailer, "nothing")),
            };
            let response = RestoreResponse {
                namespace: Some(encode::namespace::namespace(view)),
            };
            Ok(response.encode_to_vec())
        })
    }

    fn open(&self, mut request: RestoreRequest) -> Result<Stage> {
        let call = Call::begin(&self.service, &RESTORE, &self.grant, None)?;
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
        let WriteParams { context, model } = call.write_params(Some(options), fingerprint)?;
        let new = new_namespace(header, name).map_err(Fault::in_snapshot)?;
        call::check_model(&new.settings.embedding_model, &model)?;
        let restored = self.service.engine().restored(&new.name, &context);
        let restored = restored.map_err(|error| error::fault(FieldPaths::SINGLE, error))?;
        Ok(match restored {
            Some(view) => Stage::Again(Box::new(Again {
                view,
                request_id: context.request_id,
                ended: false,
            })),
            None => Stage::Open(Box::new(Open::begin(self.service.engine(), new, context)?)),
        })
    }
}

impl Again {
    /// Looks at a frame: the trailer must be that of what was restored.
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
                return Err(error::fault(FieldPaths::SINGLE, error));
            }
            self.ended = true;
        }
        Ok(())
    }
}

impl Open {
    fn begin(engine: &Engine, new: NewNamespace, context: WriteContext) -> Result<Self> {
        let settings = snapshot::as_stored(&new.settings);
        let restore = engine
            .restore(new, context)
            .map_err(|error| error::fault(FieldPaths::SINGLE, error))?;
        Ok(Self {
            restore,
            settings,
            order: Order::default(),
            trailer: None,
        })
    }

    fn take(&mut self, request: RestoreRequest) -> Result<()> {
        let frame = Path::field("frame");
        let content = request.frame.and_then(|frame| frame.content);
        self.order.frame(content.as_ref())?;
        let frame = match content {
            Some(Content::Categories(run)) => {
                Frame::Records(self.categories(frame.then("categories"), run.categories)?)
            }
            Some(Content::Items(run)) => Frame::Items(self.items(frame.then("items"), run.items)?),
            Some(Content::Trailer(trailer)) => {
                self.trailer = Some(self.order.end(frame.then("trailer"), trailer)?);
                return Ok(());
            }
            Some(Content::Header(_)) | None => return Ok(()),
        };
        self.restore
            .push(frame)
            .map_err(|error| error::fault(FieldPaths::SINGLE, error))
    }

    fn categories(&mut self, path: Path<'_>, run: Vec<Category>) -> Result<Vec<CategoryRecord>> {
        let record = |(index, entry): (usize, Category)| {
            let path = path.then_entry("categories", index);
            self.order.category(path, &entry.key)?;
            snapshot::category(&self.settings, path, entry)
        };
        run.into_iter().enumerate().map(record).collect()
    }

    fn items(&mut self, path: Path<'_>, run: Vec<Item>) -> Result<Vec<ItemView>> {
        let view = |(index, entry): (usize, Item)| {
            let path = path.then_entry("items", index);
            self.order.item(path, &entry)?;
            snapshot::item(&self.settings, path, entry)
        };
        run.into_iter().enumerate().map(view).collect()
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
