//! Every command and option; help and shell completion are made from this table.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use obhut_app::casework::{
    Action, AppealOutcome, CaseStatus, Category, Extent, Language, Measure, NcaDuty, Outcome,
    Purpose, Question, Right, Role, Ruling, ServiceKind, Surface, Wanted,
};
use obhut_app::media::VoteReason;

mod chain;
mod payments;
mod reporting;
mod serve;
mod vault;
mod witness;

pub use chain::*;
pub use payments::*;
pub use reporting::*;
pub use serve::*;
pub use vault::*;
pub use witness::*;

/// Takes suspected child sexual abuse from first match to a report authorities can act on.
#[derive(Parser)]
#[command(
    name = "obhut",
    version,
    about,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "Start here:\n  obhut hash picture.jpg                        a picture's digests\n  obhut screen --list known.csv folder          compare a folder with a list, nothing stored\n  obhut list import … ; obhut list sign … ×2    put a list on record\n  obhut screen folder ; obhut case list         findings and cases\n  obhut serve --listen 127.0.0.1:8080           the same services over HTTP\n\nExit codes:\n  0 done   1 something failed   2 usage   3 denied   4 not found   5 refused because of state"
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
    /// Use a PostgreSQL database (postgres://user@host/name) instead of SQLite in the data folder
    #[arg(
        long,
        global = true,
        help_heading = "Everywhere",
        env = "OBHUT_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database: Option<String>,
    /// Print JSON, one object per line
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
    /// Compare digests from standard input, one per line, with a list
    Match(MatchArgs),
    /// Watch a live stream (HLS) and report matches immediately
    Watch(WatchArgs),
    /// Import, sign, show and dispute hash lists
    #[command(subcommand)]
    List(ListCommand),
    /// Open, show and decide cases
    #[command(subcommand)]
    Case(CaseCommand),
    /// Draft, check, file, approve, send and retract reports
    #[command(subcommand)]
    Report(ReportCommand),
    /// Appeals, notices to the person concerned, and restoration of accounts
    #[command(subcommand)]
    Appeal(AppealCommand),
    /// Import reports from others; they are deduplicated, linked and ranked, highest risk first
    Intake(IntakeArgs),
    /// Payments: alerts with reasons, and backtests of thresholds
    #[command(subcommand)]
    Payments(PaymentsCommand),
    /// Bitcoin: from a site's addresses to its payers and the exchanges that know them
    #[command(subcommand)]
    Chain(ChainCommand),
    /// Authorities and hotlines, and how to reach them
    #[command(subcommand)]
    Destination(DestinationCommand),
    /// Which authorities receive which cases, and on which legal basis
    #[command(subcommand)]
    Route(RouteCommand),
    /// Deadlines: what is due, when, and on what basis
    #[command(subcommand)]
    Deadline(DeadlineCommand),
    /// Alarms that need an operator's attention
    #[command(subcommand)]
    Alarm(AlarmCommand),
    /// Seal, read, list and verify exhibits
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Compare the vault, the lists and the database with the vault's log; writes nothing and needs
    /// no private key
    Verify(VerifyArgs),
    /// Be a witness for the logs of others: cosign what has only grown, and show forks
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// Back up the data folder while it is in use, check a backup, restore one
    #[command(subcommand)]
    Backup(BackupCommand),
    /// People and their roles
    #[command(subcommand)]
    Person(PersonCommand),
    /// Legal bases; without one, private messages are not screened
    #[command(subcommand)]
    Basis(BasisCommand),
    /// Keys for programs that use the HTTP interface
    #[command(subcommand)]
    Key(KeyCommand),
    /// Settings of the provider: reporter data and financial intelligence unit
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Who did what, newest first
    Audit(AuditArgs),
    /// What `obhut serve` would use, and where each value comes from
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Run the HTTP server
    Serve(ServeArgs),
    /// Serve the console filled with made-up cases and generated pictures; everything is deleted at
    /// the end
    Demo(DemoArgs),
    /// Fake services for trials and tests
    #[command(subcommand)]
    Testserver(TestserverCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Implements [`Word`] for enumerations that already have `ALL` and `word`.
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
    NcaDuty,
    Outcome,
    Purpose,
    Question,
    Wanted,
    Right,
    Role,
    Ruling,
    ServiceKind,
    Surface,
    VoteReason
);

