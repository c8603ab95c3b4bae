//! What the methods answer.

#![allow(missing_docs)]

mod world;

use std::time::{Duration, Instant};

use ee_wire::proto::v1::list_items_request::Filter;
use ee_wire::proto::v1::snapshot_frame::Content;
use ee_wire::proto::v1::*;
use ee_wire::{Code, Grant, ShortCall, ShortReply};
use prost::Message;
use world::*;

#[test]
fn a_namespace_is_created_changed_listed_and_deleted() {
    let world = World::new();
    let created = world.create(Namespace {
        description: "notes".to_owned(),
        normalization: Normalization::Unit.into(),
        membership: MembershipMode::Multiple.into(),
        ..namespace("alice")
    });
    assert_eq!(created.revision, 1);
    assert_eq!(created.digest.len(), 32);
    assert_eq!(created.normalization(), Normalization::Unit);
    assert_eq!(created.membership(), MembershipMode::Multiple);
    assert_eq!(world.get("alice"), created);
    let request = UpdateNamespaceRequest {
        namespace: "alice".to_owned(),
        description: Some("tasks".to_owned()),
        labels: [("team".to_owned(), "a".to_owned())].into(),
        replace_labels: true,
        ranking: RankingMode::Local.into(),
        fairness: Some(0.25),
        history_keep: None,
        write: Some(WriteOptions {
            validate_only: true,
            ..WriteOptions::default()
        }),
    };
    let dry: UpdateNamespaceResponse = world.ask("UpdateNamespace", &request).unwrap();
    assert_eq!(world.get("alice"), created);
    let request = UpdateNamespaceRequest {
        write: None,
        ..request
    };
    let done: UpdateNamespaceResponse = world.ask("UpdateNamespace", &request).unwrap();
    let changed = done.namespace.unwrap();
    assert_eq!(changed.description, "tasks");
    assert_eq!(changed.labels["team"], "a");
    assert_eq!(dry.namespace.unwrap().labels, changed.labels);
    assert_eq!(changed.ranking(), RankingMode::Local);
    assert_eq!(changed.fairness, Some(0.25));
    assert_ne!(changed.digest, created.digest);
    let request = UpdateNamespaceRequest {
        namespace: "alice".to_owned(),
        ranking: RankingMode::Cosine.into(),
        ..UpdateNamespaceRequest::default()
    };
    let done: UpdateNamespaceResponse = world.ask("UpdateNamespace", &request).unwrap();
    let changed = done.namespace.unwrap();
    assert_eq!(changed.ranking(), RankingMode::Cosine);
    assert_eq!(
        changed.fairness, None,
        "another ranking has its own default"
    );
    assert_eq!(changed.digest, created.digest);
    let request = DeleteNamespaceRequest {
        namespace: "alice".to_owned(),
        ..DeleteNamespaceRequest::default()
    };
    let deleted: DeleteNamespaceResponse = world.ask("DeleteNamespace", &request).unwrap();
    assert_eq!(deleted.namespace.unwrap().description, "tasks");
    assert_eq!(
        world.refusal("DeleteNamespace", &request).code,
        Code::NotFound
    );
}

#[test]
fn a_category_learns_and_forgets() {
    let world = World::with_alice();
    let before = world.get("alice");
    let request = assign(vec![assignment("run", "work", None)]);
    let moved: AssignResponse = world.ask("Assign", &request).unwrap();
    let result = &moved.results[0];
    assert_eq!(result.previous_category, "health");
    assert!(result.changed && !result.item_created);
    assert_eq!(result.category_member_count, 1);
    let again: AssignResponse = world.ask("Assign", &request).unwrap();
    assert!(!again.results[0].changed);
    assert_eq!(again.revision, moved.revision);
    let back = assign(vec![assignment("run", "health", None)]);
    world.ask::<_, AssignResponse>("Assign", &back).unwrap();
    assert_eq!(world.get("alice").digest, before.digest);

    let gone: UnassignResponse = world.ask("Unassign", &unassign("run", "")).unwrap();
    assert_eq!(gone.results[0].previous_categories, ["health"]);
    let request = GetCategoryRequest {
        namespace: "alice".to_owned(),
        category: "health".to_owned(),
        include_embeddings: true,
        min_revision: gone.revision,
        ..GetCategoryRequest::default()
    };
    let found: GetCategoryResponse = world.ask("GetCategory", &request).unwrap();
    let category = found.category.unwrap();
    assert_eq!(category.effective.unwrap().data, [1.0, 0.0]);
    assert_eq!(category.member_count, 0);
}

