//! Nothing anybody can write makes the reader crash, hang or grow without bound.
#![expect(clippy::string_slice, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use brigandine_template::{Input, Kind, Node, Options, Sources, load, read, recognise};
use proptest::prelude::*;

fn try_read(bytes: &[u8]) {
    let (options, mut sources) = (Options::default(), Sources::default());
    sources.insert("x.yaml", None);
    let input = Input { file: "t.yaml".into(), name: "t".into(), bytes, options: &options, sources: &sources };
    if let Err(failure) = read(&input) {
        assert!(!failure.to_string().is_empty());
    }
    recognise("t.yaml", bytes);
}

fn places_hold(node: &Node, text: &str) {
    if let Some(place) = node.origin.place {
        let slice = &text[place.start as usize..place.end as usize];
        assert!(slice.len() <= text.len());
    }
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter().for_each(|item| places_hold(item, text)),
        Kind::Map(map) => map.iter().for_each(|(_, value)| places_hold(value, text)),
    }
}

/// Pieces that templates are made of, so that chance gets past the first line.
fn fragment() -> impl Strategy<Value = String> {
    let words = [
        "Resources:\n",
        "  F:\n",
        "    Type: AWS::Lambda::Function\n",
        "    Properties:\n",
        "      Role: ",
        "!GetAtt A.B\n",
        "!Sub ",
        "\"${A}\"\n",
        "!If [c, ",
        "]",
        "[",
        "{",
        "}",
        ": ",
        "- ",
        "&a ",
        "*a\n",
        "<<: ",
        "|\n",
        ">-\n",
        "  text\n",
        "# note\n",
        "'",
        "\"",
        "\n",
        "!Ref ",
        "é",
        "日本",
        "\t",
        "\u{feff}",
        "---\n",
        "...\n",
        "? ",
        "!!str ",
        "!<x> ",
        "%YAML 1.2\n",
        "\r\n",
        "\u{85}",
        "\\u",
        "{\"a\":",
        ",",
        "Transform: AWS::Serverless-2016-10-31\n",
        "    Type: AWS::Serverless::Function\n",
        "Parameters:\n  P: {AllowedValues: [a, b]}\n",
        "Conditions:\n  c: !Equals [!Ref P, a]\n",
        "~",
        "0x1",
        "  ",
        "    ",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40).prop_map(|parts| parts.concat())
}

/// A template that touches most of what is read.
const WHOLE: &str = include_str!("whole.yaml");

