//! Requests as events and results as answers: what the platform's APIs put between HTTP and a function.
//!
//! Pure functions of their arguments. Three APIs speak two forms: REST APIs version 1.0, HTTP APIs either, function URLs
//! version 2.0. Facts: the developer guides of API Gateway ("Lambda proxy integrations", "payload format version") and of
//! Lambda ("function URL request and response payloads").

mod answer;
pub mod batch;
mod body;
mod identity;
mod query;
mod stream;
mod v1;
mod v2;

use brigandine_model::{Admitted, Answer, ApiStyle, Payload};
use bytes::Bytes;
use http::header;

use crate::{InvokeError, Reply};

/// The form in which one API speaks to a function.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// The style of the API.
    pub style: ApiStyle,
    /// The version of the payload.
    pub payload: Payload,
    /// Media types the API treats as binary; only REST APIs have any.
    pub binary: &'a [String],
    /// What the client accepts; REST APIs decode binary answers only for clients who ask for them.
    pub accept: Option<&'a str>,
}

impl<'a> Form<'a> {
    /// The form of an admitted request.
    pub fn of(admitted: &'a Admitted) -> Self {
        Self {
            style: admitted.api.style,
            payload: if admitted.api.style == ApiStyle::FunctionUrl { Payload::V2 } else { admitted.route.payload },
            binary: &admitted.api.binary_media_types,
            accept: admitted.request.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()),
        }
    }
}

/// The event for an admitted request, as JSON.
pub fn event(admitted: &Admitted) -> Bytes {
    let mut bytes = Vec::with_capacity(2048 + admitted.request.body.len() * 4 / 3);
    let written = match Form::of(admitted).payload {
        Payload::V1 => serde_json::to_writer(&mut bytes, &v1::Event::of(admitted)),
        Payload::V2 => serde_json::to_writer(&mut bytes, &v2::Event::of(admitted)),
    };
    // Maps with text keys into memory: there is nothing in them that could fail.
    debug_assert!(written.is_ok(), "an event is always JSON");
    bytes.into()
}

/// The answer for what a function gave back. What the platform would not take is answered with
/// status 502, or 500 by an HTTP API.
pub fn answer(form: &Form<'_>, reply: &Reply) -> Answer {
    answer::answer(form, reply)
}

/// The answer for what a function gives back, as soon as its beginning is there: what comes after it is in
/// [`Answer::rest`]. Replies without a stream are answered as by [`answer`].
pub async fn answer_as_it_comes(form: &Form<'_>, reply: Reply) -> Answer {
    stream::begun(form, reply).await
}

/// The answer when no function ran, or when it was not waited for.
pub fn failure(form: &Form<'_>, error: &InvokeError) -> Answer {
    answer::failure(form, error)
}
