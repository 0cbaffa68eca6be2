//! Functions listed and described.

use http::{Response, StatusCode};
use serde_json::json;

use super::{body::Said, fault::Fault, json as answer, wish::Query};
use crate::catalogue::{Catalogue, Entry};

/// Functions on a page, where the caller does not say.
const PAGE: usize = 50;
/// Most functions on a page.
const LONGEST: usize = 10_000;

/// A page of functions. The marker is the place of the next one.
pub(super) fn list(catalogue: &Catalogue, query: &Query<'_>) -> Result<Response<Said>, Fault> {
    let number = |name: &str| match query.value(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => {
            text.parse::<usize>().map(Some).map_err(|_| Fault::parameter(format!("`{name}` is not what it should be")))
        }
    };
    let most = number("MaxItems")?.unwrap_or(PAGE).clamp(1, LONGEST);
    let start = number("Marker")?.unwrap_or(0);
    let mut page: Vec<_> =
        catalogue.all().iter().skip(start).take(most + 1).map(|entry| &entry.configuration).collect();
    let more = page.len() > most;
    page.truncate(most);
    let mut document = json!({"Functions": page});
    if let Some(object) = document.as_object_mut().filter(|_| more) {
        object.insert("NextMarker".to_owned(), (start + most).to_string().into());
    }
    Ok(answer(StatusCode::OK, &document))
}

/// One function. There is no archive of its code to be fetched.
pub(super) fn function(entry: &Entry) -> Response<Said> {
    let mut document = json!({"Configuration": entry.configuration, "Code": {}});
    if let (Some(object), Some(reserved)) = (document.as_object_mut(), entry.reserved) {
        object.insert("Concurrency".to_owned(), json!({"ReservedConcurrentExecutions": reserved}));
    }
    answer(StatusCode::OK, &document)
}
