//! Invocation events: what reaches a function without a request is looked at as well.
//!
//! Every text in an event is looked at as the function may see it: as it stands, and as it reads once the wrappings that
//! event sources use are taken off. Object keys are percent-encoded (functions decode them, some twice), queues carry JSON
//! in texts and topics in queues, streams carry base64 and compressed text, message headers are lists of bytes.

mod leaves;
mod wrapping;

use crate::{Action, Request, RuleSet, Scratch, Settings, Verdict};
use leaves::{Leaf, Leaves};

/// Texts that are looked at together, and their bytes: the work of a rule set for one request is shared by many of them, and
/// what it can take in one request is far from reached.
const TOGETHER: usize = 200;
const TOGETHER_BYTES: usize = 64 * 1024;
/// Units of work that each text adds to what an event may cost: half as much again as one of an honest batch takes. A full batch
/// of a stream has more than a hundred thousand texts; refused for its size, it would come again and again.
const WORK_OF_A_TEXT: u64 = 3_500;

impl RuleSet {
    /// Inspects an invocation event, JSON text. What is not JSON is looked at as plain text. Variables are named as those of a
    /// JSON body, by the path of the text: `ARGS:json.Records.array_0.s3.object.key`. Scores add up among texts that stand near
    /// each other, not over the whole of a large batch. A short text that stands at the same place of several records is looked at
    /// once. The budget of the settings is that of the event, and grows with its texts.
    pub fn inspect_event(&self, event: &[u8], settings: &Settings) -> Verdict {
        let mut looking = Looking::at(self, settings);
        let complete = Leaves::new(&mut |leaf| looking.take(leaf)).event(event);
        looking.finish(complete)
    }
}

/// An event that is being looked at, some of its texts at a time.
struct Looking<'r> {
    rules: &'r RuleSet,
    settings: Settings,
    scratch: Option<Scratch>,
    /// The texts that wait, as the members of a JSON object.
    body: Vec<u8>,
    waiting: usize,
    verdict: Option<Verdict>,
}

impl<'r> Looking<'r> {
    fn at(rules: &'r RuleSet, settings: &Settings) -> Self {
        Self { rules, settings: *settings, scratch: None, body: Vec::new(), waiting: 0, verdict: None }
    }

    /// Takes one text; `false` once it is clear that the event is refused.
    fn take(&mut self, leaf: &Leaf<'_>) -> bool {
        if self.waiting > 0 {
            self.body.push(b',');
        }
        quote(leaf.path, &mut self.body);
        self.body.push(b':');
        quote(leaf.text, &mut self.body);
        self.waiting += 1;
        if self.waiting >= TOGETHER || self.body.len() >= TOGETHER_BYTES {
            self.look();
        }
        !(self.settings.stop_early && self.verdict.as_ref().is_some_and(|verdict| verdict.action == Action::Block))
    }

    /// Looks at the texts that wait.
    fn look(&mut self) {
        let mut body = vec![b'{'];
        body.append(&mut self.body);
        body.push(b'}');
        self.settings.budget = self.settings.budget.saturating_add(WORK_OF_A_TEXT * self.waiting as u64);
        self.waiting = 0;
        let length = body.len().to_string();
        let headers: [(&[u8], &[u8]); 5] = [
            (b"Host", b"event"),
            (b"User-Agent", b"event"),
            (b"Accept", b"*/*"),
            (b"Content-Type", b"application/json"),
            (b"Content-Length", length.as_bytes()),
        ];
        let mut inspection = self.rules.start(&self.settings, self.scratch.take().unwrap_or_default());
        inspection.request(&Request { headers: &headers, body: &body, ..Request::new(b"POST", b"/") });
        let (verdict, scratch) = inspection.finish();
        self.scratch = Some(scratch);
        self.settings.budget = self.settings.budget.saturating_sub(verdict.work);
        match &mut self.verdict {
            Some(before) => add(before, verdict),
            None => self.verdict = Some(verdict),
        }
    }

    fn finish(mut self, complete: bool) -> Verdict {
        if self.waiting > 0 || self.verdict.is_none() {
            self.look();
        }
        if !complete {
            // What could not be looked at to its end is judged as what nothing is left for.
            self.settings.budget = 0;
            self.look();
        }
        self.verdict.unwrap_or_else(Verdict::unlooked)
    }
}

/// The verdict on two parts of an event: the worse of both.
fn add(before: &mut Verdict, mut then: Verdict) {
    if before.action == Action::Allow && then.action == Action::Block {
        (before.action, before.status, before.redirect) = (then.action, then.status, then.redirect.take());
    }
    before.score = before.score.max(then.score);
    before.work = before.work.saturating_add(then.work);
    before.budget_exceeded |= then.budget_exceeded;
    before.matches.append(&mut then.matches);
}

/// Bytes as a JSON text; those beyond ASCII stay as they are, whether they are UTF-8 or not.
fn quote(bytes: &[u8], into: &mut Vec<u8>) {
    into.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => into.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => into.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => into.push(byte),
        }
    }
    into.push(b'"');
}

#[cfg(test)]
mod tests;
