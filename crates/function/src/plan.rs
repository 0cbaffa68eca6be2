//! What it takes to run one function here: program, code, variables, limits. Made once, at start.

pub(crate) mod code;
pub(crate) mod interpreter;
pub(crate) mod kit;
pub(crate) mod needs;
pub(crate) mod notice;
pub(crate) mod resources;
pub(crate) mod secret;
pub(crate) mod variables;

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, sync::Arc, time::Duration};

use brigandine_model::{App, Fact, Function, LogicalId, RuntimeSubstituted, Value};

use self::{
    code::Code,
    interpreter::{Choice, Interpreters, Language},
    kit::Kits,
    notice::{Notice, NoticeKind},
    resources::Resources,
};
use crate::{Error, LocalSettings};

/// The account number of everything that only exists here.
pub(crate) const ACCOUNT: &str = "000000000000";

/// How one function is run here.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) id: LogicalId,
    pub(crate) arn: String,
    /// Program and arguments that run the function's runtime client.
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// The program for people: `python 3.11.7`.
    pub(crate) label: Arc<str>,
    /// Folder of the code: the working directory.
    pub(crate) code: PathBuf,
    /// The whole environment, but for the address of the Runtime API and the log stream.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) memory_mib: u32,
    pub(crate) timeout: Duration,
    /// Greatest number of simultaneous runs.
    pub(crate) limit: usize,
}

/// All plans, and what people must know about them.
#[derive(Default)]
pub(crate) struct Plans {
    pub(crate) ready: Vec<Plan>,
    /// Functions that do not run here, and why.
    pub(crate) refused: BTreeMap<LogicalId, Arc<str>>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) substituted: Vec<RuntimeSubstituted>,
    /// Functions whose build runs rather than what the template names.
    pub(crate) built: Vec<LogicalId>,
    /// Functions with the development kits they import and do not find.
    pub(crate) kits_missing: Vec<(LogicalId, String)>,
    /// Functions with the layers they ask for and do not get.
    pub(crate) layers_left_out: Vec<(LogicalId, String)>,
}

/// Where our runtime clients were written.
pub(crate) struct Bootstraps {
    pub(crate) folder: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) node: PathBuf,
}

struct Planner<'a> {
    app: &'a App,
    root: &'a std::path::Path,
    settings: &'a LocalSettings,
    bootstraps: &'a Bootstraps,
    resources: Resources<'a>,
    interpreters: Interpreters,
    kits: Kits,
    plans: Plans,
}

/// Plans every function of the application. `root` is the folder of the template.
pub(crate) async fn plan(
    app: &App,
    root: &std::path::Path,
    settings: &LocalSettings,
    bootstraps: &Bootstraps,
) -> Result<Plans, Error> {
    let resources = Resources::new(app, settings);
    let mut planner = Planner {
        app,
        root,
        settings,
        bootstraps,
        resources,
        interpreters: Interpreters::from_host(),
        kits: Kits::default(),
        plans: Plans::default(),
    };
    for function in &app.functions {
        planner.function(function).await?;
    }
    needs::notices(app, settings, &mut planner.plans);
    Ok(planner.plans)
}

