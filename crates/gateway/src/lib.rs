//! The door: every request to an application's functions comes in here.
//!
//! It holds connections, gives each request one meaning, counts, routes, asks who calls, and hands the request to what
//! stands behind; what it refuses, it says so, and every answer is told as an event. It knows no provider and runs no
//! function. The request path is one chain, in `path`.
//!
//! ```no_run
//! use std::sync::Arc;
//! use brigandine_gateway::{Backend, BackendError, Door, Settings};
//! use brigandine_model::{Admitted, Answer, App, Event, Sink};
//!
//! struct Forget;
//! impl Sink for Forget {
//!     fn emit(&self, _: Event) {}
//! }
//!
//! # async fn run(app: App) -> Result<(), brigandine_gateway::Error> {
//! let backend = Backend::new(tower::service_fn(|admitted: Admitted| async move {
//!     Ok::<_, BackendError>(Answer {
//!         status: http::StatusCode::OK,
//!         headers: http::HeaderMap::new(),
//!         body: admitted.request.body,
//!         rest: None,
//!         invocation: None,
//!     })
//! }));
//! let door = Door::new(Arc::new(app), Settings::default(), backend, Arc::new(Forget))?;
//! let address = door.bind().await?;
//! door.serve(std::future::pending()).await
//! # }
//! ```

mod address;
mod budget;
mod canonical;
mod clock;
mod connection;
mod cors;
mod door;
mod entrance;
mod error;
mod framing;
mod guard;
mod identity;
pub mod jose;
mod observing;
mod path;
mod pattern;
mod plan;
mod rate;
mod record;
mod reply;
mod routing;
mod settings;
mod tls;
mod visit;
mod watch;

pub use clock::{Clock, SystemClock};
pub use door::{Backend, BackendError, Door, RouteLine};
pub use entrance::request_id;
pub use error::Error;
pub use guard::content::rule_matches;
pub use identity::{
    api_key::{ApiKey, DEVELOPMENT_KEY_PREFIX},
    development::DevelopmentIssuer,
};
pub use record::Counters;
pub use settings::{
    Firewall, IssuerSetting, Keeper, KeyScope, KeySource, Limits, Observe, RouteInspection, Settings, Timers, TlsFiles,
};
