//! Alerts: what people are told.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::Severity;

/// Something people should know now.
#[derive(Clone, Debug, Serialize)]
pub struct Alert {
    /// When it began.
    pub since: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// Alerts with the same key are one story.
    pub key: Arc<str>,
    /// One sentence.
    pub title: String,
    /// What shows it, one line each.
    pub evidence: Vec<String>,
    /// Whether it is over.
    pub resolved: bool,
}