#[test]
fn a_match_ranks_by_vector_item_and_parts_in_both_forms() {
    let world = World::with_alice();
    let values = ee_wire::embedding::Embedding {
        values: vec![0.0, 2.0],
        ..Default::default()
    };
    let part = |source, weight| QueryPart {
        source: Some(source),
        weight,
    };
    let parts = QueryParts {
        parts: vec![
            part(query_part::Source::Item("run".to_owned()), None),
            part(query_part::Source::Embedding(values.clone()), Some(100.0)),
        ],
    };
    let request = match_request(vec![
        vector_query(&[5.0, 0.0]),
        query(query::Source::Embedding(values)),
        query(query::Source::Item("run".to_owned())),
        query(query::Source::Parts(parts)),
    ]);
    let found: MatchResponse = world.ask("Match", &request).unwrap();
    let best: Vec<_> = found
        .results
        .iter()
        .map(|result| &*result.matches[0].category)
        .collect();
    assert_eq!(best, ["health", "work", "health", "work"]);
    let first = &found.results[0];
    assert_eq!(first.matches.len(), 2);
    assert_eq!(first.matches[0].count, 1);
    assert_eq!(
        first.margin,
        Some(first.matches[0].score - first.matches[1].score)
    );
    let request = MatchRequest {
        limit: Some(1),
        include_categories: vec!["work".to_owned(), "nothing".to_owned()],
        ..match_request(vec![vector_query(&[5.0, 0.0])])
    };
    let found: MatchResponse = world.ask("Match", &request).unwrap();
    assert_eq!(&*found.results[0].matches[0].category, "work");
    assert_eq!(found.results[0].margin, None);
}

#[test]
fn a_short_match_is_answered_at_once_and_nothing_else() {
    let world = World::with_alice();
    let at_once = |method: &str, request: &MatchRequest| {
        let request = request.encode_to_vec();
        let answer = world.service.try_call(method, &request, &world.grant);
        let answered = answer.unwrap().is_some();
        assert_eq!(world.service.is_short(method, &request), answered);
        answered
    };
    let short = match_request(vec![vector_query(&[5.0, 0.0])]);
    assert!(at_once("Match", &short));
    assert!(!at_once("GetNamespace", &short));
    let all = MatchRequest {
        limit: Some(0),
        ..short.clone()
    };
    assert!(!at_once("Match", &all), "how many there are is looked up");
    let filtered = MatchRequest {
        exclude_categories: vec!["x".repeat(500); 200],
        ..short.clone()
    };
    assert!(!at_once("Match", &filtered), "long to decode");
    let stored = match_request(vec![query(query::Source::Item("gym".to_owned()))]);
    assert!(!at_once("Match", &stored), "the store knows");
    let elsewhere = MatchRequest {
        namespace: "nobody".to_owned(),
        ..short
    };
    assert!(!at_once("Match", &elsewhere), "it may have to be loaded");
}

