//! The variables a rule can look at.

/// A variable of `SecLang`: one value, or a collection of named ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Variable {
    Args,
    ArgsCombinedSize,
    ArgsGet,
    ArgsGetNames,
    ArgsNames,
    ArgsPost,
    ArgsPostNames,
    AuthType,
    Duration,
    Env,
    Files,
    FilesCombinedSize,
    FilesNames,
    FilesSizes,
    FilesTmpnames,
    FilesTmpContent,
    FullRequest,
    FullRequestLength,
    Geo,
    Global,
    HighestSeverity,
    InboundDataError,
    Ip,
    MatchedVar,
    MatchedVarName,
    MatchedVars,
    MatchedVarsNames,
    ModsecBuild,
    MscPcreError,
    MscPcreLimitsExceeded,
    MultipartBoundaryQuoted,
    MultipartBoundaryWhitespace,
    MultipartCrlfLfLines,
    MultipartDataAfter,
    MultipartDataBefore,
    MultipartFileLimitExceeded,
    MultipartFilename,
    MultipartHeaderFolding,
    MultipartInvalidHeaderFolding,
    MultipartInvalidPart,
    MultipartInvalidQuoting,
    MultipartLfLine,
    MultipartMissingSemicolon,
    MultipartName,
    MultipartPartHeaders,
    MultipartStrictError,
    MultipartUnmatchedBoundary,
    OutboundDataError,
    PathInfo,
    QueryString,
    RemoteAddr,
    RemoteHost,
    RemotePort,
    RemoteUser,
    ReqbodyError,
    ReqbodyErrorMsg,
    ReqbodyProcessor,
    ReqbodyProcessorError,
    ReqbodyProcessorErrorMsg,
    RequestBasename,
    RequestBody,
    RequestBodyLength,
    RequestCookies,
    RequestCookiesNames,
    RequestFilename,
    RequestHeaders,
    RequestHeadersNames,
    RequestLine,
    RequestMethod,
    RequestProtocol,
    RequestUri,
    RequestUriRaw,
    Resource,
    ResponseBody,
    ResponseContentLength,
    ResponseContentType,
    ResponseHeaders,
    ResponseHeadersNames,
    ResponseProtocol,
    ResponseStatus,
    Rule,
    ServerAddr,
    ServerName,
    ServerPort,
    Session,
    Sessionid,
    StatusLine,
    Time,
    TimeDay,
    TimeEpoch,
    TimeHour,
    TimeMin,
    TimeMon,
    TimeSec,
    TimeWday,
    TimeYear,
    Tx,
    UniqueId,
    UrlencodedError,
    User,
    Userid,
    Webappid,
    Xml,
}

