//! Every refusal that a request can meet: its code, its reason, its metadata, its field.

#![allow(missing_docs)]

mod world;

use ee_wire::proto::v1::list_items_request::Filter;
use ee_wire::proto::v1::*;
use ee_wire::{Code, Grant, Service};
use prost::Message;
use world::*;

/// Asserts what a refusal says; a field is expected where the code is INVALID_ARGUMENT.
#[track_caller]
fn says(refusal: &Refusal, code: Code, reason: &str, metadata: &[(&str, &str)]) {
    assert_eq!((refusal.code, refusal.reason.as_str()), (code, reason));
    let expected = metadata
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(refusal.metadata, expected.collect());
    if code == Code::InvalidArgument {
        let field = metadata.iter().find(|(key, _)| *key == "field");
        let expected: Vec<_> = field.iter().map(|(_, path)| (*path).to_owned()).collect();
        assert_eq!(refusal.fields, expected);
    } else {
        assert_eq!(refusal.fields, [""; 0]);
    }
}

#[track_caller]
fn invalid(refusal: &Refusal, reason: &str, metadata: &[(&str, &str)]) {
    says(refusal, Code::InvalidArgument, reason, metadata);
}

#[test]
fn malformed_requests_and_unknown_methods() {
    let world = World::with_alice();
    let call = |method: &str, bytes: &[u8]| {
        refusal(
            &world
                .service
                .call(method, bytes, &world.grant, None)
                .unwrap_err(),
        )
    };
    let said = call("Match", &[0xff]);
    invalid(&said, "MALFORMED_REQUEST", &[("method", "Match")]);
    for method in ["Train", "Snapshot", "Restore", ""] {
        let said = call(method, &[]);
        says(
            &said,
            Code::Unimplemented,
            "UNKNOWN_METHOD",
            &[("method", method)],
        );
    }
    assert!(call(&"x".repeat(100_000), &[]).metadata["method"].len() < 600);
}

#[test]
fn required_fields() {
    let world = World::with_alice();
    let required = |method: &str, request: Vec<u8>, field: &str| {
        let status = world.service.call(method, &request, &world.grant, None);
        let said = refusal(&status.unwrap_err());
        invalid(&said, "REQUIRED_FIELD", &[("field", field)]);
    };
    let encoded = |queries| match_request(queries).encode_to_vec();
    required("Match", encoded(vec![]), "queries");
    required("Match", encoded(vec![Query::default()]), "queries[0]");
    let parts = |parts| {
        let parts = query(query::Source::Parts(QueryParts { parts }));
        encoded(vec![vector_query(&[1.0, 0.0]), parts])
    };
    required("Match", parts(vec![]), "queries[1].parts.parts");
    let part = QueryPart::default();
    required("Match", parts(vec![part]), "queries[1].parts.parts[0]");
    required("Assign", assign(vec![]).encode_to_vec(), "assignments");
    required("PutItems", put_items(vec![]).encode_to_vec(), "items");
    let none = put_categories(vec![]).encode_to_vec();
    required("PutCategories", none, "categories");
}

#[test]
fn keys_and_names() {
    let world = World::with_alice();
    let long = "k".repeat(600);
    let request = assign(vec![assignment(&long, "health", None)]);
    invalid(
        &world.refusal("Assign", &request),
        "INVALID_KEY",
        &[
            ("field", "assignments[0].item"),
            ("limit", "512"),
            ("actual", "600"),
        ],
    );
    let request = put_items(vec![item("ok", &[1.0, 0.0]), item("a\nb", &[1.0, 0.0])]);
    invalid(
        &world.refusal("PutItems", &request),
        "INVALID_KEY",
        &[
            ("field", "items[1].key"),
            ("character", "U+000A"),
            ("position", "1"),
        ],
    );
    let request = CreateNamespaceRequest {
        namespace: Some(namespace("-x")),
        write: None,
    };
    let said = world.refusal("CreateNamespace", &request);
    assert_eq!(said.reason, "INVALID_KEY");
    assert_eq!(said.fields, ["namespace.name"]);
    let said = world.refusal("CreateNamespace", &CreateNamespaceRequest::default());
    assert_eq!(said.fields, ["namespace.name"]);
    let said = world.refusal("GetNamespace", &GetNamespaceRequest::default());
    let expected = [("field", "namespace"), ("limit", "128"), ("actual", "0")];
    invalid(&said, "INVALID_KEY", &expected);
}

