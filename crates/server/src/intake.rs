//! Receives an upload: reads its headers, its body or form within limits, waits for a slot, screens
//! the bytes and records what was found. access.rs checks the key.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use obhut_app::casework::{
    self, ApiKey, Sealed, Subject, Surface, UploadFacts, fresh_group, read_json,
};
use obhut_app::media::{self, Cancel, Current, Pool, Recorded, ScreenOptions, Screened};
use obhut_app::partners::fetch::{FetchFault, Fetched};

use crate::App;
use crate::edge::ScreenedAt;
use crate::edge::bodies::{self, PLACE_WAIT_MAX, busy};
pub(crate) use crate::edge::bodies::{Receiving, admitted, receiving};
use crate::edge::places::{Asker, Place};
use crate::fault::Fault;
use crate::form;

/// A place for decoding an upload; free once its last holder has dropped it. The decoding thread
/// holds a clone, so a client that disconnects doesn't free a place that is still busy.
pub(crate) type Slot = Arc<Place>;

/// Longest text header as it is sent, percent-encoding included, and longest account in a form, in
/// bytes. Our judgement.
pub(crate) const HEADER_BYTES_MAX: usize = 1_024;
/// Longest JSON of what is known of an upload, in bytes. Our judgement: below the 8 KiB that nginx
/// allows for one header.
pub(crate) const UPLOAD_BYTES_MAX: usize = 7 << 10;
/// Files in one form. Our judgement.
const FORM_FILES_MAX: usize = 20;
/// Text fields in one form. Our judgement.
const FORM_TEXTS_MAX: usize = 100;
/// Longest text field of a form, in bytes. Our judgement.
const FORM_TEXT_BYTES_MAX: u64 = 64 << 10;

/// A file that came in.
pub(crate) struct Upload {
    /// The field of the form it came in; empty where there was no form.
    pub field: String,
    pub name: Option<String>,
    pub bytes: Bytes,
}

/// A form: its files in the order in which they came, and its text fields by name.
pub(crate) struct Form {
    pub files: Vec<Upload>,
    pub texts: HashMap<String, String>,
}

/// Who asks for a place: the account; if none is named, the IP address it comes from; else the key.
pub(crate) fn asker(key: &ApiKey, account: Option<&str>, upload: &UploadFacts) -> Asker {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    // Not a digest: accounts that share a number only share a queue.
    let mut number = DefaultHasher::new();
    key.id.hash(&mut number);
    let network = upload.ip.as_deref().map(network);
    match account.or(network.as_deref()) {
        None => Asker::Key(number.finish()),
        Some(account) => {
            account.hash(&mut number);
            Asker::Account(number.finish())
        }
    }
}

/// An IP address; of version 6 the network that one customer has.
fn network(address: &str) -> String {
    match address.parse() {
        Ok(std::net::IpAddr::V6(address)) => format!("{:x?}", &address.segments()[..4]),
        _ => address.to_owned(),
    }
}

/// A person who looks at exhibits, as one who asks for a place.
pub(crate) fn asker_of(person: &casework::Person) -> Asker {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    let mut number = DefaultHasher::new();
    person.id.hash(&mut number);
    Asker::Account(number.finish())
}

/// A place for decoding. If none is free for this asker within PLACE_WAIT_MAX, the answer is 429 with
/// Retry-After.
pub(crate) async fn acquire_slot(app: &App, asker: Asker, is_dear: bool) -> Result<Slot, Fault> {
    // Long enough to absorb a burst, short enough that requests queue at the client and not here.
    let waiting = tokio::time::timeout(PLACE_WAIT_MAX, app.places.acquire(asker, is_dear));
    match waiting.await {
        Ok(place) => Ok(Slot::new(place)),
        Err(_) => Err(busy(app)),
    }
}

