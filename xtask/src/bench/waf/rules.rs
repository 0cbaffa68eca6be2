//! The peer's programs and the rules that both are given.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::program;

/// What the bench needs beyond this repository, as Debian names it.
const PACKAGES: [&str; 3] = ["nginx", "libnginx-mod-http-modsecurity", "modsecurity-crs"];
const MODULE: &str = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so";
const SETUP: &str = "/etc/modsecurity/crs/crs-setup.conf";
const RULES: &str = "/usr/share/modsecurity-crs/rules";
/// What characters beyond ASCII are like: without it libmodsecurity takes their low byte.
const LIKENESSES: &str = "/etc/nginx/unicode.mapping";

/// nginx with libmodsecurity, and the Core Rule Set beside it.
pub(super) struct Peer {
    pub(super) nginx: PathBuf,
    pub(super) module: &'static str,
    /// The version of the rules' package.
    pub(super) version: String,
}

/// How the rules are to decide.
pub(super) struct Strictness {
    /// `On` or `DetectionOnly`.
    pub(super) engine: &'static str,
    /// 1 to 4.
    pub(super) level: u8,
}

impl Peer {
    /// Finds the peer; installs it where that is allowed.
    pub(super) fn found(install: bool) -> Result<Self> {
        if !is_there() && install {
            program::watched(Command::new("apt-get").args(["update", "-qq"]))?;
            let mut command = Command::new("apt-get");
            program::watched(command.args(["install", "-y", "--no-install-recommends"]).args(PACKAGES))?;
        }
        if !is_there() {
            bail!(
                "the peer is not on this machine: `apt-get install --no-install-recommends {}`, or `--install` here",
                PACKAGES.join(" ")
            );
        }
        let nginx = nginx().context("nginx is not on the path")?;
        let mut query = Command::new("dpkg-query");
        let version = program::captured(query.args(["-W", "-f", "${Version}", "modsecurity-crs"]));
        Ok(Self { nginx, module: MODULE, version: version.unwrap_or_else(|_| "unknown".to_owned()) })
    }

    /// Writes the file that both servers load: the rules as they are installed, set to the same strictness.
    pub(super) fn rules(place: &Path, strictness: &Strictness) -> Result<PathBuf> {
        let Strictness { engine, level } = strictness;
        let mut text = format!(
            "SecRuleEngine {engine}\nSecRequestBodyAccess On\nSecResponseBodyAccess Off\nSecAuditEngine Off\n\
             SecRequestBodyLimit 13107200\nSecRequestBodyNoFilesLimit 13107200\n\
             SecUnicodeMapFile {LIKENESSES} 20127\n\
             SecRule REQUEST_HEADERS:Content-Type \"@rx (?i)^(?:application/|text/)xml\" \
             \"id:100,phase:1,t:none,pass,nolog,ctl:requestBodyProcessor=XML\"\n\
             SecRule REQUEST_HEADERS:Content-Type \"@rx (?i)^application/json\" \
             \"id:101,phase:1,t:none,pass,nolog,ctl:requestBodyProcessor=JSON\"\n\
             Include {SETUP}\n\
             SecAction \"id:102,phase:1,nolog,pass,t:none,setvar:tx.paranoia_level={level},\
             setvar:tx.executing_paranoia_level={level}\"\n"
        );
        let entries = std::fs::read_dir(RULES).with_context(|| format!("cannot read `{RULES}`"))?;
        let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.retain(|file| file.extension().is_some_and(|ending| ending == "conf"));
        files.sort();
        for file in files {
            writeln!(text, "Include {}", file.display())?;
        }
        let path = place.join(format!("rules-{engine}-{level}.conf"));
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

fn is_there() -> bool {
    nginx().is_some() && [MODULE, SETUP, RULES, LIKENESSES].iter().all(|path| Path::new(path).exists())
}

fn nginx() -> Option<PathBuf> {
    // Where administrators' programs lie is not on everybody's path.
    program::find("nginx").or_else(|| Some(PathBuf::from("/usr/sbin/nginx")).filter(|path| path.is_file()))
}