#[test]
fn calls_that_come_together_get_the_answers_that_each_gets_alone() {
    let world = World::with_alice();
    world.create(namespace("bob"));
    let put = PutCategoriesRequest {
        namespace: "bob".to_owned(),
        ..put_categories(vec![category("play", &[1.0, 1.0])])
    };
    world
        .ask::<_, PutCategoriesResponse>("PutCategories", &put)
        .unwrap();
    let short = |x: f32| match_request(vec![vector_query(&[x, 1.0])]);
    let mut requests: Vec<_> = (0..9).map(|x| short(x as f32).encode_to_vec()).collect();
    let others = [
        match_request(vec![vector_query(&[1.0, 0.0]), vector_query(&[0.0, 1.0])]),
        match_request(vec![vector_query(&[0.0, 0.0])]),
        match_request(vec![vector_query(&[1.0, 2.0, 3.0])]),
        match_request(vec![query(query::Source::Item("run".to_owned()))]),
        MatchRequest {
            namespace: "bob".to_owned(),
            ..short(2.0)
        },
        MatchRequest {
            namespace: "nobody".to_owned(),
            ..short(2.0)
        },
        MatchRequest {
            limit: Some(1),
            ..short(2.0)
        },
        MatchRequest {
            min_score: Some(0.9),
            min_revision: 1,
            ..short(2.0)
        },
        MatchRequest {
            include_confidence: true,
            min_confidence: Some(0.3),
            ..short(2.0)
        },
    ];
    for (place, request) in others.iter().enumerate() {
        requests.insert(1 + 2 * place, request.encode_to_vec());
    }
    requests.insert(5, b"\xff\xff".to_vec());
    requests.insert(6, vec![0; 200 << 10]);
    let bobs_only = Grant::new("bob", [("read", "bob")]).unwrap();
    let calls: Vec<_> = requests
        .iter()
        .enumerate()
        .map(|(place, request)| ShortCall {
            request,
            grant: match place % 4 {
                3 => &bobs_only,
                _ => &world.grant,
            },
        })
        .collect();
    let alone: Vec<_> = calls
        .iter()
        .map(|call| world.service.try_call("Match", call.request, call.grant))
        .collect();
    let of_kind = |is: fn(&ShortReply) -> bool| alone.iter().filter(|reply| is(reply)).count();
    assert!(
        of_kind(|reply| matches!(reply, Ok(Some(_)))) >= 9,
        "{alone:?}"
    );
    assert!(of_kind(|reply| matches!(reply, Ok(None))) >= 3, "{alone:?}");
    assert!(of_kind(Result::is_err) >= 3, "{alone:?}");
    for threads in [1, 2, 8] {
        for first in 0..calls.len() {
            let together = world.service.try_calls("Match", &calls[first..], threads);
            assert_eq!(together, alone[first..]);
        }
    }
    let nothing = world.service.try_calls("GetNamespace", &calls, 2);
    assert!(nothing.iter().all(|reply| *reply == Ok(None)));
}

#[test]
fn a_retry_returns_the_first_answer_however_it_is_encoded() {
    let world = World::with_alice();
    let mut request = assign(vec![assignment("gym", "health", Some(&[1.0, 1.0]))]);
    request.write = Some(WriteOptions {
        request_id: "once".to_owned(),
        ..WriteOptions::default()
    });
    let first: AssignResponse = world.ask("Assign", &request).unwrap();
    assert!(first.results[0].item_created);
    // An unknown field, as a newer client may send, and the fields in another order.
    let mut bytes = request.write.take().unwrap().encode_to_vec();
    bytes.splice(0..0, [0x1a, bytes.len() as u8]);
    bytes.extend(request.encode_to_vec());
    bytes.extend([0xf8, 0x7f, 1]);
    let reply = world
        .service
        .call("Assign", &bytes, &world.grant, None)
        .unwrap();
    assert_eq!(AssignResponse::decode(reply.as_slice()).unwrap(), first);
}

