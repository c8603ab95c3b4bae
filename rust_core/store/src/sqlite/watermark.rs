//! The watermarks, in a file of their own.
//!
//! SQLite takes a damaged frame for the end of the WAL, and an old copy of the database file for a valid
//! one, both without an error; the watermarks show the loss. A watermark is written once the data that it
//! vouches for is durable, so after a power loss it may be behind, never ahead.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64;

use super::lock::failed;
use crate::{StoreError, StoreResult};

/// The watermarks: the entries that the database must have when the directory is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watermarks {
    /// Sequence of the last acknowledged entry: the database with its WAL has it.
    pub(crate) acknowledged: u64,
    /// Sequence that the database file had by itself at the last complete checkpoint.
    pub(crate) checkpointed: u64,
}

/// The file of watermarks.
pub(crate) struct WatermarkFile {
    file: File,
    state: Mutex<State>,
}

struct State {
    watermarks: Watermarks,
    /// The slot to write next: the one that does not hold the newest watermarks.
    next: u64,
}

/// Two slots, written in turn: a torn write leaves the previous watermarks.
const SLOTS: u64 = 2;

/// A slot: version, acknowledged, checkpointed, checksum of these, each 8 bytes, little-endian.
const SLOT_BYTES: usize = 32;

/// Version of a slot.
const VERSION: u64 = 1;

impl WatermarkFile {
    /// Reads the newest watermarks of a file; `path` is its path, for errors.
    pub(super) fn read(file: File, path: &Path) -> StoreResult<Self> {
        let mut newest = State {
            watermarks: Watermarks::default(),
            next: 0,
        };
        for slot in 0..SLOTS {
            let mut bytes = [0; SLOT_BYTES];
            match file.read_exact_at(&mut bytes, slot * SLOT_BYTES as u64) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                Err(error) => return Err(failed("read", path, &error)),
            }
            let Some(watermarks) = decode(&bytes, path)? else {
                continue;
            };
            let newer = watermarks.acknowledged >= newest.watermarks.acknowledged
                && watermarks.checkpointed >= newest.watermarks.checkpointed;
            if newer {
                newest = State {
                    watermarks,
                    next: (slot + 1) % SLOTS,
                };
            }
        }
        Ok(Self {
            file,
            state: Mutex::new(newest),
        })
    }

    /// The watermarks.
    pub(crate) fn get(&self) -> Watermarks {
        self.state.lock().watermarks
    }

    /// Raises the watermark of acknowledged entries, after their commit.
    pub(crate) fn raise_acknowledged(&self, sequence: u64) -> io::Result<()> {
        let checkpointed = self.get().checkpointed;
        self.write(Watermarks {
            acknowledged: sequence,
            checkpointed,
        })
    }

    /// Raises the watermark of checkpointed entries, after the database file was synced and before the
    /// WAL restarts. From then on the file must be complete without the WAL, so the watermark is made
    /// durable first, in both slots.
    pub(crate) fn raise_checkpointed(&self, sequence: u64) -> io::Result<()> {
        let watermarks = Watermarks {
            checkpointed: sequence,
            ..self.get()
        };
        for _ in 0..SLOTS {
            self.write(watermarks)?;
        }
        self.file.sync_data()
    }

    fn write(&self, watermarks: Watermarks) -> io::Result<()> {
        let mut state = self.state.lock();
        self.file
            .write_all_at(&encode(watermarks), state.next * SLOT_BYTES as u64)?;
        *state = State {
            watermarks,
            next: (state.next + 1) % SLOTS,
        };
        Ok(())
    }
}

fn encode(watermarks: Watermarks) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    let fields = [VERSION, watermarks.acknowledged, watermarks.checkpointed];
    for (bytes, field) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(fields) {
        *bytes = field.to_le_bytes();
    }
    let checksum = xxh3_64(&bytes[..SLOT_BYTES - 8]);
    bytes[SLOT_BYTES - 8..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The watermarks in a slot; `None`: its write was torn.
fn decode(bytes: &[u8; SLOT_BYTES], path: &Path) -> StoreResult<Option<Watermarks>> {
    let fields = [0, 8, 16, 24].map(|at| {
        let (field, _) = bytes[at..].as_chunks::<8>();
        u64::from_le_bytes(field[0])
    });
    let [version, acknowledged, checkpointed, checksum] = fields;
    if xxh3_64(&bytes[..SLOT_BYTES - 8]) != checksum {
        return Ok(None);
    }
    if version != VERSION {
        return Err(StoreError::Newer {
            place: path.display().to_string(),
            what: format!(
                "watermark: version {version} was written by a newer version of the software; \
                 this version reads up to {VERSION}"
            ),
        });
    }
    Ok(Some(Watermarks {
        acknowledged,
        checkpointed,
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn open(directory: &Path) -> StoreResult<WatermarkFile> {
        let path = directory.join("watermark");
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        WatermarkFile::read(options.open(&path).unwrap(), &path)
    }

    #[test]
    fn a_torn_slot_leaves_the_previous_watermarks() {
        let temporary = tempfile::tempdir().unwrap();
        let reopened = || open(temporary.path()).unwrap().get().acknowledged;
        let file = open(temporary.path()).unwrap();
        assert_eq!(file.get(), Watermarks::default());
        for sequence in 1..=5 {
            file.raise_acknowledged(sequence).unwrap();
        }
        assert_eq!(reopened(), 5);
        let torn = file.file.write_all_at(&[0xff], 3);
        torn.unwrap();
        assert_eq!(reopened(), 4);
    }

    #[test]
    fn the_newest_slot_is_not_overwritten_first_after_an_open() {
        let temporary = tempfile::tempdir().unwrap();
        let file = open(temporary.path()).unwrap();
        file.raise_acknowledged(7).unwrap();
        drop(file);
        let file = open(temporary.path()).unwrap();
        assert_eq!(file.state.lock().next, 1);
    }

    #[test]
    fn watermarks_of_a_newer_version_are_refused_by_name() {
        let temporary = tempfile::tempdir().unwrap();
        let mut bytes = [0; SLOT_BYTES];
        bytes[..8].copy_from_slice(&2_u64.to_le_bytes());
        let checksum = xxh3_64(&bytes[..SLOT_BYTES - 8]);
        bytes[SLOT_BYTES - 8..].copy_from_slice(&checksum.to_le_bytes());
        fs::write(temporary.path().join("watermark"), bytes).unwrap();
        let Err(StoreError::Newer { what, .. }) = open(temporary.path()) else {
            panic!("it was read");
        };
        assert_eq!(
            what,
            "watermark: version 2 was written by a newer version of the software; this version \
             reads up to 1"
        );
    }
}
