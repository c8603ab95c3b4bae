//! A service over a real directory, in the same state at the beginning of each case.

use std::path::Path;

use ee_engine::{Engine, NamespaceView, Options};
use ee_wire::embedding::Embedding;
use ee_wire::proto::v1::*;
use ee_wire::{Grant, Service};
use prost::Message;
use tempfile::TempDir;

/// Resets after which the directory is created anew: purging lags behind deletions.
const RESETS: u64 = 2_000;

/// A service and its initial state.
pub struct World {
    pub(crate) service: Service,
    pub(crate) grants: Vec<Grant>,
    /// Serialized messages that restore each namespace.
    snapshots: Vec<Vec<Vec<u8>>>,
    /// The namespaces in the initial state.
    baseline: Vec<NamespaceView>,
    resets: u64,
    /// Dropped after the service.
    _directory: TempDir,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world with three small namespaces, which use every setting between them.
    pub fn new() -> Self {
        let (directory, service) = open();
        let grants = [
            ("root", &[("admin", "*")][..]),
            ("reader", &[("read", "*")]),
            ("writer", &[("write", "alice"), ("read", "al*")]),
            ("nobody", &[]),
        ];
        let grants = grants.map(|(name, rules)| Grant::new(name, rules.iter().copied()).unwrap());
        let mut world = Self {
            service,
            grants: grants.into(),
            snapshots: Vec::new(),
            baseline: Vec::new(),
            resets: 0,
            _directory: directory,
        };
        world.fill();
        let names = world.state().into_iter().map(|view| view.name);
        world.snapshots = names.map(|name| world.restore_messages(&name)).collect();
        world.reset();
        world.baseline = world.state();
        world
    }

    /// All namespaces.
    pub(crate) fn state(&self) -> Vec<NamespaceView> {
        let all = self.service.engine().list_namespaces("", None, 1_000);
        all.unwrap()
            .into_iter()
            .map(|listed| listed.unwrap())
            .collect()
    }

    /// Restores the initial state, if it has changed.
    pub(crate) fn restart(&mut self) {
        let same = |a: &NamespaceView, b: &NamespaceView| {
            (&a.name, a.revision, a.digest, &a.description, &a.labels)
                == (&b.name, b.revision, b.digest, &b.description, &b.labels)
        };
        let state = self.state();
        if state.len() != self.baseline.len()
            || !state.iter().zip(&self.baseline).all(|(a, b)| same(a, b))
        {
            self.reset();
        }
    }

    fn reset(&mut self) {
        self.resets += 1;
        if self.resets.is_multiple_of(RESETS) {
            let (directory, service) = open();
            // The old service first, then its directory.
            self.service = service;
            self._directory = directory;
        }
        for view in self.state() {
            let engine = self.service.engine();
            let deleted = engine.delete_namespace(&view.name, true, Default::default());
            deleted.unwrap();
        }
        for messages in &self.snapshots {
            let mut stream = self
                .service
                .client_stream("Restore", &self.grants[0])
                .unwrap();
            for message in messages {
                stream.push(message).unwrap();
            }
            stream.finish().unwrap();
        }
    }

    /// The messages that restore the current state of a namespace.
    pub(crate) fn restore_messages(&self, name: &str) -> Vec<Vec<u8>> {
        let request = SnapshotRequest {
            namespace: name.to_owned(),
            ..SnapshotRequest::default()
        };
        let request = request.encode_to_vec();
        let service = &self.service;
        let frames = service.server_stream("Snapshot", &request, &self.grants[0], None);
        let message = |frame: Vec<u8>| {
            let frame = SnapshotResponse::decode(frame.as_slice()).unwrap().frame;
            RestoreRequest {
                frame,
                ..RestoreRequest::default()
            }
            .encode_to_vec()
        };
        frames
            .unwrap()
            .map(|frame| message(frame.unwrap()))
            .collect()
    }

