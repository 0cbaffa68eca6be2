//! A recorded request or answer, from its raw bytes: what rules see, malformed or not.

/// The parts of a message in HTTP/1.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Of a request: the method. Of an answer: the protocol.
    pub first: Vec<u8>,
    /// Of a request: the target as sent. Of an answer: the status.
    pub second: Vec<u8>,
    /// Of a request: the protocol, `HTTP/0.9` where none is named. Of an answer: the reason.
    pub third: Vec<u8>,
    /// Headers in their order, values without blanks round them.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, after the transfer coding was removed.
    pub body: Vec<u8>,
}

impl Wire {
    /// Takes a request apart. Rules are to see what is malformed too, so this never fails.
    pub fn request(raw: &[u8]) -> Self {
        let (line, rest) = line(raw);
        let (first, second, third) = request_line(line);
        Self::with_rest(first, second, third, rest)
    }

    /// Takes an answer apart.
    pub fn response(raw: &[u8]) -> Self {
        let (line, rest) = line(raw);
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let mut word = || words.next().unwrap_or_default();
        let (first, second, third) = (word(), word(), word());
        Self::with_rest(first, second, third, rest)
    }

    /// The headers as [`crate::Request`] takes them.
    pub fn header_pairs(&self) -> Vec<(&[u8], &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect()
    }

    /// The first value of a header.
    pub fn header(&self, wanted: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        found.map(|(_, value)| value.as_slice())
    }

    /// The length of the body as the headers have it, `None` where there is none and where it is no number (a sign is none).
    pub fn length(&self) -> Option<usize> {
        let digits = self.header("content-length").filter(|length| length.iter().all(u8::is_ascii_digit))?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    fn with_rest(first: &[u8], second: &[u8], third: &[u8], mut rest: &[u8]) -> Self {
        let mut wire =
            Self { first: first.to_vec(), second: second.to_vec(), third: third.to_vec(), ..Self::default() };
        loop {
            let (header, after) = line(rest);
            rest = after;
            if header.is_empty() {
                break;
            }
            let mut parts = header.splitn(2, |byte| *byte == b':');
            let name = parts.next().unwrap_or_default();
            wire.headers.push((name.to_vec(), parts.next().unwrap_or_default().trim_ascii().to_vec()));
        }
        let chunked = wire.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
        if chunked {
            // RFC 9112, 6.3: the coding wins, and the length is removed before anyone else sees it.
            wire.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(b"content-length"));
            wire.body = unchunked(rest);
        } else {
            // What was recorded without a length, or with one that is no number, is looked at whole.
            wire.body = wire.length().and_then(|length| rest.get(..length)).unwrap_or(rest).to_vec();
        }
        wire
    }
}

/// One line without its end, and what follows.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let first = parts.next().unwrap_or_default();
    (first.strip_suffix(b"\r").unwrap_or(first), parts.next().unwrap_or_default())
}

/// Method up to the first blank, protocol from the last one on.
fn request_line(line: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let blanks = line.len() - line.trim_ascii_start().len();
    let (lead, words) = line.split_at_checked(blanks).unwrap_or((b"", line));
    let Some(first) = words.iter().position(|byte| *byte == b' ') else { return (line, b"", b"HTTP/0.9") };
    let (method, rest) = line.split_at_checked(lead.len() + first).unwrap_or((line, b""));
    let rest = rest.get(1..).unwrap_or_default();
    match rest.iter().rposition(|byte| *byte == b' ') {
        Some(last) => (method, rest.get(..last).unwrap_or_default(), rest.get(last + 1..).unwrap_or_default()),
        // RFC 1945: a request line without a version is one of HTTP/0.9.
        None => (method, rest, b"HTTP/0.9"),
    }
}

/// A chunked body as far as it is whole.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let (size, after) = line(rest);
        let digits: String =
            size.iter().map(|byte| char::from(*byte)).take_while(char::is_ascii_hexdigit).take(15).collect();
        let size = usize::from_str_radix(&digits, 16).unwrap_or(0);
        let Some((chunk, next)) = after.split_at_checked(size).filter(|_| size > 0) else { return body };
        body.extend_from_slice(chunk);
        rest = line(next).1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_apart() {
        let wire = Wire::request(b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nd=ef");
        assert_eq!((&*wire.first, &*wire.second, &*wire.third), (&b"POST"[..], &b"/a?b=c"[..], &b"HTTP/1.1"[..]));
        assert_eq!((wire.header("host"), &*wire.body), (Some(&b"x"[..]), &b"d=e"[..]));
    }

    #[test]
    fn chunks_are_put_together() {
        let wire =
            Wire::request(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n");
        assert_eq!(wire.body, b"abcde");
    }

    #[test]
    fn malformed_bytes_are_taken_as_they_are() {
        for raw in [&b""[..], b"\r\n", b"GET", b" GET / x y", b"GET /a b HTTP/1.1\nno colon\n\n\x00", b"\xff\xff 1\r\n"]
        {
            let wire = Wire::request(raw);
            assert!(wire.body.len() <= raw.len());
        }
        assert_eq!(Wire::request(b"GET /a b HTTP/1.1\n\n").second, b"/a b");
        assert_eq!(Wire::request(b"POST / HTTP/1.1\nContent-Length: +1\n\nabc").body, b"abc");
        assert_eq!(Wire::request(b"GET /old").third, b"HTTP/0.9");
    }

    #[test]
    fn an_answer_is_taken_apart() {
        let wire = Wire::response(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<p>");
        assert_eq!((&*wire.second, &*wire.body), (&b"404"[..], &b"<p>"[..]));
    }
}
