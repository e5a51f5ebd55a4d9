//! Every command and option; help and shell completion are made from this table.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use obhut_app::casework::{
    Action, AppealOutcome, CaseStatus, Extent, Language, Measure, Outcome, Purpose, Right, Role,
    Ruling, ServiceKind, Surface,
};

mod chain;
mod payments;
mod reporting;

pub use chain::*;
pub use payments::*;
pub use reporting::*;

/// From first match to a report authorities can act on.
#[derive(Parser)]
#[command(
    name = "obhut",
    version,
    about,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Start here:\n  obhut hash picture.jpg                        a picture's digests\n  obhut screen --list known.csv folder          compare a folder with a list, nothing stored\n  obhut list import … ; obhut list sign … ×2    put a list on record\n  obhut screen folder ; obhut case list         findings and cases\n  obhut serve --listen 127.0.0.1:8080           the same over HTTP\n\nExit codes:\n  0 done   1 something failed   2 usage   3 denied   4 not found   5 refused because of state"
)]
pub struct Args {
    /// The folder that holds everything: database, lists, vault, keys [default: the platform's data folder]
    #[arg(
        long,
        global = true,
        help_heading = "Everywhere",
        env = "OBHUT_DATA",
        value_name = "DIR",
        hide_env_values = true
    )]
    pub data: Option<PathBuf>,
    /// A PostgreSQL database instead of the SQLite file in the data folder, as postgres://user@host/name
    #[arg(
        long,
        global = true,
        help_heading = "Everywhere",
        env = "OBHUT_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database: Option<String>,
    /// Print JSON, one object a line
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Compute digests of files
    Hash(HashArgs),
    /// Compare files with hash lists
    Screen(ScreenArgs),
    /// Compare digests on standard input with a list, one a line
    Match(MatchArgs),
    /// Watch a live stream (HLS) and say what matches as soon as it does
    Watch(WatchArgs),
    /// Import, sign, show and dispute hash lists
    #[command(subcommand)]
    List(ListCommand),
    /// Look at cases and decide them
    #[command(subcommand)]
    Case(CaseCommand),
    /// Make, check, file, approve, send and take back reports
    #[command(subcommand)]
    Report(ReportCommand),
    /// Appeals, notices to the person concerned, and restoration of accounts
    #[command(subcommand)]
    Appeal(AppealCommand),
    /// Take in reports of others: deduplicated, linked, the most at risk first
    Intake(IntakeArgs),
    /// Payments: alerts that explain themselves, tests of thresholds on history
    #[command(subcommand)]
    Payments(PaymentsCommand),
    /// Bitcoin: from a site's addresses to its payers and the exchanges that know them
    #[command(subcommand)]
    Chain(ChainCommand),
    /// Authorities and hotlines: how each is reached
    #[command(subcommand)]
    Destination(DestinationCommand),
    /// Which authorities receive which cases, and on which legal basis
    #[command(subcommand)]
    Route(RouteCommand),
    /// Clocks: what is due when, and why
    #[command(subcommand)]
    Deadline(DeadlineCommand),
    /// What a person must look at
    #[command(subcommand)]
    Alarm(AlarmCommand),
    /// Keep exhibits sealed and logged
    #[command(subcommand)]
    Vault(VaultCommand),
    /// People and their roles
    #[command(subcommand)]
    Person(PersonCommand),
    /// Legal bases; private messages are refused without one
    #[command(subcommand)]
    Basis(BasisCommand),
    /// Keys for programs that use the HTTP interface
    #[command(subcommand)]
    Key(KeyCommand),
    /// The provider's own data, included in every report
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Who did what, newest first
    Audit(AuditArgs),
    /// Answer HTTP requests
    Serve(ServeArgs),
    /// Services that aren't: for trying out and for tests
    #[command(subcommand)]
    Testserver(TestserverCommand),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// A parser for a closed set of words, with possible values in help and completion.
macro_rules! value_enum {
    ($($name:ty),+) => { $(
        impl Word for $name {
            const ALL: &'static [Self] = <$name>::ALL;
            fn word(self) -> &'static str { <$name>::word(self) }
        }
    )+ };
}

pub trait Word: Copy + Send + Sync + 'static {
    const ALL: &'static [Self];
    fn word(self) -> &'static str;
}

value_enum!(
    Action,
    AppealOutcome,
    CaseStatus,
    Extent,
    Language,
    Measure,
    Outcome,
    Purpose,
    Right,
    Role,
    Ruling,
    ServiceKind,
    Surface
);

