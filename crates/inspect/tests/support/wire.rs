//! A request as bytes, and what a strict front makes of them.

/// A request taken from the wire, before anything is refused.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) method: Vec<u8>,
    pub(crate) uri: Vec<u8>,
    pub(crate) protocol: Vec<u8>,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// Whether a front that follows RFC 9112 answers 400.
    pub(crate) refused: bool,
}

impl Wire {
    /// Takes raw bytes apart. Rules are to see what is malformed too, so this never fails.
    pub(crate) fn parse(raw: &[u8]) -> Self {
        let (line, mut rest) = line(raw);
        let (method, uri, protocol) = request_line(line);
        let mut wire = Self { refused: !well_formed(method, uri, protocol), ..Self::default() };
        (wire.method, wire.uri, wire.protocol) = (method.to_vec(), uri.to_vec(), protocol.to_vec());
        loop {
            let (header, after) = self::line(rest);
            rest = after;
            if header.is_empty() {
                break;
            }
            let colon = header.iter().position(|byte| *byte == b':');
            let (name, value) = match colon {
                Some(colon) => (&header[..colon], header[colon + 1..].trim_ascii()),
                None => (header, b"".as_slice()),
            };
            wire.refused |= colon.is_none() || !name.iter().all(|byte| token(*byte));
            wire.headers.push((name.to_vec(), value.to_vec()));
        }
        wire.refused |= !one_good_host(&wire.headers, protocol);
        wire.refused |= wire.headers.iter().any(|(_, value)| value.iter().any(|byte| b"\r\0".contains(byte)));
        wire.body = if wire.chunked() {
            // RFC 9112, 6.3: the coding wins, and the length is removed before anyone else sees it.
            wire.headers.retain(|(name, _)| !name.eq_ignore_ascii_case(b"content-length"));
            unchunk(rest)
        } else {
            wire.sized(rest)
        };
        wire
    }

    pub(crate) fn header(&self, wanted: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        found.map(|(_, value)| value.as_slice())
    }

    /// Without a length there is no body; a length that is no number is refused, and rules see all there is.
    fn sized(&mut self, rest: &[u8]) -> Vec<u8> {
        let Some(length) = self.header("content-length") else { return Vec::new() };
        let length = std::str::from_utf8(length).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(length) = length.and_then(|length| length.parse().ok()) else {
            self.refused = true;
            return rest.to_vec();
        };
        rest.get(..length).unwrap_or(rest).to_vec()
    }

    fn chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"))
    }
}

fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]), &bytes[end + 1..]),
        None => (bytes, b""),
    }
}

/// Method to the first blank, protocol from the last one, if it looks like one.
fn request_line(line: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let start = line.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let first = line[start..].iter().position(|byte| *byte == b' ').map_or(line.len(), |at| start + at);
    let last = line.iter().rposition(|byte| *byte == b' ').filter(|last| *last > first);
    let method = &line[..first];
    let rest = line.get(first + 1..).unwrap_or_default();
    if let Some(last) = last {
        return (method, &line[first + 1..last], &line[last + 1..]);
    }
    // RFC 1945: a request line without a version is one of HTTP/0.9.
    (method, rest, b"HTTP/0.9")
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

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let (size, after) = line(rest);
        let digits: Vec<u8> = size.iter().copied().take_while(u8::is_ascii_hexdigit).collect();
        let size = usize::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(0);
        if size == 0 || after.len() < size {
            return body;
        }
        body.extend_from_slice(&after[..size]);
        rest = line(&after[size..]).1;
    }
}
