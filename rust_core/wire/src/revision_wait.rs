//! Whether a read must wait for its revision: read from the request without decoding the rest, so
//! that a transport can let the read wait without a thread.

use ee_engine::Engine;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::grant::{Grant, Scope};

const NAMESPACE: u32 = 1;

/// The number of the field `min_revision` in the request of each method that has one.
pub const MIN_REVISION_FIELDS: &[(&str, u32)] = &[
    ("GetNamespace", 2),
    ("GetCategory", 4),
    ("ListCategories", 5),
    ("GetItem", 4),
    ("ListItems", 7),
    ("Match", 7),
    ("Snapshot", 3),
];

/// The revision that a read asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitedRevision {
    pub(crate) namespace: String,
    revision: u64,
}

impl AwaitedRevision {
    /// The revision that a request of a method asks for; `None` if the caller asks for none, or may
    /// not read the namespace: such a caller must not learn from a wait that the namespace exists.
    pub fn of(method: &str, request: &[u8], grant: &Grant) -> Option<Self> {
        let mut fields = MIN_REVISION_FIELDS.iter();
        let (_, field) = fields.find(|(name, _)| *name == method)?;
        let (namespace, revision) = wanted(request, *field)?;
        let waits = revision > 0 && grant.allows(Scope::Read, namespace);
        waits.then(|| Self {
            namespace: namespace.to_owned(),
            revision,
        })
    }

    /// Whether the revision is reached; `None` if the namespace is not in memory, or does not
    /// exist.
    pub(crate) fn is_reached(&self, engine: &Engine) -> Option<bool> {
        let handle = engine.try_handle(&self.namespace)?;
        Some(handle.revision() >= self.revision)
    }
}

/// The namespace and the revision that a request names; `None`: it is malformed. If a field occurs
/// twice the last one holds, as for the decoder.
fn wanted(mut request: &[u8], field: u32) -> Option<(&str, u64)> {
    let (mut namespace, mut revision) = ("", 0);
    while !request.is_empty() {
        let (tag, wire_type) = decode_key(&mut request).ok()?;
        match (tag, wire_type) {
            (NAMESPACE, WireType::LengthDelimited) => {
                let length = usize::try_from(decode_varint(&mut request).ok()?).ok()?;
                let (value, rest) = request.split_at_checked(length)?;
                namespace = str::from_utf8(value).ok()?;
                request = rest;
            }
            (tag, WireType::Varint) if tag == field => {
                revision = decode_varint(&mut request).ok()?;
            }
            _ => skip_field(wire_type, tag, &mut request, DecodeContext::default()).ok()?,
        }
    }
    Some((namespace, revision))
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::v1::ListItemsRequest;

    #[test]
    fn the_revision_is_read_without_the_rest() {
        let request = ListItemsRequest {
            namespace: "alice".to_owned(),
            min_revision: 1 << 40,
            ..ListItemsRequest::default()
        };
        let bytes = request.encode_to_vec();
        assert_eq!(wanted(&bytes, 7), Some(("alice", 1 << 40)));
        assert_eq!(wanted(&bytes[..3], 7), None);
    }
}
