//! Where the nodes of a result come from.

use brigandine_model::Via;

use super::{ExpandError, Options, expand};
use crate::load;
use crate::node::{Node, Origin};

const SHOP: &str = r"Transform: AWS::Serverless-2016-10-31
Parameters:
  Level: {Type: String, Default: info}
Globals:
  Function:
    Timeout: 7
    Environment:
      Variables: {SHARED: yes-please}
Resources:
  Table:
    Type: AWS::Serverless::SimpleTable
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://bucket/key
      Handler: app.handler
      Runtime: python3.13
      AutoPublishAlias: !Ref Level
      Environment:
        Variables: {OWN: text}
      Policies:
        - DynamoDBReadPolicy: {TableName: !Ref Table}
      Events:
        List:
          Type: Api
          Properties: {Path: /orders, Method: get}
Outputs:
  Alias: {Value: !Ref Orders.Alias}
";

fn expanded(text: &str) -> Result<Node, Vec<ExpandError>> {
    let document = load::load(&"template.yaml".into(), text.as_bytes()).unwrap();
    expand(document.root, &Options::default())
}

fn line(origin: &Origin) -> u32 {
    origin.place.unwrap().line
}

fn at<'n>(root: &'n Node, path: &[&str]) -> &'n Node {
    root.at(path).unwrap_or_else(|| panic!("nothing at {path:?}"))
}

#[test]
fn what_globals_says_keeps_its_line_there() {
    let root = expanded(SHOP).unwrap();
    let timeout = at(&root, &["Resources", "Orders", "Properties", "Timeout"]);
    assert_eq!((timeout.origin.via.clone(), line(&timeout.origin)), (Via::Globals, 6));
    let variables = at(&root, &["Resources", "Orders", "Properties", "Environment", "Variables"]);
    let shared = variables.as_map().unwrap().key_origin("SHARED").unwrap();
    assert_eq!((shared.via.clone(), line(shared)), (Via::Globals, 8));
    let own = at(variables, &["OWN"]);
    assert_eq!((own.origin.via.clone(), line(&own.origin)), (Via::Written, 20));
}

#[test]
fn what_nobody_wrote_is_blamed_on_what_implied_it() {
    let root = expanded(SHOP).unwrap();
    let role = at(&root, &["Resources", "OrdersRole", "Properties", "AssumeRolePolicyDocument"]);
    assert_eq!((role.origin.via.clone(), line(&role.origin)), (Via::Implicit, 13));
    let permission = at(&root, &["Resources", "OrdersListPermissionProd", "Properties", "Principal"]);
    assert_eq!((permission.origin.via.clone(), line(&permission.origin)), (Via::Implicit, 25));
    let api = at(&root, &["Resources", "ServerlessRestApi"]);
    assert_eq!((api.origin.via.clone(), line(&api.origin)), (Via::Implicit, 25));
    let route = at(&root, &["Resources", "ServerlessRestApi", "Properties", "Body", "paths", "/orders", "get"]);
    assert_eq!((route.origin.via.clone(), line(&route.origin)), (Via::Implicit, 25));
}

#[test]
fn statements_of_a_policy_template_name_it_and_its_use() {
    let root = expanded(SHOP).unwrap();
    let policies = at(&root, &["Resources", "OrdersRole", "Properties", "Policies"]).as_list().unwrap();
    let statements = at(&policies[0], &["PolicyDocument", "Statement"]);
    let action = at(&statements.as_list().unwrap()[0], &["Action"]);
    assert_eq!(action.origin.via, Via::PolicyTemplate("DynamoDBReadPolicy".into()));
    assert_eq!(line(&action.origin), 22);
}

#[test]
fn references_to_what_is_made_are_rewritten() {
    let root = expanded(SHOP).unwrap();
    let alias = at(&root, &["Outputs", "Alias", "Value", "Ref"]);
    assert_eq!(alias.as_text(), Some("OrdersAliasinfo"));
    assert!(root.at(&["Resources", "OrdersAliasinfo"]).is_some());
}

#[test]
fn a_replaced_reference_names_its_parameter() {
    let text = SHOP.replace("s3://bucket/key", "{Bucket: b, Key: !Ref Level}");
    let root = expanded(&text).unwrap();
    let key = at(&root, &["Resources", "Orders", "Properties", "Code", "S3Key"]);
    assert_eq!((key.as_text(), key.origin.parameter.as_deref()), (Some("info"), Some("Level")));
    assert_eq!(line(&key.origin), 15);
}

#[test]
fn a_refusal_stands_where_the_fault_does() {
    let errors = expanded(&SHOP.replace("s3://bucket/key", "src/orders")).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].resource.as_deref(), Some("Orders"));
    assert_eq!(line(&errors[0].origin), 15);
    assert!(errors[0].message.starts_with("Resource with id [Orders] is invalid. 'CodeUri'"));
}

#[test]
fn a_kind_not_built_yet_is_refused_by_name_and_an_unknown_one_let_be() {
    let errors = expanded("Resources: {Vm: {Type: AWS::Serverless::MicrovmImage}}").unwrap_err();
    assert_eq!(
        errors[0].message,
        "Resource with id [Vm] is invalid. `AWS::Serverless::MicrovmImage` is not expanded here yet."
    );
    let root = expanded("Resources: {Other: {Type: AWS::Serverless::Novelty}}").unwrap();
    assert!(root.at(&["Resources", "Other"]).is_some());
}

#[test]
fn odd_shapes_are_refused_and_never_crash() {
    for odd in ["null", "[]", "{}", "text", "5", "{Ref: X}", "{Fn::If: [A]}", "{Fn::Sub: [1]}", "[null]", "{a: null}"] {
        for property in
            ["CodeUri", "Events", "Policies", "Environment", "Tags", "EventInvokeConfig", "FunctionUrlConfig"]
        {
            let text = format!(
                "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: a.b\n      \
                 Runtime: python3.13\n      {property}: {odd}\n"
            );
            if let Err(errors) = expanded(&text) {
                assert!(!errors.is_empty());
            }
        }
    }
}
