//! A request as raw bytes, with the values of credentials taken out.
//!
//! Hidden are the values of headers, cookies, query and form fields and JSON members whose names speak of credentials. Other kinds
//! of bodies stay as they are.

use std::ops::Range;

use brigandine_model::Request;

/// Names, or parts of them, whose values are credentials.
const SECRET: [&str; 11] = [
    "authorization",
    "password",
    "passwd",
    "secret",
    "token",
    "api-key",
    "apikey",
    "api_key",
    "signature",
    "credential",
    "session",
];
/// What stands in the place of a value.
const HIDDEN: &str = "(hidden)";
/// Hidden values that are named.
const NAMED: usize = 50;

/// Whether credentials are kept or hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Their values are replaced.
    Hide,
    /// They are kept.
    Keep,
}

/// A request in the form of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) bytes: Vec<u8>,
    /// What was hidden: `header authorization`, `cookie sid`.
    pub(crate) hidden: Vec<String>,
}

/// The request as it was judged, byte for byte but for credentials.
pub(crate) fn raw(request: &Request, credentials: Credentials) -> Raw {
    let mut hiding = Hiding { on: credentials == Credentials::Hide, hidden: Vec::new() };
    let kind = request.headers.get("content-type").map(http::HeaderValue::as_bytes).unwrap_or_default();
    let body = hiding.body(&request.body, kind);
    let mut bytes = format!("{} {}", request.method, request.path).into_bytes();
    if !request.query.is_empty() {
        bytes.push(b'?');
        bytes.extend_from_slice(&hiding.fields(request.query.as_bytes(), b'&', "query"));
    }
    let version = if request.version == http::Version::HTTP_2 { "HTTP/2.0" } else { "HTTP/1.1" };
    bytes.extend_from_slice(format!(" {version}\r\n").as_bytes());
    for (name, value) in &request.headers {
        if name == "content-length" {
            continue;
        }
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(&hiding.header(name.as_str(), value.as_bytes()));
        bytes.extend_from_slice(b"\r\n");
    }
    if !body.is_empty() {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    Raw { bytes, hidden: hiding.hidden }
}

struct Hiding {
    on: bool,
    hidden: Vec<String>,
}

impl Hiding {
    fn note(&mut self, place: &str, name: &[u8]) {
        let name: String = String::from_utf8_lossy(name).chars().take(64).collect();
        let told = format!("{place} {name}");
        if self.hidden.len() < NAMED && !self.hidden.contains(&told) {
            self.hidden.push(told);
        }
    }

    fn header(&mut self, name: &str, value: &[u8]) -> Vec<u8> {
        if self.on && name == "cookie" {
            return self.cookies(value);
        }
        if self.on && is_secret(name.as_bytes()) {
            self.note("header", name.as_bytes());
            return HIDDEN.into();
        }
        value.to_vec()
    }

    /// All cookies: which of them is a session's nobody can tell.
    fn cookies(&mut self, value: &[u8]) -> Vec<u8> {
        let pairs: Vec<Vec<u8>> = value
            .split(|byte| *byte == b';')
            .map(|pair| {
                let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
                if name.len() == pair.len() {
                    return pair.to_vec();
                }
                self.note("cookie", name.trim_ascii());
                [name, b"=", HIDDEN.as_bytes()].concat()
            })
            .collect();
        pairs.join(&b';')
    }

    /// `name=value` pairs.
    fn fields(&mut self, text: &[u8], between: u8, place: &str) -> Vec<u8> {
        if !self.on {
            return text.to_vec();
        }
        let pairs: Vec<Vec<u8>> = text
            .split(|byte| *byte == between)
            .map(|pair| {
                let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
                if name.len() == pair.len() || !is_secret(name) {
                    return pair.to_vec();
                }
                self.note(place, name);
                [name, b"=", HIDDEN.as_bytes()].concat()
            })
            .collect();
        pairs.join(&between)
    }

    fn body(&mut self, body: &[u8], kind: &[u8]) -> Vec<u8> {
        if !self.on || body.is_empty() {
            return body.to_vec();
        }
        let kind = kind.to_ascii_lowercase();
        let looks_like_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
        if looks_like_json {
            return self.json(body);
        }
        if kind.starts_with(b"multipart/") { body.to_vec() } else { self.fields(body, b'&', "body") }
    }

    /// JSON, whole or broken: scalars below a member whose name speaks of credentials.
    fn json(&mut self, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(body.len());
        let mut scan = Json { body, at: 0 };
        // The depth at which hiding began, and the last text, which is a name once a colon follows.
        let (mut depth, mut from, mut name) = (0_usize, None::<usize>, 0..0);
        let mut due = false;
        while let Some((token, range)) = scan.next() {
            let text = body.get(range.clone()).unwrap_or_default();
            let hides = from.is_some() || due;
            match token {
                Token::Open => {
                    depth += 1;
                    if due && from.is_none() {
                        from = Some(depth);
                    }
                    due = false;
                }
                Token::Close => {
                    if from == Some(depth) {
                        from = None;
                    }
                    depth = depth.saturating_sub(1);
                }
                Token::Colon => {
                    due = is_secret(body.get(name.clone()).unwrap_or_default());
                }
                Token::Text | Token::Word if hides && !scan.is_name() => {
                    self.note("body", body.get(name.clone()).unwrap_or_default().trim_ascii());
                    out.extend_from_slice(format!("\"{HIDDEN}\"").as_bytes());
                    due = false;
                    continue;
                }
                Token::Text => name = inner(&range),
                Token::Word | Token::Between => {}
            }
            out.extend_from_slice(text);
        }
        out
    }
}

/// Whether a name speaks of credentials.
fn is_secret(name: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(name).to_ascii_lowercase();
    SECRET.iter().any(|secret| lower.contains(secret))
}

/// A text without its quotation marks.
fn inner(range: &Range<usize>) -> Range<usize> {
    (range.start + 1).min(range.end)..range.end.saturating_sub(1).max(range.start)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Colon,
    Text,
    /// A number or a literal, or what is none.
    Word,
    /// Blanks and commas.
    Between,
}

/// JSON taken apart without being understood, so that broken JSON is taken apart as well.
struct Json<'a> {
    body: &'a [u8],
    at: usize,
}

