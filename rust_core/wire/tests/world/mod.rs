//! A service over a new directory, spoken to in messages.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeMap;

use ee_engine::{Engine, Options};
use ee_wire::embedding::Embedding;
use ee_wire::google::{self, BadRequest, ErrorInfo};
use ee_wire::proto::v1::*;
use ee_wire::{Code, Grant, Service, Status};
use prost::{Message, Name};
use tempfile::TempDir;

pub struct World {
    pub service: Service,
    pub grant: Grant,
    directory: TempDir,
}

/// What a refusal says to programs.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    pub code: Code,
    pub reason: String,
    pub metadata: BTreeMap<String, String>,
    /// Paths of the fields at fault.
    pub fields: Vec<String>,
}

impl World {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(directory.path(), Options::default()).unwrap();
        Self {
            service: Service::new(engine),
            grant: Grant::unrestricted("tester").unwrap(),
            directory,
        }
    }

    /// A world with a namespace `alice` of dimension 2, categories `health` and `work` with
    /// bases, and an item `run` in `health`.
    pub fn with_alice() -> Self {
        let world = Self::new();
        world.create(namespace("alice"));
        let categories = vec![
            category("health", &[1.0, 0.0]),
            category("work", &[0.0, 1.0]),
        ];
        world
            .ask::<_, PutCategoriesResponse>("PutCategories", &put_categories(categories))
            .unwrap();
        world
            .ask::<_, AssignResponse>(
                "Assign",
                &assign(vec![assignment("run", "health", Some(&[3.0, 1.0]))]),
            )
            .unwrap();
        world
    }

    pub fn create(&self, namespace: Namespace) -> Namespace {
        let request = CreateNamespaceRequest {
            namespace: Some(namespace),
            write: None,
        };
        self.ask::<_, CreateNamespaceResponse>("CreateNamespace", &request)
            .unwrap()
            .namespace
            .unwrap()
    }

    pub fn ask<Q: Message, A: Message + Default>(
        &self,
        method: &str,
        request: &Q,
    ) -> Result<A, Status> {
        self.ask_as(&self.grant, method, request)
    }

    pub fn ask_as<Q: Message, A: Message + Default>(
        &self,
        grant: &Grant,
        method: &str,
        request: &Q,
    ) -> Result<A, Status> {
        let reply = self.call(grant, method, &request.encode_to_vec())?;
        Ok(A::decode(reply.as_slice()).unwrap())
    }

    /// Calls as a listener does; if `try_call` answers too, both answers must be equal.
    fn call(&self, grant: &Grant, method: &str, request: &[u8]) -> Result<Vec<u8>, Status> {
        let tried = self.service.try_call(method, request, grant);
        let (sender, receiver) = std::sync::mpsc::channel();
        let then = move |answer| sender.send(answer).unwrap();
        self.service
            .call_then(method, request, grant, None, &|| {}, then);
        let answer = receiver.recv().expect("each call has an answer");
        if let Some(tried) = tried.transpose() {
            assert_eq!(tried, answer);
        }
        answer
    }

    pub fn refusal<Q: Message>(&self, method: &str, request: &Q) -> Refusal {
        let bytes = request.encode_to_vec();
        refusal(&self.call(&self.grant, method, &bytes).unwrap_err())
    }

    pub fn get(&self, name: &str) -> Namespace {
        let request = GetNamespaceRequest {
            namespace: name.to_owned(),
            min_revision: 0,
            epoch: 0,
        };
        self.ask::<_, GetNamespaceResponse>("GetNamespace", &request)
            .unwrap()
            .namespace
            .unwrap()
    }

    pub fn snapshot(&self, name: &str, view: SnapshotView) -> Vec<SnapshotFrame> {
        let request = SnapshotRequest {
            namespace: name.to_owned(),
            view: view.into(),
            min_revision: 0,
            epoch: 0,
        };
        self.service
            .server_stream("Snapshot", &request.encode_to_vec(), &self.grant, None)
            .unwrap()
            .map(|message| SnapshotResponse::decode(message.unwrap().as_slice()).unwrap())
            .map(|response| response.frame.unwrap())
            .collect()
    }

    /// Restores frames, which get the checksums of what they hold.
    pub fn restore(&self, name: &str, frames: &[SnapshotFrame]) -> Result<Namespace, Status> {
        self.restore_as_is(name, &sealed(frames))
    }

    pub fn restore_as_is(&self, name: &str, frames: &[SnapshotFrame]) -> Result<Namespace, Status> {
        let mut stream = self.service.client_stream("Restore", &self.grant)?;
        for frame in frames {
            let request = RestoreRequest {
                namespace: name.to_owned(),
                frame: Some(frame.clone()),
                write: None,
            };
            stream.push(&request.encode_to_vec())?;
        }
        let reply = stream.finish()?;
        let response = RestoreResponse::decode(reply.as_slice()).unwrap();
        Ok(response.namespace.unwrap())
    }
}

