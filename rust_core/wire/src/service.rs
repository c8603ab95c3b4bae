//! The one way in: a method's name, the bytes of a request and a grant.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use ee_access::Status;
use ee_access::grant::Grant;
use ee_engine::Engine;

use crate::call::Call;
use crate::fault::{Fault, Result as FaultResult, shown};
use crate::limits;
use crate::methods::matching;
use crate::methods::restore::RestoreStream;
use crate::methods::snapshot::SnapshotStream;
use crate::proto::v1::ErrorReason;
use crate::table::{self, METHODS, Method, Run};

/// Bytes of a request that is decoded in microseconds.
const SHORT_BYTES: usize = 96 << 10;

/// The service over one engine.
#[derive(Clone)]
pub struct Service {
    engine: Arc<Engine>,
    max_message_bytes: Option<usize>,
}

impl Service {
    /// The service over an engine.
    pub fn new(engine: Engine) -> Self {
        Self {
            engine: Arc::new(engine),
            max_message_bytes: None,
        }
    }

    /// The service over a transport that carries no larger messages. The transport enforces this
    /// limit; the service reports it.
    #[must_use]
    pub fn with_max_message_bytes(mut self, bytes: Option<usize>) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// All limits that are whole numbers, by name; see [`limits::all`].
    pub(crate) fn limits(&self) -> BTreeMap<String, u64> {
        let limits = limits::all().into_iter();
        let mut limits: BTreeMap<_, _> = limits
            .map(|(name, limit)| (name.to_owned(), limit))
            .collect();
        if let Some(bytes) = self.max_message_bytes {
            let requests = bytes.min(limits::REQUEST_BYTES);
            limits.insert("request_bytes".to_owned(), requests as u64);
            limits.insert("reply_bytes".to_owned(), bytes as u64);
        }
        limits
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Answers a unary call: a serialized request in, a serialized reply out.
    ///
    /// After `deadline` the call is not begun; one that has begun is finished.
    pub fn call(
        &self,
        method: &str,
        request: &[u8],
        grant: &Grant,
        deadline: Option<Instant>,
    ) -> Result<Vec<u8>, Status> {
        guard(|| {
            let entry = METHODS.iter().find(|entry| entry.name == method);
            match entry.map(|entry| (entry, entry.run)) {
                Some((entry, Run::Unary(run))) => {
                    run(&self.begin(entry, grant, deadline)?, request)
                }
                _ => Err(unknown_method(method)),
            }
        })
    }

    /// [`Service::call`] if that waits for nothing and takes microseconds; `None` if it might take
    /// longer. For a thread that other callers wait for.
    pub fn try_call(
        &self,
        method: &str,
        request: &[u8],
        grant: &Grant,
    ) -> Result<Option<Vec<u8>>, Status> {
        if method != table::MATCH.name || request.len() > SHORT_BYTES {
            return Ok(None);
        }
        guard(|| matching::try_rank(&self.begin(&table::MATCH, grant, None)?, request))
    }

    /// Answers a Snapshot call: serialized messages, one after the other.
    pub fn snapshot(
        &self,
        request: &[u8],
        grant: &Grant,
        deadline: Option<Instant>,
    ) -> Result<SnapshotStream, Status> {
        guard(|| {
            let call = self.begin(&table::SNAPSHOT, grant, deadline)?;
            SnapshotStream::open(&call, request)
        })
    }

    /// Begins a Restore call, which takes serialized messages, one after the other.
    pub fn restore(&self, grant: &Grant) -> Result<RestoreStream, Status> {
        guard(|| {
            self.begin(&table::RESTORE, grant, None)?;
            Ok(RestoreStream::new(self.clone(), grant.clone()))
        })
    }

    fn begin<'a>(
        &'a self,
        method: &'static Method,
        grant: &'a Grant,
        deadline: Option<Instant>,
    ) -> FaultResult<Call<'a>> {
        Call::begin(self, method, grant, deadline)
    }
}

/// Runs a part of a call; a panic in it is a defect that the caller is told nothing about.
pub(crate) fn guard<T>(run: impl FnOnce() -> FaultResult<T>) -> Result<T, Status> {
    // What a panic may leave half done is never looked at again: drafts are dropped, published
    // state is copied in by code that cannot fail, and streams end.
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(outcome) => outcome.map_err(Status::from),
        Err(payload) => Err(Fault::internal(panic_text(payload.as_ref())).into()),
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("of an unknown kind"))
}

#[cold]
fn unknown_method(method: &str) -> Fault {
    let method = shown(method);
    let message = format!("there is no unary method {method:?}");
    Fault::new(ErrorReason::UnknownMethod, message).with("method", method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ee_access::Code;

    #[test]
    fn a_panic_is_told_to_the_log_and_not_to_the_caller() {
        let outcome = guard(|| -> FaultResult<()> { panic!("row {} is gone", 17) });
        let status = outcome.unwrap_err();
        assert_eq!(status.code, Code::Internal);
        assert!(!status.message.contains("row"));
        assert!(!String::from_utf8_lossy(&status.details).contains("row"));
        let detail = status.internal_detail.unwrap();
        assert!(detail.ends_with("panic: row 17 is gone"), "{detail}");
        // The id in the log is the one that the caller has.
        let id = status.message.rsplit(' ').next().unwrap();
        assert!(detail.starts_with(&format!("id={id} ")));
    }
}
