//! Files a template takes in, hostile or not.

use brigandine_model::Unjudged;

use crate::{Failure, Input, Options, Sources, read};

/// Reads a template, giving it every file it asks for; tells the application and what was asked for.
fn read_with(text: &str, files: &dyn Fn(&str) -> Option<Vec<u8>>) -> (brigandine_model::App, Vec<String>) {
    let (options, mut sources) = (Options::default(), Sources::default());
    let mut asked = Vec::new();
    loop {
        let input = Input {
            file: "t.yaml".into(),
            name: "x".into(),
            bytes: text.as_bytes(),
            options: &options,
            sources: &sources,
        };
        match read(&input) {
            Ok(reading) => return (reading.app, asked),
            Err(Failure::Missing(paths)) => {
                for path in paths {
                    assert!(!asked.contains(&path), "`{path}` is asked for again");
                    sources.insert(&path, files(&path));
                    asked.push(path);
                }
            }
            Err(failure) => panic!("{failure}"),
        }
    }
}

fn reasons(unjudged: &[Unjudged]) -> Vec<&str> {
    unjudged.iter().map(|fact| &*fact.reason).collect()
}

fn include(path: &str) -> String {
    ["{'Fn::Transform': {Name: AWS::Include, Parameters: {Location: ", path, "}}}"].concat()
}

#[test]
fn what_is_included_stands_beside_what_is_written() {
    let text = "Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties:\n      Handler: own\n      Fn::Transform: {Name: AWS::Include, Parameters: {Location: f.yaml}}\n      Environment: {Variables: {A: {'Fn::Transform': {Name: AWS::Include, Parameters: {Location: a.json}}}}}\n";
    let files = |path: &str| match path {
        "f.yaml" => Some(b"Handler: theirs\nTimeout: 7\n".to_vec()),
        "a.json" => Some(b"\"x\"".to_vec()),
        _ => None,
    };
    let (app, asked) = read_with(text, &files);
    let function = &app.functions[0];
    assert_eq!(function.handler.as_ref().unwrap().value.known().unwrap(), "own");
    assert_eq!(function.timeout.value.known(), Some(&7));
    assert_eq!(function.timeout.provenance.span.as_ref().unwrap().line, 6);
    assert_eq!(super::shown(&function.environment[0].value), "x");
    assert_eq!(asked.len(), 2);
    assert_eq!(app.unjudged, []);
}

#[test]
fn a_file_that_includes_itself_ends_and_is_told() {
    let text = format!("Resources:\n  F: {{Type: AWS::Lambda::Function, Properties: {}}}\n", include("loop.yaml"));
    let looped = format!(
        "Handler: a.b\nX: {}\nY: {}\nZ: {}\n",
        include("loop.yaml"),
        include("loop.yaml"),
        include("loop.yaml")
    );
    let (app, asked) = read_with(&text, &|_| Some(looped.clone().into_bytes()));
    assert_eq!(asked, ["loop.yaml"]);
    assert_eq!(super::shown(app.functions[0].handler.as_ref().unwrap()), "a.b");
    let told = reasons(&app.unjudged);
    assert!(told.contains(&"files include files more than 4 deep"), "{told:?}");
    assert!(told.len() < 200, "{}", told.len());
}

#[test]
fn what_is_included_again_and_again_does_not_grow_without_bound() {
    let many =
        |path: &str| (0..50).map(|place| format!("    P{place}: {}\n", include(path))).collect::<Vec<_>>().concat();
    let text = |path: &str| format!("Resources:\n  F:\n   Type: AWS::Lambda::Function\n   Properties:\n{}", many(path));
    let values = format!("[{}]", vec!["1"; 100_000].join(","));
    let (app, _) = read_with(&text("values.yaml"), &|_| Some(values.clone().into_bytes()));
    let told = reasons(&app.unjudged);
    assert!(told.contains(&"the included files hold more than 1000000 values"), "{told:?}");
    let bytes = format!("'{}'", "x".repeat(4 * 1024 * 1024));
    let (app, _) = read_with(&text("bytes.yaml"), &|_| Some(bytes.clone().into_bytes()));
    assert!(reasons(&app.unjudged).contains(&"the included files hold more than 33554432 bytes"));
}

#[test]
fn what_is_included_does_not_nest_beyond_the_bound() {
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(150), "]".repeat(150));
    let text = format!("Resources:\n  F: {{Type: AWS::Lambda::Function, Metadata: {}}}\n", deep(&include("deep.yaml")));
    let (app, _) = read_with(&text, &|_| Some(deep("x").into_bytes()));
    let told = reasons(&app.unjudged);
    assert!(told.contains(&"`deep.yaml` nests values more than 200 deep where it is included"), "{told:?}");
}

#[test]
fn what_is_not_put_in_is_told() {
    let told = |transform: &str| {
        let text = format!(
            "Resources:\n  F: {{Type: AWS::Lambda::Function, Properties: {{Handler: a.b, 'Fn::Transform': {transform}}}}}\n"
        );
        let (app, asked) = read_with(&text, &|_| Some(b"[1]".to_vec()));
        (app.unjudged.first().map(|fact| fact.reason.to_string()).unwrap_or_default(), asked)
    };
    let at = |location: &str| ["{Name: AWS::Include, Parameters: {Location: ", location, "}}"].concat();
    assert_eq!(told("{Name: Mine}").0, "the macro `Mine` changes this part at deployment");
    assert_eq!(told(&at("!Sub 's3://${B}/x'")).0, "the place of the included file is computed");
    assert_eq!(told(&at("list.yaml")).0, "the included file is no map, and cannot stand beside other keys");
    for outside in ["/etc/passwd", "~/x", "file:///etc/passwd", "C:/x", "''", ".git/config", "a/../.GIT/config"] {
        let (reason, asked) = told(&at(&format!("'{}'", outside.trim_matches('\''))));
        assert!(reason.contains("leads") || reason.contains("not beside"), "{outside}: {reason}");
        assert!(asked.is_empty(), "{outside}");
    }
}
