//! Computes what is stored for each report: tokens, reasons, sealed bytes.

use std::borrow::Cow;

use obhut_index::Bits256;
use obhut_vault::{LookupKey, Sealer};
use sha2::{Digest as _, Sha256};

use super::ranks::{self, UNREAD};
use super::{IncomingFormat, ParsedReport, Understood};
use obhut_casework::for_domains::{Inside as _, bytes_key};
use obhut_casework::{Account, Casework, Facts, RuleFile, RuleInput, at_risk};
use obhut_facts::Signals;

/// A report, ready to be placed.
pub(super) struct PreparedReport {
    pub format: IncomingFormat,
    pub understood: Understood,
    /// Token over account, digests, threads and times; over the report's bytes if it has no
    /// account, or neither digests nor threads.
    pub same: i64,
    /// One token per digest and account; a repeat is a re-upload.
    pub reuploads: Vec<i64>,
    /// Tokens that link it to other reports.
    pub links: Vec<i64>,
    /// Tokens of the reported accounts' ids, whatever the service. They link nothing: the same name
    /// on another service is another account.
    pub account_ids: Vec<i64>,
    /// PDQ digests of its files.
    pub near: Vec<Bits256>,
    pub account_key: Option<String>,
    /// Lookup keys of its files' bytes, computed as for exhibits.
    pub bytes_keys: Vec<String>,
    /// As [`ranks::stored`] gives them.
    pub reasons: Vec<Cow<'static, str>>,
    /// How urgent its texts read: the order among reports of one at-risk score.
    pub worded: i32,
    pub sealed: Vec<u8>,
    pub unreadable: Option<String>,
    /// The report's bytes if it is unreadable, otherwise empty.
    pub raw: Vec<u8>,
}

