//! A web form's JSON as an incoming report. Any field may be missing. Unknown fields stay in the
//! original bytes, and their texts are added to the note.

use obhut_facts::{
    Account, Email, Facts, FileFacts, IncidentKind, IncidentTag, IncomingFormat, ParsedReport,
    Payment, Person as NamedPerson, Place, RiskFact, Sealed, Signal, Signals, Thread, Understood,
    Wallet,
};
use serde_json::Value;

use super::{Format, Input, empty, put_digest};

pub(super) const FORMAT: Format = Format {
    is: |input| {
        let fields = input.json.as_ref().and_then(Value::as_object);
        fields.is_some_and(|f| KEYS.iter().any(|key| f.contains_key(*key)))
    },
    read,
};

/// Fields that mark JSON as a web form. JSON with none of them is unknown (unknown_json.rs).
const KEYS: &[&str] = &[
    "account",
    "account_email",
    "child",
    "explanation",
    "facts",
    "files",
    "incident",
    "occurred_at",
    "payments",
    "platform",
    "risks",
    "series",
    "service",
    "tags",
    "text",
    "thread",
    "urgent",
    "urgent_because",
    "url",
    "urls",
    "wallet",
    "what",
    "when",
];

/// Fields that name the account meant; `account` may then be the sender's.
const SUSPECTS: &[&str] = &[
    "reported_account",
    "reported_user",
    "suspect",
    "suspect_account",
    "offender",
    "offender_account",
];

/// The id in the field `account`, which may be an object.
fn plain_account(value: &Value) -> Option<String> {
    let account = &value["account"];
    [account, &account["id"]].into_iter().find_map(|id| {
        let text = id.as_str().map(|t| t.trim().to_owned());
        text.filter(|t| !t.is_empty())
            .or_else(|| Some(id.as_u64()?.to_string()))
    })
}

