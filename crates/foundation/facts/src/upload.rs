//! What a platform knows of an upload when it submits the file.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Account, Email, Facts, IpEvent};

/// Uploads add no IP event to an account that has this many; a person may record more. Our
/// judgement: enough to show a habit, few enough to read.
const EVENTS_MAX: usize = 200;
/// Uploads add no display name to an account that has this many. Our judgement.
const NAMES_MAX: usize = 20;
/// Uploads add no e-mail address to an account that has this many. Our judgement.
const EMAILS_MAX: usize = 20;
/// Longest session, name, e-mail address or URL, in bytes. Our judgement: above 2,083 characters,
/// the longest URL that Internet Explorer accepted.
const TEXT_BYTES_MAX: usize = 2_100;

/// How far a platform's clock may be ahead of this machine's, in microseconds. Our judgement.
const AHEAD_MICROS_MAX: i64 = 300_000_000;
/// Start of a file's note that names its uploader, if that isn't the reported account.
pub const UPLOADED_WITH: &str = "uploaded with ";
/// The sort of event of an upload, as the CyberTipline names it.
const UPLOAD: &str = "Upload";
/// 1990-01-01T00:00:00Z in microseconds: no platform accepted uploads earlier. Our judgement.
const EARLIEST_MICROS: i64 = 631_152_000_000_000;

/// One upload, as far as the platform knows. The account is given separately.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UploadFacts {
    /// IPv4 or IPv6 address it came from.
    pub ip: Option<String>,
    /// Port of that address, 1 to 65535: behind a carrier's NAT only the port distinguishes people.
    pub port: Option<i64>,
    /// When it arrived, RFC 3339.
    pub at: Option<String>,
    /// The platform's name for the session.
    pub session: Option<String>,
    /// Name the account logs in with.
    pub screen_name: Option<String>,
    /// E-mail address of the account.
    pub email: Option<String>,
    /// Address of the post.
    pub url: Option<String>,
}

impl UploadFacts {
    /// The first field that is impossible at `now` (microseconds since 1970), and what is wrong
    /// with it. Never its value.
    pub fn fault(&self, now: i64) -> Option<(&'static str, &'static str)> {
        let texts = [
            ("session", &self.session),
            ("screen_name", &self.screen_name),
            ("email", &self.email),
            ("url", &self.url),
        ];
        for (field, text) in texts {
            match text {
                Some(text) if text.trim().is_empty() => {
                    return Some((field, "is empty; leave it out"));
                }
                Some(text) if text.chars().any(is_invisible) => {
                    return Some((field, "has control characters"));
                }
                Some(text) if text.len() > TEXT_BYTES_MAX => {
                    return Some((field, "is longer than 2,100 bytes"));
                }
                _ => {}
            }
        }
        let ip = self.ip.as_ref();
        if ip.is_some_and(|ip| ip.parse::<IpAddr>().is_err()) {
            return Some(("ip", "isn't an IPv4 or IPv6 address"));
        }
        if self.port.is_some_and(|p| !(1..=65_535).contains(&p)) {
            return Some(("port", "isn't a port, 1 to 65535"));
        }
        if self.port.is_some() && ip.is_none() {
            return Some(("port", "says nothing without \"ip\""));
        }
        match (&self.at, self.at_micros()) {
            (Some(_), None) => {
                return Some(("at", "isn't a time with a zone, like 2026-11-22T10:15:00Z"));
            }
            (_, Some(at)) if at > now + AHEAD_MICROS_MAX => {
                return Some(("at", "is in the future"));
            }
            (_, Some(at)) if at < EARLIEST_MICROS => return Some(("at", "is before 1990")),
            _ => {}
        }
        if self.email.as_ref().is_some_and(|email| !is_email(email)) {
            return Some(("email", "isn't an e-mail address"));
        }
        if self.url.as_ref().is_some_and(|url| !is_complete(url)) {
            return Some((
                "url",
                "isn't a complete address, like https://example.org/p/1",
            ));
        }
        None
    }

    /// Removes the fields that are invalid at `now` (microseconds since 1970). Returns what is left,
    /// `None` if that is nothing, and what is wrong with each removed field. An invalid time removes
    /// the IP address too, because at another time another subscriber may have had it.
    pub fn without_invalid(
        mut self,
        now: i64,
    ) -> (Option<Self>, Vec<(&'static str, &'static str)>) {
        let mut faults = Vec::new();
        while let Some((field, what)) = self.fault(now) {
            faults.push((field, what));
            match field {
                "ip" => (self.ip, self.port) = (None, None),
                "port" => self.port = None,
                "at" => (self.at, self.ip, self.port) = (None, None, None),
                "session" => self.session = None,
                "screen_name" => self.screen_name = None,
                "email" => self.email = None,
                "url" => self.url = None,
                // A field without an arm above would never be removed, and the loop wouldn't end.
                _ => return (None, faults),
            }
        }
        ((self != Self::default()).then_some(self), faults)
    }

