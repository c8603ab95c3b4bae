//! One call on its way: decoded, admitted, and only then let near the engine.

use std::sync::Arc;
use std::time::Instant;

use ee_access::grant::{Grant, Pattern};
use ee_core::command::Command;
use ee_engine::{Engine, NamespaceView, ReadContext, Target, WriteContext, Written};
use prost::Message;
use xxhash_rust::xxh3::Xxh3;

use crate::decode::path::Path;
use crate::decode::{shape, text, too_large};
use crate::error::{self, FieldPaths};
use crate::fault::{Fault, Result};
use crate::limits::{
    ACTOR_BYTES, EMBEDDING_MODEL_BYTES, REASON_BYTES, REQUEST_BYTES, REQUEST_ID_BYTES,
};
use crate::proto::v1::{ErrorReason, WriteOptions};
use crate::request::{Request, WriteRequest};
use crate::service::Service;
use crate::table::Method;

/// A call that may be answered, as far as can be said before its request is read.
pub(crate) struct Call<'a> {
    pub(crate) service: &'a Service,
    method: &'static Method,
    pub(crate) grant: &'a Grant,
    deadline: Option<Instant>,
}

impl<'a> Call<'a> {
    /// Begins a call, unless it is too late, or the caller may not call the method on anything.
    pub(crate) fn begin(
        service: &'a Service,
        method: &'static Method,
        grant: &'a Grant,
        deadline: Option<Instant>,
    ) -> Result<Self> {
        if !grant.allows_somewhere(method.scope) {
            return Err(denied(method));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(error::fault(
                FieldPaths::SINGLE,
                ee_engine::Error::DeadlineExceeded,
            ));
        }
        Ok(Self {
            service,
            method,
            grant,
            deadline,
        })
    }