#[test]
fn vectors() {
    let world = World::with_alice();
    let request = match_request(vec![
        vector_query(&[1.0, 0.0]),
        vector_query(&[1.0, 0.0, 0.0]),
    ]);
    invalid(
        &world.refusal("Match", &request),
        "DIMENSION_MISMATCH",
        &[
            ("field", "queries[1].embedding"),
            ("expected", "2"),
            ("actual", "3"),
        ],
    );
    let put =
        |components: &[f32]| world.refusal("PutItems", &put_items(vec![item("x", components)]));
    let field = ("field", "items[0].embedding");
    for (components, component, actual) in [
        ([1.0, f32::NAN], "1", "NaN"),
        ([f32::NEG_INFINITY, 1.0], "0", "-inf"),
        ([40_000.0, 1.0], "0", "40000"),
    ] {
        let expected = [field, ("component", component), ("actual", actual)];
        invalid(&put(&components), "INVALID_VECTOR", &expected);
    }
    let said = put(&[0.0, 0.0]);
    assert_eq!(said.reason, "INVALID_VECTOR");
    let expected = [field, ("norm", "0e0"), ("actual", "0e0")];
    invalid(&said, "INVALID_VECTOR", &expected);
    // A length that is no multiple of 4, and both forms at once, in bytes.
    let raw = |embedding: &[u8]| {
        let mut update = vec![0x0a, 1, b'x', 0x12, embedding.len() as u8];
        update.extend(embedding);
        let mut request = put_items(vec![]).encode_to_vec();
        request.extend([0x12, update.len() as u8]);
        request.extend(update);
        let status = world.service.call("PutItems", &request, &world.grant, None);
        refusal(&status.unwrap_err())
    };
    let said = raw(&[0x0a, 3, 0, 0, 0]);
    invalid(&said, "INVALID_VECTOR", &[field, ("actual", "3 bytes")]);
    let said = raw(&[0x0a, 4, 0, 0, 0x80, 0x3f, 0x15, 0, 0, 0x80, 0x3f]);
    invalid(
        &said,
        "INVALID_VECTOR",
        &[field, ("actual", "4 bytes and 1 values")],
    );
    let said = raw(&[]);
    invalid(
        &said,
        "DIMENSION_MISMATCH",
        &[field, ("expected", "2"), ("actual", "0")],
    );
}

