//! Functions run here, and the seam between door and functions.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use brigandine_function::{AwsAccess, Call, Invoke, Local, LocalSettings, Overrides, payload};
use brigandine_gateway::Backend;
use brigandine_model::{Admitted, Answer, App, Event, FunctionLogged, Happening, Sink};
use jiff::Timestamp;
use tower::util::BoxCloneSyncService;

use super::{
    egress,
    secrets::{self, DevelopmentSecrets},
};
use crate::{arguments::Functions, configuration::Configuration, face, project::Project};

/// Said where a function's own log would stand when what it returned is no answer.
const MALFORMED: &str = "what the function returned is no answer for this API: it takes an object with a numeric `statusCode`, \
                         `headers` of text, and a `body` of text";

/// Starts everything the functions of a project need.
pub(crate) async fn start(
    project: &Project,
    arguments: &Functions,
    configuration: &Configuration,
    place: Place<'_>,
) -> anyhow::Result<Arc<Local>> {
    let secrets = Arc::new(DevelopmentSecrets::open(place.data, &project.app)?);
    let written = &configuration.written.functions;
    let mut settings = LocalSettings::new(place.data.join("functions"));
    settings.aws = aws(arguments, configuration)?;
    settings.strict_runtime = arguments.strict_runtime || written.strict_runtime;
    settings.overrides = overrides(arguments)?;
    settings.parameters = arguments.reading.parameters.iter().cloned().collect();
    if let Some(most) = written.environments {
        settings.max_environments = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
    }
    if !project.app.secrets.is_empty() {
        settings.given = secrets::serve(&secrets, &place.sink).await?;
        settings.secrets = Some(secrets);
    }
    for (function, variables) in egress::offer(&project.app, configuration, &settings.aws, &place.sink).await? {
        settings.given.entry(function).or_default().extend(variables);
    }
    Ok(Arc::new(Local::start(&project.app, &project.folder, settings, place.sink).await?))
}

/// Where functions keep things, and where their events go.
pub(crate) struct Place<'a> {
    /// The data folder.
    pub(crate) data: &'a Path,
    /// Takes events.
    pub(crate) sink: Arc<dyn Sink>,
}

fn aws(arguments: &Functions, configuration: &Configuration) -> anyhow::Result<AwsAccess> {
    let endpoint = arguments.aws_endpoint.as_ref().or(configuration.written.functions.aws_endpoint.as_ref());
    match (&arguments.aws_profile, endpoint) {
        (Some(name), _) => {
            let home = std::env::home_dir().context("there is no home folder to find the profile in")?;
            Ok(AwsAccess::Profile { name: name.clone(), home })
        }
        (None, Some(url)) if url.starts_with("http://") || url.starts_with("https://") => {
            Ok(AwsAccess::Endpoint(url.clone()))
        }
        (None, Some(url)) => {
            Err(face::sentence(format!("`{url}` is no URL of an endpoint"), "write it like `http://127.0.0.1:4566`"))
        }
        (None, None) => Ok(AwsAccess::None),
    }
}

fn overrides(arguments: &Functions) -> anyhow::Result<Overrides> {
    let Some(path) = &arguments.env_vars else { return Ok(Overrides::default()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Overrides::parse(&text).with_context(|| format!("`{}`", path.display()))
}

/// The innermost service of the door: an admitted request becomes an event, what the function gives back an answer.
pub(crate) fn backend(local: Arc<Local>, sink: Arc<dyn Sink>) -> Backend {
    BoxCloneSyncService::new(tower::service_fn(move |admitted: Admitted| {
        let (local, sink) = (local.clone(), sink.clone());
        async move { Ok(answer(&local, &admitted, &*sink).await) }
    }))
}

async fn answer(local: &Local, admitted: &Admitted, sink: &dyn Sink) -> Answer {
    let form = payload::Form::of(admitted);
    let Some(function) = admitted.route.function.clone() else {
        return payload::failure(
            &form,
            &brigandine_function::InvokeError::Malformed("no function stands behind this route"),
        );
    };
    let told = |environment: u64, line: String| {
        let (function, request) = (function.clone(), Some(admitted.request.id.clone()));
        let logged = FunctionLogged { function, environment, request, line: line.into() };
        sink.emit(Event { at: Timestamp::now(), what: Happening::FunctionLogged(logged) });
    };
    let mut call = Call::new(function.clone(), admitted.request.id.clone(), payload::event(admitted));
    call.streaming = admitted.api.streams;
    match local.invoke(call).await {
        Ok(reply) => {
            let environment = reply.environment;
            let answer = payload::answer_as_it_comes(&form, reply).await;
            let error = answer.invocation.as_ref().and_then(|invocation| invocation.error.as_deref());
            if error == Some("Gateway.MalformedResponse") {
                told(environment, MALFORMED.to_owned());
            }
            answer
        }
        Err(error) => {
            told(0, error.to_string());
            payload::failure(&form, &error)
        }
    }
}

/// Says what people should know about how their functions run here.
pub(crate) fn tell(local: &Local) {
    for notice in local.notices() {
        face::warn(&face::harmless(&notice.text));
    }
}

/// What a function without a declaration is nearest to.
pub(crate) fn unknown(app: &App, wanted: &str) -> anyhow::Error {
    let names = app.functions.iter().map(|function| function.id.as_str());
    let help = face::nearest(wanted, names.clone()).map_or_else(
        || format!("its functions are {}", names.collect::<Vec<_>>().join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    face::sentence(format!("there is no function `{wanted}` in `{}`", app.file), help)
}
