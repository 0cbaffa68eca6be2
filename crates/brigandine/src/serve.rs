//! What only the runtime half of the binary needs: settings, the record, the terminal view, development identities and
//! secrets, the wiring of door and functions.

pub(crate) mod development;
pub(crate) mod egress;
pub(crate) mod events;
pub(crate) mod freshness;
pub(crate) mod functions;
pub(crate) mod greeting;
pub(crate) mod kept;
pub(crate) mod lookup;
pub(crate) mod quarantine;
pub(crate) mod record;
pub(crate) mod redact;
pub(crate) mod secrets;
pub(crate) mod segment;
pub(crate) mod settings;
pub(crate) mod store;
pub(crate) mod view;
