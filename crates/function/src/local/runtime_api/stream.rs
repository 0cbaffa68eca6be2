//! Results that are handed on as they come: the function is slowed down to the pace of whoever reads.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::mpsc::Sender;

use super::{Said, broken_off, error_document, not_taken, refused, reported, taken};
use crate::local::environment::{Environment, Outcome};

/// Most bytes of one streamed result, as on the platform.
const LIMIT: usize = 200 * 1024 * 1024;
/// Time for the end of a process to be heard of.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// Most bytes handed on at once, so that what waits for a reader is bounded.
const PIECE: usize = 64 * 1024;

/// Hands a result on, and ends the call when it has come to its end. A reader who has gone changes nothing for the function.
pub(super) async fn pass_on(
    environment: &Arc<Environment>,
    id: &str,
    (body, pieces): (Incoming, Sender<Bytes>),
) -> Said {
    let (outcome, answer) = match read(body, &pieces).await {
        Ok(trailers) => {
            let payload = trailers.as_ref().and_then(error_document).unwrap_or_default();
            let error = trailers.as_ref().and_then(broken_off);
            (Outcome { payload, error, content_type: None, streamed: true }, taken())
        }
        Err(fault) => {
            if matches!(fault, Fault::Broken) {
                // The process may have ended: its end says more, and comes within a moment.
                tokio::time::sleep(LAST_WORDS).await;
            }
            (fault.outcome(), fault.answer())
        }
    };
    let ended = environment.end_stream(id, outcome);
    // Only now does the reader learn that nothing more comes: by then it can be told how the call ended.
    drop(pieces);
    ended.map_or_else(not_taken, |()| answer)
}

/// Why a result was not handed on to its end.
#[derive(Clone, Copy)]
enum Fault {
    TooLarge,
    Broken,
}

impl Fault {
    fn outcome(self) -> Outcome {
        let (error_type, message) = match self {
            Self::TooLarge => (
                "Function.ResponseSizeTooLarge",
                format!("Response payload size exceeded maximum allowed payload size ({LIMIT} bytes)."),
            ),
            Self::Broken => ("Runtime.TruncatedResponse", "the response ended before its end".to_owned()),
        };
        let document = serde_json::json!({"errorType": error_type, "errorMessage": message});
        reported(error_type, document.to_string().into())
    }

    fn answer(self) -> Said {
        match self {
            Self::TooLarge => {
                let text = format!("Exceeded maximum allowed payload size ({LIMIT} bytes).");
                refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &text)
            }
            Self::Broken => refused(StatusCode::BAD_REQUEST, "InvalidRequest", "the body is not complete"),
        }
    }
}

async fn read(mut body: Incoming, pieces: &Sender<Bytes>) -> Result<Option<HeaderMap>, Fault> {
    let mut trailers = None;
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| Fault::Broken)?.into_data() {
            Ok(mut data) => {
                total = total.saturating_add(data.len());
                if total > LIMIT {
                    return Err(Fault::TooLarge);
                }
                while !data.is_empty() {
                    let piece = data.split_to(data.len().min(PIECE));
                    if pieces.send(piece).await.is_err() {
                        break;
                    }
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok().or(trailers),
        }
    }
    Ok(trailers)
}
