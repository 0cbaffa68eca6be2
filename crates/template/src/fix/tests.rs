#![expect(clippy::string_slice, reason = "a wrong border fails the test, as it should")]

use super::*;

fn keys(path: &str) -> Vec<Arc<str>> {
    path.split(' ').filter(|key| !key.is_empty()).map(Into::into).collect()
}

fn set(resource: &str, path: &str, value: Literal) -> Change {
    Change::Set { resource: brigandine_model::LogicalId::new(resource), path: keys(path), value }
}

fn append(resource: &str, path: &str, value: Literal) -> Change {
    Change::Append { resource: brigandine_model::LogicalId::new(resource), path: keys(path), value }
}

fn remove(resource: &str, path: &str) -> Change {
    Change::Remove { resource: brigandine_model::LogicalId::new(resource), path: keys(path) }
}

fn declare(path: &str, name: &str, value: Literal) -> Change {
    Change::Declare { path: keys(path), name: name.into(), value }
}

fn span(text: &str, words: &str) -> Span {
    let start = text.find(words).unwrap_or_else(|| panic!("no {words:?}"));
    Span { file: "t.yaml".into(), start, end: start + words.len(), line: 0, column: 0 }
}

fn replace(text: &str, words: &str, value: Literal) -> Change {
    Change::Replace { span: span(text, words), value }
}

fn remove_at(text: &str, words: &str) -> Change {
    Change::RemoveAt { span: span(text, words) }
}

fn changed(text: &str, changes: &[Change]) -> String {
    let edits = edits("t.yaml", text.as_bytes(), changes).unwrap_or_else(|error| panic!("{error}: {changes:?}"));
    apply(text, &edits)
}

