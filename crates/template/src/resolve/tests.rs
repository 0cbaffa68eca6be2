use brigandine_model::{Fact, Value};

use super::*;
use crate::load::load;

fn root(text: &str) -> Node {
    load(&"t.yaml".into(), text.as_bytes()).unwrap_or_else(|error| panic!("{error}")).root
}

/// The value under `V`, written out.
fn value(text: &str) -> String {
    value_with(text, &Settings::default())
}

fn value_with(text: &str, settings: &Settings) -> String {
    let root = root(text);
    let resolver = Resolver::new(&"t.yaml".into(), &root, settings);
    shown(&resolver.text(root.get("V").unwrap()).value)
}

fn shown(value: &Value<String>) -> String {
    match value {
        Value::Known(text) => text.clone(),
        Value::Symbolic(symbol) => format!("<{symbol}>"),
        Value::Unknown(why) => format!("? {why}"),
        Value::OneOf(cases) => {
            cases.iter().map(|case| format!("[{}: {}]", case.when, shown(&case.value))).collect::<Vec<_>>().join(" ")
        }
    }
}

const PARAMETERS: &str = "
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [prod, dev]}
  Name: {Type: String, Default: shop}
  Open: {Type: String}
  Secret: {Type: String, NoEcho: true}
  Looked: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /path}
  List: {Type: CommaDelimitedList, Default: 'a, b'}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsOpen: !Equals [!Ref Open, 'yes']
  Round: !Not [!Condition Round]
  Both: !And [!Condition IsProd, !Not [!Condition IsOpen]]
Mappings: {M: {prod: {size: 9}, dev: {size: 1}}}
Resources: {T: {Type: AWS::DynamoDB::Table}}
";

fn with(value_text: &str) -> String {
    value(&format!("{PARAMETERS}V: {value_text}\n"))
}

#[test]
fn references_and_texts() {
    assert_eq!(with("!Ref Name"), "shop");
    assert_eq!(with("!Ref Open"), "<${Open}>");
    assert_eq!(with("!Ref Secret"), "<${Secret}>");
    assert_eq!(with("!Ref Looked"), "<${Looked}>");
    assert_eq!(with("!Ref T"), "<${T}>");
    assert_eq!(with("!Sub '${Name}-${AWS::Region}-${!Lit}-${T.Arn}'"), "<shop-${AWS::Region}-${Lit}-${T.Arn}>");
    assert_eq!(with("!Sub ['${a}/*', {a: !GetAtt T.Arn}]"), "<${T.Arn}/*>");
    assert_eq!(with("!Join [':', [a, !Ref Name, b]]"), "a:shop:b");
    assert_eq!(with("!Join ['-', !Ref List]"), "a-b");
    assert_eq!(with("!Select [1, !Split ['/', x/y/z]]"), "y");
    assert_eq!(with("!Select ['0', !Ref List]"), "a");
    assert_eq!(with("'{{resolve:secretsmanager:x}}y'"), "<{{resolve:secretsmanager:x}}y>");
    assert_eq!(with("!ImportValue z"), "? it is imported as `z` from another stack");
    assert_eq!(with("!Ref Nothing"), "? `Nothing` names no parameter and no resource of the template");
}

#[test]
fn parameters_with_allowed_values_are_cases_and_the_default_comes_first() {
    assert_eq!(with("!Ref Stage"), "[Stage=dev: dev] [Stage=prod: prod]");
    assert_eq!(with("!If [IsProd, '*', !Ref Stage]"), "[Stage=dev: dev] [Stage=prod: *]");
    assert_eq!(with("!FindInMap [M, !Ref Stage, size]"), "[Stage=dev: 1] [Stage=prod: 9]");
    assert_eq!(with("!If [IsProd, same, same]"), "same");
}

#[test]
fn open_parameters_are_cases_only_where_a_condition_asks() {
    assert_eq!(with("!If [IsOpen, a, b]"), "[Open=yes: a] [Open=(other): b]");
    assert_eq!(with("!If [Both, a, b]"), "[Stage=dev: b] [Stage=prod, Open=yes: b] [Stage=prod, Open=(other): a]");
    assert_eq!(with("!If [Round, a, b]"), "[Round: a] [not Round: b]");
    assert_eq!(with("!If [Undeclared, a, b]"), "[Undeclared: a] [not Undeclared: b]");
}

