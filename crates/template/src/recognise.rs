//! What a file is, cheaply enough to ask it of every file in a folder.

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A template with the serverless transform.
    Sam,
    /// A plain template, the output of `cdk synth` included.
    CloudFormation,
    /// A description in a language that is not read yet; its name for people.
    NotReadYet(&'static str),
    /// Something else.
    Other,
}

/// What the file called `name` is, from its name and a look at its text. The text need not be well formed.
pub fn recognise(name: &str, bytes: &[u8]) -> What {
    match by_name(name) {
        What::Other => by_text(bytes),
        known => known,
    }
}

/// What the name alone tells.
pub(crate) fn by_name(name: &str) -> What {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    match file.as_str() {
        "host.json" => What::NotReadYet("Azure Functions"),
        "serverless.yml" | "serverless.yaml" | "serverless.json" => What::NotReadYet("the Serverless Framework"),
        _ => match ending(&file) {
            Some("tf") => What::NotReadYet("Terraform"),
            Some("bicep") => What::NotReadYet("Bicep"),
            _ => What::Other,
        },
    }
}

/// What follows the last dot; both of two where the last one is only the notation.
fn ending(file: &str) -> Option<&str> {
    let whole = file.strip_suffix(".json").unwrap_or(file);
    whole.rsplit_once('.').map(|(_, ending)| ending)
}

fn by_text(bytes: &[u8]) -> What {
    let Ok(text) = std::str::from_utf8(bytes) else { return What::Other };
    if !text.contains("AWS::") || !has_resources(text) {
        return What::Other;
    }
    if text.contains("AWS::Serverless-2016-10-31") || text.contains("AWS::Serverless::") {
        return What::Sam;
    }
    What::CloudFormation
}

/// A section called `Resources`: a key at the start of a line, or in quotes.
fn has_resources(text: &str) -> bool {
    text.contains("\"Resources\"")
        || text.contains("'Resources'")
        || text.lines().any(|line| line.trim_start_matches('\u{feff}').starts_with("Resources:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_known_by_what_they_hold() {
        let sam = b"Transform: AWS::Serverless-2016-10-31\nResources:\n  A: {Type: AWS::Serverless::Function}\n";
        assert_eq!(recognise("any.yaml", sam), What::Sam);
        assert_eq!(
            recognise("x.template.json", b"{\"Resources\": {\"A\": {\"Type\": \"AWS::S3::Bucket\"}}}"),
            What::CloudFormation
        );
        assert_eq!(recognise("values.yaml", b"Resources:\n  limits: {}\n"), What::Other);
        assert_eq!(recognise("a/b/host.json", b"{}"), What::NotReadYet("Azure Functions"));
        assert_eq!(recognise("main.tf", b""), What::NotReadYet("Terraform"));
        assert_eq!(recognise("image.png", &[0xff, 0xfe]), What::Other);
    }
}
