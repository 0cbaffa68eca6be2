//! Reads the request body by its declared type, and on demand by what it looks like.

use super::Inspection;
use super::collect::media_type;
use crate::body::multipart::{Boundaries, Flaw};
use crate::body::{BodyError, json, multipart, urlencoded, xml};
use crate::variable::Variable;

/// Names under which the two kinds of XML values are kept.
pub(super) const XML_TEXT: &[u8] = b"/*";
pub(super) const XML_ATTRIBUTE: &[u8] = b"//@*";

/// Flags of multipart bodies, as variables.
const FLAWS: [(Variable, Flaw); 11] = [
    (Variable::MultipartBoundaryQuoted, Flaw::BoundaryQuoted),
    (Variable::MultipartBoundaryWhitespace, Flaw::BoundaryWhitespace),
    (Variable::MultipartDataBefore, Flaw::DataBefore),
    (Variable::MultipartDataAfter, Flaw::DataAfter),
    (Variable::MultipartHeaderFolding, Flaw::HeaderFolding),
    (Variable::MultipartLfLine, Flaw::LfLine),
    (Variable::MultipartMissingSemicolon, Flaw::MissingSemicolon),
    (Variable::MultipartInvalidQuoting, Flaw::InvalidQuoting),
    (Variable::MultipartInvalidPart, Flaw::InvalidPart),
    (Variable::MultipartInvalidHeaderFolding, Flaw::InvalidHeaderFolding),
    (Variable::MultipartFileLimitExceeded, Flaw::FileLimitExceeded),
];