#[test]
fn the_user_overrides() {
    let settings = Settings {
        parameters: [("Stage".to_owned(), "prod".to_owned()), ("Open".to_owned(), "yes".to_owned())].into(),
        platform: [("AWS::Region".to_owned(), "eu-west-1".to_owned())].into(),
        ..Settings::default()
    };
    let text = |value: &str| value_with(&format!("{PARAMETERS}V: {value}\n"), &settings);
    assert_eq!(text("!Sub '${Stage} ${Open} ${AWS::Region}'"), "prod yes eu-west-1");
    assert_eq!(text("!If [Both, a, b]"), "b");
}

#[test]
fn provenance_names_the_parameters_a_value_passed_through() {
    let root = root(&format!("{PARAMETERS}V: !Sub '${{Name}}-${{Secret}}'\n"));
    let settings = Settings::default();
    let resolver = Resolver::new(&"t.yaml".into(), &root, &settings);
    let fact: Fact<String> = resolver.text(root.get("V").unwrap());
    assert_eq!(fact.provenance.parameters.iter().map(|name| &**name).collect::<Vec<_>>(), ["Name", "Secret"]);
    assert_eq!(fact.provenance.span.unwrap().line, 16);
}

#[test]
fn lists_flatten_their_branches() {
    let root = root(&format!(
        "{PARAMETERS}V: [a, !If [IsProd, b, !Ref 'AWS::NoValue'], !Ref List]\nW: !If [IsOpen, [x], [y, z]]\n"
    ));
    let settings = Settings::default();
    let resolver = Resolver::new(&"t.yaml".into(), &root, &settings);
    let facts =
        |key: &str| resolver.strings(root.get(key).unwrap()).iter().map(|fact| shown(&fact.value)).collect::<Vec<_>>();
    assert_eq!(facts("V"), ["a", "[Stage=prod: b]", "a", "b"]);
    assert_eq!(facts("W"), ["[Open=yes: x]", "[Open=(other): y]", "[Open=(other): z]"]);
}

#[test]
fn numbers_and_booleans() {
    let root = root(&format!("{PARAMETERS}A: '900'\nB: !FindInMap [M, dev, size]\nC: soon\nD: 'true'\nE: 3.0\n"));
    let settings = Settings::default();
    let resolver = Resolver::new(&"t.yaml".into(), &root, &settings);
    let number = |key: &str| resolver.number(root.get(key).unwrap()).value;
    assert_eq!((number("A"), number("B"), number("E")), (Value::Known(900), Value::Known(1), Value::Known(3)));
    assert!(matches!(number("C"), Value::Unknown(why) if &*why == "`soon` is not a whole number"));
    assert_eq!(resolver.boolean(root.get("D").unwrap()).value, Value::Known(true));
}

#[test]
fn too_many_cases_and_too_many_steps_are_reasons_and_not_loops() {
    let values: Vec<String> = (0..20).map(|number| format!("v{number}")).collect();
    let values = values.join(",");
    let text = format!(
        "Parameters:\n  A: {{AllowedValues: [{values}]}}\n  B: {{AllowedValues: [{values}]}}\nV: !Sub '${{A}}${{B}}'\n"
    );
    assert_eq!(value(&text), "? it depends on more than 256 combinations of parameters");
    let mut tower = "Conditions:\n  C0: !Equals [a, a]\n".to_owned();
    for level in 1..60 {
        let before = ["!Condition C", &(level - 1).to_string()].concat();
        tower += &["  C", &level.to_string(), ": !And [", &before, ", ", &before, ", ", &before, "]\n"].concat();
    }
    tower += "V: !If [C59, a, b]\n";
    let value = value(&tower);
    assert!(value.starts_with("? it depends on too much"), "{value}");
}

const REGIONS: &str = "
Parameters:
  Size: {Type: String}
Conditions:
  IsHome: !Equals [!Ref 'AWS::Region', eu-west-1]
Mappings:
  Regions:
    eu-west-1: {image: a, sizes: [s, m]}
    us-east-1: {image: b, sizes: [l]}
  Sizes: {all: {big: 9, small: 1}}
";

