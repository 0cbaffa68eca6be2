//! Refusals in the platform's own words: error type, status and document as its API model has them.

use std::sync::Arc;

use brigandine_model::{Guard, Refusal};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::{body::Said, json};
use crate::{InvokeError, catalogue::Unnamed};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// Why a request of the platform's API is not answered as wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    status: StatusCode,
    kind: &'static str,
    message: String,
    reason: Option<&'static str>,
    retry_after: Option<u32>,
}

impl Fault {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), reason: None, retry_after: None }
    }

    pub(crate) fn not_found(arn: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", format!("Function not found: {arn}"))
    }

    pub(crate) fn content(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message)
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", message)
    }

    pub(crate) fn media_type() -> Self {
        let message = "The content type of the Invoke request body is not JSON.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaTypeException", message)
    }

    pub(crate) fn too_many(reason: &'static str, retry_after: u32) -> Self {
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.");
        Self { reason: Some(reason), retry_after: Some(retry_after), ..fault }
    }

    pub(crate) fn not_served(what: &str) -> Self {
        let message = format!("{what} is not served here: functions are invoked, listed and described, no more");
        Self::new(StatusCode::NOT_IMPLEMENTED, "ServiceException", message)
    }

    pub(crate) fn unknown_operation() -> Self {
        Self::new(StatusCode::NOT_FOUND, "UnknownOperationException", "there is no such operation")
    }

    pub(crate) fn stranger(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDeniedException", message)
    }

    pub(crate) fn slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException", "the request body took too long")
    }

    pub(crate) fn busy() -> Self {
        Self::too_many("CallerRateLimitExceeded", 1)
    }

    pub(crate) fn of(error: &InvokeError, reserved: bool) -> Self {
        match error {
            InvokeError::UnknownFunction(id) => Self::not_found(id.as_str()),
            InvokeError::NotHere { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, "InvalidRuntimeException", error.to_string())
            }
            InvokeError::TooManyRequests { retry_after, .. } => {
                let limit = if reserved {
                    "ReservedFunctionConcurrentInvocationLimitExceeded"
                } else {
                    "ConcurrentInvocationLimitExceeded"
                };
                Self::too_many(limit, *retry_after)
            }
            InvokeError::PayloadTooLarge { .. } => Self::too_large(super::SYNCHRONOUS),
            InvokeError::Malformed(what) => Self::parameter(*what),
            InvokeError::Refused { .. } => {
                Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContentException", "the event was refused")
            }
            InvokeError::DeadlinePassed | InvokeError::Stopped(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "ServiceException", error.to_string())
            }
        }
    }

    pub(crate) fn of_name(unnamed: Unnamed) -> Self {
        match unnamed {
            Unnamed::Unknown(arn) => Self::not_found(&arn),
            Unnamed::Contradicted => {
                Self::parameter("The derived qualifier from the function name does not match the specified qualifier.")
            }
            Unnamed::Malformed => {
                Self::parameter("the function name is no name, partial ARN or full ARN of a function")
            }
        }
    }

    /// The same for the record.
    pub(crate) fn refusal(&self) -> Refusal {
        let guard = match self.status {
            StatusCode::PAYLOAD_TOO_LARGE => Guard::Size,
            StatusCode::TOO_MANY_REQUESTS => Guard::Concurrency,
            StatusCode::FORBIDDEN => Guard::Canonical,
            StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED => Guard::Route,
            StatusCode::REQUEST_TIMEOUT => Guard::Connection,
            status if status.is_client_error() => Guard::Validation,
            _ => Guard::Function,
        };
        let reason: Arc<str> = self.message.as_str().into();
        Refusal { guard, status: self.status.as_u16(), code: self.kind, reason, retry_after: self.retry_after }
    }

    /// The answer. Older errors of the model spell the member `Message`, newer ones `message`.
    pub(crate) fn answer(&self) -> Response<Said> {
        let upper = matches!(self.kind, "ResourceNotFoundException" | "ServiceException" | "InvalidRuntimeException");
        let side = if self.status.is_client_error() { "User" } else { "Service" };
        let mut document = serde_json::Map::new();
        document.insert("Type".to_owned(), side.into());
        document.insert(if upper { "Message" } else { "message" }.to_owned(), self.message.as_str().into());
        if let Some(reason) = self.reason {
            document.insert("Reason".to_owned(), reason.into());
        }
        let mut response = json(self.status, &document.into());
        let headers = response.headers_mut();
        headers.insert(ERROR_TYPE, HeaderValue::from_static(self.kind));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
