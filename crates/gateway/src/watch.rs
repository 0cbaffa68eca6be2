//! What is known of a connection, and whether it is still welcome. Time comes in as an argument.
//!
//! hyper's own header timer only runs once it knows which protocol is spoken, and none of its timers sees a slow reader;
//! these do (slow heads, slow readers and idlers are told apart).

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::settings::Timers;

/// Facts about one connection, shared by its stream, its requests and its supervisor.
pub(crate) struct Watch {
    pub(crate) peer: IpAddr,
    facts: Mutex<Facts>,
    /// Told when the connection has to make room.
    pub(crate) evicted: Notify,
}

struct Facts {
    opened: Instant,
    /// Since when nothing is under way.
    quiet_since: Instant,
    /// When the first byte of the head under way came.
    head_since: Option<Instant>,
    /// Requests begun so far.
    begun: u64,
    /// Until when the answers under way have to be taken, by request number. At most as many as streams are allowed.
    under_way: Vec<(u64, Option<Instant>)>,
    /// Until when the stream, which would not take more, has to take it.
    blocked: Option<Instant>,
    ambiguity: Option<&'static str>,
    /// Why the stream itself gave up, when it did.
    fault: Option<Fault>,
    /// Whether it is to leave once nothing is under way.
    leaving: bool,
    timers: Arc<Timers>,
}

/// A fault of the other end: where, and what.
pub(crate) type Fault = (&'static str, &'static str);

/// What the supervisor has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nothing.
    Welcome,
    /// Ask it to leave: it idles, or has been here long enough.
    Leave,
    /// End it.
    End(Fault),
}

impl Watch {
    pub(crate) fn new(peer: IpAddr, timers: Arc<Timers>, now: Instant) -> Arc<Self> {
        let facts = Facts {
            opened: now,
            quiet_since: now,
            head_since: None,
            begun: 0,
            under_way: Vec::new(),
            blocked: None,
            ambiguity: None,
            fault: None,
            leaving: false,
            timers,
        };
        Arc::new(Self { peer, facts: Mutex::new(facts), evicted: Notify::new() })
    }

    fn write<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        change(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// It begins only now: the handshake had a wait of its own.
    pub(crate) fn opened(&self, now: Instant) {
        self.write(|facts| (facts.opened, facts.quiet_since) = (now, now));
    }

    /// The first byte of a head came.
    pub(crate) fn head_begins(&self, now: Instant) {
        self.write(|facts| facts.head_since = facts.head_since.or(Some(now)));
    }

    /// A head is whole; what its bytes say that the parsed head will hide.
    pub(crate) fn head_ends(&self, ambiguity: Option<&'static str>) {
        self.write(|facts| {
            facts.head_since = None;
            facts.ambiguity = ambiguity;
        });
    }

    /// What the bytes of the latest head hide.
    pub(crate) fn ambiguity(&self) -> Option<&'static str> {
        self.write(|facts| facts.ambiguity)
    }

    /// The stream took this many bytes.
    pub(crate) fn wrote(&self, bytes: usize, now: Instant) {
        self.write(|facts| {
            // What was taken fast earns no endless patience afterwards.
            let until = facts.blocked.map(|until| (until + facts.earned(bytes)).min(now + facts.timers.answer));
            facts.blocked = until;
        });
    }

    /// The stream would not take more.
    pub(crate) fn write_blocked(&self, now: Instant) {
        self.write(|facts| facts.blocked = facts.blocked.or(Some(now + facts.timers.grace)));
    }

    /// All that was to be written is written.
    pub(crate) fn flushed(&self) {
        self.write(|facts| facts.blocked = None);
    }

    /// The stream itself gives up.
    pub(crate) fn fail(&self, fault: Fault) {
        self.write(|facts| facts.fault = Some(fault));
    }

    /// Why the stream itself gave up.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.write(|facts| facts.fault)
    }

    /// Whether it never brought a whole request.
    pub(crate) fn unproven(&self) -> bool {
        self.write(|facts| facts.begun == 0)
    }

    /// Whether part of a head or a request is under way.
    pub(crate) fn engaged(&self) -> bool {
        self.write(|facts| facts.head_since.is_some() || !facts.under_way.is_empty())
    }

    /// Since when nothing is under way, where it once brought a request and has not been told to make room yet.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.write(|facts| {
            let idle = facts.begun > 0 && !facts.leaving && facts.head_since.is_none() && facts.under_way.is_empty();
            idle.then_some(facts.quiet_since)
        })
    }

    /// It is to leave after what is under way.
    pub(crate) fn leave(&self) {
        self.write(|facts| facts.leaving = true);
    }

    /// Tells it to make room.
    pub(crate) fn evict(&self) {
        self.leave();
        self.evicted.notify_one();
    }

    /// A request begins.
    pub(crate) fn begin(self: Arc<Self>) -> Busy {
        let number = self.write(|facts| {
            facts.begun += 1;
            facts.under_way.push((facts.begun, None));
            facts.begun
        });
        Busy { watch: self, number }
    }

    /// Judges the connection.
    pub(crate) fn judge(&self, now: Instant) -> Judgement {
        self.write(|facts| facts.judge(now))
    }
}

