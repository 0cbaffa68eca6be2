//! The state of one environment: what its process may say next, and who waits for it.
//!
//! Code inside a function can speak to its Runtime API as it likes: twice, for calls it does not own, out of turn. Every
//! move is checked here against the one call in flight.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderValue;
use tokio::{sync::oneshot, time::Instant};

use crate::Reply;

/// A call made ready for a process.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: Arc<str>,
    pub(crate) id_header: HeaderValue,
    pub(crate) payload: Bytes,
    pub(crate) client_context: Option<HeaderValue>,
    /// Whether the caller can take the result as it comes.
    pub(crate) streaming: bool,
}

/// An order with the wall clock by which it must be done, milliseconds since 1970.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) order: Box<Order>,
    pub(crate) deadline_ms: u64,
}

/// Why an environment never came up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The process said so itself: error type and document.
    Reported(Arc<str>, Bytes),
    /// The process ended; how, for people.
    Exited(String),
    /// Initialisation took longer than the function may run.
    TooSlow,
    /// It was killed for the memory it took.
    OutOfMemory,
    /// The program could not be started.
    NotStarted(String),
    /// The shield stopped it.
    Stopped,
}

/// What a process is doing.
#[derive(Debug)]
enum State {
    /// Initialising; whoever started it waits.
    Starting(oneshot::Sender<Result<(), Failure>>),
    /// Waiting for a call.
    Idle(oneshot::Sender<Delivery>),
    /// Running one; the delivery is still here when the process was not there to take it.
    Busy(Box<Running>, Option<Delivery>),
    /// It has answered and not asked for more.
    Returning,
    /// It is gone, or will be in a moment.
    Dead,
}

/// The call in flight.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) id: Arc<str>,
    pub(crate) started: Instant,
    pub(crate) cold: bool,
    /// The call once more, for the case that the process never read it.
    pub(crate) order: Box<Order>,
    pub(crate) end: oneshot::Sender<Told>,
    /// Whether its result is on its way already, piece by piece.
    pub(crate) streaming: bool,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Told {
    Reply(Box<Reply>),
    /// The result comes in pieces from now on; who follows it hears of its end.
    Streaming(Box<Reply>, Following),
    /// The process died without having read it: it can be given to another one.
    Unread(Box<Order>),
}

/// What is needed to see a streamed call to its end.
#[derive(Debug)]
pub(crate) struct Following {
    pub(crate) told: oneshot::Receiver<Told>,
    pub(crate) end: oneshot::Sender<Box<Reply>>,
}

/// What happens to a process that asks for work.
#[derive(Debug)]
pub(crate) enum Asked {
    /// It waits; the environment is free.
    Wait(oneshot::Receiver<Delivery>),
    /// There is work already.
    Given(Delivery),
    /// It may not ask now.
    OutOfTurn,
}

/// Why a response is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untaken {
    /// The id is not that of the call in flight.
    WrongId,
    /// There was an answer already, or there is no call at all.
    OutOfTurn,
}

/// What an environment was doing when it ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It was initialising.
    Starting(oneshot::Sender<Result<(), Failure>>),
    /// It was at a call.
    Busy(Box<Running>),
    /// It had a call that nobody was there to take.
    Untaken(Box<Running>),
    /// Nothing.
    Free,
    /// It had ended before.
    Already,
}

/// A call whose result has begun to come.
#[derive(Debug)]
pub(crate) struct Streamed {
    pub(crate) waiting: oneshot::Sender<Told>,
    pub(crate) told: oneshot::Receiver<Told>,
    pub(crate) cold: bool,
}

/// The state of one environment.
#[derive(Debug)]
pub(crate) struct Slot {
    state: State,
    last: Option<Arc<str>>,
    born: Instant,
    /// Time of initialisation, once known.
    pub(crate) init: Option<Duration>,
    /// Calls given so far.
    pub(crate) calls: u64,
    /// Since when it is free, or at least done with its last call.
    pub(crate) free_since: Instant,
}

