//! Commands for what follows a decision (reports, appeals, destinations, routes, deadlines, alarms),
//! for the intake of others' reports, and for the fake CyberTipline.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use obhut_app::casework::{AppealOutcome, Language, Measure, Outcome, ServiceKind, Surface};

use super::{destinations, words};

#[derive(Subcommand)]
pub enum ReportCommand {
    /// Write a report in a destination's format; nothing is sent
    Draft {
        /// The case; a person must have decided to report it
        case: String,
        /// Destination whose format to use
        #[arg(long, value_parser = destinations())]
        destination: String,
        /// The file (mode 0600); documents about single files are written to the same folder
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Include the data of the children concerned
        #[arg(long)]
        with_victims: bool,
        /// Person asking, for the audit trail
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Score a report: what is missing, why a child may be at risk, what is omitted
    Check {
        /// The case; it need not be decided yet
        case: String,
        /// Destination whose format to use
        #[arg(long, value_parser = destinations())]
        destination: String,
        /// Score the report as if it included the data of the children concerned
        #[arg(long)]
        with_victims: bool,
    },
    /// File reports from the latest decision; they wait for another person's approval
    File {
        /// The case
        case: String,
        /// Destination [default: all destinations the recorded routes lead to]
        #[arg(long, value_parser = destinations())]
        destination: Option<String>,
        /// Include the data of the children concerned
        #[arg(long)]
        with_victims: bool,
    },
    /// Approve a filed report; never by the person who decided the case. Puts it into the outbox
    Approve {
        /// The report, or a case with one filed
        report: String,
        /// Person approving (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: String,
        /// File it first for this destination, if a case is named
        #[arg(long, value_parser = destinations())]
        destination: Option<String>,
        /// Include the data of the children concerned, if this command files the report
        #[arg(long)]
        with_victims: bool,
        /// Reason to send it although it contains nothing actionable, or breaks a rule of NCMEC's
        /// documentation
        #[arg(long = "override", value_name = "REASON")]
        because: Option<String>,
        /// Include the original reports of others that the case was opened from, unchanged; needs a
        /// report with the children's data, because they may name children
        #[arg(long)]
        as_received: bool,
    },
    /// Show what was approved, sent and received, word for word; the reading is logged
    Show {
        /// The report, or a case with one
        report: String,
        /// Person reading
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Send the reports in the outbox (a running server does so automatically)
    Send {
        /// Only this report, or the reports of this case
        report: Option<String>,
        /// Resume a report that was stopped and has been corrected
        #[arg(long)]
        resume: bool,
        /// Person acting
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// Reports sent concurrently
        #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
        at_once: u8,
        /// Seconds until another worker may take over if this command is killed
        #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=3600))]
        claim_seconds: u32,
    },
    /// File a supplement to a filed report, because the case has changed since; it needs another approval
    Supplement {
        /// The filed report
        report: String,
        /// Include the data of the children concerned
        #[arg(long)]
        with_victims: bool,
    },
    /// Retract a report: withdraw it if it hasn't been sent, otherwise notify its receiver
    Retract {
        /// The report, or a case with one
        report: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Record that a receiver acknowledged a retraction, or has a package whose delivery wasn't confirmed
    Acknowledge {
        /// The report
        report: String,
        /// Who acknowledged it, and how
        #[arg(long)]
        how: String,
        /// Record that the receiver has the report: for a package whose sending was stopped
        #[arg(long)]
        arrived: bool,
        /// Person recording it (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Show the status of reports
    Status {
        /// A report or a case [default: all]
        report: Option<String>,
    },
    /// Record or count the outcomes of reports, as their receivers state them
    Outcome {
        /// The report; without it, counts per source are shown
        report: Option<String>,
        /// The outcome
        #[arg(long, value_parser = words::<Outcome>(), requires = "report")]
        code: Option<Outcome>,
        /// The receiver that states it
        #[arg(long, requires = "report")]
        source: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum AppealCommand {
    /// File an appeal against what was decided
    Open {
        /// The case
        #[arg(required_unless_present = "code")]
        case: Option<String>,
        /// Instead of the case: the code of a notice
        #[arg(long, conflicts_with = "case")]
        code: Option<String>,
        /// Why
        #[arg(long)]
        reason: String,
        /// Person who admits another appeal against the same decision, because of new facts
        #[arg(long, value_name = "PERSON", conflicts_with = "code")]
        admitted_by: Option<String>,
    },
    /// Decide an appeal; never by a person who decided the case, determined something about it,
    /// approved a report of it, or admitted or decided an appeal of it
    Decide {
        /// The appeal
        appeal: String,
        /// Person deciding (role reviewer or appeals)
        #[arg(long, value_name = "PERSON")]
        by: String,
        /// The outcome
        #[arg(long, value_parser = words::<AppealOutcome>())]
        outcome: AppealOutcome,
        /// Why
        #[arg(long)]
        grounds: String,
    },
    /// Show an appeal: what the person concerned wrote; the reading is on record
    Show {
        /// The appeal
        appeal: String,
        /// Person reading it (role reviewer or appeals)
        #[arg(long, value_name = "PERSON")]
        by: String,
    },
    /// List open appeals
    List,
    /// Make a notice for the person a case concerns, with a code for appealing
    Notice {
        /// The case
        case: String,
        /// The measure
        #[arg(long, value_parser = words::<Measure>())]
        measure: Measure,
        /// Language of the notice
        #[arg(long, value_parser = words::<Language>(), default_value = "en")]
        language: Language,
        /// Contact for appeals: an e-mail address or a page
        #[arg(long, default_value = "")]
        contact: String,
        /// Person making it (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// List measures to reverse after upheld appeals, or record that one was reversed
    Restorations {
        /// Id of the measure that was reversed
        #[arg(long, value_name = "ID")]
        done: Option<String>,
        /// Person acting
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Show the proof of erasure of a cleared case
    Proof {
        /// The case
        case: String,
    },
}

#[derive(ClapArgs)]
pub struct IntakeArgs {
    /// Show the queue, highest risk first: N rows [default: 20]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "20", conflicts_with_all = ["open", "files"])]
    pub queue: Option<i64>,
    /// Open a case from an incoming report
    #[arg(long, value_name = "ID", conflicts_with = "files")]
    pub open: Option<String>,
    /// Files or folders; the format is detected: CyberTipline XML, XARF, VICS, ICCAM, JSON of forms
    /// and platforms (one, or one a line), e-mail, PDF, ZIP, notes
    #[arg(required_unless_present_any = ["queue", "open"], value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Subcommand)]
pub enum DestinationCommand {
    /// List where reports can go
    List,
    /// Configure a destination; omitted options keep their values
    Set {
        /// The destination
        #[arg(value_parser = destinations())]
        name: String,
        /// Its address [default: its own test address]
        #[arg(long)]
        url: Option<String>,
        /// User name there
        #[arg(long)]
        user: Option<String>,
        /// A file with the password or signing secret
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// The age key (age1…) packages are encrypted to
        #[arg(long, value_name = "KEY")]
        recipient: Option<String>,
        /// Folder for packages, instead of mail
        #[arg(long, value_name = "DIR", conflicts_with_all = ["mail_to", "url"])]
        folder: Option<PathBuf>,
        /// The authority's e-mail address; packages are sent there by the mail server that --url names
        #[arg(long, value_name = "ADDRESS")]
        mail_to: Option<String>,
        /// Reference of the authority's written instruction that files may come by mail
        #[arg(long, value_name = "REFERENCE")]
        media_instruction: Option<String>,
        /// Officer responsible for what is sent (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        officer: Option<String>,
        /// Use the production service; needs credentials and an officer
        #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
        production: Option<bool>,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Check login and schema of the destination (ncmec only)
    Check {
        /// The destination
        #[arg(value_parser = ["ncmec"])]
        name: String,
    },
    /// Resume a halted destination once the cause is fixed
    Resume {
        /// The destination
        #[arg(value_parser = destinations())]
        name: String,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum RouteCommand {
    /// List the routes on record
    List,
    /// List routes we know of; none applies until it is recorded with its basis
    Propose,
    /// Put a route on record, with its legal basis
    Add(RouteArgs),
    /// Remove a route
    Remove {
        /// The route
        id: String,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Show which destinations a case goes to, and why
    Show {
        /// The case
        case: String,
    },
}

#[derive(ClapArgs)]
pub struct RouteArgs {
    /// The destination
    #[arg(long, value_parser = destinations())]
    pub destination: String,
    /// The law and its section
    #[arg(long)]
    pub basis: String,
    /// Only for providers of this country (ISO 3166-1)
    #[arg(long, default_value = "", value_name = "COUNTRY")]
    pub provider: String,
    /// Only for users of this country
    #[arg(long, default_value = "", value_name = "COUNTRY")]
    pub user: String,
    /// Only for this sort of service
    #[arg(long, value_parser = words::<ServiceKind>())]
    pub service: Option<ServiceKind>,
    /// Only for this surface
    #[arg(long, value_parser = words::<Surface>())]
    pub surface: Option<Surface>,
    /// First day, YYYY-MM-DD
    #[arg(long, default_value = "", value_name = "DAY")]
    pub from: String,
    /// Last day, YYYY-MM-DD
    #[arg(long, default_value = "", value_name = "DAY")]
    pub until: String,
    /// Skip if the case goes to this destination, by another route or a report that is on record
    #[arg(long, default_value = "", value_name = "DESTINATION")]
    pub unless: String,
    /// Person acting (role administrator)
    #[arg(long, value_name = "PERSON")]
    pub by: Option<String>,
}

#[derive(Subcommand)]
pub enum DeadlineCommand {
    /// List open deadlines, soonest first
    List {
        /// Only those of this case
        case: Option<String>,
        /// Also those that have ended
        #[arg(long)]
        all: bool,
    },
    /// Record an authority's request with its deadline
    Request {
        /// The case
        case: String,
        /// The authority
        #[arg(long)]
        authority: String,
        /// Their reference
        #[arg(long, default_value = "")]
        reference: String,
        /// When it is due, RFC 3339
        #[arg(long)]
        due: String,
        /// Exhibit with the legal process (warrant, order)
        #[arg(long, value_name = "EXHIBIT")]
        process: Option<String>,
        /// Person recording it (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Extend a deadline; it is never shortened
    Extend {
        /// The deadline
        id: String,
        /// The new date, RFC 3339
        #[arg(long)]
        due: String,
        /// Why
        #[arg(long)]
        because: String,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// End a deadline, because what it waited for is done
    End {
        /// The deadline
        id: String,
        /// Why
        #[arg(long)]
        because: String,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum AlarmCommand {
    /// List unseen alarms
    List,
    /// Mark an alarm as seen
    Seen {
        /// The alarm
        id: String,
        /// Person who saw it
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
}

#[derive(Subcommand)]
pub enum TestserverCommand {
    /// A fake CyberTipline that follows NCMEC's documentation and keeps everything in memory
    Cybertip(CybertipArgs),
}

#[derive(ClapArgs)]
pub struct CybertipArgs {
    /// Address and port; loopback only
    #[arg(long, default_value = "127.0.0.1:8099", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// User name it accepts
    #[arg(long, default_value = "test")]
    pub user: String,
    /// Password it accepts
    #[arg(long, default_value = "test")]
    pub password: String,
    /// Percentage of requests that are executed but whose answer is lost
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub lost: u32,
    /// Percentage of requests executed twice
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub twice: u32,
    /// Percentage of requests answered with 503
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub errors: u32,
    /// Percentage of requests answered with HTTP 200 and an error code
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub codes: u32,
    /// Error code to answer with, e.g. 2000, 3100, 4200
    #[arg(long, default_value_t = 1000)]
    pub code: i64,
    /// Percentage of uploads answered with a wrong MD5
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub wrong_md5: u32,
    /// Percentage of requests that hang
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub hangs: u32,
    /// Seconds for which they hang
    #[arg(long, default_value_t = 120)]
    pub hang_seconds: u64,
    /// Answer in ISO-8859-1
    #[arg(long)]
    pub latin1: bool,
    /// Seed of the random faults
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Stop after this many seconds
    #[arg(long, default_value_t = 86_400)]
    pub end_after: u64,
}
