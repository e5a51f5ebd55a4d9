//! Packages for authorities that have no API. They are encrypted to the authority's key and either
//! written to a folder, from which a person hands them over, or sent by mail.

use std::io::{self, Cursor, Write};
use std::path::Path;

use obhut_casework::{self as casework, Channel};
use obhut_formats::reports::zip;

use crate::mail::{self, Outgoing};
use crate::submission::{SendFault, Sent, Submission};
use crate::transcript::Transcript;

/// Delivers a package with its files to the authority: encrypted to its key, or not at all.
pub(crate) async fn send(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let documents = submission
        .documents
        .ok_or_else(|| SendFault::Unexpected("nothing to send".into()))?;
    // Forms render without the vault, so the exhibits join the package here: those that were
    // approved, no others.
    let mut parts = unzip(&documents.report)?;
    let row = casework::report_row(submission.casework, &submission.filing.report).await?;
    for (number, file) in (1..).zip(&documents.attached) {
        // The access is logged before the first byte is read, as for any exhibit.
        let bytes = casework::exhibit_to_send(
            submission.casework,
            &file.exhibit,
            &row.id,
            submission.worker,
        )
        .await?;
        parts.push((format!("files/{number:03}-{}", file.exhibit), bytes));
    }
    deliver(&submission, &row.id, zip(&parts), "zip").await
}

/// What the channel of a package destination still lacks.
pub(crate) fn missing(channel: &Channel) -> Option<&'static str> {
    let by_mail = channel.url.as_deref().is_some_and(mail::is_server);
    match (&channel.recipient, &channel.folder, &channel.mail_to) {
        (None, _, _) => Some("the authority's age key"),
        (_, _, Some(_)) if !by_mail => Some("the address of your mail server"),
        (_, None, None) => {
            Some("a folder for packages, or a mail server and the authority's address")
        }
        _ => None,
    }
}

/// Delivers a single document, encrypted like a package.
pub(crate) async fn send_document(
    submission: Submission<'_>,
    kind: &str,
) -> Result<Sent, SendFault> {
    let documents = submission
        .documents
        .ok_or_else(|| SendFault::Unexpected("nothing to send".into()))?;
    let report = submission.filing.report.clone();
    deliver(&submission, &report, documents.report.clone(), kind).await
}

/// Delivers the retraction by mail or to the folder, as the package was delivered. The job stays
/// open until a person records the acknowledgement.
pub(crate) async fn retract(submission: Submission<'_>) -> Result<Sent, SendFault> {
    let report = &submission.filing.report;
    // Only a filed report has a remote id. Without one, no delivery is on record, but a message may
    // have arrived all the same.
    let why = submission.filing.why.as_deref().unwrap_or_default();
    let filing = submission.filing;
    let folder = submission.channel.folder.as_deref();
    // A process that ended right after it placed the package recorded nothing.
    let placed = folder.is_some_and(|folder| has_package(folder, report));
    if filing.remote.is_empty() && !filing.may_have_arrived() && !placed {
        return Ok(Sent {
            filing: submission.filing.clone(),
            receipt: "it had not been sent".into(),
        });
    }
    let text = format!(
        "RETRACTION / WIDERRUF\n\nReport {report} is retracted entirely: on appeal the decision it rested on was found wrong. The person is cleared. Please undo what was done because of it and acknowledge.\n\nDie Meldung {report} wird vollständig zurückgenommen: Auf Beschwerde erwies sich die Entscheidung dahinter als falsch. Die Person ist entlastet. Bitte machen Sie rückgängig, was darauf beruhte, und bestätigen Sie es.\n"
    );
    let name = format!("{report}-retraction");
    // Sent by mail only once: each later try would send another copy. The filing's `why` records
    // that it was sent.
    let ready = match why.strip_prefix(RETRACTED) {
        Some(receipt) => format!("is ready{receipt}"),
        None => {
            let delivered = deliver(&submission, &name, text.into_bytes(), "txt").await;
            let receipt = match delivered {
                Ok(sent) => sent.receipt,
                // Not sent again: a person asks the authority for its acknowledgement anyway.
                Err(SendFault::Unexpected(why)) if why == mail::UNCONFIRMED => {
                    "handed to the mail server, which didn't confirm it".into()
                }
                Err(fault) => return Err(fault),
            };
            if submission.channel.mail_to.is_some() {
                let why = format!("{RETRACTED}: {receipt}");
                let filing = submission.filing;
                casework::filing_addressed(submission.casework, filing, &filing.host, Some(&why))
                    .await?;
            }
            format!("is ready: {receipt}")
        }
    };
    Err(SendFault::Waits(format!(
        "the retraction of report {report} {ready}. When {} has acknowledged it, record who did, and how",
        submission.channel.destination
    )))
}

