//! A small HTTP/1.1 client on one kept-alive connection: enough to knock at a server of our own and to time it.
//!
//! The load generator must cost little beside what it measures, and the developer tool should build in seconds: so no
//! library. It reads what the servers under test send (a length, chunks, or until the end), and nothing else.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Answers longer than this are an error, not a reason to fill memory.
const LONGEST_BODY: usize = 64 << 20;
/// Longest line of a head.
const LONGEST_LINE: u64 = 64 << 10;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A GET without headers of its own.
    pub(crate) fn to(path: &'a str) -> Self {
        Self { method: "GET", path, headers: &[], body: &[] }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// The server keeps the connection open for the next request.
    pub(crate) kept: bool,
}

impl Answer {
    /// 200 to 299.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body for a sentence about it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }
}

/// One connection to one server.
pub(crate) struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
    head: Vec<u8>,
}

impl Connection {
    /// Connects; every read and write afterwards ends within `limit`.
    pub(crate) fn open(address: SocketAddr, limit: Duration) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        Ok(Self { host: address.to_string(), stream: BufReader::new(stream), head: Vec::new() })
    }

    /// One request and its answer.
    pub(crate) fn send(&mut self, request: &Request<'_>) -> Result<Answer> {
        self.head.clear();
        write!(self.head, "{} {} HTTP/1.1\r\nhost: {}\r\n", request.method, request.path, self.host)?;
        for (name, value) in request.headers {
            write!(self.head, "{name}: {value}\r\n")?;
        }
        if !request.body.is_empty() || request.method == "POST" {
            write!(self.head, "content-length: {}\r\n", request.body.len())?;
        }
        self.head.extend_from_slice(b"\r\n");
        self.head.extend_from_slice(request.body);
        self.stream.get_mut().write_all(&self.head)?;
        answer(&mut self.stream, request.method == "HEAD")
    }
}

/// One request on a connection of its own.
pub(crate) fn once(address: SocketAddr, request: &Request<'_>) -> Result<Answer> {
    Connection::open(address, Duration::from_secs(30))?.send(request)
}

enum Length {
    Exactly(usize),
    Chunks,
    UntilClosed,
}

fn answer(stream: &mut impl BufRead, is_head: bool) -> Result<Answer> {
    loop {
        let status = status(&line(stream)?)?;
        let (mut length, mut kept) = (Length::UntilClosed, true);
        loop {
            let header = line(stream)?;
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').ok_or_else(|| invalid("header without a colon"))?;
            match (name.to_ascii_lowercase().as_str(), value.trim().to_ascii_lowercase().as_str()) {
                ("content-length", value) => length = Length::Exactly(number(value, 10)?),
                ("transfer-encoding", "chunked") => length = Length::Chunks,
                ("connection", "close") => kept = false,
                _ => {}
            }
        }
        // An interim answer has no body and a final one follows.
        if (100..200).contains(&status) {
            continue;
        }
        if is_head || status == 204 || status == 304 {
            length = Length::Exactly(0);
        }
        let kept = kept && !matches!(length, Length::UntilClosed);
        return Ok(Answer { status, body: body(stream, &length)?, kept });
    }
}

fn status(line: &str) -> Result<u16> {
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some(version), Some(code)) if version.starts_with("HTTP/1.") => {
            code.parse().map_err(|_| invalid("status that is no number"))
        }
        _ => Err(invalid("answer that is not HTTP/1")),
    }
}

fn body(stream: &mut impl BufRead, length: &Length) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    match length {
        Length::Exactly(count) => part(stream, *count, &mut body)?,
        Length::UntilClosed => {
            stream.take(LONGEST_BODY as u64).read_to_end(&mut body)?;
        }
        Length::Chunks => loop {
            let head = line(stream)?;
            let count = number(head.split(';').next().unwrap_or_default().trim(), 16)?;
            part(stream, count, &mut body)?;
            let after = line(stream)?;
            if count == 0 && after.is_empty() {
                break;
            }
        },
    }
    Ok(body)
}

fn part(stream: &mut impl BufRead, count: usize, into: &mut Vec<u8>) -> Result<()> {
    if into.len().saturating_add(count) > LONGEST_BODY {
        return Err(invalid("answer too long"));
    }
    let read = stream.take(count as u64).read_to_end(into)?;
    if read == count { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut bytes = Vec::new();
    let read = stream.take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let text = String::from_utf8(bytes).map_err(|_| invalid("head that is not text"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn number(text: &str, radix: u32) -> Result<usize> {
    usize::from_str_radix(text, radix).map_err(|_| invalid("length that is no number"))
}

fn invalid(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Answer> {
        answer(&mut text.as_bytes(), false)
    }

    #[test]
    fn a_length_bounds_the_body() {
        let answer = parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1").unwrap();
        assert_eq!((answer.status, answer.text().as_str(), answer.kept), (200, "ok", true));
    }

    #[test]
    fn chunks_are_joined() {
        let answer =
            parse("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n").unwrap();
        assert_eq!(answer.text(), "abcde");
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let answer = parse("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").unwrap();
        assert_eq!(answer.status, 204);
    }

    #[test]
    fn a_body_until_the_end_does_not_keep_the_connection() {
        let answer = parse("HTTP/1.0 502 Bad Gateway\r\n\r\nsorry").unwrap();
        assert_eq!((answer.text().as_str(), answer.kept), ("sorry", false));
    }

    #[test]
    fn what_breaks_off_is_an_error() {
        assert!(parse("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc").is_err());
        assert!(parse("").is_err());
        assert!(parse("SSH-2.0-x\r\n\r\n").is_err());
    }
}