impl Facts {
    /// The time that this many bytes take at the least rate.
    fn earned(&self, bytes: usize) -> Duration {
        Duration::from_micros((bytes as u64).saturating_mul(1_000_000) / u64::from(self.timers.least_rate.max(1)))
    }

    fn judge(&self, now: Instant) -> Judgement {
        let timers = &self.timers;
        let late = |since: Instant, patience: Duration| now.saturating_duration_since(since) > patience;
        if self.blocked.is_some_and(|until| now > until)
            || self.under_way.iter().any(|(_, until)| until.is_some_and(|until| now > until))
        {
            return Judgement::End(("body", "the answer is read too slowly"));
        }
        if self.under_way.is_empty() {
            if self.head_since.is_some_and(|since| late(since, timers.head)) {
                return Judgement::End(("head", "the request head took too long"));
            }
            if self.begun == 0 && late(self.opened, timers.head) {
                return Judgement::End(("head", "no request came"));
            }
            if late(self.quiet_since, timers.idle) {
                return Judgement::Leave;
            }
        }
        if self.leaving || late(self.opened, timers.connection) { Judgement::Leave } else { Judgement::Welcome }
    }
}

/// A request under way; it is over when this is dropped.
pub(crate) struct Busy {
    watch: Arc<Watch>,
    number: u64,
}

impl Busy {
    /// Its connection is to leave after it.
    pub(crate) fn last(&self) {
        self.watch.leave();
    }

    /// Its answer of this many bytes is ready, and has to be taken at the least rate from `now` on, and not for ever.
    pub(crate) fn answering(&mut self, bytes: usize, now: Instant) {
        self.watch.write(|facts| {
            let until = now + (facts.timers.grace + facts.earned(bytes)).min(facts.timers.answer);
            if let Some(own) = facts.under_way.iter_mut().find(|(number, _)| *number == self.number) {
                own.1 = Some(until);
            }
        });
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.watch.write(|facts| {
            facts.under_way.retain(|(number, _)| *number != self.number);
            facts.quiet_since = Instant::now();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> (Arc<Watch>, Instant) {
        let now = Instant::now();
        (Watch::new(IpAddr::from([127, 0, 0, 1]), Arc::new(Timers::default()), now), now)
    }

    fn after(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    #[test]
    fn a_connection_without_a_request_ends() {
        let (watch, now) = watch();
        assert_eq!(watch.judge(after(now, 10)), Judgement::Welcome);
        assert_eq!(watch.judge(after(now, 11)), Judgement::End(("head", "no request came")));
    }

    #[test]
    fn a_trickled_head_ends_however_often_a_byte_comes() {
        let (watch, now) = watch();
        drop(watch.clone().begin());
        watch.head_begins(after(now, 20));
        watch.head_begins(after(now, 29));
        assert_eq!(watch.judge(after(now, 30)), Judgement::Welcome);
        assert_eq!(watch.judge(after(now, 31)), Judgement::End(("head", "the request head took too long")));
        watch.head_ends(None);
        assert_eq!(watch.judge(after(now, 31)), Judgement::Welcome);
    }

    #[test]
    fn an_idler_is_asked_to_leave_and_a_worker_is_not() {
        let (watch, now) = watch();
        let busy = watch.clone().begin();
        assert_eq!(watch.judge(after(now, 600)), Judgement::Welcome);
        drop(busy);
        assert_eq!(watch.judge(after(now, 62)), Judgement::Leave);
    }

    #[test]
    fn a_slow_reader_ends_and_a_steady_one_does_not() {
        let (watch, now) = watch();
        let _busy = watch.clone().begin();
        watch.write_blocked(now);
        watch.wrote(20 * 1024, now);
        assert_eq!(watch.judge(after(now, 30)), Judgement::Welcome);
        assert_eq!(watch.judge(after(now, 31)), Judgement::End(("body", "the answer is read too slowly")));
        watch.flushed();
        assert_eq!(watch.judge(after(now, 31)), Judgement::Welcome);
    }

    #[test]
    fn no_reader_has_more_than_two_minutes_however_much_there_is_to_read() {
        const SLOW: Judgement = Judgement::End(("body", "the answer is read too slowly"));
        let (watch, now) = watch();
        let mut busy = watch.clone().begin();
        busy.answering(6 * 1024 * 1024, now);
        assert_eq!((watch.judge(after(now, 120)), watch.judge(after(now, 121))), (Judgement::Welcome, SLOW));
        drop(busy);
        let _another = watch.clone().begin();
        watch.write_blocked(now);
        watch.wrote(6 * 1024 * 1024, after(now, 5));
        assert_eq!((watch.judge(after(now, 125)), watch.judge(after(now, 126))), (Judgement::Welcome, SLOW));
        // Who goes on reading is not cut off in the middle of it.
        watch.wrote(100 * 1024, after(now, 125));
        assert_eq!(watch.judge(after(now, 200)), Judgement::Welcome);
    }

    #[test]
    fn an_answer_that_is_not_taken_ends_the_connection() {
        let (watch, now) = watch();
        let mut busy = watch.clone().begin();
        busy.answering(100, now);
        assert_eq!(watch.judge(after(now, 9)), Judgement::Welcome);
        assert!(matches!(watch.judge(after(now, 12)), Judgement::End(("body", _))));
    }
}
