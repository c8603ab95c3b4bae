//! What the wire adds to a Match: the call from bytes to bytes, and the engine's part of it.
//!
//! ```text
//! cargo bench -p ee-wire --bench matching
//! ```
#![allow(clippy::unwrap_used, missing_docs)]

use divan::{Bencher, black_box};
use ee_core::namespace::MatchOptions;
use ee_engine::{Engine, Options, QuerySpec, ReadContext};
use ee_wire::embedding::Embedding;
use ee_wire::proto::v1::{
    CategoryUpdate, CreateNamespaceRequest, MatchRequest, Namespace, PutCategoriesRequest, Query,
    query::Source,
};
use ee_wire::{Grant, Service};
use prost::Message;
use tempfile::TempDir;

const DIMENSION: usize = 1024;
const CATEGORIES: [usize; 2] = [10, 100];

fn main() {
    divan::main();
}

fn vector(seed: usize) -> Vec<f32> {
    (0..DIMENSION)
        .map(|i| ((i * 7919 + seed * 104_729) as f32).sin())
        .collect()
}

struct World {
    service: Service,
    grant: Grant,
    _directory: TempDir,
}

fn world(categories: usize) -> World {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(directory.path(), Options::default()).unwrap();
    let world = World {
        service: Service::new(engine),
        grant: Grant::unrestricted("bench").unwrap(),
        _directory: directory,
    };
    let create = CreateNamespaceRequest {
        namespace: Some(Namespace {
            name: "bench".to_owned(),
            dimension: DIMENSION as u32,
            ..Namespace::default()
        }),
        write: None,
    };
    let put = PutCategoriesRequest {
        namespace: "bench".to_owned(),
        categories: (0..categories)
            .map(|i| CategoryUpdate {
                key: format!("category-{i}"),
                base: Some(Embedding::of(vector(i))),
                ..CategoryUpdate::default()
            })
            .collect(),
        write: None,
    };
    let call = |method, request: Vec<u8>| world.service.call(method, &request, &world.grant, None);
    call("CreateNamespace", create.encode_to_vec()).unwrap();
    call("PutCategories", put.encode_to_vec()).unwrap();
    world
}

#[divan::bench(args = CATEGORIES)]
fn from_bytes_to_bytes(bencher: Bencher<'_, '_>, categories: usize) {
    let world = world(categories);
    let request = MatchRequest {
        namespace: "bench".to_owned(),
        queries: vec![Query {
            source: Some(Source::Embedding(Embedding::of(vector(4711)))),
        }],
        ..MatchRequest::default()
    }
    .encode_to_vec();
    bencher.bench(|| {
        world
            .service
            .call("Match", black_box(&request), &world.grant, None)
            .unwrap()
    });
}

#[divan::bench(args = CATEGORIES)]
fn the_engine_alone(bencher: Bencher<'_, '_>, categories: usize) {
    let world = world(categories);
    let engine = world.service.engine();
    let target = engine.handle("bench").unwrap();
    let query = vector(4711);
    bencher
        .with_inputs(|| vec![QuerySpec::Vector(query.clone())])
        .bench_values(|queries| {
            let options = MatchOptions {
                limit: 10,
                threads: 1,
                ..MatchOptions::default()
            };
            engine
                .rank(&target, queries, options, ReadContext::default())
                .unwrap()
        });
}
