//! Tells what is unusual: a pure room from Events, counts and measurements to alerts.
//!
//! Three things can be asked of it. [`Watch`] follows the stream of Events while an application is served and says within
//! seconds whether what happens is a *surge* of customers, an *attack*, or both. [`Counts`] judges one number a minute, such
//! as the runs of one function. [`Series`] scores any measurement with time stamps.
//!
//! Everything here takes time as an argument and has a bound on its memory: whoever is watched chooses addresses, routes
//! and rates.
//!
//! ```
//! use brigandine_detect::Counts;
//!
//! let mut counts = Counts::default();
//! for minute in 0..240 {
//!     assert!(!counts.judge(4 + minute % 3).unusual());
//! }
//! assert!(counts.judge(50).unusual());
//! ```

mod actors;
mod counts;
mod histogram;
mod ratio;
mod series;
mod tail;
mod watch;

pub use counts::{Counts, Judged};
pub use series::{DETECTION, Series};
pub use watch::{Said, Suspect, Watch};