    /// This, with missing fields taken from `other`. A port is taken only with its IP address.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (ip, port) = match self.ip {
            Some(ip) => (Some(ip), self.port),
            None => (other.ip, other.port),
        };
        Self {
            ip,
            port,
            at: self.at.or(other.at),
            session: self.session.or(other.session),
            screen_name: self.screen_name.or(other.screen_name),
            email: self.email.or(other.email),
            url: self.url.or(other.url),
        }
    }

    /// When it arrived, in microseconds since 1970; none if that is missing or not a time.
    pub fn at_micros(&self) -> Option<i64> {
        let at = self.at.as_ref()?.parse::<jiff::Timestamp>().ok()?;
        Some(at.as_microsecond())
    }

    fn event(&self, sort: &str) -> Option<IpEvent> {
        Some(IpEvent {
            address: self.ip.clone()?,
            event: Some(sort.into()),
            at: self.at.clone(),
            port: self.port,
            ..IpEvent::default()
        })
    }
}

impl UploadFacts {
    /// Adds what is known of an upload to the facts of its case: to the reported account, and to
    /// the file with the key `exhibit`. The account is left alone if it is a recorded child's or if
    /// another one is reported; without `account` only the file changes. What is on record already
    /// stays.
    pub fn add_to(&self, facts: &mut Facts, account: Option<&str>, exhibit: Option<&str>) {
        let is_child = |id: &str| facts.victims.iter().any(|v| v.id.as_deref() == Some(id));
        // What the platform says of an upload must never turn a child into the person reported.
        // Uploads without an account change no account: several people may have uploaded one file.
        let is_childs = account.is_some_and(is_child);
        let with_account = account.filter(|_| !is_childs);
        let with_account = with_account.is_some_and(|id| self.add_to_reported(facts, id));
        let event = self.event(UPLOAD);
        // Name and e-mail address belong to the account. If it isn't the reported one, the file's
        // note gets them. A child's are not recorded: reports that omit victims contain the note.
        let note = (!with_account && !is_childs).then(|| self.note()).flatten();
        let says_of_file = event.is_some()
            || self.session.is_some()
            || self.url.is_some()
            || self.at.is_some()
            || note.is_some();
        let Some(exhibit) = exhibit.filter(|_| says_of_file) else {
            return;
        };
        let file = facts.files.entry(exhibit.to_owned()).or_default();
        file.ip_event = file.ip_event.take().or(event);
        file.session = file.session.take().or_else(|| self.session.clone());
        file.url = file.url.take().or_else(|| self.url.clone());
        file.uploaded_at = file.uploaded_at.take().or_else(|| self.at.clone());
        file.note = file.note.take().or(note);
    }

    /// Name and e-mail address in a sentence.
    fn note(&self) -> Option<String> {
        let said = [("name", &self.screen_name), ("e-mail address", &self.email)];
        let said: Vec<_> = said
            .iter()
            .filter_map(|(what, value)| Some(format!("{what} {}", value.as_ref()?)))
            .collect();
        (!said.is_empty()).then(|| format!("{UPLOADED_WITH}{}", said.join(", ")))
    }

    /// Adds what is known to the reported account. False if another account is reported; then
    /// nothing changes.
    fn add_to_reported(&self, facts: &mut Facts, account: &str) -> bool {
        let reported = facts.reported.get_or_insert_default();
        // A person may have decided since that another account is the one to report.
        if reported.id.as_deref().is_some_and(|id| id != account) {
            return false;
        }
        reported.id.get_or_insert_with(|| account.to_owned());
        self.add_to_account(reported, UPLOAD);
        true
    }

    /// Adds what is known of a payment to the account that made it.
    pub fn add_payment_to(&self, account: &mut Account) {
        // Not "Purchase": the receiver would look for goods.
        self.add_to_account(account, "Other");
    }

    /// Session and URL in a sentence; none if neither is known.
    pub fn of_session(&self) -> Option<String> {
        let session = self.session.as_ref().map(|s| format!("session {s}"));
        let said: Vec<String> = session.into_iter().chain(self.url.clone()).collect();
        (!said.is_empty()).then(|| format!("made with {}", said.join(", ")))
    }

