//! Identities that exist on this machine only: an issuer that stands in for declared ones, and keys for usage plans.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use brigandine_gateway::{ApiKey, DevelopmentIssuer, KeyScope};
use brigandine_model::{App, LogicalId};

use crate::state;

/// The issuer of this data folder; its key is made on the first run and readable by its owner only.
pub(crate) fn issuer(folder: &Path) -> anyhow::Result<Arc<DevelopmentIssuer>> {
    state::exclusively(folder, || kept_issuer(folder))
}

fn kept_issuer(folder: &Path) -> anyhow::Result<Arc<DevelopmentIssuer>> {
    let path = folder.join("development-issuer.pkcs8");
    match std::fs::read(&path) {
        Ok(bytes) => {
            let issuer = DevelopmentIssuer::from_pkcs8(&bytes);
            Ok(Arc::new(
                issuer.with_context(|| format!("`{}` is damaged; remove it to get a new one", path.display()))?,
            ))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let issuer = DevelopmentIssuer::generate()?;
            state::write_private(&path, issuer.pkcs8())?;
            Ok(Arc::new(issuer))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// A key for each usage plan, with its text to be shown once; where an API asks for keys and has no plan, for the API.
pub(crate) fn keys(app: &App) -> anyhow::Result<Vec<(ApiKey, DevelopmentKey)>> {
    let mut keys = Vec::new();
    for api in &app.apis {
        let asks =
            app.routes.iter().any(|route| route.api == api.id && route.key_required.value.known() == Some(&true));
        let plans: Vec<KeyScope> = match api.usage_plans.as_slice() {
            [] if asks => vec![KeyScope::Api(api.id.clone())],
            plans => plans.iter().map(|plan| KeyScope::Plan(plan.id.clone())).collect(),
        };
        for scope in plans {
            let id = format!("development-{}", name_of(&scope));
            let (key, text) = ApiKey::development(id, scope.clone())?;
            keys.push((key, DevelopmentKey { api: api.id.clone(), text }));
        }
    }
    Ok(keys)
}

fn name_of(scope: &KeyScope) -> &LogicalId {
    match scope {
        KeyScope::Plan(id) | KeyScope::Api(id) => id,
    }
}

/// The text of a development key: shown once at start, never kept.
pub(crate) struct DevelopmentKey {
    /// The API it opens.
    pub(crate) api: LogicalId,
    /// The key.
    pub(crate) text: String,
}