impl Inspection<'_> {
    /// The processor that the declared type asks for; rules may choose another one in phase 1.
    pub(super) fn choose_processor(&mut self) {
        let declared = String::from_utf8_lossy(media_type(&self.body.content_type)).to_ascii_lowercase();
        let processor = match declared.as_str() {
            // By how they begin, as engines before us have it: nobody is to get round the parser by a letter more.
            form if form.starts_with("application/x-www-form-urlencoded") => "URLENCODED",
            parts if parts.starts_with("multipart/form-data") => "MULTIPART",
            "text/xml" | "application/xml" => "XML",
            "application/json" => "JSON",
            other if other.starts_with("application/") && other.ends_with("+json") => "JSON",
            other if other.starts_with("application/") && other.ends_with("+xml") => "XML",
            _ => "",
        };
        self.set_processor(processor);
        self.set_if(Variable::ReqbodyError, b"0");
        self.set_if(Variable::ReqbodyProcessorError, b"0");
        for variable in FLAWS.map(|(variable, _)| variable).into_iter().chain([
            Variable::MultipartStrictError,
            Variable::MultipartUnmatchedBoundary,
            Variable::MultipartCrlfLfLines,
            Variable::InboundDataError,
            Variable::OutboundDataError,
            Variable::FilesCombinedSize,
        ]) {
            self.set_if(variable, b"0");
        }
    }

    pub(super) fn set_processor(&mut self, processor: &str) {
        processor.clone_into(&mut self.body.processor);
        self.set_if(Variable::ReqbodyProcessor, processor.as_bytes());
    }

    pub(super) fn collect_body(&mut self) {
        let body = std::mem::take(&mut self.body.kept);
        self.set_if(Variable::RequestBodyLength, body.len().to_string().as_bytes());
        if !self.body.read_request || body.is_empty() {
            return;
        }
        self.charge(u64::try_from(body.len()).unwrap_or(u64::MAX));
        let processor = self.body.processor.clone();
        match processor.as_str() {
            "URLENCODED" => self.collect_form(&body),
            "MULTIPART" => self.collect_multipart(&body),
            "JSON" => {
                let error = self.collect_json(&body);
                self.report(error);
            }
            "XML" => {
                let error = self.collect_xml(&body);
                self.report(error);
            }
            _ => {}
        }
        if matches!(processor.as_str(), "URLENCODED" | "JSON") || self.body.force {
            self.set_if(Variable::RequestBody, &body);
        }
        if self.settings.body_by_content {
            self.collect_by_content(&processor, &body);
        }
        self.set_sizes();
    }

    /// A function reads its event's body whatever the header says, so what looks like JSON, XML or a form is read as that too.
    /// What then turns out not to be it is no error: nobody said it was.
    fn collect_by_content(&mut self, processor: &str, body: &[u8]) {
        let declared_otherwise = |name: &str| processor != name;
        match body.trim_ascii_start().first() {
            Some(b'{' | b'[' | b'"') if declared_otherwise("JSON") => {
                self.collect_json(body);
            }
            Some(b'<') if declared_otherwise("XML") => {
                self.collect_xml(body);
            }
            _ if processor.is_empty() && memchr::memchr(b'=', body).is_some() => self.collect_form(body),
            _ => {}
        }
        if !matches!(processor, "URLENCODED" | "JSON" | "MULTIPART") {
            self.set_if(Variable::RequestBody, body);
        }
    }

    fn collect_form(&mut self, body: &[u8]) {
        let form = urlencoded::parse(body, self.rules.options.argument_separator, &self.limits());
        for argument in &form.arguments {
            self.argument(false, &argument.name, &argument.value);
        }
        if form.invalid > 0 {
            self.set_if(Variable::UrlencodedError, b"1");
        }
        self.report(form.error);
    }

    fn collect_json(&mut self, body: &[u8]) -> Option<BodyError> {
        let limits = self.limits();
        json::walk(body, &limits, &mut |name, value, _| self.argument(false, name, value)).err()
    }

    fn collect_xml(&mut self, body: &[u8]) -> Option<BodyError> {
        let document = xml::parse(body, &self.limits());
        self.room.push(Variable::Xml, XML_TEXT, &document.content());
        for attribute in &document.attributes {
            self.room.push(Variable::Xml, XML_ATTRIBUTE, attribute);
        }
        document.error
    }

    fn collect_multipart(&mut self, body: &[u8]) {
        let form = multipart::parse(&self.body.content_type, body, &self.limits());
        let mut files = 0_usize;
        for part in &form.parts {
            for header in &part.headers {
                self.room.push(Variable::MultipartPartHeaders, &part.name, header);
            }
            self.room.push(Variable::MultipartName, &part.name, &part.name);
            let Some(filename) = &part.filename else {
                self.argument(false, &part.name, &part.content);
                continue;
            };
            files = files.saturating_add(part.content.len());
            self.room.push(Variable::Files, &part.name, filename);
            self.room.push(Variable::FilesNames, &part.name, &part.name);
            self.room.push(Variable::MultipartFilename, &part.name, filename);
            self.room.push(Variable::FilesSizes, &part.name, part.content.len().to_string().as_bytes());
            if self.wants(Variable::FilesTmpContent) {
                self.room.push(Variable::FilesTmpContent, &part.name, &part.content);
            }
        }
        self.set_if(Variable::FilesCombinedSize, files.to_string().as_bytes());
        for (variable, flaw) in FLAWS {
            if form.flaws.has(flaw) {
                self.set_if(variable, b"1");
            }
        }
        if form.flaws.strict() {
            self.set_if(Variable::MultipartStrictError, b"1");
        }
        if form.flaws.mixed_lines() {
            self.set_if(Variable::MultipartCrlfLfLines, b"1");
        }
        let boundaries: &[u8] = match form.boundaries {
            Boundaries::Single => b"0",
            Boundaries::Unmatched => b"1",
            Boundaries::Matched => b"2",
        };
        self.set_if(Variable::MultipartUnmatchedBoundary, boundaries);
        match form.error {
            Some(reason) => self.fail_body(reason, form.limit),
            None => self.report(form.limit),
        }
    }

    fn report(&mut self, error: Option<BodyError>) {
        if let Some(error) = error {
            self.fail_body(&error.to_string(), Some(error));
        }
    }

    fn fail_body(&mut self, reason: &str, error: Option<BodyError>) {
        self.set_if(Variable::ReqbodyError, b"1");
        self.set_if(Variable::ReqbodyErrorMsg, reason.as_bytes());
        self.set_if(Variable::ReqbodyProcessorError, b"1");
        self.set_if(Variable::ReqbodyProcessorErrorMsg, reason.as_bytes());
        if matches!(error, Some(BodyError::TooMany | BodyError::TooDeep | BodyError::TooLarge)) {
            self.note(&super::Note::ArgumentLimit);
            self.exceed_arguments();
        }
    }

    /// Something was left unlooked at: rules may see it as an error of the body, and if none does the request is refused all the
    /// same.
    pub(super) fn exceed_arguments(&mut self) {
        self.partial = true;
        self.set_if(Variable::ReqbodyError, b"1");
        self.set_if(Variable::InboundDataError, b"1");
    }
}
