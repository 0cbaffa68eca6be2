//! Putting a new text in the place of a template: all of it or nothing, and only where nobody else wrote meanwhile.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::project;

/// Why a template was not overwritten.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The name is a link that leads somewhere the user may not have meant.
    #[error("it is a link that leads out of the repository, and is left as it is")]
    LeadsOut,
    /// Another program wrote while the fixes were judged: run again.
    #[error("it was changed meanwhile, and is left as it is; run again")]
    Changed,
    /// The disk, or the rights.
    #[error("{0}")]
    Disk(#[from] io::Error),
}

/// Writes `after` where `before` stood.
pub(super) fn overwrite(file: &Path, before: &[u8], after: &[u8]) -> Result<(), Error> {
    let real = file.canonicalize()?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = project::repository_root(folder).ok_or(Error::LeadsOut)?;
    if !real.starts_with(root) {
        return Err(Error::LeadsOut);
    }
    let new = beside(&real);
    let written = write(&real, &new, after).and_then(|()| {
        // As late as can be, since what is written between now and the renaming would be lost.
        if fs::read(&real)? != before {
            return Err(Error::Changed);
        }
        Ok(fs::rename(&new, &real)?)
    });
    if written.is_err() {
        drop(fs::remove_file(&new));
    }
    written
}

/// A name in the same folder, so that renaming is one step.
fn beside(real: &Path) -> PathBuf {
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    real.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn write(real: &Path, new: &Path, text: &[u8]) -> Result<(), Error> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(new)?;
    file.set_permissions(fs::metadata(real)?.permissions())?;
    file.write_all(text)?;
    Ok(file.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_only_when_it_is_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("template.yaml");
        fs::write(&file, "old").unwrap();
        overwrite(&file, b"old", b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(matches!(overwrite(&file, b"old", b"newer"), Err(Error::Changed)));
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_inside_the_repository_only() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (real, far) = (inside.path().join("real.yaml"), outside.path().join("far.yaml"));
        fs::write(&real, "old").unwrap();
        fs::write(&far, "old").unwrap();
        let (near, out) = (inside.path().join("near.yaml"), inside.path().join("out.yaml"));
        std::os::unix::fs::symlink(&real, &near).unwrap();
        std::os::unix::fs::symlink(&far, &out).unwrap();
        overwrite(&near, b"old", b"new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert!(near.is_symlink());
        assert!(matches!(overwrite(&out, b"old", b"new"), Err(Error::LeadsOut)));
        assert_eq!(fs::read_to_string(&far).unwrap(), "old");
    }

    #[cfg(unix)]
    #[test]
    fn rights_are_kept() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("template.yaml");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        overwrite(&file, b"old", b"new").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
