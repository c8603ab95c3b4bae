//! A panic under a call: an answer of its own, and a service that is right afterwards or says that
//! it has ended.
//!
//! A binary of its own: what is armed to fail is armed for the whole process.

#![allow(missing_docs, clippy::unwrap_used)]

mod world;

use ee_engine::Health;
use ee_engine::failpoints::{Failpoint, Fault, arm, fired};
use ee_wire::proto::v1::*;
use ee_wire::{Code, Service};
use prost::Message;
use world::*;

#[test]
fn a_panic_ends_its_call_and_one_of_the_writer_ends_writing() {
    let world = World::with_alice();
    let before = world.get("alice");
    let engine = world.service.engine();
    let loose = put_items(vec![item("loose", &[1.0, 1.0])]);

    // A restore panics while its namespace is made: that call alone.
    let frames = world.snapshot("alice", SnapshotView::Full);
    arm(Failpoint::RestoreFinish, Fault::Panic, 0);
    let status = world.restore("copy", &frames).unwrap_err();
    assert_eq!((status.code, fired()), (Code::Internal, 1));
    assert!(!status.message.contains("injected"), "{status:?}");
    assert_eq!(engine.health(), Health::Serving);
    assert_eq!(
        world.restore("copy", &frames).unwrap().digest,
        before.digest
    );

    // A namespace is loaded, under its lock.
    let deleted = DeleteNamespaceRequest {
        namespace: "copy".to_owned(),
        force: true,
        write: None,
    };
    world
        .ask::<_, DeleteNamespaceResponse>("DeleteNamespace", &deleted)
        .unwrap();
    world.restore("copy", &frames).unwrap();
    arm(Failpoint::Load, Fault::Panic, 0);
    let get = GetNamespaceRequest {
        namespace: "copy".to_owned(),
        min_revision: 0,
        epoch: 0,
    };
    let asked = |service: &Service| {
        let get = get.encode_to_vec();
        service.call("GetNamespace", &get, &world.grant, None)
    };
    let status = asked(&world.service).unwrap_err();
    assert_eq!((status.code, fired()), (Code::Internal, 1));
    asked(&world.service).unwrap();

    // The writer, after the commit and while it copies it into memory.
    arm(Failpoint::WritePublishing, Fault::Panic, 0);
    let refused = world.refusal("PutItems", &loose);
    assert_eq!((refused.code, fired()), (Code::Unavailable, 1));
    assert_eq!(refused.reason, "STORE_FAILED");
    let reason = "the store failed and takes no more writes: a defect stopped the writer";
    assert_eq!(engine.health(), Health::NotServing(reason.to_owned()));
    // It was durable, so it is what is read from now on, and nothing else.
    let now = world.get("alice");
    assert_eq!(now.revision, before.revision + 1);
    assert_eq!(now.item_count, before.item_count + 1);
    let verified = VerifyRequest {
        namespace: "alice".to_owned(),
    };
    let verified: VerifyResponse = world.ask("Verify", &verified).unwrap();
    assert_eq!((verified.findings.len(), verified.digest), (0, now.digest));
    assert_eq!(world.refusal("PutItems", &loose).reason, "STORE_FAILED");
}
