use brigandine_model::{
    Authentication, AuthorizerKind, Delivery, Effect, Fact, Principal, SourceKind, StoreKind, Value, Via,
};

use crate::{Input, Options, Sources, read};

mod beyond;
mod included;

fn app_of(text: &str) -> brigandine_model::App {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input {
        file: "template.yaml".into(),
        name: "shop".into(),
        bytes: text.as_bytes(),
        options: &options,
        sources: &sources,
    };
    read(&input).unwrap_or_else(|failure| panic!("{failure}")).app
}

fn shown(fact: &Fact<String>) -> String {
    match &fact.value {
        Value::Known(text) => text.clone(),
        Value::Symbolic(symbol) => symbol.to_string(),
        other => format!("{other:?}"),
    }
}

const FUNCTION: &str = "
Resources:
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      Role: !GetAtt OrdersRole.Arn
      Timeout: 20
      Code: src/orders
      DeadLetterConfig: {TargetArn: !GetAtt Dead.Arn}
      Environment:
        Variables: {TABLE: !Ref Table, MODE: fast}
  OrdersRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: {Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: lambda.amazonaws.com}}
      ManagedPolicyArns: [!Ref Shared, 'arn:aws:iam::aws:policy/AWSXrayReadOnlyAccess']
      Policies:
        - PolicyName: own
          PolicyDocument:
            Statement:
              - {Effect: Allow, Action: ['dynamodb:*'], Resource: !Sub '${Table.Arn}/index/*'}
  Shared:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Statement: [{Effect: Deny, NotAction: 's3:*', Resource: '*', Condition: {Bool: {'aws:SecureTransport': 'false'}}}]}
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: orders}}
  Dead: {Type: AWS::SQS::Queue}
";

#[test]
fn a_function_with_its_role_and_defaults() {
    let app = app_of(FUNCTION);
    let function = &app.functions[0];
    assert_eq!(function.role.as_ref().unwrap().as_str(), "OrdersRole");
    assert_eq!((function.memory.value.known(), &function.memory.provenance.via), (Some(&128), &Via::PlatformDefault));
    assert_eq!((function.timeout.value.known(), &function.timeout.provenance.via), (Some(&20), &Via::Written));
    assert_eq!(
        function.environment.iter().map(|variable| shown(&variable.value)).collect::<Vec<_>>(),
        ["${Table}", "fast"]
    );
    assert_eq!(shown(&function.failure_targets[0]), "${Dead.Arn}");
    assert!(matches!(&function.package, brigandine_model::Package::Local(path) if shown(path) == "src/orders"));
    assert_eq!(function.provenance.span.as_ref().unwrap().line, 3);
    let role = &app.roles[0];
    assert_eq!(shown(&role.statements[0].actions[0]), "dynamodb:*");
    assert_eq!(shown(&role.statements[0].resources[0]), "${Table.Arn}/index/*");
    assert_eq!(role.statements[1].effect.value, Value::Known(Effect::Deny));
    assert_eq!(shown(&role.statements[1].except_actions[0]), "s3:*");
    assert_eq!(&*role.statements[1].conditions[0].key, "aws:SecureTransport");
    assert_eq!(shown(&role.managed[0]), "arn:aws:iam::aws:policy/AWSXrayReadOnlyAccess");
    assert!(matches!(&role.trust[0].principals[0], Principal::Service(name) if shown(name) == "lambda.amazonaws.com"));
    assert_eq!(app.stores.iter().map(|store| store.kind).collect::<Vec<_>>(), [StoreKind::Table, StoreKind::Queue]);
    assert_eq!(app.unjudged, []);
}

