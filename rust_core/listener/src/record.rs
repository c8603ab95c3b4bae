//! What is recorded of each call: metrics, a debug line, a span, a line in the audit log.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use ee_access::Status;
use ee_access::refusals;
use tokio::sync::watch;

use crate::audit::{AuditLog, Entry};
use crate::codes::GrpcCode;
use crate::events::{Event, Events, Level, Span};
use crate::failure::Failure;
use crate::metrics::{MethodMetrics, Refused};

/// The reasons of writes that are refused while health is not SERVING.
const FAILURES: [&str; 2] = ["STORE_FAILED", "AUDIT_LOG_FAILED"];

/// What the calls of one method are recorded with.
#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    /// Whether successful calls belong into the audit log.
    pub(crate) writes: bool,
    pub(crate) metrics: MethodMetrics,
    pub(crate) common: Arc<Observation>,
}

/// Where the records of calls go.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Takes lines for the log, and spans.
    pub events: Arc<Events>,
    /// Takes writes and refusals; `None`: no audit log is written.
    pub audit: Option<Arc<AuditLog>>,
    /// Whether each call gets a line in the log.
    pub debug: bool,
    /// Whether each admitted call gets a span.
    pub traces: bool,
}

/// What the calls of all methods are recorded with.
#[derive(Debug)]
pub(crate) struct Observation {
    pub(crate) recording: Recording,
    pub(crate) refused: Refused,
    /// Changes when a write is refused because the store or the audit log failed.
    pub(crate) failures: watch::Sender<()>,
}

impl Observation {
    pub(crate) fn new(recording: Recording) -> Self {
        Self {
            recording,
            refused: Refused::default(),
            failures: watch::Sender::default(),
        }
    }

    /// Why writes must be refused now; `None`: the audit log can be written, or need not be.
    pub(crate) fn audit_refusal(&self) -> Option<String> {
        self.recording.audit.as_ref()?.refusal()
    }
}

impl Observer {
    /// Refuses a write while the audit log cannot be written and the settings say so.
    pub(crate) fn check_audit_log(&self) -> Result<(), Status> {
        if !self.writes {
            return Ok(());
        }
        match self.common.audit_refusal() {
            Some(cause) => Err(refusals::audit_log_failed(&cause)),
            None => Ok(()),
        }
    }

    /// Whether the audit log needs the namespaces of calls.
    fn audited(&self) -> bool {
        self.common.recording.audit.is_some()
    }
}

/// The record of one call, from its headers to its end. A record that is dropped ends as cancelled.
#[derive(Debug)]
pub(crate) struct Record {
    observer: Arc<Observer>,
    begin: Instant,
    context: Option<Box<[Option<String>; 2]>>,
    ended: bool,
    pub(crate) id: String,
    pub(crate) peer: Arc<str>,
    pub(crate) principal: Option<Arc<str>>,
    namespace: Option<String>,
}

impl Record {
    /// Begins the record of a call whose headers have come.
    pub(crate) fn begin(observer: &Arc<Observer>, id: String, peer: &Arc<str>) -> Self {
        observer.metrics.begin();
        Self {
            observer: Arc::clone(observer),
            begin: Instant::now(),
            context: None,
            ended: false,
            id,
            peer: Arc::clone(peer),
            principal: None,
            namespace: None,
        }
    }

    /// When the call's headers came.
    pub(crate) fn began(&self) -> Instant {
        self.begin
    }

    /// Notes that the call is admitted: it gets a span, if there are traces. `header` looks up the
    /// call's metadata.
    pub(crate) fn admitted<'a>(&mut self, header: impl Fn(&str) -> Option<&'a str>) {
        if self.observer.common.recording.traces {
            let text = |name| header(name).map(str::to_owned);
            self.context = Some(Box::new([text("traceparent"), text("tracestate")]));
        }
    }

    /// Notes the namespace of a call, for the audit log.
    pub(crate) fn note_namespace(&mut self, request: &[u8]) {
        if self.observer.audited() && self.namespace.is_none() {
            self.namespace = ee_wire::namespace_of(self.observer.method, request);
        }
    }

    /// Whether the end of a call that was answered waits for a disk.
    pub(crate) fn waits_for_disk(&self) -> bool {
        self.observer.writes && self.observer.audited()
    }

    /// Ends the record of a call that was answered. The line of a write is in the audit log
    /// afterwards, so this may wait for a disk.
    pub(crate) fn succeed(mut self) {
        self.end(GrpcCode::OK, "");
    }

    /// Ends the record of a call that was not answered.
    pub(crate) fn fail(mut self, failure: &Failure) {
        match failure {
            Failure::Refused(status) => self.refuse(status),
            other => self.end(other.code(), other.reason()),
        }
    }

    /// Ends the record of a call that was refused.
    pub(crate) fn refuse(mut self, status: &Status) {
        if let Some(detail) = &status.internal_detail {
            let (id, method) = (&self.id, self.observer.method);
            let message = format!("refused id={id} method={method} {detail}");
            let events = &self.observer.common.recording.events;
            events.log(Level::Error, message);
        }
        self.end(status.code.into(), status.reason);
    }

    fn end(&mut self, code: GrpcCode, reason: &'static str) {
        self.ended = true;
        let observer = &self.observer;
        let common = &observer.common;
        let duration = self.begin.elapsed();
        observer.metrics.end(code, duration);
        if !reason.is_empty() {
            common.refused.count(reason);
        }
        if FAILURES.contains(&reason) {
            common.failures.send_replace(());
        }
        if common.recording.debug {
            let message = format!(
                "call id={} method={} principal={} code={} reason={} ms={:.3}",
                self.id,
                observer.method,
                self.principal.as_deref().unwrap_or("-"),
                code.name(),
                if reason.is_empty() { "-" } else { reason },
                duration.as_secs_f64() * 1000.0,
            );
            common.recording.events.log(Level::Debug, message);
        }
        if let Some(context) = self.context.take() {
            let span = Span {
                name: format!("{}/{}", observer.service, observer.method),
                context: *context,
                begin: SystemTime::now() - duration,
                duration,
                code: code.number(),
                reason,
                request_id: self.id.clone(),
            };
            common.recording.events.push(Event::Span(Box::new(span)));
        }
        self.audit(code, reason);
    }

    fn audit(&self, code: GrpcCode, reason: &str) {
        let Some(audit) = &self.observer.common.recording.audit else {
            return;
        };
        if !(self.observer.writes || is_refusal(code)) {
            return;
        }
        let entry = Entry {
            id: &self.id,
            principal: self.principal.as_deref(),
            peer: &self.peer,
            method: self.observer.method,
            namespace: self.namespace.as_deref(),
            code: code.name(),
            reason,
        };
        // A refused call may end in the thread of a connection, which must not wait for a disk. A
        // finished write with an audit log ends in the worker that ran it.
        if code == GrpcCode::OK {
            audit.write(&entry);
        } else {
            audit.write_soon(&entry);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.ended {
            self.end(GrpcCode::CANCELLED, GrpcCode::CANCELLED.name());
        }
    }
}

/// Whether a call with this code was refused because of its caller, or of how much it asks for.
fn is_refusal(code: GrpcCode) -> bool {
    [
        GrpcCode::UNAUTHENTICATED,
        GrpcCode::PERMISSION_DENIED,
        GrpcCode::RESOURCE_EXHAUSTED,
    ]
    .contains(&code)
}
