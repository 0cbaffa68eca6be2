//! The firewall taken up anew while it serves: a cheap look at its files once a second; what changed is compiled aside and put in place
//! whole. What cannot be used leaves the old rules where they are, and that is said once.

use std::{path::PathBuf, sync::Arc, time::Duration};

use brigandine_gateway::{Door, Firewall, Observe};
use brigandine_model::{App, Event, Happening, ReloadFailed, Sink};
use jiff::Timestamp;

use super::{kept::Kept, settings};
use crate::{
    configuration::{Configuration, FILE_NAME, Route, Waf},
    face,
    firewall::{self, Origin},
};

/// Between two looks.
const BEAT: Duration = Duration::from_secs(1);

/// Where the firewall's rules and settings come from.
#[derive(Clone)]
pub(crate) struct Watched {
    /// The folder of the settings.
    pub(crate) folder: PathBuf,
    /// The application.
    pub(crate) app: Arc<App>,
    /// Keeps refused requests, where they are kept.
    pub(crate) kept: Option<Kept>,
}

/// What the files look like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    settings: Option<(std::time::SystemTime, u64)>,
    rules: u64,
}

/// What of the settings the firewall is made from.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    waf: Waf,
    routes: Vec<(String, Route)>,
    observed: bool,
}

/// Goes on until the shield ends.
pub(crate) async fn watch(watched: Watched, door: Door, configuration: Configuration, sink: Arc<dyn Sink>) {
    let mut origin = settings::wanted(&configuration).origin;
    let mut asked = Asked::of(&configuration);
    let mut known = look(&watched, &origin).await;
    let mut before = known.clone();
    loop {
        tokio::time::sleep(BEAT).await;
        let seen = look(&watched, &origin).await;
        // Twice the same: nobody is in the middle of writing.
        let calm = seen == std::mem::replace(&mut before, seen.clone());
        if !calm || seen == known {
            continue;
        }
        let rules_changed = seen.rules != known.rules;
        known = seen;
        let (own, last) = (watched.clone(), asked.clone());
        let taken = tokio::task::spawn_blocking(move || own.take_up(&last, rules_changed)).await;
        let taken = taken.unwrap_or_else(|_| Err(anyhow::anyhow!("the rules could not be compiled")));
        let outcome = taken.and_then(|taken| {
            let Some(taken) = taken else { return Ok(()) };
            door.guard_with(taken.firewall, &taken.observe)?;
            (asked, origin) = (taken.asked, taken.origin);
            Ok(())
        });
        match outcome {
            Ok(()) => {
                // The rules may lie somewhere else now.
                known = look(&watched, &origin).await;
                before = known.clone();
            }
            Err(error) => tell(&error, &*sink),
        }
    }
}

/// Says it once: the same files are not looked at again until they change.
fn tell(error: &anyhow::Error, sink: &dyn Sink) {
    let reason = face::harmless(&error.to_string());
    let failed = ReloadFailed { subject: "firewall".into(), reason: reason.into() };
    sink.emit(Event { at: Timestamp::now(), what: Happening::ReloadFailed(failed) });
}

async fn look(watched: &Watched, origin: &Origin) -> Stamp {
    let (file, origin) = (watched.folder.join(FILE_NAME), origin.clone());
    // Reading folders may block.
    let looking = tokio::task::spawn_blocking(move || {
        let settings = file.metadata().ok().and_then(|found| Some((found.modified().ok()?, found.len())));
        Stamp { settings, rules: firewall::stamp(&origin) }
    });
    looking.await.unwrap_or(Stamp { settings: None, rules: 0 })
}

/// What is to be put in place.
struct Taken {
    firewall: Option<Firewall>,
    observe: Observe,
    asked: Asked,
    origin: Origin,
}

impl Asked {
    fn of(configuration: &Configuration) -> Self {
        let written = &configuration.written;
        Self {
            waf: written.waf.clone(),
            routes: written.routes.clone().into_iter().collect(),
            observed: written.guards.get("inspection") == Some(&crate::configuration::Mode::Observe),
        }
    }
}

impl Watched {
    /// Reads and compiles; nothing where the firewall would stay what it is.
    fn take_up(&self, last: &Asked, rules_changed: bool) -> anyhow::Result<Option<Taken>> {
        let configuration = Configuration::beside(&self.folder)?;
        let asked = Asked::of(&configuration);
        if asked == *last && !rules_changed {
            return Ok(None);
        }
        let (firewall, observe) = settings::inspection(&configuration, &self.app)?;
        let wanted = settings::wanted(&configuration);
        let firewall = firewall.map(|firewall| keeping(firewall, self.kept.as_ref(), &wanted));
        Ok(Some(Taken { firewall, observe, asked, origin: wanted.origin }))
    }
}

/// The firewall with a keeper that knows its rules.
pub(crate) fn keeping(mut firewall: Firewall, kept: Option<&Kept>, wanted: &firewall::Wanted) -> Firewall {
    firewall.keeper = kept.map(|kept| Arc::new(kept.under(wanted.judged_by())) as Arc<dyn brigandine_gateway::Keeper>);
    firewall
}
