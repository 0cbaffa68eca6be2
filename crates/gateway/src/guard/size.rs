//! Sizes that the head tells.

use brigandine_model::Guard;
use http::header::CONTENT_LENGTH;

use crate::visit::{Arrival, Step, Stop, refuse};

/// Heads and announced bodies that are not too large.
pub(crate) struct HeadSize;

impl Step for HeadSize {
    type In = Arrival;
    type Out = Arrival;

    fn pass(&self, arrival: Arrival) -> Result<Arrival, Stop> {
        let limits = &arrival.plan.settings.limits;
        if target_bytes(&arrival.head.uri) > limits.target_bytes {
            return Err(refuse(Guard::Size, 414, "target-too-long", "the request target is too long").into());
        }
        let headers = &arrival.head.headers;
        // Names and values, and four bytes for what stands between and after them in HTTP/1.
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if headers.len() > limits.headers || bytes > limits.head_bytes {
            return Err(refuse(Guard::Size, 431, "headers-too-large", "the request has too many headers").into());
        }
        let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > limits.body_bytes as u64) {
            return Err(body_too_large(limits.body_bytes).into());
        }
        Ok(arrival)
    }
}

/// The refusal of a body over the limit.
pub(crate) fn body_too_large(limit: usize) -> brigandine_model::Refusal {
    refuse(Guard::Size, 413, "body-too-large", format!("the request body may have at most {limit} bytes"))
}

fn target_bytes(uri: &http::Uri) -> usize {
    uri.path_and_query().map_or(0, |target| target.as_str().len())
}
