//! People, accounts, devices and addresses as CyberTipline elements.

use obhut_facts::{
    Account, AccountClosed, Address, Device, Email, IpEvent, Location, Person as NamedPerson, Phone,
};

use super::xml::Xml;
use super::{rules, schema};

/// Longest `idValue` of a device, in characters (documentation of 2025-06-11).
const DEVICE_VALUE_CHARS_MAX: usize = 2_083;

/// Role of the account's holder. The schema allows different elements for each role.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Reported,
    Recipient,
    Victim,
}

pub(super) fn account(x: &mut Xml, a: &Account, part: Part) {
    let person = match part {
        Part::Reported => "personOrUserReportedPerson",
        Part::Recipient => "intendedRecipientPerson",
        Part::Victim => "victimPerson",
    };
    match (&a.person, part) {
        (Some(p), _) => x.of("person", |x| {
            x.element(person, |x| self::person(x, p));
            if let Some(name) = &p.middle_name {
                x.left_over("middle_name", name);
            }
        }),
        // The schema requires `victimPerson`, even if it is empty.
        (None, Part::Victim) => x.element(person, |_| {}),
        (None, _) => {}
    }
    match (part, &a.vehicle) {
        (Part::Reported, vehicle) => x.value("vehicleDescription", "vehicle", vehicle.as_deref()),
        (_, Some(vehicle)) => x.left_over("vehicle", vehicle),
        _ => {}
    }
    x.value("espIdentifier", "id", a.id.as_deref());
    x.value("espService", "service", a.service.as_deref());
    x.value("compromisedAccount", "compromised", a.compromised);
    x.value("screenName", "screen_name", a.screen_name.as_deref());
    x.each("display_names", &a.display_names, |x, n| {
        x.item("displayName", n)
    });
    x.each("profile_urls", &a.profile_urls, |x, u| {
        x.item("profileUrl", u)
    });
    x.value("profileBio", "bio", a.bio.as_deref());
    x.each("ip_events", &a.ip_events, ip_event);
    x.each("devices", &a.devices, device);
    match (part, a.third_party) {
        (Part::Reported, value) => x.value("thirdPartyUserReported", "third_party", value),
        (_, Some(value)) => x.left_over("third_party", &value.to_string()),
        _ => {}
    }
    match (part, &a.school) {
        (Part::Victim, school) => x.value("schoolName", "school", school.as_deref()),
        (_, Some(school)) => x.left_over("school", school),
        _ => {}
    }
    x.each("prior_reports", &a.prior_reports, |x, r| {
        x.item("priorCTReports", r)
    });
    match (part, &a.group) {
        (Part::Victim, Some(group)) => x.left_over("group", group),
        (Part::Victim, None) => {}
        (_, group) => x.value("groupIdentifier", "group", group.as_deref()),
    }
    closed(x, a);
    if let Some(l) = &a.location {
        x.of("location", |x| location(x, l));
    }
    x.value(
        "allEmailsReported",
        "all_emails_reported",
        a.all_emails_reported,
    );
    // The schema gives a recipient no associatedAccount.
    if part == Part::Recipient {
        x.each("associated", &a.associated, |x, t| x.left_over_whole("", t));
    } else {
        x.each("associated", &a.associated, associated);
    }
    // Only a linked account has elements for these two: associated() writes them.
    for (field, value) in [("tie", &a.tie), ("platform", &a.platform)] {
        if let Some(value) = value {
            x.left_over(field, value);
        }
    }
    x.value("additionalInfo", "note", a.note.as_deref());
}