#[test]
fn weights_and_ranges() {
    let world = World::with_alice();
    let mut entry = assignment("x", "health", Some(&[1.0, 0.0]));
    entry.weight = Some(-1.0);
    invalid(
        &world.refusal("Assign", &assign(vec![entry])),
        "INVALID_WEIGHT",
        &[
            ("field", "assignments[0].weight"),
            ("expected", "2^-10 to 2^20"),
            ("actual", "-1"),
        ],
    );
    let put = |change: fn(&mut CategoryUpdate)| {
        let mut update = category("c", &[1.0, 0.0]);
        change(&mut update);
        world.refusal("PutCategories", &put_categories(vec![update]))
    };
    assert_eq!(
        put(|c| c.base_weight = Some(f32::NAN)).reason,
        "INVALID_WEIGHT"
    );
    let out_of_range = |said: &Refusal, field: &str, expected: &str, actual: &str| {
        let metadata = [("field", field), ("expected", expected), ("actual", actual)];
        invalid(said, "OUT_OF_RANGE", &metadata);
    };
    let said = put(|c| c.min_base_share = Some(1.0));
    out_of_range(&said, "categories[0].min_base_share", "0 to 0.999", "1");
    let said = put(|c| c.max_actor_share = Some(0.001));
    out_of_range(&said, "categories[0].max_actor_share", "0.01 to 1", "0.001");
    let said = put(|c| c.clear_base = true);
    out_of_range(
        &said,
        "categories[0].clear_base",
        "false beside base",
        "true",
    );
    let request = ListItemsRequest {
        namespace: "alice".to_owned(),
        page_size: 5000,
        ..ListItemsRequest::default()
    };
    let said = world.refusal("ListItems", &request);
    out_of_range(&said, "page_size", "0 to 1000", "5000");
    let request = MatchRequest {
        min_score: Some(1.5),
        ..match_request(vec![vector_query(&[1.0, 0.0])])
    };
    out_of_range(
        &world.refusal("Match", &request),
        "min_score",
        "-1 to 1",
        "1.5",
    );
    let asked = match_request(vec![vector_query(&[1.0, 0.0])]);
    let request = MatchRequest {
        min_rank_score: Some(f64::NAN),
        ..asked.clone()
    };
    let said = world.refusal("Match", &request);
    out_of_range(&said, "min_rank_score", "finite", "NaN");
    let request = MatchRequest {
        fairness: Some(1.5),
        ..asked.clone()
    };
    out_of_range(
        &world.refusal("Match", &request),
        "fairness",
        "0 to 1",
        "1.5",
    );
    let request = MatchRequest {
        ranking: 3,
        ..asked
    };
    out_of_range(&world.refusal("Match", &request), "ranking", "0 to 2", "3");
    let request = UpdateNamespaceRequest {
        namespace: "alice".to_owned(),
        fairness: Some(-0.5),
        ..UpdateNamespaceRequest::default()
    };
    let said = world.refusal("UpdateNamespace", &request);
    out_of_range(&said, "fairness", "0 to 1", "-0.5");
    let mut request = unassign("run", "health");
    request.unassignments[0].delete_item = true;
    let said = world.refusal("Unassign", &request);
    out_of_range(
        &said,
        "unassignments[0].delete_item",
        "false beside category",
        "true",
    );
    let create = |namespace: Namespace| {
        let request = CreateNamespaceRequest {
            namespace: Some(namespace),
            write: None,
        };
        world.refusal("CreateNamespace", &request)
    };
    let said = create(Namespace {
        dimension: 0,
        ..namespace("x")
    });
    out_of_range(&said, "namespace.dimension", "1 to 16384", "0");
    let said = create(Namespace {
        normalization: 9,
        ..namespace("x")
    });
    out_of_range(&said, "namespace.normalization", "0 to 2", "9");
}

#[test]
fn contradictions() {
    let world = World::with_alice();
    let request = assign(vec![
        assignment("run", "health", None),
        assignment("gym", "health", Some(&[1.0, 0.0])),
        assignment("run", "work", None),
    ]);
    invalid(
        &world.refusal("Assign", &request),
        "CONFLICTING_ENTRIES",
        &[
            ("field", "assignments[2]"),
            ("key", "run"),
            ("first", "assignments[0]"),
        ],
    );
}

#[test]
fn sizes() {
    let world = World::with_alice();
    let request = assign(vec![Assignment::default(); 10_001]);
    invalid(
        &world.refusal("Assign", &request),
        "TOO_LARGE",
        &[
            ("field", "assignments"),
            ("limit", "10000"),
            ("actual", "10001"),
        ],
    );
    let mut request = assign(vec![assignment("run", "health", None)]);
    request.write = Some(WriteOptions {
        reason: "r".repeat(1025),
        ..WriteOptions::default()
    });
    invalid(
        &world.refusal("Assign", &request),
        "TOO_LARGE",
        &[
            ("field", "write.reason"),
            ("limit", "1024"),
            ("actual", "1025"),
        ],
    );
    let mut update = item("x", &[1.0, 0.0]);
    update.metadata = (0..65).map(|i| (i.to_string(), String::new())).collect();
    let request = put_items(vec![update]);
    invalid(
        &world.refusal("PutItems", &request),
        "TOO_LARGE",
        &[
            ("field", "items[0].metadata"),
            ("limit", "64"),
            ("actual", "65"),
        ],
    );
    let mut request = match_request(vec![vector_query(&[1.0, 0.0]); 1000]);
    request.limit = Some(0);
    assert!(world.ask::<_, MatchResponse>("Match", &request).is_ok());
    request.queries.push(vector_query(&[1.0, 0.0]));
    let said = world.refusal("Match", &request);
    assert_eq!(said.fields, ["queries"]);
}

