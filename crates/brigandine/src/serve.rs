//! What only the runtime half of the binary needs: settings, the record, the terminal view, development identities and
//! secrets, the wiring of door and functions.

pub(crate) mod development;
pub(crate) mod egress;
pub(crate) mod functions;
pub(crate) mod greeting;
pub(crate) mod record;
pub(crate) mod secrets;
pub(crate) mod segment;
pub(crate) mod settings;
pub(crate) mod view;
