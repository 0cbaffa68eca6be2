//! Fills the variables from the request line, the headers and the answer.

use std::net::IpAddr;

use super::Inspection;
use crate::body::{Limits, cookie, urlencoded};
use crate::request::{Request, Response};
use crate::room::Item;
use crate::transform::hex_pair;
use crate::variable::Variable;

/// The names of this engine's version for `MODSEC_BUILD`: rules written for 3.0 run.
const BUILD: &[u8] = b"030014000";

impl Inspection<'_> {
    pub(super) fn collect_request(&mut self, request: &Request<'_>) {
        self.set_line(request);
        self.set_peer(request);
        self.set_headers(request.headers);
        let query = query(request.uri);
        self.set_arguments(query);
        self.set_clock(request.time);
        self.set_if(Variable::UniqueId, request.id);
        self.set_if(Variable::Duration, b"0");
        self.set_if(Variable::ModsecBuild, BUILD);
        self.set_if(Variable::MscPcreError, b"0");
        self.set_if(Variable::MscPcreLimitsExceeded, b"0");
        self.set_if(Variable::Webappid, self.rules.options.application.as_bytes());
        self.body.kept = request.body.to_vec();
        self.set_full_request(request);
        self.choose_processor();
    }

    /// Whether any rule mentions the variable.
    pub(super) fn wants(&self, variable: Variable) -> bool {
        self.rules.used.get(variable as usize).copied().unwrap_or(false)
    }

    pub(super) fn set_if(&mut self, variable: Variable, value: &[u8]) {
        if self.wants(variable) {
            self.room.set(variable, value);
        }
    }

    fn set_line(&mut self, request: &Request<'_>) {
        self.set_if(Variable::RequestMethod, request.method);
        self.set_if(Variable::RequestProtocol, request.protocol);
        if self.wants(Variable::RequestLine) {
            let line = [request.method, request.uri, request.protocol].join(&b' ');
            self.room.set(Variable::RequestLine, &line);
        }
        self.set_if(Variable::RequestUriRaw, request.uri);
        let uri = without_fragment(request.uri);
        let uri = without_host(uri);
        self.set_if(Variable::RequestUri, uri);
        let path = uri.split(|byte| *byte == b'?').next().unwrap_or_default();
        let path = decoded_path(path);
        self.set_if(Variable::RequestFilename, &path);
        self.set_if(Variable::PathInfo, &path);
        if self.wants(Variable::RequestBasename) {
            let name = path.rsplit(|byte| matches!(byte, b'/' | b'\\')).next().unwrap_or_default();
            self.room.set(Variable::RequestBasename, name);
        }
        self.set_if(Variable::QueryString, query(request.uri));
    }

    fn set_peer(&mut self, request: &Request<'_>) {
        if self.wants(Variable::RemoteAddr) {
            self.room.set(Variable::RemoteAddr, address(request.client).as_bytes());
        }
        if self.wants(Variable::RemoteHost) {
            self.room.set(Variable::RemoteHost, address(request.client).as_bytes());
        }
        if self.wants(Variable::RemotePort) {
            self.room.set(Variable::RemotePort, request.client_port.to_string().as_bytes());
        }
        if self.wants(Variable::ServerAddr) {
            self.room.set(Variable::ServerAddr, address(request.server).as_bytes());
        }
        if self.wants(Variable::ServerPort) {
            self.room.set(Variable::ServerPort, request.server_port.to_string().as_bytes());
        }
    }

    fn set_headers(&mut self, headers: &[(&[u8], &[u8])]) {
        for (name, value) in headers {
            let key = self.room.strings.add(name);
            let text = self.room.strings.add(value);
            self.room.push_ids(Variable::RequestHeaders, key, text);
            self.room.push_ids(Variable::RequestHeadersNames, key, key);
            if name.eq_ignore_ascii_case(b"cookie") {
                self.set_cookies(value);
            } else if name.eq_ignore_ascii_case(b"host") {
                self.set_if(Variable::ServerName, host_name(value));
            } else if name.eq_ignore_ascii_case(b"authorization") {
                let scheme = value.split(|byte| *byte == b' ').next().unwrap_or_default();
                self.set_if(Variable::AuthType, scheme);
            } else if name.eq_ignore_ascii_case(b"content-type") && self.body.content_type.is_empty() {
                self.body.content_type = value.to_vec();
            }
        }
    }

    fn set_cookies(&mut self, header: &[u8]) {
        let limits = Limits { arguments: self.rules.options.arguments, ..Limits::default() };
        for cookie in cookie::parse(header, &limits) {
            let key = self.room.strings.add(&cookie.name);
            let value = self.room.strings.add(&cookie.value);
            self.room.push_ids(Variable::RequestCookies, key, value);
            self.room.push_ids(Variable::RequestCookiesNames, key, key);
        }
    }

    fn set_arguments(&mut self, query: &[u8]) {
        let form = urlencoded::parse(query, self.rules.options.argument_separator, &self.limits());
        for argument in &form.arguments {
            self.argument(true, &argument.name, &argument.value);
        }
        if form.error.is_some() {
            self.note(&super::Note::ArgumentLimit);
            self.exceed_arguments();
        }
        self.set_if(Variable::UrlencodedError, if form.invalid > 0 { b"1" } else { b"0" });
        self.set_sizes();
    }

    /// Adds an argument of the query or of the body to all collections of arguments.
    pub(super) fn argument(&mut self, from_query: bool, name: &[u8], value: &[u8]) {
        let key = self.room.strings.add(name);
        let value = self.room.strings.add(value);
        let (values, names) = if from_query {
            (Variable::ArgsGet, Variable::ArgsGetNames)
        } else {
            (Variable::ArgsPost, Variable::ArgsPostNames)
        };
        let lower = self.room.lower(key);
        // All arguments are counted, so these are kept in any case.
        self.room.push_item(Variable::Args, Item { key, lower, value });
        for (variable, value) in [(values, value), (names, key), (Variable::ArgsNames, key)] {
            if self.wants(variable) {
                self.room.push_item(variable, Item { key, lower, value });
            }
        }
    }

    /// The combined size of all arguments.
    pub(super) fn set_sizes(&mut self) {
        if !self.wants(Variable::ArgsCombinedSize) {
            return;
        }
        let size: usize = self
            .room
            .items(Variable::Args)
            .iter()
            .map(|item| self.room.strings.bytes(item.key).len() + self.room.strings.bytes(item.value).len())
            .sum();
        self.room.set(Variable::ArgsCombinedSize, size.to_string().as_bytes());
    }

    /// What the next parser of this request may take: all arguments count together.
    pub(super) fn limits(&self) -> Limits {
        let taken = self.room.items(Variable::Args).len();
        Limits { arguments: self.rules.options.arguments.saturating_sub(taken), ..Limits::default() }
    }

    fn set_full_request(&mut self, request: &Request<'_>) {
        if !self.wants(Variable::FullRequest) && !self.wants(Variable::FullRequestLength) {
            return;
        }
        let mut full = [request.method, request.uri, request.protocol].join(&b' ');
        full.push(b'\n');
        for (name, value) in request.headers {
            full.extend_from_slice(&[name, b": ".as_slice(), value, b"\n"].concat());
        }
        full.push(b'\n');
        full.extend_from_slice(request.body);
        self.set_if(Variable::FullRequestLength, full.len().to_string().as_bytes());
        self.set_if(Variable::FullRequest, &full);
    }

    /// Days are counted as Howard Hinnant's `civil_from_days` does.
    fn set_clock(&mut self, time: u64) {
        let (days, second) = (time / 86_400, time % 86_400);
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        for (variable, value) in [
            (Variable::TimeEpoch, time),
            (Variable::TimeYear, year),
            // Months count from zero, as in C.
            (Variable::TimeMon, month - 1),
            (Variable::TimeDay, day),
            (Variable::TimeWday, (days + 4) % 7),
            (Variable::TimeHour, hour),
            (Variable::TimeMin, minute),
            (Variable::TimeSec, second),
        ] {
            if self.wants(variable) {
                self.room.set(variable, value.to_string().as_bytes());
            }
        }
        if self.wants(Variable::Time) {
            self.room.set(Variable::Time, format!("{hour:02}:{minute:02}:{second:02}").as_bytes());
        }
    }

    pub(super) fn collect_response(&mut self, response: &Response<'_>) {
        self.set_if(Variable::ResponseStatus, response.status.to_string().as_bytes());
        self.set_if(Variable::ResponseProtocol, response.protocol);
        if self.wants(Variable::StatusLine) {
            let line = [response.protocol, response.status.to_string().as_bytes()].join(&b' ');
            self.room.set(Variable::StatusLine, &line);
        }
        for (name, value) in response.headers {
            let key = self.room.strings.add(name);
            let text = self.room.strings.add(value);
            self.room.push_ids(Variable::ResponseHeaders, key, text);
            self.room.push_ids(Variable::ResponseHeadersNames, key, key);
            if name.eq_ignore_ascii_case(b"content-type") {
                self.set_if(Variable::ResponseContentType, media_type(value));
            }
        }
    }

    pub(super) fn collect_response_body(&mut self, response: &Response<'_>) {
        if !self.body.read_response {
            return;
        }
        let declared = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"));
        let content_type = declared.map(|(_, value)| media_type(value)).unwrap_or_default();
        let lower = String::from_utf8_lossy(content_type).to_ascii_lowercase();
        if !self.rules.options.response_types.contains(&lower) {
            self.note(&super::Note::BodyNotInspected { content_type });
            return;
        }
        self.set_if(Variable::ResponseBody, response.body);
        self.set_if(Variable::ResponseContentLength, response.body.len().to_string().as_bytes());
    }
}

