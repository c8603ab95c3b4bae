//! A restore that is sent again.

#![allow(missing_docs, clippy::unwrap_used)]

mod world;

use ee_wire::proto::v1::*;
use ee_wire::{Code, Status};
use prost::Message;
use world::*;

/// Sends frames with a request's id.
fn restore(world: &World, id: &str, frames: &[SnapshotFrame]) -> Result<Namespace, Status> {
    let mut stream = world.service.client_stream("Restore", &world.grant)?;
    for frame in frames {
        let request = RestoreRequest {
            namespace: "copy".to_owned(),
            frame: Some(frame.clone()),
            write: Some(WriteOptions {
                request_id: id.to_owned(),
                ..WriteOptions::default()
            }),
        };
        stream.push(&request.encode_to_vec())?;
    }
    let reply = stream.finish()?;
    Ok(RestoreResponse::decode(reply.as_slice())
        .unwrap()
        .namespace
        .unwrap())
}

#[test]
fn a_restore_that_is_sent_again_returns_the_first_answer() {
    let world = World::with_alice();
    let frames = world.snapshot("alice", SnapshotView::Full);
    let first = restore(&world, "r", &frames).unwrap();
    // What has come of it since does not change the answer.
    let update = UpdateNamespaceRequest {
        namespace: "copy".to_owned(),
        description: Some("changed since".to_owned()),
        ..UpdateNamespaceRequest::default()
    };
    world
        .ask::<_, UpdateNamespaceResponse>("UpdateNamespace", &update)
        .unwrap();
    let now = world.get("copy");
    assert_eq!(restore(&world, "r", &frames).unwrap(), first);
    assert_eq!(world.get("copy"), now);
    // Without the id, and with another one, it is a restore like the first.
    for id in ["", "other"] {
        let refused = restore(&world, id, &frames).unwrap_err();
        assert_eq!(refused.code, Code::AlreadyExists);
    }
}

#[test]
fn a_restore_that_was_cut_short_is_not_taken_for_finished() {
    let world = World::with_alice();
    let frames = world.snapshot("alice", SnapshotView::Full);
    assert!(restore(&world, "r", &frames[..2]).is_err());
    let first = restore(&world, "r", &frames).unwrap();
    let refused = restore(&world, "r", &frames[..2]).unwrap_err();
    assert_eq!(refusal(&refused).reason, "INVALID_SNAPSHOT");
    assert_eq!(restore(&world, "r", &frames).unwrap(), first);
}

#[test]
fn another_snapshot_with_the_id_of_a_restore_is_refused() {
    let world = World::with_alice();
    let frames = world.snapshot("alice", SnapshotView::Full);
    restore(&world, "r", &frames).unwrap();
    let before = world.get("copy");
    world
        .ask::<_, UnassignResponse>("Unassign", &unassign("run", "health"))
        .unwrap();
    let others = world.snapshot("alice", SnapshotView::Full);
    let mut mixed = frames.clone();
    *mixed.last_mut().unwrap() = others.last().unwrap().clone();
    for frames in [others, mixed] {
        let refused = restore(&world, "r", &sealed(&frames)).unwrap_err();
        assert_eq!(refusal(&refused).reason, "REQUEST_ID_REUSED");
    }
    assert_eq!(world.get("copy"), before);
}