impl Planner<'_> {
    async fn function(&mut self, function: &Function) -> Result<(), Error> {
        match self.ready(function).await? {
            Ok(plan) => self.plans.ready.push(plan),
            Err(reason) => {
                self.say(NoticeKind::NotRun, function, format!("{} does not run here: {reason}", function.id));
                self.plans.refused.insert(function.id.clone(), reason.into());
            }
        }
        Ok(())
    }

    /// The plan, or why there is none.
    async fn ready(&mut self, function: &Function) -> Result<Result<Plan, String>, Error> {
        let language = match Self::language(function) {
            Ok(language) => language,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some(handler) = text(function.handler.as_ref()).or(language.is_own().then(|| "bootstrap".to_owned()))
        else {
            return Ok(Err("its handler is not settled by the template".to_owned()));
        };
        let code = match code::locate(function, &language, self.root, &self.settings.data)? {
            Ok(code) => code,
            Err(reason) => return Ok(Err(reason)),
        };
        for remark in &code.remarks {
            self.say(NoticeKind::Build, function, format!("{}: {remark}", function.id));
        }
        if code.folder.components().any(|part| part.as_os_str() == ".aws-sam") {
            self.plans.built.push(function.id.clone());
        }
        let (program, arguments, label) = match self.program(function, &language, &code).await {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Some(kit) = self.kits.missing(&language, &code.folder, &program).await {
            self.plans.kits_missing.push((function.id.clone(), kit));
        }
        let environment = self.environment(function, &handler, &code, &program);
        let memory_mib = function.memory.value.settled().first().map_or(128, |memory| **memory);
        let seconds = function.timeout.value.settled().first().map_or(3, |seconds| **seconds);
        Ok(Ok(Plan {
            id: function.id.clone(),
            arn: self.resources.function_arn(&function.id),
            program,
            arguments: with_heap(arguments, &language, memory_mib),
            label,
            code: code.folder,
            environment,
            memory_mib,
            timeout: Duration::from_secs(u64::from(seconds.max(1))),
            limit: self.limit(function),
        }))
    }

    fn language(function: &Function) -> Result<Language, String> {
        if matches!(function.package, brigandine_model::Package::Image(_)) {
            return Err("container images are not run here, only code folders are".to_owned());
        }
        match text(function.runtime.as_ref()) {
            Some(runtime) => Language::of(&runtime),
            None => Err("its runtime is not settled by the template".to_owned()),
        }
    }

    async fn program(
        &mut self,
        function: &Function,
        language: &Language,
        code: &Code,
    ) -> Result<(PathBuf, Vec<OsString>, Arc<str>), String> {
        let client = match language {
            Language::Own { .. } => return Ok((code.folder.join("bootstrap"), Vec::new(), "bootstrap".into())),
            Language::Python { .. } => self.bootstraps.python.clone(),
            Language::Node { .. } => self.bootstraps.node.clone(),
        };
        let found = match self.interpreters.choose(language).await {
            Choice::Exact(found) => found,
            Choice::Nearest(found) if !self.settings.strict_runtime => {
                self.substituted(function, language, &found.label);
                found
            }
            Choice::Nearest(found) => {
                return Err(format!(
                    "{} is not installed, and {} may not stand in for it (strict runtime): install {}",
                    language.declared(),
                    found.label,
                    language.package()
                ));
            }
            Choice::Missing => return Err(format!("no {} here: install {}", language.name(), language.package())),
        };
        Ok((found.path, vec![client.into()], found.label))
    }

    fn substituted(&mut self, function: &Function, language: &Language, label: &Arc<str>) {
        self.plans.substituted.push(RuntimeSubstituted {
            function: function.id.clone(),
            declared: language.declared().into(),
            served_by: label.clone(),
        });
    }

    fn environment(
        &mut self,
        function: &Function,
        handler: &str,
        code: &Code,
        program: &std::path::Path,
    ) -> BTreeMap<String, String> {
        let written = variables::written(function, &self.resources, self.settings, &mut self.plans.notices);
        let layers = self.layers(function);
        variables::Frame {
            function,
            handler,
            code: &code.folder,
            runtime_folder: &self.bootstraps.folder,
            program,
            layers: &layers,
            resources: &self.resources,
            settings: self.settings,
        }
        .fill(written)
    }

    fn layers(&mut self, function: &Function) -> Vec<PathBuf> {
        let (found, missing) = code::layers(function, self.app, self.root);
        let missing = missing.into_iter().map(|layer| (function.id.clone(), layer));
        self.plans.layers_left_out.extend(missing);
        found
    }

    fn limit(&self, function: &Function) -> usize {
        let reserved = function.reserved_concurrency.as_ref().and_then(|fact| fact.value.settled().first().copied());
        let most = self.settings.max_environments.max(1);
        reserved.map_or(most, |reserved| usize::try_from(*reserved).unwrap_or(most).min(most))
    }

    fn say(&mut self, kind: NoticeKind, function: &Function, text: String) {
        self.plans.notices.push(Notice { kind, function: Some(function.id.clone()), text });
    }
}

/// Node sizes its heap by the memory of the machine; on the platform that is the function's own memory.
fn with_heap(mut arguments: Vec<OsString>, language: &Language, memory_mib: u32) -> Vec<OsString> {
    if matches!(language, Language::Node { .. }) {
        let heap = memory_mib.saturating_mul(9) / 10;
        let young = (memory_mib / 32).clamp(1, 16);
        arguments.insert(0, format!("--max-semi-space-size={young}").into());
        arguments.insert(0, format!("--max-old-space-size={heap}").into());
    }
    arguments
}

/// The first settled text of a fact.
fn text(fact: Option<&Fact<String>>) -> Option<String> {
    fact.and_then(|fact| first(&fact.value)).cloned()
}

/// The value, or that of the first case that has one.
fn first<T>(value: &Value<T>) -> Option<&T> {
    value.settled().first().copied()
}