fn address(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

/// The type without its parameters.
pub(super) fn media_type(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

fn without_fragment(uri: &[u8]) -> &[u8] {
    uri.split(|byte| *byte == b'#').next().unwrap_or_default()
}

fn query(uri: &[u8]) -> &[u8] {
    let uri = without_fragment(uri);
    memchr::memchr(b'?', uri).and_then(|at| uri.get(at + 1..)).unwrap_or_default()
}

/// `http://host/path` to `/path`.
fn without_host(uri: &[u8]) -> &[u8] {
    if uri.starts_with(b"/") {
        return uri;
    }
    let Some(colon) = memchr::memchr(b':', uri) else { return uri };
    let scheme = uri.get(..colon).unwrap_or_default();
    if !scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)) {
        return uri;
    }
    let Some(rest) = uri.get(colon + 1..).and_then(|rest| rest.strip_prefix(b"//")) else { return uri };
    match rest.iter().position(|byte| matches!(byte, b'/' | b'?')) {
        Some(path) => rest.get(path..).unwrap_or_default(),
        None => b"/",
    }
}

/// A path as the file system or a router sees it: `%XX` decoded once, `+` kept.
fn decoded_path(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        rest = after;
        let pair = if *byte == b'%' { hex_pair(after, 0) } else { None };
        decoded.push(pair.unwrap_or(*byte));
        if pair.is_some() {
            rest = after.get(2..).unwrap_or_default();
        }
    }
    decoded
}

/// The host without its port.
fn host_name(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    if value.starts_with(b"[") {
        let end = memchr::memchr(b']', value).map_or(value.len(), |at| at + 1);
        return value.get(..end).unwrap_or(value);
    }
    value.split(|byte| *byte == b':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_targets_are_taken_apart() {
        assert_eq!(query(b"/a?b=c?d#e?f"), b"b=c?d");
        assert_eq!(query(b"/a#b?c"), b"");
        assert_eq!(without_host(b"http://host:1/p?q"), b"/p?q");
        assert_eq!(without_host(b"http://host"), b"/");
        assert_eq!(without_host(b"index.php?x=http://a/b"), b"index.php?x=http://a/b");
        assert_eq!(host_name(b"[::1]:80"), b"[::1]");
        assert_eq!(host_name(b"a.b:80"), b"a.b");
    }
}
