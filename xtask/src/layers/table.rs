//! The table of rooms: who may import whom, and who must stay pure. ARCHITECTURE.md tells it in prose.

/// One room of the house.
pub(crate) struct Room {
    /// The folder under `crates/`; the package is `brigandine-` and this, the binary's `brigandine` alone.
    pub(crate) name: &'static str,
    /// The rooms it may import.
    pub(crate) may_import: &'static [&'static str],
    /// The rooms its tests may import besides.
    pub(crate) tests_may_import: &'static [&'static str],
    /// Bytes and time come in as arguments: no runtime, clock, environment, network or disk below it.
    pub(crate) pure: bool,
}

/// Stands for every room in a `may_import`.
pub(crate) const EVERY_ROOM: &[&str] = &["*"];

const fn pure(name: &'static str, may_import: &'static [&'static str]) -> Room {
    Room { name, may_import, tests_may_import: &[], pure: true }
}

const fn acting(name: &'static str, may_import: &'static [&'static str]) -> Room {
    Room { name, may_import, tests_may_import: &[], pure: false }
}

/// Rooms that are not born yet stand here too, so that they are born in the right place.
pub(crate) const ROOMS: &[Room] = &[
    pure("model", &[]),
    pure("template", &["model"]),
    pure("code", &["model"]),
    pure("deps", &["model"]),
    pure("iam", &["model"]),
    // A rule's page is its test, and a page's templates have to become an App first.
    Room { name: "rules", may_import: &["model", "iam"], tests_may_import: &["template"], pure: true },
    pure("report", &["model"]),
    pure("inspect", &["model"]),
    acting("gateway", &["model", "inspect"]),
    acting("function", &["model", "iam", "sandbox"]),
    acting("sandbox", &[]),
    acting("vault", &["model"]),
    acting("audit", &["model"]),
    pure("detect", &["model"]),
    acting("alert", &["model"]),
    acting("console", &["model", "audit"]),
    acting("assess", &["model"]),
    acting("brigandine", EVERY_ROOM),
    acting("xtask", &[]),
];

/// The one room with `unsafe` in it, and so with a lint table of its own.
pub(crate) const OWN_LINTS: &str = "sandbox";

/// Rooms of the runtime half: the check-only binary has none of them.
pub(crate) const RUNTIME_ROOMS: &[&str] =
    &["gateway", "function", "sandbox", "vault", "audit", "alert", "console", "assess"];

/// Crates that bring a runtime, a clock, a network, a disk or chance with them.
pub(crate) const IMPURE: &[&str] = &[
    "async-io",
    "async-std",
    "curl",
    "getrandom",
    "hyper",
    "hyper-util",
    "isahc",
    "landlock",
    "libsqlite3-sys",
    "memmap2",
    "mio",
    "native-tls",
    "nix",
    "notify",
    "openssl",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "rustls",
    "seccompiler",
    "sled",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "ureq",
    "walkdir",
];

/// Crates that only the runtime half needs: in the check-only binary they are weight, and Linux-only weight at that.
pub(crate) const RUNTIME_CRATES: &[&str] =
    &["aws-lc-sys", "hyper", "hyper-util", "landlock", "mio", "rustls", "seccompiler", "socket2", "tokio", "tower"];

/// The room a package is, when it is one of ours.
pub(crate) fn room(package: &str) -> Option<&'static Room> {
    let name = package.strip_prefix("brigandine-").unwrap_or(package);
    ROOMS.iter().find(|room| room.name == name)
}
