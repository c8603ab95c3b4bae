//! What all connections of a listener share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use ee_access::load_shedding::LoadShedder;
use ee_access::{Admission, Status, refusals};
use ee_wire::{Kind, METHODS, Scope, Service};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::config::Config;
use crate::events::{Events, Level};
use crate::ids::Ids;
use crate::record::{Observation, Observer};
use crate::workers::Workers;

/// The full name of the service.
pub(crate) const SERVICE: &str = "effective_embeddings.v1.EffectiveEmbeddingsService";

/// How far a listener has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It serves.
    Not,
    /// No connection takes more calls.
    Graceful,
    /// Every connection is closed.
    Now,
}

/// A method of the service.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) observer: Arc<Observer>,
    pub(crate) shedder: LoadShedder,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) admission: Arc<Admission>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) methods: HashMap<&'static str, Arc<Method>>,
    /// Records the calls of methods that the service does not have, under one name: a caller cannot
    /// choose the names of metrics.
    pub(crate) unknown: Arc<Observer>,
    pub(crate) observation: Arc<Observation>,
    pub(crate) ids: Ids,
    /// Calls that were cancelled because their clients stalled.
    pub(crate) stalled: AtomicU64,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) serving: watch::Sender<bool>,
    pub(crate) stop: watch::Sender<Stop>,
    service: RwLock<Option<Service>>,
}

impl Shared {
    pub(crate) fn new(
        config: Config,
        admission: Arc<Admission>,
        observation: Arc<Observation>,
    ) -> Self {
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
                observer: observer(method.name, method.scope != Scope::Read),
                shedder: LoadShedder::new(),
            };
            (method.name, Arc::new(found))
        });
        Self {
            methods: methods.collect(),
            unknown: observer("unknown", false),
            ids: Ids::new(config.seed),
            config,
            admission,
            workers: Arc::default(),
            observation,
            stalled: AtomicU64::new(0),
            connections: Arc::default(),
            serving: watch::Sender::new(false),
            stop: watch::Sender::new(Stop::Not),
            service: RwLock::new(None),
        }
    }

    /// The service; refused while the data is being opened, and once it is closed.
    pub(crate) fn service(&self) -> Result<Service, Status> {
        self.service.read().clone().ok_or_else(refusals::starting)
    }

    /// Replaces the service.
    pub(crate) fn set_service(&self, service: Option<Service>) {
        *self.service.write() = service.map(Service::without_waits);
    }

    /// Whether health is SERVING: the process says so, and nothing has failed since.
    pub(crate) fn is_serving(&self) -> bool {
        let service = self.service.read().clone();
        *self.serving.borrow()
            && service.is_some_and(|service| service.engine().may_write().is_ok())
            && self.observation.audit_refusal().is_none()
    }

    /// The process's log.
    pub(crate) fn events(&self) -> &Arc<Events> {
        &self.observation.events
    }

    /// Notes that a call is cancelled because its client stalled.
    pub(crate) fn note_stalled(&self, peer: &str) {
        self.stalled.fetch_add(1, Relaxed);
        let seconds = self.config.stall_timeout.as_secs_f64();
        let message = format!("cancelled reason=stalled_client seconds={seconds} peer='{peer}'");
        self.events().log(Level::Warning, message);
    }
}
