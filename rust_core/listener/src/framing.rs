//! gRPC's framing of messages: a byte that says whether the message is compressed, four bytes of
//! length, and the message.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use flate2::read::{GzDecoder, ZlibDecoder};
use h2::RecvStream;
use http::HeaderMap;

use crate::codes::GrpcCode;
use crate::failure::Failure;

/// Bytes before each message.
pub(crate) const PREFIX: usize = 5;
/// The compressions that requests may have, as the listener tells clients.
pub(crate) const ACCEPTED: &str = "identity,deflate,gzip";

/// The compression of a call's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Identity,
    Gzip,
    Deflate,
}

impl Compression {
    /// The compression that a call's headers name.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        match headers.get("grpc-encoding").map(|value| value.as_bytes()) {
            None | Some(b"identity") => Ok(Self::Identity),
            Some(b"gzip") => Ok(Self::Gzip),
            Some(b"deflate") => Ok(Self::Deflate),
            Some(other) => {
                let other = String::from_utf8_lossy(&other[..other.len().min(64)]);
                let message = format!("grpc-encoding must be one of {ACCEPTED}, not {other:?}");
                Err(Failure::protocol(GrpcCode::UNIMPLEMENTED, message))
            }
        }
    }

    /// A message, decompressed to at most `limit` bytes.
    fn decompress(self, message: &[u8], limit: usize) -> Result<Bytes, Failure> {
        // One byte more than allowed shows that there is more, however much that would be.
        let most = limit as u64 + 1;
        let mut out = Vec::new();
        let read = match self {
            Self::Gzip => GzDecoder::new(message).take(most).read_to_end(&mut out),
            Self::Deflate => ZlibDecoder::new(message).take(most).read_to_end(&mut out),
            Self::Identity => {
                let message = "a message is compressed, and the call names no grpc-encoding";
                return Err(Failure::protocol(GrpcCode::INTERNAL, message));
            }
        };
        if let Err(error) = read {
            let message = format!("a message cannot be decompressed: {error}");
            return Err(Failure::protocol(GrpcCode::INTERNAL, message));
        }
        if out.len() > limit {
            return Err(too_large("more", limit));
        }
        Ok(out.into())
    }
}

/// The messages of a request.
pub(crate) struct Messages {
    stream: RecvStream,
    compression: Compression,
    limit: usize,
    buffer: Bytes,
}

impl Messages {
    /// The messages of a request body, of at most `limit` bytes each.
    pub(crate) fn new(stream: RecvStream, compression: Compression, limit: usize) -> Self {
        Self {
            stream,
            compression,
            limit,
            buffer: Bytes::new(),
        }
    }

    /// The next message; `None`: the client has sent all.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let mut joined = BytesMut::new();
        loop {
            let have: &[u8] = if joined.is_empty() {
                &self.buffer
            } else {
                &joined
            };
            if let Some(head) = have.first_chunk::<PREFIX>() {
                let length = length(head, self.limit)?;
                if have.len() >= PREFIX + length {
                    let mut all = if joined.is_empty() {
                        std::mem::take(&mut self.buffer)
                    } else {
                        joined.freeze()
                    };
                    self.buffer = all.split_off(PREFIX + length);
                    return self.opened(&all).map(Some);
                }
            }
            match self.chunk().await? {
                Some(chunk) if joined.is_empty() && self.buffer.is_empty() => self.buffer = chunk,
                Some(chunk) => {
                    if joined.is_empty() {
                        joined.extend_from_slice(&std::mem::take(&mut self.buffer));
                    }
                    joined.extend_from_slice(&chunk);
                }
                None if joined.is_empty() && self.buffer.is_empty() => return Ok(None),
                None => {
                    let message = "the request ends within a message";
                    return Err(Failure::protocol(GrpcCode::INTERNAL, message));
                }
            }
        }
    }

    fn opened(&self, framed: &Bytes) -> Result<Bytes, Failure> {
        match framed[0] {
            0 => Ok(framed.slice(PREFIX..)),
            1 => self.compression.decompress(&framed[PREFIX..], self.limit),
            other => {
                let message = format!("a message begins with {other}, and not with 0 or 1");
                Err(Failure::protocol(GrpcCode::INTERNAL, message))
            }
        }
    }

    /// The next piece of the body. Its room in the windows is given back: what was read before is
    /// in memory once, and bounded by the limit of a message.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        match self.stream.data().await {
            None => Ok(None),
            Some(Err(_)) => Err(Failure::Gone),
            Some(Ok(chunk)) => {
                let flow = self.stream.flow_control();
                let _ = flow.release_capacity(chunk.len());
                Ok(Some(chunk))
            }
        }
    }
}

/// The length of a message, from its prefix.
fn length(head: &[u8; PREFIX], limit: usize) -> Result<usize, Failure> {
    let [_, length @ ..] = *head;
    let length = u32::from_be_bytes(length) as usize;
    if length > limit {
        return Err(too_large(length, limit));
    }
    Ok(length)
}

fn too_large(actual: impl std::fmt::Display, limit: usize) -> Failure {
    let message = format!("a request has at most {limit} bytes (max_message_bytes), not {actual}");
    Failure::protocol(GrpcCode::RESOURCE_EXHAUSTED, message)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn a_bomb_is_decompressed_no_further_than_its_limit() {
        let mut bomb = GzEncoder::new(Vec::new(), flate2::Compression::best());
        bomb.write_all(&vec![0; 50 << 20]).unwrap();
        let bomb = bomb.finish().unwrap();
        let failure = Compression::Gzip.decompress(&bomb, 1 << 20).unwrap_err();
        assert_eq!(failure.code(), GrpcCode::RESOURCE_EXHAUSTED);
        let whole = Compression::Gzip.decompress(&bomb, 50 << 20).unwrap();
        assert_eq!(whole.len(), 50 << 20);
        let torn = Compression::Gzip.decompress(&bomb[..20], 1 << 20);
        assert_eq!(torn.unwrap_err().code(), GrpcCode::INTERNAL);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_its_bytes_come() {
        assert_eq!(length(&[0, 0, 0, 1, 0], 256).unwrap(), 256);
        assert!(length(&[0, 0, 0, 1, 1], 256).is_err());
        assert!(length(&[0, 255, 255, 255, 255], 256).is_err());
    }
}