/// A linked account: most of the same data, in an order of its own.
fn associated(x: &mut Xml, a: &Account) {
    let tie = a
        .tie
        .as_deref()
        .filter(|t| schema::knows("associatedAccountType", t));
    if let (None, Some(other)) = (tie, &a.tie) {
        x.left_over("tie", other);
    }
    // The attribute is required, and `Other` is one of its values.
    let of = tie.unwrap_or("Other").to_owned();
    x.element_with("associatedAccount", &[("type", "tie", Some(of))], |x| {
        match (&a.platform, a.third_party) {
            (Some(platform), third) => x.value_with(
                "platform",
                "platform",
                &[(
                    "thirdPartyUser",
                    "third_party",
                    third.map(|t| t.to_string()),
                )],
                Some(platform),
            ),
            (None, Some(third)) => x.left_over("third_party", &third.to_string()),
            (None, None) => {}
        }
        let empty = NamedPerson::default();
        let p = a.person.as_ref().unwrap_or(&empty);
        x.of("person", |x| {
            x.value("firstName", "first_name", p.first_name.as_deref());
            x.value("middleName", "middle_name", p.middle_name.as_deref());
            x.value("lastName", "last_name", p.last_name.as_deref());
            x.value("approximateAge", "age", p.age);
            x.value("dateOfBirth", "born", p.born.as_deref());
            x.each("phones", &p.phones, |x, v| phone(x, "phone", v));
            x.each("emails", &p.emails, |x, v| email(x, "email", v));
        });
        // The schema has this element between e-mail and postal addresses.
        x.value(
            "allEmailsReported",
            "all_emails_reported",
            a.all_emails_reported,
        );
        x.of("person", |x| {
            x.each("addresses", &p.addresses, |x, v| address(x, "address", v))
        });
        x.value("espService", "service", a.service.as_deref());
        x.value("espIdentifier", "id", a.id.as_deref());
        x.each("profile_urls", &a.profile_urls, |x, u| {
            x.item("profileUrl", u)
        });
        x.value("screenName", "screen_name", a.screen_name.as_deref());
        x.each("display_names", &a.display_names, |x, n| {
            x.item("displayName", n)
        });
        x.value("profileBio", "bio", a.bio.as_deref());
        x.value("groupIdentifier", "group", a.group.as_deref());
        x.value("compromisedAccount", "compromised", a.compromised);
        closed(x, a);
        x.each("ip_events", &a.ip_events, ip_event);
        x.each("devices", &a.devices, device);
        x.each("prior_reports", &a.prior_reports, |x, r| {
            x.item("priorCTReport", r)
        });
        x.value("additionalInfo", "note", a.note.as_deref());
    });
    // An associatedAccount has no elements for what follows.
    for (field, value) in [("vehicle", &a.vehicle), ("school", &a.school)] {
        if let Some(value) = value {
            x.left_over(field, value);
        }
    }
    if let Some(l) = &a.location {
        x.left_over_whole("location", l);
    }
    x.each("associated", &a.associated, |x, t| x.left_over_whole("", t));
}

fn person(x: &mut Xml, p: &NamedPerson) {
    contact(x, p);
    x.value("age", "age", p.age);
    x.value("dateOfBirth", "born", p.born.as_deref());
}

/// A person without age and date of birth.
pub(super) fn contact(x: &mut Xml, p: &NamedPerson) {
    x.value("firstName", "first_name", p.first_name.as_deref());
    x.value("lastName", "last_name", p.last_name.as_deref());
    x.each("phones", &p.phones, |x, v| phone(x, "phone", v));
    x.each("emails", &p.emails, |x, v| email(x, "email", v));
    x.each("addresses", &p.addresses, |x, v| address(x, "address", v));
}

pub(super) fn phone(x: &mut Xml, name: &'static str, p: &Phone) {
    // The number must not repeat the country code.
    let repeated = p
        .country_code
        .as_deref()
        .is_some_and(|c| !c.is_empty() && p.number.trim_start().starts_with(c));
    let code = p.country_code.clone().filter(|_| !repeated);
    if let (true, Some(code)) = (repeated, &p.country_code) {
        x.left_over("country_code", code);
    }
    let date = verified_at(x, p.verified, p.verified_at.as_deref());
    // The documentation allows ten digits. Cut to ten, it would be a different extension.
    let extension = p.extension.clone().filter(|e| e.len() <= 10);
    if let (None, Some(long)) = (&extension, &p.extension) {
        x.left_over("extension", long);
    }
    let attributes = [
        ("type", "kind", p.kind.clone()),
        ("verified", "verified", p.verified.map(|v| v.to_string())),
        ("verificationDate", "verified_at", date),
        ("countryCallingCode", "country_code", code),
        ("extension", "extension", extension),
    ];
    x.value_with(name, "number", &attributes, Some(&p.number));
}

pub(super) fn email(x: &mut Xml, name: &'static str, e: &Email) {
    let date = verified_at(x, e.verified, e.verified_at.as_deref());
    let attributes = [
        ("type", "kind", e.kind.clone()),
        ("verified", "verified", e.verified.map(|v| v.to_string())),
        ("verificationDate", "verified_at", date),
    ];
    x.value_with(name, "address", &attributes, Some(&e.address));
}

/// The verification date, if the value is verified. The service accepts a date only then; otherwise
/// it goes to the free text.
fn verified_at(x: &mut Xml, verified: Option<bool>, at: Option<&str>) -> Option<String> {
    let at = at?;
    if verified == Some(true) {
        return Some(at.to_owned());
    }
    x.left_over("verified_at", at);
    None
}

