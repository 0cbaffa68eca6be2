//! Allowed and denied client addresses. A place on the list of the allowed opens nothing else.

use brigandine_model::Guard;

use crate::{
    address::listed,
    visit::{Step, Stop, Visit, refuse},
};

/// Clients that the lists let in.
pub(crate) struct AddressLists;

impl Step for AddressLists {
    type In = Visit;
    type Out = Visit;

    fn pass(&self, visit: Visit) -> Result<Visit, Stop> {
        let settings = &visit.plan.settings;
        let client = visit.request.client;
        let shut_out = !settings.allow.is_empty() && !listed(&settings.allow, client);
        if shut_out || listed(&settings.deny, client) {
            visit.object(refuse(Guard::AddressList, 403, "address-denied", "this address may not call"))?;
        }
        Ok(visit)
    }
}
