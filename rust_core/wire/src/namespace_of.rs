//! The namespace of a request, for logs, read without decoding the request.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The namespace that a request of a method names; `None` if the request names no namespace or is
/// malformed.
///
/// Of a repeated field the last occurrence counts, as in the decoder.
pub fn namespace_of(method: &str, request: &[u8]) -> Option<String> {
    let name = match method {
        "ListNamespaces" | "GetServiceInfo" => None,
        // The field is a message, whose first field is the name.
        "CreateNamespace" => last_first_field(last_first_field(request)?),
        _ => last_first_field(request),
    };
    String::from_utf8(name?.to_vec()).ok()
}

/// The last value of field 1, in bytes.
fn last_first_field(mut bytes: &[u8]) -> Option<&[u8]> {
    let mut found = None;
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        if (tag, wire_type) == (1, WireType::LengthDelimited) {
            let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
            let (value, rest) = bytes.split_at_checked(length)?;
            found = Some(value);
            bytes = rest;
        } else {
            skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).ok()?;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::proto::v1::{
        AssignRequest, Assignment, CreateNamespaceRequest, Namespace, RestoreRequest,
    };

    #[test]
    fn finds_the_name_that_the_decoder_finds() {
        let assign = |namespace: &str| AssignRequest {
            namespace: namespace.to_owned(),
            assignments: vec![Assignment::default(); 3],
            write: None,
        };
        let mut twice = assign("first").encode_to_vec();
        twice.extend(assign("last").encode_to_vec());
        assert_eq!(namespace_of("Assign", &twice).as_deref(), Some("last"));
        let create = CreateNamespaceRequest {
            namespace: Some(Namespace {
                name: "new".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let found = namespace_of("CreateNamespace", &create.encode_to_vec());
        assert_eq!(found.as_deref(), Some("new"));
        let restore = RestoreRequest::default().encode_to_vec();
        assert_eq!(namespace_of("Restore", &restore), None);
        assert_eq!(namespace_of("ListNamespaces", b"\x0a\x01x"), None);
    }

    #[test]
    fn malformed_bytes_have_no_name() {
        for bytes in [
            &b"\xff\xff\xff"[..],
            b"\x0a\x7f",
            b"\x0a\x02\xff\xfe",
            b"\x0b",
        ] {
            assert_eq!(namespace_of("Assign", bytes), None, "{bytes:?}");
        }
    }
}
