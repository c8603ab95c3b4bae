//! Counts a request's entries before decoding: an entry of 2 bytes on the wire takes some hundred in
//! memory, so a batch over its limit must not be decoded first.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::path::Path;
use super::too_large;
use crate::call_error::Result;

/// A repeated field with a limit, or a message that contains one.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The field's number.
    field: u32,
    /// The field's path, for the refusal.
    path: &'static str,
    /// The largest number of entries in the whole request.
    limit: usize,
    /// Rules for the fields of an entry.
    inner: &'static [Rule],
}

impl Rule {
    /// At most `limit` entries.
    pub(crate) const fn list(field: u32, path: &'static str, limit: usize) -> Self {
        Self::nested(field, path, limit, &[])
    }

    /// At most `limit` entries, with lists of their own.
    pub(crate) const fn nested(
        field: u32,
        path: &'static str,
        limit: usize,
        inner: &'static [Self],
    ) -> Self {
        Self {
            field,
            path,
            limit,
            inner,
        }
    }

    /// A message that contains lists.
    pub(crate) const fn within(field: u32, inner: &'static [Self]) -> Self {
        Self::nested(field, "", usize::MAX, inner)
    }
}

/// Refuses a request with more entries than the rules allow. Malformed bytes pass: the decoder
/// describes them better.
pub(crate) fn check(request: &[u8], rules: &'static [Rule]) -> Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    let mut counts = Vec::new();
    walk(request, rules, &mut counts);
    for (rule, count) in counts {
        if count > rule.limit {
            return Err(too_large(
                Path::field(rule.path),
                count,
                rule.limit,
                "entries",
            ));
        }
    }
    Ok(())
}

fn walk(
    mut bytes: &[u8],
    rules: &'static [Rule],
    counts: &mut Vec<(&'static Rule, usize)>,
) -> Option<()> {
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        let rule = rules.iter().find(|rule| rule.field == tag);
        match (rule, wire_type) {
            (Some(rule), WireType::LengthDelimited) => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let (entry, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                match counts.iter_mut().find(|(own, _)| std::ptr::eq(*own, rule)) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((rule, 1)),
                }
                if !rule.inner.is_empty() {
                    walk(entry, rule.inner, counts)?;
                }
            }
            _ => skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).ok()?,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::v1::{MatchRequest, Query, QueryPart, QueryParts, query::Source};

    const PARTS: &[Rule] = &[Rule::list(1, "queries.parts.parts", 5)];
    const RULES: &[Rule] = &[Rule::nested(2, "queries", 3, &[Rule::within(3, PARTS)])];

    fn request(queries: usize, parts: usize) -> Vec<u8> {
        let parts = QueryParts {
            parts: vec![QueryPart::default(); parts],
        };
        let query = Query {
            source: Some(Source::Parts(parts)),
        };
        MatchRequest {
            queries: vec![query; queries],
            ..MatchRequest::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn counts_over_the_whole_request() {
        assert!(check(&request(3, 1), RULES).is_ok());
        assert!(check(&request(1, 5), RULES).is_ok());
        assert!(check(&request(4, 1), RULES).is_err());
        assert!(check(&request(2, 3), RULES).is_err());
    }

    #[test]
    fn truncated_bytes_are_left_to_the_decoder() {
        let bytes = request(3, 1);
        for end in 0..bytes.len() {
            assert!(check(&bytes[..end], RULES).is_ok());
        }
    }
}
