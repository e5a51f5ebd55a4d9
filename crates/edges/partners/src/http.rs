//! Calls to destinations, the platform, witnesses and time authorities: one request, one answer, with limits, without redirects.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;

/// Longest answer, in bytes. Our judgement.
const ANSWER_BYTES_MAX: u64 = 4 << 20;
/// Longest wait for a connection. Our judgement.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest wait for an answer once all is sent. Our judgement.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// Longest time for a whole call; files are long. Our judgement.
const CALL_TIME_MAX: Duration = Duration::from_secs(900);

/// A client that reuses its connections.
pub struct Http {
    agent: ureq::Agent,
}

/// What is sent.
pub(crate) enum Body {
    /// Nothing: a GET.
    None,
    /// An XML document.
    Xml(String),
    /// A form with parts; `words` says what is in it.
    Form {
        boundary: String,
        bytes: Vec<u8>,
        words: String,
    },
    /// Bytes of any type.
    Bytes {
        media_type: &'static str,
        bytes: Vec<u8>,
    },
    /// JSON, with extra headers.
    Json {
        bytes: Vec<u8>,
        headers: Vec<(&'static str, String)>,
    },
}

/// What came back.
pub struct Answered {
    /// The status.
    pub status: u16,
    pub(crate) media_type: String,
    /// The receiver's Request-ID; NCMEC asks for it when contacted.
    pub(crate) request_id: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl Answered {
    /// The body as text: ISO-8859-1 if the Content-Type says so or the body isn't UTF-8.
    pub fn text(&self) -> String {
        let latin = self.media_type.to_ascii_lowercase().contains("8859-1");
        match (latin, std::str::from_utf8(&self.bytes)) {
            (false, Ok(text)) => text.to_owned(),
            // ISO-8859-1 is the first 256 code points, so any bytes are a text in it.
            _ => self.bytes.iter().map(|b| char::from(*b)).collect(),
        }
    }
}

impl Body {
    /// What the transcript keeps of it: the text, and of a file its name and length, because the
    /// file is an exhibit itself.
    pub fn words(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Xml(text) => text.clone(),
            Self::Json { bytes, .. } | Self::Bytes { bytes, .. } => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            Self::Form { words, .. } => words.clone(),
        }
    }

    /// A form with the number of a report.
    pub fn id(number: &str) -> Self {
        Self::form(&[("id", number)], None)
    }

    /// A form with the number of a report and a file.
    pub fn file(number: &str, name: &str, bytes: Vec<u8>) -> Self {
        Self::form(&[("id", number)], Some((name, bytes)))
    }

