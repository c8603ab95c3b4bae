//! The outline of a Match request: the fields that decide whether the request is short, read without
//! decoding its vectors.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::limits::MATCH_QUERIES;

const NAMESPACE: u32 = 1;
const QUERIES: u32 = 2;
const LIMIT: u32 = 3;
const MIN_REVISION: u32 = 7;
const AT_REVISION: u32 = 15;
/// The field of a query that holds a vector; the other sources may name stored items.
const QUERY_EMBEDDING: u32 = 1;

/// A Match request whose queries are all vectors, at the newest revision, without the vectors.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outline<'a> {
    pub(super) namespace: &'a str,
    pub(super) queries: usize,
    pub(super) limit: Option<u32>,
    pub(super) min_revision: u64,
}

impl<'a> Outline<'a> {
    /// The outline of a request; `None` if the request names stored items or a revision, has too many
    /// queries or is malformed. Of a repeated field the last occurrence counts, as in the decoder.
    pub(super) fn of(mut request: &'a [u8]) -> Option<Self> {
        let mut outline = Self {
            namespace: "",
            queries: 0,
            limit: None,
            min_revision: 0,
        };
        while !request.is_empty() {
            let (tag, wire_type) = decode_key(&mut request).ok()?;
            match (tag, wire_type) {
                (NAMESPACE, WireType::LengthDelimited) => {
                    outline.namespace = str::from_utf8(bytes(&mut request)?).ok()?;
                }
                (QUERIES, WireType::LengthDelimited) => {
                    outline.queries += 1;
                    if !is_vector(bytes(&mut request)?)? || outline.queries > MATCH_QUERIES {
                        return None;
                    }
                }
                (LIMIT, WireType::Varint) => {
                    // The decoder truncates a longer number too.
                    outline.limit = Some(decode_varint(&mut request).ok()? as u32);
                }
                (MIN_REVISION, WireType::Varint) => {
                    outline.min_revision = decode_varint(&mut request).ok()?;
                }
                // The decoder may still find that it is the newest, 0.
                (AT_REVISION, _) => return None,
                _ => skip_field(wire_type, tag, &mut request, DecodeContext::default()).ok()?,
            }
        }
        Some(outline)
    }
}

/// Whether a query has vectors only.
fn is_vector(mut query: &[u8]) -> Option<bool> {
    while !query.is_empty() {
        let (tag, wire_type) = decode_key(&mut query).ok()?;
        if tag != QUERY_EMBEDDING {
            return Some(false);
        }
        skip_field(wire_type, tag, &mut query, DecodeContext::default()).ok()?;
    }
    Some(true)
}

/// Splits a field's bytes off the front.
fn bytes<'a>(message: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(decode_varint(message).ok()?).ok()?;
    let (value, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(value)
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::embedding::Embedding;
    use crate::proto::v1::{MatchRequest, Query, QueryPart, QueryParts, query::Source};

    fn request(sources: Vec<Option<Source>>) -> MatchRequest {
        MatchRequest {
            namespace: "alice".to_owned(),
            queries: sources.into_iter().map(|source| Query { source }).collect(),
            limit: Some(7),
            min_score: Some(0.5),
            include_categories: vec!["a".to_owned()],
            min_revision: 1 << 40,
            ..MatchRequest::default()
        }
    }

    fn vector() -> Option<Source> {
        Some(Source::Embedding(Embedding::of(vec![1.0, 2.0])))
    }

    #[test]
    fn agrees_with_the_decoder() {
        let request = request(vec![vector(), None, vector()]);
        let bytes = request.encode_to_vec();
        let expected = Outline {
            namespace: "alice",
            queries: 3,
            limit: Some(7),
            min_revision: 1 << 40,
        };
        assert_eq!(Outline::of(&bytes), Some(expected));
        let mut twice = bytes;
        let second = MatchRequest {
            namespace: "bob".to_owned(),
            ..MatchRequest::default()
        };
        twice.extend(second.encode_to_vec());
        assert_eq!(Outline::of(&twice).unwrap().namespace, "bob");
    }

    #[test]
    fn leaves_out_an_earlier_revision() {
        let request = MatchRequest {
            at_revision: 3,
            ..request(vec![vector()])
        };
        assert_eq!(Outline::of(&request.encode_to_vec()), None);
    }

    #[test]
    fn leaves_out_items_too_many_queries_and_malformed_requests() {
        let part = QueryPart::default();
        let parts = QueryParts { parts: vec![part] };
        for source in [Source::Item("gym".to_owned()), Source::Parts(parts)] {
            let bytes = request(vec![vector(), Some(source)]).encode_to_vec();
            assert_eq!(Outline::of(&bytes), None);
        }
        let many = request(vec![vector(); MATCH_QUERIES + 1]).encode_to_vec();
        assert_eq!(Outline::of(&many), None);
        for bytes in [&b"\xff\xff\xff"[..], b"\x0a\x7f", b"\x0a\x02\xff\xfe"] {
            assert_eq!(Outline::of(bytes), None);
        }
    }
}