    /// Answers a method that reads a namespace.
    pub(crate) fn read<Q: Request, A: Message>(
        &self,
        request: &[u8],
        run: impl FnOnce(&Room<'a>, Q) -> Result<A>,
    ) -> Result<Vec<u8>> {
        let mut request: Q = self.decode(request)?;
        let room = self.admit(Q::NAME_FIELD, request.take_name())?;
        Ok(run(&room, request)?.encode_to_vec())
    }

    /// Answers a method that reads a namespace, if `run` can do that at once.
    pub(crate) fn read_at_once<Q: Request, A: Message>(
        &self,
        request: &[u8],
        run: impl FnOnce(&Room<'a>, Q) -> Result<Option<A>>,
    ) -> Result<Option<Vec<u8>>> {
        let mut request: Q = self.decode(request)?;
        let room = self.admit(Q::NAME_FIELD, request.take_name())?;
        Ok(run(&room, request)?.map(|answer| answer.encode_to_vec()))
    }

    /// Answers a method that writes to a namespace.
    pub(crate) fn write<Q: WriteRequest, A: Message>(
        &self,
        request: &[u8],
        run: impl FnOnce(&Room<'a>, Q, Writing) -> Result<A>,
    ) -> Result<Vec<u8>> {
        let mut request: Q = self.decode(request)?;
        let fingerprint = self.fingerprint(&mut request);
        let room = self.admit(Q::NAME_FIELD, request.take_name())?;
        let options = request.options().take().unwrap_or_default();
        let writing = self.writing(options, fingerprint)?;
        Ok(run(&room, request, writing)?.encode_to_vec())
    }

    /// Answers a method that is not called on a namespace.
    pub(crate) fn service<Q: Message + Default, A: Message>(
        &self,
        request: &[u8],
        run: impl FnOnce(&Self, Q) -> Result<A>,
    ) -> Result<Vec<u8>> {
        let request: Q = decode(self.method, request)?;
        Ok(run(self, request)?.encode_to_vec())
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &'a Engine {
        self.service.engine()
    }

    /// Whether the caller may do this to every namespace.
    pub(crate) fn covers_everything(&self) -> bool {
        self.grant.covered(self.method.scope, "") == [Pattern::Prefix(String::new())]
    }

    /// The refusal of a call that the grant does not cover.
    #[cold]
    pub(crate) fn denied(&self) -> Fault {
        denied(self.method)
    }

    /// The request, once it is known to be within its limits.
    pub(crate) fn decode<Q: Request>(&self, request: &[u8]) -> Result<Q> {
        shape::check(request, Q::SHAPE)?;
        decode(self.method, request)
    }

    /// Lets the call into a namespace, whether or not there is one of this name.
    pub(crate) fn admit(&self, field: &'static str, name: String) -> Result<Room<'a>> {
        text::namespace_name(Path::field(field), &name)?;
        if !self.grant.allows(self.method.scope, &name) {
            return Err(self.denied());
        }
        Ok(Room {
            engine: self.engine(),
            method: self.method.name,
            name,
            deadline: self.deadline,
        })
    }

    /// Circumstances of a write, from what a request says and from who calls.
    pub(crate) fn writing(
        &self,
        options: WriteOptions,
        (request_id, fingerprint): (String, u64),
    ) -> Result<Writing> {
        let write = Path::field("write");
        text::text(write.then("request_id"), &request_id, REQUEST_ID_BYTES)?;
        text::text(write.then("actor"), &options.actor, ACTOR_BYTES)?;
        text::text(write.then("reason"), &options.reason, REASON_BYTES)?;
        let model = options.embedding_model;
        text::text(write.then("embedding_model"), &model, EMBEDDING_MODEL_BYTES)?;
        let actor = if options.actor.is_empty() {
            self.grant.principal().to_owned()
        } else {
            options.actor
        };
        let context = WriteContext {
            actor,
            reason: options.reason,
            request_id,
            fingerprint,
            validate_only: options.validate_only,
            deadline: self.deadline,
        };
        Ok(Writing { context, model })
    }

    /// The request's id, taken out of it, and a hash of what is left: the method and the message
    /// in the one form in which it is written here, so that an encoder that orders a map in
    /// another way the second time still says the same thing.
    pub(crate) fn fingerprint<Q: WriteRequest>(&self, request: &mut Q) -> (String, u64) {
        let id = request.options().as_mut().map(|o| &mut o.request_id);
        let id = id.map(std::mem::take).unwrap_or_default();
        if id.is_empty() {
            return (id, 0);
        }
        let mut hash = Xxh3::new();
        hash.update(self.method.name.as_bytes());
        hash.update(&[0]);
        hash.update(&request.encode_to_vec());
        (id, hash.digest())
    }
}

/// A namespace that the caller may enter. Only with one does a method reach the engine.
pub(crate) struct Room<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) method: &'static str,
    pub(crate) name: String,
    pub(crate) deadline: Option<Instant>,
}

impl Room<'_> {
    /// Circumstances of a read.
    pub(crate) fn reading(&self, min_revision: u64) -> ReadContext {
        ReadContext {
            min_revision,
            deadline: self.deadline,
        }
    }

    /// The namespace's identity and settings, if its vectors come from this model.
    pub(crate) fn target(&self, model: &str) -> Result<Arc<Target>> {
        let target = self
            .engine
            .settings(&self.name)
            .map_err(|error| error::fault(FieldPaths::SINGLE, error))?;
        check_model(&target.settings.embedding_model, model)?;
        Ok(target)
    }

    /// Writes to the namespace.
    pub(crate) fn write(
        &self,
        target: &Target,
        paths: FieldPaths,
        command: Command,
        writing: Writing,
    ) -> Result<Written> {
        self.engine
            .write(target, command, writing.context)
            .map_err(|error| error::fault(paths, error))
    }

    /// The namespace, at a revision or a later one.
    pub(crate) fn view(&self, min_revision: u64) -> Result<NamespaceView> {
        self.engine
            .namespace(&self.name, self.reading(min_revision))
            .map_err(|error| error::fault(FieldPaths::SINGLE, error))
    }
}

/// Circumstances of a write.
pub(crate) struct Writing {
    /// For the engine.
    pub(crate) context: WriteContext,
    /// The model that the request says its vectors come from; empty: it does not say.
    pub(crate) model: String,
}

/// Refuses a request that names another model than the namespace's.
pub(crate) fn check_model(own: &str, named: &str) -> Result<()> {
    if named.is_empty() || named == own {
        return Ok(());
    }
    let message =
        format!("the request's vectors come from {named:?}, the namespace's from {own:?}");
    Err(Fault::new(ErrorReason::ModelMismatch, message)
        .with("expected", own)
        .with("actual", named))
}

/// A request from its bytes.
pub(crate) fn decode<Q: Message + Default>(method: &Method, request: &[u8]) -> Result<Q> {
    if request.len() > REQUEST_BYTES {
        let path = Path::field("request");
        return Err(too_large(path, request.len(), REQUEST_BYTES, "bytes"));
    }
    Q::decode(request).map_err(|error| {
        let message = format!("the request is not a {} request: {error}", method.name);
        Fault::new(ErrorReason::MalformedRequest, message).with("method", method.name)
    })
}

/// The refusal of a call that the grant does not cover.
#[cold]
fn denied(method: &Method) -> Fault {
    let (name, scope) = (method.name, method.scope.name());
    let message = format!("{name} needs the scope {scope}, which this caller does not have here");
    Fault::new(ErrorReason::PermissionDenied, message)
        .with("method", name)
        .with("required", scope)
}