/// A parser for every word of an enumeration; help and completion list them.
fn words<T: Word>() -> impl clap::builder::TypedValueParser<Value = T> {
    one_of(T::ALL.iter().copied())
}

/// A parser for some of the words of an enumeration.
fn one_of<T: Word>(
    allowed: impl Iterator<Item = T>,
) -> impl clap::builder::TypedValueParser<Value = T> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    // Not a plain function: only with this parser do help and shell completion list the words.
    PossibleValuesParser::new(allowed.map(|v| v.word())).map(|text| {
        *T::ALL
            .iter()
            .find(|v| v.word() == text)
            .expect("one of the possible values")
    })
}

/// `EXHIBIT=SCALE:VALUE`.
fn file_category(text: &str) -> Result<(String, Category), String> {
    let (exhibit, category) = text.split_once('=').ok_or("write EXHIBIT=SCALE:VALUE")?;
    let (scale, value) = category
        .split_once(':')
        .ok_or("write EXHIBIT=SCALE:VALUE")?;
    let category = Category {
        scale: scale.to_owned(),
        value: value.to_owned(),
    };
    Ok((exhibit.to_owned(), category))
}

/// A parser for how much of an exhibit a person claims to view.
fn extents() -> impl clap::builder::TypedValueParser<Value = Extent> {
    // A person can't claim these two: obhut records `failed` itself, and `blurred` is for
    // renditions, which `vault get` never gives.
    let said = |e: &Extent| !matches!(e, Extent::Failed | Extent::Blurred);
    one_of(Extent::ALL.iter().copied().filter(said))
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
    /// Hash kind; repeatable [default: pdq, md5, sha1, sha256]
    #[arg(long = "kind", value_parser = kinds())]
    pub kinds: Vec<&'static obhut_hash::Kind>,
    /// Rotate pictures by their EXIF orientation (lists hold digests of pictures as stored)
    #[arg(long)]
    pub upright: bool,
    /// Decode JPEGs faster, at reduced size; PDQ digests then differ by a few bits
    #[arg(long)]
    pub fast: bool,
    /// Hash every frame of a video instead of one per second
    #[arg(long, conflicts_with = "keyframes")]
    pub every_frame: bool,
    /// Hash only a video's key frames: fast, for triage
    #[arg(long)]
    pub keyframes: bool,
    /// Files or folders
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

#[derive(ClapArgs)]
pub struct WatchArgs {
    /// Compare with this CSV file only; stores nothing and needs no data folder
    #[arg(long, value_name = "FILE.csv")]
    pub list: Option<PathBuf>,
    /// Audience of the stream
    #[arg(long, value_parser = words::<Surface>(), default_value = "public")]
    pub surface: Surface,
    /// The account that streams
    #[arg(long)]
    pub account: Option<String>,
    /// URL prefix from which segments may also be fetched; repeatable
    #[arg(long, value_name = "URL")]
    pub fetch_from: Vec<String>,
    /// The stream's playlist
    #[arg(value_name = "URL.m3u8")]
    pub url: String,
}

#[derive(ClapArgs)]
pub struct MatchArgs {
    /// The list: a CSV file with the columns kind, digest and, optionally, entry_id
    #[arg(long, value_name = "FILE.csv")]
    pub list: PathBuf,
    /// Largest distance in bits [default: the kind's own, 31 for pdq]
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(0..=256))]
    pub distance: Option<u32>,
    /// Hash kind of the digests
    #[arg(long, default_value = "pdq", value_parser = kind, hide_possible_values = true)]
    pub kind: &'static obhut_hash::Kind,
}

