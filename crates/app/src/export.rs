//! Writing an approved export: each exhibit encrypted to its recipient, with what the log says of
//! it, and what witnesses and a time authority say of the log.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use obhut_casework::{
    self as casework, Casework, CaseworkError, EventKind, LogHead, Person, Result, Timestamp,
};
use obhut_formats::evidence::{
    Bag, Custody, Digested, Handling, Named, Provenance, provenance, readmes, sha256,
};
use obhut_partners::hand_over::Encrypting;
use obhut_partners::http::Http;
use obhut_partners::stamping;
use obhut_partners::witnessing::{self, Asked};
use serde::Deserialize;

/// The version that the account of an export names.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was written.
pub struct Written {
    /// Exhibits.
    pub exhibits: usize,
    /// Entries of the log with their proofs.
    pub entries: usize,
    /// The witnesses that were asked, and what they answered.
    pub asked: Vec<Asked>,
    /// How many of them have cosigned the head that the proofs lead to.
    pub cosigned_by: usize,
    /// The stamp, if an authority is on record and has given one; or why it hasn't.
    pub stamp: Option<Result<Timestamp>>,
}

/// What others say of the log's head.
struct Outside {
    head: LogHead,
    /// The checkpoint as the log has signed it.
    checkpoint: Vec<u8>,
    /// The same with the cosignatures of witnesses.
    note: Vec<u8>,
    /// The keys of these witnesses, a line each.
    keys: String,
    asked: Vec<Asked>,
    stamp: Option<Result<Timestamp>>,
}

impl Outside {
    /// Has the log's head cosigned and stamped. Who doesn't answer keeps no export from being written.
    async fn ask(casework: &Casework, http: &Arc<Http>) -> Result<Self> {
        let asked = witnessing::ask_all(casework, http, false).await?;
        let now = casework::log_checkpoint(casework).await?;
        let cosigned: Vec<_> = asked
            .iter()
            .filter_map(|a| Some((&a.witness, a.answer.as_ref().ok()?)))
            .collect();
        // The log may have grown between two answers: the head that most have cosigned counts.
        let votes = |head: LogHead| cosigned.iter().filter(|(_, c)| c.head == head).count();
        let most = cosigned
            .iter()
            .max_by_key(|(_, c)| (votes(c.head), c.head.size));
        let (head, checkpoint) = match most {
            Some((_, c)) => (c.head, c.checkpoint().to_vec()),
            None => now,
        };
        let mut note = checkpoint.clone();
        let mut keys = String::new();
        for (witness, cosigned) in cosigned.iter().filter(|(_, c)| c.head == head) {
            note.extend(cosigned.line());
            keys += &format!("{}\n", witness.key.text());
        }
        let stamp = stamping::stamp(casework, http, head, &checkpoint).await;
        Ok(Self {
            head,
            checkpoint,
            note,
            keys,
            asked,
            stamp: stamp.transpose(),
        })
    }
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

/// A file of an export that is being written.
pub trait Output: Write + Sized {
    /// Makes it durable under its name.
    ///
    /// # Errors
    /// It can't be written.
    fn finish(self) -> io::Result<()>;
}

/// An export that is being written.
struct Writing<'a, C> {
    bag: Bag,
    create: C,
    recipient: &'a str,
}

impl<F: Output, C: FnMut(&str) -> io::Result<F>> Writing<'_, C> {
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let written = (self.create)(path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.finish()
        });
        written.map_err(|e| fault(path, &e))
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.bag.add(path, bytes);
        self.write(path, bytes)
    }

    fn put_encrypted(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let mut file = self.encrypting(path)?;
        file.write_all(bytes).map_err(|e| fault(path, &e))?;
        self.finish(path, file)
    }

    /// Begins a file that is encrypted to the recipient.
    fn encrypting(&mut self, path: &str) -> Result<Encrypting<Digested<F>>> {
        let into = (self.create)(path).map_err(|e| fault(path, &e))?;
        let begun = Encrypting::new(self.recipient, Digested::new(into));
        let begun =
            begun.ok_or_else(|| CaseworkError::invalid("recipient", "encrypting failed"))?;
        begun.map_err(|e| fault(path, &e))
    }

    fn finish(&mut self, path: &str, file: Encrypting<Digested<F>>) -> Result<()> {
        let file = file.finish().map_err(|e| fault(path, &e))?;
        let (file, digest, bytes) = file.finish();
        self.bag.add_known(path, digest, bytes);
        file.finish().map_err(|e| fault(path, &e))
    }
}

