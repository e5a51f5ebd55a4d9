//! Sends an encrypted package by mail, for authorities that take nothing else (RFC 5321).
//!
//! Invariant: a message whose last answer was lost isn't sent again automatically, because SMTP
//! can't say whether it arrived. A person asks the authority. All attempts have the same
//! Message-ID.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use lettre::{Address, transport::smtp::Error};

use crate::submission::SendFault;

/// Longest wait for each answer of the mail server. Our judgement: RFC 5321, 4.5.3.2, recommends
/// ten minutes for the last one.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);
/// Longest package sent by mail, in bytes: mail servers commonly take 25 MiB, and the encoding adds
/// a third. Our judgement.
pub(crate) const PACKAGE_BYTES_MAX: usize = 18 << 20;

/// Why a message isn't sent again.
pub(crate) const UNCONFIRMED: &str = "the message may have reached the mail server, which didn't confirm it, so it may have arrived; ask the authority. If it arrived, record who confirmed it; if not, resume the report";

/// A package to be sent.
pub(crate) struct Outgoing {
    /// `smtps://host` (TLS), or `smtp://host` (STARTTLS; in the clear only on this machine).
    pub server: String,
    /// User and password, if the server requires a login.
    pub login: Option<(String, String)>,
    /// The provider's address.
    pub from: String,
    /// The authority's address.
    pub to: String,
    /// Name of the package, which is also the subject line and reveals nothing about the case.
    pub name: String,
    /// The encrypted package.
    pub sealed: Vec<u8>,
}

/// Where a mail server is.
struct Server {
    host: String,
    port: u16,
    tls: Tls,
}

#[derive(PartialEq, Eq)]
enum Tls {
    FromTheStart,
    Starttls,
    None,
}

/// True for an address of a mail server.
pub(crate) fn is_server(url: &str) -> bool {
    server(url).is_some()
}

fn server(url: &str) -> Option<Server> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?.to_owned();
    let here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
    // Submission ports: RFC 8314, 3.3, and RFC 6409.
    let (tls, port) = match (url.scheme(), here) {
        ("smtps", _) => (Tls::FromTheStart, 465),
        ("smtp", false) => (Tls::Starttls, 587),
        ("smtp", true) => (Tls::None, 587),
        _ => return None,
    };
    Some(Server {
        host,
        port: url.port().unwrap_or(port),
        tls,
    })
}

/// Whether a text is an e-mail address to which packages can be sent.
pub fn is_address(text: &str) -> bool {
    text.parse::<Address>().is_ok()
}

/// Sends a package and returns the server's confirmation. Blocks.
pub(crate) fn send(mail: &Outgoing) -> Result<String, SendFault> {
    let invalid = |what: &str| SendFault::Denied(format!("{what} isn't valid"));
    let server = server(&mail.server).ok_or_else(|| invalid("the address of the mail server"))?;
    let to: Address = mail
        .to
        .parse()
        .map_err(|_| invalid("the authority's address"))?;
    let from: Address = mail.from.parse().map_err(|_| {
        SendFault::Denied("the provider has no valid e-mail address; set the reporter's".into())
    })?;
    let message = message(mail, &from, &to)?;
    let mut connection = connect(&server)?;
    if let Some((user, password)) = &mail.login {
        let credentials = Credentials::new(user.clone(), password.clone());
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        done("the login", connection.auth(&mechanisms, &credentials)).map_err(|e| match e {
            SendFault::Refused(why) => SendFault::Denied(why),
            e => e,
        })?;
    }
    let envelope = Envelope::new(Some(from.clone()), vec![to.clone()]);
    envelope.map_err(|_| invalid("the envelope"))?;
    done(
        "the sender",
        connection.command(Mail::new(Some(from), Vec::new())),
    )?;
    done(
        "the authority's address",
        connection.command(Rcpt::new(to, Vec::new())),
    )?;
    let go_on = connection
        .command(Data)
        .map_err(|e| in_words("the message", &e))?;
    if !go_on.has_code(354) {
        return Err(SendFault::Unreachable(
            "the mail server doesn't take a message".into(),
        ));
    }
    // From here on the message may arrive.
    let answer = connection.message(&message);
    // The answer to QUIT doesn't matter: the message is delivered or not by now.
    let _ = connection.quit();
    match answer {
        Ok(answer) => done("the message", Ok(answer)),
        Err(e) if e.status().is_some() => done("the message", Err(e)),
        Err(_) => Err(SendFault::Unexpected(UNCONFIRMED.into())),
    }
}