// Long: reads the fields in the order of the form.
fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() accepted the input");
    let own = |name: &str| {
        value[name]
            .as_str()
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
    };
    let words = |name: &str| -> Vec<String> {
        let list = value[name]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        list.chain(value[name].as_str())
            .map(str::to_owned)
            .collect()
    };
    let joined = |texts: [Option<String>; 3]| {
        // One of them may say the same as another.
        let mut all: Vec<String> = texts.into_iter().flatten().collect();
        all.dedup();
        (!all.is_empty()).then(|| all.join("\n"))
    };
    let mut given = empty(IncomingFormat::Form);
    let counted = |name: &str| own(name).or_else(|| Some(value[name].as_u64()?.to_string()));
    given.number = counted("number").or_else(|| counted("id"));
    let mut facts = Facts {
        occurred_at: own("occurred_at").or_else(|| own("when")),
        platform: own("platform").or_else(|| own("service")),
        urgent_because: own("urgent_because").or_else(|| own("urgent")).or_else(|| {
            // A checkbox gives no reason.
            (value["urgent"] == true).then(|| "urgent".to_owned())
        }),
        incident: own("incident").and_then(|w| IncidentKind::from_word(&w)),
        tags: words("tags")
            .iter()
            .filter_map(|w| IncidentTag::from_word(w))
            .collect(),
        risks: words("risks")
            .iter()
            .filter_map(|w| RiskFact::from_word(w))
            .collect(),
        series: own("series"),
        note: joined(["explanation", "what", "text"].map(own)),
        ..Facts::default()
    };
    let mut urls = words("url");
    urls.extend(words("urls"));
    if !urls.is_empty() {
        facts.places.push(Place::WebPage {
            urls,
            third_party: None,
            note: None,
        });
    }
    // The sender says which account is meant; the plain one may be the sender's own.
    let named = SUSPECTS.iter().find(|name| !value[**name].is_null());
    let account = match named {
        Some(name) => counted(name),
        None => plain_account(value),
    };
    let emails: Vec<_> = words("account_email")
        .into_iter()
        .map(|address| Email {
            address,
            ..Email::default()
        })
        .collect();
    // It may be the account of the person who speaks of suicide.
    let speaks = |text: &Option<String>| {
        let text = text.as_deref();
        text.is_some_and(|t| Signals::of_text(t).has(Signal::SelfHarm))
    };
    let in_need = speaks(&facts.note) || speaks(&facts.urgent_because);
    if named.is_none() && in_need && (account.is_some() || !emails.is_empty()) {
        given.understood = Understood::Partly;
        let found = account.iter().chain(emails.iter().map(|e| &e.address));
        let found: Vec<String> = found.map(|a| format!("account: {a}")).collect();
        let known = facts.note.take().into_iter();
        facts.note = Some(known.chain(found).collect::<Vec<_>>().join("\n"));
    } else if account.is_some() || !emails.is_empty() {
        let person = (!emails.is_empty()).then(|| NamedPerson {
            emails,
            ..NamedPerson::default()
        });
        facts.reported = Some(Account {
            id: account,
            service: own("service"),
            person,
            ..Account::default()
        });
    }
    if let Some(child) = counted("child") {
        facts.victims.push(Account {
            id: Some(child),
            service: own("service"),
            ..Account::default()
        });
    }
    facts.threads = words("thread")
        .into_iter()
        .map(|id| Thread {
            id: Some(id),
            ..Thread::default()
        })
        .collect();
    for payment in value["payments"].as_array().into_iter().flatten() {
        // A payment that does not parse is skipped; the original bytes still have it.
        if let Ok(payment) = serde_json::from_value::<Payment>(payment.clone()) {
            facts.payments.push(payment);
        }
    }
    // The form has no field for the chain, so its addresses are taken to be Bitcoin addresses.
    facts.wallets = words("wallet")
        .into_iter()
        .map(|address| Wallet {
            chain: "bitcoin".into(),
            address,
            ..Wallet::default()
        })
        .collect();
    for (number, file) in value["files"].as_array().into_iter().flatten().enumerate() {
        // Every field is offered; put_digest() takes only the names of hash kinds.
        for (kind, digest) in file.as_object().into_iter().flatten() {
            put_digest(&mut given, kind, digest.as_str().unwrap_or_default());
        }
        let marks = file["annotations"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let known = FileFacts {
            url: file["url"].as_str().map(str::to_owned),
            uploaded_at: file["uploaded_at"].as_str().map(str::to_owned),
            annotations: marks.map(str::to_owned).collect(),
            ..FileFacts::default()
        };
        facts.files.insert(format!("{:05}", number + 1), known);
    }
    // case_facts() refuses a missing `facts` or an unknown field in it; then the fields above
    // count.
    if let Some(whole) = case_facts(value) {
        // The case file of another obhut installation has exact fields; nothing is guessed.
        for file in whole.files.values() {
            if let Some(sha256) = &file.sha256 {
                put_digest(&mut given, "sha256", sha256);
            }
            for hash in &file.original_hashes {
                put_digest(&mut given, &hash.kind, &hash.value);
            }
        }
        facts = whole;
        given.format = IncomingFormat::CaseFile;
    }
    // An unknown field, or a known one of an unexpected type, may hold the most important thing.
    let unread = |name: &str, field: &Value| match name {
        // The reporter is left unread on purpose.
        "reporter" => false,
        "facts" => given.format != IncomingFormat::CaseFile,
        "files" | "payments" => !field.is_array(),
        "account" => {
            !(field.is_string()
                || field.is_u64()
                || field["id"].is_string()
                || field["id"].is_u64())
        }
        "tags" | "risks" | "url" | "urls" | "thread" | "wallet" | "account_email" => {
            !(field.is_string() || field.is_array())
        }
        "number" | "id" | "child" => !(field.is_string() || field.is_u64()),
        name if SUSPECTS.contains(&name) => !(field.is_string() || field.is_u64()),
        "urgent" => !(field.is_string() || field.is_boolean()),
        name if KEYS.contains(&name) => !field.is_string(),
        _ => given.format != IncomingFormat::CaseFile,
    };
    let fields = value.as_object().into_iter().flatten();
    let unread: Vec<_> = fields
        .filter(|(n, f)| !f.is_null() && unread(n, f))
        .collect();
    if !unread.is_empty() {
        given.understood = Understood::Partly;
        // The unread texts go into the note, so that they still count when the report is ranked.
        let mut texts = Vec::new();
        for (_, field) in unread {
            texts_of(field, &mut texts);
        }
        if !texts.is_empty() {
            let known = facts.note.take().unwrap_or_default();
            let all = [known].into_iter().filter(|n| !n.is_empty()).chain(texts);
            facts.note = Some(all.collect::<Vec<_>>().join("\n"));
        }
    }
    given.facts = Sealed::new(facts);
    Ok(given)
}

/// Every text in a value.
fn texts_of(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => into.push(text.trim().to_owned()),
        Value::Array(all) => all.iter().for_each(|v| texts_of(v, into)),
        Value::Object(all) => all.values().for_each(|v| texts_of(v, into)),
        _ => {}
    }
}

/// The facts of a case file, with those of its files.
fn case_facts(value: &Value) -> Option<Facts> {
    let mut facts = Facts::from_json(value["facts"].to_string().as_bytes()).ok()?;
    // A case file keeps the facts of a file with that file, not in the map `facts.files`.
    for (number, item) in value["files"].as_array().into_iter().flatten().enumerate() {
        if let Ok(file) = serde_json::from_value::<FileFacts>(item["facts"].clone()) {
            facts.files.insert(format!("{:05}", number + 1), file);
        }
    }
    Some(facts)
}
