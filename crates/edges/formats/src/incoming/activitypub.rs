//! An ActivityPub `Flag` from any server: `actor` reports, `object` is reported.

use obhut_facts::{Account, Facts, IncomingFormat, ParsedReport, Sealed};

use super::json::{items, own, pages, said};
use super::{Format, Input, empty};

/// An ActivityPub `Flag`: `actor` reports, `object` is reported.
pub(super) const FORMAT: Format = Format {
    is: |input| {
        input
            .json
            .as_ref()
            .is_some_and(|v| v["type"] == "Flag" && !v["object"].is_null())
    },
    read,
};

fn read(input: &Input<'_>) -> Result<ParsedReport, String> {
    let value = input.json.as_ref().expect("is() accepted the input");
    let mut given = empty(IncomingFormat::ActivityPub);
    given.number = own(value, "id");
    let objects: Vec<String> = items(value, "object")
        .into_iter()
        .filter_map(|o| said(o).or_else(|| own(o, "id")))
        .collect();
    // The reporter is never the suspect, even if the report names them among its objects.
    let reporter = own(value, "actor").or_else(|| own(&value["actor"], "id"));
    // The first object that isn't a post is the account; the address of a post doesn't always say
    // whose it is.
    let is_post = |uri: &str| {
        // Mastodon's and Pixelfed's pages of posts: /@name/123, /p/name/123.
        let path = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let parts: Vec<&str> = path.split('/').skip(1).filter(|p| !p.is_empty()).collect();
        if let [first, _, ..] = parts[..]
            && (first.starts_with('@') || first == "p")
        {
            return true;
        }
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
    // An object that is there whole says whose it is.
    let authors: Vec<String> = items(value, "object")
        .into_iter()
        .filter_map(|o| own(o, "attributedTo").or_else(|| own(&o["attributedTo"], "id")))
        .collect();
    let posts_by_type: Vec<String> = items(value, "object")
        .into_iter()
        .filter(|o| o["attributedTo"].is_string() || o["attributedTo"].is_object())
        .filter_map(|o| own(o, "id"))
        .collect();
    let is_post = |uri: &str| posts_by_type.iter().any(|p| p == uri) || is_post(uri);
    let others = || objects.iter().filter(|o| Some(*o) != reporter.as_ref());
    let account = others().find(|o| !is_post(o)).cloned();
    let author = authors.into_iter().find(|a| Some(a) != reporter.as_ref());
    let account = account.or(author);
    let posts = others().filter(|o| Some(*o) != account.as_ref());
    let facts = Facts {
        occurred_at: own(value, "published"),
        reported: account.clone().map(|uri| Account {
            profile_urls: vec![uri.clone()],
            id: Some(uri),
            ..Account::default()
        }),
        places: pages(posts.cloned().collect()),
        note: own(value, "content").or_else(|| own(value, "summary")),
        ..Facts::default()
    };
    given.facts = Sealed::new(facts);
    Ok(given)
}