#[test]
fn a_key_that_deployment_fills_is_one_of_the_mapping() {
    let text = |value_text: &str| value(&format!("{REGIONS}V: {value_text}\n"));
    let image = "!FindInMap [Regions, !Ref 'AWS::Region', image]";
    assert_eq!(text(image), "[AWS::Region=eu-west-1: a] [AWS::Region=us-east-1: b]");
    assert_eq!(
        text("!Sub ['${AWS::Region} ${i}', {i: !FindInMap [Regions, !Ref 'AWS::Region', image]}]"),
        "[AWS::Region=eu-west-1: eu-west-1 a] [AWS::Region=us-east-1: us-east-1 b]"
    );
    assert_eq!(text("!FindInMap [Sizes, all, !Ref Size]"), "[Size=big: 9] [Size=small: 1]");
    assert_eq!(
        text(&format!("!If [IsHome, home, {image}]")),
        "[AWS::Region=eu-west-1: home] [AWS::Region=us-east-1: b]",
        "a condition's other regions are the mapping's other keys"
    );
    assert_eq!(
        text("!FindInMap [Sizes, all, !Ref Size, {DefaultValue: 5}]"),
        "[Size=big: 9] [Size=small: 1] [Size=(other): 5]"
    );
    assert_eq!(
        text(&format!("!Join ['-', [{image}, !If [IsHome, home, away]]]")),
        "[AWS::Region=eu-west-1: a-home] [AWS::Region=us-east-1: b-away]"
    );
    assert!(text("!FindInMap [Absent, !Ref 'AWS::Region', image]").starts_with("? the key into the mapping"));
    assert!(
        text("!FindInMap [Regions, !Ref 'AWS::Region', none]")
            .contains("? the mapping has no entry `Regions / us-east-1 / none`")
    );
}

#[test]
fn a_region_that_is_given_settles_the_key() {
    let settings =
        Settings { platform: [("AWS::Region".to_owned(), "us-east-1".to_owned())].into(), ..Settings::default() };
    let text = format!("{REGIONS}V: !FindInMap [Regions, !Ref 'AWS::Region', image]\n");
    assert_eq!(value_with(&text, &settings), "b");
}

#[test]
fn lists_in_mappings_are_cases_too() {
    let root = root(&format!("{REGIONS}V: [!FindInMap [Regions, !Ref 'AWS::Region', sizes]]\n"));
    let settings = Settings::default();
    let resolver = Resolver::new(&"t.yaml".into(), &root, &settings);
    let facts: Vec<_> = resolver.strings(root.get("V").unwrap()).iter().map(|fact| shown(&fact.value)).collect();
    assert_eq!(facts, ["[AWS::Region=eu-west-1: s]", "[AWS::Region=eu-west-1: m]", "[AWS::Region=us-east-1: l]"]);
}

#[test]
fn an_import_is_what_another_template_of_the_run_exports() {
    let export = |value: Value<String>| crate::Export { value, file: "network.yaml".into() };
    let pieces = vec![
        Piece::Text("arn:aws:sqs:".into()),
        Piece::Parameter("AWS::Region".into()),
        Piece::Text(":".into()),
        Piece::Attribute { resource: LogicalId::new("T"), attribute: Some("QueueName".into()) },
    ];
    let settings = Settings {
        exports: [
            ("z".to_owned(), export(Value::Known("https://example.com".to_owned()))),
            ("dev-queue".to_owned(), export(Value::Symbolic(brigandine_model::Symbol { pieces }))),
            ("open".to_owned(), export(Value::Unknown("`X` has no default".into()))),
            ("cases".to_owned(), export(Value::OneOf(Vec::new()))),
        ]
        .into(),
        ..Settings::default()
    };
    let text = |value: &str| value_with(&format!("{PARAMETERS}V: {value}\n"), &settings);
    assert_eq!(text("!ImportValue z"), "https://example.com");
    assert_eq!(
        text("Fn::ImportValue: !Sub '${Stage}-queue'")
            .replace("[Stage=prod: ? it is imported as `prod-queue` from another stack]", "-"),
        "[Stage=dev: <arn:aws:sqs:${AWS::Region}:${import dev-queue}>] -"
    );
    assert_eq!(text("!ImportValue open"), "? it is imported as `open` from `network.yaml`, where `X` has no default");
    assert_eq!(
        text("!ImportValue cases"),
        "? it is imported as `cases` from `network.yaml`, where it depends on parameters"
    );
    assert_eq!(text("!ImportValue other"), "? it is imported as `other` from another stack");
}
