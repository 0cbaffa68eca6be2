//! The command line: one tree from which parsing, help, completions and man pages all come.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The commands, grouped by when a team needs them.
const GROUPED_HELP: &str = "\
{about}

{usage-heading} {usage}

Before deploy:
  check     Say what is wrong with a template, and how to mend it
  routes    List every way in, who may pass and how fast

In front:
  serve     Run the application here behind the shield
  invoke    Run one function once
  token     Print a development token for a route

Prove:
  inspect   Replay recorded requests through the firewall

Learn:
  explain   Show a rule's page, or why a request was refused

Options:
{options}{after-help}";

/// Plates for serverless functions: checks the application before it ships, guards it while it runs.
#[derive(Debug, Parser)]
#[command(
    name = "brigandine",
    version,
    help_template = GROUPED_HELP,
    disable_help_subcommand = true,
    after_help = "Examples:\n  brigandine check template.yaml\n  brigandine serve examples/shop\n\n\
                  Exit status: 0 clean, 1 findings at or over --fail-on, 2 could not do the job."
)]
pub(crate) struct Arguments {
    /// What to do; without it, the next three things to try.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is wrong with a template, and how to mend it.
    Check(Check),
    /// List every way in, who may pass and how fast.
    Routes(Routes),
    /// Show a rule's page, or why a request was refused.
    Explain(Explain),
    /// Run the application here behind the shield.
    #[cfg(feature = "serve")]
    Serve(Box<Serve>),
    /// Run one function once.
    #[cfg(feature = "serve")]
    Invoke(Invoke),
    /// Print a development token for a route.
    #[cfg(feature = "serve")]
    Token(Token),
    /// Replay recorded requests through the firewall.
    #[cfg(feature = "serve")]
    Inspect(Inspect),
    /// Write the reference files that follow from the program itself.
    #[command(hide = true)]
    Generate(Generate),
}

/// Say what is wrong with a template, and how to mend it.
///
/// Reads SAM and CloudFormation templates (YAML or JSON, CDK output too), expands and resolves them, and judges the result.
/// Nothing is sent anywhere.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  brigandine check template.yaml\n  brigandine check . --format sarif > findings.sarif\n  \
                        brigandine check . --select LP001,AP001 --fail-on medium\n  \
                        brigandine check . --environment dev=dev.json --environment prod=prod.json\n  \
                        brigandine check . --register findings.json\n  \
                        brigandine check . --compliance fsbp"
)]
pub(crate) struct Check {
    /// Templates, or folders to look for templates in.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Form of the result on standard output.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Set of rules: `recommended`, `strict`, `launch-day`, `fsbp`, `cis`, `owasp` or `nist`.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Only these rules, by code.
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Not these rules, by code.
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,
    /// Exit with 1 from this severity on [default: high].
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) fail_on: Option<FailOn>,
    /// Exit with 1 when a fact could not be judged.
    #[arg(long)]
    pub(crate) fail_on_unjudged: bool,
    /// Judge as on this day rather than today.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) as_of: Option<jiff::civil::Date>,
    #[command(flatten)]
    pub(crate) fixing: Fixing,
    /// Findings of this file are known and fail no run: a register, or an earlier result in JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Keep the findings in this file: since when, whose, until when, and what became of them.
    #[arg(long, value_name = "FILE")]
    pub(crate) register: Option<PathBuf>,
    /// Show a framework, control by control, instead of findings: `fsbp`, `cis`, `owasp` or `nist`.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(brigandine_rules::FRAMEWORKS))]
    pub(crate) compliance: Option<String>,
    /// Judge with the parameters of an environment, from a parameter file or `samconfig.toml`; repeatable, and what holds in
    /// some of them only is marked.
    #[arg(long = "environment", value_name = "NAME=FILE", value_parser = crate::parameters::environment)]
    pub(crate) environments: Vec<(String, PathBuf)>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// What is done about findings.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Fixing {
    /// Show what the safe fixes would change, as a difference; nothing is written.
    #[arg(long, conflicts_with_all = ["fix", "compliance", "register"])]
    pub(crate) diff: bool,
    /// Apply the safe fixes; a fix that leaves its finding or brings another is taken back.
    #[arg(long)]
    pub(crate) fix: bool,
    /// With `--diff` or `--fix`: fixes that a person must look at, too.
    #[arg(long)]
    pub(crate) unsafe_fixes: bool,
}

