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
        let refused = restore(&world, "r", &frames).unwrap_err();
        assert_eq!(refusal(&refused).reason, "REQUEST_ID_REUSED");
    }
    assert_eq!(world.get("copy"), before);
}
