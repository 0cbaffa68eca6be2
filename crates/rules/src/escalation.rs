//! Which actions give whoever holds them more rights than they were given: facts of the platform, kept as tables.

use brigandine_model::{Judgement, Statement};

use crate::{
    case::{any, both, may_hold, texts},
    right::{Right, Wanted, rights},
    role::{Holder, Marked, covers_kind},
};

/// Changing identities: the holder writes rights for itself or for somebody it can then be. The shortest way first.
pub(crate) const IDENTITY: Wanted = &[(
    "iam",
    &[
        "AttachRolePolicy",
        "PutRolePolicy",
        "UpdateAssumeRolePolicy",
        "CreatePolicyVersion",
        "SetDefaultPolicyVersion",
        "PutRolePermissionsBoundary",
        "CreateAccessKey",
        "CreateLoginProfile",
        "UpdateLoginProfile",
        "AttachUserPolicy",
        "PutUserPolicy",
        "AttachGroupPolicy",
        "PutGroupPolicy",
        "AddUserToGroup",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DeleteUserPermissionsBoundary",
        "DetachRolePolicy",
    ],
)];

/// Those that only take away: they help where a role is held back by a denial or a boundary, and not otherwise.
const ONLY_TAKES_AWAY: &[&str] = &[
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DeleteUserPermissionsBoundary",
    "DetachRolePolicy",
    "PutRolePermissionsBoundary",
];

/// What an action on identities gives, for the end of "so it ...".
pub(crate) fn gives(name: &str) -> &'static str {
    match name {
        "AddUserToGroup" => "puts a user of the attacker's into any group",
        "AttachGroupPolicy" | "AttachRolePolicy" | "AttachUserPolicy" => "attaches the administrator's policy",
        "CreateAccessKey" => "makes itself lasting keys of another user",
        "CreateLoginProfile" | "UpdateLoginProfile" => "sets a password for another user and signs in",
        "CreatePolicyVersion" | "SetDefaultPolicyVersion" => "rewrites a policy that it is itself judged by",
        "UpdateAssumeRolePolicy" => "makes any role trust it and becomes that role",
        "PutGroupPolicy" | "PutRolePolicy" | "PutUserPolicy" => "writes itself a policy that allows everything",
        _ => "takes away what holds it back",
    }
}

/// Whether the right on identities gives more rights, rather than only fewer.
pub(crate) fn gives_more(right: &Right<'_>) -> bool {
    !ONLY_TAKES_AWAY.contains(&right.name)
}

/// Replacing what another function runs.
pub(crate) const TAKEOVER: Wanted = &[("lambda", &["UpdateFunctionCode", "UpdateFunctionConfiguration"])];

/// Handing a role to something new.
pub(crate) const PASS: Wanted = &[("iam", &["PassRole"])];

/// Making something that runs code with a role that is handed over.
pub(crate) const MAKERS: Wanted = &[
    ("apprunner", &["CreateService", "UpdateService"]),
    ("batch", &["RegisterJobDefinition"]),
    ("bedrock-agentcore", &["CreateAgentRuntime", "CreateCodeInterpreter"]),
    ("cloudformation", &["CreateChangeSet", "CreateStack", "CreateStackSet", "UpdateStack"]),
    ("codebuild", &["CreateProject", "UpdateProject"]),
    ("codepipeline", &["CreatePipeline", "UpdatePipeline"]),
    ("datapipeline", &["CreatePipeline"]),
    ("ec2", &["CreateLaunchTemplate", "ReplaceIamInstanceProfileAssociation", "RunInstances"]),
    ("ecs", &["RegisterTaskDefinition", "RunTask", "StartTask"]),
    ("emr-serverless", &["StartJobRun"]),
    ("glue", &["CreateDevEndpoint", "CreateJob", "CreateSession", "UpdateJob"]),
    ("lambda", &["CreateFunction", "UpdateFunctionConfiguration"]),
    ("sagemaker", &["CreateNotebookInstance", "CreateProcessingJob", "CreateTrainingJob"]),
    ("scheduler", &["CreateSchedule", "UpdateSchedule"]),
    ("states", &["CreateStateMachine", "UpdateStateMachine"]),
];

/// The name under which a service takes a role, where it is not the prefix of its actions.
fn taker(service: &str) -> &str {
    match service {
        "batch" | "ecs" => "ecs-tasks",
        "apprunner" => "tasks.apprunner",
        own => own,
    }
}

/// Identity changes that the role may make to anything.
pub(crate) fn identity<'a>(holder: &Holder<'a>) -> Vec<(Right<'a>, Judgement)> {
    let on_everything = |right: Right<'a>| {
        let holds = right.on_every_resource();
        (gives_more(&right) && may_hold(&holds)).then_some((right, holds))
    };
    rights(holder, IDENTITY).into_iter().filter_map(on_everything).collect()
}

/// A role that may hand over any role, and the making of something that would run with it.
pub(crate) struct Passing<'a> {
    pub(crate) pass: Right<'a>,
    pub(crate) maker: Right<'a>,
    pub(crate) holds: Judgement,
}

/// The ways in which the role may hand over any role to something that it may make.
pub(crate) fn passing<'a>(holder: &Holder<'a>) -> Option<Passing<'a>> {
    let mut passes = rights(holder, PASS);
    passes.retain(|right| may_hold(&covers_kind(right.statement, "iam")) && !right.is_service_wide());
    if passes.is_empty() {
        return None;
    }
    let makers = rights(holder, MAKERS);
    for pass in passes {
        let fits = |maker: &&Right<'_>| may_pass_to(pass.statement, taker(maker.service));
        if let Some(maker) = makers.iter().find(fits) {
            let holds = both(both(pass.holds.clone(), covers_kind(pass.statement, "iam")), maker.holds.clone());
            let maker = Right { text: maker.text.clone(), holds: maker.holds.clone(), ..*maker };
            return may_hold(&holds).then_some(Passing { pass, maker, holds });
        }
    }
    None
}

/// Whether the statement lets a role be handed to this service. Other conditions on what is passed narrow it.
fn may_pass_to(statement: &Statement, service: &str) -> bool {
    statement.conditions.iter().all(|condition| {
        if condition.key.eq_ignore_ascii_case("iam:PassedToService") {
            let fits = |text: String| {
                let name = text.split(".amazonaws.").next().unwrap_or(&text);
                brigandine_iam::Pattern::new(name).matches(service)
            };
            return condition.operator.contains("Not")
                || condition.values.iter().flat_map(|value| texts(&value.value)).any(fits);
        }
        !brigandine_iam::narrows_resources(&condition.key)
    })
}

/// The actions of which the rules on escalation speak.
pub(crate) fn told(holder: &Holder<'_>) -> Marked {
    let mut marked = Marked::default();
    for (right, _) in identity(holder).iter().chain(&takeover(holder)) {
        marked.mark(right.statement, right.written);
    }
    if let Some(passing) = passing(holder) {
        marked.mark(passing.pass.statement, passing.pass.written);
    }
    marked
}

/// Code of any function that the role may replace.
pub(crate) fn takeover<'a>(holder: &Holder<'a>) -> Vec<(Right<'a>, Judgement)> {
    let on_everything = |right: Right<'a>| {
        let holds = right.on_every_resource();
        may_hold(&holds).then_some((right, holds))
    };
    rights(holder, TAKEOVER).into_iter().filter_map(on_everything).collect()
}

/// Whether any of several rights holds, and when.
pub(crate) fn together(found: &[(Right<'_>, Judgement)]) -> Judgement {
    any(found.iter().map(|(_, holds)| holds.clone()))
}
