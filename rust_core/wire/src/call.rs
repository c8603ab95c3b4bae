//! One call: its request is decoded and its namespace authorized and found before a method runs.

use std::time::Instant;

use ee_access::grant::{Grant, Pattern, Scope};
use ee_core::settings::NamespaceSettings;
use ee_engine::{Engine, NamespaceHandle, NamespaceView, ReadContext, WriteContext};
use prost::Message;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::call_error::{CallError, Result, Violations};
use crate::decode::path::Path;
use crate::decode::{number, shape, text, too_large};
use crate::limits::{
    ACTOR_BYTES, EMBEDDING_MODEL_BYTES, REASON_BYTES, REQUEST_BYTES, REQUEST_ID_BYTES,
};
use crate::method::Method;
use crate::proto::v1::{ErrorReason, WriteOptions};
use crate::request::{Request, WriteRequest};
use crate::state::ServiceState;

/// A call and its serialized request.
pub(crate) type RequestedCall<'a> = (Call<'a>, &'a [u8]);

/// A serialized reply; `None`: the call may wait, or take longer than microseconds.
pub(crate) type ShortAnswer = Result<Option<Vec<u8>>>;

/// A call within its deadline whose grant covers the method; the request is still unread.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a ServiceState,
    pub(crate) method: &'static Method,
    pub(crate) grant: &'a Grant,
    deadline: Option<Instant>,
    waits: &'a dyn Fn(),
}

impl<'a> Call<'a> {
    /// Begins a call, unless its deadline has passed or the grant covers the method in no namespace.
    pub(crate) fn begin(
        state: &'a ServiceState,
        method: &'static Method,
        grant: &'a Grant,
        deadline: Option<Instant>,
    ) -> Result<Self> {
        if !grant.allows_somewhere(method.scope) {
            return Err(denied(method));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(ee_engine::Error::DeadlineExceeded.into());
        }
        Ok(Self {
            state,
            method,
            grant,
            deadline,
            waits: &|| {},
        })
    }

    /// The call in a thread that other calls need: `waits` is called before a namespace is loaded.
    pub(crate) fn with_waits(self, waits: &'a dyn Fn()) -> Self {
        Self { waits, ..self }
    }