#[derive(ClapArgs)]
pub struct ScreenArgs {
    /// Also compare rotated and mirrored pictures
    #[arg(long)]
    pub dihedral: bool,
    /// Decode JPEGs faster, at reduced size; PDQ digests then differ by a few bits
    #[arg(long)]
    pub fast: bool,
    /// Compare with this CSV file only; stores nothing and needs no data folder
    #[arg(long, value_name = "FILE.csv")]
    pub list: Option<PathBuf>,
    /// Intended audience of the files
    #[arg(long, value_parser = words::<Surface>(), default_value = "public")]
    pub surface: Surface,
    /// Account that uploaded them; findings join its open case
    #[arg(long)]
    pub account: Option<String>,
    /// Don't seal matched files in the vault; their digests are kept
    #[arg(long, conflicts_with = "list")]
    pub no_keep: bool,
    /// Files or folders
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

#[derive(Subcommand)]
pub enum ListCommand {
    /// Import a CSV file as a new version. Columns: kind, digest; optional: category_scale, category, entry_id; for videos also timestamp, quality
    Import {
        /// The list's name
        #[arg(long)]
        name: String,
        /// Organisation that supplies it
        #[arg(long)]
        owner: String,
        /// What the list may be used for; no other use is allowed
        #[arg(long, value_parser = words::<Purpose>())]
        purpose: Purpose,
        /// Legal basis for using it
        #[arg(long)]
        basis: String,
        /// Action on a match [default: hold; pass for known-harmless]
        #[arg(long, value_parser = words::<Action>())]
        action: Option<Action>,
        /// The file
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
    },
    /// Add the entries of a CSV file; their matches are only counted until two people have signed
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
        /// Person acting
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Sign the newest version; it matches once two people have signed
    Sign {
        /// The list
        name: String,
        /// Person signing (role list-steward)
        #[arg(long, value_name = "PERSON")]
        by: String,
    },
    /// Say for a list's owner why a disputed entry is wrong; another person approves it before it is passed on
    Vote {
        /// The list
        name: String,
        /// The disputed entry
        entry: String,
        /// Why it is wrong; leave it out to approve another person's vote
        #[arg(long, value_parser = words::<VoteReason>())]
        reason: Option<VoteReason>,
        /// Person acting (role list-steward)
        #[arg(long, value_name = "PERSON")]
        by: String,
    },
    /// List the votes for the lists' owners; only approved ones may be passed on
    Votes,
    /// Dispute an entry: it stops matching immediately
    Disable {
        /// The list
        name: String,
        /// The entry, as a finding names it
        entry: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        /// Person acting
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Lift a dispute: the entry matches again
    Enable {
        /// The list
        name: String,
        /// The entry
        entry: String,
        /// Person acting
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Show all lists, or one
    Show {
        /// The list
        name: Option<String>,
    },
}

/// Every question with its answers.
fn question_help() -> String {
    let mut help = "The question, and the answers it takes:".to_owned();
    for question in Question::ALL {
        for (answer, text) in question.answers() {
            help += &format!("\n{question} {answer}: {text}");
        }
    }
    help
}

#[derive(Subcommand)]
pub enum CaseCommand {
    /// Open a case from a case file
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
        /// Only cases with this status
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
        /// Person deciding (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: String,
        /// The decision
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
        /// Category of one file the person has viewed whole, for example exhibit-1=ncmec-industry:A1; may be given several times
        #[arg(long, value_name = "EXHIBIT=SCALE:VALUE", value_parser = file_category)]
        file_category: Vec<(String, Category)>,
        /// How many files the case had when the person looked at it; if the number has changed since, nothing is decided
        #[arg(long, value_name = "COUNT")]
        files: Option<usize>,
        /// Also decide other open cases in the same way if they contain nothing but copies of files of this case that the person has viewed whole
        #[arg(long)]
        same_bytes: bool,
    },
    /// Record what a person determined because a destination asks for it: the offence, the link with a country
    Determine {
        /// The case
        case: String,
        /// The question
        #[arg(long, value_parser = words::<Question>(), long_help = question_help())]
        question: Question,
        /// The answer, as --help lists them; may be given several times
        #[arg(long, required = true)]
        answer: Vec<String>,
        /// Why
        #[arg(long)]
        grounds: String,
        /// Person determining it (role reviewer or reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: String,
    },
    /// Ask your platform for more about a case: a signed event names the account, what is wanted, and by when
    Ask {
        /// The case
        case: String,
        /// What is wanted; may be given several times
        #[arg(long, required = true, value_parser = words::<Wanted>())]
        wanted: Vec<Wanted>,
        /// When the answer is due, RFC 3339
        #[arg(long, value_name = "TIME")]
        due: String,
        /// Person asking (role reviewer or reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: String,
    },
    /// Show or set the facts of a case: accounts, places, times (JSON, see docs/handling.md)
    Facts {
        /// The case
        case: String,
        /// Replace the facts with this file
        #[arg(long, value_name = "FILE.json")]
        from: Option<PathBuf>,
    },
    /// List the views of a case: who saw which file, how much of it, and when
    Views {
        /// The case
        case: String,
    },
    /// Set or lift an embargo: the person concerned is not informed about the case
    Embargo {
        /// The case
        case: String,
        /// Until when, RFC 3339
        #[arg(long)]
        until: Option<String>,
        /// Authority that ordered it, with its reference
        #[arg(long)]
        authority: Option<String>,
        /// Lift the embargo
        #[arg(long, conflicts_with_all = ["until", "authority"])]
        lift: bool,
        /// Reason; defaults to the authority, and is required with --lift
        #[arg(long, default_value = "")]
        reason: String,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum BackupCommand {
    /// Make a backup; servers and commands may go on meanwhile
    Create {
        /// A new folder
        folder: PathBuf,
        /// Include the private keys: the backup then opens everything
        #[arg(long)]
        with_keys: bool,
    },
    /// Compare a backup with what was backed up, and its vault and database with the log
    Verify {
        /// The backup
        folder: PathBuf,
        #[command(flatten)]
        trust: VerifyArgs,
    },
    /// Restore a backup to a new data folder (--data), which may already hold keys/; with
    /// PostgreSQL, to an empty database (--database)
    Restore {
        /// The backup
        folder: PathBuf,
        #[command(flatten)]
        trust: VerifyArgs,
    },
}

#[derive(clap::Args)]
pub struct VerifyArgs {
    /// File with the log's public key, kept elsewhere (`vault/log/key`); without it and without the
    /// private keys only damage is found, not a folder that was rebuilt under another key
    #[arg(long, value_name = "FILE")]
    pub log_key: Option<PathBuf>,
    /// File with a checkpoint, kept elsewhere (`vault/log/checkpoint`): an older copy of the folder
    /// is then found, too
    #[arg(long, value_name = "FILE")]
    pub at_least: Option<PathBuf>,
    /// Ask the witnesses on record, too: what they have seen shows an older copy of the whole folder.
    /// They may cosign the log's head; here nothing is written
    #[arg(long)]
    pub ask_witnesses: bool,
}

#[derive(Subcommand)]
pub enum PersonCommand {
    /// Add a person, or give a person another role
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
    /// Show how many exhibits a person has looked at today, or allow them more
    Looks {
        /// Name
        name: String,
        /// Looks to allow beyond the cap until midnight (UTC), 1 to 1,000
        #[arg(long, value_name = "N", requires_all = ["by", "because"])]
        more: Option<i64>,
        /// Another person, who allows them (role administrator or reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
    },
    /// List all people
    List,
}

#[derive(Subcommand)]
pub enum BasisCommand {
    /// Put a legal basis on record
    Add {
        /// Surface it permits
        #[arg(long, value_parser = words::<Surface>(), default_value = "private-message")]
        surface: Surface,
        /// The law and its section
        #[arg(long)]
        text: String,
        /// Person responsible for it
        #[arg(long)]
        owner: String,
        /// Last day (UTC), YYYY-MM-DD
        #[arg(long)]
        until: String,
    },
    /// List the legal bases on record
    List,
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Create a key; it is shown only once
    Create {
        /// A name for the key
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// Right of the key; repeatable [default: screen]
        #[arg(long = "right", value_parser = words::<Right>())]
        rights: Vec<Right>,
        /// Person it belongs to; required for the right decide
        #[arg(long)]
        person: Option<String>,
        /// Surface of requests that don't name one (HMA's never do)
        #[arg(long, value_parser = words::<Surface>())]
        surface: Option<Surface>,
        /// Last valid day (UTC), YYYY-MM-DD [default: until it is revoked]
        #[arg(long, value_name = "DATE")]
        expires: Option<String>,
    },
    /// List keys (without their secrets, which are not stored)
    List,
    /// Make a key that opens what another one opens; the other one ends some days later
    Rotate {
        /// The other key's id
        id: String,
        /// Days until the other key ends, 0 to 90
        #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=90))]
        days: i64,
    },
    /// Revoke a key; takes effect immediately
    Revoke {
        /// The key's id
        id: String,
    },
}

#[derive(Subcommand)]
pub enum SettingsCommand {
    /// Show or set the address that signed events go to: decisions about uploads, and requests for
    /// information about cases
    Platform {
        /// Its address
        #[arg(long)]
        url: Option<String>,
        /// A file with the secret that events are signed with (Standard Webhooks): whsec_… or 24 to 64 characters
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// Send no more events
        #[arg(long, conflicts_with_all = ["url", "secret_file"])]
        off: bool,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Set how many exhibits each person may look at in a day (UTC); another person can allow more
    Looks {
        /// Looks a day, 1 to 1,000
        #[arg(long, value_name = "N", required_unless_present = "no_cap")]
        cap: Option<i64>,
        /// Count looks and allow any number
        #[arg(long, conflicts_with = "cap")]
        no_cap: bool,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
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
        /// Reference of your Industry Hash Sharing agreement with NCMEC; files are classified A1 to B2 only with it
        #[arg(long)]
        industry_agreement: Option<String>,
        /// Your duty to report to the National Crime Agency (Online Safety Act 2023, section 66):
        /// as a UK provider, or as a non-UK provider
        #[arg(long, value_parser = words::<NcaDuty>())]
        nca_duty: Option<NcaDuty>,
        /// Who established, and when, that no arrangement under section 70(5) covers the content, that is, that it isn't already reported to an agency elsewhere
        #[arg(long)]
        nca_unreported: Option<String>,
    },
    /// Show or set the reporting bank's registration with its financial intelligence unit (docs/goaml.md)
    Unit {
        /// A JSON file with its settings
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// The unit's XML schema: every report is validated against it before it is sent
        #[arg(long, value_name = "FILE", requires = "file")]
        schema: Option<PathBuf>,
        /// A custom profile, if the settings say `"profile": "own"`
        #[arg(long, value_name = "FILE", requires = "file")]
        own_profile: Option<PathBuf>,
    },
}

#[derive(ClapArgs)]
pub struct AuditArgs {
    /// Only what concerns this list, case, exhibit, report …
    pub subject: Option<String>,
}

/// Parses the name of a hash kind whose digests can be compared one by one; those of videos can't.
fn kind(name: &str) -> Result<&'static obhut_hash::Kind, String> {
    let known = || {
        let all = obhut_hash::kinds::ALL.iter().copied();
        all.filter(|k| !matches!(k.compute, obhut_hash::Compute::Frames(..)))
    };
    known().find(|k| k.name == name).ok_or_else(|| {
        let names: Vec<_> = known().map(|k| k.name).collect();
        format!("unknown kind; known are {}", names.join(", "))
    })
}
