//! Cross-origin answers that the API gives itself.

use brigandine_model::{ApiStyle, Cors};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};

/// Cross-origin answers of one API, ready to be given.
#[derive(Debug)]
pub(crate) struct CrossOrigin {
    style: ApiStyle,
    cors: Cors,
    methods: Option<HeaderValue>,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
}

type Headers = Vec<(HeaderName, HeaderValue)>;

impl CrossOrigin {
    pub(crate) fn new(style: ApiStyle, cors: &Cors) -> Self {
        let list = |words: &[String]| {
            let text = words.join(",");
            (!text.is_empty()).then(|| HeaderValue::from_str(&text).ok()).flatten()
        };
        Self {
            style,
            cors: cors.clone(),
            methods: list(&cors.methods),
            headers: list(&cors.headers),
            expose: list(&cors.expose),
            max_age: cors.max_age.map(HeaderValue::from),
        }
    }

    /// Whether the API's own headers replace those of functions: so it is with the lighter style and with function
    /// addresses; the older style only answers preflights.
    pub(crate) fn owns_answers(&self) -> bool {
        self.style != ApiStyle::Rest
    }

    /// Headers for the answer to a request with these headers.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Headers {
        let Some(mut headers) = self.origin(request) else { return Vec::new() };
        if let Some(expose) = &self.expose {
            headers.push((ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone()));
        }
        headers
    }

    /// Status and headers of the answer to a preflight. An origin that is not allowed gets an answer without headers,
    /// which its browser takes as a refusal.
    pub(crate) fn preflight(&self, request: &HeaderMap) -> (StatusCode, Headers) {
        let status = if self.owns_answers() { StatusCode::NO_CONTENT } else { StatusCode::OK };
        let Some(mut headers) = self.origin(request) else { return (status, Vec::new()) };
        let said = [
            (ACCESS_CONTROL_ALLOW_METHODS, &self.methods),
            (ACCESS_CONTROL_ALLOW_HEADERS, &self.headers),
            (ACCESS_CONTROL_MAX_AGE, &self.max_age),
        ];
        headers.extend(said.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        (status, headers)
    }

    fn origin(&self, request: &HeaderMap) -> Option<Headers> {
        let origin = request.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        let any = self.cors.origins.iter().any(|allowed| allowed == "*");
        if !any && !self.cors.origins.iter().any(|allowed| origin_fits(allowed, text)) {
            return None;
        }
        // With credentials a star would be refused by browsers; then, as for lists, the origin itself is named.
        let star = any && !self.cors.credentials;
        let value = if star { HeaderValue::from_static("*") } else { origin.clone() };
        let mut headers = vec![(ACCESS_CONTROL_ALLOW_ORIGIN, value)];
        if !star {
            headers.push((VARY, HeaderValue::from_static("Origin")));
        }
        if self.cors.credentials {
            headers.push((ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")));
        }
        Some(headers)
    }
}

/// Whether an allowed origin (`https://shop.example`, `https://*.shop.example`, `https://*`) covers this one.
fn origin_fits(allowed: &str, origin: &str) -> bool {
    match allowed.split_once('*') {
        None => allowed.eq_ignore_ascii_case(origin),
        Some((before, after)) => {
            let (before, after) = (before.to_ascii_lowercase(), after.to_ascii_lowercase());
            let origin = origin.to_ascii_lowercase();
            origin
                .strip_prefix(&before)
                .and_then(|rest| rest.strip_suffix(&after))
                .is_some_and(|middle| !middle.is_empty())
        }
    }
}

/// Whether a request is a preflight.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(origin: &str) -> HeaderMap {
        HeaderMap::from_iter([(ORIGIN, HeaderValue::from_str(origin).unwrap())])
    }

    fn of(origins: &[&str], credentials: bool) -> CrossOrigin {
        let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        CrossOrigin::new(ApiStyle::Http, &Cors { origins, credentials, ..Cors::default() })
    }

    fn allowed(cors: &CrossOrigin, origin: &str) -> Option<String> {
        let headers = cors.answer(&request(origin));
        headers.first().map(|(_, value)| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn only_listed_origins_are_named() {
        let cors = of(&["https://shop.example", "https://*.cdn.example"], false);
        assert_eq!(allowed(&cors, "https://shop.example").as_deref(), Some("https://shop.example"));
        assert_eq!(allowed(&cors, "https://a.cdn.example").as_deref(), Some("https://a.cdn.example"));
        assert_eq!(allowed(&cors, "https://shop.example.evil"), None);
        assert_eq!(allowed(&cors, "https://cdn.example"), None);
        assert_eq!(allowed(&cors, "null"), None);
    }

    #[test]
    fn a_star_with_credentials_names_the_origin() {
        assert_eq!(allowed(&of(&["*"], true), "https://a").as_deref(), Some("https://a"));
        assert_eq!(allowed(&of(&["*"], false), "https://a").as_deref(), Some("*"));
    }
}