    /// Answers a method that reads a namespace.
    pub(crate) fn read<Q: Request, A: Message>(
        &self,
        request: &[u8],
        run: impl FnOnce(&NamespaceCall<'a>, Q) -> Result<A>,
    ) -> Result<Vec<u8>> {
        let mut request: Q = self.decode(request)?;
        let call = self.on_namespace(Q::NAME_FIELD, &request.take_name())?;
        Ok(run(&call, request)?.encode_to_vec())
    }

    /// Answers a method that writes to a namespace in another way than by a command.
    pub(crate) fn write<Q: WriteRequest, A: Message>(
        &self,
        request: &[u8],
        run: impl FnOnce(&NamespaceCall<'a>, Q, WriteParams) -> Result<A>,
    ) -> Result<Vec<u8>> {
        let run = |call: NamespaceCall<'a>, request, params| run(&call, request, params);
        Ok(self.plan(request, run)?.encode_to_vec())
    }

    /// Plans a method's command on a namespace.
    pub(crate) fn plan<Q: WriteRequest, P>(
        &self,
        request: &[u8],
        run: impl FnOnce(NamespaceCall<'a>, Q, WriteParams) -> Result<P>,
    ) -> Result<P> {
        let mut request: Q = self.decode(request)?;
        let fingerprint = self.fingerprint(&mut request);
        let name = request.take_name();
        self.authorize(Q::NAME_FIELD, &name)?;
        let mut params = self.write_params(request.options().take(), fingerprint);
        let call = self.enter(&name)?;
        let model = check_model(&call.settings().embedding_model, &params.model);
        if model.is_err() {
            // Not a field violation: a mismatch depends on the namespace.
            params.violations.finish(model)?;
        }
        run(call, request, params)
    }

    /// Answers a method that creates or deletes the namespace that the request names.
    pub(crate) fn write_catalog<Q: WriteRequest, A: Message>(
        &self,
        request: &[u8],
        run: impl FnOnce(&Self, String, Q, WriteParams) -> Result<A>,
    ) -> Result<Vec<u8>> {
        let mut request: Q = self.decode(request)?;
        let fingerprint = self.fingerprint(&mut request);
        let name = request.take_name();
        self.authorize(Q::NAME_FIELD, &name)?;
        let mut params = self.write_params(request.options().take(), fingerprint);
        params.refuse_revision();
        Ok(run(self, name, request, params)?.encode_to_vec())
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
        &self.state.engine
    }

    /// Whether the grant covers every namespace in this scope.
    pub(crate) fn covers_everything(&self) -> bool {
        self.grant.covered(self.method.scope, "") == [Pattern::Prefix(String::new())]
    }

    /// The refusal of a call that the grant does not cover.
    #[cold]
    pub(crate) fn denied(&self) -> CallError {
        denied(self.method)
    }

    /// Decodes the request, once its lists are known to be within their limits.
    pub(crate) fn decode<Q: Request>(&self, request: &[u8]) -> Result<Q> {
        shape::check(request, Q::SHAPE)?;
        decode(self.method, request)
    }

    /// Checks a namespace's name and that the grant covers the name, whether or not such a namespace
    /// exists.
    pub(crate) fn authorize(&self, field: &'static str, name: &str) -> Result<()> {
        text::namespace_name(Path::field(field), name)?;
        if self.grant.allows(self.method.scope, name) {
            Ok(())
        } else {
            Err(self.denied())
        }
    }

    /// The call on a namespace, if the caller may make it there.
    pub(crate) fn on_namespace(
        &self,
        field: &'static str,
        name: &str,
    ) -> Result<NamespaceCall<'a>> {
        self.authorize(field, name)?;
        self.enter(name)
    }

    /// The call on a namespace for which the caller is authorized.
    pub(crate) fn enter(&self, name: &str) -> Result<NamespaceCall<'a>> {
        let namespace = match self.engine().try_handle(name) {
            Some(namespace) => namespace,
            None => {
                (self.waits)();
                self.engine().handle(name)?
            }
        };
        Ok(self.inside(namespace))
    }

    /// The call on a namespace for which the caller is authorized.
    pub(crate) fn inside(&self, namespace: NamespaceHandle) -> NamespaceCall<'a> {
        NamespaceCall {
            engine: self.engine(),
            method: self.method.name,
            namespace,
            grant: self.grant,
            at_once: self.state.at_once,
            deadline: self.deadline,
        }
    }

    /// The parameters of a write, from the request's options and the caller's identity.
    pub(crate) fn write_params(
        &self,
        options: Option<WriteOptions>,
        (request_id, fingerprint): (String, u64),
    ) -> WriteParams {
        let options = options.unwrap_or_default();
        let write = Path::field("write");
        let mut violations = Violations::default();
        for (name, value, limit) in [
            ("request_id", &request_id, REQUEST_ID_BYTES),
            ("actor", &options.actor, ACTOR_BYTES),
            ("reason", &options.reason, REASON_BYTES),
            (
                "embedding_model",
                &options.embedding_model,
                EMBEDDING_MODEL_BYTES,
            ),
        ] {
            violations.check(text::text(write.then(name), value, limit));
        }
        let model = options.embedding_model;
        let context = WriteContext {
            actor: author(self.grant, options.actor),
            reason: options.reason,
            request_id,
            fingerprint,
            if_revision: (options.if_revision > 0).then_some(options.if_revision),
            validate_only: options.validate_only,
            deadline: self.deadline,
        };
        WriteParams {
            context,
            model,
            violations,
        }
    }

