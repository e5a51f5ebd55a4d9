//! A fake mail server: accepts messages over SMTP (RFC 5321) without TLS, and injects faults on
//! request.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

/// The faults to inject, by message number. Each accepted `MAIL` command begins the next
/// message, from 1.
#[derive(Clone, Default, Debug)]
pub struct Faults {
    /// The recipient is refused temporarily (451).
    pub busy: Vec<usize>,
    /// The recipient is refused permanently (550).
    pub unknown: Vec<usize>,
    /// The message is stored, and the connection breaks off before the server confirms it.
    pub lost: Vec<usize>,
}

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Message {
    /// Address of the recipient, of the last one if there are several.
    pub to: String,
    /// Its headers and body.
    pub text: String,
}

/// The server; clones share its state.
#[derive(Clone)]
pub struct MailServer {
    kept: Arc<Mutex<Kept>>,
    faults: Arc<Faults>,
    /// User and password, if the server requires a login.
    login: Option<(String, String)>,
}

#[derive(Default)]
struct Kept {
    begun: usize,
    messages: Vec<Message>,
}

impl MailServer {
    /// A server without messages.
    pub fn new(login: Option<(&str, &str)>, faults: Faults) -> Self {
        Self {
            kept: Arc::default(),
            faults: Arc::new(faults),
            login: login.map(|(user, password)| (user.into(), password.into())),
        }
    }

    /// The messages received so far.
    pub fn messages(&self) -> Vec<Message> {
        self.kept
            .lock()
            .expect("no session panics")
            .messages
            .clone()
    }

    /// Serves one connection to its end.
    ///
    /// # Errors
    /// The connection broke off, or a line isn't valid UTF-8.
    // Long: one match arm per command.
    pub async fn session(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    ) -> std::io::Result<()> {
        let (read, mut write) = tokio::io::split(stream);
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mail.example ESMTP\r\n").await?;
        let (mut allowed, mut number, mut to) = (self.login.is_none(), 0, None);
        while let Some(line) = lines.next_line().await? {
            let upper = line.to_ascii_uppercase();
            let verb = upper.split([' ', ':']).next().unwrap_or_default();
            let answer = match verb {
                "EHLO" if self.login.is_some() => "250-mail.example\r\n250 AUTH PLAIN",
                "EHLO" => "250 mail.example",
                "AUTH" if upper.starts_with("AUTH PLAIN ") => {
                    let given = line.get(11..).unwrap_or_default();
                    let given = base64::engine::general_purpose::STANDARD.decode(given);
                    let expected = self.login.as_ref().map(|(u, p)| format!("\0{u}\0{p}"));
                    allowed = given.ok().as_deref() == expected.as_deref().map(str::as_bytes);
                    match allowed {
                        true => "235 welcome",
                        false => "535 no",
                    }
                }
                "MAIL" if !allowed => "530 log in first",
                "MAIL" => {
                    let mut kept = self.kept.lock().expect("no session panics");
                    kept.begun += 1;
                    number = kept.begun;
                    "250 ok"
                }
                "RCPT" if self.faults.busy.contains(&number) => "451 later",
                "RCPT" if self.faults.unknown.contains(&number) => "550 no such mailbox",
                "RCPT" => {
                    let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                    to = Some(address.to_owned());
                    "250 ok"
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let mut text = String::new();
                    while let Some(line) = lines.next_line().await? {
                        if line == "." {
                            break;
                        }
                        // The client puts a second dot before a line that begins with one (RFC
                        // 5321, 4.5.2).
                        text += line.strip_prefix('.').unwrap_or(&line);
                        text += "\r\n";
                    }
                    let to = to.take().unwrap_or_default();
                    let message = Message { to, text };
                    self.kept
                        .lock()
                        .expect("no session panics")
                        .messages
                        .push(message);
                    if self.faults.lost.contains(&number) {
                        return Ok(());
                    }
                    "250 queued"
                }
                "QUIT" => {
                    write.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                "NOOP" | "RSET" => "250 ok",
                _ => "502 not here",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}
