//! The standard health service.

use std::future::poll_fn;
use std::sync::Arc;

use prost::Message;

use crate::calls::SERVICE;
use crate::codes::GrpcCode;
use crate::failure::Failure;
use crate::open_services::{Bound, OpenCall, Room};
use crate::shared::Shared;

/// The full name of the health service.
pub(crate) const NAME: &str = "grpc.health.v1.Health";
/// Checks that may wait for their requests.
pub(crate) const MAX_CHECKS: u64 = 8;
/// Watches at the same time.
pub(crate) const MAX_WATCHES: u64 = 64;

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;
const SERVICE_UNKNOWN: i32 = 3;

#[derive(Clone, PartialEq, Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// Answers health calls: as the process around the listener says, and never SERVING while writes are
/// refused because the store or the audit log failed. That is looked up for each answer, and watchers
/// look again when a write is refused, so that no check after a refused write says SERVING.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) checks: Arc<Bound>,
    pub(crate) watches: Arc<Bound>,
    shared: Arc<Shared>,
}

impl Health {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            checks: Bound::new("health_checks", MAX_CHECKS),
            watches: Bound::new("health_watches", MAX_WATCHES),
            shared,
        }
    }

    /// Answers a check. Without room the client gets the health of the whole server before its
    /// request has come: other callers cannot delay a probe.
    pub(crate) async fn check(self, mut call: OpenCall, room: Option<Room>) {
        let status = match room {
            None => Ok(self.status(Some(""))),
            Some(_) => service(&mut call)
                .await
                .map(|name| self.status(name.as_deref())),
        };
        match status {
            Ok(SERVICE_UNKNOWN) => {
                let message = "this server has no such service";
                call.refuse(&Failure::protocol(GrpcCode::NOT_FOUND, message));
            }
            Ok(status) => {
                let Ok(mut reply) = call.begin() else { return };
                let message = HealthCheckResponse { status }.encode_to_vec();
                match call.send(&mut reply, message).await {
                    Ok(()) => reply.succeed("-"),
                    Err(failure) => reply.fail(&failure, "-"),
                }
            }
            Err(failure) => call.refuse(&failure),
        }
    }

    /// Sends the health, and again each time that it changes.
    pub(crate) async fn watch(self, mut call: OpenCall, room: Room) {
        let name = match service(&mut call).await {
            Ok(name) => name,
            Err(failure) => return call.refuse(&failure),
        };
        let Ok(mut reply) = call.begin() else { return };
        let mut serving = self.shared.serving.subscribe();
        let mut failures = self.shared.calls.observation.failures.subscribe();
        let mut sent = None;
        loop {
            serving.mark_unchanged();
            failures.mark_unchanged();
            let status = self.status(name.as_deref());
            if sent != Some(status) {
                sent = Some(status);
                let message = HealthCheckResponse { status }.encode_to_vec();
                if let Err(failure) = call.send(&mut reply, message).await {
                    return reply.fail(&failure, "-");
                }
            }
            tokio::select! {
                changed = serving.changed() => if changed.is_err() { break },
                changed = failures.changed() => if changed.is_err() { break },
                _ = poll_fn(|context| reply.poll_reset(context)) => break,
            }
        }
        drop(room);
    }

    /// The health of a service; "" is the server as a whole, by the protocol.
    fn status(&self, service: Option<&str>) -> i32 {
        match service {
            Some("" | SERVICE) if self.shared.is_serving() => SERVING,
            Some("" | SERVICE) => NOT_SERVING,
            _ => SERVICE_UNKNOWN,
        }
    }
}

/// The service that a request names; `None`: the request is malformed or missing.
async fn service(call: &mut OpenCall) -> Result<Option<String>, Failure> {
    let request = call.next().await?;
    let request = request.and_then(|bytes| HealthCheckRequest::decode(bytes).ok());
    Ok(request.map(|request| request.service))
}