const DESCRIBED: &str = r#"
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {FunctionName: front}}
  Live: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref F, Name: live}}
  Pool: {Type: AWS::Cognito::UserPool}
  Api:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Body:
        swagger: '2.0'
        securityDefinitions:
          People: {type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: cognito_user_pools,
            x-amazon-apigateway-authorizer: {type: cognito_user_pools, providerARNs: [!GetAtt Pool.Arn]}}
          api_key: {type: apiKey, name: x-api-key, in: header}
          Paper: {type: oauth2}
        security: [People: [shop/read]]
        x-amazon-apigateway-request-validators: {all: {validateRequestBody: true, validateRequestParameters: true}}
        definitions: {Order: {type: object, properties: {line: {$ref: '#/definitions/Line'}}}, Line: {type: string}}
        paths:
          /orders:
            get:
              parameters: [{in: query, name: page, required: true, type: string}]
              x-amazon-apigateway-request-validator: all
              x-amazon-apigateway-integration: {type: aws_proxy, httpMethod: POST, uri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Live}/invocations'}
            post:
              security: [{People: []}, {api_key: []}]
              x-amazon-apigateway-request-validator: all
              parameters: [{in: body, name: order, required: true, schema: {$ref: '#/definitions/Order'}}]
              x-amazon-apigateway-integration: {type: aws_proxy, httpMethod: POST, uri: !Join ['', ['arn:aws:apigateway:', !Ref 'AWS::Region', ':lambda:path/2015-03-31/functions/', !GetAtt F.Arn, /invocations]]}
            options:
              x-amazon-apigateway-integration:
                type: mock
                responses: {default: {responseParameters: {method.response.header.Access-Control-Allow-Origin: "'*'"}}}
          /open:
            x-amazon-apigateway-any-method:
              security: []
              x-amazon-apigateway-integration: {type: aws_proxy, uri: 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:front:live/invocations'}
          /paper:
            get:
              security: [{Paper: []}]
              x-amazon-apigateway-integration: {type: http_proxy, uri: 'http://example.com'}
  Prod:
    Type: AWS::ApiGateway::Stage
    Properties:
      RestApiId: !Ref Api
      StageName: prod
      MethodSettings:
        - {ResourcePath: '/*', HttpMethod: '*', ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20}
        - {ResourcePath: '/~1orders', HttpMethod: POST, ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2}
  Plan:
    Type: AWS::ApiGateway::UsagePlan
    Properties: {ApiStages: [{ApiId: !Ref Api, Stage: !Ref Prod}], Quota: {Limit: 100, Period: DAY}, Throttle: {RateLimit: 5, BurstLimit: 6}}
  Key: {Type: AWS::ApiGateway::ApiKey}
  PlanKey: {Type: AWS::ApiGateway::UsagePlanKey, Properties: {KeyId: !Ref Key, KeyType: API_KEY, UsagePlanId: !Ref Plan}}
"#;

#[test]
fn routes_of_a_described_api() {
    let app = app_of(DESCRIBED);
    let api = &app.apis[0];
    let table: Vec<_> = app
        .routes
        .iter()
        .map(|route| {
            (route.method.to_string(), &*route.path, route.authentication_label(api), route.function.is_some())
        })
        .collect();
    let expected = [
        ("GET", "/orders", "cognito", true),
        ("POST", "/orders", "cognito + api-key", true),
        ("ANY", "/open", "none", true),
        ("GET", "/paper", "none", false),
    ];
    assert_eq!(
        table,
        expected.map(|(method, path, who, function)| (method.to_owned(), path, who.to_owned(), function))
    );
    let AuthorizerKind::Token { issuer, .. } = &api.authorizers["People"].kind else { panic!("no token") };
    assert!(
        matches!(issuer, Value::Symbolic(symbol) if symbol.to_string() == "https://cognito-idp.${AWS::Region}.amazonaws.com/${Pool}")
    );
    let Some(Authentication::Authorizer { scopes, .. }) = app.routes[0].authentication.value.known() else {
        panic!("open")
    };
    assert_eq!(scopes, &["shop/read"]);
    assert_eq!(api.cors.as_ref().unwrap().value.known().unwrap().origins, ["*"]);
    assert_eq!(api.throttle.as_ref().unwrap().value.known().unwrap().burst, 20);
    assert_eq!(app.routes[1].throttle.as_ref().unwrap().value.known().unwrap().burst, 2);
    assert!(app.routes[0].throttle.is_none());
    assert_eq!(&*app.routes[0].required_parameters[0].name, "page");
    let model = app.routes[1].model.as_ref().unwrap();
    assert!(model.required && model.validated);
    assert!(api.models[&model.name].contains("\"Line\":{\"type\":\"string\"}"), "{}", api.models[&model.name]);
    assert_eq!(api.usage_plans[0].keys[0].as_str(), "Key");
    assert_eq!(api.usage_plans[0].quota.as_ref().unwrap().value.known().unwrap().limit, 100);
    assert_eq!(app.sources.len(), 3);
    assert_eq!(app.unjudged, []);
}

const RESOURCES: &str = r"
Resources:
  F: {Type: AWS::Lambda::Function}
  Guard: {Type: AWS::Lambda::Function}
  Rest: {Type: AWS::ApiGateway::RestApi}
  Part: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Rest, ParentId: !GetAtt Rest.RootResourceId, PathPart: orders}}
  Item: {Type: AWS::ApiGateway::Resource, Properties: {RestApiId: !Ref Rest, ParentId: !Ref Part, PathPart: '{id}'}}
  Ask: {Type: AWS::ApiGateway::Authorizer, Properties: {RestApiId: !Ref Rest, Type: TOKEN, IdentitySource: method.request.header.X, AuthorizerUri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations'}}
  Get:
    Type: AWS::ApiGateway::Method
    Properties: {RestApiId: !Ref Rest, ResourceId: !Ref Item, HttpMethod: GET, AuthorizationType: CUSTOM, AuthorizerId: !Ref Ask, ApiKeyRequired: true,
      Integration: {Type: AWS_PROXY, Uri: !Sub 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations'}}
  Http: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP, Name: x, CorsConfiguration: {AllowOrigins: ['https://a'], MaxAge: 5, AllowCredentials: true}}}
  Jwt: {Type: AWS::ApiGatewayV2::Authorizer, Properties: {ApiId: !Ref Http, AuthorizerType: JWT, Name: j, IdentitySource: ['$request.header.Authorization'], JwtConfiguration: {Issuer: 'https://issuer', Audience: [a]}}}
  Int: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Http, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn, PayloadFormatVersion: '1.0'}}
  Route: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Http, RouteKey: 'POST /x', Target: !Sub 'integrations/${Int}', AuthorizationType: JWT, AuthorizerId: !Ref Jwt}}
  Rest2: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: !Ref Http, StageName: $default, DefaultRouteSettings: {ThrottlingRateLimit: 2.5}, RouteSettings: {'POST /x': {ThrottlingBurstLimit: 9}}}}
  Quick: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP, Name: q, Target: !GetAtt F.Arn}}
  Url: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref F, AuthType: NONE}}