/// True if a folder has a package or document of this report.
fn has_package(folder: &str, report: &str) -> bool {
    let begins = format!("{report}.");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .map(|file| file.file_name())
        .any(|name| name.to_string_lossy().starts_with(&begins))
}

/// Encrypts a package to the authority's key and delivers it: by mail if the channel has a mail
/// address, otherwise to its folder.
async fn deliver(
    submission: &Submission<'_>,
    name: &str,
    bytes: Vec<u8>,
    kind: &str,
) -> Result<Sent, SendFault> {
    let channel = submission.channel;
    // Checked for mail and folder alike: the authority may have the package already, and a later
    // retraction would be delivered by only one of the two.
    let earlier = submission.filing;
    let resumed = earlier.why.as_deref() == Some(casework::RESUMED);
    let is_retraction = submission.documents.is_none();
    if earlier.may_have_arrived() && !resumed && !is_retraction {
        return Err(SendFault::Unexpected(mail::UNCONFIRMED.into()));
    }
    // Denied, not refused: without a key every package for this destination waits, with one alarm.
    let key = channel.recipient.as_deref().ok_or_else(|| {
        SendFault::Denied(format!(
            "no key of the authority is set, and packages never leave unencrypted; set a recipient, and a folder or an e-mail address, for {}",
            channel.destination
        ))
    })?;
    let recipient = recipient(key).ok_or_else(|| {
        SendFault::Denied("the authority's key isn't an age recipient (age1…)".into())
    })?;
    let sealed = age::encrypt(&recipient, &bytes)
        .map_err(|_| SendFault::Unexpected("encrypting failed".into()))?;
    let file = format!("{name}.{kind}.age");
    let receipt = match (&channel.mail_to, &channel.folder) {
        (Some(to), _) => post(submission, to, file, sealed).await?,
        (None, Some(folder)) => place(folder, &file, &sealed)?,
        (None, None) => {
            return Err(SendFault::Denied(format!(
                "neither a folder nor an e-mail address is set for {}",
                channel.destination
            )));
        }
    };
    let mut filing = submission.filing.clone();
    // An earlier attempt may have recorded another address.
    filing.host = channel.address();
    Ok(Sent { filing, receipt })
}

/// What a filing waits for while its message is handed to the mail server.
const SENDING: &str = "its message is being handed to the mail server";
/// Prefix of the note which says that a retraction was sent by mail.
const RETRACTED: &str = "its retraction was sent";

