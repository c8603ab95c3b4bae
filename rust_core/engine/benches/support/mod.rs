//! Namespaces and vectors of the benches, each of which uses a part of them.
#![allow(dead_code)]

use ee_core::command::{CategoryPut, Command};
use ee_core::settings::{MembershipMode, NamespaceSettings, Normalization, RankingSettings};
use ee_engine::{Engine, NewNamespace, WriteContext};

/// Creates an empty namespace.
pub(crate) fn create(engine: &Engine, name: &str, dimension: usize, ranking: RankingSettings) {
    let new = NewNamespace {
        name: name.into(),
        settings: NamespaceSettings {
            dimension: dimension as u32,
            embedding_model: String::new(),
            normalization: Normalization::Raw,
            membership: MembershipMode::Single,
        },
        description: String::new(),
        labels: Default::default(),
        ranking,
        history_keep: Default::default(),
    };
    engine
        .create_namespace(new, WriteContext::default())
        .unwrap();
}

/// Puts categories "c0", "c1", … with random bases into a namespace.
pub(crate) fn put_categories(engine: &Engine, name: &str, count: u64, dimension: usize) {
    let put = |c| CategoryPut {
        key: format!("c{c}"),
        base: Some(Some(vector(dimension, c + 1_000_000_000))),
        ..CategoryPut::default()
    };
    write(
        engine,
        name,
        Command::PutCategories((0..count).map(put).collect()),
    );
}

/// Writes to a namespace.
pub(crate) fn write(engine: &Engine, name: &str, command: Command) {
    let namespace = engine.handle(name).unwrap();
    engine
        .write(&namespace, command, WriteContext::default())
        .unwrap();
}

/// Random components from −1 to 1.
pub(crate) fn vector(dimension: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..dimension).map(|_| next()).collect()
}
