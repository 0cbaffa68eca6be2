//! The command line as a user meets it: what it prints, where, and with which exit status.
#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};

use program::run_in;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).canonicalize().unwrap()
}

const OPEN: &str = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: src
      Events:
        Place:
          Type: HttpApi
          Properties: {Path: /orders, Method: post}
";

#[test]
fn without_a_command_it_says_what_to_try_next() {
    let folder = folder(&[("template.yaml", OPEN)]);
    let run = run_in(folder.path(), &[]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("brigandine check template.yaml"), "{}", run.out);
}

#[test]
fn a_file_that_is_not_there_is_one_sentence_with_the_nearest_name() {
    let folder = folder(&[("template.yaml", OPEN)]);
    let run = run_in(folder.path(), &["check", "templte.yaml"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert_eq!(run.err, "error: there is no `templte.yaml`\nhelp: did you mean `template.yaml`?\n");
}

#[test]
fn a_folder_without_a_template_says_what_was_found_instead() {
    let folder = folder(&[("serverless.yml", "service: shop\nprovider:\n  name: aws\n")]);
    for command in ["check", "routes"] {
        let run = run_in(folder.path(), &[command, "."]);
        assert_eq!(run.code, 2, "{}", run.out);
        assert!(run.err.contains("serverless.yml"), "{}", run.err);
        assert!(run.err.contains("not read yet"), "{}", run.err);
    }
}

#[test]
fn a_template_that_cannot_be_read_costs_one_sentence_and_not_the_others() {
    let folder = folder(&[("a/template.yaml", OPEN), ("b/template.yaml", "Resources:\n  A: [1\n  B: {\n")]);
    let run = run_in(folder.path(), &["check", "a/template.yaml", "b/template.yaml", "--format", "json"]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("b/template.yaml:"), "{}", run.err);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let codes: Vec<&str> =
        document["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"AP001"), "{codes:?}");
}

#[test]
fn a_reader_that_gives_up_costs_one_sentence() {
    let folder = folder(&[("template.yaml", "AWS::\nResources:\n  A: !x,\n")]);
    let run = run_in(folder.path(), &["check", "template.yaml"]);
    assert_eq!((run.code, run.err.lines().count()), (2, 1), "{}", run.err);
}

#[test]
fn a_finding_carries_what_a_pipeline_needs() {
    let folder = folder(&[("template.yaml", OPEN)]);
    let run = run_in(folder.path(), &["check", "template.yaml", "--format", "json"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let finding = document["findings"].as_array().unwrap().iter().find(|it| it["code"] == "AP001").unwrap();
    for key in ["code", "severity", "title", "message", "file", "resource", "practice"] {
        assert!(finding[key].is_string(), "{key}: {finding}");
    }
    assert_eq!((finding["line"].as_u64(), finding["file"].as_str()), (Some(10), Some("template.yaml")), "{finding}");
    assert!(document["unjudged"].is_array());
}

#[test]
fn the_threshold_decides_the_exit_status() {
    let folder = folder(&[("template.yaml", OPEN)]);
    assert_eq!(run_in(folder.path(), &["check", ".", "--fail-on", "never"]).code, 0);
    assert_eq!(run_in(folder.path(), &["check", ".", "--select", "AP001"]).code, 1);
    assert_eq!(run_in(folder.path(), &["check", ".", "--ignore", "AP001,AP011,LP001"]).code, 0);
}

#[test]
fn an_unknown_rule_is_named_with_the_nearest_one() {
    let folder = folder(&[("template.yaml", OPEN)]);
    let run = run_in(folder.path(), &["check", ".", "--select", "AQ001"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("`AQ001`") && run.err.contains("AP001"), "{}", run.err);
    let run = run_in(folder.path(), &["explain", "AP01"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("did you mean `AP0"), "{}", run.err);
}

#[test]
fn a_wrong_setting_is_one_sentence_with_its_place() {
    let folder = folder(&[("template.yaml", OPEN), ("brigandine.toml", "[check]\nfail_onn = 'low'\n")]);
    let run = run_in(folder.path(), &["check", "."]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("brigandine.toml:2:1: unknown setting `fail_onn`; did you mean `fail_on`?"),
        "{}",
        run.err
    );
}

#[test]
fn the_route_table_is_the_same_for_people_and_machines() {
    let folder = folder(&[("template.yaml", OPEN)]);
    let run = run_in(folder.path(), &["routes", ".", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let document: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let expected = serde_json::json!([
        {"method": "POST", "path": "/orders", "function": "Orders", "authentication": "none", "throttle": null}
    ]);
    assert_eq!(document["routes"], expected);
    let run = run_in(folder.path(), &["routes", "."]);
    assert!(run.out.contains("POST") && run.out.contains("/orders"), "{}", run.out);
    assert!(run.out.ends_with("1 route, 1 open to anyone; 1 function\n"), "{}", run.out);
}

#[test]
fn the_example_is_clean_and_its_flawed_twin_is_not() {
    let shop = run_in(&example("shop"), &["check", "."]);
    assert_eq!(shop.code, 0, "{}{}", shop.out, shop.err);
    let flawed = run_in(&example("shop-flawed"), &["check", ".", "--format", "json"]);
    assert_eq!(flawed.code, 1, "{}", flawed.err);
    let document: serde_json::Value = serde_json::from_str(&flawed.out).unwrap();
    let codes: std::collections::BTreeSet<&str> =
        document["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    for code in ["LP001", "LP003", "LP005", "SE002", "SE003", "AP001", "AP003", "AP011", "DE002", "DW002"] {
        assert!(codes.contains(code), "{code} is not among {codes:?}");
    }
}

#[test]
fn every_command_shows_an_example_in_its_help() {
    let folder = folder(&[]);
    let commands: &[&str] = if cfg!(feature = "serve") {
        &["check", "routes", "explain", "serve", "invoke", "token"]
    } else {
        &["check", "routes", "explain"]
    };
    for command in commands {
        let run = run_in(folder.path(), &[command, "--help"]);
        assert_eq!(run.code, 0);
        assert!(run.out.contains("Examples:\n"), "{command}: {}", run.out);
    }
}

#[cfg(feature = "serve")]
#[test]
fn a_port_in_use_is_one_sentence() {
    let folder = folder(&[("template.yaml", OPEN), ("src/app.py", "def handler(event, context):\n    return {}\n")]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let run = run_in(folder.path(), &["serve", ".", "--listen", &address]);
    assert_eq!(run.code, 2, "{}", run.out);
    let last = run.err.lines().filter(|line| line.starts_with("error:")).collect::<Vec<_>>();
    assert_eq!(last.len(), 1, "{}", run.err);
    assert!(last[0].contains(&address) && last[0].contains("in use"), "{}", run.err);
}

#[cfg(feature = "serve")]
#[test]
fn a_function_is_run_once_with_an_event() {
    let handler = "def handler(event, context):\n    return {\"sum\": event[\"a\"] + event[\"b\"]}\n";
    let folder = folder(&[("template.yaml", OPEN), ("src/app.py", handler), ("event.json", r#"{"a": 2, "b": 3}"#)]);
    let run = run_in(folder.path(), &["invoke", "Orders", "--event", "event.json"]);
    assert_eq!((run.code, run.out.trim()), (0, r#"{"sum": 5}"#), "{}", run.err);
    let run = run_in(folder.path(), &["invoke", "Order", "--event", "event.json"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("did you mean `Orders`?"), "{}", run.err);
}