/// All variables with their names, in the order of the enum.
const NAMES: [(&str, Variable); 103] = [
    ("ARGS", Variable::Args),
    ("ARGS_COMBINED_SIZE", Variable::ArgsCombinedSize),
    ("ARGS_GET", Variable::ArgsGet),
    ("ARGS_GET_NAMES", Variable::ArgsGetNames),
    ("ARGS_NAMES", Variable::ArgsNames),
    ("ARGS_POST", Variable::ArgsPost),
    ("ARGS_POST_NAMES", Variable::ArgsPostNames),
    ("AUTH_TYPE", Variable::AuthType),
    ("DURATION", Variable::Duration),
    ("ENV", Variable::Env),
    ("FILES", Variable::Files),
    ("FILES_COMBINED_SIZE", Variable::FilesCombinedSize),
    ("FILES_NAMES", Variable::FilesNames),
    ("FILES_SIZES", Variable::FilesSizes),
    ("FILES_TMPNAMES", Variable::FilesTmpnames),
    ("FILES_TMP_CONTENT", Variable::FilesTmpContent),
    ("FULL_REQUEST", Variable::FullRequest),
    ("FULL_REQUEST_LENGTH", Variable::FullRequestLength),
    ("GEO", Variable::Geo),
    ("GLOBAL", Variable::Global),
    ("HIGHEST_SEVERITY", Variable::HighestSeverity),
    ("INBOUND_DATA_ERROR", Variable::InboundDataError),
    ("IP", Variable::Ip),
    ("MATCHED_VAR", Variable::MatchedVar),
    ("MATCHED_VAR_NAME", Variable::MatchedVarName),
    ("MATCHED_VARS", Variable::MatchedVars),
    ("MATCHED_VARS_NAMES", Variable::MatchedVarsNames),
    ("MODSEC_BUILD", Variable::ModsecBuild),
    ("MSC_PCRE_ERROR", Variable::MscPcreError),
    ("MSC_PCRE_LIMITS_EXCEEDED", Variable::MscPcreLimitsExceeded),
    ("MULTIPART_BOUNDARY_QUOTED", Variable::MultipartBoundaryQuoted),
    ("MULTIPART_BOUNDARY_WHITESPACE", Variable::MultipartBoundaryWhitespace),
    ("MULTIPART_CRLF_LF_LINES", Variable::MultipartCrlfLfLines),
    ("MULTIPART_DATA_AFTER", Variable::MultipartDataAfter),
    ("MULTIPART_DATA_BEFORE", Variable::MultipartDataBefore),
    ("MULTIPART_FILE_LIMIT_EXCEEDED", Variable::MultipartFileLimitExceeded),
    ("MULTIPART_FILENAME", Variable::MultipartFilename),
    ("MULTIPART_HEADER_FOLDING", Variable::MultipartHeaderFolding),
    ("MULTIPART_INVALID_HEADER_FOLDING", Variable::MultipartInvalidHeaderFolding),
    ("MULTIPART_INVALID_PART", Variable::MultipartInvalidPart),
    ("MULTIPART_INVALID_QUOTING", Variable::MultipartInvalidQuoting),
    ("MULTIPART_LF_LINE", Variable::MultipartLfLine),
    ("MULTIPART_MISSING_SEMICOLON", Variable::MultipartMissingSemicolon),
    ("MULTIPART_NAME", Variable::MultipartName),
    ("MULTIPART_PART_HEADERS", Variable::MultipartPartHeaders),
    ("MULTIPART_STRICT_ERROR", Variable::MultipartStrictError),
    ("MULTIPART_UNMATCHED_BOUNDARY", Variable::MultipartUnmatchedBoundary),
    ("OUTBOUND_DATA_ERROR", Variable::OutboundDataError),
    ("PATH_INFO", Variable::PathInfo),
    ("QUERY_STRING", Variable::QueryString),
    ("REMOTE_ADDR", Variable::RemoteAddr),
    ("REMOTE_HOST", Variable::RemoteHost),
    ("REMOTE_PORT", Variable::RemotePort),
    ("REMOTE_USER", Variable::RemoteUser),
    ("REQBODY_ERROR", Variable::ReqbodyError),
    ("REQBODY_ERROR_MSG", Variable::ReqbodyErrorMsg),
    ("REQBODY_PROCESSOR", Variable::ReqbodyProcessor),
    ("REQBODY_PROCESSOR_ERROR", Variable::ReqbodyProcessorError),
    ("REQBODY_PROCESSOR_ERROR_MSG", Variable::ReqbodyProcessorErrorMsg),
    ("REQUEST_BASENAME", Variable::RequestBasename),
    ("REQUEST_BODY", Variable::RequestBody),
    ("REQUEST_BODY_LENGTH", Variable::RequestBodyLength),
    ("REQUEST_COOKIES", Variable::RequestCookies),
    ("REQUEST_COOKIES_NAMES", Variable::RequestCookiesNames),
    ("REQUEST_FILENAME", Variable::RequestFilename),
    ("REQUEST_HEADERS", Variable::RequestHeaders),
    ("REQUEST_HEADERS_NAMES", Variable::RequestHeadersNames),
    ("REQUEST_LINE", Variable::RequestLine),
    ("REQUEST_METHOD", Variable::RequestMethod),
    ("REQUEST_PROTOCOL", Variable::RequestProtocol),
    ("REQUEST_URI", Variable::RequestUri),
    ("REQUEST_URI_RAW", Variable::RequestUriRaw),
    ("RESOURCE", Variable::Resource),
    ("RESPONSE_BODY", Variable::ResponseBody),
    ("RESPONSE_CONTENT_LENGTH", Variable::ResponseContentLength),
    ("RESPONSE_CONTENT_TYPE", Variable::ResponseContentType),
    ("RESPONSE_HEADERS", Variable::ResponseHeaders),
    ("RESPONSE_HEADERS_NAMES", Variable::ResponseHeadersNames),
    ("RESPONSE_PROTOCOL", Variable::ResponseProtocol),
    ("RESPONSE_STATUS", Variable::ResponseStatus),
    ("RULE", Variable::Rule),
    ("SERVER_ADDR", Variable::ServerAddr),
    ("SERVER_NAME", Variable::ServerName),
    ("SERVER_PORT", Variable::ServerPort),
    ("SESSION", Variable::Session),
    ("SESSIONID", Variable::Sessionid),
    ("STATUS_LINE", Variable::StatusLine),
    ("TIME", Variable::Time),
    ("TIME_DAY", Variable::TimeDay),
    ("TIME_EPOCH", Variable::TimeEpoch),
    ("TIME_HOUR", Variable::TimeHour),
    ("TIME_MIN", Variable::TimeMin),
    ("TIME_MON", Variable::TimeMon),
    ("TIME_SEC", Variable::TimeSec),
    ("TIME_WDAY", Variable::TimeWday),
    ("TIME_YEAR", Variable::TimeYear),
    ("TX", Variable::Tx),
    ("UNIQUE_ID", Variable::UniqueId),
    ("URLENCODED_ERROR", Variable::UrlencodedError),
    ("USER", Variable::User),
    ("USERID", Variable::Userid),
    ("WEBAPPID", Variable::Webappid),
    ("XML", Variable::Xml),
];