pub(super) fn address(x: &mut Xml, name: &'static str, a: &Address) {
    x.element_with(name, &[("type", "kind", a.kind.clone())], |x| {
        x.value("address", "street", a.street.as_deref());
        x.value("city", "city", a.city.as_deref());
        x.value("zipCode", "zip", a.zip.as_deref());
        x.value("state", "state", a.state.as_deref());
        x.value(
            "nonUsaState",
            "state_elsewhere",
            a.state_elsewhere.as_deref(),
        );
        x.value("country", "country", a.country.as_deref());
    });
}

pub(super) fn ip_event(x: &mut Xml, e: &IpEvent) {
    // An event needs a valid address.
    if !x.takes_in("ipCaptureEvent", "ipAddress", &e.address) {
        x.remark(
            "ipCaptureEvent/ipAddress",
            "isn't an IPv4 or IPv6 address; the event is in the free text at the end instead",
            schema::DOCUMENTATION,
        );
        x.left_over_whole("", e);
        return;
    }
    x.element("ipCaptureEvent", |x| {
        x.value("ipAddress", "address", Some(&e.address));
        x.value("eventName", "event", e.event.as_deref());
        x.value("dateTime", "at", e.at.as_deref());
        x.value("possibleProxy", "possible_proxy", e.possible_proxy);
        x.value("port", "port", e.port);
    });
}

pub(super) fn device(x: &mut Xml, d: &Device) {
    // Never cut: a cut device id would be another device's.
    if d.value.chars().count() > DEVICE_VALUE_CHARS_MAX {
        x.remark(
            "deviceId/idValue",
            "is too long; the device is in the free text at the end instead",
            schema::DOCUMENTATION,
        );
        return x.left_over_whole("", d);
    }
    let named = x.takes_in("deviceId", "idType", &d.kind);
    if !named || !x.takes_in("deviceId", "idValue", &d.value) {
        x.remark(
            "deviceId",
            "needs both kind and value; what it has is in the free text at the end instead",
            schema::DOCUMENTATION,
        );
        return x.left_over_whole("", d);
    }
    x.element("deviceId", |x| {
        x.value("idType", "kind", Some(&d.kind));
        x.value("idValue", "value", Some(&d.value));
        x.value("eventName", "event", d.event.as_deref());
        x.value("dateTime", "at", d.at.as_deref());
    });
}

fn closed(x: &mut Xml, a: &Account) {
    let mut one = |name: &'static str, field: &str, c: &AccountClosed, reopened: bool| {
        x.of(field, |x| {
            let mut attributes = vec![
                ("disabledDate", "at", c.at.clone()),
                (
                    "userNotified",
                    "user_told",
                    c.user_told.map(|v| v.to_string()),
                ),
                ("userNotifiedDate", "user_told_at", c.user_told_at.clone()),
            ];
            match (reopened, &c.reopened_at) {
                // Only the temporary closure has a reenabledDate.
                (true, at) => attributes.push(("reenabledDate", "reopened_at", at.clone())),
                (false, Some(at)) => x.left_over("reopened_at", at),
                (false, None) => {}
            }
            x.value_with(name, "done", &attributes, Some(c.done));
        });
    };
    if let Some(c) = &a.suspended {
        one("accountTemporarilyDisabled", "suspended", c, true);
    }
    if let Some(c) = &a.closed {
        one("accountPermanentlyDisabled", "closed", c, false);
    }
}

fn location(x: &mut Xml, l: &Location) {
    let country = l
        .country
        .as_deref()
        .filter(|c| !c.is_empty() && x.takes_in("estimatedLocation", "countryCode", c));
    // In the USA a city needs its state.
    let state = l.region.as_deref().is_some_and(rules::is_state);
    let whole =
        country.is_some_and(|c| c != "US" || state || l.city.is_none() && l.region.is_none());
    if !whole {
        x.remark("estimatedLocation", "needs a country in two letters and, in the USA, with a city or region, the state in two letters; it is in the free text at the end instead", schema::DOCUMENTATION);
        x.left_over_whole("", l);
        return;
    }
    let attributes = [
        ("verified", "verified", l.verified.map(|v| v.to_string())),
        ("timestamp", "at", l.at.clone()),
    ];
    x.element_with("estimatedLocation", &attributes, |x| {
        x.value("city", "city", l.city.as_deref());
        x.value("region", "region", l.region.as_deref());
        x.value("countryCode", "country", country);
    });
}
