//! What a request asks of the platform's API, read from its method, path and query.

use http::Method;
use percent_encoding::percent_decode_str;

use super::fault::Fault;

/// An operation that is served.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    List,
    Describe(String),
    Configuration(String),
    Invoke(String, Manner),
}

/// How a function is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As the headers say.
    Usual,
    /// With the result as a stream of events.
    Streamed,
    /// The oldest way: nobody waits.
    Oldest,
}

impl Wish {
    /// Reads the method and the path.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, Fault> {
        let mut segments = path.trim_start_matches('/').trim_end_matches('/').split('/');
        let version = segments.next().unwrap_or_default();
        if !is_version(version) {
            return Err(Fault::unknown_operation());
        }
        let rest: Vec<&str> = segments.collect();
        let name = |name: &str| {
            let decoded = percent_decode_str(name).decode_utf8();
            decoded.map(std::borrow::Cow::into_owned).map_err(|_| Fault::parameter("the function name is no text"))
        };
        match (method, version, rest.as_slice()) {
            (&Method::GET, "2015-03-31", ["functions"]) => Ok(Self::List),
            (&Method::GET, "2015-03-31", ["functions", function]) => Ok(Self::Describe(name(function)?)),
            (&Method::GET, "2015-03-31", ["functions", function, "configuration"]) => {
                Ok(Self::Configuration(name(function)?))
            }
            (&Method::POST, "2015-03-31", ["functions", function, "invocations"]) => {
                Ok(Self::Invoke(name(function)?, Manner::Usual))
            }
            (&Method::POST, "2021-11-15", ["functions", function, "response-streaming-invocations"]) => {
                Ok(Self::Invoke(name(function)?, Manner::Streamed))
            }
            (&Method::POST, "2014-11-13", ["functions", function, "invoke-async"]) => {
                Ok(Self::Invoke(name(function)?, Manner::Oldest))
            }
            _ => {
                let places: Vec<&str> = rest.iter().take(4).copied().collect();
                let shown: String = places.join("/").escape_debug().take(128).collect();
                Err(Fault::not_served(&format!("`{method} /{version}/{shown}`")))
            }
        }
    }

    /// The operation as the platform names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::List => "ListFunctions",
            Self::Describe(_) => "GetFunction",
            Self::Configuration(_) => "GetFunctionConfiguration",
            Self::Invoke(_, Manner::Usual) => "Invoke",
            Self::Invoke(_, Manner::Streamed) => "InvokeWithResponseStream",
            Self::Invoke(_, Manner::Oldest) => "InvokeAsync",
        }
    }
}

/// Versions of the API are days.
fn is_version(text: &str) -> bool {
    let is_digit =
        |(place, byte): (usize, u8)| if matches!(place, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    text.len() == 10 && text.bytes().enumerate().all(is_digit)
}

/// The query of a request.
pub(super) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// The first value of a name, decoded.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let value = self.0.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        let spaced = value.replace('+', " ");
        Some(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_by_method_and_path() {
        let wish = |method: Method, path: &str| Wish::of(&method, path).ok().map(|wish| wish.name());
        assert_eq!(wish(Method::POST, "/2015-03-31/functions/F/invocations"), Some("Invoke"));
        assert_eq!(wish(Method::GET, "/2015-03-31/functions/"), Some("ListFunctions"));
        assert_eq!(wish(Method::GET, "/2015-03-31/functions/arn%3Aaws"), Some("GetFunction"));
        assert_eq!(wish(Method::DELETE, "/2015-03-31/functions/F"), None);
        let arn = Wish::of(&Method::GET, "/2015-03-31/functions/F%3A%24LATEST/configuration");
        assert_eq!(arn, Ok(Wish::Configuration("F:$LATEST".to_owned())));
        assert!(Wish::of(&Method::GET, "/2015-03-31/functions/%FF").is_err());
    }

    #[test]
    fn what_is_no_version_is_no_operation_and_the_rest_is_not_served() {
        let status = |path: &str| Wish::of(&Method::PUT, path).unwrap_err().refusal().status;
        assert_eq!([status("/"), status("/functions"), status("/2015-03-3x/functions")], [404; 3]);
        assert_eq!([status("/2015-03-31/functions/F/code"), status("/2020-06-30/code-signing")], [501; 2]);
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::of("MaxItems=5&Marker=a%2Fb+c&Empty=");
        assert_eq!(query.value("Marker").as_deref(), Some("a/b c"));
        assert_eq!((query.value("Empty").as_deref(), query.value("Max")), (Some(""), None));
    }
}