";

#[test]
fn routes_that_are_resources() {
    let app = app_of(RESOURCES);
    let table: Vec<_> = app
        .routes
        .iter()
        .map(|route| {
            format!("{} {} {}", route.method, route.path, route.authentication_label(app.api(&route.api).unwrap()))
        })
        .collect();
    assert_eq!(table, ["GET /orders/{id} lambda + api-key", "POST /x jwt", "ANY $default none", "ANY $default none"]);
    assert!(app.routes.iter().all(|route| route.function.as_ref().is_some_and(|id| id.as_str() == "F")));
    assert_eq!(app.routes[1].throttle.as_ref().unwrap().value.known().unwrap().burst, 9);
    let cors = app.apis[1].cors.as_ref().unwrap().value.known().unwrap();
    assert_eq!((cors.max_age, cors.credentials), (Some(5), true));
    assert_eq!(app.unjudged, []);
}

const EVENTS: &str = r#"
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {FunctionName: !Sub '${AWS::StackName}-f'}}
  Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt D.Arn, maxReceiveCount: 3}}}
  D: {Type: AWS::SQS::Queue}
  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref F, EventSourceArn: !GetAtt Q.Arn, BatchSize: 5, FunctionResponseTypes: [ReportBatchItemFailures]}}
  Night: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 day), Targets: [{Id: a, Arn: !GetAtt F.Arn, DeadLetterConfig: {Arn: !GetAtt D.Arn}}]}}
  Bus: {Type: AWS::Events::Rule, Properties: {EventPattern: {source: [x]}, Targets: [{Id: a, Arn: !Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-f'}]}}
  T: {Type: AWS::SNS::Topic, Properties: {Subscription: [{Protocol: lambda, Endpoint: !GetAtt F.Arn}]}}
  B: {Type: AWS::S3::Bucket, Properties: {NotificationConfiguration: {LambdaConfigurations: [{Event: 's3:ObjectCreated:*', Function: !GetAtt F.Arn}]}}}
  W: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionString: !Sub '{"States": {"A": {"Resource": "${F.Arn}"}}}'}}
  U: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {PreSignUp: !GetAtt F.Arn}}}
  P: {Type: AWS::Lambda::Permission, Properties: {FunctionName: !Ref F, Action: 'lambda:InvokeFunction', Principal: iot.amazonaws.com, SourceAccount: !Ref 'AWS::AccountId'}}
  QP: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Q], PolicyDocument: {Statement: [{Effect: Allow, Principal: '*', Action: 'sqs:SendMessage', Resource: '*', Condition: {ArnEquals: {'aws:SourceArn': !Ref T}}}]}}}