impl Slot {
    pub(crate) fn new(started: oneshot::Sender<Result<(), Failure>>) -> Self {
        let now = Instant::now();
        Self { state: State::Starting(started), last: None, born: now, init: None, calls: 0, free_since: now }
    }

    /// The process asks for the next call.
    pub(crate) fn ask(&mut self) -> Asked {
        match std::mem::replace(&mut self.state, State::Dead) {
            State::Starting(started) => {
                self.init = Some(self.born.elapsed());
                // Whoever started it may have given up; the environment is then simply free.
                drop(started.send(Ok(())));
                self.free()
            }
            State::Returning => self.free(),
            // The process lost its connection and asks again.
            State::Idle(waiting) if waiting.is_closed() => self.free(),
            State::Busy(running, Some(delivery)) => {
                self.state = State::Busy(running, None);
                Asked::Given(delivery)
            }
            other @ (State::Idle(_) | State::Busy(_, None)) => {
                self.state = other;
                Asked::OutOfTurn
            }
            State::Dead => Asked::OutOfTurn,
        }
    }

    fn free(&mut self) -> Asked {
        let (sender, receiver) = oneshot::channel();
        self.state = State::Idle(sender);
        self.free_since = Instant::now();
        Asked::Wait(receiver)
    }

    /// Gives a call to a free environment; the delivery comes back when it is not free.
    pub(crate) fn assign(&mut self, delivery: Delivery, cold: bool) -> Result<oneshot::Receiver<Told>, Delivery> {
        let State::Idle(_) = self.state else { return Err(delivery) };
        let (end, receiver) = oneshot::channel();
        let id = delivery.order.id.clone();
        let running = Box::new(Running {
            id: id.clone(),
            started: Instant::now(),
            cold,
            order: delivery.order.clone(),
            end,
            streaming: false,
        });
        self.calls += 1;
        self.last = Some(id);
        if let State::Idle(waiting) = std::mem::replace(&mut self.state, State::Dead) {
            self.state = State::Busy(running, waiting.send(delivery).err());
        }
        Ok(receiver)
    }

    /// Whether an answer to this call would be taken.
    pub(crate) fn expects(&self, id: &str) -> Result<(), Untaken> {
        match &self.state {
            State::Busy(running, None) if *running.id == *id && running.streaming => Err(Untaken::OutOfTurn),
            State::Busy(running, None) if *running.id == *id => Ok(()),
            State::Returning | State::Idle(_) if self.last.as_deref() == Some(id) => Err(Untaken::OutOfTurn),
            _ => Err(Untaken::WrongId),
        }
    }

    /// Takes the call in flight, which has its answer now.
    pub(crate) fn finish(&mut self, id: &str) -> Result<Box<Running>, Untaken> {
        self.expects(id)?;
        self.take()
    }

    /// The call in flight gets its result in pieces from now on. Gives back whoever waited for it, and who is to be told of
    /// its end; nothing where the caller cannot take it so.
    pub(crate) fn begin_stream(&mut self, id: &str) -> Option<Streamed> {
        self.expects(id).ok()?;
        let State::Busy(running, None) = &mut self.state else { return None };
        if !running.order.streaming {
            return None;
        }
        let (end, told) = oneshot::channel();
        running.streaming = true;
        Some(Streamed { waiting: std::mem::replace(&mut running.end, end), told, cold: running.cold })
    }

    /// Takes the call in flight, whose result has come to its end.
    pub(crate) fn end_stream(&mut self, id: &str) -> Result<Box<Running>, Untaken> {
        match &self.state {
            State::Busy(running, None) if running.streaming && *running.id == *id => self.take(),
            _ => Err(Untaken::WrongId),
        }
    }

    fn take(&mut self) -> Result<Box<Running>, Untaken> {
        self.free_since = Instant::now();
        match std::mem::replace(&mut self.state, State::Returning) {
            State::Busy(running, _) => Ok(running),
            other => {
                self.state = other;
                Err(Untaken::OutOfTurn)
            }
        }
    }