    /// Adds IP address, name and e-mail address to an account. The IP address becomes an event of
    /// this sort.
    fn add_to_account(&self, reported: &mut Account, sort: &str) {
        if let Some(event) = self.event(sort)
            && reported.ip_events.len() < EVENTS_MAX
            && !reported.ip_events.contains(&event)
        {
            reported.ip_events.push(event);
        }
        if let Some(name) = &self.screen_name {
            let is_another = reported.screen_name.as_ref().is_some_and(|n| n != name);
            let names = &mut reported.display_names;
            // The account was renamed: `screen_name` keeps the earlier name.
            if is_another && names.len() < NAMES_MAX && !names.contains(name) {
                names.push(name.clone());
            }
            reported.screen_name.get_or_insert_with(|| name.clone());
        }
        if let Some(address) = &self.email {
            let emails = &mut reported.person.get_or_insert_default().emails;
            let is_known = emails
                .iter()
                .any(|e| e.address.eq_ignore_ascii_case(address));
            if !is_known && emails.len() < EMAILS_MAX {
                emails.push(Email {
                    address: address.clone(),
                    ..Email::default()
                });
            }
        }
    }
}

/// Control characters, and those that change the direction of what follows.
fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One @ with something on both sides, and no white space.
fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && !text.contains(char::is_whitespace)
}

