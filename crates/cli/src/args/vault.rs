//! Commands about exhibits.

use std::path::PathBuf;

use clap::Subcommand;
use obhut_app::casework::Extent;

use super::{TimestampCommand, VerifyArgs, WitnessesCommand, destinations, extents};

#[derive(Subcommand)]
pub enum VaultCommand {
    /// Seal a file as an exhibit
    ///
    /// A regular file of up to 64 GiB; the file itself stays where it is. One that is changed while it
    /// is read is refused.
    Put {
        /// The case it belongs to
        #[arg(long)]
        case: Option<String>,
        /// Person who seals it (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// The file
        file: PathBuf,
    },
    /// List exhibits
    List,
    /// Read an exhibit; person and purpose are logged first
    Get {
        /// The exhibit
        exhibit: String,
        /// Person reading (role reviewer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
        /// Purpose
        #[arg(long, default_value = "taken out on the command line")]
        purpose: String,
        /// How much of it the person views; reports derive "viewed" from this alone
        #[arg(long, value_parser = extents(), default_value = "unseen")]
        seen: Extent,
        /// Output file (mode 0600; replaces a file of that name) [default: standard output, unless that
        /// is a terminal; if the command then fails, what it wrote is only a part]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make a new key for exhibits, and wrap each exhibit's key under it
    ///
    /// Each exhibit is sealed with its own key, and these keys are wrapped under the first key in
    /// `keys/exhibits.age`. Copy `keys/` after a rotation: backups from then on need it. The former keys
    /// stay in the file for backups from before. Once you need none of these any more, --forget-former
    /// removes them; then what was destroyed can't be opened in a backup from before, either.
    Rotate {
        /// Make no new key: remove the former ones, an hour or more after the last rotation
        #[arg(long)]
        forget_former: bool,
        /// Why
        #[arg(long)]
        reason: String,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Place a hold on an exhibit or a case: nothing of it is destroyed or erased while it lasts
    Hold {
        /// The exhibit, or a case with all its exhibits, later ones included
        subject: String,
        /// Who asks for it: an authority, a court, counsel
        #[arg(long, value_name = "WHO")]
        asked_by: String,
        /// Their reference
        #[arg(long)]
        reference: String,
        /// Until when, RFC 3339 [default: until two people release it]
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Release a hold; the second person's release ends it
    Release {
        /// The hold
        hold: String,
        /// Why it ends
        #[arg(long)]
        reason: String,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Take rows as they are that something else has changed, after two people have looked: without a code
    /// it names what differs and gives the code. `obhut verify` remarks on it ever after
    Accept {
        /// The code of what differs
        #[arg(requires_all = ["reason", "by"])]
        code: Option<String>,
        /// Why they are taken as they are
        #[arg(long, requires = "code")]
        reason: Option<String>,
        /// Person acting, who has the role administrator already
        #[arg(long, value_name = "PERSON", requires = "code")]
        by: Option<String>,
    },
    /// Keep an exhibit or a case's exhibits longer
    Extend {
        /// The exhibit, or a case with all its exhibits
        subject: String,
        /// Until when, RFC 3339
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Destroy an exhibit or a case's exhibits: one person asks, another confirms with the same command, and
    /// seven days later it is done. What the law, a hold or open work keeps is refused
    Destroy {
        /// The exhibit, or a case with all its exhibits
        #[arg(required_unless_present = "due")]
        subject: Option<String>,
        /// Destroy what is due, and list what waits. A server does so unasked
        #[arg(long, conflicts_with = "subject")]
        due: bool,
        /// Today's date (UTC, YYYY-MM-DD), from a calendar, not from this machine: with it you vouch that
        /// whatever the clock says is due is due. Two people's word replaces what obhut was observed to run
        #[arg(long, value_name = "DATE", requires = "due")]
        today: Option<String>,
        /// Why
        #[arg(long, required_unless_present = "due", conflicts_with = "due")]
        reason: Option<String>,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Show rules, holds and pending destructions; or what keeps an exhibit or a case's exhibits, and until
    /// when
    Retention {
        /// The exhibit, or a case
        subject: Option<String>,
    },
    /// Write what the log says of an exhibit, entry by entry, with proofs that others can check; also of erased
    /// exhibits
    Prove {
        /// The exhibit
        exhibit: String,
        /// A new folder, or an empty one
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Hand an exhibit or a case over to an authority: ask for it (--to, --recipient, --purpose); two others
    /// approve it (--approve); then write it (--out). Without an argument, list exports
    Export {
        /// The exhibit, or a case with the exhibits it has now; to approve or write: the export
        subject: Option<String>,
        /// Who receives it
        #[arg(long, value_name = "WHO", requires_all = ["recipient", "purpose"], conflicts_with_all = ["approve", "out"])]
        to: Option<String>,
        /// Their key: an age recipient (age1…)
        #[arg(long, value_name = "AGE")]
        recipient: Option<String>,
        /// What for
        #[arg(long)]
        purpose: Option<String>,
        /// Approve the export
        #[arg(long, conflicts_with = "out")]
        approve: bool,
        /// Write the export to a new folder, or an empty one: a BagIt bag
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// Person acting (role reporting-officer)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Record how long exhibits are kept that were filed with a destination, or never filed
    Rule {
        /// The destination [default: exhibits that were never filed]
        #[arg(long, value_name = "DESTINATION", value_parser = destinations())]
        filed_with: Option<String>,
        /// Days from the filing; of what was never filed, from the decision or, without a case, the
        /// intake
        #[arg(long)]
        days: i64,
        /// The law or the policy it follows
        #[arg(long)]
        basis: String,
        /// Person acting (role administrator)
        #[arg(long, value_name = "PERSON")]
        by: Option<String>,
    },
    /// Have the vault's log cosigned by witnesses, who remember how far they have seen it
    #[command(subcommand)]
    Witness(WitnessesCommand),
    /// Have the vault's log stamped with the time by an authority (RFC 3161)
    #[command(subcommand)]
    Timestamp(TimestampCommand),
    /// Delete files that nothing names, older than a day: left by what was cut off before it was
    /// logged (`obhut verify` lists them)
    Clean,
    /// The same as `obhut verify`
    Verify(VerifyArgs),
}