impl Json<'_> {
    fn next(&mut self) -> Option<(Token, Range<usize>)> {
        let start = self.at;
        let token = match self.body.get(start)? {
            b'{' | b'[' => Token::Open,
            b'}' | b']' => Token::Close,
            b':' => Token::Colon,
            b'"' => Token::Text,
            byte if byte.is_ascii_whitespace() || *byte == b',' => Token::Between,
            _ => Token::Word,
        };
        self.at += match token {
            Token::Text => self.text_length(start),
            Token::Word => self.run(start, |byte| !byte.is_ascii_whitespace() && !b"{}[]:,\"".contains(&byte)),
            Token::Between => self.run(start, |byte| byte.is_ascii_whitespace() || byte == b','),
            Token::Open | Token::Close | Token::Colon => 1,
        };
        Some((token, start..self.at))
    }

    fn run(&self, start: usize, fits: impl Fn(u8) -> bool) -> usize {
        let rest = self.body.get(start..).unwrap_or_default();
        rest.iter().take_while(|byte| fits(**byte)).count().max(1)
    }

    fn text_length(&self, start: usize) -> usize {
        let rest = self.body.get(start + 1..).unwrap_or_default();
        let mut escaped = false;
        for (place, byte) in rest.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => return place + 2,
                _ => {}
            }
        }
        rest.len() + 1
    }

    /// Whether what comes next makes a name of what was just read.
    fn is_name(&self) -> bool {
        let rest = self.body.get(self.at..).unwrap_or_default();
        rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn request(query: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            map.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        Request {
            id: "r".into(),
            received: jiff::Timestamp::UNIX_EPOCH,
            client: [127, 0, 0, 1].into(),
            method: http::Method::POST,
            scheme: "http",
            host: "localhost".into(),
            path: "/orders".into(),
            query: Arc::from(query),
            headers: map,
            body: body.to_owned().into(),
            version: http::Version::HTTP_11,
        }
    }

    fn hidden(request: &Request) -> (String, Vec<String>) {
        let raw = raw(request, Credentials::Hide);
        (String::from_utf8(raw.bytes).unwrap(), raw.hidden)
    }

    #[test]
    fn credentials_are_hidden_wherever_they_have_a_name() {
        let headers =
            [("authorization", "Bearer abc"), ("x-api-key", "abc"), ("cookie", "sid=abc; theme=abc; flag"), ("x", "y")];
        let (text, names) = hidden(&request("a=b&access_token=abc", &headers, "user=ada&password=abc"));
        assert!(!text.contains("abc"), "{text}");
        assert!(text.starts_with("POST /orders?a=b&access_token=(hidden) HTTP/1.1\r\n"), "{text}");
        assert!(text.ends_with("content-length: 26\r\n\r\nuser=ada&password=(hidden)"), "{text}");
        assert!(text.contains("cookie: sid=(hidden); theme=(hidden); flag\r\n"), "{text}");
        assert_eq!(
            names,
            [
                "body password",
                "query access_token",
                "header authorization",
                "header x-api-key",
                "cookie sid",
                "cookie theme"
            ]
        );
    }

    #[test]
    fn members_of_json_are_hidden_at_any_depth_and_in_broken_json() {
        let json = |text: &str| hidden(&request("", &[], text)).0.split_once("\r\n\r\n").unwrap().1.to_owned();
        assert_eq!(json(r#"{"a":"x","password" : "p\"q", "n":1}"#), r#"{"a":"x","password" : "(hidden)", "n":1}"#);
        assert_eq!(
            json(r#"{"token":12345,"b":[{"secret":true}]}"#),
            r#"{"token":"(hidden)","b":[{"secret":"(hidden)"}]}"#
        );
        assert_eq!(
            json(r#"{"secret":{"v":["x",{"w":"y"}]},"z":"k"}"#),
            r#"{"secret":{"v":["(hidden)",{"w":"(hidden)"}]},"z":"k"}"#
        );
        assert_eq!(json(r#"{"password":"abc"#), r#"{"password":"(hidden)""#);
        assert_eq!(json(r#"[{"note":"password"},"x"]"#), r#"[{"note":"password"},"x"]"#);
    }

    #[test]
    fn what_may_be_kept_is_kept_to_the_byte() {
        let body = "\u{0}\u{7f}a=1&password=2";
        let whole = raw(&request("token=1", &[("authorization", "x")], body), Credentials::Keep);
        assert!(whole.bytes.ends_with(body.as_bytes()) && whole.hidden.is_empty());
        for odd in ["{", "[\"", "{\"token\":", "}}}]", "[1,2", "{\"a\\"] {
            let (text, _) = hidden(&request("", &[], odd));
            assert!(text.ends_with(odd), "{odd:?} became {text:?}");
        }
    }
}
