//! What stands behind the door: it runs functions.
//!
//! [`Invoke`] is the seam: a [`Call`] in, a [`Reply`] out. [`Local`] runs functions here, as processes that speak the
//! Lambda Runtime API, several environments per function. [`payload`] turns admitted requests into events and what
//! functions return into answers. The room starts processes and reads code folders; it routes nothing, knows no client
//! and judges no request.
//!
//! ```
//! use brigandine_function::{Reply, payload};
//! use brigandine_model::{ApiStyle, Payload};
//!
//! let form = payload::Form { style: ApiStyle::Http, payload: Payload::V2, binary: &[], accept: None };
//! let answer = payload::answer(&form, &Reply::of(r#"{"statusCode":201,"body":"made"}"#));
//! assert_eq!(answer.status.as_u16(), 201);
//! ```

mod catalogue;
pub mod egress;
mod endpoint;
mod error;
mod invoke;
mod local;
pub mod payload;
mod plan;
mod secrets;

pub use catalogue::Catalogue;
pub use endpoint::{Endpoint, EndpointSettings, QueueSettings};
pub use error::Error;
pub use invoke::{Call, ErrorKind, FunctionError, Invoke, InvokeError, Invoking, PAYLOAD_LIMIT, Reply, Stream};
pub use local::{Local, LocalSettings};
pub use plan::{
    notice::{Notice, NoticeKind},
    secret::{Plaintext, Secrets},
    variables::{AwsAccess, Overrides},
};
pub use secrets::{Kept, SECRETS_PORT, SecretKind, SecretStore, SecretsServer, Wanted, Withheld};