/// Reads a body that may not be empty: an empty one is most likely a mistake of the client. If it were
/// screened, it would pass.
pub(crate) async fn take(
    app: &App,
    receiving: &Receiving,
    body: Body,
    bytes_max: u64,
) -> Result<Bytes, Fault> {
    let bytes = bodies::read(app, receiving, body, bytes_max).await?;
    match bytes.is_empty() {
        true => Err(Fault::bad_request("send the file's bytes as the body")),
        false => Ok(bytes),
    }
}

/// True if the body is a multipart form. What only looks like one is refused by [`check_encoding`].
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let said = media_type(headers);
    said.split(';').next().map(str::trim) == Some("multipart/form-data")
}

/// The Content-Type header in lower case; empty if there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let said = headers.get(header::CONTENT_TYPE);
    let text = said.map(|v| String::from_utf8_lossy(v.as_bytes()).trim().to_lowercase());
    text.unwrap_or_default()
}

/// Refuses encodings that are not decoded here: their content would pass unscreened.
pub(crate) fn check_encoding(headers: &HeaderMap) -> Result<(), Fault> {
    let media_type = media_type(headers);
    let packed = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"));
    // Which of two counts, the platform's parser may see differently.
    let said = headers.get_all(header::CONTENT_TYPE).iter().count();
    let twice = said > 1 || (media_type.contains(',') && !is_form(headers));
    // Parsers take a body apart that only mentions `multipart` somewhere.
    let hints = media_type.contains("multipart") || media_type.contains("boundary");
    let wrapped = twice || (hints && !is_form(headers)) || media_type.contains("message/");
    if packed || wrapped {
        return Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "no-form",
            "send the file's bytes themselves as the body, or a form as multipart/form-data, neither packed nor wrapped in anything else",
        ));
    }
    Ok(())
}

/// Refuses a body that isn't called a form and looks like one: the platform may take it apart.
pub(crate) fn check_plain(bytes: &[u8]) -> Result<(), Fault> {
    match form::looks_like_form(bytes) {
        true => Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "no-form",
            "the body looks like a form; send it as multipart/form-data",
        )),
        false => Ok(()),
    }
}

/// Reads a form's files and texts; the whole form, texts included, has the limit of one upload.
pub(crate) async fn form(
    app: &App,
    receiving: &Receiving,
    headers: &HeaderMap,
    body: Body,
    bytes_max: u64,
) -> Result<Form, Fault> {
    let bytes = take(app, receiving, body, bytes_max).await?;
    let parts = form::parse(headers, &bytes).map_err(|why| {
        Fault::bad_request(format!(
            "the form can't be taken apart: {why}; send multipart/form-data with one part for each file"
        ))
    })?;
    let mut form = Form {
        files: Vec::new(),
        texts: HashMap::new(),
    };
    for part in parts {
        let says_text = part.file_name.is_none() && !part.has_type;
        // A part without a name may still be a picture, and a picture may be valid UTF-8: a BMP can
        // consist of bytes below 0x80. But every such format has a zero byte somewhere (BMP's number
        // of planes, GIF's end of a block, TIFF's magic number, MP4's lengths), and no text has one.
        let is_text =
            says_text && !part.bytes.contains(&0) && std::str::from_utf8(&part.bytes).is_ok();
        if !is_text {
            let name = part.file_name.filter(|n| !n.is_empty());
            // Skips a file field that was left empty.
            if part.bytes.is_empty() && name.is_none() {
                continue;
            }
            form.files.push(Upload {
                field: part.name,
                name,
                bytes: part.bytes,
            });
        } else if part.bytes.len() as u64 <= FORM_TEXT_BYTES_MAX {
            let text = String::from_utf8_lossy(&part.bytes).into_owned();
            let said = ["account", "upload"].contains(&part.name.as_str());
            if form.texts.insert(part.name, text).is_some() && said {
                return Err(Fault::bad_request(
                    "send the fields account and upload at most once in a form",
                ));
            }
        } else {
            return Err(Fault::bad_request("a text in the form is too long"));
        }
        if form.files.len() > FORM_FILES_MAX || form.texts.len() > FORM_TEXTS_MAX {
            return Err(Fault::bad_request(format!(
                "a form has at most {FORM_FILES_MAX} files and {FORM_TEXTS_MAX} texts"
            )));
        }
    }
    Ok(form)
}

