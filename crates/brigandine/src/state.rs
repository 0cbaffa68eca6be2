//! Where logs, keys and stores lie: the user's state folder, never the repository.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// The data folder of one application, created for its owner's eyes only.
pub(crate) fn folder(app: &str, chosen: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = match chosen {
        Some(folder) => folder.to_owned(),
        None => home()?.join("brigandine").join(app),
    };
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create the data folder `{}`", folder.display()))?;
    restrict(&folder, 0o700)?;
    Ok(folder)
}

/// `$XDG_STATE_HOME`, or its default below the home folder.
fn home() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = variable("XDG_STATE_HOME").or_else(|| Some(std::env::home_dir()?.join(".local").join("state")));
    state.ok_or_else(|| {
        crate::face::sentence("there is no home folder to keep state in", "name a folder with `--data DIR`")
    })
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).with_context(|| format!("cannot close `{}` to others", path.display()))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the other systems' form of a step that can fail")]
fn restrict(_path: &Path, _mode: u32) -> anyhow::Result<()> {
    Ok(())
}
