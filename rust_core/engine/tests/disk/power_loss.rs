//! Power is lost: what was not synced is lost, kept or torn, sector by sector.
//!
//! Writes and syncs are recorded. At each sync, before and after it, images of the directory are
//! made as a loss of power then could leave it, and each is opened: what was acknowledged by then
//! is there, and the operation under way wholly or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::tempdir;
use ee_engine::failpoints::{set_shrink_eagerly, set_wal_pages};
use ee_engine::{Engine, Options};
use tempfile::TempDir;

use crate::layer::Disk;
use crate::model::compare;
use crate::random::Random;
use crate::rounds;
use crate::workload::{Op, extend, prepare, world_after};

/// What a disk writes wholly or not at all.
const SECTOR: usize = 512;

/// Bytes of a page of the database.
const PAGE: usize = 4096;

enum Pending {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

#[derive(Default)]
struct Recorded {
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

/// What was written and what of it is durable.
pub(crate) struct Recorder {
    random: Random,
    images_at_once: u64,
    files: BTreeMap<PathBuf, Recorded>,
    /// Contents that the watermark has had: it is never synced.
    watermarks: Vec<Vec<u8>>,
    /// Images of the directory that wait to be looked at.
    pub(crate) images: Vec<TempDir>,
}

impl Recorder {
    pub(crate) fn new(seed: u64, images_at_once: u64) -> Self {
        Self {
            random: Random::new(seed),
            images_at_once,
            files: BTreeMap::new(),
            watermarks: Vec::new(),
            images: Vec::new(),
        }
    }

    pub(crate) fn delete(&mut self, path: &Path) {
        self.files.remove(path);
    }

    pub(crate) fn write(&mut self, path: &Path, offset: u64, bytes: &[u8]) {
        let file = self.files.entry(path.to_owned()).or_default();
        file.pending.push(Pending::Write(offset, bytes.to_vec()));
    }

    pub(crate) fn truncate(&mut self, path: &Path, size: u64) {
        let file = self.files.entry(path.to_owned()).or_default();
        file.pending.push(Pending::Truncate(size));
    }

    pub(crate) fn sync(&mut self, path: &Path) {
        let directory = path.parent().unwrap().to_owned();
        self.image(&directory);
        if let Some(file) = self.files.get_mut(path) {
            for pending in std::mem::take(&mut file.pending) {
                apply(&mut file.durable, &pending, |_| true);
            }
        }
        self.image(&directory);
    }

    fn image(&mut self, directory: &Path) {
        let watermark = fs::read(directory.join("watermark")).unwrap_or_default();
        if self.watermarks.last() != Some(&watermark) {
            // The mark of the last checkpoint is synced, the mark of acknowledged entries is not.
            let checkpointed = |bytes: &Vec<u8>| bytes.get(16..24).map(<[u8]>::to_vec);
            self.watermarks
                .retain(|old| checkpointed(old) == checkpointed(&watermark));
            self.watermarks.push(watermark);
        }
        for _ in 0..self.images_at_once {
            let image = tempdir().unwrap();
            let random = &mut self.random;
            // How likely a sector is to have reached the disk: none, some, nearly all.
            let likely = random.pick(&[0, 10, 50, 90, 100]);
            for (path, file) in &self.files {
                let mut content = file.durable.clone();
                for pending in &file.pending {
                    apply(&mut content, pending, |_| random.below(100) < likely);
                }
                // A hole may have reached the disk.
                if random.below(2) == 0 {
                    make_holes(&mut content, &fs::read(path).unwrap_or_default());
                }
                fs::write(image.path().join(path.file_name().unwrap()), content).unwrap();
            }
            let recent = self.watermarks.len().min(3) as u64;
            let back = 1 + random.below(recent) as usize;
            let mut content = self.watermarks[self.watermarks.len() - back].clone();
            if random.below(4) == 0 {
                let newest = &self.watermarks[self.watermarks.len() - 1];
                content.resize(newest.len(), 0);
                let torn = random.below(newest.len() as u64 + 1) as usize;
                content[..torn].copy_from_slice(&newest[..torn]);
            }
            fs::write(image.path().join("watermark"), content).unwrap();
            self.images.push(image);
        }
    }
}

/// Zeroes the pages that are holes in the file as it is.
fn make_holes(content: &mut [u8], file: &[u8]) {
    for (content, page) in content.chunks_exact_mut(PAGE).zip(file.chunks_exact(PAGE)) {
        if page.iter().all(|byte| *byte == 0) {
            content.fill(0);
        }
    }
}

/// Applies what was not synced, as far as its sectors reached the disk.
fn apply(content: &mut Vec<u8>, pending: &Pending, mut kept: impl FnMut(usize) -> bool) {
    match pending {
        Pending::Truncate(size) => {
            if kept(0) {
                content.truncate(*size as usize);
            }
        }
        Pending::Write(offset, bytes) => {
            let (mut at, end) = (*offset as usize, *offset as usize + bytes.len());
            while at < end {
                let next = ((at / SECTOR + 1) * SECTOR).min(end);
                if kept(at / SECTOR) {
                    if content.len() < next {
                        content.resize(next, 0);
                    }
                    let from = at - *offset as usize;
                    content[at..next].copy_from_slice(&bytes[from..from + next - at]);
                }
                at = next;
            }
        }
    }
}

fn check_images(disk: &Disk, done: &[Op], op: &Op, id: u64, said: &str) -> u64 {
    let images = {
        let mut state = disk.state.lock().unwrap();
        std::mem::take(&mut state.recorder.as_mut().unwrap().images)
    };
    let without = world_after(done);
    let mut with = without.clone();
    op.apply(&mut with);
    for (index, image) in images.iter().enumerate() {
        let said = format!("{said}, image {index}");
        let engine = Engine::open(image.path(), Options::default()).expect(&said);
        if compare(&engine, &with) != Ok(None) {
            assert_eq!(compare(&engine, &without), Ok(None), "{said}");
        }
        // It goes on from there.
        op.run(&engine, id).expect(&said);
        assert_eq!(compare(&engine, &with), Ok(None), "{said}");
    }
    images.len() as u64
}

fn run(seed: u64) -> u64 {
    let directory = tempdir().unwrap();
    let disk = Disk::watch(directory.path());
    let path = directory.path().canonicalize().unwrap();
    disk.state.lock().unwrap().recorder = Some(Recorder::new(seed, 2));
    let engine = Engine::open(&path, Options::default()).unwrap();
    let mut done = Vec::new();
    let mut ops = prepare(&["n"]);
    extend(&mut ops, &["n"], 12, 100 + seed);
    ops.push(Op::Create("made".into()));
    ops.push(Op::Delete("made".into()));
    ops.push(Op::Trim("n".into(), 2));
    extend(&mut ops, &["n"], 4, 5000 + seed);
    let mut images = 0;
    for (index, op) in ops.iter().enumerate() {
        let said = format!("seed {seed}, operation {index} ({op:?})");
        op.run(&engine, index as u64).expect(&said);
        // The checkpoint comes after the reply: let it end before images are taken away.
        images += check_images(&disk, &done, op, index as u64, &said);
        done.push(op.clone());
    }
    images
}

#[test]
fn power_is_lost_at_any_sync() {
    set_wal_pages(24);
    set_shrink_eagerly(true);
    let images: u64 = (0..rounds(2)).map(run).sum();
    println!("{images} images were opened");
    assert!(images > 50);
}