#[test]
fn page_tokens() {
    let world = World::with_alice();
    let mut request = ListCategoriesRequest {
        namespace: "alice".to_owned(),
        page_size: 1,
        ..ListCategoriesRequest::default()
    };
    let page: ListCategoriesResponse = world.ask("ListCategories", &request).unwrap();
    let foreign = ListItemsRequest {
        namespace: "alice".to_owned(),
        page_token: page.next_page_token,
        filter: Some(Filter::Unassigned(true)),
        ..ListItemsRequest::default()
    };
    let said = world.refusal("ListItems", &foreign);
    invalid(&said, "INVALID_PAGE_TOKEN", &[("field", "page_token")]);
    request.page_token = "ff".to_owned();
    let said = world.refusal("ListCategories", &request);
    invalid(&said, "INVALID_PAGE_TOKEN", &[("field", "page_token")]);
}

#[test]
fn queries_that_point_nowhere() {
    let world = World::with_alice();
    let part = |x: f32| QueryPart {
        source: match vector_query(&[x, 0.0]).source {
            Some(query::Source::Embedding(embedding)) => {
                Some(query_part::Source::Embedding(embedding))
            }
            _ => None,
        },
        weight: None,
    };
    let parts = QueryParts {
        parts: vec![part(1.0), part(-1.0)],
    };
    let request = match_request(vec![query(query::Source::Parts(parts))]);
    let said = world.refusal("Match", &request);
    invalid(&said, "DEGENERATE_QUERY", &[("field", "queries[0]")]);
}

#[test]
fn preconditions() {
    let world = World::with_alice();
    let write = |model: &str, id: &str| {
        Some(WriteOptions {
            embedding_model: model.to_owned(),
            request_id: id.to_owned(),
            ..WriteOptions::default()
        })
    };
    let precondition = |said: &Refusal, reason: &str, metadata: &[(&str, &str)]| {
        says(said, Code::FailedPrecondition, reason, metadata);
    };
    let mut request = assign(vec![assignment("run", "health", None)]);
    request.write = write("model-b", "");
    let metadata = [("expected", "model-a"), ("actual", "model-b")];
    let said = world.refusal("Assign", &request);
    precondition(&said, "MODEL_MISMATCH", &metadata);
    let query = MatchRequest {
        embedding_model: "model-b".to_owned(),
        ..match_request(vec![vector_query(&[1.0, 0.0])])
    };
    precondition(&world.refusal("Match", &query), "MODEL_MISMATCH", &metadata);

    request.write = write("model-a", "id");
    world.ask::<_, AssignResponse>("Assign", &request).unwrap();
    request.assignments[0].category = "work".to_owned();
    let said = world.refusal("Assign", &request);
    precondition(&said, "REQUEST_ID_REUSED", &[("request_id", "id")]);

    let mut entry = assignment("big", "health", Some(&[32_768.0, 0.0]));
    entry.weight = Some(1024.0);
    let said = world.refusal("Assign", &assign(vec![entry]));
    precondition(
        &said,
        "SUM_OVERFLOW",
        &[("category", "health"), ("component", "0")],
    );

    let delete = DeleteNamespaceRequest {
        namespace: "alice".to_owned(),
        ..DeleteNamespaceRequest::default()
    };
    let metadata = [
        ("namespace", "alice"),
        ("category_count", "2"),
        ("item_count", "1"),
    ];
    let said = world.refusal("DeleteNamespace", &delete);
    precondition(&said, "NAMESPACE_NOT_EMPTY", &metadata);

    let deadline = std::time::Instant::now() + std::time::Duration::from_millis(20);
    let request = GetNamespaceRequest {
        namespace: "alice".to_owned(),
        min_revision: 100,
        epoch: 0,
    };
    let bytes = request.encode_to_vec();
    let status = world
        .service
        .call("GetNamespace", &bytes, &world.grant, Some(deadline))
        .unwrap_err();
    let revision = world.get("alice").revision.to_string();
    let metadata = [("expected", "100"), ("actual", revision.as_str())];
    precondition(&refusal(&status), "REVISION_NOT_REACHED", &metadata);
}

