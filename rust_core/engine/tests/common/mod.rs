//! What the engine's tests share.
// Each test file uses a part of it, and a helper may unwrap like the test that calls it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use ee_core::command::{Assignment, CategoryPut, Command, ItemPut, Unassignment};
use ee_core::settings::{MembershipMode, NamespaceSettings, Normalization};
use ee_engine::failpoints::set_new_members;
use ee_engine::{
    Engine, NamespaceView, NewNamespace, Options, ReadContext, Result, WriteContext, Written,
};
use tempfile::TempDir;

pub const DIMENSION: usize = 12;

pub fn open(directory: &Path) -> Engine {
    Engine::open(directory, Options::default()).unwrap()
}

pub fn new_namespace(name: &str, membership: MembershipMode) -> NewNamespace {
    NewNamespace {
        name: name.into(),
        settings: NamespaceSettings {
            dimension: DIMENSION as u32,
            embedding_model: "test".into(),
            normalization: Normalization::Raw,
            membership,
        },
        description: "for a test".into(),
        labels: Default::default(),
        ranking: Default::default(),
        history_keep: Default::default(),
    }
}

pub fn create(engine: &Engine, name: &str) {
    let new = new_namespace(name, MembershipMode::Single);
    engine
        .create_namespace(new, WriteContext::default())
        .unwrap();
}

/// A vector that a number stands for.
pub fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..DIMENSION).map(|_| next()).collect()
}

pub fn write(engine: &Engine, name: &str, command: Command) -> Result<Written> {
    write_as(engine, name, command, "")
}

pub fn write_as(
    engine: &Engine,
    name: &str,
    command: Command,
    request_id: &str,
) -> Result<Written> {
    let namespace = engine.handle(name)?;
    let context = WriteContext {
        actor: "tester".into(),
        request_id: request_id.into(),
        fingerprint: ee_fingerprint(&command),
        ..WriteContext::default()
    };
    engine.write(&namespace, command, context)
}

fn ee_fingerprint(command: &Command) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    format!("{command:?}").hash(&mut hasher);
    hasher.finish()
}

pub fn categories(engine: &Engine, name: &str, count: u64) {
    let put = |c| CategoryPut {
        key: format!("c{c}"),
        base: Some(Some(vector(1000 + c))),
        ..CategoryPut::default()
    };
    let puts = (0..count).map(put).collect();
    write(engine, name, Command::PutCategories(puts)).unwrap();
}

pub fn assignment(item: u64, category: u64) -> Assignment {
    Assignment {
        item: ItemPut {
            key: format!("i{item}"),
            embedding: Some(vector(item)),
            ..ItemPut::default()
        },
        category: format!("c{category}"),
    }
}

pub fn assign(engine: &Engine, name: &str, item: u64, category: u64) -> Written {
    let command = Command::Assign(vec![assignment(item, category)]);
    write(engine, name, command).unwrap()
}

/// A first answer, as a retry gets it.
pub fn replayed(first: Written) -> Written {
    Written {
        replayed: true,
        ..first
    }
}

pub fn unassign(engine: &Engine, name: &str, item: u64, delete_item: bool) -> Written {
    let unassignment = Unassignment {
        item: format!("i{item}"),
        category: None,
        delete_item,
        expected_category: None,
    };
    write(engine, name, Command::Unassign(vec![unassignment])).unwrap()
}

pub fn view(engine: &Engine, name: &str) -> NamespaceView {
    engine
        .namespace(&engine.handle(name).unwrap(), ReadContext::default())
        .unwrap()
}

pub fn assert_verified(engine: &Engine, name: &str) {
    let report = engine.verify(&engine.handle(name).unwrap()).unwrap().value;
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.digest, view(engine, name).digest);
}

/// New members that are too many in a test, so that short ones see them moved on.
pub const NEW_MEMBERS: i64 = 6;

/// A directory for a test, in memory where there is room: what a disk does is played to us, and a
/// real one would only take its time.
pub fn tempdir() -> std::io::Result<TempDir> {
    set_new_members(NEW_MEMBERS);
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
}

/// The files as a crash at this moment would leave them, while nobody writes. The log may be on
/// its way back into the database: it is copied before, so that what comes over is in it too.
pub fn crash_copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in ["watermark", "effemb.db-wal", "effemb.db"] {
        if from.join(file).exists() {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
}
