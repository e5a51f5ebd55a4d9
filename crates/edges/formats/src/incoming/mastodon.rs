//! A Mastodon report: `account` reports, `target_account` is reported.

use obhut_facts::{
    Account, Email, Facts, IncomingFormat, IpEvent, ParsedReport, Person, Sealed, Understood,
};

use super::json::{items, own, pages, texts};
use super::{Format, Input, empty};

/// Mastodon's `Admin::Report`: `account` reports, `target_account` is reported.
pub(super) const FORMAT: Format = Format {
    is: |input| {
        // Accepts a target that can't be read, too: the web form's parser would take `account`,
        // which is the reporter, for the reported account.
        input
            .json
            .as_ref()
            .is_some_and(|v| v.get("target_account").is_some())
    },
    read,
};

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() accepted the input");
    let mut given = empty(IncomingFormat::Mastodon);
    given.number = own(value, "id");
    let target = &value["target_account"];
    if !target.is_object() {
        given.understood = Understood::Partly;
    }
    // The administrator's view wraps the public one.
    let public = match target["account"].is_object() {
        true => &target["account"],
        false => target,
    };
    let mut ip_events: Vec<IpEvent> = items(target, "ips")
        .into_iter()
        .filter_map(|ip| {
            Some(IpEvent {
                address: own(ip, "ip")?,
                at: own(ip, "used_at"),
                ..IpEvent::default()
            })
        })
        .collect();
    if ip_events.is_empty() {
        ip_events.extend(own(target, "ip").map(|address| IpEvent {
            address,
            ..IpEvent::default()
        }));
    }
    let emails: Vec<Email> = own(target, "email")
        .into_iter()
        .map(|address| Email {
            address,
            ..Email::default()
        })
        .collect();
    let mut urls = Vec::new();
    for status in items(value, "statuses") {
        urls.extend(own(status, "url").or_else(|| own(status, "uri")));
        urls.extend(
            items(status, "media_attachments")
                .into_iter()
                .filter_map(|m| own(m, "url")),
        );
    }
    let mut notes = texts(value, "comment");
    notes.extend(
        items(value, "statuses")
            .into_iter()
            .filter_map(|s| own(s, "content")),
    );
    let facts = Facts {
        reported: Some(Account {
            id: own(target, "id"),
            screen_name: own(public, "username").or_else(|| own(public, "acct")),
            display_names: texts(public, "display_name"),
            profile_urls: texts(public, "url"),
            person: (!emails.is_empty()).then(|| Person {
                emails,
                ..Person::default()
            }),
            ip_events,
            ..Account::default()
        }),
        places: pages(urls),
        note: Some(notes.join("\n")).filter(|n| !n.is_empty()),
        ..Facts::default()
    };
    given.facts = Sealed::new(facts);
    Ok(given)
}
