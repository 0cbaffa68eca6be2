//! `brigandine invoke`: one function, once.

use std::{io::Read, path::Path, sync::Arc};

use anyhow::Context;
use brigandine_function::{Call, Invoke as _, InvokeError, NoticeKind, PAYLOAD_LIMIT, Reply};
use brigandine_gateway::request_id;
use brigandine_model::LogicalId;

use crate::{
    arguments::Invoke,
    configuration::{Configuration, Mode, WafMode},
    face::{self, Outcome},
    project::{self, Project},
    serve::{
        events::{EventGate, Watch},
        functions::{self, Place},
        quarantine::Quarantine,
        record, settings,
        view::View,
    },
    state,
};

pub(crate) fn run(arguments: &Invoke) -> anyhow::Result<Outcome> {
    let project = project::open_one(&arguments.path, &arguments.functions.reading)?;
    let configuration = Configuration::beside(&project.folder)?;
    let id = LogicalId::new(arguments.function.as_str());
    if project.app.function(&id).is_none() {
        return Err(functions::unknown(&project.app, &arguments.function));
    }
    let event = event(&arguments.event)?;
    let data = state::folder(&project.app.name, arguments.functions.data.as_deref())?;
    let (recorder, writer) = record::start(&data, View::standard_error())?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let place = Place { data: &data, sink: Arc::new(recorder) };
    let result =
        runtime.block_on(once(&project, arguments, &configuration, (place, Call::new(id, request_id(), event))));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    drop(writer.close());
    let reply = result?;
    let mut text = String::from_utf8_lossy(&reply.payload).into_owned();
    text.push('\n');
    face::result(&text)?;
    Ok(if reply.error.is_some() { Outcome::Findings } else { Outcome::Clean })
}

async fn once(
    project: &Project,
    arguments: &Invoke,
    configuration: &Configuration,
    (place, call): (Place<'_>, Call),
) -> anyhow::Result<Reply> {
    let (data, sink) = (place.data.to_owned(), place.sink.clone());
    let local = functions::start(project, &arguments.functions, configuration, place).await?;
    let about_this = |notice: &&brigandine_function::Notice| match &notice.function {
        Some(id) => *id == call.function,
        None => {
            notice.text.split([' ', ',', ':']).any(|word| word == call.function.as_str())
                || notice.kind == NoticeKind::Unfenced
        }
    };
    for notice in local.notices().iter().filter(about_this) {
        face::warn(&face::harmless(&notice.text));
    }
    let gate = EventGate {
        behind: local.clone(),
        watch: watch(configuration, project)?,
        app: Arc::new(project.app.clone()),
        quarantine: Arc::new(Quarantine::of(&data)),
        sink,
    };
    let request = call.request_id.clone();
    let reply = gate.invoke(call).await;
    local.shutdown().await;
    reply.map_err(|error| refused(error, &request, arguments))
}

/// The firewall as `serve` would have it.
fn watch(configuration: &Configuration, project: &Project) -> anyhow::Result<Watch> {
    let (firewall, _) = settings::inspection(configuration, &project.app)?;
    let observes = configuration.written.serve.observe
        || configuration.written.waf.mode == WafMode::Observe
        || configuration.written.guards.get("inspection") == Some(&Mode::Observe);
    Ok(Arc::new(move || firewall.clone().map(|firewall| (firewall, observes))))
}

/// An event that the firewall refused, with the command that says more.
fn refused(error: InvokeError, request: &str, arguments: &Invoke) -> anyhow::Error {
    if !matches!(error, InvokeError::Refused { .. }) {
        return error.into();
    }
    let record = match &arguments.functions.data {
        Some(data) => format!(" --data {}", data.display()),
        None => format!(" --template {}", arguments.path.display()),
    };
    face::sentence(error.to_string(), format!("brigandine explain --request {request}{record}"))
}

/// The event, checked to be JSON before a function is started for it.
fn event(path: &Path) -> anyhow::Result<Vec<u8>> {
    let most = PAYLOAD_LIMIT as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(most)
            .read_to_end(&mut bytes)
            .context("cannot read the event from standard input")?;
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read the event `{}`", path.display()))?;
        file.take(most)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read the event `{}`", path.display()))?;
    }
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
        let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        let what = match (bytes.is_empty(), error.to_string().split(" at line ").next()) {
            (true, _) => format!("{name}: the event is empty"),
            (false, reason) => {
                let reason = reason.unwrap_or_default();
                format!("{name}:{}:{}: the event is no JSON: {reason}", error.line(), error.column())
            }
        };
        return Err(face::sentence(what, "an event is one JSON document, such as `{}`"));
    }
    Ok(bytes)
}