/// Parses one of the words and lists them all where they are wanted.
fn words<T: Word>() -> impl clap::builder::TypedValueParser<Value = T> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(T::ALL.iter().map(|v| v.word())).map(|text| {
        *T::ALL
            .iter()
            .find(|v| v.word() == text)
            .expect("one of the possible values")
    })
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = &'static obhut_hash::Kind> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(obhut_hash::kinds::ALL.iter().map(|k| k.name))
        .map(|name| obhut_hash::kinds::by_name(&name).expect("one of the possible values"))
}

fn destinations() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(
        obhut_app::formats::reports::ALL.iter().map(|d| d.name),
    )
}

#[derive(ClapArgs)]
pub struct HashArgs {
    /// Which kind; may be given more than once [default: pdq, md5, sha1, sha256]
    #[arg(long = "kind", value_parser = kinds())]
    pub kinds: Vec<&'static obhut_hash::Kind>,
    /// Turn pictures as their EXIF orientation says; lists hold digests of pictures as stored
    #[arg(long)]
    pub upright: bool,
    /// Decode JPEGs faster and smaller; PDQ then differs from the exact one by a few bits
    #[arg(long)]
    pub fast: bool,
    /// Of a video hash every frame, not one a second
    #[arg(long, conflicts_with = "keyframes")]
    pub every_frame: bool,
    /// Of a video decode and hash only the key frames: fast, for triage
    #[arg(long)]
    pub keyframes: bool,
    /// Files or folders
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

#[derive(ClapArgs)]
pub struct WatchArgs {
    /// Compare with this CSV file alone; nothing is stored and no data folder is needed
    #[arg(long, value_name = "FILE.csv")]
    pub list: Option<PathBuf>,
    /// Where the stream is seen
    #[arg(long, value_parser = words::<Surface>(), default_value = "public")]
    pub surface: Surface,
    /// The account that streams
    #[arg(long)]
    pub account: Option<String>,
    /// Beginning of further addresses that its segments may come from
    #[arg(long, value_name = "URL")]
    pub fetch_from: Vec<String>,
    /// The stream's playlist
    #[arg(value_name = "URL.m3u8")]
    pub url: String,
}

#[derive(ClapArgs)]
pub struct MatchArgs {
    /// The list: a CSV file with the columns kind and digest, and if wanted entry_id
    #[arg(long, value_name = "FILE.csv")]
    pub list: PathBuf,
    /// Largest distance in bits [default: the kind's own, 31 for pdq]
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(0..=256))]
    pub distance: Option<u32>,
    /// What the digests are
    #[arg(long, default_value = "pdq", value_parser = kind, hide_possible_values = true)]
    pub kind: &'static obhut_hash::Kind,
}

