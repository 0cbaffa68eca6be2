//! The documents that tell people what to type: every command in them is typed here.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "tests")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A fenced block: the words behind the fence, and the text.
struct Block {
    kind: String,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(root().join("docs").join(document)).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some(Block { kind: kind.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document} ends within a block");
    blocks
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs a line of a shell with the program on its path, and gives both streams as a terminal would show them.
fn shell(folder: &Path, line: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_brigandine")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .current_dir(folder)
        .env("PATH", path)
        .env("XDG_STATE_HOME", folder.join(".state"))
        .args(["-c", &format!("{{ {line}\n}} 2>&1")])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Holds what was printed against what is shown: line by line, `...` for any lines, a `...` at the end of a line for its rest.
fn holds(command: &str, printed: &str, shown: &[&str]) {
    let mut lines = printed.lines();
    let mut skip = false;
    for wanted in shown {
        if *wanted == "..." {
            skip = true;
            continue;
        }
        let fits = |line: &str| match wanted.strip_suffix("...") {
            Some(start) => line.starts_with(start),
            None => line.trim_end() == wanted.trim_end(),
        };
        let found = if skip { lines.any(fits) } else { lines.next().is_some_and(fits) };
        assert!(found, "`{command}` does not print `{wanted}`:\n{printed}");
        skip = false;
    }
    let says_all = shown.is_empty() || skip || lines.next().is_none();
    assert!(says_all, "`{command}` prints more than is shown:\n{printed}");
}

fn run_console(block: &Block, folder: &Path) {
    let mut command: Option<&str> = None;
    let mut shown = Vec::new();
    let done = |command: Option<&str>, shown: &mut Vec<&str>| {
        if let Some(command) = command {
            holds(command, &shell(folder, command), shown);
        }
        shown.clear();
    };
    for line in block.text.lines() {
        match line.strip_prefix("$ ") {
            Some(next) => {
                done(command, &mut shown);
                command = Some(next);
            }
            None => shown.push(line),
        }
    }
    done(command, &mut shown);
}

/// Makes a change as a person would: finds the old lines, which must stand there once, and writes the new ones.
fn change(block: &Block, file: &Path) {
    let side = |gone: char| -> String {
        let lines = block.text.lines().filter(|line| !line.starts_with(gone));
        lines.flat_map(|line| [line.get(1..).unwrap_or(""), "\n"]).collect()
    };
    let (old, new) = (side('+'), side('-'));
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(&old).count(), 1, "the change does not fit:\n{}", block.text);
    std::fs::write(file, text.replace(&old, &new)).unwrap();
}

#[test]
#[cfg(unix)]
fn the_workshop_works() {
    let folder = tempfile::tempdir().unwrap();
    copied(&root().join("examples/shop-flawed"), folder.path());
    let (mut commands, mut changes) = (0, 0);
    for block in blocks("workshop.md") {
        match block.kind.as_str() {
            "console" => run_console(&block, folder.path()),
            "console serve" if cfg!(feature = "serve") => run_console(&block, folder.path()),
            "console serve" => {}
            "diff" => change(&block, &folder.path().join("template.yaml")),
            other => panic!("nobody runs a block of `{other}`"),
        }
        commands += block.text.lines().filter(|line| line.starts_with("$ ")).count();
        changes += usize::from(block.kind == "diff");
    }
    assert!(commands >= 12 && changes >= 6, "{commands} commands, {changes} changes");
}

const OPEN: &str = "\
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.14, Handler: app.handler, CodeUri: src, FunctionUrlConfig: {AuthType: NONE}}
";

/// A repository with everything that the pipelines name.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let samconfig = "[prod.deploy.parameters]\nparameter_overrides = \"Stage=prod\"\n";
    for (name, text) in [("template.yaml", OPEN), ("dev.json", "{\"Stage\": \"dev\"}"), ("samconfig.toml", samconfig)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::create_dir(folder.path().join("reports")).unwrap();
    folder
}

/// Every `brigandine check ...` of a text, up to what ends a command.
fn checks(text: &str) -> Vec<String> {
    let starts = text.match_indices("brigandine check ").map(|(start, _)| start);
    let end = |rest: &str| rest.find(['\n', '`', '&', ';']).unwrap_or(rest.len());
    starts.map(|start| text[start..start + end(&text[start..])].trim().to_owned()).collect()
}

#[test]
#[cfg(unix)]
fn the_steps_of_pipelines_are_yaml_and_their_commands_run() {
    let mut seen = Vec::new();
    for block in blocks("pipelines.md").iter().filter(|block| block.kind.starts_with("yaml ")) {
        let file = block.kind.as_str().into();
        let document = brigandine_template::load::load(&file, block.text.as_bytes()).unwrap();
        assert!(document.root.as_map().is_some() && document.notes.is_empty(), "{}: {:?}", block.kind, document.notes);
        let folder = repository();
        let commands = checks(&block.text);
        for command in &commands {
            let printed = shell(folder.path(), &format!("{command}; echo \"status $?\""));
            let status = if command.contains("--fail-on never") { "status 0" } else { "status 1" };
            assert!(printed.trim_end().ends_with(status), "{command}: {printed}");
            if let Some((_, written)) = command.split_once("> ") {
                let name = written.rsplit('/').next().unwrap();
                assert!(block.text.matches(name).count() >= 2, "nobody reads `{written}`");
                assert!(std::fs::metadata(folder.path().join(written)).unwrap().len() > 0);
            }
        }
        assert!(!commands.is_empty(), "{}", block.kind);
        seen.push(block.kind.clone());
    }
    assert_eq!(seen, ["yaml github", "yaml gitlab", "yaml codebuild", "yaml azure"]);
}

#[test]
#[cfg(unix)]
fn what_else_a_step_can_do_can_be_done() {
    let blocks = blocks("pipelines.md");
    let folder = repository();
    let baseline = blocks.iter().find(|block| block.kind == "sh").unwrap();
    shell(folder.path(), &baseline.text);
    let text = std::fs::read_to_string(root().join("docs/pipelines.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once("| `"));
    let options: Vec<&str> = rows.filter_map(|(_, cell)| cell.split('`').next()).collect();
    assert!(options.len() >= 5, "{options:?}");
    for option in options {
        let printed = shell(folder.path(), &format!("brigandine check . --fail-on never {option}; echo \"status $?\""));
        let wanted = if option == "--fail-on-unjudged" { ["status 0", "status 1"] } else { ["status 0"; 2] };
        assert!(wanted.iter().any(|wanted| printed.trim_end().ends_with(wanted)), "{option}: {printed}");
    }
    let settings = blocks.iter().find(|block| block.kind == "toml").unwrap();
    std::fs::write(folder.path().join("brigandine.toml"), &settings.text).unwrap();
    let printed = shell(folder.path(), "brigandine check .; echo \"status $?\"");
    assert!(printed.contains("0 gone") && printed.ends_with("status 0\n"), "{printed}");
}

/// The codes in the text, between two headings.
fn codes(text: &str, from: &str, to: &str) -> BTreeSet<String> {
    let part = text.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let words = part.split(|sign: char| !sign.is_ascii_alphanumeric());
    let is_code = |word: &&str| {
        word.len() == 5 && word[..2].bytes().all(|byte| byte.is_ascii_uppercase()) && word[2..].parse::<u16>().is_ok()
    };
    words.filter(is_code).map(str::to_owned).collect()
}

#[test]
fn the_list_of_planted_faults_names_what_is_found() {
    let text = std::fs::read_to_string(root().join("examples/shop-flawed/FAULTS.md")).unwrap();
    let found = |profile: &str| -> BTreeSet<String> {
        let output = Command::new(env!("CARGO_BIN_EXE_brigandine"))
            .current_dir(root())
            .args(["check", "examples/shop-flawed", "--format", "json", "--as-of", "2026-11-24", "--profile", profile])
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    let usual = codes(&text, "## Seen in the template", "## Seen with every rule");
    assert_eq!(found("recommended"), usual);
    let further = codes(&text, "## Seen with every rule", "## Not seen in a template");
    assert_eq!(found("strict"), usual.union(&further).cloned().collect::<BTreeSet<_>>());
}
