//! Where logs, keys and stores lie: the user's state folder, never the repository.

use std::{
    fs::{File, OpenOptions, TryLockError},
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
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| create_private(&folder))
        .with_context(|| format!("cannot create the data folder `{}`", folder.display()))?;
    Ok(folder)
}

/// The data folder of one application, where there is one already.
pub(crate) fn existing(app: &str, chosen: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = match chosen {
        Some(folder) => folder.to_owned(),
        None => home()?.join("brigandine").join(app),
    };
    if folder.is_dir() {
        return Ok(folder);
    }
    let what = format!("there is no data folder `{}`", folder.display());
    Err(crate::face::sentence(what, "name the one that `serve` used with `--data DIR`"))
}

/// Holds the folder for one shield; a second one over the same folder would mix up both records.
pub(crate) fn hold(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("serving.lock");
    let file = open_private(&path, OpenOptions::new().write(true).create(true).truncate(false))
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(crate::face::sentence(
            format!("another shield already uses the data folder `{}`", folder.display()),
            "stop it, or give this one a folder of its own with `--data DIR`",
        )),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock `{}`", path.display())),
    }
}

/// Does something nobody else may do in this folder meanwhile, such as making a key that all then share.
pub(crate) fn exclusively<T>(folder: &Path, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let path = folder.join("state.lock");
    let file = open_private(&path, OpenOptions::new().write(true).create(true).truncate(false))
        .and_then(|file| file.lock().map(|()| file))
        .with_context(|| format!("cannot lock `{}`", path.display()))?;
    let result = work();
    drop(file);
    result
}

/// `$XDG_STATE_HOME`, or its default below the home folder.
fn home() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = variable("XDG_STATE_HOME").or_else(|| Some(std::env::home_dir()?.join(".local").join("state")));
    state.ok_or_else(|| {
        crate::face::sentence("there is no home folder to keep state in", "name a folder with `--data DIR`")
    })
}

/// Writes a file that only its owner may read, whole or not at all. Call it within [`exclusively`].
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        // Made anew, so that nothing a stranger put there is followed or written into.
        let mut file = open_private(&beside, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    let remove_leftover = std::fs::remove_file(&beside);
    match remove_leftover {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => write(),
    }
    .with_context(|| format!("cannot write `{}`", path.display()))
}

fn open_private(path: &Path, options: &mut OpenOptions) -> std::io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// Makes a folder for its owner only. One that is there already keeps its mode: it may be somebody's choice.
fn create_private(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    let made = std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(folder);
    #[cfg(not(unix))]
    let made = std::fs::create_dir(folder);
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_is_private_and_an_old_one_keeps_its_mode() {
        let place = tempfile::tempdir().unwrap();
        let made = folder("shop", Some(&place.path().join("a/b"))).unwrap();
        assert_eq!(mode(&made), 0o700);
        let old = place.path().join("old");
        std::fs::create_dir(&old).unwrap();
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder("shop", Some(&old)).unwrap();
        assert_eq!(mode(&old), 0o755);
    }

    #[test]
    fn a_private_file_is_never_written_through_a_strangers_link() {
        let place = tempfile::tempdir().unwrap();
        let victim = place.path().join("victim");
        std::fs::write(&victim, "untouched").unwrap();
        let beside = place.path().join(format!("secrets.{}.new", std::process::id()));
        std::os::unix::fs::symlink(&victim, &beside).unwrap();
        let path = place.path().join("secrets.json");
        write_private(&path, b"secret").unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
        assert_eq!((std::fs::read(&path).unwrap(), mode(&path)), (b"secret".to_vec(), 0o600));
    }

    #[test]
    fn one_shield_holds_a_folder() {
        let place = tempfile::tempdir().unwrap();
        let held = hold(place.path()).unwrap();
        let error = hold(place.path()).unwrap_err().to_string();
        assert!(error.starts_with("another shield already uses"), "{error}");
        drop(held);
        assert!(hold(place.path()).is_ok());
    }
}
