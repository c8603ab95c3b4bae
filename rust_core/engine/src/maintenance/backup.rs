//! A copy of a whole data directory, while another process may be writing to it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ee_store::sqlite::{copy_directory, forget_epoch, namespace_names};

use crate::api::{At, NamespaceView, Options, ReadContext};
use crate::{Engine, Error, Result};

/// A namespace in a backup.
#[derive(Clone, Debug, PartialEq)]
pub struct BackedUp {
    /// Its name.
    pub name: String,
    /// Its view; `None`: it cannot be loaded from the copy.
    pub view: Option<NamespaceView>,
    /// What does not agree in it; empty: it is verified.
    pub findings: Vec<String>,
}

/// Copies a data directory, as of one moment, into a new one, and returns its namespaces by name.
///
/// The directory may be in use by another process, which goes on writing; otherwise no process can
/// open it meanwhile. The copy is opened, all of its pages and namespaces are verified, and it is on
/// disk before it gets its name: it is a data directory like any other. A damaged namespace is copied
/// as it is and has findings: the backup of the others does not depend on it. Fails if `to` exists or
/// a page is damaged, and leaves nothing behind after an error.
pub fn backup(directory: &Path, to: &Path) -> Result<Vec<BackedUp>> {
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
fn verified(copy: &Path) -> Result<Vec<BackedUp>> {
    let names = namespace_names(&copy.join("effemb.db"))?;
    let engine = Engine::open(copy, Options::default())?;
    let found = engine.check_files()?.findings;
    if let Some(first) = found.first() {
        return Err(Error::Corrupted {
            place: "backup".into(),
            what: format!("{first} ({} findings)", found.len()),
        });
    }
    let each = names
        .into_iter()
        .map(|name| verified_namespace(&engine, name));
    let namespaces = each.collect::<Result<_>>()?;
    engine.close();
    Ok(namespaces)
}

/// Verifies a namespace. Damage becomes findings; other errors end the backup.
fn verified_namespace(engine: &Engine, name: String) -> Result<BackedUp> {
    let (mut view, mut findings) = (None, Vec::new());
    let verified = engine.handle(&name).and_then(|handle| {
        view = Some(engine.namespace(&handle, ReadContext::default())?);
        engine.verify(&handle)
    });
    match verified {
        Ok(At { value, .. }) => findings = value.findings,
        Err(error @ (Error::Corrupted { .. } | Error::NewerData { .. })) => {
            findings.push(error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(BackedUp {
        name,
        view,
        findings,
    })
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
        // Opening it for its verification has given it one.
        forget_epoch(&self.0).map_err(failed("change", &self.0))?;
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