/// How a template is read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Reading {
    /// Value of a template parameter; repeatable.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) parameters: Vec<(String, String)>,
    /// File with values of template parameters, as deployment tools keep them (JSON) or `samconfig.toml`; repeatable.
    #[arg(long = "parameter-file", value_name = "FILE")]
    pub(crate) parameter_files: Vec<PathBuf>,
}

/// List every way in, who may pass and how fast.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  brigandine routes examples/shop\n  brigandine routes template.yaml --format json")]
pub(crate) struct Routes {
    /// A template, or the folder it lies in.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
    /// Form of the result on standard output.
    #[arg(long, value_enum, default_value_t = TableFormat::Human)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Show a rule's page, or why a request was refused.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  brigandine explain AP001\n  brigandine explain\n  \
                        brigandine explain --request 0b9c6f0e-7d0f-4b53-9d55-3f3a1c0e2a11")]
pub(crate) struct Explain {
    /// The rule's code; without it, all rules are listed.
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
    #[cfg(feature = "serve")]
    #[command(flatten)]
    pub(crate) asked: Asked,
}

/// A request that `serve` or `invoke` has on record.
#[cfg(feature = "serve")]
#[derive(Args, Clone, Debug)]
pub(crate) struct Asked {
    /// Say which rule refused the request of this id, where, and what would let it pass.
    #[arg(long, value_name = "ID", conflicts_with = "code")]
    pub(crate) request: Option<String>,
    /// Folder that `serve` keeps its record in [default: the user's state folder].
    #[arg(long, value_name = "DIR", requires = "request")]
    pub(crate) data: Option<PathBuf>,
    /// The template whose application it was, or the folder it lies in; not needed with `--data`.
    #[arg(long, value_name = "PATH", default_value = ".", requires = "request")]
    pub(crate) template: PathBuf,
    /// Form of the result on standard output.
    #[arg(long, value_enum, default_value_t = TableFormat::Human, requires = "request")]
    pub(crate) format: TableFormat,
}

/// Replay recorded requests through the firewall.
///
/// Reads one JSON object per line: `request_base64` (raw HTTP/1.1 bytes) or `event` (an invocation event), with `id`,
/// `response_base64` and `client_ip` where there are any. Writes one JSON object per line: `id`, `action` (allow or block),
/// `status`, `score`, `rules` (id, severity, variable, excerpt), `micros`.
#[cfg(feature = "serve")]
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  brigandine inspect --requests recorded.jsonl\n  \
                        brigandine inspect --rules /usr/share/modsecurity-crs --paranoia 2 --requests -")]
pub(crate) struct Inspect {
    /// `builtin`, or a folder laid out like the Core Rule Set.
    #[arg(long, value_name = "RULES", default_value = "builtin")]
    pub(crate) rules: String,
    /// Level of strictness: higher levels find more and err more often.
    #[arg(long, value_name = "1-4", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(crate) paranoia: u8,
    /// Find and tell, but refuse nothing.
    #[arg(long)]
    pub(crate) detect: bool,
    /// A rule not to be asked, `RULE` or `RULE VARIABLE`; repeatable.
    #[arg(long, value_name = "EXCLUSION")]
    pub(crate) exclude: Vec<String>,
    /// The requests, one JSON object per line; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) requests: PathBuf,
}

/// Run the application here behind the shield.
///
/// Starts the template's functions on this machine and guards their routes as the template declares: throttles,
/// authorizers, keys, CORS, concurrency. On a loopback address a development issuer stands in for declared token
/// authorizers.
#[cfg(feature = "serve")]
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  brigandine serve examples/shop\n  \
                        brigandine serve . --listen 127.0.0.1:4000 --aws-endpoint http://127.0.0.1:4566\n  \
                        brigandine serve . --observe")]
pub(crate) struct Serve {
    /// A template, or the folder it lies in.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:3000].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Address on which the platform's own API for invoking functions is served, for its command line and kits; port 0
    /// takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) invoke_listen: Option<std::net::SocketAddr>,
    /// Let other machines invoke functions at `--invoke-listen`, without credentials.
    #[arg(long, requires = "invoke_listen")]
    pub(crate) invoke_open: bool,
    /// Let everything pass and say what would have been refused.
    #[arg(long)]
    pub(crate) observe: bool,
    /// Certificate chain for TLS (PEM); read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key for TLS (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) functions: Functions,
}

/// How functions are run here.
#[cfg(feature = "serve")]
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Functions {
    /// Environment values per function, in the form of `sam local --env-vars` (JSON).
    #[arg(long, value_name = "FILE")]
    pub(crate) env_vars: Option<PathBuf>,
    /// Where the functions' AWS calls go.
    #[arg(long, value_name = "URL", conflicts_with = "aws_profile")]
    pub(crate) aws_endpoint: Option<String>,
    /// Profile whose credentials the functions get.
    #[arg(long, value_name = "NAME")]
    pub(crate) aws_profile: Option<String>,
    /// Refuse a function whose declared runtime is not installed, rather than using the nearest.
    #[arg(long)]
    pub(crate) strict_runtime: bool,
    /// Folder for logs, keys and stores [default: the user's state folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Run one function once.
#[cfg(feature = "serve")]
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  brigandine invoke Thumbnail examples/shop --event examples/shop/events/photo-uploaded.json\n  \
                        echo '{}' | brigandine invoke NightlyReport examples/shop --event -"
)]
pub(crate) struct Invoke {
    /// The function's logical id.
    #[arg(value_name = "FUNCTION")]
    pub(crate) function: String,
    /// A template, or the folder it lies in.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
    /// The event (JSON); `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) event: PathBuf,
    #[command(flatten)]
    pub(crate) functions: Functions,
}