/// Token of the pictures (PDQ) that report `seq` was the first to contain; later reports with a
/// near picture are linked through it.
pub(super) fn near_token(seq: i64) -> i64 {
    // Not keyed: a sequence number reveals nothing. Mixed, so that it collides with other tokens no
    // more often than they do with each other: multiplied by 2^64 divided by the golden ratio
    // (multiplicative hashing, Knuth), rotated by an arbitrary amount, XORed with "near" in ASCII.
    let mixed = (seq as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(31)
        ^ 0x6e65_6172;
    // Each step is a bijection, so two reports never share a near token.
    mixed as i64
}

/// The token of a keyed digest in hexadecimal.
fn token(digest: &str) -> i64 {
    // 64 bits: a collision could link two unrelated reports or mark one as a duplicate, but drops
    // neither.
    u64::from_str_radix(&digest[..16], 16).expect("hexadecimal") as i64
}

/// The tokens of reports about an account of this platform. Reports name services, but which of
/// them is this platform isn't known, so a report about the same id on another service is found
/// too.
pub(super) fn of_account(casework: &Casework, account: &str) -> [i64; 2] {
    let without_service = Account {
        id: Some(account.to_owned()),
        ..Account::default()
    };
    let of = |label: &str, name: String| token(&casework.keyed_digest(label, name.as_bytes()));
    [
        of(ACCOUNT_ID, account.trim().to_lowercase()),
        // Reports taken in by earlier versions have no token of the id.
        of("incoming account", account_name(&without_service)),
    ]
}

/// Label of the tokens of ids.
const ACCOUNT_ID: &str = "incoming account id";

// Long: handles the fields one by one.
pub(super) fn prepare(given: &ParsedReport, sealer: &Sealer, lookup: &LookupKey) -> PreparedReport {
    let facts = given.facts.expose();
    let token = |label: &str, text: &str| token(&lookup.keyed_digest(label, text.as_bytes()));
    let mut links = Vec::new();
    let account = facts
        .reported
        .as_ref()
        .map(account_name)
        .filter(|a| !a.is_empty());
    if let Some(account) = &account {
        links.push(token("incoming account", account));
    }
    let mut addresses = Vec::new();
    // Other reported accounts, and accounts associated with the first.
    let more = facts.also_reported.iter();
    for other in more.chain(facts.reported.iter().flat_map(|a| &a.associated)) {
        let name = account_name(other);
        if !name.is_empty() {
            links.push(token("incoming account", &name));
        }
    }
    let people = facts.reported.iter().chain(&facts.also_reported);
    for device in people.flat_map(|a| &a.devices) {
        let value = device.value.trim().to_lowercase();
        // Our judgement: a value of less than 6 bytes names a model, not one device.
        if value.len() >= 6 {
            links.push(token(
                "incoming device",
                &format!("{}\n{value}", device.kind.trim().to_lowercase()),
            ));
        }
    }
    for other in facts
        .reported
        .iter()
        .chain(&facts.also_reported)
        .chain(&facts.recipients)
        .chain(&facts.victims)
    {
        for email in other.person.iter().flat_map(|p| &p.emails) {
            addresses.push(format!("mail:{}", email.address.trim().to_lowercase()));
        }
        for phone in other.person.iter().flat_map(|p| &p.phones) {
            let digits: String = phone
                .country_code
                .iter()
                .chain([&phone.number])
                .flat_map(|t| t.chars())
                .filter(char::is_ascii_digit)
                .collect();
            // Our judgement: numbers of less than 6 digits would link strangers.
            if digits.len() >= 6 {
                addresses.push(format!("phone:{digits}"));
            }
        }
    }
    let people = facts.reported.iter().chain(&facts.also_reported);
    let account_ids = people
        .filter_map(|a| a.id.as_deref())
        .map(|id| token(ACCOUNT_ID, &id.trim().to_lowercase()))
        .collect();
    // Under the label of reported accounts: another report may report this child's account.
    for child in &facts.victims {
        let name = account_name(child);
        if !name.is_empty() {
            links.push(token("incoming account", &name));
        }
    }
    links.extend(addresses.iter().map(|a| token("incoming address", a)));
    links.extend(
        facts
            .wallets
            .iter()
            .filter(|w| !w.address.is_empty())
            .map(|w| token("incoming wallet", &w.address)),
    );
    for thread in facts.threads.iter().filter_map(|t| t.id.as_deref()) {
        links.push(token("incoming thread", thread));
    }
    links.extend(facts.series.iter().map(|s| token("incoming series", s)));
    let mut digests: Vec<String> = given
        .digests
        .iter()
        .map(|(kind, value)| format!("{kind}:{value}"))
        .collect();
    digests.sort_unstable();
    digests.dedup();
    links.extend(digests.iter().map(|d| token("incoming digest", d)));
    // A report states its own number and those of prior reports.
    links.extend(given.number.iter().map(|n| token("incoming number", n)));
    for prior in facts.reported.iter().flat_map(|a| &a.prior_reports) {
        links.push(token("incoming number", &prior.to_string()));
    }
    links.sort_unstable();
    links.dedup();
    let reuploads = match &account {
        Some(account) => digests
            .iter()
            .map(|d| token("incoming upload", &format!("{account}\n{d}")))
            .collect(),
        None => Vec::new(),
    };
    let mut threads: Vec<_> = facts
        .threads
        .iter()
        .filter_map(|t| t.id.as_deref())
        .collect();
    threads.sort_unstable();
    let raw = given.raw.expose();
    let same = match (digests.is_empty() && threads.is_empty(), &account) {
        // Without an account, or with neither digests nor threads, only its bytes identify it.
        (true, _) | (_, None) => token("incoming bytes", &hex::encode(Sha256::digest(raw))),
        (false, Some(account)) => {
            // The same file at another time is a re-upload, not a duplicate.
            let when = facts.occurred_at.as_deref().unwrap_or_default();
            let parts = [
                account.as_str(),
                &digests.join(","),
                &threads.join(","),
                when,
                &event_times(facts),
            ];
            token("incoming same", &parts.join("\n"))
        }
    };
    let annotations: Vec<String> = facts
        .files
        .values()
        .flat_map(|f| f.annotations.iter().cloned())
        .collect();
    let input = RuleInput {
        facts,
        files: rule_files(digests.len() + given.near.len(), &annotations),
        // Both matter only to completeness, which is not computed here.
        categorised: false,
        reporter: true,
        said: Signals::of(facts),
    };
    let mut reasons: Vec<Cow<'static, str>> = match given.unreadable {
        Some(_) => Vec::new(),
        None => at_risk(&input).1.iter().map(ranks::stored).collect(),
    };
    if given.understood != Understood::Yes {
        // Last, because its level is the least pressing.
        reasons.push(UNREAD.into());
    }
    // The key that cases use: over the id as given, without the service.
    let account_key = facts
        .reported
        .as_ref()
        .and_then(|a| a.id.as_ref())
        .map(|id| lookup.keyed_digest("account", id.as_bytes()));
    PreparedReport {
        format: given.format,
        understood: given.understood,
        same,
        reuploads,
        links,
        account_ids,
        near: given.near.clone(),
        account_key,
        bytes_keys: given
            .digests
            .iter()
            .filter(|(kind, _)| matches!(kind.as_str(), "md5" | "sha1" | "sha256"))
            .map(|(kind, value)| bytes_key(lookup, kind, value))
            .collect(),
        reasons,
        worded: input.said.worded(),
        sealed: sealer.seal(&sealed_form(facts, raw)),
        unreadable: given.unreadable.clone(),
        raw: match given.unreadable {
            Some(_) => raw.clone(),
            None => Vec::new(),
        },
    }
}

