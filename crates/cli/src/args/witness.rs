//! Commands about witnesses: being one, having some, and stamps of an authority.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub enum WitnessCommand {
    /// Run a witness: it remembers how far it has seen each log, and cosigns what has only grown
    ///
    /// Any log that speaks C2SP tlog-witness can use it. It needs its own folder and no data folder, and
    /// should run where those who run the logs have no access. Put a proxy with TLS in front of it if
    /// it is to be reached from outside.
    Serve {
        /// The witness's folder; a new one gets a key
        folder: PathBuf,
        /// Its name, an address without a scheme such as witness.example.org/1; needed for a new folder
        #[arg(long)]
        name: Option<String>,
        /// Address and port to listen on
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
    },
    /// Cosign a log from now on
    Trust {
        /// The witness's folder
        folder: PathBuf,
        /// File with the log's public key: of an obhut vault, its `vault/log/key`
        key: PathBuf,
    },
    /// Show the logs, how far each was seen, what was refused, and forks: two checkpoints of one size
    /// that the log has signed. Exit code 1 if there is a fork
    Show {
        /// The witness's folder
        folder: PathBuf,
    },
}

#[derive(Subcommand)]
pub enum WitnessesCommand {
    /// Have the vault's log cosigned by a witness; a server asks it every minute
    ///
    /// Its operator needs the log's public key, `vault/log/key`, and gives you address and key. A witness
    /// that was stopped is asked again, and what it had cosigned isn't compared any more.
    Add {
        /// Where it answers: the address before /add-checkpoint
        url: String,
        /// Its public key (name+id+key), or a file with it
        #[arg(long)]
        key: String,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Ask each witness now
    Ask,
    /// List witnesses, and what each has cosigned last
    List,
    /// Ask a witness no more; what it has cosigned stays on record
    Stop {
        /// Its name
        name: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum TimestampCommand {
    /// Say which authority stamps the vault's log (RFC 3161); a server asks it once a day
    Authority {
        /// Where it answers
        url: String,
        /// File with the certificates its own is issued by (PEM)
        #[arg(long, value_name = "FILE")]
        certificates: PathBuf,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Have the log stamped now
    Now,
    /// List stamps, or write one to files that `openssl ts -verify` reads
    List {
        /// Write each stamp to this folder, a new one or an empty one
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}
