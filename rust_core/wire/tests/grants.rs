//! What a grant does not cover is denied before anything is looked at.

#![allow(missing_docs)]

mod world;

use ee_wire::proto::v1::*;
use ee_wire::{Code, Grant, Kind, METHODS};
use prost::Message;
use world::*;

fn granted(rules: &[(&'static str, &'static str)]) -> Grant {
    Grant::new("somebody", rules.iter().copied()).expect("rules that mean something")
}

#[test]
fn a_namespace_outside_the_grant_is_denied_whether_or_not_it_exists() {
    let world = World::with_alice();
    let grant = granted(&[("admin", "bob"), ("read", "carol*")]);
    let get = |name: &str| GetNamespaceRequest {
        namespace: name.to_owned(),
        min_revision: 0,
        epoch: 0,
    };
    let ask = |name| {
        world
            .ask_as::<_, GetNamespaceResponse>(&grant, "GetNamespace", &get(name))
            .unwrap_err()
    };
    let denied = ask("alice");
    assert_eq!(denied.code, Code::PermissionDenied);
    assert_eq!(denied, ask("nobody"));
    let said = refusal(&denied);
    assert_eq!(said.metadata["method"], "GetNamespace");
    assert_eq!(said.metadata["required"], "read");
    assert_eq!(ask("bob").code, Code::NotFound);
    assert_eq!(ask("carol-2").code, Code::NotFound);
}

#[test]
fn a_grant_without_rules_may_call_nothing() {
    let world = World::with_alice();
    let nobody = Grant::new("nobody", []).unwrap();
    for method in METHODS {
        let (service, name) = (&world.service, method.name);
        let status = match method.kind {
            Kind::Unary => service.call(name, &[], &nobody, None).err(),
            Kind::ServerStream => service.server_stream(name, &[], &nobody, None).err(),
            Kind::ClientStream => service.client_stream(name, &nobody).err(),
        };
        assert_eq!(
            status.unwrap().code,
            Code::PermissionDenied,
            "{}",
            method.name
        );
    }
}

#[test]
fn readers_do_not_write_and_writers_do_not_administer() {
    let world = World::with_alice();
    let request = assign(vec![assignment("run", "work", None)]);
    for (scope, method, allowed) in [
        ("read", "Assign", false),
        ("write", "Assign", true),
        ("admin", "Assign", true),
    ] {
        let grant = granted(&[(scope, "alice")]);
        let answer = world.ask_as::<_, AssignResponse>(&grant, method, &request);
        assert_eq!(answer.is_ok(), allowed, "{scope} {method}");
    }
    let request = DeleteNamespaceRequest {
        namespace: "alice".to_owned(),
        force: true,
        write: None,
    };
    let grant = granted(&[("write", "*"), ("admin", "bob")]);
    let answer = world.ask_as::<_, DeleteNamespaceResponse>(&grant, "DeleteNamespace", &request);
    assert_eq!(answer.unwrap_err().code, Code::PermissionDenied);
}

#[test]
fn a_list_shows_what_is_covered_and_no_more() {
    let world = World::new();
    for name in ["a", "a1", "a2", "b", "b1", "c", "d"] {
        world.create(namespace(name));
    }
    let listed = |grant: &Grant, prefix: &str, page_size| {
        let mut names = Vec::new();
        let mut request = ListNamespacesRequest {
            prefix: prefix.to_owned(),
            page_size,
            page_token: String::new(),
        };
        loop {
            let page: ListNamespacesResponse =
                world.ask_as(grant, "ListNamespaces", &request).unwrap();
            names.extend(page.namespaces.into_iter().map(|n| n.name));
            if page.next_page_token.is_empty() {
                return names.join(" ");
            }
            request.page_token = page.next_page_token;
        }
    };
    let some = granted(&[("read", "b*"), ("write", "a"), ("read", "d"), ("read", "x")]);
    for page_size in 1..6 {
        assert_eq!(listed(&world.grant, "", page_size), "a a1 a2 b b1 c d");
        assert_eq!(listed(&world.grant, "a", page_size), "a a1 a2");
        assert_eq!(listed(&some, "", page_size), "a b b1 d");
        assert_eq!(listed(&some, "b1", page_size), "b1");
        assert_eq!(listed(&some, "c", page_size), "");
    }
}

#[test]
fn a_restore_needs_the_scope_for_the_name_that_it_makes() {
    let world = World::with_alice();
    let frames = world.snapshot("alice", SnapshotView::Full);
    let grant = granted(&[("admin", "bob"), ("write", "alice")]);
    let begin = |name: &str| {
        let request = RestoreRequest {
            namespace: name.to_owned(),
            frame: Some(frames[0].clone()),
            write: None,
        };
        let mut stream = world.service.client_stream("Restore", &grant).unwrap();
        stream.push(&request.encode_to_vec())
    };
    assert!(begin("bob").is_ok());
    assert_eq!(begin("").unwrap_err().code, Code::PermissionDenied);
    assert_eq!(begin("carol").unwrap_err().code, Code::PermissionDenied);
}

#[test]
fn the_storage_is_verified_for_callers_that_may_read_every_namespace() {
    let world = World::with_alice();
    let verified = |rules: &[(&str, &str)]| {
        let grant = Grant::new("somebody", rules.iter().copied()).unwrap();
        let request = VerifyStorageRequest {};
        world.ask_as::<_, VerifyStorageResponse>(&grant, "VerifyStorage", &request)
    };
    let report = verified(&[("read", "*")]).unwrap();
    assert!(
        report.page_count > 0 && report.findings.is_empty(),
        "{report:?}"
    );
    for rules in [&[("admin", "alice")][..], &[("read", "al*")]] {
        let status = verified(rules).unwrap_err();
        assert_eq!(status.code, Code::PermissionDenied);
    }
}
