//! The calls of the service, whatever brings them: their methods, their admission, and what is
//! recorded of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use ee_access::concurrency::{Permit, Work};
use ee_access::load_shedding::LoadShedder;
use ee_access::tokens::Caller;
use ee_access::{Admission, Status, refusals};
use ee_wire::{Kind, METHODS, Scope, Service};
use parking_lot::RwLock;

use crate::ids::Ids;
use crate::metrics::MethodCounts;
use crate::record::{Observation, Observer, Record, Recording};

/// The full name of the service.
pub(crate) const SERVICE: &str = "effective_embeddings.v1.EffectiveEmbeddingsService";

/// A method of the service.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether some of its calls are short.
    pub(crate) short: bool,
    pub(crate) observer: Arc<Observer>,
    shedder: LoadShedder,
}

/// An admitted call: its method, its caller, and the room that it has.
pub(crate) type Admitted = (Arc<Method>, Arc<Caller>, Permit);

/// The calls of one service.
pub struct Calls {
    pub(crate) admission: Arc<Admission>,
    pub(crate) observation: Arc<Observation>,
    pub(crate) ids: Ids,
    methods: HashMap<&'static str, Arc<Method>>,
    /// Records the calls of methods that the service does not have, under one name: a caller cannot
    /// choose the names of metrics.
    unknown: Arc<Observer>,
    service: RwLock<Option<Service>>,
}

impl Calls {
    /// The calls of a service that is opened later. `seed` is a random number, from which the ids of
    /// calls are made.
    pub fn new(admission: Arc<Admission>, recording: Recording, seed: u64) -> Arc<Self> {
        let observation = Arc::new(Observation::new(recording));
        let observer = |method, writes| {
            Arc::new(Observer {
                service: SERVICE,
                method,
                writes,
                metrics: Default::default(),
                common: Arc::clone(&observation),
            })
        };
        let methods = METHODS.iter().map(|method| {
            let found = Method {
                name: method.name,
                kind: method.kind,
                short: method.short,
                observer: observer(method.name, method.scope != Scope::Read),
                shedder: LoadShedder::new(),
            };
            (method.name, Arc::new(found))
        });
        Arc::new(Self {
            methods: methods.collect(),
            unknown: observer("unknown", false),
            ids: Ids::new(seed),
            admission,
            observation,
            service: RwLock::new(None),
        })
    }

    /// Answers calls with a service from now on.
    pub fn open(&self, service: Service) {
        *self.service.write() = Some(service);
    }

    /// Lets go of the service.
    pub fn close(&self) {
        *self.service.write() = None;
    }

    /// The service; refused while the data is being opened, and once it is closed.
    pub(crate) fn service(&self) -> Result<Service, Status> {
        self.service.read().clone().ok_or_else(refusals::starting)
    }

    /// Whether writes are accepted: neither the store nor the audit log has failed.
    pub(crate) fn may_write(&self) -> bool {
        let service = self.service.read().clone();
        service.is_some_and(|service| service.engine().may_write().is_ok())
            && self.observation.audit_refusal().is_none()
    }

    /// Begins the record of a call whose headers have come.
    pub(crate) fn record(&self, name: &str, peer: &Arc<str>) -> Record {
        let method = self.methods.get(name);
        let observer = method.map_or(&self.unknown, |method| &method.observer);
        Record::begin(observer, self.ids.next(), peer)
    }

    /// Admits a call or refuses it, before a byte of its request is read. `tokens` are the values of
    /// its `authorization` metadata; `queued` says that more calls than
    /// [`MAX_QUEUED_CALLS`](ee_access::limits::MAX_QUEUED_CALLS) waited when it came.
    pub(crate) fn admit<'a>(
        &self,
        name: &str,
        tokens: impl IntoIterator<Item = &'a [u8]>,
        record: &mut Record,
        queued: bool,
    ) -> Result<Admitted, Status> {
        let admission = &self.admission;
        let caller = admission.identify(tokens)?;
        record.principal = Some(Arc::clone(caller.principal()));
        let Some(method) = self.methods.get(name) else {
            admission.admit(&caller, Instant::now())?;
            return Err(self.unknown_method(name, &caller));
        };
        let now = record.began();
        let permit = match method.kind {
            Kind::Unary => {
                method.observer.check_audit_log()?;
                admission.arrive(&caller, &method.shedder, queued, now)?
            }
            Kind::ServerStream | Kind::ClientStream => {
                admission.admit(&caller, now)?;
                method.observer.check_audit_log()?;
                admission.acquire(&caller, Work::Streaming)?
            }
        };
        Ok((Arc::clone(method), caller, permit))
    }

    /// The refusal of a method that the service does not have: its own, whatever the request is.
    fn unknown_method(&self, name: &str, caller: &Caller) -> Status {
        let answer = self
            .service()
            .and_then(|service| service.call(name, b"", caller.grant(), None));
        answer.err().unwrap_or_else(|| refusals::internal(name))
    }

    /// The counts of calls, as (kind, service, method, counts).
    pub fn counts(&self) -> Vec<(&'static str, &'static str, &'static str, MethodCounts)> {
        let mut counts: Vec<_> = self.methods.values().collect();
        counts.sort_unstable_by_key(|method| method.name);
        let counts = counts.into_iter().map(|method| {
            let kind = match method.kind {
                Kind::Unary => "unary",
                Kind::ServerStream => "server_stream",
                Kind::ClientStream => "client_stream",
            };
            (kind, SERVICE, method.name, method.observer.metrics.read())
        });
        let unknown = ("unary", SERVICE, "unknown", self.unknown.metrics.read());
        counts.chain([unknown]).collect()
    }

    /// Refused calls, by reason.
    pub fn refused(&self) -> Vec<(&'static str, u64)> {
        self.observation.refused.read()
    }
}