/// Fetches the file at an address, if the operator allows that address.
pub(crate) async fn fetch(app: &App, address: &str) -> Result<Fetched, Fault> {
    let fetcher = app.outside.fetcher.clone().ok_or_else(|| {
        fetch_fault(&FetchFault::NotAllowed(
            "this server fetches from no address; the operator has to allow some",
        ))
    })?;
    // The same limit as for an upload: a file too long to be uploaded isn't fetched either.
    let (address, bytes_max) = (address.to_owned(), app.pool.limits().input_bytes_max);
    // The fetcher blocks, for up to a minute.
    let fetching = tokio::task::spawn_blocking(move || fetcher.get(&address, bytes_max));
    fetching
        .await
        .map_err(|_| internal())?
        .map_err(|e| fetch_fault(&e))
}

pub(crate) fn fetch_fault(e: &FetchFault) -> Fault {
    let (status, word) = match e {
        FetchFault::NotAllowed(_) => (StatusCode::FORBIDDEN, "not-allowed"),
        FetchFault::TooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
        _ => (StatusCode::BAD_GATEWAY, "not-fetched"),
    };
    Fault::new(status, word, e.to_string())
}

fn internal() -> Fault {
    tracing::error!("a task panicked");
    Fault::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "screening failed; try again",
    )
}

/// Cancels the decoding when the request is dropped, because its client has gone.
pub(crate) struct CancelOnDrop(Cancel);

/// Decoders whose work ends when the other value is dropped.
pub(crate) fn cancelled_when_dropped(app: &App) -> (CancelOnDrop, Arc<Pool>) {
    let cancel = Cancel::default();
    let pool = Arc::new(app.pool.cancelled_by(&cancel));
    (CancelOnDrop(cancel), pool)
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Screens bytes on a thread that may wait for a decoder.
pub(crate) async fn screened(
    app: &App,
    current: &Current,
    slot: &Slot,
    options: ScreenOptions,
    bytes: Bytes,
) -> Result<Screened, Fault> {
    let started = Instant::now();
    let (_cancel, pool) = cancelled_when_dropped(app);
    let screener = current.screener(pool, options);
    let length = bytes.len() as u64;
    let slot = slot.clone();
    // The thread holds a clone of the slot: a client that disconnects must not free it for more
    // work while the thread is busy. Dropping this future cancels the decoding, so that isn't long.
    let screening = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        screener.screen_bytes(&bytes)
    });
    let screened = screening.await.map_err(|_| internal())?;
    if screened.decoder_failed {
        // Nothing is known about the file, so nothing is said about it.
        return Err(Fault::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no-decoder",
            "no decoder could do its work; try again shortly",
        ));
    }
    let micros = started.elapsed().as_micros() as u64;
    app.metrics.screened(screened.verdict, length, micros);
    Ok(screened)
}

/// Who an upload comes from, as far as its sender says.
pub(crate) struct Sender {
    pub account: Option<String>,
    pub name: Option<String>,
    pub surface: Surface,
    /// What else the platform knows of the upload.
    pub upload: UploadFacts,
}

/// What the platform knows of an upload, from the header `Obhut-Upload`.
pub(crate) fn upload_header(headers: &HeaderMap) -> Result<Option<UploadFacts>, Fault> {
    let raw = single(headers, "obhut-upload")?.map_or(b"".as_slice(), |v| v.as_bytes());
    // JSON is taken as it is. If it were percent-decoded, a `%22` in the post's URL would end the
    // string and could begin another field.
    let text = match raw.trim_ascii_start().first() {
        Some(b'{') if raw.len() <= UPLOAD_BYTES_MAX => Some(
            String::from_utf8(raw.to_vec())
                .map_err(|_| Fault::bad_request("the header obhut-upload is not UTF-8"))?,
        ),
        _ => decoded_header(headers, "obhut-upload", UPLOAD_BYTES_MAX)?,
    };
    text.map(|text| upload_facts(&text)).transpose()
}

