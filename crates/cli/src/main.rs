//! The binary `obhut`: arguments and environment are read in this crate and in no library.

mod acceptances;
mod admin;
mod app_context;
mod appeals;
mod args;
mod backup;
mod cases;
mod chain;
mod demo;
#[cfg(test)]
mod documents;
mod export;
mod hash;
mod hints;
mod in_order;
mod input;
mod intake;
mod lists;
mod matching;
mod options_file;
mod output;
mod payments;
mod reports;
mod retention;
mod routes;
mod screen;
mod serve;
mod testserver;
mod timestamps;
mod vault;
mod verify;
mod watch;
mod whole_file;
mod witness;
mod witnesses;

use std::process::ExitCode;

use clap::CommandFactory as _;

use args::{Args, Command};
use output::Output;

fn main() -> ExitCode {
    // A decoder is this same binary, started again. It must enter its sandbox before anything else.
    let mut raw = std::env::args_os().skip(1);
    let first = raw.next().unwrap_or_default();
    if first == obhut_decode::worker::ARGUMENT {
        // This worker's arguments are numbers, so a lossy conversion loses nothing. The video
        // worker below also gets paths, which may not be UTF-8, so its arguments aren't converted.
        let rest = raw.map(|a| a.to_string_lossy().into_owned());
        return ExitCode::from(obhut_decode::worker::run(rest) as u8);
    }
    if first == obhut_decode::worker::VIDEO_ARGUMENT {
        return ExitCode::from(obhut_decode::worker::run_video(raw) as u8);
    }
    if let Err(e) = keep_memory_private() {
        eprintln!(
            "obhut: this system doesn't let a process keep its memory out of core dumps: {e}"
        );
        return ExitCode::FAILURE;
    }
    // Files and folders created from here on, database and vault included, are for their owner
    // only.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let args = match options_file::parse() {
        Ok(args) => args,
        Err(e) => {
            let json = std::env::args_os().any(|arg| arg == "--json");
            Output::new(json).error(&e);
            return ExitCode::from(hints::exit_code(&e));
        }
    };
    let output = Output::new(args.json);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(args, &output)));
    match done {
        Ok(code) => code,
        // `obhut screen … | head -1`: the reader has what it wanted, and a script must not see a failure.
        Err(e) if output::is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            output.error(&e);
            ExitCode::from(hints::exit_code(&e))
        }
    }
}

/// Keeps keys, lists and evidence out of core dumps and from other processes of the same user.
fn keep_memory_private() -> rustix::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    // One byte: too short for any dump, and the one value at which the kernel doesn't pipe the
    // memory to a program either (core(5)). ffmpeg inherits it; exec makes it dumpable again.
    let one = Rlimit {
        current: Some(1),
        maximum: Some(1),
    };
    setrlimit(Resource::Core, one)?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

async fn run(args: Args, output: &Output) -> anyhow::Result<ExitCode> {
    let context = app_context::AppContext::new(&args)?;
    let done = command(args.command, &context, output).await;
    // Only now is it known whether the command was refused: if so, roles it granted are taken back.
    context.conclude(done.as_ref().err(), output).await;
    done
}

async fn command(
    command: Command,
    context: &app_context::AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Hash(a) => hash::run(a, output),
        Command::Screen(a) => screen::run(a, context, output).await,
        Command::Watch(a) => watch::run(a, context, output).await,
        Command::Match(a) => matching::run(a, output),
        Command::List(a) => lists::run(a, context, output).await,
        Command::Case(a) => cases::run(a, context, output).await,
        Command::Report(a) => reports::run(a, context, output).await,
        Command::Appeal(a) => appeals::run(a, context, output).await,
        Command::Intake(a) => intake::run(a, context, output).await,
        Command::Payments(a) => payments::run(a, context, output).await,
        Command::Chain(a) => chain::run(a, context, output).await,
        Command::Destination(a) => routes::destination(a, context, output).await,
        Command::Route(a) => routes::route(a, context, output).await,
        Command::Deadline(a) => routes::deadline(a, context, output).await,
        Command::Alarm(a) => routes::alarm(a, context, output).await,
        Command::Demo(a) => demo::run(a, output).await,
        Command::Testserver(a) => testserver::run(a, output).await,
        Command::Vault(a) => vault::run(a, context, output).await,
        Command::Witness(a) => witness::run(a, output).await,
        Command::Backup(a) => backup::run(a, context, output).await,
        Command::Verify(a) => verify::run(a, context, output).await,
        Command::Person(a) => admin::person(a, context, output).await,
        Command::Basis(a) => admin::basis(a, context, output).await,
        Command::Key(a) => admin::key(a, context, output).await,
        Command::Settings(a) => admin::settings(a, context, output).await,
        Command::Audit(a) => admin::audit(a, context, output).await,
        Command::Serve(a) => serve::run(a, context, output).await,
        Command::Config(a) => options_file::run(a, context, output),
        Command::Completions { shell } => {
            // Into memory first: clap_complete panics on a pipe that was closed.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "obhut", &mut script);
            std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
