//! Our own runtime clients, written where interpreters can read them.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{Error, plan::Bootstraps};

const PYTHON: &str = include_str!("../../bootstrap/python.py");
const NODE: &str = include_str!("../../bootstrap/node.mjs");

/// Makes the data directory, readable by its owner alone, and gives its full path.
pub(crate) fn prepare(data: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::Data { path: data.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed)?;
    fs::canonicalize(data).map_err(failed)
}

/// Writes the runtime clients.
pub(crate) fn write(data: &Path) -> Result<Bootstraps, Error> {
    let folder = data.join("runtime");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|source| Error::Data { path: folder.clone(), source })?;
    let python = put(&folder, "bootstrap.py", PYTHON)?;
    let node = put(&folder, "bootstrap.mjs", NODE)?;
    Ok(Bootstraps { folder, python, node })
}

/// Replaces the file in one step, so that a second shield over the same directory never runs half a client.
fn put(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    if fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(path);
    }
    let fresh = folder.join(format!(".{name}.{}", std::process::id()));
    let failed = |source| Error::Data { path: path.clone(), source };
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes())).map_err(failed)?;
    fs::rename(&fresh, &path).map_err(failed)?;
    Ok(path)
}