/// The template with some lines taken out, some doubled, and some values replaced by others.
fn crooked() -> impl Strategy<Value = String> {
    let lines = WHOLE.lines().count();
    let values = vec![
        "[]",
        "{}",
        "~",
        "x",
        "[a, {b: c}]",
        "!Ref P",
        "!Ref AWS::NoValue",
        "!If [C, a, b]",
        "!GetAtt X",
        "{Fn::Sub: []}",
        "-1",
        "'*'",
        "!ImportValue y",
    ];
    let change = (0..lines, 0..3_u8, proptest::sample::select(values));
    proptest::collection::vec(change, 1..6).prop_map(|changes| {
        let mut text: Vec<String> = WHOLE.lines().map(str::to_owned).collect();
        for (line, how, value) in changes {
            let Some(old) = text.get(line).cloned() else { continue };
            match how {
                0 => {
                    text.remove(line);
                }
                1 => text.insert(line, old),
                _ => {
                    let key =
                        old.split_once(": ").map_or(old.trim_end_matches(':').to_owned(), |(key, _)| key.to_owned());
                    text.splice(line..=line, [format!("{key}: {value}")]);
                }
            }
        }
        text.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_crash(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        try_read(&bytes);
    }

    #[test]
    fn arbitrary_text_never_crashes(text in "\\PC{0,200}") {
        try_read(text.as_bytes());
    }

    #[test]
    fn likely_text_never_crashes_and_places_stay_inside(text in fragment()) {
        try_read(text.as_bytes());
        if let Ok(document) = load::load(&Arc::from("t.yaml"), text.as_bytes()) {
            places_hold(&document.root, &document.text);
        }
    }

    #[test]
    fn values_are_found_where_they_stand(values in proptest::collection::vec("[a-zA-Zäöß日][a-zA-Z0-9äöß日_.-]{0,12}", 1..12)) {
        let text: String = values.iter().enumerate().fold(String::new(), |text, (index, value)| text + &format!("kéy{index}: [x, !Sub {value}] # {value}\n"));
        let document = load::load(&Arc::from("t.yaml"), text.as_bytes()).unwrap();
        for (index, value) in values.iter().enumerate() {
            let items = document.root.get(&format!("kéy{index}")).unwrap().as_list().unwrap();
            let inner = items.get(1).unwrap().get("Fn::Sub").unwrap();
            let place = inner.origin.place.unwrap();
            prop_assert_eq!(&document.text[place.start as usize..place.end as usize], value);
            prop_assert_eq!(place.line as usize, index + 1);
        }
        prop_assert_eq!(document.comments.len(), values.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn crooked_templates_never_crash(text in crooked()) {
        try_read(text.as_bytes());
    }
}

#[test]
fn a_choice_without_a_condition_that_can_be_read_comes_to_an_end() {
    for condition in ["[]", "{}", "[C]", "{Ref: P}", "''"] {
        try_read(WHOLE.replace("  Orders:\n", &format!("  Orders:\n    Condition: {condition}\n")).as_bytes());
        let value = format!(
            "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: !If [{condition}, a, b]\n"
        );
        try_read(value.as_bytes());
    }
}

#[test]
fn the_whole_template_is_read() {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input {
        file: "t.yaml".into(),
        name: "t".into(),
        bytes: WHOLE.as_bytes(),
        options: &options,
        sources: &sources,
    };
    let app = read(&input).map_err(|failure| failure.to_string()).unwrap().app;
    assert_eq!(app.functions.len(), 3);
    assert_eq!(app.unjudged, Vec::new());
}

/// Functions that all refer to one role.
fn many_resources() -> String {
    let functions = (0..4_900).fold(String::new(), |text, number| {
        text + &format!("  F{number}: {{Type: AWS::Lambda::Function, Properties: {{Role: !GetAtt R.Arn}}}}\n")
    });
    format!("Resources:\n  R: {{Type: AWS::IAM::Role}}\n{functions}")
}

/// A text that would fill any memory.
fn long_text() -> String {
    let long = "x".repeat(100_000);
    let holes = "${P}".repeat(100_000);
    format!(
        "Parameters:\n  P: {{Type: String, Default: {long}}}\nResources:\n  F: {{Type: AWS::Lambda::Function, Properties: {{Handler: !Sub '{holes}'}}}}\n"
    )
}

#[test]
fn large_and_crooked_texts_come_back() {
    let texts = [
        format!("Resources:\n  A: {}\n", "x".repeat(2_000_000)),
        format!("Resources: [{}]\n", "a, ".repeat(200_000)),
        format!("Resources: {}", "{a: ".repeat(5_000)),
        format!("{}a: 1\n", " ".repeat(100_000)),
        format!("Resources:\n{}", "  - ? a\n".repeat(10_000)),
        format!("a: \"{}\n", "\\n".repeat(200_000)),
        "é".repeat(300_000),
        format!("{{\"Resources\": {{{}\"z\": 1}}}}", "\"é\": \"ü\", ".repeat(100_000)),
        "# comment\n".repeat(200_000),
        "# brigandine: ignore AP001\n".repeat(100_000) + "Resources: {A: {Type: X}}\n",
        many_resources(),
        long_text(),
        format!("a: |\n{}", "  # line\n".repeat(200_000)),
    ];
    for text in texts {
        try_read(text.as_bytes());
    }
}

fn refusal(bytes: &[u8]) -> String {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input { file: "t.yaml".into(), name: "t".into(), bytes, options: &options, sources: &sources };
    read(&input).map_or_else(|failure| failure.to_string(), |_| "it was read".to_owned())
}

#[test]
fn what_only_attackers_write_is_refused_in_one_sentence() {
    let rows = |first: &str, row: &dyn Fn(usize) -> String| first.to_owned() + &(1..12).map(row).collect::<String>();
    let aliases = rows("a0: &a0 [x,x,x,x,x,x,x,x,x]\n", &|number| {
        format!("a{number}: &a{number} [{}]\n", vec![format!("*a{}", number - 1); 9].join(","))
    });
    let merges = (1..400).fold("m0: &m0 {a: b}\n".to_owned(), |text, number| {
        text + &format!("m{number}: &m{number}\n  <<: [*m{0}, *m{0}]\n  z{number}: 1\n", number - 1)
    });
    let long = vec![b'x'; 100 * 1024 * 1024];
    for (bytes, words) in [
        (aliases.as_bytes(), "grows beyond 1000000 values"),
        (merges.as_bytes(), "grows beyond 1000000 values"),
        (format!("Resources: {}", "[".repeat(10_000)).as_bytes(), "nested more than 200 deep"),
        ("{\"Resources\":".repeat(10_000).as_bytes(), "nested more than 200 deep"),
        ((0..600).map(|depth| " ".repeat(depth) + "a:\n").collect::<String>().as_bytes(), "nested more than 200 deep"),
        (b"Resources:\n  A: \xff\xfe\n", "not UTF-8"),
        (b"Resources:\n  A: \0\n", "null byte"),
        (b"x: &x\n  <<: *x\nResources: {A: {Type: B}}\n", "alias refers to nothing"),
        (long.as_slice(), "at most"),
    ] {
        assert!(refusal(bytes).contains(words), "{words}: {}", refusal(bytes).chars().take(200).collect::<String>());
    }
}

/// Templates of which each part waits for another one.
fn circles() -> Vec<String> {
    let ring = |row: &dyn Fn(usize, usize) -> String| {
        (0..300).map(|number| row(number, (number + 1) % 300)).collect::<String>()
    };
    let references = ring(&|own, next| {
        format!(
            "  R{own}: {{Type: AWS::IAM::Role, DependsOn: R{next}, Properties: {{RoleName: !Ref R{next}, Path: !GetAtt R{next}.Arn}}}}\n"
        )
    });
    let conditions = ring(&|own, next| format!("  C{own}: !Not [!Or [!Condition C{next}, !Condition C{own}]]\n"));
    let maps = "{M: {a: {b: !FindInMap [M, a, b]}}}";
    let apis = ring(&|own, next| {
        format!(
            "  F{own}: {{Type: AWS::Serverless::Function, Properties: {{Runtime: python3.13, Handler: a.b, CodeUri: ., Role: !GetAtt F{next}.Arn, Environment: {{Variables: {{N: !Ref F{next}}}}}}}}}\n"
        )
    });
    vec![
        format!("Resources:\n{references}"),
        format!(
            "Conditions:\n{conditions}Resources:\n  A: {{Type: AWS::SNS::Topic, Condition: C0, Properties: {{DisplayName: !If [C7, a, b]}}}}\n"
        ),
        format!(
            "Mappings: {maps}\nResources: {{A: {{Type: AWS::SNS::Topic, Properties: {{DisplayName: !FindInMap [M, a, b]}}}}}}\n"
        ),
        format!("Transform: AWS::Serverless-2016-10-31\nResources:\n{apis}"),
    ]
}

#[test]
fn circles_come_to_an_end() {
    let (options, sources) = (Options::default(), Sources::default());
    for text in circles() {
        let input = Input {
            file: "t.yaml".into(),
            name: "t".into(),
            bytes: text.as_bytes(),
            options: &options,
            sources: &sources,
        };
        let app = read(&input).map_err(|failure| failure.to_string()).unwrap().app;
        assert!(!app.resources.is_empty());
    }
}

#[test]
fn a_condition_that_refers_to_itself_is_never_settled() {
    let text = "Conditions:\n  A: !Not [!Condition B]\n  B: !Not [!Condition A]\nResources:\n  F: {Type: AWS::Lambda::Function, Condition: A, Properties: {Runtime: !If [B, python3.7, python3.13]}}\n";
    let (options, sources) = (Options::default(), Sources::default());
    let input =
        Input { file: "t.yaml".into(), name: "t".into(), bytes: text.as_bytes(), options: &options, sources: &sources };
    let app = read(&input).map_err(|failure| failure.to_string()).unwrap().app;
    let runtime = app.functions.first().and_then(|function| function.runtime.as_ref()).unwrap();
    assert!(runtime.value.known().is_none(), "{runtime:?}");
}
