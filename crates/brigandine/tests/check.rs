//! `check` as a team lives with it: environments, exports, baselines, the register, settings, frameworks, formats.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "support/program.rs"]
mod program;

use std::path::Path;

use program::{Run, run_in};
use serde_json::Value;

/// What machines read.
trait Findings {
    fn json(&self) -> Value;
    fn found(&self) -> Vec<String>;
}

impl Findings for Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// Code and resource of every finding.
    fn found(&self) -> Vec<String> {
        let json = self.json();
        let one = |finding: &Value| {
            format!("{} {}", finding["code"].as_str().unwrap(), finding["resource"].as_str().unwrap_or_default())
        };
        json["findings"].as_array().unwrap().iter().map(one).collect()
    }
}

fn check(folder: &Path, arguments: &[&str]) -> Run {
    run_in(folder, &[&["check"], arguments].concat())
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const STAGES: &str = "\
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, AllowedValues: [dev, test, prod], Default: dev}
  Rate: {Type: Number}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Report:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: !If [IsProd, python3.8, python3.14]
      Handler: app.handler
      CodeUri: src
      ReservedConcurrentExecutions: 5
      FunctionUrlConfig: {AuthType: NONE}
";

#[test]
fn several_environments_are_judged_in_one_run_and_the_difference_is_shown() {
    let folder = folder(&[
        ("template.yaml", STAGES),
        ("dev.json", r#"[{"ParameterKey": "Stage", "ParameterValue": "dev"}]"#),
        ("samconfig.toml", "[prod.deploy.parameters]\nparameter_overrides = \"Stage=prod Rate=5\"\n"),
    ]);
    let environments = ["--environment", "dev=dev.json", "--environment", "prod=samconfig.toml"];
    let run = check(folder.path(), &[&["--format", "json"][..], &environments].concat());
    assert_eq!(run.found(), ["DE002 Report", "AP003 Report"], "{}", run.out);
    let json = run.json();
    assert_eq!(json["findings"][0]["only_in"], serde_json::json!(["prod"]));
    assert!(json["findings"][1].get("only_in").is_none(), "it holds everywhere: {}", run.out);
    let run = check(folder.path(), &environments);
    assert!(run.out.contains("= only in: prod\n"), "{}", run.out);
    let run = check(folder.path(), &["--environment", "test=samconfig.toml"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("there is no environment `test`; there are `prod`"), "{}", run.err);
}

#[test]
fn a_parameter_file_settles_parameters_and_a_single_value_wins() {
    let folder = folder(&[("template.yaml", STAGES), ("prod.json", r#"{"Parameters": {"Stage": "prod"}}"#)]);
    let judged = |more: &[&str]| check(folder.path(), &[&["--format", "json", "--select", "DE002"][..], more].concat());
    assert_eq!(judged(&["--parameter-file", "prod.json"]).found(), ["DE002 Report"]);
    assert_eq!(judged(&["--parameter-file", "prod.json", "--parameter", "Stage=dev"]).found(), [""; 0]);
    let run = judged(&["--parameter-file", "absent.json"]);
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("error: `absent.json`: "), "{}", run.err);
}

#[test]
fn a_value_the_template_does_not_allow_is_refused_at_its_parameter() {
    let folder = folder(&[("template.yaml", STAGES), ("bad.json", r#"{"Stage": "production"}"#)]);
    for arguments in
        [["--parameter", "Stage=production"], ["--parameter-file", "bad.json"], ["--environment", "p=bad.json"]]
    {
        let run = check(folder.path(), &arguments);
        assert_eq!(run.code, 2, "{}", run.out);
        let said = "error: template.yaml:3:10: the value given for the parameter `Stage` is not allowed by the template; allowed are `dev`, `test`, `prod`";
        assert!(run.err.starts_with(said), "{}", run.err);
    }
}

const IMPORTER: &str = "\
Resources:
  Worker:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies:
        - PolicyName: p
          PolicyDocument: {Statement: [{Effect: Allow, Action: '*', Resource: !ImportValue shared-target}]}
";

#[test]
fn an_import_is_resolved_when_another_template_of_the_run_exports_it() {
    let exporter = |value: &str| {
        format!(
            "Resources: {{Jobs: {{Type: AWS::SQS::Queue}}}}\nOutputs: {{T: {{Value: {value}, Export: {{Name: shared-target}}}}}}\n"
        )
    };
    let folder = folder(&[("a.yaml", IMPORTER)]);
    let judged =
        |paths: &[&str]| check(folder.path(), &[&["--format", "json", "--select", "LP001"][..], paths].concat());
    let open = |run: &Run| {
        run.json()["unjudged"].as_array().unwrap().iter().map(|one| one["reason"].to_string()).collect::<Vec<_>>()
    };
    let alone = judged(&["a.yaml"]);
    assert_eq!((alone.found().len(), open(&alone).len()), (0, 1), "{}", alone.out);
    write(folder.path(), "b.yaml", &exporter("'*'"));
    for paths in [["a.yaml", "b.yaml"], ["b.yaml", "a.yaml"]] {
        assert_eq!(judged(&paths).found(), ["LP001 Worker"], "whichever comes first");
    }
    write(folder.path(), "b.yaml", &exporter("!GetAtt Jobs.Arn"));
    let both = judged(&["a.yaml", "b.yaml"]);
    assert_eq!((both.found().len(), open(&both).len()), (0, 0), "one queue is not everything: {}", both.out);
    write(folder.path(), "b.yaml", &exporter("'*'"));
    write(folder.path(), "c.yaml", &exporter("arn:aws:sqs:::x"));
    let clash = judged(&["a.yaml", "b.yaml", "c.yaml"]);
    assert!(open(&clash).concat().contains("exports the same name"), "{}", clash.out);
}

#[test]
fn serverless_resources_without_the_transform_are_said_to_be_judged_as_if() {
    let folder = folder(&[("template.yaml", &STAGES.replace("Transform: AWS::Serverless-2016-10-31\n", ""))]);
    let run = check(folder.path(), &["--format", "json"]);
    let json = run.json();
    let reason = json["unjudged"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("`Transform: AWS::Serverless-2016-10-31` is missing"), "{reason}");
    assert_eq!(json["unjudged"][0]["line"], 8);
    assert!(run.found().contains(&"AP003 Report".to_owned()));
}

#[test]
fn only_what_is_new_fails_against_a_baseline() {
    let folder = folder(&[("template.yaml", STAGES)]);
    let first = check(folder.path(), &["--format", "json"]);
    assert_eq!(first.code, 1);
    write(folder.path(), "baseline.json", &first.out);
    let run = check(folder.path(), &["--baseline", "baseline.json"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.ends_with("no new findings in 1 template, 2 known, 0 gone\n"), "{}", run.out);
    let worse = STAGES
        .replace("  Report:", "  # moved\n  Report:")
        .replace("CodeUri: src", "CodeUri: src\n      Policies: [AdministratorAccess]");
    write(folder.path(), "template.yaml", &worse);
    let run = check(folder.path(), &["--baseline", "baseline.json", "--format", "sarif"]);
    assert_eq!(run.code, 1, "{}", run.out);
    let log = run.json();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let states: Vec<&str> = results.iter().map(|one| one["baselineState"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "unchanged").count(), 2, "lines do not matter: {states:?}");
    assert!(states.contains(&"new"), "{states:?}");
    write(folder.path(), "template.yaml", &STAGES.replace("python3.8", "python3.13"));
    let run = check(folder.path(), &["--baseline", "baseline.json"]);
    assert!(run.out.contains("gone (known before") && run.out.contains("1 known, 1 gone"), "{}", run.out);
    assert_eq!(check(folder.path(), &["--baseline", "absent.json"]).code, 2);
}

#[test]
fn the_register_tells_the_life_of_a_finding() {
    let folder = folder(&[("app/template.yaml", STAGES)]);
    let at = |day: &str| check(folder.path(), &["app", "--register", "findings.json", "--as-of", day]);
    let run = at("2026-11-02");
    assert_eq!(run.code, 1);
    assert!(run.err.contains("register: 2 open, 2 new"), "{}", run.err);
    let text = std::fs::read_to_string(folder.path().join("findings.json")).unwrap();
    write(folder.path(), "app/template.yaml", &STAGES.replace("python3.8", "python3.13"));
    assert!(at("2026-11-12").err.contains("1 open, 1 fixed now, 1 fixed in all, half of them within 10 days"));
    write(folder.path(), "app/template.yaml", STAGES);
    let run = at("2026-11-20");
    assert!(run.err.contains("came back: DE002 app/template.yaml: "), "{}", run.err);
    let register: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("findings.json")).unwrap()).unwrap();
    let states: Vec<&str> =
        register["findings"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["open", "regressed"]);
    // People accept by editing the file.
    let accepted = text
        .replace(r#""state": "open""#, r#""state": "accepted", "reason": "a demonstration", "until": "2026-12-24""#);
    write(folder.path(), "findings.json", &accepted);
    let run = at("2026-12-24");
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.ends_with("2 suppressed\n"), "{}", run.out);
    assert_eq!(at("2026-12-25").code, 1, "the last day is over");
}

#[test]
fn a_template_that_is_not_judged_fixes_nothing() {
    let folder = folder(&[("a/template.yaml", STAGES), ("b/template.yaml", STAGES)]);
    check(folder.path(), &[".", "--register", "findings.json"]);
    let run = check(folder.path(), &["a", "--register", "findings.json"]);
    assert!(run.err.contains("register: 4 open\n"), "{}", run.err);
    let run = check(folder.path(), &["a", "--register", "findings.json", "--select", "AP003"]);
    assert!(run.err.contains("register: 4 open\n"), "a rule that was not asked: {}", run.err);
    write(folder.path(), "b/template.yaml", "Resources: [AWS::S3::Bucket\n");
    let run = check(folder.path(), &[".", "--register", "findings.json", "--format", "json"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("register: 4 open\n"), "unreadable is not fixed: {}", run.err);
    std::fs::remove_dir_all(folder.path().join("b")).unwrap();
    let run = check(folder.path(), &[".", "--register", "findings.json"]);
    assert!(run.err.contains("register: 2 open, 2 fixed now"), "{}", run.err);
}

#[test]
fn settings_move_severities_hide_with_a_reason_and_name_files() {
    let settings = "[check]\nfail_on = 'critical'\nregister = 'findings.json'\n[check.rules.AP003]\nseverity = 'low'\n\
                    [check.rules.DE002]\nignore = 'the platform team moves all runtimes in spring'\n";
    let folder = folder(&[("template.yaml", STAGES), ("brigandine.toml", settings)]);
    let run = check(folder.path(), &["--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let json = run.json();
    assert_eq!(run.found(), ["AP003 Report"]);
    assert_eq!(json["findings"][0]["severity"], "low");
    assert_eq!(json["suppressed"][0]["reason"], "the platform team moves all runtimes in spring");
    assert!(folder.path().join("findings.json").exists());
    let log = check(folder.path(), &["--format", "sarif"]).json();
    assert_eq!(log["runs"][0]["results"][1]["suppressions"][0]["kind"], "external");
}

#[test]
fn settings_of_a_stranger_write_nowhere_else() {
    for path in ["../findings.json", "/tmp/findings.json", "a/../../findings.json"] {
        let settings = format!("[check]\nregister = '{path}'\n");
        let folder = folder(&[("repo/template.yaml", STAGES), ("repo/brigandine.toml", &settings)]);
        let run = check(&folder.path().join("repo"), &["."]);
        assert_eq!(run.code, 2, "{}", run.out);
        assert!(run.err.contains("leads out of this file's folder"), "{}", run.err);
    }
}

#[test]
#[cfg(unix)]
fn a_link_out_of_the_folder_is_not_followed_by_settings() {
    let folder =
        folder(&[("repo/template.yaml", STAGES), ("repo/brigandine.toml", "[check]\nregister = 'findings.json'\n")]);
    let outside = folder.path().join("victim.json");
    std::fs::write(&outside, "{\"version\": 1, \"findings\": []}").unwrap();
    std::os::unix::fs::symlink(&outside, folder.path().join("repo/findings.json")).unwrap();
    let run = check(&folder.path().join("repo"), &["."]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("leads out of"), "{}", run.err);
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "{\"version\": 1, \"findings\": []}");
}

#[test]
fn a_framework_is_shown_control_by_control() {
    let folder = folder(&[("template.yaml", STAGES)]);
    let run = check(folder.path(), &["--compliance", "fsbp", "--parameter", "Stage=prod"]);
    assert!(
        run.out.contains("fail        Lambda.2          functions run on supported runtimes: 1 finding (DE002)\n"),
        "{}",
        run.out
    );
    assert!(run.out.contains("pass        IAM.1 "), "{}", run.out);
    assert!(run.out.contains("not judged  Lambda.5 "), "{}", run.out);
    for framework in ["cis", "owasp", "nist"] {
        let json = check(folder.path(), &["--compliance", framework, "--format", "json"]).json();
        assert_eq!(json["framework"], *framework);
        assert!(!json["controls"].as_array().unwrap().is_empty());
    }
    assert_eq!(check(folder.path(), &["--compliance", "fsbp", "--format", "junit"]).code, 2);
    let run = check(folder.path(), &["--compliance", "fspb"]);
    assert!(run.code == 2 && run.err.contains("fsbp"), "{}", run.err);
}

#[test]
fn every_format_says_the_same_findings_and_no_secret() {
    let secret = "Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      Runtime: python3.14\n      Handler: a.b\n      \
                  Role: arn:aws:iam::123456789012:role/x\n      Code: {ZipFile: x}\n      \
                  Environment: {Variables: {DB_PASSWORD: kF8-quartz-9xQzVb}}\n";
    let folder = folder(&[("template.yaml", secret)]);
    let arguments = ["--register", "findings.json", "--format"];
    for format in ["human", "concise", "json", "sarif", "junit", "github", "gitlab", "codeclimate"] {
        let run = check(folder.path(), &[&arguments[..], &[format]].concat());
        assert_eq!(run.code, 1, "{format}: {}", run.err);
        assert!(run.out.contains("SE00"), "{format}: {}", run.out);
        assert!(!run.out.contains("quartz") && !run.err.contains("quartz"), "{format}: {}", run.out);
    }
    let register = std::fs::read_to_string(folder.path().join("findings.json")).unwrap();
    assert!(register.contains("SE00") && !register.contains("quartz"));
}

#[test]
#[cfg(unix)]
fn nothing_is_read_through_a_link_out_of_the_repository() {
    let body = "openapi: 3.0.0\npaths: {/leak: {get: {}}}\n";
    let folder = folder(&[("outside.yaml", body), ("repo/.git/HEAD", ""), ("repo/inside.yaml", body)]);
    let repository = folder.path().join("repo");
    std::os::unix::fs::symlink(folder.path().join("outside.yaml"), repository.join("link.yaml")).unwrap();
    let template = |name: &str| {
        format!(
            "Transform: AWS::Serverless-2016-10-31\nResources:\n  Api:\n    Type: AWS::Serverless::Api\n    Properties:\n      \
                 StageName: live\n      DefinitionBody:\n        Fn::Transform: {{Name: AWS::Include, Parameters: {{Location: {name}}}}}\n"
        )
    };
    let leaks = |name: &str| {
        write(&repository, "template.yaml", &template(name));
        check(&repository, &["template.yaml", "--format", "json"]).out.contains("/leak")
    };
    assert!(leaks("inside.yaml"), "the body is read where it may be");
    assert!(!leaks("link.yaml") && !leaks("../outside.yaml"));
}