/// A snapshot of two categories and three items with everything that a record can have.
fn rich_snapshot(world: &World) -> Vec<SnapshotFrame> {
    let metadata = || [("text".to_owned(), "a note".to_owned())].into();
    world.create(Namespace {
        labels: metadata(),
        description: "notes".to_owned(),
        ..namespace("rich")
    });
    let put = PutCategoriesRequest {
        namespace: "rich".to_owned(),
        categories: vec![
            CategoryUpdate {
                metadata: metadata(),
                window: Some(2),
                min_base_share: Some(0.5),
                ..category("health", &[1.0, 0.0])
            },
            CategoryUpdate {
                frozen: Some(true),
                min_score: Some(0.25),
                max_actor_share: Some(0.5),
                ..category("work", &[0.0, 1.0])
            },
        ],
        write: None,
    };
    world
        .ask::<_, PutCategoriesResponse>("PutCategories", &put)
        .unwrap();
    let assign = AssignRequest {
        namespace: "rich".to_owned(),
        write: Some(WriteOptions {
            actor: "someone".to_owned(),
            reason: "it fits".to_owned(),
            ..WriteOptions::default()
        }),
        ..assign(vec![
            assignment("run", "health", Some(&[3.0, 1.0])),
            assignment("gym", "health", Some(&[2.0, 1.0])),
            assignment("mail", "work", Some(&[0.5, 1.0])),
        ])
    };
    world.ask::<_, AssignResponse>("Assign", &assign).unwrap();
    world.snapshot("rich", SnapshotView::Full)
}

/// Every bit of every frame, the checksums included.
#[test]
fn a_flipped_bit_of_a_snapshot_never_passes_its_checksum() {
    let world = World::with_alice();
    let frames = rich_snapshot(&world);
    let mut before = 0;
    for frame in &frames {
        let bytes = frame.encode_to_vec();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(read) = SnapshotFrame::decode(flipped.as_slice()) else {
                continue;
            };
            // A `true` of another byte is the same content.
            let passes = ee_wire::frame_checksum(&read, before) == read.checksum;
            assert!(!passes || read == *frame, "bit {bit} of {frame:?}");
        }
        before = frame.checksum;
    }
}

#[test]
fn a_damaged_frame_is_refused_with_its_number_and_nothing_is_restored() {
    let world = World::with_alice();
    let frames = rich_snapshot(&world);
    assert_eq!(frames.len(), 4);
    let mut refused = 0;
    for (index, frame) in frames.iter().enumerate() {
        let bytes = frame.encode_to_vec();
        for byte in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[byte] ^= 1 << (byte % 8);
            let Ok(read) = SnapshotFrame::decode(flipped.as_slice()) else {
                continue;
            };
            if read == *frame {
                continue;
            }
            let mut frames = frames.clone();
            let no_content = read.content.is_none();
            frames[index] = read;
            let said = refusal(&world.restore_as_is("copy", &frames).unwrap_err());
            assert_eq!(said.reason, "INVALID_SNAPSHOT");
            if !no_content {
                assert_eq!(said.fields, ["frame.checksum"]);
                assert_eq!(said.metadata["frame"], (index + 1).to_string());
            }
            refused += 1;
        }
    }
    assert!(refused > 300, "{refused}");

    // A frame less, a frame twice, two in the wrong order, a checksum that is not set.
    let [header, categories, items, trailer] = <[SnapshotFrame; 4]>::try_from(frames).unwrap();
    let without = |frame: &SnapshotFrame| SnapshotFrame {
        checksum: 0,
        ..frame.clone()
    };
    for (frames, number) in [
        (vec![header.clone(), items.clone(), trailer.clone()], "2"),
        (
            vec![header.clone(), categories.clone(), categories.clone()],
            "3",
        ),
        (vec![header.clone(), items.clone(), categories.clone()], "2"),
        (vec![header.clone(), without(&categories)], "2"),
        (vec![without(&header)], "1"),
    ] {
        let said = refusal(&world.restore_as_is("copy", &frames).unwrap_err());
        assert_eq!(said.metadata["frame"], number);
    }
    let listed = world.service.engine().list_namespaces("", None, 9).unwrap();
    let listed: Vec<_> = listed
        .into_iter()
        .map(|listed| listed.unwrap().name)
        .collect();
    assert_eq!(listed, ["alice", "rich"]);
    let whole = [header, categories, items, trailer];
    let restored = world.restore_as_is("copy", &whole).unwrap();
    assert_eq!(restored.digest, world.get("rich").digest);
}
