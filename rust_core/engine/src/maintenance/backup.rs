//! A copy of a whole data directory, while another process may be writing to it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ee_store::sqlite::copy_directory;

use crate::api::{NamespaceView, Options};
use crate::{Engine, Error, Result};

/// Namespaces listed at a time.
const PAGE: usize = 256;

/// Copies a data directory, as of one moment, into a new one, and returns its namespaces.
///
/// The directory may be in use by another process, which goes on writing; otherwise no process can
/// open it meanwhile. The copy is opened, all of its pages and namespaces are verified, and it is on
/// disk before it gets its name: it is a data directory like any other. Fails if `to` exists, and
/// leaves nothing behind after an error.
pub fn backup(directory: &Path, to: &Path) -> Result<Vec<NamespaceView>> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(failed("make", to)(io::ErrorKind::AlreadyExists.into()));
    }
    let partial = Partial::make(to)?;
    copy_directory(directory, &partial.0)?;
    let namespaces = verified(&partial.0)?;
    partial.keep(to)?;
    Ok(namespaces)
}

/// Opens a copy and verifies everything in it.
fn verified(copy: &Path) -> Result<Vec<NamespaceView>> {
    let engine = Engine::open(copy, Options::default())?;
    let mut found = engine.check_files()?.findings;
    let mut namespaces: Vec<NamespaceView> = Vec::new();
    loop {
        let after = namespaces.last().map(|last| last.name.clone());
        let page = engine.list_namespaces("", after.as_deref(), PAGE)?;
        if page.is_empty() {
            break;
        }
        for namespace in &page {
            let report = engine.verify(&engine.handle(&namespace.name)?)?.value;
            let told = |finding| format!("namespace {:?}: {finding}", namespace.name);
            found.extend(report.findings.into_iter().map(told));
        }
        namespaces.extend(page);
    }
    engine.close();
    match found.first() {
        None => Ok(namespaces),
        Some(first) => Err(Error::Corrupted {
            place: "backup".into(),
            what: format!("{first} ({} findings)", found.len()),
        }),
    }
}

/// A directory that is not finished: deleted when dropped, unless it was kept.
struct Partial(PathBuf);

impl Partial {
    /// Creates the directory beside its final place.
    fn make(to: &Path) -> Result<Self> {
        let name = to.file_name().map_or_else(OsString::new, OsString::from);
        let mut partial = OsString::from(".");
        partial.push(name);
        partial.push(format!(".partial-{}", std::process::id()));
        let path = to.with_file_name(partial);
        fs::create_dir(&path).map_err(failed("make", &path))?;
        Ok(Self(path))
    }

    /// Makes the directory durable, and gives it its name.
    fn keep(self, to: &Path) -> Result<()> {
        let sync = |path: &Path| {
            let synced = File::open(path).and_then(|file| file.sync_all());
            synced.map_err(failed("sync", path))
        };
        for entry in fs::read_dir(&self.0).map_err(failed("read", &self.0))? {
            sync(&entry.map_err(failed("read", &self.0))?.path())?;
        }
        sync(&self.0)?;
        fs::rename(&self.0, to).map_err(failed("make", to))?;
        let above = fs::canonicalize(to).map_err(failed("find", to))?;
        above.parent().map_or(Ok(()), sync)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Once the directory was kept, nothing has this name.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn failed<'a>(what: &'a str, path: &'a Path) -> impl Fn(io::Error) -> Error + 'a {
    move |error| Error::StoreFailed {
        cause: format!("cannot {what} {}: {error}", path.display()),
    }
}
