//! Single values at the edges of what the service accepts.

use super::refuses;

/// Element, value, part of the reason; `None` if the service accepts the value.
#[rustfmt::skip]
const VALUES: &[(&str, &str, Option<&str>)] = &[
    ("url", "https://example.org/a", None),
    ("url", "https://example.org/a b", Some("white space")),
    ("url", "example.org", Some("complete URL")),
    ("url", "mailto:a@example.org", Some("complete URL")),
    ("url", "https://user:word@example.org/", None),
    ("profileUrl", "https://example.org/?token=1", None),
    ("legalURL", "https://example.org/?X-Amz-Signature=1", None),
    ("locationOfFile", "https://example.org/?page=2", None),
    ("email", "a@example.org", None),
    ("email", "@example.org", Some("e-mail")),
    ("email", "a@", Some("e-mail")),
    ("email", "a", Some("e-mail")),
    ("email", "a@b@example.org", Some("one @")),
    ("email", "a@localhost", Some("dot")),
    ("email", "a@example.", Some("dot")),
    ("priorCTReports", "1", None),
    ("priorCTReports", "0", Some("above 0")),
    ("priorCTReport", "-4", Some("above 0")),
    ("espIdentifier", "u", None),
    ("espIdentifier", " ", Some("blank")),
    ("idValue", "", Some("blank")),
    ("emailAddress", "a b@example.org", Some("white space")),
    ("email", concat!("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "@example.org"), None),
    ("email", concat!("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "a@example.org"), Some("64")),
    ("ipAddress", "192.0.2.1", None),
    ("ipAddress", "2001:db8::1", None),
    ("ipAddress", "192.0.2.256", Some("IPv4")),
    ("ipAddress", "192.0.2.1/24", Some("IPv4")),
    ("port", "1", None),
    ("port", "65535", None),
    ("port", "0", Some("port")),
    ("port", "65536", Some("port")),
    ("port", "-1", Some("port")),
    ("age", "0", None),
    ("age", "150", None),
    ("approximateAge", "151", Some("age")),
    ("age", "12.5", Some("age")),
    ("latitude", "-90", None),
    ("latitude", "90.0001", Some("latitude")),
    ("longitude", "180", None),
    ("longitude", "-180.1", Some("longitude")),
    ("latitude", "north", Some("latitude")),
    ("escalateToHighPriority", "in danger now", None),
    ("escalateToHighPriority", "  ", Some("blank")),
    ("screenName", "", None),
];

#[test]
fn single_values_are_refused_as_documented() {
    for (element, value, reason) in VALUES {
        let refused = refuses(element, value);
        match reason {
            None => assert_eq!(refused, None, "{element} {value}"),
            Some(part) => assert!(
                refused.is_some_and(|r| r.contains(part)),
                "{element} {value}: {refused:?}"
            ),
        }
    }
}
