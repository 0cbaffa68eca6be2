//! The function URL and the permissions that open it to everyone when it asks for no authentication.

use crate::expand::event::Target;
use crate::expand::fault::{Fault, Outcome, Owner};
use crate::expand::make::Maker;
use crate::expand::resource::{Made, Written};
use crate::expand::tree;
use crate::node::{Meaning, Node};

/// Makes the URL, and its permissions where it is open.
pub(super) fn construct(written: &Written, target: &Target, config: &Node) -> Outcome<Vec<Made>> {
    check_authentication(written, config)?;
    check_cors(written, config)?;
    let maker = Maker::implied_by(&config.origin);
    let attributes = written.passed_on();
    let mut url = Made::new(format!("{}Url", written.id), "AWS::Lambda::Url", &maker, &attributes);
    url.set_given("Cors", config.get("Cors").filter(|cors| tree::truthy(cors)));
    url.set_given("AuthType", config.get("AuthType"));
    url.set_given("InvokeMode", config.get("InvokeMode"));
    url.set("TargetFunctionArn", target.name.clone());
    let mut made = vec![url];
    if config.get("AuthType").and_then(tree::text_of) == Some("NONE") && !tree::is_intrinsic(config) {
        let permission = |suffix: &str, action: &str| {
            Made::new(format!("{}{suffix}", written.id), "AWS::Lambda::Permission", &maker, &attributes)
                .with("Action", maker.text(action))
                .with("FunctionName", target.name.clone())
                .with("Principal", maker.text("*"))
        };
        let open = permission("UrlPublicPermissions", "lambda:InvokeFunctionUrl");
        made.push(open.with("FunctionUrlAuthType", maker.text("NONE")));
        let invoke = permission("URLInvokeAllowPublicAccess", "lambda:InvokeFunction");
        made.push(invoke.with("InvokedViaFunctionUrl", maker.flag(true)));
    }
    Ok(made)
}

fn check_authentication(written: &Written, config: &Node) -> Outcome<()> {
    let authentication = config.get("AuthType").filter(|node| tree::truthy(node));
    let is_known = |node: &Node| tree::is_intrinsic(node) || matches!(tree::text_of(node), Some("AWS_IAM" | "NONE"));
    if tree::is_intrinsic(config) || authentication.is_some_and(is_known) {
        return Ok(());
    }
    let message = "AuthType is required to configure function property `FunctionUrlConfig`. Please provide either \
                   AWS_IAM or NONE.";
    Err(Fault::resource(&written.id, message).at(&config.origin))
}

fn check_cors(written: &Written, config: &Node) -> Outcome<()> {
    let Some(cors) = config.get("Cors").filter(|cors| tree::truthy(cors) && !tree::is_intrinsic(cors)) else {
        return Ok(());
    };
    for (name, value) in Owner::Resource(&written.id).map(cors, "FunctionUrlConfig.Cors")?.iter() {
        let (kind, fits) = match name {
            "AllowOrigins" | "AllowMethods" | "AllowHeaders" | "ExposeHeaders" => ("list", value.as_list().is_some()),
            "AllowCredentials" => ("bool", tree::flag_of(value).is_some()),
            "MaxAge" => ("int", matches!(value.meaning(), Some(Meaning::Int(_)))),
            _ => {
                let message = format!("{name} is not a valid property for configuring Cors.");
                return Err(Fault::resource(&written.id, message).at(&value.origin));
            }
        };
        if !fits && !tree::is_intrinsic(value) {
            let message = format!("{name} must be of type {kind}.");
            return Err(Fault::resource(&written.id, message).at(&value.origin));
        }
    }
    Ok(())
}