#[derive(ClapArgs)]
pub struct ScreenArgs {
    /// Compare turns and mirrors too
    #[arg(long)]
    pub dihedral: bool,
    /// Decode JPEGs faster and smaller; PDQ then differs from the exact one by a few bits
    #[arg(long)]
    pub fast: bool,
    /// Compare with this CSV file alone; nothing is stored and no data folder is needed
    #[arg(long, value_name = "FILE.csv")]
    pub list: Option<PathBuf>,
    /// Where the files were meant to be seen
    #[arg(long, value_parser = words::<Surface>(), default_value = "public")]
    pub surface: Surface,
    /// The account they came from; its findings join that account's open case
    #[arg(long)]
    pub account: Option<String>,
    /// Files or folders
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

#[derive(Subcommand)]
pub enum ListCommand {
    /// Import a CSV file (kind, digest, and if wanted category_scale, category, entry_id; of videos timestamp and quality) as a new version
    Import {
        /// The list's name
        #[arg(long)]
        name: String,
        /// Who answers for it
        #[arg(long)]
        owner: String,
        /// The purpose; there are no others
        #[arg(long, value_parser = words::<Purpose>())]
        purpose: Purpose,
        /// The legal basis it is used on
        #[arg(long)]
        basis: String,
        /// What a match does [default: hold; pass for known-harmless]
        #[arg(long, value_parser = words::<Action>())]
        action: Option<Action>,
        /// The file
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
    },
    /// Add the entries of a CSV file to a list; like a new version they count until two have signed
    Add {
        /// The list
        name: String,
        /// The file
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
    },
    /// Set a list's largest distance, in bits; without a value, restore the kind's default
    Distance {
        /// The list
        name: String,
        /// From 0 to 64
        #[arg(value_name = "BITS")]
        distance: Option<u32>,
        /// Who says so
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Sign the newest version; with two people's signatures it matches
    Sign {
        /// The list
        name: String,
        /// Who signs (role list-steward)
        #[arg(long, value_name = "PERSON")]
        by: String,
    },
    /// Dispute an entry: it stops matching immediately
    Disable {
        /// The list
        name: String,
        /// The entry, as a finding names it
        entry: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        /// Who says so
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Lift a dispute: the entry matches again
    Enable {
        /// The list
        name: String,
        /// The entry
        entry: String,
        /// Who says so
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Show all lists, or one
    Show {
        /// The list
        name: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum CaseCommand {
    /// Open a case from a file with everything that is known
    New {
        /// The case file (JSON); paths in it are relative to its folder
        #[arg(long, value_name = "CASE.json", required_unless_present = "schema")]
        from: Option<PathBuf>,
        /// Print the JSON schema of a case file
        #[arg(long)]
        schema: bool,
    },
    /// List cases, newest first
    List {
        /// Only those of a status
        #[arg(long, value_parser = words::<CaseStatus>())]
        status: Option<CaseStatus>,
    },
    /// Show a case: findings, decisions, appeals
    Show {
        /// The case
        case: String,
    },
    /// Record what a person decided, and why
    Decide {
        /// The case
        case: String,
        /// Who decides (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: String,
        /// What
        #[arg(long, alias = "decision", value_parser = words::<Ruling>())]
        ruling: Ruling,
        /// Why
        #[arg(long)]
        grounds: String,
        /// Scale of the category, for example ncmec-industry
        #[arg(long, requires = "category", value_name = "SCALE")]
        scale: Option<String>,
        /// Value on that scale, for example A1
        #[arg(long, requires = "scale", value_name = "VALUE")]
        category: Option<String>,
    },
    /// Show or set the facts of a case: accounts, places, times (JSON, see docs/handling.md)
    Facts {
        /// The case
        case: String,
        /// Replace it by this file
        #[arg(long, value_name = "FILE.json")]
        from: Option<PathBuf>,
    },
    /// Who has seen which file of a case, how much of it, and when
    Views {
        /// The case
        case: String,
    },
    /// Put a case under embargo: nothing about it reaches the person concerned; or lift it
    Embargo {
        /// The case
        case: String,
        /// Until when, RFC 3339
        #[arg(long)]
        until: Option<String>,
        /// At whose word, and under which reference
        #[arg(long)]
        authority: Option<String>,
        /// It is over
        #[arg(long, conflicts_with_all = ["until", "authority"])]
        lift: bool,
        /// At whose word
        #[arg(long, default_value = "")]
        reason: String,
        /// Who says so (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum VaultCommand {
    /// Seal a file as an exhibit
    Put {
        /// The case it belongs to
        #[arg(long)]
        case: Option<String>,
        /// Who puts it in
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// The file
        file: PathBuf,
    },
    /// List exhibits
    List,
    /// Take an exhibit's bytes out; who and what for is logged first
    Get {
        /// The exhibit
        exhibit: String,
        /// Who reads (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// What for
        #[arg(long, default_value = "taken out on the command line")]
        purpose: String,
        /// How much of it this person looks at; reports say "viewed" by this record alone
        #[arg(long, value_parser = words::<Extent>(), default_value = "unseen")]
        seen: Extent,
        /// Where to (mode 0600) [default: standard output, unless that is a terminal]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Compare everything in the vault with its log
    Verify,
}

#[derive(Subcommand)]
pub enum PersonCommand {
    /// Add a person, or a role to one
    Add {
        /// Name
        name: String,
        /// Role; may be given more than once
        #[arg(long = "role", value_parser = words::<Role>())]
        roles: Vec<Role>,
    },
    /// Remove a person and revoke their keys; their past acts stay on record
    Remove {
        /// Name
        name: String,
    },
    /// Withdraw a role from a person
    Withdraw {
        /// Name
        name: String,
        /// The role
        #[arg(long, value_parser = words::<Role>())]
        role: Role,
    },
    /// List everybody
    List,
}

#[derive(Subcommand)]
pub enum BasisCommand {
    /// Put a legal basis on record
    Add {
        /// What it opens
        #[arg(long, value_parser = words::<Surface>(), default_value = "private-message")]
        surface: Surface,
        /// The law and its section
        #[arg(long)]
        text: String,
        /// Who answers for it
        #[arg(long)]
        owner: String,
        /// Last day (UTC), YYYY-MM-DD
        #[arg(long)]
        until: String,
    },
    /// List those on record
    List,
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key; it is shown once
    Create {
        /// What it is called
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// What it opens; may be given more than once [default: screen]
        #[arg(long = "right", value_parser = words::<Right>())]
        rights: Vec<Right>,
        /// Whose it is; needed for `decide`
        #[arg(long)]
        person: Option<String>,
        /// What its uploads were meant for, where requests don't say; HMA's don't
        #[arg(long, value_parser = words::<Surface>())]
        surface: Option<Surface>,
        /// Last day (UTC) on which it opens anything, YYYY-MM-DD [default: until it is revoked]
        #[arg(long, value_name = "DATE")]
        expires: Option<String>,
    },
    /// List keys; their secrets are kept nowhere
    List,
    /// Revoke a key; takes effect immediately
    Revoke {
        /// The key's id
        id: String,
    },
}

#[derive(Subcommand)]
pub enum SettingsCommand {
    /// Show or set who reports
    Reporter {
        /// The service's name
        #[arg(long)]
        service: Option<String>,
        /// Given name of the person who reports
        #[arg(long)]
        first_name: Option<String>,
        /// Family name
        #[arg(long)]
        last_name: Option<String>,
        /// E-mail; NCMEC requires one
        #[arg(long)]
        email: Option<String>,
        /// E-mail of the contact for police, if another person
        #[arg(long)]
        contact_email: Option<String>,
        /// Text for every report: how legal process is served, how long data are kept
        #[arg(long)]
        company_template: Option<String>,
        /// Terms of service
        #[arg(long)]
        terms_of_service: Option<String>,
        /// Page for law enforcement
        #[arg(long)]
        legal_url: Option<String>,
    },
    /// Show or set the reporting bank as its financial intelligence unit knows it (docs/goaml.md)
    Unit {
        /// A JSON file with its settings
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// The unit's XML schema: every report is held against it before it leaves
        #[arg(long, value_name = "FILE", requires = "file")]
        schema: Option<PathBuf>,
        /// A profile of one's own, where the settings say `"profile": "own"`
        #[arg(long, value_name = "FILE", requires = "file")]
        own_profile: Option<PathBuf>,
    },
}

#[derive(ClapArgs)]
pub struct AuditArgs {
    /// Only what concerns this list, case, exhibit, report …
    pub subject: Option<String>,
}

#[derive(ClapArgs)]
pub struct ServeArgs {
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Beginning of addresses that requests may have fetched, as https://cdn.example.com/uploads/; may be given more than once
    #[arg(
        long,
        value_name = "URL",
        env = "OBHUT_FETCH_FROM",
        value_delimiter = ','
    )]
    pub fetch_from: Vec<String>,
    /// The object store of upload events; keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
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
    /// A second address for HMA clients, which send no key: every request to it uses the key of --hma-key-file
    #[arg(long, value_name = "ADDR", requires = "hma_key_file")]
    pub hma: Option<SocketAddr>,
    /// A file with the key that HMA's clients act with
    #[arg(long, value_name = "FILE", requires = "hma")]
    pub hma_key_file: Option<PathBuf>,
    /// How the log is written
    #[arg(long, value_enum, default_value = "text")]
    pub log: LogForm,
    /// Answer /v1/payments: transfers as they come, kept in a sealed journal
    #[arg(long, help_heading = "Live payments")]
    pub payments: bool,
    /// Hold payments from this score on, 0 to 100
    #[arg(
        long,
        default_value_t = 75.0,
        value_name = "SCORE",
        help_heading = "Live payments"
    )]
    pub hold_from: f64,
    /// Hours after which a hold ends unless a person confirms it
    #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=240), help_heading = "Live payments")]
    pub hold_hours: i64,
    #[command(flatten, next_help_heading = "Live payments")]
    pub policy: PolicyArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// For people
    Text,
    /// Nothing
    Off,
}

/// Kinds whose digests can be compared alone.
fn kind(name: &str) -> Result<&'static obhut_hash::Kind, String> {
    obhut_hash::kinds::by_name(name).ok_or_else(|| {
        let known: Vec<_> = obhut_hash::kinds::ALL.iter().map(|k| k.name).collect();
        format!("is none of {}", known.join(", "))
    })
}