    /// The request's id, taken out of the request, and a hash of the method and of the rest of the
    /// message as this crate encodes it: a client's encoder may order a map differently in a retry.
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

/// The author of a change: the one that the request names, or the caller.
fn author(grant: &Grant, named: String) -> String {
    match named.is_empty() {
        true => grant.principal().to_owned(),
        false => named,
    }
}

/// An authorized call on a namespace. Methods reach the content of a namespace through it only.
pub(crate) struct NamespaceCall<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) method: &'static str,
    pub(crate) namespace: NamespaceHandle,
    grant: &'a Grant,
    at_once: bool,
    pub(crate) deadline: Option<Instant>,
}

impl NamespaceCall<'_> {
    /// The namespace's settings.
    pub(crate) fn settings(&self) -> &NamespaceSettings {
        self.namespace.settings()
    }

    /// The author of a change that is not made; see [`author`].
    pub(crate) fn author(&self, named: String) -> String {
        author(self.grant, named)
    }

    /// Whether the caller's grant covers the namespace in a scope.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.grant.allows(scope, self.namespace.name())
    }

    /// The epoch of the namespace's revisions.
    pub(crate) fn epoch(&self) -> u64 {
        self.engine.epoch(&self.namespace)
    }

    /// The context of a read from a revision on, which is of this epoch (0: of an unknown one).
    pub(crate) fn read_context(&self, min_revision: u64, epoch: u64) -> Result<ReadContext> {
        self.check_epoch("min_revision", epoch)?;
        Ok(ReadContext {
            min_revision,
            caller: (min_revision > 0).then(|| xxh3_64(self.grant.principal().as_bytes())),
            at_once: self.at_once,
            deadline: self.deadline,
        })
    }

    /// Refuses a revision of another epoch; 0: of an unknown one.
    pub(crate) fn check_epoch(&self, revision: &str, epoch: u64) -> Result<()> {
        let own = self.epoch();
        if epoch == 0 || epoch == own {
            return Ok(());
        }
        let message = format!(
            "{revision} is of another epoch: the data was replaced by a backup, or the namespace was \
             created again"
        );
        let error = CallError::new(ErrorReason::EpochChanged, message);
        Err(error
            .with("expected", format_args!("{epoch:016x}"))
            .with("actual", format_args!("{own:016x}")))
    }

    /// The namespace, at `min_revision` or later.
    pub(crate) fn view(&self, min_revision: u64, epoch: u64) -> Result<NamespaceView> {
        let context = self.read_context(min_revision, epoch)?;
        Ok(self.engine.namespace(&self.namespace, context)?)
    }
}

/// The parameters of a write.
pub(crate) struct WriteParams {
    /// The context that the engine takes.
    pub(crate) context: WriteContext,
    /// The model of the request's vectors; empty: not given.
    pub(crate) model: String,
    /// Invalid fields found so far; the method adds its own.
    pub(crate) violations: Violations,
}

impl WriteParams {
    /// Refuses an `if_revision` where no revision can be expected.
    pub(crate) fn refuse_revision(&mut self) {
        if let Some(revision) = self.context.if_revision {
            let write = Path::field("write");
            let path = write.then("if_revision");
            let error = number::out_of_range(path, "0 in this request", revision);
            self.violations.check(Err::<(), _>(error));
        }
    }
}

/// Refuses a request that names another model than the namespace's.
pub(crate) fn check_model(own: &str, named: &str) -> Result<()> {
    if named.is_empty() || named == own {
        return Ok(());
    }
    let message =
        format!("the request's vectors come from {named:?}, the namespace's from {own:?}");
    Err(CallError::new(ErrorReason::ModelMismatch, message)
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
        CallError::new(ErrorReason::MalformedRequest, message).with("method", method.name)
    })
}

/// The refusal of a call that the grant does not cover.
#[cold]
fn denied(method: &Method) -> CallError {
    let (name, scope) = (method.name, method.scope.name());
    let message = format!("{name} needs the scope {scope}, which this caller does not have here");
    CallError::new(ErrorReason::PermissionDenied, message)
        .with("method", name)
        .with("required", scope)
}
