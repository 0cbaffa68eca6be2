//! Event sources: what starts a function.

use std::sync::Arc;

use serde::Serialize;

use crate::{Fact, LogicalId, Provenance};

/// How the caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// The caller waits for the answer and sees errors itself.
    Sync,
    /// The platform queues the event, retries, and drops it after that.
    Async,
    /// The platform reads batches from the source on the function's behalf.
    Poll,
    /// Nobody has said: a service whose way of calling is not known.
    Unknown,
}

/// What kind of thing starts a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// A route of an API.
    Api,
    /// The function's own address.
    Url,
    /// Messages of a queue.
    Queue,
    /// Messages of a topic.
    Topic,
    /// Changes in a bucket.
    Bucket,
    /// Events of a bus that match a pattern.
    Bus,
    /// A clock.
    Schedule,
    /// Records of a stream.
    Stream,
    /// Changes in a table.
    TableStream,
    /// Lines of a log group.
    Logs,
    /// A sign-in or sign-up step.
    Identity,
    /// A step of a workflow.
    Workflow,
    /// A message broker of the user's own.
    Broker,
    /// Something else; its name for people.
    Other(Arc<str>),
}

/// One thing that starts one function.
#[derive(Clone, Debug, Serialize)]
pub struct EventSource {
    /// The function.
    pub function: LogicalId,
    /// What starts it.
    pub kind: SourceKind,
    /// How the caller waits.
    pub delivery: Delivery,
    /// The thing itself: a queue, a bucket, a schedule expression.
    pub source: Option<Fact<String>>,
    /// Where failed events of this source go, where the source itself says so (not the function).
    pub failure_target: Option<Fact<String>>,
    /// Whether single failed records of a batch can be reported.
    pub partial_batches: Option<Fact<bool>>,
    /// Most records in one batch.
    pub batch_size: Option<Fact<u32>>,
    /// Where it is declared.
    pub provenance: Provenance,
}
