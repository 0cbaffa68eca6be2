//! The binary: reads arguments, runs one command, maps the outcome to an exit status.
//!
//! Rooms never import each other's insides; whatever needs two of them is wired here, one file per command.

mod arguments;
mod command;
mod configuration;
mod face;
#[cfg(feature = "serve")]
mod firewall;
mod parameters;
mod project;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "serve")]
mod state;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use face::Outcome;

/// What a request allocates on one thread the record frees on another, which the system's allocator pays for with locks:
/// measured at a tenth of a request's time.
#[cfg(feature = "serve")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    face::hear_panics();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return face::usage(&error),
    };
    match run(arguments.command) {
        Ok(outcome) => outcome.into(),
        Err(error) if face::is_broken_pipe(&error) => Outcome::Clean.into(),
        Err(error) => face::failure(&error),
    }
}

fn run(command: Option<Command>) -> anyhow::Result<Outcome> {
    match command {
        None => command::home::run(),
        Some(Command::Check(arguments)) => command::check::run(&arguments),
        Some(Command::Routes(arguments)) => command::routes::run(&arguments),
        Some(Command::Explain(arguments)) => command::explain::run(&arguments),
        Some(Command::Generate(arguments)) => command::generate::run(&arguments),
        #[cfg(feature = "serve")]
        Some(Command::Serve(arguments)) => command::serve::run(&arguments),
        #[cfg(feature = "serve")]
        Some(Command::Invoke(arguments)) => command::invoke::run(&arguments),
        #[cfg(feature = "serve")]
        Some(Command::Token(arguments)) => command::token::run(&arguments),
        #[cfg(feature = "serve")]
        Some(Command::Inspect(arguments)) => command::inspect::run(&arguments),
    }
}