/// What the platform knows of an upload, from JSON in a header or a form.
pub(crate) fn upload_facts(json: &str) -> Result<UploadFacts, Fault> {
    // An error is refused, not ignored: a typing error would otherwise be noticed only when the
    // report is due.
    let facts: UploadFacts = read_json(json.as_bytes(), UPLOAD_BYTES_MAX, "upload")
        .map_err(|e| Fault::bad_request(format!("what is said of the upload: {e}")))?;
    checked(facts)
}

/// Checks what is said of an upload; refuses values that can't be right.
pub(crate) fn checked(facts: UploadFacts) -> Result<UploadFacts, Fault> {
    match facts.fault(jiff::Timestamp::now().as_microsecond()) {
        Some((field, what)) => Err(Fault::bad_request(format!(
            "what is said of the upload: {field} {what}"
        ))),
        None => Ok(facts),
    }
}

/// Records what was found in an upload, and who sent it.
pub(crate) async fn record(
    app: &App,
    key: &ApiKey,
    sender: Sender,
    screened: &Screened,
    bytes: &[u8],
) -> Result<Recorded, Fault> {
    let group = match &sender.account {
        Some(account) => account.clone(),
        None if screened.makes_a_finding() => media::group_without_account(screened, bytes),
        // Most uploads open no case, and shouldn't pay for a digest.
        None => fresh_group(),
    };
    let subject = Subject {
        group,
        account: sender.account.map(Sealed::new),
        name: sender.name.map(Sealed::new),
        surface: sender.surface,
        uploaded_at: sender.upload.at_micros(),
        before_release: true,
        upload: sender.upload,
        digests: None,
    };
    let recording = media::record(&app.casework, screened, &subject, Some(bytes), &key.id);
    Ok(recording.await?)
}

/// Like [`record`], and gives the answer the time that the recording took, or as much as another one
/// took lately if nothing was recorded.
pub(crate) async fn record_timed(
    app: &App,
    key: &ApiKey,
    sender: Sender,
    screened: &Screened,
    bytes: &[u8],
    at: &mut ScreenedAt,
) -> Result<Recorded, Fault> {
    let begun = Instant::now();
    let recorded = record(app, key, sender, screened, bytes).await?;
    let took = begun.elapsed();
    if recorded.exhibit.is_some() {
        app.recordings.keep(took, tokio::time::Instant::now());
        at.add(took);
    } else {
        at.add(took.max(app.recordings.draw(tokio::time::Instant::now())));
    }
    Ok(recorded)
}

/// A rendition of a file, made in a decoder's place on a thread that may block. The place is free
/// again when it is done.
pub(crate) async fn rendered<T: Send + 'static>(
    app: &App,
    asker: Asker,
    bytes: Vec<u8>,
    make: fn(&Pool, &[u8]) -> Result<T, media::Unreadable>,
) -> Result<T, Fault> {
    let slot = acquire_slot(app, asker, media::is_dear([&bytes[..]])).await?;
    let pool = app.pool.clone();
    let made = tokio::task::spawn_blocking(move || {
        let made = make(&pool, &bytes);
        drop(slot);
        made
    });
    let made = made.await.map_err(|_| {
        Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "this is our fault, not yours; send it again",
        )
    })?;
    made.map_err(|why| match why.is_decoder_fault() {
        true => Fault::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no-decoder",
            "no decoder is free; try again shortly",
        ),
        false => no_rendition(&why.to_string()),
    })
}

/// Says why there is nothing to show of a file.
pub(crate) fn no_rendition(why: &str) -> Fault {
    Fault::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "no-rendition",
        format!("no rendition can be made of this file: {why}"),
    )
}

