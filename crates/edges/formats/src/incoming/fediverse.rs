//! Reports of Mastodon, Lemmy and of any ActivityPub server. Who reports is never who is reported.

use obhut_facts::{
    Account, Email, Facts, IncomingFormat, IpEvent, ParsedReport, Person, Place, Sealed,
};
use serde_json::Value;

use super::json::{items, own, said, texts};
use super::{Format, Input, empty};

/// Mastodon's `Admin::Report`: `account` reports, `target_account` is reported.
pub(super) const MASTODON: Format = Format {
    is: |input| {
        input
            .json
            .as_ref()
            .is_some_and(|v| v["target_account"].is_object())
    },
    read: mastodon,
};

/// Lemmy's report views: `creator` reports, `post_creator` or `comment_creator` is reported.
pub(super) const LEMMY: Format = Format {
    is: |input| {
        input.json.as_ref().is_some_and(|v| {
            ["post_report", "comment_report", "private_message_report"]
                .iter()
                .any(|name| v[name].is_object())
        })
    },
    read: lemmy,
};

/// An ActivityPub `Flag`: `actor` reports, `object` is reported.
pub(super) const ACTIVITYPUB: Format = Format {
    is: |input| {
        input
            .json
            .as_ref()
            .is_some_and(|v| v["type"] == "Flag" && !v["object"].is_null())
    },
    read: activitypub,
};

fn mastodon(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() looked at it");
    let mut given = empty(IncomingFormat::Mastodon);
    given.number = own(value, "id");
    let target = &value["target_account"];
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

fn lemmy(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() looked at it");
    let mut given = empty(IncomingFormat::Lemmy);
    let (kind, creator) = [
        ("post_report", "post_creator"),
        ("comment_report", "comment_creator"),
        ("private_message_report", "private_message_creator"),
    ]
    .into_iter()
    .find(|(kind, _)| value[kind].is_object())
    .expect("is() looked at it");
    let report = &value[kind];
    given.number = own(report, "id");
    let person = &value[creator];
    let mut urls = texts(&value["post"], "ap_id");
    urls.extend(texts(&value["post"], "url"));
    urls.extend(texts(&value["comment"], "ap_id"));
    urls.extend(texts(report, "original_post_url"));
    urls.dedup();
    let mut notes = texts(report, "reason");
    for name in [
        "original_post_name",
        "original_post_body",
        "original_comment_text",
    ] {
        notes.extend(own(report, name));
    }
    let facts = Facts {
        occurred_at: own(report, "published"),
        reported: person.is_object().then(|| Account {
            id: own(person, "id"),
            screen_name: own(person, "name"),
            display_names: texts(person, "display_name"),
            profile_urls: texts(person, "actor_id"),
            ..Account::default()
        }),
        places: pages(urls),
        note: Some(notes.join("\n")).filter(|n| !n.is_empty()),
        ..Facts::default()
    };
    given.facts = Sealed::new(facts);
    Ok(given)
}

fn activitypub(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() looked at it");
    let mut given = empty(IncomingFormat::ActivityPub);
    given.number = own(value, "id");
    let objects: Vec<String> = items(value, "object")
        .into_iter()
        .filter_map(|o| said(o).or_else(|| own(o, "id")))
        .collect();
    // The account comes first, its posts after it; a post alone says nothing of whose it is.
    let is_post = |uri: &str| {
        [
            "/statuses/",
            "/notes/",
            "/objects/",
            "/posts/",
            "/post/",
            "/comment/",
        ]
        .iter()
        .any(|part| uri.contains(part))
    };
    let account = objects.iter().find(|o| !is_post(o)).cloned();
    let posts = objects.iter().filter(|o| Some(*o) != account.as_ref());
    let facts = Facts {
        occurred_at: own(value, "published"),
        reported: account.clone().map(|uri| Account {
            profile_urls: vec![uri.clone()],
            id: Some(uri),
            ..Account::default()
        }),
        places: pages(posts.cloned().collect()),
        note: content(value),
        ..Facts::default()
    };
    given.facts = Sealed::new(facts);
    Ok(given)
}

fn content(value: &Value) -> Option<String> {
    own(value, "content").or_else(|| own(value, "summary"))
}

/// Addresses as one place; another server hosts them.
pub(super) fn pages(urls: Vec<String>) -> Vec<Place> {
    match urls.is_empty() {
        true => Vec::new(),
        false => vec![Place::WebPage {
            urls,
            third_party: None,
            note: None,
        }],
    }
}