    fn form(texts: &[(&str, &str)], file: Option<(&str, Vec<u8>)>) -> Self {
        // 128 random bits: no file can have been prepared to contain its own boundary.
        let mut raw = [0; 16];
        getrandom::fill(&mut raw).expect("the operating system gives randomness");
        let boundary = format!("obhut-{}", hex::encode(raw));
        let mut words: Vec<String> = texts.iter().map(|(n, v)| format!("{n}={v}")).collect();
        if let Some((name, content)) = &file {
            words.push(format!("file={name:?}, {} bytes", content.len()));
        }
        // Room for the part headers, so that a file of 256 MiB is copied once.
        let mut bytes = Vec::with_capacity(1_024 + file.as_ref().map_or(0, |(_, b)| b.len()));
        for (name, value) in texts {
            bytes.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        if let Some((name, content)) = file {
            // Percent-encoded as browsers do (HTML, multipart/form-data encoding).
            let name: String = name
                .chars()
                .map(|c| match c {
                    '"' => "%22".into(),
                    '\r' => "%0D".into(),
                    '\n' => "%0A".into(),
                    c => c.to_string(),
                })
                .collect();
            bytes.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n").bytes());
            bytes.extend(content);
            bytes.extend(b"\r\n");
        }
        bytes.extend(format!("--{boundary}--\r\n").bytes());
        Self::Form {
            boundary,
            bytes,
            words: words.join("\n"),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::with_patience(ANSWER_TIME_MAX)
    }
}

impl Http {
    /// A client with this limit on a whole call, from the connection to the answer's last byte.
    pub fn within(call_time_max: Duration) -> Self {
        Self::with_limits(call_time_max, call_time_max)
    }

    /// A client with this limit on the wait for an answer.
    pub fn with_patience(answer_time_max: Duration) -> Self {
        Self::with_limits(answer_time_max, CALL_TIME_MAX)
    }

    fn with_limits(answer_time_max: Duration, call_time_max: Duration) -> Self {
        // Credentials and reports go to the configured address only: no redirects, no proxy from
        // the environment (which ureq would take by default).
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(64)
            .max_idle_connections_per_host(64)
            .timeout_connect(Some(CONNECT_TIME_MAX))
            .timeout_recv_response(Some(answer_time_max))
            .timeout_global(Some(call_time_max))
            .proxy(None)
            .tls_config(crate::fetch::tls())
            .user_agent(concat!("obhut/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
        }
    }

    /// Makes one call. An error says why there was no answer and never quotes what was sent.
    pub(crate) async fn call(
        self: &Arc<Self>,
        url: String,
        credentials: Option<(String, String)>,
        body: Body,
    ) -> Result<Answered, String> {
        // ureq blocks, and a call may take CALL_TIME_MAX: never on a thread that runs other tasks.
        let http = self.clone();
        tokio::task::spawn_blocking(move || http.blocking(&url, credentials, body))
            .await
            .map_err(|_| "the call was broken off".to_owned())?
    }

    // Long: one call, from its limits to its answer.
    fn blocking(
        &self,
        url: &str,
        credentials: Option<(String, String)>,
        body: Body,
    ) -> Result<Answered, String> {
        let authorization = credentials.map(|(user, password)| {
            let pair = format!("{user}:{password}");
            format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(pair)
            )
        });
        let sent = match body {
            Body::None => {
                let mut request = self.agent.get(url);
                if let Some(value) = &authorization {
                    request = request.header("Authorization", value);
                }
                request.call()
            }
            body => {
                let mut request = self.agent.post(url);
                if let Some(value) = &authorization {
                    request = request.header("Authorization", value);
                }
                match body {
                    Body::None => unreachable!("handled above"),
                    Body::Xml(text) => request
                        .header("Content-Type", "text/xml; charset=utf-8")
                        .send(text.as_bytes()),
                    Body::Form {
                        boundary, bytes, ..
                    } => request
                        .header(
                            "Content-Type",
                            format!("multipart/form-data; boundary={boundary}"),
                        )
                        .send(&bytes[..]),
                    Body::Bytes { media_type, bytes } => {
                        request.header("Content-Type", media_type).send(&bytes[..])
                    }
                    Body::Json { bytes, headers } => {
                        for (name, value) in &headers {
                            request = request.header(*name, value);
                        }
                        request
                            .header("Content-Type", "application/json")
                            .send(&bytes[..])
                    }
                }
            }
        };
        let mut response = sent.map_err(|e| in_words(&e))?;
        let media_type = response
            .headers()
            .get("content-type")
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        // Text of the other side that ends up in receipts and alarms: printable and short.
        let request_id = response
            .headers()
            .get("request-id")
            .and_then(|v| v.to_str().ok())
            .map(|id| id.chars().filter(char::is_ascii_graphic).take(64).collect());
        // One byte beyond the limit is read, to distinguish a longer answer from one that just
        // fits.
        let mut bytes = Vec::new();
        response
            .body_mut()
            .as_reader()
            .take(ANSWER_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| "the answer broke off".to_owned())?;
        if bytes.len() as u64 > ANSWER_BYTES_MAX {
            return Err(format!(
                "the answer is longer than {ANSWER_BYTES_MAX} bytes"
            ));
        }
        Ok(Answered {
            status: response.status().as_u16(),
            media_type,
            request_id,
            bytes,
        })
    }
}

fn in_words(e: &ureq::Error) -> String {
    // Never the error's own text: it could quote the address or what was sent.
    match e {
        ureq::Error::Timeout(_) => "no answer in time".into(),
        ureq::Error::HostNotFound => "the host name doesn't exist".into(),
        // The system's lookup of a name fails without a kind of its own.
        ureq::Error::Io(e) if e.kind().to_string() == "uncategorized error" => {
            "the connection failed: the name can't be looked up, or there is no network".into()
        }
        ureq::Error::Io(e) => format!("the connection failed: {}", e.kind()),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            "the connection can't be trusted (TLS)".into()
        }
        _ => "the connection failed".into(),
    }
}