/// The surface a request names, else the one its key has. Fails without either, for an unknown
/// word, and for private messages without a legal basis in force.
pub(crate) async fn surface(
    app: &App,
    named: Option<&str>,
    key: &ApiKey,
) -> Result<Surface, Fault> {
    // An unknown word is refused; it never falls back to the key's surface.
    let surface = match named {
        Some(word) => Surface::from_word(word),
        None => key.surface,
    };
    let surface = surface.ok_or_else(|| {
        Fault::bad_request("say where the upload was meant to be seen: ?surface=public, shared or private-message; or use a key that says it")
    })?;
    // Private messages need a legal basis that is still in force.
    casework::check_surface(&app.casework, surface).await?;
    Ok(surface)
}

/// The value of a header that may be sent only once. If it were sent twice, a proxy and obhut might
/// each use a different one.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a header::HeaderValue>, Fault> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Fault::bad_request(format!(
            "the header {name} was sent more than once"
        ))),
    }
}

/// A header's text, percent-decoded.
pub(crate) fn text_header(headers: &HeaderMap, name: &str) -> Result<Option<String>, Fault> {
    decoded_header(headers, name, HEADER_BYTES_MAX)
}

fn decoded_header(
    headers: &HeaderMap,
    name: &str,
    bytes_max: usize,
) -> Result<Option<String>, Fault> {
    let Some(value) = single(headers, name)? else {
        return Ok(None);
    };
    if value.len() > bytes_max {
        return Err(Fault::bad_request(format!(
            "the header {name} is longer than {bytes_max} bytes"
        )));
    }
    let raw = value.as_bytes();
    let mut bytes = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        // A percent sign without two hex digits is text: clients that do not encode are understood too.
        let escaped = (raw[at] == b'%')
            .then(|| raw.get(at + 1..at + 3))
            .flatten()
            // The parser below would also accept a plus sign, as in `%+1`.
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(raw[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Fault::bad_request(format!("the header {name} is not UTF-8")))?;
    Ok(Some(text).filter(|t| !t.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_form_is_found_anywhere() {
        for (body, expected) in [
            ("Content-Disposition: form-data", true),
            ("content-disposition:FORM-DATA; name=a", true),
            ("ccContent-Disposition \t:\r\n form-data", true),
            ("Content-Disposition: attachment", false),
            ("form-data", false),
            ("content-disposition", false),
        ] {
            assert_eq!(form::looks_like_form(body.as_bytes()), expected, "{body}");
            let late = ["x".repeat(5_000).as_bytes(), body.as_bytes()].concat();
            assert_eq!(form::looks_like_form(&late), expected, "late: {body}");
        }
        for (said, form, refused) in [
            ("multipart/form-data; boundary=b", true, false),
            ("Multipart/Form-Data;boundary=b", true, false),
            ("text/plain; multipart/form-data; boundary=b", false, true),
            ("multipart; boundary=b", false, true),
            ("x-multipart/form-data; boundary=b", false, true),
            ("multipart /form-data; boundary=b", false, true),
            ("application/octet-stream; boundary=b", false, true),
            ("text/plain, multipart/form-data", false, true),
            ("x; message/rfc822", false, true),
            ("image/png", false, false),
            ("text/plain; charset=utf-8", false, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, said.parse().unwrap());
            assert_eq!(is_form(&headers), form, "{said}");
            assert_eq!(check_encoding(&headers).is_err(), refused, "{said}");
        }
    }

    #[test]
    fn headers_are_decoded() {
        let mut headers = HeaderMap::new();
        headers.insert("obhut-account", "J%C3%BCrgen 100%".parse().unwrap());
        let text = text_header(&headers, "obhut-account").ok().flatten();
        assert_eq!(text.as_deref(), Some("Jürgen 100%"));
        headers.insert("obhut-account", "50%+1 %-f".parse().unwrap());
        let text = text_header(&headers, "obhut-account").ok().flatten();
        assert_eq!(text.as_deref(), Some("50%+1 %-f"));
        headers.insert("obhut-account", "%ff".parse().unwrap());
        assert!(text_header(&headers, "obhut-account").is_err());
    }
}
