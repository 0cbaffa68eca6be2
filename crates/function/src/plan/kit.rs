//! The platform's development kits: its runtimes bring them along, the interpreters of this machine do not.
//!
//! Code written for the platform may import `boto3` or `@aws-sdk` without naming it as a dependency. Here that fails at
//! the first call with a stack trace; one line at start says what to install instead.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

use crate::plan::{code::files, interpreter::Language};

/// Most source files looked into, and most bytes of one.
const LOOKED_INTO: usize = 300;
const LARGEST: u64 = 512 * 1024;

/// What is known of the interpreters: whether they have `boto3`.
#[derive(Default)]
pub(crate) struct Kits {
    python: BTreeMap<PathBuf, bool>,
}

impl Kits {
    /// What to install so that the code in `folder` finds the kit it imports; nothing when it has it or needs none.
    pub(crate) async fn missing(&mut self, language: &Language, folder: &Path, program: &Path) -> Option<String> {
        match language {
            Language::Python { .. } => {
                let imported = imports(folder, &["py"], python_loads);
                if !imported || folder.join("boto3").is_dir() || self.has_boto3(program).await {
                    return None;
                }
                let with = program.display();
                Some(format!("boto3, which the platform brings and this Python has not: `{with} -m pip install boto3`"))
            }
            Language::Node { .. } => {
                let imported = imports(folder, &["js", "mjs", "cjs"], node_loads);
                let there = folder.ancestors().any(|above| above.join("node_modules/@aws-sdk").is_dir());
                (imported && !there).then(|| {
                    "@aws-sdk, which the platform brings and this machine has not: `npm install` it beside the code"
                        .to_owned()
                })
            }
            Language::Own { .. } => None,
        }
    }

    async fn has_boto3(&mut self, program: &Path) -> bool {
        if let Some(known) = self.python.get(program) {
            return *known;
        }
        let mut asking = Command::new(program);
        asking.args(["-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('boto3') is None)"]);
        asking.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let answer = tokio::time::timeout(Duration::from_secs(10), asking.status()).await;
        let has = answer.is_ok_and(|status| status.is_ok_and(|status| status.success()));
        self.python.insert(program.to_owned(), has);
        has
    }
}

/// Whether a source file of the folder imports one of these as soon as it is loaded. An import further down is somebody's
/// choice to do without.
fn imports(folder: &Path, endings: &[&str], loads: fn(&str) -> bool) -> bool {
    let is_source = |path: &Path| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known));
    let sources = files(folder).filter(|(path, found)| is_source(path) && found.len() <= LARGEST).take(LOOKED_INTO);
    let mut texts = sources.filter_map(|(path, _)| fs::read_to_string(path).ok());
    texts.any(|text| text.lines().any(loads))
}

/// `import os, boto3`, `from botocore.config import Config`, at the start of a line.
fn python_loads(line: &str) -> bool {
    let modules = line.strip_prefix("import ").or_else(|| line.strip_prefix("from "));
    let mut names = modules.into_iter().flat_map(|modules| modules.split(','));
    names.any(|name| {
        let package = name.trim_start().split([' ', '.']).next().unwrap_or_default();
        package == "boto3" || package == "botocore"
    })
}

/// `import { S3 } from '@aws-sdk/client-s3'`, `const s3 = require("@aws-sdk/client-s3")`, at the start of a line.
fn node_loads(line: &str) -> bool {
    let loads = line.starts_with("import ") || line.starts_with('}') || line.contains("require(");
    let named = line.contains("\"@aws-sdk/") || line.contains("'@aws-sdk/");
    loads && named && !line.starts_with([' ', '\t', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        folder
    }

    #[tokio::test]
    async fn a_kit_that_is_imported_and_not_there_is_named() {
        let python = Language::Python { minor: 13 };
        let program = Path::new("/bin/false");
        let code = folder("app.py", "import os, json, boto3\n");
        let told = Kits::default().missing(&python, code.path(), program).await;
        assert!(told.is_some_and(|told| told.contains("pip install boto3")));
        let code = folder("app.py", "# import boto3\nimport json\ndef send():\n    import boto3\n");
        assert_eq!(Kits::default().missing(&python, code.path(), program).await, None);
        let code = folder("app.py", "from boto3 import client\n");
        assert_eq!(Kits::default().missing(&python, code.path(), Path::new("/bin/true")).await, None);
    }

    #[tokio::test]
    async fn a_kit_beside_the_code_will_do() {
        let node = Language::Node { major: 22 };
        let program = Path::new("node");
        let code = folder("app.mjs", "import { S3 } from '@aws-sdk/client-s3';\n");
        assert!(Kits::default().missing(&node, code.path(), program).await.is_some());
        fs::create_dir_all(code.path().join("node_modules/@aws-sdk")).unwrap();
        assert_eq!(Kits::default().missing(&node, code.path(), program).await, None);
    }
}
