//! The workbench: an application in a temporary folder, its functions started, its events kept.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use brigandine_function::{Call, Invoke as _, InvokeError, Local, LocalSettings, Reply};
use brigandine_model::{App, Event, Fact, Function, Happening, LogicalId, Package, Provenance, Sink, Value, Variable};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::time::Instant;

/// Longest wait for anything in a test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Every event, as it came.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Vec<Event>>);

impl Sink for Kept {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// An application being made and run.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) app: App,
    pub(crate) settings: LocalSettings,
    pub(crate) kept: Arc<Kept>,
    ids: AtomicU64,
}

fn known<T>(value: T) -> Fact<T> {
    Fact { value: Value::Known(value), provenance: Provenance::default() }
}

pub(crate) fn function(id: &str, runtime: &str, handler: &str) -> Function {
    Function {
        id: LogicalId::new(id),
        name: None,
        provenance: Provenance::default(),
        runtime: Some(known(runtime.to_owned())),
        handler: Some(known(handler.to_owned())),
        package: Package::Local(known("src".to_owned())),
        layers: vec![],
        memory: known(256),
        timeout: known(5),
        scratch: known(512),
        reserved_concurrency: None,
        environment: vec![],
        role: None,
        foreign_role: None,
        failure_targets: vec![],
        snapshot: None,
        architectures: vec![],
        private_network: false,
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = LocalSettings::new(folder.path().join("data"));
        settings.reload = false;
        settings.max_environments = 4;
        let app = App { name: "shop".into(), ..App::default() };
        Self { folder, app, settings, kept: Arc::default(), ids: AtomicU64::new(0) }
    }

    /// One function `F`, its code in one file.
    pub(crate) fn with(runtime: &str, handler: &str, file: &str, code: &str) -> Self {
        let mut bench = Self::new();
        bench.write(file, code);
        bench.app.functions.push(function("F", runtime, handler));
        bench
    }

    pub(crate) fn python(code: &str) -> Self {
        Self::with("python3.13", "app.handler", "app.py", code)
    }

    pub(crate) fn node(code: &str) -> Self {
        Self::with("nodejs22.x", "index.handler", "index.mjs", code)
    }

    /// A program of its own, here a shell or Python script.
    pub(crate) fn own(script: &str) -> Self {
        let bench = Self::with("provided.al2023", "any", "bootstrap", script);
        let path = bench.folder.path().join("src/bootstrap");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        bench
    }

    pub(crate) fn edit(mut self, change: impl FnOnce(&mut Function)) -> Self {
        change(self.app.functions.first_mut().unwrap());
        self
    }

    pub(crate) fn timeout(self, seconds: u32) -> Self {
        self.edit(|function| function.timeout = known(seconds))
    }

    pub(crate) fn memory(self, mib: u32) -> Self {
        self.edit(|function| function.memory = known(mib))
    }

    pub(crate) fn variable(self, name: &str, value: Value<String>) -> Self {
        let value = Fact { value, provenance: Provenance::default() };
        self.edit(|function| function.environment.push(Variable { name: name.into(), value }))
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join("src").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) async fn start(&self) -> Local {
        let sink: Arc<dyn Sink> = self.kept.clone();
        Local::start(&self.app, self.folder.path(), self.settings.clone(), sink).await.unwrap()
    }

    pub(crate) fn call(&self, payload: &str) -> Call {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        Call::new(LogicalId::new("F"), format!("00000000-0000-4000-8000-{number:012}"), payload.to_owned())
    }

    pub(crate) async fn run(&self, local: &Local, payload: &str) -> Result<Reply, InvokeError> {
        tokio::time::timeout(PATIENCE, local.invoke(self.call(payload))).await.unwrap()
    }

    /// The result of a call that must succeed.
    pub(crate) async fn json(&self, local: &Local, payload: &str) -> Json {
        let reply = self.run(local, payload).await.unwrap();
        assert_eq!(reply.error, None, "{}", String::from_utf8_lossy(&reply.payload));
        serde_json::from_slice(&reply.payload).unwrap()
    }

    /// Type and document of a call that must fail.
    pub(crate) async fn error(&self, local: &Local, payload: &str) -> (String, Json) {
        let reply = self.run(local, payload).await.unwrap();
        let error = reply.error.unwrap_or_else(|| panic!("it succeeded: {:?}", reply.payload));
        (error.error_type.to_string(), serde_json::from_slice(&reply.payload).unwrap())
    }

    /// What of the events so far is of interest.
    pub(crate) fn events<T>(&self, pick: impl Fn(&Happening) -> Option<T>) -> Vec<T> {
        self.kept.0.lock().unwrap().iter().filter_map(|event| pick(&event.what)).collect()
    }

    /// Waits until an event of interest has come.
    pub(crate) async fn event<T>(&self, pick: impl Fn(&Happening) -> Option<T>) -> T {
        eventually(|| self.events(&pick).into_iter().next()).await
    }

    pub(crate) fn lines(&self) -> Vec<(String, Option<String>)> {
        self.events(|event| match event {
            Happening::FunctionLogged(logged) => {
                Some((logged.line.to_string(), logged.request.as_ref().map(ToString::to_string)))
            }
            _ => None,
        })
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.events(|event| if let Happening::EnvironmentStarted(one) = event { Some(one.pid) } else { None })
    }
}

/// Waits until something is there.
pub(crate) async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "it never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process is there, and no corpse.
pub(crate) fn is_alive(pid: u32) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

pub(crate) fn kill_9(pid: u32) {
    assert!(Command::new("/bin/sh").args(["-c", &format!("kill -9 {pid}")]).status().unwrap().success());
}

/// Whether a program is there; says loudly when a test is skipped for want of it.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}
