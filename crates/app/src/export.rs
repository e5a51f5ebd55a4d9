//! Writing an approved export: each exhibit encrypted to its recipient, with what the log says of
//! it.

use std::collections::BTreeMap;

use obhut_casework::{self as casework, Casework, CaseworkError, EventKind, Person, Result};
use obhut_formats::evidence::{
    Bag, Custody, Handling, Named, Provenance, provenance, readmes, sha256,
};
use obhut_partners::hand_over::encrypt_to;
use serde::Deserialize;

/// The version that the account of an export names.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Exhibits.
    pub exhibits: usize,
    /// Entries of the log with their proofs.
    pub entries: usize,
}

/// The fields of a record that the account names.
#[derive(Deserialize)]
struct Record {
    intake: Option<Access>,
    access: Option<Access>,
}

#[derive(Deserialize)]
struct Access {
    actor: String,
    purpose: String,
}

/// Writes an approved export as a BagIt bag: `write` gets each file's path in the bag and its bytes,
/// one after another. Every reading is logged before its bytes are read, and is part of the export.
///
/// # Errors
/// As [`casework::export_to_write`]; the recipient isn't an age recipient; or `write` failed.
// Long: one file of the bag after another.
pub async fn write_export<E: From<CaseworkError>>(
    casework: &Casework,
    id: &str,
    person: &Person,
    mut write: impl FnMut(&str, &[u8]) -> std::result::Result<(), E>,
) -> std::result::Result<Written, E> {
    let export = casework::export_to_write(casework, id, person).await?;
    check_recipient(&export.recipient)?;
    let reporter = casework::reporter(casework).await?;
    let mut bag = Bag::default();
    let mut put = |path: &str, bytes: &[u8]| {
        bag.add(path, bytes);
        write(path, bytes)
    };
    let sealed = |bytes: &[u8]| {
        encrypt_to(&export.recipient, bytes)
            .ok_or_else(|| CaseworkError::invalid("recipient", "encrypting failed"))
    };
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut custodies = Vec::with_capacity(export.exhibits.len());
    let mut entries = 0;
    for exhibit in &export.exhibits {
        let read = casework::read_for_export(casework, id, exhibit, person).await?;
        put(
            &format!("data/exhibits/{exhibit}.age"),
            &sealed(&read.bytes)?,
        )?;
        let intake = read.exhibit.intake;
        let mut custody = Custody {
            exhibit: exhibit.clone(),
            sha256: read.exhibit.sha256,
            bytes: read.exhibit.bytes,
            media_type: intake.media_type,
            source: intake.source,
            case: intake.case,
            history: Vec::new(),
        };
        for proven in read.proven {
            let index = proven.index;
            put(
                &format!("proofs/{index}.tlog-proof"),
                proven.proof.as_bytes(),
            )?;
            entries += 1;
            let Some(record) = proven.record else {
                continue;
            };
            put(&format!("data/records/{index}.json.age"), &sealed(&record)?)?;
            let parsed = serde_json::from_slice::<Record>(&record).ok();
            let Some(by) = parsed.and_then(|r| r.intake.or(r.access)) else {
                continue;
            };
            custody.history.push(Handling {
                index,
                what: match proven.event.event {
                    EventKind::Put => "put".into(),
                    EventKind::Read => "read".into(),
                    EventKind::Erase => "erase".into(),
                    EventKind::Row => "row".into(),
                },
                at: proven.event.time,
                by: name(casework, &mut names, by.actor).await,
                purpose: by.purpose,
            });
        }
        custodies.push(custody);
    }
    let about = Provenance {
        export: id,
        from: &reporter.service,
        to: export.handed_to.expose(),
        purpose: export.purpose.expose(),
        version: VERSION,
    };
    let account = provenance(about, &custodies).to_string();
    put("data/provenance.jsonld.age", &sealed(account.as_bytes())?)?;
    let log_key = casework::vault_key(casework);
    put("log-key", format!("{}\n", log_key.trim()).as_bytes())?;
    let named = Named {
        export: id,
        recipient: &export.recipient,
        log_key,
        version: VERSION,
    };
    for (path, text) in readmes(named) {
        put(path, text.as_bytes())?;
    }
    let info = [
        ("Source-Organization", reporter.service.as_str()),
        ("External-Identifier", id),
        (
            "Bag-Software-Agent",
            concat!("obhut ", env!("CARGO_PKG_VERSION")),
        ),
    ];
    let mut manifest_sha256 = String::new();
    for (path, text) in bag.finish(&info) {
        write(path, text.as_bytes())?;
        // The last one covers the others, and through the payload's manifest everything.
        manifest_sha256 = sha256(text.as_bytes());
    }
    let signature = casework::sign_export(casework, id, &manifest_sha256);
    write("export.sig", signature.as_bytes())?;
    casework::export_written(casework, id, person).await?;
    Ok(Written {
        exhibits: custodies.len(),
        entries,
    })
}

/// Fails for what isn't an age recipient.
///
/// # Errors
/// Invalid.
pub fn check_recipient(key: &str) -> Result<()> {
    obhut_partners::destinations::check_recipient(key)
}

/// The name of the person an id belongs to; any other text as it is.
async fn name(casework: &Casework, names: &mut BTreeMap<String, String>, actor: String) -> String {
    if let Some(known) = names.get(&actor) {
        return known.clone();
    }
    let found = casework::person(casework, &actor).await;
    let name = found.map_or_else(|_| actor.clone(), |person| person.name);
    names.insert(actor, name.clone());
    name
}