"#;

#[test]
fn everything_that_starts_a_function() {
    let app = app_of(EVENTS);
    let kinds: Vec<_> = app.sources.iter().map(|source| (source.kind.clone(), source.delivery)).collect();
    assert_eq!(
        kinds,
        [
            (SourceKind::Queue, Delivery::Poll),
            (SourceKind::Schedule, Delivery::Async),
            (SourceKind::Bus, Delivery::Async),
            (SourceKind::Topic, Delivery::Async),
            (SourceKind::Bucket, Delivery::Async),
            (SourceKind::Workflow, Delivery::Sync),
            (SourceKind::Identity, Delivery::Sync),
            (SourceKind::Other("iot".into()), Delivery::Async),
        ]
    );
    assert_eq!(app.sources[0].batch_size.as_ref().unwrap().value.known(), Some(&5));
    assert_eq!(app.sources[0].partial_batches.as_ref().unwrap().value.known(), Some(&true));
    assert_eq!(shown(app.sources[1].failure_target.as_ref().unwrap()), "${D.Arn}");
    assert_eq!(shown(app.stores[0].failure_target.as_ref().unwrap()), "${D.Arn}");
    assert_eq!(app.grants.len(), 2);
    assert_eq!(app.grants[1].principal, Principal::Internet);
    assert_eq!(shown(app.grants[1].source.as_ref().unwrap()), "${T}");
}

#[test]
fn suppressions_cover_lines_resources_and_files() {
    let app = app_of(
        "# brigandine: ignore AP001 reason=\"a public shop\" owner=team until=2027-01-31\nResources:\n  # brigandine: ignore LP001,LP003 reason=x\n  # more words\n  F: # brigandine: ignore DE002\n    Type: AWS::Lambda::Function\n    Metadata: {Brigandine: {Ignore: [{Code: DW002, Reason: 'no one waits', Until: 2026-12-01}]}}\n  G: {Type: AWS::Lambda::Function} # brigandine: ignore MO001 until=soon\n",
    );
    let told: Vec<_> = app.suppressions.iter().map(|one| format!("{} {:?}", one.code, one.scope)).collect();
    assert_eq!(
        told,
        ["AP001 File", "LP001 Line(5)", "LP003 Line(5)", "DE002 Line(5)", "DW002 Resource(LogicalId(\"F\"))"]
    );
    assert_eq!(app.suppressions[0].reason.as_deref(), Some("a public shop"));
    assert_eq!(app.suppressions[0].until.unwrap().to_string(), "2027-01-31");
    assert!(app.unjudged.iter().any(|fact| fact.reason.contains("`soon` is not a date")));
}

#[test]
fn what_cannot_be_settled_is_told() {
    let app = app_of(
        "Resources:\n  A: {Type: AWS::ApiGateway::RestApi, Properties: {Body: {paths: {/x: {get: {x-amazon-apigateway-integration: {type: aws_proxy, uri: !ImportValue other}}}}}}}\n  R: {Type: AWS::IAM::Role, Properties: {Policies: [{PolicyDocument: !ImportValue p}]}}\n",
    );
    let reasons: Vec<_> = app.unjudged.iter().map(|fact| &*fact.reason).collect();
    assert!(reasons.iter().any(|reason| reason.contains("imported as `other`")), "{reasons:?}");
    assert!(reasons.contains(&"the policy is computed"));
    assert_eq!(app.routes[0].target.as_deref(), Some("unknown"));
}