#[test]
fn missing_resources_are_not_found() {
    let world = World::with_alice();
    let missing = |said: &Refusal, kind: &str, key: &str, field: &str| {
        let reason = format!("{}_NOT_FOUND", kind.to_uppercase());
        says(
            said,
            Code::NotFound,
            &reason,
            &[("field", field), (kind, key)],
        );
    };
    let request = assign(vec![
        assignment("run", "health", None),
        assignment("run2", "health", None),
    ]);
    let said = world.refusal("Assign", &request);
    missing(&said, "item", "run2", "assignments[1].item");
    let request = assign(vec![assignment("run", "fun", None)]);
    let said = world.refusal("Assign", &request);
    missing(&said, "category", "fun", "assignments[0].category");
    let said = world.refusal("Unassign", &unassign("gym", ""));
    missing(&said, "item", "gym", "unassignments[0].item");
    let mut update = item("gym", &[1.0, 0.0]);
    update.embedding = None;
    let said = world.refusal("PutItems", &put_items(vec![update]));
    missing(&said, "item", "gym", "items[0].key");
    let request = DeleteCategoriesRequest {
        namespace: "alice".to_owned(),
        categories: vec!["health".to_owned(), "fun".to_owned()],
        ..DeleteCategoriesRequest::default()
    };
    let said = world.refusal("DeleteCategories", &request);
    missing(&said, "category", "fun", "categories[1]");
    let request = ReanchorRequest {
        namespace: "alice".to_owned(),
        category: "fun".to_owned(),
        ..ReanchorRequest::default()
    };
    missing(
        &world.refusal("Reanchor", &request),
        "category",
        "fun",
        "category",
    );
    let request = GetItemRequest {
        namespace: "alice".to_owned(),
        item: "gym".to_owned(),
        ..GetItemRequest::default()
    };
    missing(&world.refusal("GetItem", &request), "item", "gym", "item");
    let request = ListItemsRequest {
        namespace: "alice".to_owned(),
        filter: Some(Filter::Category("fun".to_owned())),
        ..ListItemsRequest::default()
    };
    missing(
        &world.refusal("ListItems", &request),
        "category",
        "fun",
        "category",
    );
    let stored = |key: &str| QueryPart {
        source: Some(query_part::Source::Item(key.to_owned())),
        weight: None,
    };
    let parts = QueryParts {
        parts: vec![stored("run"), stored("gym")],
    };
    let request = match_request(vec![
        query(query::Source::Item("run".to_owned())),
        query(query::Source::Parts(parts)),
    ]);
    let said = world.refusal("Match", &request);
    missing(&said, "item", "gym", "queries[1].parts.parts[1].item");
    let request = match_request(vec![query(query::Source::Item("gym".to_owned()))]);
    missing(
        &world.refusal("Match", &request),
        "item",
        "gym",
        "queries[0].item",
    );

    let request = VerifyRequest {
        namespace: "bob".to_owned(),
    };
    let said = world.refusal("Verify", &request);
    says(
        &said,
        Code::NotFound,
        "NAMESPACE_NOT_FOUND",
        &[("namespace", "bob")],
    );
    let request = CreateNamespaceRequest {
        namespace: Some(namespace("alice")),
        write: None,
    };
    let said = world.refusal("CreateNamespace", &request);
    says(
        &said,
        Code::AlreadyExists,
        "NAMESPACE_EXISTS",
        &[("namespace", "alice")],
    );
}

