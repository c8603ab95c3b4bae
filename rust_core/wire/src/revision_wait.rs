//! Whether a read must wait for its revision: read from the request without decoding the rest, so
//! that a transport can let the read wait without a thread.

use ee_engine::{Engine, NamespaceHandle};
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::grant::{Grant, Scope};

const NAMESPACE: u32 = 1;

/// The numbers of the fields `min_revision` and `epoch` in the request of each method that has
/// them.
pub const MIN_REVISION_FIELDS: &[(&str, [u32; 2])] = &[
    ("GetNamespace", [2, 3]),
    ("GetCategory", [4, 5]),
    ("ListCategories", [5, 6]),
    ("GetItem", [4, 5]),
    ("ListItems", [7, 8]),
    ("Match", [7, 12]),
    ("Explain", [6, 10]),
    ("ReviewMembers", [7, 8]),
    ("EstimateReviewRate", [6, 7]),
    ("Suggest", [15, 16]),
    ("ReviewDuplicates", [7, 8]),
    ("ReviewActors", [5, 6]),
    ("ReviewImpact", [5, 6]),
    ("ReviewCategories", [6, 7]),
    ("ListHistory", [6, 7]),
    ("Snapshot", [3, 4]),
];

/// The revision that a read asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitedRevision {
    pub(crate) namespace: String,
    revision: u64,
    epoch: u64,
}

impl AwaitedRevision {
    /// The revision that a request of a method asks for; `None` if the caller asks for none, or may
    /// not read the namespace: such a caller must not learn from a wait that the namespace exists.
    pub fn of(method: &str, request: &[u8], grant: &Grant) -> Option<Self> {
        let mut fields = MIN_REVISION_FIELDS.iter();
        let (_, fields) = fields.find(|(name, _)| *name == method)?;
        let (namespace, revision, epoch) = wanted(request, *fields)?;
        let waits = revision > 0 && grant.allows(Scope::Read, namespace);
        waits.then(|| Self {
            namespace: namespace.to_owned(),
            revision,
            epoch,
        })
    }

    /// Whether there is nothing to wait for: the revision is reached, or of another epoch. `None` if the
    /// namespace is not in memory, or if its entry there is locked.
    pub(crate) fn try_is_reached(&self, engine: &Engine) -> Option<bool> {
        let handle = engine.try_handle(&self.namespace)?;
        Some(self.is_reached_in(engine, &handle))
    }

    /// [`Self::try_is_reached`] with an answer in any case: waits for the namespace's entry, and loads
    /// the namespace. There is nothing to wait for in one that cannot be loaded.
    pub(crate) fn is_reached(&self, engine: &Engine) -> bool {
        match engine.handle(&self.namespace) {
            Ok(handle) => self.is_reached_in(engine, &handle),
            Err(_) => true,
        }
    }

    fn is_reached_in(&self, engine: &Engine, handle: &NamespaceHandle) -> bool {
        let other_epoch = self.epoch != 0 && self.epoch != engine.epoch(handle);
        other_epoch || handle.revision() >= self.revision
    }
}

/// The namespace, the revision and the epoch that a request names; `None`: it is malformed. If a
/// field occurs twice the last one holds, as for the decoder.
fn wanted(mut request: &[u8], [at_revision, at_epoch]: [u32; 2]) -> Option<(&str, u64, u64)> {
    let (mut namespace, mut revision, mut epoch) = ("", 0, 0);
    while !request.is_empty() {
        let (tag, wire_type) = decode_key(&mut request).ok()?;
        match (tag, wire_type) {
            (NAMESPACE, WireType::LengthDelimited) => {
                let length = usize::try_from(decode_varint(&mut request).ok()?).ok()?;
                let (value, rest) = request.split_at_checked(length)?;
                namespace = str::from_utf8(value).ok()?;
                request = rest;
            }
            (tag, WireType::Varint) if tag == at_revision => {
                revision = decode_varint(&mut request).ok()?;
            }
            (tag, WireType::SixtyFourBit) if tag == at_epoch => {
                let (value, rest) = request.split_first_chunk()?;
                epoch = u64::from_le_bytes(*value);
                request = rest;
            }
            _ => skip_field(wire_type, tag, &mut request, DecodeContext::default()).ok()?,
        }
    }
    Some((namespace, revision, epoch))
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
            epoch: 9,
            ..ListItemsRequest::default()
        };
        let bytes = request.encode_to_vec();
        assert_eq!(wanted(&bytes, [7, 8]), Some(("alice", 1 << 40, 9)));
        assert_eq!(wanted(&bytes[..3], [7, 8]), None);
    }
}