/// A scheme (RFC 3986, 3.1), something after its colon, and no white space.
fn is_complete(url: &str) -> bool {
    let scheme = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let parts = url.split_once(':');
    parts.is_some_and(|(before, behind)| scheme(before) && !behind.is_empty())
        && !url.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Facts;

    fn upload(json: &str) -> UploadFacts {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn valid_fields_are_kept() {
        let now = 1_795_342_500_000_000;
        let (left, faults) = upload(
            r#"{"ip":"192.0.2.1","port":70000,"screen_name":"a\nb","email":"e@example.org"}"#,
        )
        .without_invalid(now);
        assert_eq!(
            left,
            Some(upload(r#"{"ip":"192.0.2.1","email":"e@example.org"}"#))
        );
        let named: Vec<_> = faults.iter().map(|(field, _)| *field).collect();
        assert_eq!(named, ["screen_name", "port"]);
        // At another time another subscriber may have had the address.
        let late = upload(r#"{"ip":"192.0.2.1","port":1,"at":"2036-01-01T00:00:00Z"}"#);
        assert_eq!(late.without_invalid(now).0, None);
        let all_wrong = upload(
            r#"{"ip":"x","port":0,"at":"x","session":" ","screen_name":" ","email":"x","url":"x"}"#,
        );
        assert_eq!(all_wrong.without_invalid(now).0, None);
        let fine = upload(r#"{"ip":"192.0.2.1","port":1}"#);
        assert_eq!(fine.clone().without_invalid(now), (Some(fine), Vec::new()));
    }

    #[test]
    fn an_invalid_field_is_named() {
        let fine = r#"{"ip":"2001:db8::7","port":51234,"at":"2026-11-22T10:15:00+01:00",
            "session":"s","screen_name":"n","email":"a@example.org","url":"https://example.org/p/1"}"#;
        let long = format!(r#"{{"url":"https://example.org/{}"}}"#, "x".repeat(2_100));
        for (json, field) in [
            ("{}", None),
            (fine, None),
            (r#"{"ip":"300.1.1.1"}"#, Some("ip")),
            (r#"{"ip":"192.0.2.1","port":0}"#, Some("port")),
            (r#"{"ip":"192.0.2.1","port":65536}"#, Some("port")),
            (r#"{"port":443}"#, Some("port")),
            (r#"{"at":"22.11.2026 10:15"}"#, Some("at")),
            (r#"{"at":"2026-11-22T10:15:00"}"#, Some("at")),
            (r#"{"session":" "}"#, Some("session")),
            (r#"{"session":"a\u202eb"}"#, Some("session")),
            (r#"{"screen_name":"a\nb"}"#, Some("screen_name")),
            (&long, Some("url")),
            // `serve` used to accept the invalid ones of these, and the report was stopped later. A
            // clock may be five minutes ahead.
            (r#"{"at":"2026-11-22T10:20:01Z"}"#, Some("at")),
            (r#"{"at":"2026-11-22T10:20:00Z"}"#, None),
            (r#"{"at":"1600-01-01T00:00:00Z"}"#, Some("at")),
            (r#"{"email":"not an address"}"#, Some("email")),
            (r#"{"email":"a@b@example.org"}"#, Some("email")),
            (r#"{"email":"@example.org"}"#, Some("email")),
            (r#"{"url":"foo bar"}"#, Some("url")),
            (r#"{"url":"example.org/p"}"#, Some("url")),
            (r#"{"url":"at://did:plc:x/app.bsky.feed.post/1"}"#, None),
        ] {
            // 2026-11-22T10:15:00Z.
            let fault = upload(json).fault(1_795_342_500_000_000);
            assert_eq!(fault.map(|(field, _)| field), field, "{json}");
        }
    }

    /// Facts before, account, upload, facts after.
    #[test]
    fn an_upload_is_added_to_its_account_and_file() {
        let u = r#"{"ip":"192.0.2.1","port":9,"at":"2026-11-22T10:15:00Z","session":"s","screen_name":"n",
            "email":"A@example.org","url":"https://example.org/p"}"#;
        let event =
            r#"{"address":"192.0.2.1","event":"Upload","at":"2026-11-22T10:15:00Z","port":9}"#;
        let file = format!(
            r#""files":{{"e":{{"ip_event":{event},"session":"s","url":"https://example.org/p","uploaded_at":"2026-11-22T10:15:00Z"}}}}"#
        );
        let whole = format!(
            r#"{{"reported":{{"id":"a","screen_name":"n","ip_events":[{event}],"person":{{"emails":[{{"address":"A@example.org"}}]}}}},{file}}}"#
        );
        for (before, account, upload_json, after) in [
            ("{}", Some("a"), "{}", r#"{"reported":{"id":"a"}}"#.to_owned()),
            ("{}", None, "{}", "{}".to_owned()),
            // Two uploads without an account may be by different people. An earlier
            // version lost name and e-mail address.
            (
                "{}",
                None,
                u,
                format!(
                    "{{{}}}",
                    file.replace("}}", r#","note":"uploaded with name n, e-mail address A@example.org"}}"#)
                ),
            ),
            ("{}", Some("a"), u, whole.clone()),
            // The same again adds nothing.
            (&whole, Some("a"), u, whole.clone()),
            // A child's account stays a child's; the file keeps where it came from.
            (
                r#"{"victims":[{"id":"a"}]}"#,
                Some("a"),
                u,
                format!(r#"{{"victims":[{{"id":"a"}}],{file}}}"#),
            ),
            // Another account is reported.
            (
                r#"{"reported":{"id":"b"}}"#,
                Some("a"),
                u,
                format!(
                    r#"{{"reported":{{"id":"b"}},{}}}"#,
                    file.replace("}}", r#","note":"uploaded with name n, e-mail address A@example.org"}}"#)
                ),
            ),
            // What is on record stays; another name is added as a display name.
            (
                r#"{"reported":{"id":"a","screen_name":"old"},"files":{"e":{"url":"https://example.org/q"}}}"#,
                Some("a"),
                r#"{"screen_name":"n","url":"https://example.org/p"}"#,
                r#"{"reported":{"id":"a","screen_name":"old","display_names":["n"]},"files":{"e":{"url":"https://example.org/q"}}}"#.to_owned(),
            ),
        ] {
            let mut facts: Facts = serde_json::from_str(before).unwrap();
            upload(upload_json).add_to(&mut facts, account, Some("e"));
            let wanted: Facts = serde_json::from_str(&after).unwrap();
            assert_eq!(facts, wanted, "{before} + {upload_json}");
        }
    }

    #[test]
    fn missing_fields_are_taken_from_the_other() {
        let both = |a, b| upload(a).or(upload(b));
        for (a, b, expected) in [
            (
                r#"{"ip":"192.0.2.1"}"#,
                r#"{"url":"https://example.org/p"}"#,
                r#"{"ip":"192.0.2.1","url":"https://example.org/p"}"#,
            ),
            // A port says something only with its own address.
            (
                r#"{"ip":"192.0.2.1"}"#,
                r#"{"ip":"192.0.2.2","port":9}"#,
                r#"{"ip":"192.0.2.1"}"#,
            ),
            (
                "{}",
                r#"{"ip":"192.0.2.2","port":9}"#,
                r#"{"ip":"192.0.2.2","port":9}"#,
            ),
        ] {
            assert_eq!(both(a, b), upload(expected), "{a} {b}");
        }
    }

    #[test]
    fn uploads_add_no_more_than_an_officer_can_read() {
        let mut facts = Facts::default();
        for n in 0..EVENTS_MAX + 50 {
            let u = upload(&format!(
                r#"{{"ip":"192.0.2.1","port":{},"screen_name":"n{n}","email":"{n}@example.org"}}"#,
                n + 1
            ));
            u.add_to(&mut facts, Some("a"), None);
        }
        let reported = facts.reported.unwrap();
        assert_eq!(reported.ip_events.len(), EVENTS_MAX);
        assert_eq!(reported.display_names.len(), NAMES_MAX);
        assert_eq!(reported.person.unwrap().emails.len(), EMAILS_MAX);
    }
}
