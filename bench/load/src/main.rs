//! A load generator for the benches, and an empty echo on the HTTP/2 library of the native listener.
//!
//! ```text
//! load grpc TARGET PATH REQUEST_FILE OUTSTANDING SECONDS [CONNECTIONS]
//! load postgres TARGET DATABASE SQL OUTSTANDING SECONDS [PARAMETER ...]
//! load echo REPLY_BYTES [THREADS]
//! ```
//!
//! `grpc` and `postgres` keep a number of calls outstanding and print one JSON object: calls a second, and
//! latencies in microseconds. An error ends them. `grpc` sends the bytes of a file as the request of
//! each call. `postgres` prepares a statement once and executes it with parameters in PostgreSQL's binary
//! form: texts, or the bytes of a file, `@PATH`; it has a connection for each outstanding call, since a connection
//! of PostgreSQL takes one call at a time. TARGET is HOST:PORT; the user is `bench`, and is asked for no password.
//!
//! `grpc` sends the variable LOAD_TOKEN, if it is set, as the bearer token of each call.
//!
//! Where a request has 16 times `#`, each call has a number of its own, which no earlier run has used: as
//! keys of new items, or request ids. Where it has four times `%`, it has that number modulo 100: as keys of
//! a hundred categories.
//!
//! `echo` prints its address in JSON, and answers each call with so many bytes until it is ended.

mod echo;
mod grpc;
mod load;
mod postgres;
mod requests;

use std::error::Error;

use tokio::runtime::Builder;

use crate::load::Load;
use crate::requests::Requests;

/// The result of anything here: every error ends the program.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match arguments.as_slice() {
        ["grpc", target, path, file, outstanding, seconds, rest @ ..] => {
            let requests = Requests::new(grpc::framed(&std::fs::read(file)?))?;
            let connections = rest.first().map_or(Ok(1), |text| text.parse())?;
            let load = Load::new(outstanding, seconds)?;
            println!(
                "{}",
                runtime.block_on(grpc::run(load, target, path, requests, connections))?
            );
        }
        [
            "postgres",
            target,
            database,
            sql,
            outstanding,
            seconds,
            parameters @ ..,
        ] => {
            let requests = Requests::new(postgres::execution(parameters)?)?;
            let load = Load::new(outstanding, seconds)?;
            let run = postgres::run(load, target, database, sql, parameters.len(), requests);
            println!("{}", runtime.block_on(run)?);
        }
        ["echo", bytes, rest @ ..] => {
            let threads = rest.first().map_or(Ok(2), |text| text.parse())?;
            echo::serve(grpc::framed(&vec![b'x'; bytes.parse()?]), threads)?;
        }
        _ => {
            return Err(
                "load grpc | postgres | echo: see the head of bench/load/src/main.rs".into(),
            );
        }
    }
    Ok(())
}