fn refused(text: &str, change: Change) -> String {
    match edits("t.yaml", text.as_bytes(), &[change]) {
        Ok(edits) => panic!("written as {}", apply(text, &edits)),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn gives(text: &str, changes: &[Change], after: &str) {
    assert_eq!(changed(text, changes), after);
}

const SHOP: &str = "\
Transform: AWS::Serverless-2016-10-31

# What runs.
Resources:
  Orders: # takes orders
    Type: AWS::Serverless::Function
    Properties:
      Handler: \"a.b\"   # here
      Policies:
        - Statement:
            - Effect: Allow
              Action: '*'
              Resource: !Ref Table
        - AWSLambdaBasicExecutionRole
      Timeout: 3

  Table:
    Type: AWS::DynamoDB::Table
";

fn with(old: &str, new: &str) -> String {
    assert!(SHOP.contains(old));
    SHOP.replacen(old, new, 1)
}

#[test]
fn a_key_is_set_at_the_end_of_its_map() {
    let value = Literal::Number(5);
    let after = with("      Timeout: 3\n", "      Timeout: 3\n      ReservedConcurrentExecutions: 5\n");
    gives(SHOP, &[set("Orders", "Properties ReservedConcurrentExecutions", value)], &after);
}

#[test]
fn keys_on_the_way_are_made() {
    let value = Literal::map([
        ("Enabled", Literal::Flag(true)),
        ("Arns", Literal::List(vec![Literal::attribute("Key", "Arn")])),
    ]);
    let after = format!(
        "{SHOP}    Properties:\n      SSE:\n        Specification:\n          Enabled: true\n          Arns:\n            - !GetAtt Key.Arn\n"
    );
    gives(SHOP, &[set("Table", "Properties SSE Specification", value)], &after);
}

#[test]
fn words_replace_words_in_the_quotes_they_had() {
    gives(SHOP, &[replace(SHOP, "'*'", Literal::text("s3:GetObject"))], &with("'*'", "'s3:GetObject'"));
    gives(SHOP, &[set("Orders", "Properties Handler", Literal::text("it's"))], &with("\"a.b\"", "\"it's\""));
    gives(SHOP, &[set("Orders", "Properties Timeout", Literal::text("no"))], &with("Timeout: 3", "Timeout: 'no'"));
    gives(SHOP, &[set("Orders", "Properties Timeout", Literal::Number(3))], SHOP);
}

#[test]
fn lists_and_maps_replace_words_and_the_other_way_round() {
    let actions = Literal::List(vec![Literal::text("s3:GetObject"), Literal::text("*")]);
    let after = with("Action: '*'", "Action:\n                - s3:GetObject\n                - '*'");
    gives(SHOP, &[replace(SHOP, "'*'", actions)], &after);
    let after = with("Resource: !Ref Table", "Resource: !Sub ${Table.Arn}/index/*");
    gives(
        SHOP,
        &[replace(SHOP, "!Ref Table", Literal::map([("Fn::Sub", Literal::text("${Table.Arn}/index/*"))]))],
        &after,
    );
    let start = SHOP.find("- Statement").unwrap();
    let end = SHOP.find("\n      Timeout").unwrap();
    let list = Span { start, end, ..span(SHOP, "- Statement") };
    let value = Literal::text("ReadOnly");
    let after = format!("{}{}{}", &SHOP[..start].trim_end(), " ReadOnly", &SHOP[end..]);
    gives(SHOP, &[Change::Replace { span: list.clone(), value }], &after);
    let value = Literal::List(vec![Literal::map([("A", Literal::Number(1)), ("B", Literal::Number(2))])]);
    let after = format!("{}{}{}", &SHOP[..start], "- A: 1\n          B: 2", &SHOP[end..]);
    gives(SHOP, &[Change::Replace { span: list, value }], &after);
}

#[test]
fn items_are_appended_and_lists_made() {
    let policy =
        Literal::map([("SQSSendMessagePolicy", Literal::map([("QueueName", Literal::attribute("Q", "QueueName"))]))]);
    let after = with(
        "        - AWSLambdaBasicExecutionRole\n",
        "        - AWSLambdaBasicExecutionRole\n        - SQSSendMessagePolicy:\n            QueueName: !GetAtt Q.QueueName\n",
    );
    gives(SHOP, &[append("Orders", "Properties Policies", policy)], &after);
    let after = with("      Timeout: 3\n", "      Timeout: 3\n      Layers:\n        - x\n");
    gives(SHOP, &[append("Orders", "Properties Layers", Literal::text("x"))], &after);
    let after = with("'*'", "\n                - '*'\n                - b").replace("Action: \n", "Action:\n");
    gives(SHOP, &[append("Orders", "Properties Policies 0 Statement 0 Action", Literal::text("b"))], &after);
}

#[test]
fn entries_and_items_are_taken_away() {
    gives(SHOP, &[remove("Orders", "Properties Timeout")], &with("      Timeout: 3\n", ""));
    gives(SHOP, &[remove("Orders", "Properties Nothing")], SHOP);
    gives(
        SHOP,
        &[remove_at(SHOP, "AWSLambdaBasicExecutionRole")],
        &with("        - AWSLambdaBasicExecutionRole\n", ""),
    );
    gives(SHOP, &[remove_at(SHOP, "Handler")], &with("      Handler: \"a.b\"   # here\n", ""));
    gives(SHOP, &[remove_at(SHOP, "'*'")], &with("              Action: '*'\n", ""));
    gives(SHOP, &[remove_at(SHOP, "Allow")], &with("Effect: Allow\n              Action", "Action"));
    gives(SHOP, &[remove_at(SHOP, "!Ref Table")], &with("              Resource: !Ref Table\n", ""));
    gives(
        SHOP,
        &[remove_at(SHOP, "Table\n        -".trim_end_matches("\n        -"))],
        &with("              Resource: !Ref Table\n", ""),
    );
    let start = SHOP.find("Effect").unwrap();
    let end = SHOP.find("\n        - AWSL").unwrap();
    let item = Span { start, end, ..span(SHOP, "Effect") };
    let after = format!("{}{}{}", SHOP[..start - 2].trim_end(), " []", &SHOP[end..]);
    gives(SHOP, &[Change::RemoveAt { span: item }], &after);
    let last = "Resources:\n  A:\n    Type: X\n    B: 1";
    gives(last, &[remove("A", "B")], "Resources:\n  A:\n    Type: X");
    gives(last, &[remove("A", "B"), remove("A", "Type")], "Resources:\n  A: {}");
}

#[test]
fn sections_are_made_in_their_usual_order() {
    let parameter = Literal::map([("Type", Literal::text("String")), ("NoEcho", Literal::Flag(true))]);
    let after = with("2016-10-31\n\n", "2016-10-31\n\nParameters:\n  Secret:\n    Type: String\n    NoEcho: true\n\n");
    gives(SHOP, &[declare("Parameters", "Secret", parameter.clone())], &after);
    let resource = Literal::map([("Type", Literal::text("AWS::SNS::Topic"))]);
    gives(
        SHOP,
        &[declare("Resources", "Alarms", resource.clone())],
        &format!("{SHOP}\n  Alarms:\n    Type: AWS::SNS::Topic\n"),
    );
    let two = [declare("Resources", "A", resource.clone()), set("A", "Properties X", Literal::text("y"))];
    gives(SHOP, &two, &format!("{SHOP}\n  A:\n    Type: AWS::SNS::Topic\n    Properties:\n      X: 'y'\n"));
    gives(
        "# top\nResources:\n A: {Type: X}\n",
        &[declare("Globals Function", "Tracing", Literal::text("Active"))],
        "# top\nGlobals:\n Function:\n  Tracing: Active\nResources:\n A: {Type: X}\n",
    );
    gives(
        "Resources:\n  A: {Type: X}\nParameters:\n",
        &[declare("Parameters", "P", resource)],
        "Resources:\n  A: {Type: X}\nParameters:\n  P:\n    Type: AWS::SNS::Topic\n",
    );
}

#[test]
fn the_authors_layout_is_kept() {
    let text =
        "Resources:\r\n   A:\r\n      Type: X\r\n      List:\r\n      - {Ref: B}\r\n      - c\r\n      Say: \"a\"\r\n";
    let value =
        Literal::List(vec![Literal::map([("On", Literal::List(vec![Literal::reference("B"), Literal::text("no")]))])]);
    gives(
        text,
        &[set("A", "Deep Er", value)],
        &format!(
            "{text}      Deep:\r\n         Er:\r\n         - 'On':\r\n           - Ref: B\r\n           - \"no\"\r\n"
        )
        .replace("'On'", "\"On\""),
    );
    let flow = "Resources:\n  A: {Type: X, Properties: {List: [a, 'b'], More: {}}} # note\n";
    gives(flow, &[append("A", "Properties List", Literal::text("*"))], &flow.replace("'b'", "'b', '*'"));
    gives(flow, &[set("A", "Properties T", Literal::reference("B"))], &flow.replace("{}}", "{}, T: !Ref B}"));
    gives(flow, &[set("A", "Properties More X", Literal::Flag(true))], &flow.replace("{}", "{X: true}"));
    gives(flow, &[remove("A", "Properties List")], &flow.replace("List: [a, 'b'], ", ""));
    gives(flow, &[remove("A", "Properties")], &flow.replace(", Properties: {List: [a, 'b'], More: {}}", ""));
    gives(flow, &[remove_at(flow, "'b'")], &flow.replace(", 'b'", ""));
    let quoted =
        "Resources:\n  A:\n    Type: X\n    Policy: {\n      \"Version\": \"1\",\n      \"Act\": [\"a\"]\n    }\n";
    gives(
        quoted,
        &[set("A", "Policy Id", Literal::text("x"))],
        &quoted.replace("[\"a\"]", "[\"a\"],\n      \"Id\": \"x\""),
    );
    let spread = "Resources:\n  A:\n    List: [\n      a, # first\n      b # last\n    ]\n";
    gives(spread, &[append("A", "List", Literal::text("c"))], &spread.replace("b #", "b,\n      c #"));
}

#[test]
fn comments_and_blank_lines_stay_where_they_are() {
    let text = "Resources:\n  A:\n    Type: X\n    # about P\n    P: # why\n      # what\n      - a # one\n\n      # - b\n    # end\n\n  # about B\n  B:\n    Type: Y # last";
    gives(text, &[append("A", "P", Literal::text("z"))], &text.replace("# one\n", "# one\n      - z\n"));
    gives(text, &[set("A", "P", Literal::text("z"))], &text.replace("- a # one", "z # one"));
    gives(text, &[set("A", "P", Literal::map([("Q", Literal::Number(1))]))], &text.replace("- a # one", "Q: 1 # one"));
    gives(text, &[set("B", "C", Literal::Number(1))], &format!("{text}\n    C: 1"));
    gives(
        "Resources:\n  A:\n    Type: X\n    Code: |\n      a\n\n      b\n\n  B: {}\n",
        &[set("A", "C", Literal::Number(1))],
        "Resources:\n  A:\n    Type: X\n    Code: |\n      a\n\n      b\n    C: 1\n\n  B: {}\n",
    );
    gives(
        "Resources:\n  A:\n    Properties:   # none\n  B: {}\n",
        &[set("A", "Properties C", Literal::Number(1))],
        "Resources:\n  A:\n    Properties:   # none\n      C: 1\n  B: {}\n",
    );
}

const JSON: &str = "{\n  \"Resources\": {\n    \"A\": {\n      \"Type\": \"X\",\n      \"List\": [\"a\", \"b\"],\n      \"Tall\": [\n        1\n      ]\n    }\n  }\n}\n";

#[test]
fn json_stays_json() {
    let value = Literal::map([("B", Literal::List(vec![Literal::attribute("C", "Arn"), Literal::text("\u{1}\"")]))]);
    gives(JSON, &[set("A", "Properties", value)], &JSON.replace("        1\n      ]", "        1\n      ],\n      \"Properties\": {\n        \"B\": [\n          {\n            \"Fn::GetAtt\": [\n              \"C\",\n              \"Arn\"\n            ]\n          },\n          \"\\u0001\\\"\"\n        ]\n      }"));
    gives(JSON, &[append("A", "List", Literal::Flag(true))], &JSON.replace("\"b\"", "\"b\", true"));
    gives(JSON, &[append("A", "Tall", Literal::Number(2))], &JSON.replace("1\n", "1,\n        2\n"));
    gives(JSON, &[remove("A", "Tall")], &JSON.replace(",\n      \"Tall\": [\n        1\n      ]", ""));
    gives(JSON, &[remove_at(JSON, "1")], &JSON.replace("[\n        1\n      ]", "[]"));
    gives(JSON, &[replace(JSON, "\"X\"", Literal::text("Y"))], &JSON.replace("\"X\"", "\"Y\""));
    gives(
        JSON,
        &[declare("Parameters", "P", Literal::map([]))],
        &JSON.replacen("    }\n  }\n", "    }\n  },\n  \"Parameters\": {\n    \"P\": {}\n  }\n", 1),
    );
    let tight = "{\"Resources\":{\"A\":{\"Type\":\"X\",\"L\":[],\"E\":{}}}}";
    gives(
        tight,
        &[set("A", "Properties B", Literal::List(vec![Literal::Number(1), Literal::Number(2)]))],
        &tight.replace("\"E\":{}", "\"E\":{},\"Properties\":{\"B\":[1,2]}"),
    );
    gives(
        tight,
        &[append("A", "L", Literal::text("x")), set("A", "E F", Literal::Flag(false))],
        &tight.replace("[]", "[\"x\"]").replace("{}", "{\"F\":false}"),
    );
    let tabs = "{\n\t\"Resources\": {\n\t\t\"A\": {\n\t\t\t\"Type\": \"X\"\n\t\t}\n\t}\n}";
    gives(
        tabs,
        &[set("A", "B C", Literal::Number(1))],
        &tabs.replace("\"X\"", "\"X\",\n\t\t\t\"B\": {\n\t\t\t\t\"C\": 1\n\t\t\t}"),
    );
}

#[test]
fn intrinsics_are_written_as_the_text_writes_them() {
    let sub = Literal::map([("Fn::Sub", Literal::text("a: ${B}"))]);
    let choice =
        Literal::map([("Fn::If", Literal::List(vec![Literal::text("C"), sub.clone(), Literal::reference("D")]))]);
    let long = Literal::map([(
        "Fn::If",
        Literal::List(vec![
            Literal::text("C"),
            Literal::map([("K", Literal::Number(1))]),
            Literal::reference("AWS::NoValue"),
        ]),
    )]);
    let twice = Literal::map([("Fn::Base64", sub.clone())]);
    let tags = "Resources:\n  A:\n    X: !Ref Y\n";
    gives(tags, &[set("A", "Z", choice.clone())], &format!("{tags}    Z: !If [C, !Sub 'a: ${{B}}', !Ref D]\n"));
    gives(
        tags,
        &[set("A", "Z", long)],
        &format!("{tags}    Z: !If\n      - C\n      - K: 1\n      - !Ref AWS::NoValue\n"),
    );
    gives(tags, &[set("A", "Z", twice)], &format!("{tags}    Z:\n      Fn::Base64: !Sub 'a: ${{B}}'\n"));
    let maps = "Resources:\n  A:\n    X:\n      Ref: Y\n";
    gives(maps, &[set("A", "Z", sub)], &format!("{maps}    Z:\n      Fn::Sub: 'a: ${{B}}'\n"));
    gives(
        maps,
        &[set("A", "Z", Literal::attribute("B", "Arn"))],
        &format!("{maps}    Z:\n      Fn::GetAtt:\n        - B\n        - Arn\n"),
    );
    gives(tags, &[replace(tags, "Y", Literal::text("Other"))], &tags.replace("Ref Y", "Ref Other"));
    let half = "Resources:\n  A:\n    X: !GetAtt Y.Arn\n    Z: !Sub \"${Q}-x\"\n";
    gives(half, &[replace(half, "Y", Literal::text("Other"))], &half.replace("Y.", "Other."));
    gives(half, &[replace(half, "Q", Literal::text("Other"))], &half.replace("{Q}", "{Other}"));
}

#[test]
fn what_cannot_be_changed_alone_is_refused() {
    let anchors = "Base: &base\n  A: 1\n  B: {C: 2}\nResources:\n  X: *base\n  Y:\n    <<: *base\n    D: 1\n  Z:\n    P: &p [a]\n    Q: *p\n";
    assert!(refused(anchors, set("X", "A", Literal::Number(2))).contains("alias"));
    assert!(refused(anchors, set("Y", "A", Literal::Number(2))).contains("merge"));
    assert!(refused(anchors, append("Z", "Q", Literal::Number(2))).contains("alias"));
    assert!(refused(anchors, append("Z", "P", Literal::Number(2))).contains("several places"));
    assert!(refused(anchors, remove("Y", "B")).contains("merge"));
    gives(anchors, &[set("Y", "E", Literal::Number(2))], &anchors.replace("D: 1\n", "D: 1\n    E: 2\n"));
    let chosen = "Resources:\n  X:\n    P: !If [C, {A: 1}, !Ref AWS::NoValue]\n    Q: word\n";
    assert!(refused(chosen, set("X", "P A", Literal::Number(2))).contains("chosen by `Fn::If`"));
    assert!(refused(chosen, append("X", "P", Literal::Number(2))).contains("not a list"));
    assert!(refused(chosen, set("X", "Q A", Literal::Number(2))).contains("one word"));
    assert!(refused(chosen, remove_at(chosen, "{A: 1}")).contains("chosen by `Fn::If`"));
    assert!(refused(chosen, set("N", "Q", Literal::Number(2))).contains("no resource `N`"));
    assert!(
        refused("Resources: {A: {}}\n---\nb: 1\n", set("A", "B", Literal::Number(1))).contains("several documents")
    );
    assert!(refused("Resources:\n  A:\n    B: 1\n    B: 2\n    C: 3\n", remove("A", "B")).contains("twice"));
    let other = Change::Replace {
        span: Span { file: "other.yaml".into(), ..span(chosen, "word") },
        value: Literal::Flag(true),
    };
    assert!(refused(chosen, other).contains("another file"));
    let far = Change::RemoveAt { span: Span { start: 9_000, end: 9_001, ..span(chosen, "word") } };
    assert!(refused(chosen, far).contains("outside"));
}

#[test]
fn several_changes_of_one_place_come_out_as_edits_that_do_not_overlap() {
    let changes = [
        replace(SHOP, "'*'", Literal::text("x")),
        set("Orders", "Properties New", Literal::Number(1)),
        set("Orders", "Properties New", Literal::Number(2)),
        append("Orders", "Properties Policies", Literal::text("p")),
        remove_at(SHOP, "Timeout"),
        declare("Outputs", "O", Literal::map([("Value", Literal::text("v"))])),
    ];
    let edits = edits("t.yaml", SHOP.as_bytes(), &changes).unwrap();
    assert!(edits.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
    let after = with("'*'", "'x'")
        .replace("ExecutionRole\n      Timeout: 3\n", "ExecutionRole\n        - p\n      New: 2\n")
        + "\nOutputs:\n  O:\n    Value: v\n";
    assert_eq!(apply(SHOP, &edits), after);
    let twice = [remove_at(SHOP, "Timeout"), remove_at(SHOP, "Timeout")];
    assert!(super::edits("t.yaml", SHOP.as_bytes(), &twice).is_err());
}

#[test]
fn many_fixes_together_are_the_edits_that_each_is_alone() {
    let alike = [set("Orders", "Properties A", Literal::Number(1)), set("Orders", "Properties B", Literal::Number(2))];
    let fixes: Vec<Vec<Change>> = vec![
        alike.to_vec(),
        vec![set("Orders", "Properties C", Literal::text("c"))],
        vec![replace(SHOP, "'*'", Literal::text("x"))],
        vec![replace(SHOP, "'*'", Literal::text("y"))],
        vec![remove_at(SHOP, "Timeout"), set("Orders", "Properties D", Literal::Flag(true))],
        vec![remove_at(SHOP, "Timeout"), remove_at(SHOP, "Timeout")],
        vec![append("Orders", "Properties Policies", Literal::text("p"))],
        vec![declare("Outputs", "O", Literal::map([("Value", Literal::text("v"))]))],
        vec![declare("Outputs", "P", Literal::map([("Value", Literal::text("v"))]))],
        vec![],
    ];
    let written = Written::read("t.yaml", SHOP.as_bytes()).unwrap();
    let wanted: Vec<&[Change]> = fixes.iter().map(Vec::as_slice).collect();
    let together = written.edits_of_each(&wanted, usize::MAX);
    let alone: Vec<_> = wanted.iter().map(|changes| written.edits(changes)).collect();
    assert_eq!(together, alone);
    assert!(alone[5].is_err() && alone.iter().filter(|one| one.is_ok()).count() == 9);
    let hurried = written.edits_of_each(&wanted, SHOP.len() / 2);
    assert!(hurried.contains(&Err(Unwritable::TooMuch)));
}
