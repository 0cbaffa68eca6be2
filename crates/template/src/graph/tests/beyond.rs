//! What leads beyond one resource: layers, events merged into others, APIs and services elsewhere.

use brigandine_model::{ApiStyle, Authentication, Delivery, EventSource, Package, SourceKind, Value, Via};

use super::{app_of, shown};

const LAYERS: &str = "
Transform: AWS::Serverless-2016-10-31
Parameters: {Foreign: {Type: String}}
Conditions: {Wide: !Equals [!Ref Foreign, x]}
Globals: {Function: {Runtime: python3.13, Handler: a.b, Layers: [!Ref Shared]}}
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/shared/}
  Packed: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: 's3://bucket/key.zip'}}
  Plain: {Type: AWS::Lambda::LayerVersion, Properties: {Content: layers/plain}}
  Asset:
    Type: AWS::Lambda::LayerVersion
    Metadata: {'aws:asset:path': asset.abc}
    Properties: {Content: {S3Bucket: b, S3Key: k}}
  Bare: {Type: AWS::Lambda::LayerVersion}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Layers: [!Ref Packed, !GetAtt Plain.LayerVersionArn, !If [Wide, !Ref Asset, !Ref Foreign]]
";

#[test]
fn layers_are_there_and_functions_refer_to_them_by_their_id() {
    let app = app_of(LAYERS);
    let told: Vec<_> = app
        .layers
        .iter()
        .map(|layer| {
            let package = match &layer.package {
                Package::Local(path) => format!("local {}", shown(path)),
                Package::Remote(path) => format!("remote {}", shown(path)),
                other => format!("{other:?}"),
            };
            (package, layer.provenance.span.as_ref().unwrap().line)
        })
        .collect();
    let expected = [
        ("local layers/shared/", 7),
        ("remote s3://bucket/key.zip", 10),
        ("local layers/plain", 11),
        ("local asset.abc", 12),
        ("Missing", 16),
    ];
    assert_eq!(told, expected.map(|(package, line)| (package.to_owned(), line)));
    let ids: Vec<_> = app.layers.iter().map(|layer| layer.id.clone()).collect();
    assert!(ids[0].as_str().starts_with("Shared") && ids[0].as_str() != "Shared", "{ids:?}");
    let mut referred: Vec<Option<brigandine_model::LogicalId>> =
        app.functions[0].layers.iter().map(crate::resolve::referred).collect();
    referred.sort();
    let mut expected: Vec<_> = ids[..4].iter().cloned().map(Some).chain([None]).collect();
    expected.sort();
    assert_eq!(referred, expected, "{:?}", app.functions[0].layers);
}

const MERGED: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  Photos: {Type: AWS::S3::Bucket}
  Pool: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: people}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src
      Handler: a.b
      Runtime: python3.13
      Events:
        Upload:
          Type: S3
          Properties: {Bucket: !Ref Photos, Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']}
        Join:
          Type: Cognito
          Properties: {UserPool: !Ref Pool, Trigger: PreSignUp}
        Told:
          Type: SNS
          Properties: {Topic: arn:aws:sns:eu-west-1:123456789012:told}
  Own:
    Type: AWS::S3::Bucket
    Properties:
      NotificationConfiguration:
        LambdaConfigurations:
          - {Event: 's3:ObjectCreated:*', Function: !GetAtt F.Arn}
";

#[test]
fn an_event_merged_into_another_resource_is_told_where_a_person_wrote_it() {
    let app = app_of(MERGED);
    let line = |source: &EventSource| source.provenance.span.as_ref().map(|span| span.line);
    let mut told: Vec<_> = app.sources.iter().map(|source| (source.kind.clone(), line(source))).collect();
    told.sort();
    assert_eq!(
        told,
        [
            (SourceKind::Topic, Some(19)),
            (SourceKind::Bucket, Some(13)),
            (SourceKind::Bucket, Some(27)),
            (SourceKind::Identity, Some(16)),
        ]
    );
    assert_eq!(app.sources.iter().find(|source| line(source) == Some(13)).unwrap().provenance.via, Via::Implicit);
}

#[test]
fn a_route_added_to_an_api_elsewhere_is_a_route_of_that_api() {
    let app = app_of(
        r"
Parameters: {Shared: {Type: String}, Parent: {Type: String}}
Resources:
  Orders: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Shared, ParentId: !Ref Parent, PathPart: orders}}
  Get: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !Ref Shared, ResourceId: !Ref Orders, HttpMethod: GET, AuthorizationType: NONE, Integration: {Type: AWS_PROXY, Uri: !GetAtt F.Arn}}}
  Put: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !Ref Shared, ResourceId: !Ref Parent, HttpMethod: PUT, AuthorizationType: CUSTOM, AuthorizerId: !Ref Guard, Integration: {Type: MOCK}}}
  Guard: {Type: AWS::ApiGateway::Authorizer, Properties: {RestApiId: !Ref Shared, Type: TOKEN, AuthorizerUri: !GetAtt F.Arn}}
  Old: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !ImportValue 'net-Api', ResourceId: !ImportValue net-Root, HttpMethod: POST, AuthorizationType: AWS_IAM, Integration: {Type: MOCK}}}
  Same: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: F, ResourceId: abc, HttpMethod: POST, AuthorizationType: NONE}}
  New: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !GetAtt Net.Outputs.Api, RouteKey: GET /new, Target: !Sub 'integrations/${I}'}}
  I: {Type: AWS::ApiGatewayV2::Integration, Properties: {IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn}}
  Lost: {Type: AWS::ApiGateway::Method, Properties: {HttpMethod: GET, AuthorizationType: NONE}}
  Net: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: 'https://x'}}
  F: {Type: AWS::Lambda::Function}
