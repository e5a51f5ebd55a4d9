//! Presigned URLs grant access to the file, so reports give the provider's own URLs without their
//! signature.

use crate::{Facts, Place};

/// The URL without user, password and signature; `None` if it has none of them.
///
/// A signature is recognised by the parameter names of presigned URLs of Amazon S3, Google Cloud
/// Storage, Azure, CloudFront, Firebase and Discord, and by those of other services that sign a URL
/// until a time. The whole query is then removed, with any fragment after it. A parameter `token`
/// or `sig` alone isn't taken for a signature, because some services name the file by it.
pub fn without_signature(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map(|(_, host)| host);
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let signed = is_signature(query);
    let keyed = is_signature(fragment);
    if host.is_none() && !signed && !keyed {
        return None;
    }
    let mut url = format!("{scheme}://{}{path}", host.unwrap_or(authority));
    if !signed && !query.is_empty() {
        url.push('?');
        url.push_str(query);
    }
    if !signed && !keyed && !fragment.is_empty() {
        url.push('#');
        url.push_str(fragment);
    }
    Some(url)
}

/// True for the query of a presigned URL, or for a fragment of that form.
fn is_signature(query: &str) -> bool {
    let names: Vec<String> = query
        .split(['&', ';'])
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    let any = |some: &[&str]| some.iter().any(|n| has(n));
    // Names from the documentation of presigned requests (S3 SigV4 and SigV2, GCS V4, CloudFront,
    // Azure SAS, Firebase Storage, Discord's CDN) and of access tokens (RFC 6750, RFC 7519).
    any(&["x-amz-signature", "x-goog-signature", "access_token", "jwt"])
        || (has("signature") && any(&["key-pair-id", "policy"]))
        || (has("sig") && has("sv") && has("se"))
        || (has("token") && has("alt"))
        || ["ex", "is", "hm"].iter().all(|n| has(n))
        // A signature and the time until which it counts. Our judgement.
        || (any(&["expires", "expiry", "exp"])
            && any(&["signature", "sig", "sign", "token", "hmac", "hash", "md5", "verify"]))
}

/// Removes logins and signatures from the provider's own URLs (of web pages and files) and returns
/// the changed fields. A URL that another company hosts stays whole: it is evidence.
pub fn strip_signatures(facts: &mut Facts) -> Vec<String> {
    let mut stripped = Vec::new();
    let mut strip = |url: &mut String, field: String| {
        if let Some(plain) = without_signature(url) {
            *url = plain;
            stripped.push(field);
        }
    };
    for (n, place) in facts.places.iter_mut().enumerate() {
        if let Place::WebPage {
            urls, third_party, ..
        } = place
            && *third_party != Some(true)
        {
            for (m, url) in urls.iter_mut().enumerate() {
                strip(url, format!("facts.places[{n}].urls[{m}]"));
            }
        }
    }
    for (key, file) in &mut facts.files {
        if let Some(url) = &mut file.url {
            strip(url, format!("facts.files.{key}.url"));
        }
    }
    stripped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A URL, and the URL it is changed to; `None` if it isn't changed.
    #[test]
    fn signatures_and_logins_go_and_everything_else_stays() {
        for (url, expected) in [
            ("https://example.com/p/1?token=abc123", None),
            ("https://example.com/a?sig=1&page=2", None),
            ("https://example.com/a?signature=of+the+month", None),
            ("https://example.com/\u{f6}/2", None),
            ("https://example.com/a?access_token", None),
            ("https://example.com/a?token=1#part", None),
            ("https://example.com/a?expires=never", None),
            ("not an address", None),
            (
                "https://bucket.example/a.jpg?X-Amz-Algorithm=x&X-Amz-Signature=1&v=2",
                Some("https://bucket.example/a.jpg"),
            ),
            (
                "https://b.example/a?AWSAccessKeyId=k&Signature=s&Expires=1",
                Some("https://b.example/a"),
            ),
            (
                "https://b.example/a?Signature=s&Key-Pair-Id=k",
                Some("https://b.example/a"),
            ),
            (
                "https://b.example/a?x-goog-signature=1#top",
                Some("https://b.example/a"),
            ),
            (
                "https://b.example/a?sv=1&se=2&sig=3",
                Some("https://b.example/a"),
            ),
            (
                "https://user:word@b.example/a?page=2",
                Some("https://b.example/a?page=2"),
            ),
            ("https://user@b.example", Some("https://b.example")),
            (
                "https://cdn.example/a?ex=1&is=2&hm=3",
                Some("https://cdn.example/a"),
            ),
            (
                "https://b.example/a?alt=media&token=1",
                Some("https://b.example/a"),
            ),
            (
                "https://b.example/a?expires=1&md5=2",
                Some("https://b.example/a"),
            ),
            ("https://b.example/a?v=2&jwt=1", Some("https://b.example/a")),
            (
                "https://b.example/a?v=2#access_token=1",
                Some("https://b.example/a?v=2"),
            ),
        ] {
            assert_eq!(without_signature(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn only_the_providers_own_addresses_lose_theirs() {
        let signed = "https://b.example/a?X-Amz-Signature=1";
        let page = |third_party| Place::WebPage {
            urls: vec![signed.into()],
            third_party,
            note: None,
        };
        let mut facts = Facts {
            places: vec![page(Some(true)), page(None)],
            ..Facts::default()
        };
        assert_eq!(strip_signatures(&mut facts), ["facts.places[1].urls[0]"]);
        let Place::WebPage { urls, .. } = &facts.places[0] else {
            panic!()
        };
        assert_eq!(urls, &[signed]);
    }
}