fn connect(server: &Server) -> Result<SmtpConnection, SendFault> {
    let hello = ClientId::Domain("localhost".into());
    let tls = || {
        TlsParameters::new_rustls(server.host.clone())
            .map_err(|_| SendFault::Unreachable("TLS can't be set up".into()))
    };
    let from_the_start = match server.tls {
        Tls::FromTheStart => Some(tls()?),
        Tls::Starttls | Tls::None => None,
    };
    let at = (server.host.trim_matches(['[', ']']), server.port);
    let connected = SmtpConnection::connect(
        at,
        Some(ANSWER_TIME_MAX),
        &hello,
        from_the_start.as_ref(),
        None,
    );
    let mut connection = connected.map_err(|e| in_words("the connection", &e))?;
    if server.tls == Tls::Starttls {
        // Never in the clear, whatever the server offers.
        connection
            .starttls(&tls()?, &hello)
            .map_err(|e| in_words("the connection", &e))?;
    }
    Ok(connection)
}

/// The server's code for a step that is done, or why it isn't. The server's text is left out: it
/// could repeat the address or the password.
fn done(step: &str, answer: Result<Response, Error>) -> Result<String, SendFault> {
    let answer = answer.map_err(|e| in_words(step, &e))?;
    Ok(format!("SMTP {}", answer.code()))
}

fn in_words(step: &str, e: &Error) -> SendFault {
    // The status only: the text of the other side could quote the address.
    match e.status() {
        Some(code) if e.is_permanent() => {
            SendFault::Refused(format!("the mail server refuses {step} ({code})"))
        }
        Some(code) => SendFault::Unreachable(format!(
            "the mail server refuses {step} temporarily ({code})"
        )),
        None if e.is_timeout() => SendFault::Unreachable("no answer in time".into()),
        None if e.is_tls() => {
            SendFault::Unreachable("the connection can't be trusted (TLS)".into())
        }
        // For instance, if client and server have no login mechanism in common.
        None if e.is_client() => SendFault::Denied(
            "the mail server doesn't offer what is needed: AUTH PLAIN or LOGIN, STARTTLS".into(),
        ),
        None => SendFault::Unreachable("the connection to the mail server failed".into()),
    }
}

const TEXT: &str = "The attachment is a report, encrypted to the age key that you gave us (age-encryption.org). To open it: age --decrypt --identity KEYFILE --output report ATTACHMENT\r\nPlease confirm that you have received and opened it.\r\n\r\nDer Anhang ist eine Meldung, verschlüsselt für den age-Schlüssel, den Sie uns genannt haben. Zum Öffnen: age --decrypt --identity SCHLÜSSELDATEI --output meldung ANHANG\r\nBitte bestätigen Sie, dass Sie sie erhalten und geöffnet haben.\r\n";

fn message(mail: &Outgoing, from: &Address, to: &Address) -> Result<Vec<u8>, SendFault> {
    let binary = ContentType::parse("application/octet-stream").expect("a media type");
    let attachment = Attachment::new(mail.name.clone()).body(mail.sealed.clone(), binary);
    let body = MultiPart::mixed()
        .singlepart(SinglePart::plain(TEXT.to_owned()))
        .singlepart(attachment);
    let message = Message::builder()
        .from(Mailbox::new(None, from.clone()))
        .to(Mailbox::new(None, to.clone()))
        .subject(mail.name.clone())
        // The same at each attempt, so that the receiver can recognise a second copy.
        .message_id(Some(format!("<{}@{}>", mail.name, from.domain())))
        .multipart(body)
        .map_err(|_| SendFault::Unexpected("the message can't be put together".into()))?;
    Ok(message.formatted())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Address, whether it is a mail server, and whether what goes there is encrypted on the way.
    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        for (url, encrypted) in [
            ("smtps://mail.example.org", Some(true)),
            ("smtp://mail.example.org:25", Some(true)),
            ("smtp://127.0.0.1:2525", Some(false)),
            ("smtp://127.0.0.1.example.org", Some(true)),
            ("https://mail.example.org", None),
            ("mail.example.org", None),
        ] {
            let found = server(url).map(|s| s.tls != Tls::None);
            assert_eq!(found, encrypted, "{url}");
        }
    }
}