",
    );
    let told: Vec<_> =
        app.routes.iter().map(|route| format!("{} {} {}", route.api, route.method, route.path)).collect();
    assert_eq!(
        told,
        [
            "Shared GET /orders",
            "Shared PUT /{proxy+}",
            "net-Api POST /{proxy+}",
            "F (elsewhere) POST /{proxy+}",
            "Net.Outputs.Api GET /new"
        ]
    );
    assert_eq!(app.routes[0].function.as_ref().unwrap().as_str(), "F");
    assert_eq!(app.routes[0].authentication.value, Value::Known(Authentication::Open));
    assert!(
        matches!(&app.routes[1].authentication.value, Value::Known(Authentication::Authorizer { name, .. }) if &**name == "Guard")
    );
    assert!(app.apis[0].authorizers.contains_key("Guard"));
    assert_eq!(app.apis.last().unwrap().style, ApiStyle::Http);
    assert!(app.apis.iter().all(|api| matches!(api.throttle.as_ref().unwrap().value, Value::Unknown(_))));
    let reasons: Vec<_> = app.unjudged.iter().map(|fact| &*fact.reason).collect();
    for expected in [
        "the API `Shared` is not part of the template: only the routes added here are read",
        "the path of the method is only known from `/orders` on",
        "the route names no API in `RestApiId`",
    ] {
        assert_eq!(reasons.iter().filter(|reason| **reason == expected).count(), 1, "{expected}: {reasons:?}");
    }
}

#[test]
fn resources_in_a_circle_are_no_path() {
    let app = app_of(
        "Resources:\n  A: {Type: AWS::ApiGateway::RestApi}\n  P: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref A, ParentId: !Ref P, PathPart: p}}\n  M: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !Ref A, ResourceId: !Ref P, HttpMethod: GET, AuthorizationType: NONE, Integration: {Type: MOCK}}}\n",
    );
    assert_eq!(&*app.routes[0].path, "/{proxy+}");
    assert!(
        app.unjudged.iter().any(|fact| &*fact.reason == "the path of the method is not known"),
        "{:?}",
        app.unjudged
    );
}

#[test]
fn how_an_unknown_service_calls_is_not_guessed() {
    let permission = |principal: &str| {
        app_of(&format!(
            "Resources:\n  F: {{Type: AWS::Lambda::Function}}\n  P: {{Type: AWS::Lambda::Permission, Properties: {{FunctionName: !Ref F, Action: 'lambda:InvokeFunction', Principal: {principal}}}}}\n"
        ))
    };
    for principal in ["newest.amazonaws.com", "secretsmanager.amazonaws.com", "!Sub 'newest.${AWS::URLSuffix}'"] {
        let app = permission(principal);
        assert!(matches!(app.sources[0].kind, SourceKind::Other(_)), "{principal}");
        assert_eq!(app.sources[0].delivery, Delivery::Unknown, "{principal}");
        let told = &app.unjudged[0];
        assert!(told.reason.starts_with("it is not known whether `"), "{}", told.reason);
        assert_eq!(told.resource.as_ref().unwrap().as_str(), "P");
    }
    for (principal, delivery) in [
        ("iotevents.amazonaws.com", Delivery::Async),
        ("edgelambda.amazonaws.com", Delivery::Sync),
        ("batchoperations.s3.amazonaws.com", Delivery::Sync),
    ] {
        let app = permission(principal);
        assert_eq!((app.sources[0].delivery, app.unjudged.len()), (delivery, 0), "{principal}");
    }
}