impl Variable {
    /// How many there are; `self as usize` is below it.
    pub(crate) const COUNT: usize = NAMES.len();

    /// The variable of that name, letter case aside.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, variable)| variable)
    }

    /// Its name in rules.
    pub(crate) fn name(self) -> &'static str {
        NAMES.get(self as usize).map_or("", |(name, _)| name)
    }

    /// Whether it holds named values, so that a selector makes sense.
    pub(crate) fn is_collection(self) -> bool {
        matches!(
            self,
            Self::Args | Self::ArgsGet | Self::ArgsGetNames | Self::ArgsNames | Self::ArgsPost | Self::ArgsPostNames | Self::Env | Self::Files | Self::FilesNames | Self::FilesSizes | Self::FilesTmpnames | Self::FilesTmpContent | Self::Geo | Self::Global | Self::Ip | Self::MatchedVars | Self::MatchedVarsNames | Self::MultipartFilename | Self::MultipartName | Self::MultipartPartHeaders | Self::RequestCookies | Self::RequestCookiesNames | Self::RequestHeaders | Self::RequestHeadersNames | Self::Resource | Self::ResponseHeaders | Self::ResponseHeadersNames | Self::Rule | Self::Session | Self::Tx | Self::User | Self::Xml
        )
    }

    /// Whether rules can change it while a phase runs, so that what was read once must be read again.
    pub(crate) fn is_volatile(self) -> bool {
        matches!(
            self,
            Self::Duration | Self::Env | Self::Global | Self::HighestSeverity | Self::Ip | Self::MatchedVar | Self::MatchedVarName | Self::MatchedVars | Self::MatchedVarsNames | Self::MscPcreError | Self::MscPcreLimitsExceeded | Self::ReqbodyProcessor | Self::Resource | Self::Rule | Self::Session | Self::Sessionid | Self::Tx | Self::User | Self::Userid | Self::InboundDataError | Self::OutboundDataError
        )
    }

    /// Whether its values are the names of another collection.
    pub(crate) fn names_of(self) -> Option<Self> {
        Some(match self {
            Self::ArgsNames => Self::Args,
            Self::ArgsGetNames => Self::ArgsGet,
            Self::ArgsPostNames => Self::ArgsPost,
            Self::RequestCookiesNames => Self::RequestCookies,
            Self::RequestHeadersNames => Self::RequestHeaders,
            Self::ResponseHeadersNames => Self::ResponseHeaders,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_the_enum() {
        for (index, (name, variable)) in NAMES.iter().enumerate() {
            assert_eq!(*variable as usize, index, "{name}");
            assert_eq!(Variable::parse(&name.to_lowercase()), Some(*variable));
            assert_eq!(variable.name(), *name);
        }
    }
}
