//! DP002: a role that any project of a build service may take.

use brigandine_model::{
    App, Condition, Effect, Finding, Judgement, Practice, Principal, Role, RuleMeta, Severity, Statement,
};

use crate::{
    Context, Rule, Sink,
    case::{any, ask_text, both, is, texts, when},
    rule::meta,
    wording::with_origin,
};

pub(crate) struct OpenDeployRole;

const META: RuleMeta = RuleMeta {
    severity: Severity::Critical,
    practice: Practice::Deployment,
    frameworks: &["CWE-269", "SAS-03"],
    ..meta(
        "DP002",
        "open-deploy-role",
        "any project of a public build service may take a role",
        include_str!("../../pages/DP002-open-deploy-role.md"),
    )
};

/// Build services that vouch for everybody's projects with one issuer, and what they call themselves.
const ISSUERS: [(&str, &str); 5] = [
    ("token.actions.githubusercontent.com", "GitHub Actions"),
    ("gitlab.com", "GitLab"),
    ("app.terraform.io", "HCP Terraform"),
    ("agent.buildkite.com", "Buildkite"),
    ("oidc.fly.io", "Fly"),
];

impl Rule for OpenDeployRole {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for role in &app.roles {
            for statement in &role.trust {
                if let Some(service) = service(statement) {
                    check_trust(role, statement, service, sink);
                }
            }
        }
    }
}

/// The build service that a statement trusts.
fn service(statement: &Statement) -> Option<&'static str> {
    let names = statement.principals.iter().filter_map(|principal| match principal {
        Principal::Account(fact) => Some(texts(&fact.value)),
        _ => None,
    });
    let names: Vec<String> = names.flatten().collect();
    let means = |issuer: &str| {
        let keys = statement.conditions.iter().any(|condition| condition.key.starts_with(&format!("{issuer}:")));
        keys || names.iter().any(|name| name.ends_with(&format!("oidc-provider/{issuer}")) || name == issuer)
    };
    ISSUERS.iter().find(|(issuer, _)| means(issuer)).map(|(_, service)| *service)
}

fn check_trust(role: &Role, statement: &Statement, service: &str, sink: &mut Sink) {
    let subjects: Vec<&Condition> = statement.conditions.iter().filter(|condition| narrows(condition)).collect();
    let open = if subjects.is_empty() { Judgement::Yes } else { conditions_are_open(&subjects) };
    let holds = both(is(&statement.effect, &Effect::Allow), open);
    let what = format!("which projects of {service} may take `{}`", role.id);
    let place = subjects.first().and_then(|condition| condition.values.first()).map(|fact| &fact.provenance);
    let place = place.filter(|place| place.span.is_some()).unwrap_or(&statement.provenance);
    sink.tell(&holds, (&what, (&role.id, place)), |sink| Finding {
        title: format!("any project on {service} may take the role `{}`{}", role.id, when(&holds)),
        message: format!(
            "the trust does not say whose project: a stranger's build at {service} gets everything that `{}` may do",
            role.id
        ),
        label: with_origin("every project is meant", place),
        resource: Some(role.id.clone()),
        fact: format!("open trust in {service}"),
        help: vec![help(service)],
        ..sink.draft(place)
    });
}

fn help(service: &str) -> String {
    match service {
        "GitHub Actions" => {
            "add `StringEquals` on `token.actions.githubusercontent.com:sub` with `repo:OWNER/NAME:ref:refs/heads/main` or an environment"
                .to_owned()
        }
        "GitLab" => "add `StringEquals` on `gitlab.com:sub` with `project_path:GROUP/NAME:ref_type:branch:ref:main`".to_owned(),
        _ => "add a condition on the token's `sub` that names your organisation and project".to_owned(),
    }
}

/// Claims by which a token says whose project it is from.
fn narrows(condition: &Condition) -> bool {
    const CLAIMS: [&str; 9] = [
        "sub",
        "repository",
        "repository_id",
        "repository_owner",
        "repository_owner_id",
        "project_path",
        "namespace_path",
        "organization_slug",
        "job_workflow_ref",
    ];
    let claim = condition.key.rsplit(':').next().unwrap_or_default();
    let compares = ["Equals", "Like"].iter().any(|word| condition.operator.contains(word));
    compares
        && !condition.operator.contains("Not")
        && !condition.operator.contains("IfExists")
        && CLAIMS.contains(&claim)
}

/// All conditions must hold, so one that names somebody is enough.
fn conditions_are_open(conditions: &[&Condition]) -> Judgement {
    conditions.iter().fold(Judgement::Yes, |all, condition| {
        let like = condition.operator.contains("Like");
        let open = |text: &str| like && names_nobody(text);
        both(all, any(condition.values.iter().map(|value| ask_text(&value.value, &open))))
    })
}

/// A pattern whose owner is a wildcard: `*`, `repo:*`, `repo:*/name:*`, `project_path:*`.
fn names_nobody(pattern: &str) -> bool {
    let owner = pattern.split_once(':').map_or(pattern, |(_, rest)| rest);
    let owner = owner.split(['/', ':']).next().unwrap_or_default();
    owner.starts_with('*') || pattern.starts_with('*')
}

#[cfg(test)]
mod tests {
    use super::names_nobody;

    #[test]
    fn patterns_without_an_owner_name_nobody() {
        for open in ["*", "repo:*", "repo:*/shop:*", "repo:*:ref:refs/heads/main"] {
            assert!(names_nobody(open), "{open}");
        }
        for named in ["repo:acme/*", "repo:acme/shop:*", "project_path:acme/shop:ref_type:branch:ref:main"] {
            assert!(!names_nobody(named), "{named}");
        }
    }
}
