//! What a call gets back: headers, messages, and a status as trailers.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use ee_access::concurrency::Permit;
use ee_access::status::{DETAILS_KEY, RETRY_PUSHBACK_KEY};
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::codes::GrpcCode;
use crate::failure::Failure;
use crate::framing::ACCEPTED;

/// A message up to this size is copied behind its prefix, into one frame.
const COPIED: usize = 16 << 10;
/// The rate at which a client must take a unary reply, beyond the stall timeout.
pub(crate) const BYTES_PER_SECOND: u64 = 256 << 10;
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// The bytes of a message, and the permit for them. HTTP/2's buffers hold the message until its
/// last byte is written to the connection, and so the permit.
struct Held {
    bytes: Vec<u8>,
    _permit: Option<Arc<Permit>>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Sends the messages of one call.
pub(crate) struct Reply {
    stream: SendStream<Bytes>,
}

impl Reply {
    /// Sends the headers of a reply.
    pub(crate) fn begin(respond: &mut SendResponse<Bytes>) -> Result<Self, Failure> {
        let mut response = Response::new(());
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, CONTENT_TYPE);
        headers.insert("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED));
        let stream = respond
            .send_response(response, false)
            .map_err(|_| Failure::Gone)?;
        Ok(Self { stream })
    }

    /// Sends a message, as fast as the client's windows allow; `permit` is held until it is gone.
    pub(crate) async fn message(
        &mut self,
        message: Vec<u8>,
        permit: Option<Arc<Permit>>,
        until: Instant,
    ) -> Result<(), Failure> {
        // A message has at most 4 GiB: the admission refuses larger ones long before.
        let length = u32::try_from(message.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes();
        let prefix = [&[0], &length[..]].concat();
        if message.len() <= COPIED {
            let bytes = [prefix, message].concat();
            return self
                .send(
                    Held {
                        bytes,
                        _permit: permit,
                    },
                    until,
                )
                .await;
        }
        self.send(
            Held {
                bytes: prefix,
                _permit: None,
            },
            until,
        )
        .await?;
        let message = Held {
            bytes: message,
            _permit: permit,
        };
        self.send(message, until).await
    }

    async fn send(&mut self, data: Held, until: Instant) -> Result<(), Failure> {
        let mut data = Bytes::from_owner(data);
        self.stream.reserve_capacity(data.len());
        loop {
            let room = self.stream.capacity().min(data.len());
            if room > 0 {
                let part = data.split_to(room);
                self.stream
                    .send_data(part, false)
                    .map_err(|_| Failure::Gone)?;
                if data.is_empty() {
                    return Ok(());
                }
                self.stream.reserve_capacity(data.len());
                continue;
            }
            let more = poll_fn(|context| self.stream.poll_capacity(context));
            match timeout_at(until, more).await {
                Ok(Some(Ok(_))) => {}
                Ok(_) => return Err(Failure::Gone),
                Err(_) => return Err(Failure::Stalled),
            }
        }
    }

    /// Waits until the client resets the stream.
    pub(crate) fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_reset(context).map(drop)
    }

    /// Ends the call with success.
    pub(crate) fn succeed(mut self, id: &str) {
        let mut trailers = HeaderMap::with_capacity(2);
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        insert(&mut trailers, REQUEST_ID, id.as_bytes());
        // If the stream is closed, the client is gone, and needs no status.
        let _ = self.stream.send_trailers(trailers);
    }

    /// Ends the call with a failure.
    pub(crate) fn fail(mut self, failure: &Failure, id: &str) {
        match trailers(failure, id) {
            Some(trailers) => drop(self.stream.send_trailers(trailers)),
            None => self.stream.send_reset(Reason::CANCEL),
        }
    }
}

/// Ends a call that has no reply with a failure.
pub(crate) fn refuse(respond: &mut SendResponse<Bytes>, failure: &Failure, id: &str) {
    let Some(mut headers) = trailers(failure, id) else {
        return respond.send_reset(Reason::CANCEL);
    };
    headers.insert(http::header::CONTENT_TYPE, CONTENT_TYPE);
    if failure.code() == GrpcCode::UNIMPLEMENTED {
        headers.insert("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED));
    }
    let mut response = Response::new(());
    *response.headers_mut() = headers;
    // If the stream is closed, the client is gone, and needs no status.
    let _ = respond.send_response(response, true);
}

/// Answers a request that is not one of gRPC's.
pub(crate) fn not_grpc(respond: &mut SendResponse<Bytes>, status: StatusCode) {
    let mut response = Response::new(());
    *response.status_mut() = status;
    let _ = respond.send_response(response, true);
}

/// When a unary reply of so many bytes must be gone, at the latest.
pub(crate) fn deadline(stall: Duration, bytes: usize) -> Instant {
    let taking = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND as f64);
    Instant::now() + stall + taking
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The status of a failure; `None`: no status can be sent.
fn trailers(failure: &Failure, id: &str) -> Option<HeaderMap> {
    let mut trailers = HeaderMap::with_capacity(6);
    trailers.insert("grpc-status", HeaderValue::from(failure.code().number()));
    let message = match failure {
        Failure::Refused(status) => {
            let details = STANDARD_NO_PAD.encode(&status.details);
            insert(
                &mut trailers,
                HeaderName::from_static(DETAILS_KEY),
                details.as_bytes(),
            );
            if let Some(pushback) = status.retry_pushback() {
                let key = HeaderName::from_static(RETRY_PUSHBACK_KEY);
                insert(&mut trailers, key, pushback.as_bytes());
            }
            &status.message
        }
        Failure::Protocol(_, message) => message,
        Failure::Stalled | Failure::Gone => return None,
    };
    let message = percent_encoded(message);
    insert(
        &mut trailers,
        HeaderName::from_static("grpc-message"),
        message.as_bytes(),
    );
    insert(&mut trailers, REQUEST_ID, id.as_bytes());
    Some(trailers)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) {
    // Ids, numbers, base64 and percent-encoded texts have no byte that a header cannot have.
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(name, value);
    }
}

/// A text as `grpc-message` has it: every byte but printable ASCII, and the percent sign, as `%XX`.
fn percent_encoded(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => {
                let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_for_people_survives_a_header() {
        assert_eq!(percent_encoded("50% of \"ä\"\n"), "50%25 of \"%C3%A4\"%0A");
    }

    #[test]
    fn a_refusal_has_its_details_and_its_delay() {
        let status = ee_access::refusals::overloaded("calls", 3, Duration::from_millis(200));
        let trailers = trailers(&status.clone().into(), "id").unwrap();
        assert_eq!(trailers["grpc-status"], "8");
        assert_eq!(trailers["grpc-retry-pushback-ms"], "200");
        assert_eq!(trailers["x-request-id"], "id");
        let details = STANDARD_NO_PAD.decode(trailers["grpc-status-details-bin"].as_bytes());
        assert_eq!(details.unwrap(), status.details);
    }
}