    /// Ends the environment.
    pub(crate) fn end(&mut self) -> Ended {
        match std::mem::replace(&mut self.state, State::Dead) {
            State::Starting(started) => Ended::Starting(started),
            State::Busy(running, None) => Ended::Busy(running),
            State::Busy(running, Some(_)) => Ended::Untaken(running),
            State::Idle(_) | State::Returning => Ended::Free,
            State::Dead => Ended::Already,
        }
    }

    /// Ends the environment only if it is free; whether it was.
    pub(crate) fn end_if_free(&mut self) -> bool {
        let free = matches!(self.state, State::Idle(_));
        if free {
            self.state = State::Dead;
        }
        free
    }

    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.state, State::Starting(_))
    }

    pub(crate) fn is_free(&self) -> bool {
        matches!(self.state, State::Idle(_))
    }

    pub(crate) fn is_returning(&self) -> bool {
        matches!(self.state, State::Returning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(id: &str) -> Delivery {
        let (id, id_header) = (id.into(), HeaderValue::from_static("x"));
        let order = Box::new(Order { id, id_header, payload: Bytes::new(), client_context: None, streaming: false });
        Delivery { order, deadline_ms: 0 }
    }

    fn free() -> (Slot, oneshot::Receiver<Delivery>) {
        let (started, _) = oneshot::channel();
        let mut slot = Slot::new(started);
        match slot.ask() {
            Asked::Wait(receiver) => (slot, receiver),
            other => panic!("it should wait: {other:?}"),
        }
    }

    #[tokio::test]
    async fn one_call_in_flight_and_one_answer_to_it() {
        let (mut slot, work) = free();
        let reply = slot.assign(delivery("a"), true).unwrap();
        assert_eq!(&*work.await.unwrap().order.id, "a");
        assert!(slot.assign(delivery("b"), false).is_err());
        assert_eq!(slot.finish("b").unwrap_err(), Untaken::WrongId);
        let running = slot.finish("a").unwrap();
        running.end.send(Told::Reply(Box::new(Reply::of("1")))).unwrap();
        assert!(matches!(reply.await, Ok(Told::Reply(reply)) if reply.payload == "1"));
        assert_eq!(slot.finish("a").unwrap_err(), Untaken::OutOfTurn);
        assert!(matches!(slot.ask(), Asked::Wait(_)));
    }

    #[tokio::test]
    async fn asking_twice_is_out_of_turn_unless_the_first_asker_is_gone() {
        let (mut slot, work) = free();
        assert!(matches!(slot.ask(), Asked::OutOfTurn));
        drop(work);
        let Asked::Wait(work) = slot.ask() else { panic!("the first asker is gone") };
        drop(slot.assign(delivery("a"), false).unwrap());
        drop(work);
        assert!(matches!(slot.ask(), Asked::OutOfTurn), "the call was handed over");
    }

    #[tokio::test]
    async fn a_call_that_nobody_was_there_to_take_waits_for_the_next_asker() {
        let (mut slot, work) = free();
        drop(work);
        let _reply = slot.assign(delivery("a"), false).unwrap();
        assert_eq!(slot.expects("a"), Err(Untaken::WrongId), "it was never delivered");
        assert!(matches!(slot.ask(), Asked::Given(_)));
        assert_eq!(slot.expects("a"), Ok(()));
    }

    #[tokio::test]
    async fn a_call_that_nobody_took_is_told_from_one_that_was_under_way() {
        let (mut slot, work) = free();
        drop(work);
        let _reply = slot.assign(delivery("a"), false).unwrap();
        assert!(matches!(slot.end(), Ended::Untaken(_)));
        let (mut slot, work) = free();
        let _reply = slot.assign(delivery("a"), false).unwrap();
        drop(work);
        assert!(matches!(slot.end(), Ended::Busy(_)));
    }

    #[test]
    fn a_dead_environment_takes_nothing() {
        let (mut slot, _work) = free();
        assert!(matches!(slot.end(), Ended::Free));
        assert!(matches!(slot.end(), Ended::Already));
        assert!(slot.assign(delivery("a"), false).is_err());
        assert!(matches!(slot.ask(), Asked::OutOfTurn));
    }
}