    pub(crate) fn ask<Q: Message, A: Message + Default>(&self, method: &str, request: &Q) -> A {
        let request = request.encode_to_vec();
        let reply = self.service.call(method, &request, &self.grants[0], None);
        A::decode(reply.unwrap().as_slice()).unwrap()
    }

    fn fill(&self) {
        for (name, normalization, membership) in [
            ("alice", Normalization::Raw, MembershipMode::Single),
            ("many", Normalization::Unit, MembershipMode::Multiple),
            ("other", Normalization::Raw, MembershipMode::Single),
        ] {
            let namespace = Namespace {
                name: name.to_owned(),
                dimension: 2,
                embedding_model: "model-a".to_owned(),
                normalization: normalization.into(),
                membership: membership.into(),
                ..Namespace::default()
            };
            let request = CreateNamespaceRequest {
                namespace: Some(namespace),
                write: None,
            };
            self.ask::<_, CreateNamespaceResponse>("CreateNamespace", &request);
            self.ask::<_, PutCategoriesResponse>("PutCategories", &categories(name));
            self.ask::<_, AssignResponse>("Assign", &assignments(name));
            let request = ReanchorRequest {
                namespace: name.to_owned(),
                category: "work".to_owned(),
                keep_last: 1,
                write: None,
            };
            self.ask::<_, ReanchorResponse>("Reanchor", &request);
            let request = PutItemsRequest {
                namespace: name.to_owned(),
                items: vec![
                    ItemUpdate {
                        key: "loose".to_owned(),
                        embedding: Some(Embedding::of(vec![0.5, 0.5])),
                        ..ItemUpdate::default()
                    },
                    ItemUpdate {
                        key: "composite".to_owned(),
                        parts: vec![ItemPart {
                            item: "loose".to_owned(),
                            weight: Some(2.0),
                        }],
                        ..ItemUpdate::default()
                    },
                ],
                write: None,
            };
            self.ask::<_, PutItemsResponse>("PutItems", &request);
        }
    }
}

fn open() -> (TempDir, Service) {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let directory = directory.unwrap();
    let engine = Engine::open(directory.path(), Options::default()).unwrap();
    (directory, Service::new(engine))
}

fn categories(namespace: &str) -> PutCategoriesRequest {
    let category = |key: &str, base: &[f32]| CategoryUpdate {
        key: key.to_owned(),
        base: Some(Embedding::of(base.to_vec())),
        ..CategoryUpdate::default()
    };
    PutCategoriesRequest {
        namespace: namespace.to_owned(),
        categories: vec![
            CategoryUpdate {
                window: Some(2),
                min_base_share: Some(0.25),
                max_actor_share: Some(0.5),
                ..category("health", &[1.0, 0.0])
            },
            CategoryUpdate {
                metadata: [("colour".to_owned(), "red".to_owned())].into(),
                ..category("work", &[0.0, 1.0])
            },
            CategoryUpdate {
                frozen: Some(true),
                ..category("still", &[1.0, 1.0])
            },
            CategoryUpdate {
                base: None,
                ..category("bare", &[])
            },
        ],
        write: None,
    }
}

fn assignments(namespace: &str) -> AssignRequest {
    let assignment = |item: &str, category: &str, vector: [f32; 2], weight: f32| Assignment {
        item: item.to_owned(),
        category: category.to_owned(),
        embedding: Some(Embedding::of(vector.to_vec())),
        weight: Some(weight),
        ..Assignment::default()
    };
    AssignRequest {
        namespace: namespace.to_owned(),
        assignments: vec![
            assignment("run", "health", [3.0, 1.0], 1.0),
            assignment("swim", "health", [2.0, -1.0], 2.0),
            assignment("sleep", "health", [1.0, 0.5], 0.5),
            assignment("meet", "work", [-1.0, 2.0], 1.0),
            assignment("write", "work", [0.25, 4.0], 1.0),
            // Most of the range of a sum.
            assignment("heavy", "still", [-32_768.0, 32_768.0], 192.0),
        ],
        write: None,
    }
}
