//! Calls that have come: to which service they go, and whether they are admitted. This runs in the
//! thread of the connection, before a byte of the request is read, so that a refused call takes no
//! task.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use ee_access::Status;
use ee_wire::Kind;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{Method as Verb, Request, StatusCode};

use crate::call::{self, Call};
use crate::calls::SERVICE;
use crate::codes::GrpcCode;
use crate::failure::Failure;
use crate::framing::{Compression, Messages};
use crate::health::{self, Health};
use crate::io_thread::IoThread;
use crate::open_services::OpenCall;
use crate::reflection::{self, Reflection};
use crate::reply;
use crate::shared::Shared;
use crate::{streaming, unary};

/// What is left of a call to do.
pub(crate) type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the calls of a listener go.
pub(crate) struct Dispatcher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) health: Health,
    pub(crate) reflection: Option<Arc<Reflection>>,
}

impl Dispatcher {
    /// Begins a call; `None` if it is answered already.
    pub(crate) fn begin(
        &self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        peer: &Arc<str>,
        thread: &Arc<IoThread>,
        queued: bool,
    ) -> Option<Rest> {
        if let Some(status) = not_grpc(&request) {
            reply::not_grpc(&mut respond, status);
            return None;
        }
        let path = request.uri().path().to_owned();
        let named = path.strip_prefix('/').and_then(|path| path.split_once('/'));
        let (service, name) = named.unwrap_or_default();
        match service {
            SERVICE => self.call(name, request, respond, peer, thread, queued),
            health::NAME => self.open(name, request, respond),
            _ if reflection::NAMES.contains(&service) => self.open(name, request, respond),
            _ => {
                unknown(&mut respond);
                None
            }
        }
    }

    /// Begins a call of the service.
    fn call(
        &self,
        name: &str,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        peer: &Arc<str>,
        thread: &Arc<IoThread>,
        queued: bool,
    ) -> Option<Rest> {
        let shared = &self.shared;
        let mut record = shared.calls.record(name, peer);
        let id = record.id.clone();
        let (head, body) = request.into_parts();
        let tokens = head.headers.get_all(http::header::AUTHORIZATION);
        let tokens = tokens.iter().map(|value| value.as_bytes());
        let admitted = shared.calls.admit(name, tokens, &mut record, queued);
        let admitted = admitted.map_err(Failure::from);
        let admitted = admitted.and_then(|call| Ok((call, Compression::of(&head.headers)?)));
        let ((method, caller, permit), compression) = match admitted {
            Ok(admitted) => admitted,
            Err(failure) => {
                record.fail(&failure);
                reply::refuse(&mut respond, &failure, &id);
                return None;
            }
        };
        record.admitted(|name| head.headers.get(name)?.to_str().ok());
        let call = Call {
            shared: Arc::clone(shared),
            caller,
            messages: Messages::new(body, compression, shared.config.max_message_bytes),
            respond,
            deadline: call::deadline(&head.headers),
            id,
            peer: Arc::clone(peer),
            method: Arc::clone(&method),
        };
        Some(match method.kind {
            Kind::Unary => {
                let arriving = method.short.then(|| thread.short_calls.arrive());
                Box::pin(unary::answer(
                    call,
                    record,
                    permit,
                    arriving,
                    Arc::clone(thread),
                ))
            }
            Kind::ServerStream => Box::pin(streaming::download(call, record, permit)),
            Kind::ClientStream => Box::pin(streaming::upload(call, record, permit)),
        })
    }

    /// Begins a call of health or reflection.
    fn open(
        &self,
        name: &str,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) -> Option<Rest> {
        let stall = self.shared.config.stall_timeout;
        let health = request.uri().path()[1..].starts_with(health::NAME);
        let mut call = match OpenCall::new(request, respond, stall) {
            Ok(call) => call,
            Err((mut respond, failure)) => {
                reply::refuse(&mut respond, &failure, "-");
                return None;
            }
        };
        let begun: Result<Rest, Status> = match (name, &self.reflection) {
            ("Check", _) if health => {
                let room = self.health.checks.acquire().ok();
                Ok(Box::pin(self.health.clone().check(call, room)))
            }
            ("Watch", _) if health => match self.health.watches.acquire() {
                Ok(room) => Ok(Box::pin(self.health.clone().watch(call, room))),
                Err(status) => {
                    call.refuse(&status.into());
                    return None;
                }
            },
            ("ServerReflectionInfo", Some(reflection)) if !health => {
                match reflection.streams.acquire() {
                    Ok(room) => Ok(Box::pin(Arc::clone(reflection).answer(call, room))),
                    Err(status) => {
                        call.refuse(&status.into());
                        return None;
                    }
                }
            }
            _ => {
                unknown(&mut call.respond);
                return None;
            }
        };
        begun.ok()
    }
}

/// The HTTP status of a request that is not one of gRPC's.
fn not_grpc(request: &Request<RecvStream>) -> Option<StatusCode> {
    if request.method() != Verb::POST {
        return Some(StatusCode::METHOD_NOT_ALLOWED);
    }
    let kind = request.headers().get(http::header::CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], |value| value.as_bytes());
    let known = kind
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')));
    (!known).then_some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

/// Refuses a call of a service that does not exist.
fn unknown(respond: &mut SendResponse<Bytes>) {
    let failure = Failure::protocol(GrpcCode::UNIMPLEMENTED, "Method not found!");
    reply::refuse(respond, &failure, "-");
}
