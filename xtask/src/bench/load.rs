//! A load of many clients on loopback, each on one kept-alive connection, bounded in count and in time.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::http::{Connection, Request};

/// A client that never sees an answer gives up after this many failures in a row.
const PATIENCE: usize = 20;
/// No client sends more than this, however fast the server.
const MOST: usize = 500_000;
/// No single answer takes longer.
const LIMIT: Duration = Duration::from_secs(10);

/// What every client sends, again and again: each message once before any is repeated.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'a str,
    pub(crate) messages: &'a [Message],
    /// The server cannot take two requests at once: the clients wait for each other.
    pub(crate) one_at_a_time: bool,
    pub(crate) clients: usize,
    pub(crate) time: Duration,
}

/// One request body, and what its answer must contain to be an answer to it.
pub(crate) struct Message {
    pub(crate) body: Vec<u8>,
    pub(crate) mark: String,
    /// Whom a load balancer would name as the client: no single one comes near the limit of one client.
    pub(crate) client: String,
}

/// What one run of the load came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) answers_per_second: f64,
    pub(crate) p50_microseconds: u64,
    pub(crate) p99_microseconds: u64,
    pub(crate) answers: usize,
    pub(crate) failures: usize,
}

impl Load<'_> {
    /// Runs the load to its end.
    pub(crate) fn run(&self) -> Figures {
        let turn = Mutex::new(());
        let start = Instant::now();
        let clients: Vec<Client> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..self.clients)
                .map(|place| {
                    scope.spawn({
                        let turn = &turn;
                        move || self.client(place, turn, start)
                    })
                })
                .collect();
            running.into_iter().filter_map(|client| client.join().ok()).collect()
        });
        let took = start.elapsed().as_secs_f64();
        let mut latencies: Vec<u64> = clients.iter().flat_map(|client| client.latencies.iter().copied()).collect();
        latencies.sort_unstable();
        let rank = |per_cent: usize| {
            latencies.get((latencies.len() * per_cent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
        };
        #[expect(clippy::cast_precision_loss, reason = "a count of answers is far below 2^52")]
        let answers_per_second = latencies.len() as f64 / took;
        Figures {
            answers_per_second,
            p50_microseconds: rank(50),
            p99_microseconds: rank(99),
            answers: latencies.len(),
            failures: clients.iter().map(|client| client.failures).sum(),
        }
    }

    fn client(&self, place: usize, turn: &Mutex<()>, start: Instant) -> Client {
        let mut client = Client::default();
        // Clients begin at different messages, so that no two send the same one at the same time.
        let first = place * self.messages.len() / self.clients.max(1);
        let messages = self.messages.iter().cycle().skip(first).take(MOST);
        for message in messages {
            if start.elapsed() >= self.time || client.failures_in_a_row >= PATIENCE {
                break;
            }
            // Waiting for the turn is part of what a client waits for its answer.
            let begun = Instant::now();
            let held = self.one_at_a_time.then(|| turn.lock().unwrap_or_else(PoisonError::into_inner));
            client.send(self, message, begun);
            drop(held);
        }
        client
    }
}

#[derive(Default)]
struct Client {
    connection: Option<Connection>,
    latencies: Vec<u64>,
    failures: usize,
    failures_in_a_row: usize,
}

impl Client {
    fn send(&mut self, load: &Load<'_>, message: &Message, begun: Instant) {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", message.client.as_str())];
        let request = Request { method: "POST", path: load.path, headers: &headers, body: &message.body };
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(load.address, LIMIT),
        };
        let answered = connection.and_then(|mut connection| Ok((connection.send(&request)?, connection)));
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        match answered {
            Ok((answer, connection)) => {
                self.connection = answer.kept.then_some(connection);
                if answer.is_success() && String::from_utf8_lossy(&answer.body).contains(&message.mark) {
                    self.latencies.push(took);
                    self.failures_in_a_row = 0;
                } else {
                    self.failed();
                }
            }
            Err(_) => self.failed(),
        }
    }

    fn failed(&mut self) {
        self.failures += 1;
        self.failures_in_a_row += 1;
    }
}

/// Messages of many lengths, different in every round: `wrap` makes the request body from the text and its mark.
pub(crate) fn messages(count: usize, round: u64, wrap: impl Fn(&str) -> Vec<u8>) -> Vec<Message> {
    let mut chance = Chance::seeded(round);
    (0..count)
        .map(|place| {
            let mark = format!("m{round}x{place}x{:08x}", chance.next() >> 32);
            // Most bodies of an API are short and a few are long: 16 bytes to 8 KiB, each power of two as likely.
            let length = 16usize << (chance.next() % 10);
            let text: String = std::iter::repeat_with(|| chance.letter()).take(length).collect();
            let client = format!("10.{}.{}.{}", round % 256, place / 256 % 256, place % 256);
            Message { body: wrap(&format!("{{\"mark\":\"{mark}\",\"text\":\"{text}\"}}")), mark, client }
        })
        .collect()
}

/// A xorshift generator: the same messages in the same round on every machine.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// One of so many, counted from 0.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap_or_default() % count.max(1)
    }

    fn letter(&mut self) -> char {
        char::from(b'a' + u8::try_from(self.next() % 26).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn messages_differ_within_and_between_rounds() {
        let bodies =
            |round| messages(50, round, |text| text.as_bytes().to_vec()).into_iter().map(|message| message.body);
        let all: std::collections::BTreeSet<Vec<u8>> = bodies(1).chain(bodies(2)).collect();
        assert_eq!(all.len(), 100);
        assert!(all.iter().map(Vec::len).max() > all.iter().map(Vec::len).min().map(|least| least * 100));
    }

    /// A server that echoes bodies; of each connection's answers every third is a wrong one.
    fn echo(listener: &TcpListener) {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            std::thread::spawn(move || {
                for place in 1.. {
                    let mut length = 0;
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line).unwrap_or(0) == 0 {
                            return;
                        }
                        if let Some(value) = line.strip_prefix("content-length: ") {
                            length = value.trim().parse().unwrap();
                        }
                        if line == "\r\n" {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).unwrap();
                    if place % 3 == 0 {
                        body.fill(b'x');
                    }
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                    stream.get_mut().write_all(&[head.as_bytes(), &body].concat()).unwrap();
                }
            });
        }
    }

    #[test]
    fn an_answer_to_something_else_is_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || echo(&listener));
        let messages = messages(10, 1, |text| text.as_bytes().to_vec());
        let time = Duration::from_millis(100);
        let load = Load { address, path: "/", messages: &messages, one_at_a_time: false, clients: 2, time };
        let figures = load.run();
        assert!(figures.answers > 0 && figures.failures > 0, "{figures:?}");
        assert!(figures.answers.abs_diff(2 * figures.failures) <= 6, "{figures:?}");
    }
}