#[test]
fn lists_are_cut_into_pages_and_meet_at_their_ends() {
    let world = World::with_alice();
    let items = (0..25).map(|i| item(&format!("item-{i:02}"), &[1.0, i as f32]));
    let request = put_items(items.collect());
    world
        .ask::<_, PutItemsResponse>("PutItems", &request)
        .unwrap();
    let assignments = (0..9).map(|i| assignment(&format!("item-{i:02}"), "work", None));
    let request = assign(assignments.collect());
    world.ask::<_, AssignResponse>("Assign", &request).unwrap();
    for (filter, count) in [
        (None, 26),
        (Some(Filter::Unassigned(true)), 16),
        (Some(Filter::Category("work".to_owned())), 9),
    ] {
        let mut request = ListItemsRequest {
            namespace: "alice".to_owned(),
            filter: filter.clone(),
            page_size: 4,
            ..ListItemsRequest::default()
        };
        let mut keys = Vec::new();
        loop {
            let page: ListItemsResponse = world.ask("ListItems", &request).unwrap();
            assert!(page.items.len() <= 4);
            keys.extend(page.items.into_iter().map(|item| item.key));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(keys.len(), count, "{filter:?}");
        if matches!(filter, Some(Filter::Category(_))) {
            assert_eq!(keys[0], "item-08");
        } else {
            assert!(keys.is_sorted());
        }
    }
}

#[test]
fn a_snapshot_restores_to_the_same_digest() {
    let world = World::with_alice();
    let frames = world.snapshot("alice", SnapshotView::Full);
    assert!(matches!(frames[0].content, Some(Content::Header(_))));
    let restored = world.restore("bob", &frames).unwrap();
    let alice = world.get("alice");
    assert_eq!(restored.name, "bob");
    assert_eq!(restored.revision, 1);
    assert_eq!(restored.digest, alice.digest);
    // The header has another name and revision, and checksums depend on all frames before.
    let contents = |frames: &[SnapshotFrame]| {
        let contents = frames[1..].iter().map(|frame| frame.content.clone());
        contents.collect::<Vec<_>>()
    };
    let copy = world.snapshot("bob", SnapshotView::Full);
    assert_eq!(contents(&copy), contents(&frames));
    let effective = world.snapshot("alice", SnapshotView::Effective);
    let Some(Content::Categories(run)) = &effective[1].content else {
        panic!("no categories");
    };
    assert!(
        run.categories
            .iter()
            .all(|c| c.effective.is_some() && c.base.is_none())
    );
}

#[test]
fn a_write_records_its_author() {
    let world = World::with_alice();
    let request = GetItemRequest {
        namespace: "alice".to_owned(),
        item: "run".to_owned(),
        include_embedding: true,
        min_revision: 0,
        epoch: 0,
    };
    let found: GetItemResponse = world.ask("GetItem", &request).unwrap();
    let found = found.item.unwrap();
    assert_eq!(found.memberships[0].actor, "tester");
    assert_eq!(found.embedding.unwrap().data, [3.0, 1.0]);
}

#[test]
fn verify_and_info_answer() {
    let world = World::with_alice();
    let request = VerifyRequest {
        namespace: "alice".to_owned(),
    };
    let report: VerifyResponse = world.ask("Verify", &request).unwrap();
    assert_eq!(report.findings, [""; 0]);
    assert_eq!(report.digest, world.get("alice").digest);
    let info: GetServiceInfoResponse = world
        .ask("GetServiceInfo", &GetServiceInfoRequest {})
        .unwrap();
    assert_eq!(info.limits["key_bytes"], 512);
    assert_eq!(info.limits["request_bytes"], 1 << 30);
    assert!(!info.limits.contains_key("reply_bytes"));
    assert_eq!(info.namespace_count, 1);
    assert_eq!(info.write_refusal(), ErrorReason::Unspecified);
}

#[test]
fn info_reports_the_limits_of_the_transport_and_why_writes_are_refused() {
    let mut world = World::with_alice();
    world.service = world.service.with_max_message_bytes(Some(1 << 16));
    world.service.engine().stop_writes();
    let info: GetServiceInfoResponse = world
        .ask("GetServiceInfo", &GetServiceInfoRequest {})
        .unwrap();
    assert_eq!(info.limits["request_bytes"], 1 << 16);
    assert_eq!(info.limits["reply_bytes"], 1 << 16);
    assert_eq!(info.write_refusal(), ErrorReason::ShuttingDown);
}

#[test]
fn a_deadline_that_has_passed_begins_nothing() {
    let world = World::with_alice();
    let request = assign(vec![assignment("gym", "health", Some(&[1.0, 1.0]))]);
    let before = world.get("alice");
    let past = Instant::now() - Duration::from_millis(1);
    let status = world
        .service
        .call("Assign", &request.encode_to_vec(), &world.grant, Some(past))
        .unwrap_err();
    assert_eq!(refusal(&status).reason, "DEADLINE_EXCEEDED");
    assert_eq!(world.get("alice"), before);
}

#[test]
fn a_revision_of_another_epoch_is_refused_at_once() {
    let world = World::with_alice();
    let get = |min_revision, epoch| {
        let request = GetNamespaceRequest {
            namespace: "alice".to_owned(),
            min_revision,
            epoch,
        };
        world.ask::<_, GetNamespaceResponse>("GetNamespace", &request)
    };
    let own = get(0, 0).unwrap().epoch;
    assert_ne!(own, 0);
    let put = put_items(Vec::from([ItemUpdate {
        key: "run".to_owned(),
        weight: Some(2.0),
        ..ItemUpdate::default()
    }]));
    let written = world.ask::<_, PutItemsResponse>("PutItems", &put).unwrap();
    assert_eq!(written.epoch, own);
    assert!(get(written.revision, own).is_ok());
    let begin = Instant::now();
    let said = refusal(&get(written.revision + 9, own ^ 1).unwrap_err());
    assert_eq!(said.reason, "EPOCH_CHANGED");
    assert_eq!(said.metadata["actual"], format!("{own:016x}"));
    assert!(begin.elapsed() < Duration::from_secs(2));
}
