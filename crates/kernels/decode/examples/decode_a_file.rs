//! Decodes a file in a sandboxed child: `cargo run --example decode_a_file -- FILE`. The example is
//! its own worker: the pool starts it a second time.

use std::process::ExitCode;

use obhut_decode::{Limits, Pool, WorkerCommand, worker};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(first) = arguments.next() else {
        eprintln!("usage: decode_a_file FILE");
        return Ok(ExitCode::from(2));
    };
    if first == worker::ARGUMENT {
        let rest = arguments.filter_map(|a| a.into_string().ok());
        std::process::exit(worker::run(rest));
    }
    let program = std::env::current_exe()?;
    let pool = Pool::new(WorkerCommand { program }, Limits::default());
    match pool.decode(&std::fs::read(first)?) {
        Ok(picture) => println!("{picture:?}, damaged: {}", picture.damaged),
        Err(why) => println!("{why}"),
    }
    Ok(ExitCode::SUCCESS)
}