#[test]
fn snapshots_that_cannot_be_restored() {
    let world = World::with_alice();
    let frames = world.snapshot("alice", SnapshotView::Full);
    let refused = |frames: &[SnapshotFrame]| refusal(&world.restore("bob", frames).unwrap_err());
    let out_of_order = |said: &Refusal, expected: &str, actual: &str| {
        let metadata = [
            ("field", "frame"),
            ("expected", expected),
            ("actual", actual),
        ];
        invalid(said, "INVALID_SNAPSHOT", &metadata);
    };
    out_of_order(&refused(&frames[1..]), "header", "categories");
    let twice = [&frames[..1], &frames[..1]].concat();
    out_of_order(&refused(&twice), "categories, items or trailer", "header");
    let no_items = SnapshotFrame {
        content: Some(snapshot_frame::Content::Items(SnapshotItems::default())),
        checksum: 0,
    };
    let turned = [&frames[..1], &[no_items], &frames[1..2]].concat();
    out_of_order(&refused(&turned), "items or trailer", "categories");
    let cut = &frames[..frames.len() - 1];
    let trailer = "trailer (the snapshot is cut short)";
    out_of_order(&refused(cut), trailer, "the end of the stream");
    out_of_order(&refused(&[]), trailer, "nothing");
    let more = [&frames[..], &frames[1..2]].concat();
    out_of_order(&refused(&more), "the end of the stream", "categories");

    let missing = [&frames[..2], &frames[3..]].concat();
    invalid(
        &refused(&missing),
        "INVALID_SNAPSHOT",
        &[
            ("field", "frame.trailer.item_count"),
            ("expected", "1"),
            ("actual", "0"),
        ],
    );
    let changed = |index: usize, change: &dyn Fn(&mut snapshot_frame::Content)| {
        let mut frames = frames.clone();
        change(frames[index].content.as_mut().unwrap());
        refused(&frames)
    };
    let said = changed(0, &|content| {
        if let snapshot_frame::Content::Header(header) = content {
            header.format = 2;
        }
    });
    let metadata = [
        ("field", "frame.header.format"),
        ("expected", "1"),
        ("actual", "2"),
    ];
    invalid(&said, "INVALID_SNAPSHOT", &metadata);
    let said = changed(2, &|content| {
        if let snapshot_frame::Content::Items(run) = content {
            run.items[0].embedding = embedding(&[1.0]);
        }
    });
    assert_eq!(said.reason, "INVALID_SNAPSHOT");
    assert_eq!(said.fields, ["frame.items.items[0].embedding"]);
    let said = changed(2, &|content| {
        if let snapshot_frame::Content::Items(run) = content {
            run.items[0].weight = 2.0;
        }
    });
    assert_eq!(said.reason, "INVALID_SNAPSHOT");
    let effective = world.snapshot("alice", SnapshotView::Effective);
    assert_eq!(refused(&effective).fields, ["frame.header.view"]);
    let request = GetNamespaceRequest {
        namespace: "bob".to_owned(),
        min_revision: 0,
        epoch: 0,
    };
    assert_eq!(
        world.refusal("GetNamespace", &request).reason,
        "NAMESPACE_NOT_FOUND"
    );
    assert!(world.restore("bob", &frames).is_ok());
}

#[test]
fn a_stopping_service_refuses_writes_by_name() {
    let world = World::with_alice();
    world.service.engine().stop_writes();
    let request = assign(vec![assignment("run", "work", None)]);
    let said = world.refusal("Assign", &request);
    says(&said, Code::Unavailable, "SHUTTING_DOWN", &[]);
    let request = match_request(vec![vector_query(&[1.0, 0.0])]);
    assert!(world.ask::<_, MatchResponse>("Match", &request).is_ok());
}

#[test]
fn a_service_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Service>();
    shared::<Grant>();
}

#[test]
fn every_invalid_field_is_reported_up_to_a_bound() {
    let world = World::with_alice();
    let mut request = assign(vec![
        assignment("", "health", Some(&[1.0])),
        assignment("gym", "health", Some(&[1.0, 1.0])),
        Assignment {
            weight: Some(-1.0),
            ..assignment("run", "", None)
        },
    ]);
    request.write = Some(WriteOptions {
        actor: "a".repeat(257),
        ..WriteOptions::default()
    });
    let said = world.refusal("Assign", &request);
    assert_eq!(
        said.fields,
        [
            "write.actor",
            "assignments[0].item",
            "assignments[0].embedding",
            "assignments[2].category",
            "assignments[2].weight",
        ]
    );
    assert_eq!(said.reason, "TOO_LARGE");
    assert_eq!(said.metadata["field"], "write.actor");
    assert_eq!(said.metadata["violations"], "5");

    // The order is the same each time, the number is whole, and the details stay small.
    let many = assign(vec![assignment("", "", None); 1000]);
    let status = world.ask::<_, AssignResponse>("Assign", &many).unwrap_err();
    assert!(status.message.starts_with("assignments[0].item: "));
    assert!(
        status.message.ends_with(" (and 1999 more invalid fields)"),
        "{}",
        status.message
    );
    assert!(status.details.len() <= 4096);
    let said = refusal(&status);
    assert_eq!(said.metadata["violations"], "2000");
    assert!((8..=32).contains(&said.fields.len()), "{:?}", said.fields);
    assert_eq!(said.fields[3], "assignments[1].category");
    assert_eq!(world.refusal("Assign", &many), said);

    let mut request = match_request(vec![
        vector_query(&[1.0]),
        query(query::Source::Item(String::new())),
    ]);
    request.min_score = Some(2.0);
    let said = world.refusal("Match", &request);
    let fields = ["min_score", "queries[0].embedding", "queries[1].item"];
    assert_eq!(said.fields, fields);
}
