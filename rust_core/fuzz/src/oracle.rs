//! The invariants of every call.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ee_engine::{NamespaceView, ReadContext};
use ee_wire::google::{self, ErrorInfo};
use ee_wire::proto::v1::ErrorReason;
use ee_wire::{Code, DOMAIN, Grant, Kind, METHODS, Method, Scope, ShortCall, Status};
use prost::{Message, Name};

use crate::case::{Call, Case};
use crate::memory;
use crate::world::World;

/// Longest wait for a revision that is never reached.
const PATIENCE: Duration = Duration::from_millis(20);

/// Memory allowed for any call.
const MEMORY_CALL: usize = 1 << 20;
/// Memory allowed for each byte of a request: an entry of 2 bytes on the wire takes about a hundred in
/// memory, several times: in the command, the log, the answer and the reply.
const MEMORY_BYTE: usize = 512;
/// Memory allowed for each component of a stored vector, or of one that the request could bring: a sum, a
/// base and a row, each published and in a draft.
const MEMORY_COMPONENT: usize = 64;

/// The result of a call: serialized replies, or a status.
type Answer = Result<Vec<Vec<u8>>, Status>;

impl World {
    /// Runs a case. Panics if an invariant is violated. Returns each
    /// call's status code; `None`: the call was accepted.
    pub fn play(&mut self, case: &Case) -> Vec<Option<Code>> {
        self.restart();
        let codes = case.calls.iter().map(|call| self.judge(case.grant, call));
        codes.collect()
    }

    fn judge(&self, grant: u8, call: &Call) -> Option<Code> {
        let grant = &self.grants[usize::from(grant) % self.grants.len()];
        let method = METHODS.iter().find(|entry| entry.name == call.method);
        let method = method.expect("a method of the service");
        let before = self.state();
        let (answer, bytes) = memory::of(|| self.answer(method, call, grant));
        let after = self.state();
        let components: usize = after.iter().chain(&before).map(components).sum();
        let longest = after.iter().map(|view| view.settings.dimension as usize);
        let longest = longest.max().unwrap_or(0);
        let room = MEMORY_CALL
            + call.request.len() * MEMORY_BYTE
            + (components + call.request.len() / 4 * longest) * MEMORY_COMPONENT;
        assert!(bytes <= room, "{call:?}: {bytes} bytes, at most {room}");
        self.check_try_calls(grant, call, &answer);
        match &answer {
            Err(status) => {
                check_status(status);
                assert_eq!(before, after, "{call:?} was refused: {status}");
            }
            Ok(_) if method.scope == Scope::Read => assert_eq!(before, after, "{call:?} reads"),
            Ok(_) => self.check_written(grant, call, &before, &after),
        }
        answer.err().map(|status| status.code)
    }

    fn answer(&self, method: &Method, call: &Call, grant: &Grant) -> Answer {
        let deadline = (method.scope == Scope::Read).then(|| Instant::now() + PATIENCE);
        let (service, name) = (&self.service, method.name);
        match method.kind {
            // As a listener does, or as an embedded client does.
            Kind::Unary if call.request.len() % 2 == 1 => {
                let (sender, receiver) = mpsc::channel();
                let then = move |reply| drop(sender.send(reply));
                service.call_then(name, &call.request, grant, deadline, &|| {}, then);
                Ok(vec![receiver.recv().expect("each call has an answer")?])
            }
            Kind::Unary => Ok(vec![service.call(name, &call.request, grant, deadline)?]),
            Kind::ServerStream => {
                let stream = service.server_stream(name, &call.request, grant, deadline)?;
                collect(stream)
            }
            Kind::ClientStream => {
                let mut stream = service.client_stream(name, grant)?;
                for message in call.messages() {
                    stream.push(message)?;
                }
                Ok(vec![stream.finish()?])
            }
        }
    }

    /// `try_calls` answers as `call` does, unless the deadline of `call` passed.
    fn check_try_calls(&self, grant: &Grant, call: &Call, answer: &Answer) {
        let late = matches!(answer, Err(status) if status.code == Code::DeadlineExceeded);
        let short = ShortCall {
            request: &call.request,
            grant,
        };
        for tried in self.service.try_calls(call.method, &[short; 5], 2) {
            if let Some(tried) = tried.transpose().filter(|_| !late) {
                assert_eq!(&tried.map(|reply| vec![reply]), answer, "{call:?}");
            }
        }
    }

    /// The state after an accepted write is valid, and the write is within the grant.
    fn check_written(
        &self,
        grant: &Grant,
        call: &Call,
        before: &[NamespaceView],
        after: &[NamespaceView],
    ) {
        let by_name = |views: &[NamespaceView]| -> BTreeMap<String, NamespaceView> {
            let named = views.iter().map(|view| (view.name.clone(), view.clone()));
            named.collect()
        };
        let (before, after) = (by_name(before), by_name(after));
        for name in before.keys().chain(after.keys()) {
            if before.get(name) != after.get(name) {
                assert!(grant.allows(Scope::Write, name), "{call:?} wrote to {name}");
            }
        }
        let engine = self.service.engine();
        for (name, view) in &after {
            if before.get(name) == Some(view) {
                continue;
            }
            let report = engine.verify(&engine.handle(name).unwrap()).unwrap().value;
            assert!(report.findings.is_empty(), "{call:?}: {report:?}");
            assert_eq!(report.digest, view.digest, "{call:?}: {name}");
            let read = engine
                .namespace(&engine.handle(name).unwrap(), ReadContext::default())
                .unwrap();
            assert_eq!(&read, view, "{call:?}: memory and store");
        }
    }
}

/// The replies of a stream. One without an end of its own goes on until its deadline.
fn collect(stream: impl Iterator<Item = Result<Vec<u8>, Status>>) -> Answer {
    let mut replies = Vec::new();
    for reply in stream {
        match reply {
            Ok(reply) => replies.push(reply),
            Err(late) if late.code == Code::DeadlineExceeded && !replies.is_empty() => break,
            Err(status) => return Err(status),
        }
    }
    Ok(replies)
}

/// Components of the vectors of a namespace.
fn components(view: &NamespaceView) -> usize {
    (view.categories + view.items) as usize * view.settings.dimension as usize
}

/// A refusal has a reason of the contract, with the same code and text in status and details.
fn check_status(status: &Status) {
    let details = google::Status::decode(status.details.as_slice()).unwrap();
    assert_eq!(details.code, status.code as i32);
    assert_eq!(details.message, status.message);
    let info = details
        .details
        .iter()
        .find(|any| any.type_url == ErrorInfo::type_url());
    let info = ErrorInfo::decode(info.unwrap().value.as_slice()).unwrap();
    assert_eq!(info.domain, DOMAIN);
    let name = format!("ERROR_REASON_{}", info.reason);
    let reason = ErrorReason::from_str_name(&name).expect("a reason of the contract");
    assert!(status.details.len() < 8_192, "{status:?}");
    let fine = !matches!(
        reason,
        ErrorReason::Internal
            | ErrorReason::Unspecified
            | ErrorReason::DataCorrupted
            | ErrorReason::StoreFailed
            | ErrorReason::ShuttingDown
    );
    assert!(fine && status.code != Code::Internal, "{status:?}");
}
