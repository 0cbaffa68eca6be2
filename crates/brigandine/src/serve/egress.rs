//! What functions may reach, offered to them as a proxy.
//!
//! Unfenced functions are only asked to use it, through the variables that most clients read: code that does not ask gets
//! past it, which is said aloud and on record.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context;
use brigandine_function::{
    AwsAccess,
    egress::{EgressServer, EgressSettings, Grants, HostResolver},
};
use brigandine_model::{App, Event, Happening, LogicalId, NotEnforced, Sink};
use jiff::Timestamp;
use tokio::net::TcpListener;

use crate::{
    configuration::{Configuration, Fault},
    face,
};

/// Hosts that are asked without a proxy: the function's own Runtime API and secrets are there.
const NEAR: &str = "localhost,127.0.0.1,::1";

/// What each function gets as variables.
type Given = BTreeMap<LogicalId, BTreeMap<String, String>>;

/// Starts a proxy for every function whose egress is written down.
pub(crate) async fn offer(
    app: &App,
    configuration: &Configuration,
    aws: &AwsAccess,
    sink: &Arc<dyn Sink>,
) -> anyhow::Result<Given> {
    let resolver = Arc::new(HostResolver::default());
    let mut given = Given::new();
    for (function, grants) in granted(app, configuration)? {
        let grants = if let AwsAccess::Endpoint(url) = aws { grants.with_endpoint(url) } else { grants };
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("cannot listen for functions that reach other machines")?;
        let address = format!("http://{}", listener.local_addr()?);
        let outfit = (resolver.clone() as _, EgressSettings::default());
        let server = EgressServer::new(function.clone(), Arc::new(grants), outfit, sink.clone());
        tokio::spawn(server.proxy(listener));
        let reason =
            "it runs unfenced, so its clients are only asked to use the proxy: code that does not ask gets past it";
        face::warn(&format!("egress of {function}: {reason}"));
        let subject = format!("egress of {function}").into();
        let missing = Happening::NotEnforced(NotEnforced { subject, reason: reason.into() });
        sink.emit(Event { at: Timestamp::now(), what: missing });
        given.insert(function, variables(&address));
    }
    Ok(given)
}

/// The grants of every function that has any written down, or everything that is wrong with them.
fn granted(app: &App, configuration: &Configuration) -> anyhow::Result<Vec<(LogicalId, Grants)>> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut granted = Vec::new();
    for (name, written) in &configuration.written.function {
        let id = LogicalId::new(name.as_str());
        if app.function(&id).is_none() {
            faults.push(configuration.fault(&["function", name], format!("there is no function `{name}`")));
        }
        let Some(egress) = &written.egress else { continue };
        match Grants::parse(egress.iter().map(String::as_str)) {
            Ok(grants) => granted.push((id, grants)),
            Err(unfit) => faults.extend(
                unfit.iter().map(|unfit| configuration.fault(&["function", name, "egress"], unfit.to_string())),
            ),
        }
    }
    configuration.report(faults)?;
    Ok(granted)
}

/// The variables in which clients look for a proxy, in the spellings they look for.
fn variables(address: &str) -> BTreeMap<String, String> {
    let pairs = [("http_proxy", address), ("https_proxy", address), ("no_proxy", NEAR)];
    let both =
        |(name, value): (&str, &str)| [name.to_owned(), name.to_uppercase()].map(|name| (name, value.to_owned()));
    pairs.into_iter().flat_map(both).collect()
}