fn fault(path: &str, e: &io::Error) -> CaseworkError {
    CaseworkError::Folder {
        path: path.to_owned(),
        why: e.to_string(),
    }
}

/// Writes an approved export as a BagIt bag: `create` gets each file's path in the bag, one after
/// another. Every reading is logged before its bytes are read, and is part of the export. Witnesses and
/// a time authority, where they are on record, are asked about the log's head.
///
/// # Errors
/// As [`casework::export_to_write`]; the recipient isn't an age recipient; or a file can't be written.
// Long: one file of the bag after another.
pub async fn write_export<F: Output>(
    casework: &Casework,
    id: &str,
    person: &Person,
    http: &Arc<Http>,
    create: impl FnMut(&str) -> io::Result<F>,
) -> Result<Written> {
    let export = casework::export_to_write(casework, id, person).await?;
    check_recipient(&export.recipient)?;
    let reporter = casework::reporter(casework).await?;
    let mut bag = Writing {
        bag: Bag::default(),
        create,
        recipient: &export.recipient,
    };
    let mut described = Vec::with_capacity(export.exhibits.len());
    for exhibit in &export.exhibits {
        let path = format!("data/exhibits/{exhibit}.age");
        let mut file = bag.encrypting(&path)?;
        let hand_out = |bytes: &[u8]| file.write_all(bytes);
        let read = casework::read_for_export(casework, id, exhibit, person, hand_out).await?;
        bag.finish(&path, file)?;
        described.push(read);
    }
    // After the last reading: it is in the log that is cosigned.
    let outside = Outside::ask(casework, http).await?;
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut custodies = Vec::with_capacity(export.exhibits.len());
    let mut entries = 0;
    for exhibit in described {
        let intake = exhibit.intake;
        let proven =
            casework::prove_for_export(casework, &exhibit.id, outside.head, &outside.note).await?;
        let mut custody = Custody {
            exhibit: exhibit.id,
            sha256: exhibit.sha256,
            bytes: exhibit.bytes,
            media_type: intake.media_type,
            source: intake.source,
            case: intake.case,
            history: Vec::new(),
        };
        for proven in proven {
            let index = proven.index;
            let proof = format!("proofs/{index}.tlog-proof");
            bag.put(&proof, proven.proof.as_bytes())?;
            entries += 1;
            let Some(record) = proven.record else {
                continue;
            };
            bag.put_encrypted(&format!("data/records/{index}.json.age"), &record)?;
            let parsed = serde_json::from_slice::<Record>(&record).ok();
            let Some(by) = parsed.and_then(|r| r.intake.or(r.access)) else {
                continue;
            };
            custody.history.push(Handling {
                index,
                what: match proven.event.event {
                    EventKind::Put => "put".into(),
                    EventKind::Read => "read".into(),
                    // Its record is that of the intake: it doesn't say who wrapped the key again.
                    EventKind::Rewrap => continue,
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
    bag.put_encrypted("data/provenance.jsonld.age", account.as_bytes())?;
    let log_key = casework::vault_key(casework);
    bag.put("log-key", format!("{}\n", log_key.trim()).as_bytes())?;
    if !outside.keys.is_empty() {
        bag.put("witness-keys", outside.keys.as_bytes())?;
    }
    if let Some(Ok(stamp)) = &outside.stamp {
        bag.put("timestamp.checkpoint", &outside.checkpoint)?;
        bag.put("timestamp.tsr", &stamping::token(stamp)?)?;
    }
    let named = Named {
        export: id,
        recipient: &export.recipient,
        log_key,
        version: VERSION,
    };
    for (path, text) in readmes(named) {
        bag.put(path, text.as_bytes())?;
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
    for (path, text) in std::mem::take(&mut bag.bag).finish(&info) {
        bag.write(path, text.as_bytes())?;
        // The last one covers the others, and through the payload's manifest everything.
        manifest_sha256 = sha256(text.as_bytes());
    }
    let signature = casework::sign_export(casework, id, &manifest_sha256);
    bag.write("export.sig", signature.as_bytes())?;
    casework::export_written(casework, id, person).await?;
    Ok(Written {
        exhibits: custodies.len(),
        entries,
        asked: outside.asked,
        cosigned_by: outside.keys.lines().count(),
        stamp: outside.stamp,
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
