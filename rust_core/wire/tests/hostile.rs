//! Bytes that nobody meant well with.

#![allow(missing_docs)]

mod world;

use std::sync::LazyLock;

use ee_wire::proto::v1::*;
use ee_wire::{Code, Kind, METHODS, Scope};
use proptest::prelude::*;
use prost::Message;
use world::*;

static WORLD: LazyLock<World> = LazyLock::new(World::with_alice);
/// One world for all cases of all properties, so one at a time.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Sends bytes to every method; none may panic, and what is refused changes nothing.
fn send_everywhere(bytes: &[u8]) -> Result<(), TestCaseError> {
    let _turn = TURN.lock().expect("no case panics");
    let before = WORLD.get("alice");
    let mut written = false;
    for method in METHODS {
        let (service, grant, name) = (&WORLD.service, &WORLD.grant, method.name);
        let status = match method.kind {
            Kind::Unary => service.call(name, bytes, grant, None).err(),
            Kind::ServerStream => match service.server_stream(name, bytes, grant, None) {
                Ok(replies) => replies.filter_map(Result::err).next(),
                Err(status) => Some(status),
            },
            Kind::ClientStream => {
                let mut stream = service.client_stream(name, grant).expect("a grant of all");
                let pushed = stream.push(bytes).and_then(|()| stream.push(bytes));
                pushed.err().or_else(|| stream.finish().err())
            }
        };
        written |= status.is_none() && method.scope > Scope::Read;
        if let Some(status) = status {
            prop_assert!(status.code != Code::Internal, "{}: {status:?}", method.name);
            prop_assert!(status.details.len() < 8192);
        }
    }
    if !written {
        prop_assert_eq!(WORLD.get("alice"), before);
    }
    Ok(())
}

/// A request that is nearly right, and so goes further than random bytes.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let floats = prop::collection::vec(
        prop_oneof![Just(f32::NAN), Just(0.0), Just(1e30), any::<f32>()],
        0..4,
    );
    (any::<u8>(), "[a-z\\x00]{0,6}", floats).prop_map(|(kind, text, floats)| match kind % 6 {
        0 => match_request(vec![vector_query(&floats)]).encode_to_vec(),
        1 => match_request(vec![query(query::Source::Item(text))]).encode_to_vec(),
        2 => assign(vec![assignment(&text, "missing", Some(&floats))]).encode_to_vec(),
        3 => put_items(vec![ItemUpdate {
            weight: Some(-1.0),
            ..item(&text, &floats)
        }])
        .encode_to_vec(),
        4 => put_categories(vec![CategoryUpdate {
            base_weight: Some(f32::NAN),
            ..category(&text, &floats)
        }])
        .encode_to_vec(),
        _ => RestoreRequest {
            frame: WORLD.snapshot("alice", SnapshotView::Full).pop(),
            namespace: text,
            write: None,
        }
        .encode_to_vec(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_change_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        send_everywhere(&bytes)?;
    }

    #[test]
    fn bytes_flipped_in_requests_that_fail_change_nothing(
        bytes in nearly(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1u8..8), 0..3),
    ) {
        let mut bytes = bytes;
        // Flips after the namespace's name, so that they meet the code behind it.
        for (place, bit) in flips {
            let place = place.index(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(place.max(8)) {
                *byte ^= 1 << bit;
            }
        }
        send_everywhere(&bytes)?;
    }
}
