//! Bare `brigandine`: the next three things to try, chosen by what lies in this folder.

use crate::{
    face::{self, Outcome},
    project,
};

pub(crate) fn run() -> anyhow::Result<Outcome> {
    let here = project::locate(std::path::Path::new(".")).ok();
    let template = here.as_ref().map_or("template.yaml", |path| path.to_str().unwrap_or("template.yaml"));
    let found = match &here {
        Some(path) => format!("Found {} here.", path.display()),
        None => "No template in this folder; the commands below name one.".to_owned(),
    };
    let mut text =
        format!("Brigandine {}: plates for serverless functions. {found}\n\nTry next:\n", env!("CARGO_PKG_VERSION"));
    let mut rows = vec![
        vec![format!("brigandine check {template}"), "what is wrong, and how to mend it".to_owned()],
        vec![format!("brigandine routes {template}"), "every way in, and who may pass".to_owned()],
    ];
    if cfg!(feature = "serve") {
        rows.push(vec![format!("brigandine serve {template}"), "run it here behind the shield".to_owned()]);
    }
    text.push_str(&face::table(&rows));
    text.push_str("\nbrigandine --help lists all commands.\n");
    face::result(&text)?;
    Ok(Outcome::Clean)
}