/// Sends an encrypted package by mail; returns the receipt.
async fn post(
    submission: &Submission<'_>,
    to: &str,
    file: String,
    sealed: Vec<u8>,
) -> Result<String, SendFault> {
    if sealed.len() > mail::PACKAGE_BYTES_MAX {
        return Err(SendFault::Refused(format!(
            "the package has {} bytes, and by mail at most {} are sent; hand it over another way",
            sealed.len(),
            mail::PACKAGE_BYTES_MAX
        )));
    }
    let (casework, channel) = (submission.casework, submission.channel);
    let is_retraction = submission.documents.is_none();
    let earlier = submission.filing;
    let reporter = casework::reporter(casework).await?;
    let secret = channel
        .secret
        .as_ref()
        .map(|s| s.expose().trim().to_owned());
    let mut transcript = Transcript::default();
    transcript.sent("mail", &format!("{file}, {} bytes, to {to}", sealed.len()));
    let mail = Outgoing {
        server: channel.url.clone().unwrap_or_default(),
        login: channel.user.clone().zip(secret),
        from: reporter.email,
        to: to.to_owned(),
        name: file,
        sealed,
    };
    let host = match is_retraction {
        true => earlier.host.clone(),
        false => channel.address(),
    };
    // Before the first byte: if this process is killed meanwhile, the message may have arrived.
    casework::filing_addressed(casework, earlier, &host, Some(SENDING)).await?;
    // lettre's connection blocks.
    let sent = tokio::task::spawn_blocking(move || mail::send(&mail)).await;
    let sent = sent.map_err(|_| SendFault::Unexpected(mail::UNCONFIRMED.into()))?;
    // The note is undone only if the message certainly didn't arrive. If it did, filing the report
    // records that.
    if sent
        .as_ref()
        .is_err_and(|e| !matches!(e, SendFault::Unexpected(_)))
    {
        let why = earlier.why.as_deref();
        casework::filing_addressed(casework, earlier, &earlier.host, why).await?;
    }
    transcript.answered(match &sent {
        Ok(receipt) => receipt.clone(),
        Err(why) => why.to_string(),
    });
    transcript.keep(submission).await?;
    Ok(format!("sent by mail, encrypted; {}", sent?))
}

/// Writes an encrypted package to a folder; returns the receipt.
fn place(folder: &str, file: &str, sealed: &[u8]) -> Result<String, SendFault> {
    let path = Path::new(folder).join(file);
    // Retried: a full disk or a missing mount is not the report's fault.
    let fault = |e: std::io::Error| {
        SendFault::Unreachable(format!("{} can't be written: {}", path.display(), e.kind()))
    };
    // Whole or not there: a copy is never half a package. The same report gives the same name, so a
    // second attempt replaces the first.
    let partial = path.with_extension("partial");
    std::fs::create_dir_all(folder).map_err(fault)?;
    let mut file = std::fs::File::create(&partial).map_err(fault)?;
    file.write_all(sealed)
        .and_then(|()| file.sync_all())
        .map_err(fault)?;
    std::fs::rename(&partial, &path).map_err(fault)?;
    // A rename survives a power failure only once the folder is synced too.
    std::fs::File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(fault)?;
    Ok(format!(
        "placed in the folder as {}, encrypted",
        path.display()
    ))
}

/// Whether a text is an age recipient, to which packages can be encrypted.
pub fn is_recipient(key: &str) -> bool {
    recipient(key).is_some()
}

/// Encrypts what is written to it to an age recipient.
pub struct Encrypting<W: Write>(age::stream::StreamWriter<W>);

impl<W: Write> Encrypting<W> {
    /// Begins an age file in `into`. None if the key isn't a recipient (age1…).
    pub fn new(key: &str, into: W) -> Option<io::Result<Self>> {
        let recipient = recipient(key)?;
        let recipients = std::iter::once(&recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).ok()?;
        Some(encryptor.wrap_output(into).map(Self))
    }

    /// Writes the end of the age file.
    ///
    /// # Errors
    /// It can't be written.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for Encrypting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn recipient(key: &str) -> Option<age::x25519::Recipient> {
    key.parse().ok()
}

fn unzip(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, SendFault> {
    let broken = |_| SendFault::Unexpected("our own package can't be opened".into());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut parts = Vec::new();
    for n in 0..archive.len() {
        let mut file = archive.by_index(n).map_err(broken)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes)
            .map_err(|_| SendFault::Unexpected("invalid package".into()))?;
        let name = file.name().map_err(broken)?.into_owned();
        parts.push((name, bytes));
    }
    Ok(parts)
}
