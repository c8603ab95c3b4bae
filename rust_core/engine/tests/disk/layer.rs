//! The layer: it counts and fails calls, and records what a loss of power could leave.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use ee_sqlite_vfs::{Below, Code, File, Kind, Layer, OK};
use rusqlite::ffi::SQLITE_IOERR_WRITE;

use crate::power_loss::Recorder;

/// A call of SQLite to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Open,
    Read,
    Write,
    Sync,
    Truncate,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It fails with a code of SQLite.
    Fail(Code),
    /// A write writes a half and then fails.
    Short,
}

/// Which call fails, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) call: Call,
    /// Calls of its sort that go well before.
    pub(crate) after: u64,
    pub(crate) how: How,
    /// All that follow fail too, as on a full disk.
    pub(crate) lasting: bool,
}

#[derive(Default)]
pub(crate) struct State {
    plan: Option<Plan>,
    pub(crate) fired: bool,
    /// Syncs that were asked for after one had failed.
    pub(crate) syncs_after_failure: u64,
    sync_failed: bool,
    pub(crate) recorder: Option<Recorder>,
}

/// A directory whose files are watched.
pub(crate) struct Disk {
    directory: PathBuf,
    pub(crate) state: Mutex<State>,
}

static DISKS: Mutex<Vec<Weak<Disk>>> = Mutex::new(Vec::new());

impl Disk {
    /// Watches a directory, which exists, from now on.
    pub(crate) fn watch(directory: &Path) -> Arc<Self> {
        static INSTALLED: LazyLock<Code> =
            LazyLock::new(|| ee_sqlite_vfs::register_as_default(c"ee-disk", Box::new(Disks)));
        assert_eq!(*INSTALLED, OK);
        let disk = Arc::new(Self {
            directory: directory.canonicalize().unwrap(),
            state: Mutex::default(),
        });
        DISKS.lock().unwrap().push(Arc::downgrade(&disk));
        disk
    }

    pub(crate) fn plan(&self, plan: Option<Plan>) {
        self.state.lock().unwrap().plan = plan;
    }

    /// Whether a call fails, and how.
    fn due(&self, call: Call) -> Option<How> {
        let mut state = self.state.lock().unwrap();
        if call == Call::Sync && state.sync_failed {
            state.syncs_after_failure += 1;
        }
        let plan = state.plan.as_mut().filter(|plan| plan.call == call)?;
        if plan.after > 0 {
            plan.after -= 1;
            return None;
        }
        let how = plan.how;
        if !plan.lasting {
            state.plan = None;
        }
        state.fired = true;
        state.sync_failed |= call == Call::Sync;
        Some(how)
    }
}

struct Disks;

impl Layer for Disks {
    fn open(&self, path: &Path, _kind: Kind) -> Result<Box<dyn File>, Code> {
        match disk_of(path) {
            None => Ok(Box::new(Unwatched)),
            Some(disk) => match disk.due(Call::Open) {
                Some(How::Fail(code)) => Err(code),
                _ => Ok(Box::new(Watched {
                    disk,
                    path: path.to_owned(),
                })),
            },
        }
    }

    fn delete(&self, path: &Path) -> Code {
        if let Some(disk) = disk_of(path)
            && let Some(recorder) = &mut disk.state.lock().unwrap().recorder
        {
            recorder.delete(path);
        }
        OK
    }
}

/// The disk that a file is on, if it is watched.
fn disk_of(path: &Path) -> Option<Arc<Disk>> {
    let mut disks = DISKS.lock().unwrap_or_else(PoisonError::into_inner);
    disks.retain(|disk| disk.strong_count() > 0);
    let mut disks = disks.iter().filter_map(Weak::upgrade);
    disks.find(|disk| path.starts_with(&disk.directory))
}

struct Unwatched;

impl File for Unwatched {}

struct Watched {
    disk: Arc<Disk>,
    path: PathBuf,
}

impl Watched {
    fn record(&self, record: impl FnOnce(&mut Recorder, &Path)) {
        if let Some(recorder) = &mut self.disk.state.lock().unwrap().recorder {
            record(recorder, &self.path);
        }
    }
}

impl File for Watched {
    fn read(&mut self, below: &mut Below<'_>, offset: u64, buffer: &mut [u8]) -> Code {
        match self.disk.due(Call::Read) {
            Some(How::Fail(code)) => code,
            _ => below.read(offset, buffer),
        }
    }

    fn write(&mut self, below: &mut Below<'_>, offset: u64, bytes: &[u8]) -> Code {
        match self.disk.due(Call::Write) {
            Some(How::Fail(code)) => code,
            Some(How::Short) => {
                let _ = below.write(offset, &bytes[..bytes.len() / 2]);
                SQLITE_IOERR_WRITE
            }
            None => {
                self.record(|recorder, path| recorder.write(path, offset, bytes));
                below.write(offset, bytes)
            }
        }
    }

    fn truncate(&mut self, below: &mut Below<'_>, size: u64) -> Code {
        match self.disk.due(Call::Truncate) {
            Some(How::Fail(code)) => code,
            _ => {
                self.record(|recorder, path| recorder.truncate(path, size));
                below.truncate(size)
            }
        }
    }

    fn sync(&mut self, below: &mut Below<'_>, flags: i32) -> Code {
        match self.disk.due(Call::Sync) {
            Some(How::Fail(code)) => code,
            _ => {
                self.record(Recorder::sync);
                below.sync(flags)
            }
        }
    }
}