/// The frames with the checksums of what they hold.
pub fn sealed(frames: &[SnapshotFrame]) -> Vec<SnapshotFrame> {
    let mut frames = frames.to_vec();
    let mut last = 0;
    for frame in &mut frames {
        last = ee_wire::frame_checksum(frame, last);
        frame.checksum = last;
    }
    frames
}

/// What a status says to programs, after checking that its parts agree.
pub fn refusal(status: &Status) -> Refusal {
    let details = google::Status::decode(status.details.as_slice()).unwrap();
    assert_eq!(details.code, status.code as i32);
    assert_eq!(details.message, status.message);
    let info: ErrorInfo = unpack(&details).unwrap();
    assert_eq!(info.domain, ee_wire::DOMAIN);
    let bad: BadRequest = unpack(&details).unwrap_or_default();
    if let Some(first) = bad.field_violations.first() {
        assert_eq!(first.reason, info.reason);
    }
    for violation in &bad.field_violations {
        assert!(!violation.reason.is_empty());
        assert!(!violation.description.is_empty());
        // The field stands beside the description, not in it.
        assert!(!violation.description.starts_with(&violation.field));
    }
    let fields = bad.field_violations.into_iter().map(|v| v.field).collect();
    Refusal {
        code: status.code,
        reason: info.reason,
        metadata: info.metadata,
        fields,
    }
}

fn unpack<M: Message + Name + Default>(details: &google::Status) -> Option<M> {
    let any = details
        .details
        .iter()
        .find(|any| any.type_url == M::type_url())?;
    Some(M::decode(any.value.as_slice()).unwrap())
}

pub fn namespace(name: &str) -> Namespace {
    Namespace {
        name: name.to_owned(),
        dimension: 2,
        embedding_model: "model-a".to_owned(),
        ..Namespace::default()
    }
}

pub fn embedding(components: &[f32]) -> Option<Embedding> {
    Some(Embedding::of(components.to_vec()))
}

pub fn category(key: &str, base: &[f32]) -> CategoryUpdate {
    CategoryUpdate {
        key: key.to_owned(),
        base: embedding(base),
        ..CategoryUpdate::default()
    }
}

pub fn put_categories(categories: Vec<CategoryUpdate>) -> PutCategoriesRequest {
    PutCategoriesRequest {
        namespace: "alice".to_owned(),
        categories,
        write: None,
    }
}

pub fn put_items(items: Vec<ItemUpdate>) -> PutItemsRequest {
    PutItemsRequest {
        namespace: "alice".to_owned(),
        items,
        write: None,
    }
}

pub fn item(key: &str, components: &[f32]) -> ItemUpdate {
    ItemUpdate {
        key: key.to_owned(),
        embedding: embedding(components),
        ..ItemUpdate::default()
    }
}

pub fn assignment(item: &str, category: &str, components: Option<&[f32]>) -> Assignment {
    Assignment {
        item: item.to_owned(),
        category: category.to_owned(),
        embedding: components.and_then(embedding),
        ..Assignment::default()
    }
}

pub fn assign(assignments: Vec<Assignment>) -> AssignRequest {
    AssignRequest {
        namespace: "alice".to_owned(),
        assignments,
        write: None,
    }
}

pub fn unassign(item: &str, category: &str) -> UnassignRequest {
    UnassignRequest {
        namespace: "alice".to_owned(),
        unassignments: vec![Unassignment {
            item: item.to_owned(),
            category: category.to_owned(),
            delete_item: false,
            expected_category: None,
        }],
        write: None,
    }
}

pub fn query(source: query::Source) -> Query {
    Query {
        source: Some(source),
    }
}

pub fn vector_query(components: &[f32]) -> Query {
    query(query::Source::Embedding(Embedding::of(components.to_vec())))
}

pub fn match_request(queries: Vec<Query>) -> MatchRequest {
    MatchRequest {
        namespace: "alice".to_owned(),
        queries,
        ..MatchRequest::default()
    }
}
