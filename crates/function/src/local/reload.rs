//! Code taken up anew: a cheap look at every code folder, once a second.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash as _, Hasher as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use crate::{local::pool::Pool, plan::code};

/// Looks at the code of every pool until the shield stops.
pub(crate) async fn watch(pools: Vec<Arc<Pool>>, every: Duration) {
    let mut known = look(pools.clone()).await;
    loop {
        tokio::time::sleep(every).await;
        let seen = look(pools.clone()).await;
        for ((pool, before), now) in pools.iter().zip(&known).zip(&seen) {
            if before != now {
                pool.retire();
            }
        }
        known = seen;
    }
}

/// What every folder looks like; reading folders may block, so it happens aside.
async fn look(pools: Vec<Arc<Pool>>) -> Vec<u64> {
    let looking = tokio::task::spawn_blocking(move || pools.iter().map(|pool| fingerprint(pool.code())).collect());
    looking.await.unwrap_or_default()
}

/// Names, sizes and times of the files below a folder; the order in which a folder lists them does not count.
fn fingerprint(folder: &Path) -> u64 {
    code::files(folder).fold(0, |sum: u64, (path, found)| {
        let mut hasher = DefaultHasher::new();
        (path, found.len(), found.modified().ok()).hash(&mut hasher);
        sum.wrapping_add(hasher.finish())
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_saved_file_changes_the_fingerprint_and_byte_code_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.py");
        fs::write(&file, "a").unwrap();
        let before = fingerprint(folder.path());
        fs::create_dir(folder.path().join("__pycache__")).unwrap();
        fs::write(folder.path().join("__pycache__/app.pyc"), "x").unwrap();
        assert_eq!(fingerprint(folder.path()), before);
        fs::write(&file, "ab").unwrap();
        assert_ne!(fingerprint(folder.path()), before);
    }
}
