//! The decoders that need no service: messages decoded by hand, the namespace for the log, grants, and
//! stored records.

use ee_core::command::Outcome;
use ee_core::command::record::Entry;
use ee_core::namespace::CategoryRecord;
use ee_core::namespace::{Header, MemberStats};
use ee_core::settings::NamespaceSettings;
use ee_wire::embedding::Embedding;
use ee_wire::grant::{Grant, Pattern, Scope};
use ee_wire::proto::v1::{
    CreateNamespaceRequest, GetNamespaceRequest, MatchResponse, RestoreRequest,
};
use prost::Message;

use crate::memory;
use crate::world::World;

/// Memory allowed for each byte of input, and a constant.
const MEMORY_BYTE: usize = 512;
const MEMORY: usize = 1 << 16;

const DECODERS: [fn(&[u8]); 10] = [
    message::<Embedding>,
    message::<MatchResponse>,
    message::<RestoreRequest>,
    namespace_for_the_log,
    grants,
    column::<Entry>,
    column::<CategoryRecord>,
    column::<(Outcome, u64)>,
    column::<(NamespaceSettings, Header)>,
    column::<MemberStats>,
];

/// Runs the decoder that the first byte names on the others. Panics if an invariant is violated.
pub fn decode(bytes: &[u8]) {
    let Some((&which, rest)) = bytes.split_first() else {
        return;
    };
    let decoder = DECODERS[usize::from(which) % DECODERS.len()];
    let ((), taken) = memory::of(|| decoder(rest));
    let room = MEMORY + rest.len() * MEMORY_BYTE;
    assert!(
        taken <= room,
        "decoder {which}: {taken} bytes, at most {room}"
    );
}

/// A decoded message is unchanged by encoding and decoding.
fn message<M: Message + Default + PartialEq>(bytes: &[u8]) {
    let Ok(message) = M::decode(bytes) else {
        return;
    };
    let encoded = message.encode_to_vec();
    let again = M::decode(encoded.as_slice()).expect("what was encoded is a message");
    // The bytes are compared: in messages a NaN would differ from itself.
    assert_eq!(again.encode_to_vec(), encoded);
    assert_eq!(encoded.len(), message.encoded_len());
}

/// The name for the log is the namespace of the call.
fn namespace_for_the_log(bytes: &[u8]) {
    let logged = ee_wire::namespace_of("GetNamespace", bytes);
    if let Ok(request) = GetNamespaceRequest::decode(bytes) {
        assert_eq!(logged.unwrap_or_default(), request.namespace);
    }
    let logged = ee_wire::namespace_of("CreateNamespace", bytes);
    if let (Some(logged), Ok(request)) = (logged, CreateNamespaceRequest::decode(bytes)) {
        // The decoder merges a message in two parts; the log has the name in the last part.
        let name = request.namespace.map(|namespace| namespace.name);
        let parts = bytes.iter().filter(|byte| **byte == 0x0a).count();
        assert!(name.as_deref() == Some(&logged) || parts > 2);
    }
}

/// A grant from lines of text: the principal, then a scope and a pattern on each line.
fn grants(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let principal = lines.next().unwrap_or_default();
    let rules: Vec<_> = lines.filter_map(|line| line.split_once(' ')).collect();
    let Ok(grant) = Grant::new(principal, rules.iter().copied()) else {
        return;
    };
    for scope in [Scope::Read, Scope::Write, Scope::Admin] {
        for (_, pattern) in &rules {
            let name = pattern.trim_end_matches('*');
            let covered = grant.covered(scope, "");
            let hits = covered.iter().filter(|own| own.covers(name)).count();
            assert_eq!(hits, usize::from(grant.allows(scope, name)), "{text:?}");
        }
        assert_eq!(
            grant.allows_somewhere(scope),
            !grant.covered(scope, "").is_empty()
        );
    }
    assert!(rules.iter().all(|(_, text)| Pattern::parse(text).is_ok()));
}

/// A decoded record is unchanged by encoding and decoding.
fn column<T: serde::Serialize + serde::de::DeserializeOwned>(bytes: &[u8]) {
    let Ok(value) = postcard::from_bytes::<T>(bytes) else {
        return;
    };
    let written = postcard::to_stdvec(&value).expect("structures of ours can be encoded");
    let again = postcard::from_bytes::<T>(&written).expect("what was written can be read");
    let again = postcard::to_stdvec(&again).expect("structures of ours can be encoded");
    assert_eq!(again, written);
}

/// Valid input of each decoder.
pub(crate) fn seeds(world: &World) -> Vec<Vec<u8>> {
    let with = |which: u8, bytes: Vec<u8>| [vec![which], bytes].concat();
    let mut seeds: Vec<Vec<u8>> = world
        .restore_messages("alice")
        .into_iter()
        .map(|message| with(2, message))
        .collect();
    let record = CategoryRecord {
        key: "key".into(),
        settings: Default::default(),
        base: Some(vec![1.0, 2.0]),
        metadata: [("a".to_owned(), "b".to_owned())].into(),
        anchor: 7,
        created_ms: 1,
    };
    let entry = Entry {
        revision: 3,
        origin: Default::default(),
        request_id: "r".to_owned(),
        changes: vec![ee_core::command::record::Change::CategoryUpdated {
            before: record.clone(),
        }],
        effects: Vec::new(),
        undone: Vec::new(),
        images: vec![ee_core::command::record::ItemImage {
            item: 1,
            weight: 1.0,
            embedding: vec![1.0; 2],
        }],
    };
    let bytes = |value: &dyn Fn() -> postcard::Result<Vec<u8>>| value().unwrap();
    seeds.extend([
        with(0, Embedding::of(vec![1.0, 2.0]).encode_to_vec()),
        with(3, b"\x0a\x05alice".to_vec()),
        with(3, b"\x0a\x07\x0a\x05alice".to_vec()),
        with(4, b"someone\nread *\nwrite al*\nadmin alice".to_vec()),
        with(5, bytes(&|| postcard::to_stdvec(&entry))),
        with(6, bytes(&|| postcard::to_stdvec(&record))),
        with(
            7,
            bytes(&|| postcard::to_stdvec(&(Outcome::DeleteItems { deleted: 1 }, 5u64))),
        ),
        with(9, bytes(&|| postcard::to_stdvec(&MemberStats::default()))),
    ]);
    seeds
}