/// Print a development token for a route.
///
/// The token is accepted by `serve` on a loopback address only, for the same application and data folder.
#[cfg(feature = "serve")]
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  brigandine token --route 'POST /orders' examples/shop\n  \
                        brigandine token --route 'GET /orders/{id}' --claim sub=alice --claim email=alice@example.com")]
pub(crate) struct Token {
    /// A template, or the folder it lies in.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
    /// Method and path as the route table shows them.
    #[arg(long, value_name = "METHOD PATH")]
    pub(crate) route: String,
    /// A claim of the token; repeatable. Values that are JSON are taken as JSON.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) claims: Vec<(String, String)>,
    /// Folder for logs, keys and stores [default: the user's state folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Write the reference files that follow from the program itself.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Folder to write to.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// Form of a list of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: the line, the proof, the fix.
    Human,
    /// One line per finding.
    Concise,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
    /// `JUnit` XML, for build servers.
    Junit,
    /// Workflow commands, which GitHub shows beside the lines.
    Github,
    /// GitLab's report of static analysis (JSON).
    Gitlab,
    /// Code Climate issues (JSON), for GitLab's code quality.
    Codeclimate,
}

/// Form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people.
    Human,
    /// One JSON object.
    Json,
}

/// The severity from which on a run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Any finding.
    Info,
    /// Low and worse.
    Low,
    /// Medium and worse.
    Medium,
    /// High and worse.
    High,
    /// Critical only.
    Critical,
    /// Never.
    Never,
}

/// `NAME=VALUE`.
fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` has no `=`; write NAME=VALUE")),
    }
}
