//! A request as bytes, and what a strict front makes of them.

use brigandine_inspect::{Inspection, Request, RuleSet, Scratch, Settings};

/// A request taken from the wire, before anything is refused.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) sent: brigandine_inspect::Wire,
    /// Whether a front that follows RFC 9112 answers 400.
    pub(crate) refused: bool,
}

impl Wire {
    /// Takes raw bytes apart. Rules are to see what is malformed too, so this never fails.
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let mut sent = brigandine_inspect::Wire::request(raw);
        let head = raw.split(|byte| *byte == b'\n').skip(1).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let colons = head.take_while(|line| !line.is_empty()).all(|line| line.contains(&b':'));
        let named = sent.headers.iter().all(|(name, _)| name.iter().all(|byte| token(*byte)));
        let plain = !sent.headers.iter().any(|(_, value)| value.iter().any(|byte| b"\r\0".contains(byte)));
        let sized = sent.header("content-length").is_none() || sent.length().is_some();
        let chunked = sent.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
        if !chunked && sent.header("content-length").is_none() {
            // RFC 9112, 6.3: without a length there is no body.
            sent.body.clear();
        }
        let line = well_formed(&sent.first, &sent.second, &sent.third);
        let refused = !(line && colons && named && plain && sized && one_good_host(&sent.headers, &sent.third));
        Self { sent, refused }
    }

    /// An inspection that has seen the request.
    pub(crate) fn start<'r>(&self, rules: &'r RuleSet, settings: &Settings, scratch: Scratch) -> Inspection<'r> {
        let headers = self.sent.header_pairs();
        let request = Request {
            protocol: &self.sent.third,
            headers: &headers,
            body: &self.sent.body,
            id: b"1",
            ..Request::new(&self.sent.first, &self.sent.second)
        };
        let mut inspection = rules.start(settings, scratch);
        inspection.request(&request);
        inspection
    }
}

fn token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn well_formed(method: &[u8], uri: &[u8], protocol: &[u8]) -> bool {
    let version = matches!(protocol.strip_prefix(b"HTTP/"), Some([b'1'..=b'9'] | [b'1'..=b'9', b'.', b'0'..=b'9']));
    let target = match method {
        b"CONNECT" => uri
            .rsplitn(2, |byte| *byte == b':')
            .next()
            .is_some_and(|port| port.len() < uri.len() && !port.is_empty() && port.iter().all(u8::is_ascii_digit)),
        b"OPTIONS" if uri == b"*" => true,
        _ => uri.starts_with(b"/") || uri.windows(3).any(|part| part == b"://"),
    };
    let plain = uri.iter().all(|byte| byte.is_ascii_graphic() && !b"\\#".contains(byte));
    !method.is_empty() && method.iter().all(|byte| token(*byte)) && version && target && plain
}

fn one_good_host(headers: &[(Vec<u8>, Vec<u8>)], protocol: &[u8]) -> bool {
    let hosts: Vec<&Vec<u8>> =
        headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"host")).map(|(_, value)| value).collect();
    let good = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    match hosts.as_slice() {
        [] => protocol == b"HTTP/1.0",
        [host] => !host.is_empty() && host.iter().all(good),
        _ => false,
    }
}