/// Times of the account's and the files' IP events, and of the uploads: they distinguish one upload
/// from another.
fn event_times(facts: &Facts) -> String {
    let own = facts.reported.iter().flat_map(|a| &a.ip_events);
    let files = facts.files.values().filter_map(|f| f.ip_event.as_ref());
    let times: Vec<_> = own.chain(files).filter_map(|e| e.at.as_deref()).collect();
    let uploads: Vec<_> = facts
        .files
        .values()
        .filter_map(|f| f.uploaded_at.as_deref())
        .collect();
    format!("{}|{}", times.join(","), uploads.join(","))
}

/// Service and id (or screen name) of an account in lower case, separated by a line feed; empty if
/// it has neither id nor screen name. The same name on another service is another account.
fn account_name(account: &Account) -> String {
    let name = [&account.id, &account.screen_name]
        .into_iter()
        .flatten()
        .map(|name| name.trim())
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    match name {
        "" => String::new(),
        name => format!(
            "{}\n{}",
            account
                .service
                .as_deref()
                .unwrap_or_default()
                .trim()
                .to_lowercase(),
            name.to_lowercase()
        ),
    }
}

/// Length of the JSON facts (8 bytes, big-endian), the facts, then the original bytes.
fn sealed_form(facts: &Facts, raw: &[u8]) -> Vec<u8> {
    let json = serde_json::to_vec(facts).expect("facts are JSON");
    let mut out = Vec::with_capacity(8 + json.len() + raw.len());
    out.extend((json.len() as u64).to_be_bytes());
    out.extend(json);
    out.extend(raw);
    out
}

/// The original bytes in an opened [`sealed_form`]; `None` if it is too short.
pub(super) fn raw(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.get(usize::try_from(u64::from_be_bytes(*length)).ok()?..)
}

/// The facts in an opened [`sealed_form`]; `None` if they can't be read.
pub(super) fn facts(bytes: &[u8]) -> Option<Facts> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let json = rest.get(..usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
    serde_json::from_slice(json).ok()
}

/// The facts that a case is opened with. What others wrote in their own words may name a caller or
/// a child, so it moves to fields that are never sent. This also applies to a case file from
/// another obhut, because anyone who may submit reports can write one.
pub(super) fn to_open(known: &Facts, format: IncomingFormat) -> Facts {
    use IncomingFormat::{DsaNotice, Form, Json, Mail, Note, Unreadable};
    let by_hand = matches!(format, DsaNotice | Form | Json | Mail | Note | Unreadable);
    let mut known = known.clone();
    obhut_facts::keep_words_here(&mut known, by_hand);
    known
}

/// The files of an incoming report, as the risk rules see them: a single one for all its digests.
pub(super) fn rule_files(digests: usize, annotations: &[String]) -> Vec<RuleFile> {
    match digests {
        0 => Vec::new(),
        _ => vec![RuleFile {
            // Neither kept nor matched: its bytes aren't here, and a match with a list would only
            // be the sender's claim.
            annotations: annotations.to_vec(),
            ..RuleFile::default()
        }],
    }
}