const SERVERLESS: &str = "
Transform: AWS::Serverless-2016-10-31
Parameters:
  Mode: {Type: String, Default: narrow, AllowedValues: [narrow, wide]}
Globals:
  Function: {Runtime: python3.13, Timeout: 9}
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/orders
      Handler: app.handler
      Policies:
        - DynamoDBReadPolicy: {TableName: !Ref Table}
      Environment:
        Variables: {MODE: !Ref Mode}
      Events:
        Place:
          Type: HttpApi
          Properties: {Path: /orders, Method: POST}
        Queue: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn}}
  Table: {Type: AWS::DynamoDB::Table}
  Jobs: {Type: AWS::SQS::Queue}
";

#[test]
fn a_serverless_template_is_expanded_and_points_at_what_a_person_wrote() {
    let app = app_of(SERVERLESS);
    let function = &app.functions[0];
    assert_eq!(function.provenance.span.as_ref().unwrap().line, 8);
    assert_eq!((function.timeout.value.known(), &function.timeout.provenance.via), (Some(&9), &Via::Globals));
    assert_eq!(function.timeout.provenance.span.as_ref().unwrap().line, 6);
    assert!(matches!(&function.package, brigandine_model::Package::Local(path) if shown(path) == "src/orders"));
    assert!(
        matches!(&function.environment[0].value.value, Value::OneOf(cases) if cases.len() == 2 && &*cases[0].when == "Mode=narrow")
    );
    let role = app.role(function.role.as_ref().unwrap()).unwrap();
    assert_eq!(role.statements[0].provenance.via, Via::PolicyTemplate("DynamoDBReadPolicy".into()));
    assert_eq!(app.resources[&role.id].implied_by.as_ref().unwrap().as_str(), "Orders");
    let route = &app.routes[0];
    assert_eq!((&*route.path, route.provenance.span.as_ref().unwrap().line), ("/orders", 18));
    assert_eq!(
        app.sources.iter().map(|source| source.kind.clone()).collect::<Vec<_>>(),
        [SourceKind::Api, SourceKind::Queue]
    );
    assert_eq!(app.unjudged, []);
}

#[test]
fn an_external_description_is_asked_for_and_gets_no_authorizer_from_the_transform() {
    let text = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Api:\n    Type: AWS::Serverless::Api\n    Properties:\n      StageName: live\n      DefinitionUri: api/open.yaml\n  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: ., Handler: a.b, Runtime: python3.13}}\n";
    let options = Options::default();
    let mut sources = Sources::default();
    let outcome = |sources: &Sources| {
        let input =
            Input { file: "t.yaml".into(), name: "x".into(), bytes: text.as_bytes(), options: &options, sources };
        read(&input)
    };
    let Err(crate::Failure::Missing(paths)) = outcome(&sources) else { panic!("not asked for") };
    assert_eq!(paths, ["api/open.yaml"]);
    let body = "swagger: '2.0'\npaths:\n  /x:\n    get:\n      x-amazon-apigateway-integration: {type: aws_proxy, uri: {'Fn::Sub': 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations'}}\n";
    let mut absent = sources.clone();
    absent.insert("api/open.yaml", None);
    let app = outcome(&absent).unwrap().app;
    assert!(app.unjudged.iter().any(|fact| &*fact.reason == "the file `api/open.yaml` could not be read"));
    sources.insert("api/open.yaml", Some(body.as_bytes().to_vec()));
    let app = outcome(&sources).unwrap().app;
    assert_eq!(app.routes[0].function.as_ref().unwrap().as_str(), "F");
    assert_eq!(app.routes[0].authentication.value, Value::Known(Authentication::Open));
    assert_eq!(app.routes[0].provenance.span.as_ref().unwrap().line, 7);
}

