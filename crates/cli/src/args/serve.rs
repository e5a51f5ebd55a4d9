//! Commands that serve: the server, its configuration, the demo.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::PolicyArgs;

#[derive(ClapArgs)]
pub struct DemoArgs {
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Minutes until it ends, at most a day
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1440))]
    pub minutes: u64,
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Every option of `obhut serve`, its value and where it comes from: the environment, the file or
    /// the default
    Show {
        /// The file [default: obhut.toml in the data folder, if it is there]
        #[arg(long, value_name = "FILE", env = "OBHUT_CONFIG")]
        config: Option<PathBuf>,
    },
}

#[derive(ClapArgs)]
pub struct ServeArgs {
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// File with these options, each under its name, such as `listen = "127.0.0.1:8080"` [default:
    /// obhut.toml in the data folder, if it is there]
    #[arg(long, value_name = "FILE", env = "OBHUT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Serve --listen over TLS with this chain of certificates in PEM, the server's first; read again
    /// when the file changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// URL prefix from which requests may have files fetched, for example `https://cdn.example.com/uploads/`; repeatable
    #[arg(
        long,
        value_name = "URL",
        env = "OBHUT_FETCH_FROM",
        value_delimiter = ','
    )]
    pub fetch_from: Vec<String>,
    /// Endpoint of the object store whose upload events are screened; credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    #[arg(long, value_name = "URL", env = "OBHUT_S3")]
    pub s3: Option<String>,
    /// The object store's region
    #[arg(
        long,
        value_name = "REGION",
        env = "AWS_REGION",
        default_value = "us-east-1"
    )]
    pub s3_region: String,
    /// Trust an object's metadata obhut-account and obhut-upload as your platform's facts about the
    /// upload; use it only if uploaders can't set them
    #[arg(long, requires = "s3")]
    pub s3_facts: bool,
    /// A second address for HMA clients, which send no key: requests to it use the key in --hma-key-file
    #[arg(long, value_name = "ADDR", requires = "hma_key_file")]
    pub hma: Option<SocketAddr>,
    /// A name under which HMA clients reach --hma, with its port unless that is 80, such as
    /// `hma.internal:5000`; repeatable. Its address and localhost are always allowed
    #[arg(long, value_name = "HOST", requires = "hma")]
    pub hma_host: Vec<String>,
    /// Address for operators: metrics and detailed health without a key, curation of HMA's banks
    /// with one
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
    /// A name under which --admin is reached, like --hma-host; repeatable
    #[arg(long, value_name = "HOST", requires = "admin")]
    pub admin_host: Vec<String>,
    /// File with the key used for HMA clients
    #[arg(long, value_name = "FILE", requires = "hma")]
    pub hma_key_file: Option<PathBuf>,
    /// Log format
    #[arg(long, value_enum, default_value = "text")]
    pub log: LogForm,
    /// Serve /v1/payments for live transfers, recorded in a sealed journal
    #[arg(long, help_heading = "Live payments")]
    pub payments: bool,
    /// Hold payments with at least this score, 0 to 100
    #[arg(
        long,
        default_value_t = 75.0,
        value_name = "SCORE",
        help_heading = "Live payments"
    )]
    pub hold_from: f64,
    /// Hours after which a hold ends unless a person confirms it, at most 240
    #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=240), help_heading = "Live payments")]
    pub hold_hours: i64,
    #[command(flatten, next_help_heading = "Live payments")]
    pub policy: PolicyArgs,
}

impl ServeArgs {
    /// The console and the API at an address, and nothing else: no variable of the environment is
    /// read, and nothing is logged.
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            config: None,
            tls_cert: None,
            tls_key: None,
            fetch_from: Vec::new(),
            s3: None,
            s3_region: String::new(),
            s3_facts: false,
            hma: None,
            hma_host: Vec::new(),
            admin: None,
            admin_host: Vec::new(),
            hma_key_file: None,
            log: LogForm::Off,
            payments: false,
            hold_from: 75.0,
            hold_hours: 24,
            policy: PolicyArgs::default(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// For people
    Text,
    /// Nothing
    Off,
}