#[test]
fn what_guards_by_default_is_read_from_the_api_globals_or_the_description() {
    let default = |text: &str| {
        let app = app_of(text);
        app.apis.first().and_then(|api| api.default_authorizer.as_ref().map(shown))
    };
    let function = "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Runtime: python3.13, Handler: a.b, InlineCode: x, Events: {E: {Type: Api, Properties: {Path: /, Method: get}}}}\n";
    let globals = format!("Globals: {{Api: {{Auth: {{DefaultAuthorizer: AWS_IAM}}}}}}\n{function}");
    assert_eq!(default(&globals).as_deref(), Some("AWS_IAM"));
    assert_eq!(default(&globals.replace("AWS_IAM", "NONE")), None);
    assert_eq!(default(function), None);
    let described = "Resources:\n  A:\n    Type: AWS::ApiGateway::RestApi\n    Properties: {Body: {security: [{s: []}], securityDefinitions: {s: {type: apiKey, in: header, name: Authorization, x-amazon-apigateway-authtype: awsSigv4}}, paths: {/: {get: {}}}}}\n";
    assert_eq!(default(described).as_deref(), Some("s"));
}

#[test]
fn whoever_is_everyone_in_one_case_only_is_not_settled() {
    let app = app_of(
        "Parameters: {Mode: {Type: String, Default: a, AllowedValues: [a, b]}}\nConditions: {Wide: !Equals [!Ref Mode, b]}\nResources:\n  Q: {Type: AWS::SQS::Queue}\n  P: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Q], PolicyDocument: {Statement: [{Effect: Allow, Principal: !If [Wide, '*', {AWS: '123456789012'}], Action: 'sqs:*', Resource: '*', Condition: {Bool: {'aws:SecureTransport': true}}}]}}}\n",
    );
    let principals: Vec<_> = app.grants.iter().map(|grant| &grant.principal).collect();
    assert!(
        matches!(principals.as_slice(), [Principal::Account(_), Principal::Unknown(why)] if why.contains("Mode=b"))
    );
    assert_eq!(app.grants[0].conditions[0].key.as_ref(), "aws:SecureTransport");
}

#[test]
fn circular_conditions_are_told_and_both_cases_kept() {
    let app = app_of(
        "Conditions:\n  A: !Not [!Condition B]\n  B: !Or [!Condition A, !Condition A]\nResources:\n  F: {Type: AWS::Lambda::Function, Properties: {Handler: !If [A, x, y]}}\n",
    );
    assert!(app.unjudged.iter().any(|fact| fact.reason.contains("refers to itself")), "{:?}", app.unjudged);
    assert_eq!(app.functions[0].handler.as_ref().unwrap().value.settled(), ["x", "y"]);
}

#[test]
fn files_outside_are_not_asked_for() {
    let app = app_of(
        "Resources:\n  A: {Type: AWS::ApiGateway::RestApi, Properties: {BodyS3Location: /etc/passwd}}\n  B: {Type: AWS::ApiGateway::RestApi, Properties: {BodyS3Location: 's3://b/k'}}\n",
    );
    let reasons: Vec<_> = app.unjudged.iter().map(|fact| &*fact.reason).collect();
    assert!(reasons.contains(&"`/etc/passwd` leads out of the repository"), "{reasons:?}");
    assert!(reasons.contains(&"`s3://b/k` is not beside the template"), "{reasons:?}");
}

#[test]
fn what_is_no_template_is_said_in_one_sentence() {
    let told = |file: &str, text: &str| {
        let (options, sources) = (Options::default(), Sources::default());
        let input =
            Input { file: file.into(), name: "x".into(), bytes: text.as_bytes(), options: &options, sources: &sources };
        read(&input).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        told("app/host.json", "{}"),
        "`app/host.json` belongs to Azure Functions, which is not read yet: SAM templates, CloudFormation templates and the output of `cdk synth` are"
    );
    assert!(told("main.tf", "resource {}").contains("belongs to Terraform"));
    assert!(told("x.yml", "service: a\nprovider: {name: aws}\n").contains("belongs to Serverless Framework"));
    assert_eq!(
        told("x.yml", "a: 1\n"),
        "the file has no `Resources`, so it is neither a SAM nor a CloudFormation template"
    );
    assert_eq!(told("x.yml", "Resources:\n"), "`Resources` is not a map of resources");
    assert_eq!(told("x.yml", "Resources: {}\n"), "`Resources` is empty");
    assert_eq!(told("x.yml", "- a\n"), "the file holds no map of sections, so it is not a template");
}
