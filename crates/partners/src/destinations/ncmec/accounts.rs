//! People, accounts, devices and addresses as CyberTipline elements.

use obhut_casework::{
    Account, AccountClosed, Address, Device, Email, IpEvent, Location, NamedPerson, Phone,
};

use super::xml::{Xml, valid_time};

/// Whose account it is: the schema has its own order of elements for each.
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
        (Some(p), _) => x.element(person, |x| self::person(x, p)),
        // The schema requires the element of a victim, if only empty.
        (None, Part::Victim) => x.element(person, |_| {}),
        (None, _) => {}
    }
    if part == Part::Reported {
        x.maybe("vehicleDescription", a.vehicle.as_deref(), Some(300));
    }
    x.maybe("espIdentifier", a.id.as_deref(), Some(255));
    x.maybe("espService", a.service.as_deref(), Some(100));
    x.flag("compromisedAccount", a.compromised);
    x.maybe("screenName", a.screen_name.as_deref(), Some(256));
    a.display_names
        .iter()
        .for_each(|n| x.text("displayName", n, Some(255)));
    a.profile_urls
        .iter()
        .for_each(|u| x.text("profileUrl", u, Some(2083)));
    x.maybe("profileBio", a.bio.as_deref(), None);
    a.ip_events.iter().for_each(|e| ip_event(x, e));
    a.devices.iter().for_each(|d| device(x, d));
    match part {
        Part::Reported => x.flag("thirdPartyUserReported", a.third_party),
        Part::Victim => x.maybe("schoolName", a.school.as_deref(), Some(255)),
        Part::Recipient => {}
    }
    a.prior_reports
        .iter()
        .for_each(|r| x.text("priorCTReports", &r.to_string(), None));
    if part != Part::Victim {
        x.maybe("groupIdentifier", a.group.as_deref(), Some(255));
    }
    closed(x, a);
    if let Some(l) = &a.location {
        location(x, l);
    }
    x.flag("allEmailsReported", a.all_emails_reported);
    if part == Part::Recipient {
        if !a.associated.is_empty() {
            x.remark(
                "associatedAccount",
                "the schema takes none of an intended recipient; left out",
            );
        }
    } else {
        a.associated.iter().for_each(|t| associated(x, t));
    }
    x.maybe("additionalInfo", a.note.as_deref(), None);
}

/// A tied account: the same data in yet another order.
fn associated(x: &mut Xml, a: &Account) {
    const TIES: [&str; 6] = [
        "Billing",
        "Linked",
        "Business",
        "Creator",
        "Parent/Guardian",
        "Other",
    ];
    let tie = a
        .tie
        .as_deref()
        .filter(|t| TIES.contains(t))
        .unwrap_or("Other");
    x.element_with("associatedAccount", &[("type", Some(tie))], |x| {
        if let Some(platform) = &a.platform {
            let third = a.third_party.map(|t| t.to_string());
            x.text_with(
                "platform",
                &[("thirdPartyUser", third.as_deref())],
                platform,
                None,
            );
        }
        let empty = NamedPerson::default();
        let p = a.person.as_ref().unwrap_or(&empty);
        x.maybe("firstName", p.first_name.as_deref(), Some(100));
        x.maybe("lastName", p.last_name.as_deref(), Some(100));
        x.maybe(
            "approximateAge",
            p.age.map(|v| v.to_string()).as_deref(),
            None,
        );
        date(x, p.born.as_deref());
        p.phones.iter().for_each(|v| phone(x, "phone", v));
        p.emails.iter().for_each(|v| email(x, "email", v));
        x.flag("allEmailsReported", a.all_emails_reported);
        p.addresses.iter().for_each(|v| address(x, "address", v));
        x.maybe("espService", a.service.as_deref(), Some(100));
        x.maybe("espIdentifier", a.id.as_deref(), Some(255));
        a.profile_urls
            .iter()
            .for_each(|u| x.text("profileUrl", u, Some(2083)));
        x.maybe("screenName", a.screen_name.as_deref(), Some(256));
        a.display_names
            .iter()
            .for_each(|n| x.text("displayName", n, Some(255)));
        x.maybe("profileBio", a.bio.as_deref(), None);
        x.maybe("groupIdentifier", a.group.as_deref(), Some(255));
        x.flag("compromisedAccount", a.compromised);
        closed(x, a);
        a.ip_events.iter().for_each(|e| ip_event(x, e));
        a.devices.iter().for_each(|d| device(x, d));
        a.prior_reports
            .iter()
            .for_each(|r| x.text("priorCTReport", &r.to_string(), None));
        x.maybe("additionalInfo", a.note.as_deref(), None);
    });
}

fn person(x: &mut Xml, p: &NamedPerson) {
    contact(x, p);
    x.maybe("age", p.age.map(|v| v.to_string()).as_deref(), None);
    date(x, p.born.as_deref());
}

/// A person without age and date of birth.
pub(super) fn contact(x: &mut Xml, p: &NamedPerson) {
    x.maybe("firstName", p.first_name.as_deref(), Some(100));
    x.maybe("lastName", p.last_name.as_deref(), Some(100));
    p.phones.iter().for_each(|v| phone(x, "phone", v));
    p.emails.iter().for_each(|v| email(x, "email", v));
    p.addresses.iter().for_each(|v| address(x, "address", v));
}

fn date(x: &mut Xml, born: Option<&str>) {
    match born {
        Some(day) if day.parse::<jiff::civil::Date>().is_ok() => x.text("dateOfBirth", day, None),
        Some(_) => x.remark("dateOfBirth", "is no date (YYYY-MM-DD) and is left out"),
        None => {}
    }
}

/// One of the words the schema knows; another is left out and remarked on.
fn word<'a>(x: &mut Xml, field: &str, value: Option<&'a str>, known: &[&str]) -> Option<&'a str> {
    let value = value?;
    if known.contains(&value) {
        return Some(value);
    }
    x.remark(
        field,
        &format!("is none of {} and is left out", known.join(", ")),
    );
    None
}

pub(super) fn phone(x: &mut Xml, name: &'static str, p: &Phone) {
    let kinds = [
        "Mobile", "Home", "Business", "Work", "Fax", "Internet", "Recovery",
    ];
    let kind = word(x, "phone/@type", p.kind.as_deref(), &kinds);
    let verified = p.verified.map(|v| v.to_string());
    let code = p.country_code.as_deref().filter(|c| {
        c.strip_prefix('+')
            .is_some_and(|d| (1..=3).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()))
    });
    let extension = p
        .extension
        .as_deref()
        .filter(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit()));
    if (code.is_none() && p.country_code.is_some())
        || (extension.is_none() && p.extension.is_some())
    {
        x.remark(
            "phone",
            "country code (+49) or extension (digits) has another form and is left out",
        );
    }
    let attributes = [
        ("type", kind),
        ("verified", verified.as_deref()),
        (
            "verificationDate",
            p.verified_at.as_deref().filter(|t| valid_time(t).is_some()),
        ),
        ("countryCallingCode", code),
        ("extension", extension),
    ];
    x.text_with(name, &attributes, &p.number, Some(50));
}

pub(super) fn email(x: &mut Xml, name: &'static str, e: &Email) {
    let kind = word(
        x,
        "email/@type",
        e.kind.as_deref(),
        &["Home", "Work", "Business", "Recovery"],
    );
    let verified = e.verified.map(|v| v.to_string());
    // The service takes a date only of an address that is verified.
    let date = e
        .verified_at
        .as_deref()
        .filter(|t| e.verified == Some(true) && valid_time(t).is_some());
    let attributes = [
        ("type", kind),
        ("verified", verified.as_deref()),
        ("verificationDate", date),
    ];
    x.text_with(name, &attributes, &e.address, Some(255));
}

pub(super) fn address(x: &mut Xml, name: &'static str, a: &Address) {
    let kind = word(
        x,
        "address/@type",
        a.kind.as_deref(),
        &["Home", "Business", "Billing", "Shipping", "Technical"],
    );
    x.element_with(name, &[("type", kind)], |x| {
        x.maybe("address", a.street.as_deref(), Some(255));
        x.maybe("city", a.city.as_deref(), Some(100));
        x.maybe("zipCode", a.zip.as_deref(), Some(20));
        x.maybe("state", a.state.as_deref(), None);
        x.maybe("nonUsaState", a.state_elsewhere.as_deref(), Some(100));
        country(x, "country", a.country.as_deref());
    });
}

/// Two capital letters (ISO 3166-1 alpha-2); anything else is left out and remarked on.
fn country(x: &mut Xml, name: &'static str, code: Option<&str>) {
    match code {
        Some(code) if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) => {
            x.text(name, code, None)
        }
        Some(_) => x.remark(
            name,
            "is no country code of two capital letters (ISO 3166-1) and is left out",
        ),
        None => {}
    }
}

const EVENTS: [&str; 6] = [
    "Login",
    "Registration",
    "Purchase",
    "Upload",
    "Other",
    "Unknown",
];

pub(super) fn ip_event(x: &mut Xml, e: &IpEvent) {
    if e.address.parse::<std::net::IpAddr>().is_err() {
        x.remark(
            "ipCaptureEvent/ipAddress",
            "is no IP address; the event is left out",
        );
        return;
    }
    let event = word(x, "ipCaptureEvent/eventName", e.event.as_deref(), &EVENTS);
    x.element("ipCaptureEvent", |x| {
        x.text("ipAddress", &e.address, None);
        x.maybe("eventName", event, None);
        x.time("dateTime", e.at.as_deref());
        x.flag("possibleProxy", e.possible_proxy);
        x.maybe(
            "port",
            e.port.filter(|p| *p > 0).map(|p| p.to_string()).as_deref(),
            None,
        );
    });
}

pub(super) fn device(x: &mut Xml, d: &Device) {
    let event = word(x, "deviceId/eventName", d.event.as_deref(), &EVENTS);
    x.element("deviceId", |x| {
        x.text("idType", &d.kind, Some(255));
        x.text("idValue", &d.value, Some(2083));
        x.maybe("eventName", event, None);
        x.time("dateTime", d.at.as_deref());
    });
}

fn closed(x: &mut Xml, a: &Account) {
    let one = |x: &mut Xml, name: &'static str, c: &AccountClosed, reopened: bool| {
        let time = |t: &Option<String>| t.clone().filter(|t| valid_time(t).is_some());
        let told = c.user_told.map(|v| v.to_string());
        let (at, told_at, reopened_at) = (time(&c.at), time(&c.user_told_at), time(&c.reopened_at));
        let attributes = [
            ("disabledDate", at.as_deref()),
            ("userNotified", told.as_deref()),
            ("userNotifiedDate", told_at.as_deref()),
            ("reenabledDate", reopened_at.as_deref().filter(|_| reopened)),
        ];
        x.text_with(name, &attributes, &c.done.to_string(), None);
    };
    if let Some(c) = &a.suspended {
        one(x, "accountTemporarilyDisabled", c, true);
    }
    if let Some(c) = &a.closed {
        one(x, "accountPermanentlyDisabled", c, false);
    }
}

fn location(x: &mut Xml, l: &Location) {
    if l.country.is_none() {
        x.remark(
            "estimatedLocation/countryCode",
            "NCMEC needs the country of a location",
        );
    }
    let verified = l.verified.map(|v| v.to_string());
    let attributes = [
        ("verified", verified.as_deref()),
        (
            "timestamp",
            l.at.as_deref().filter(|t| valid_time(t).is_some()),
        ),
    ];
    x.element_with("estimatedLocation", &attributes, |x| {
        x.maybe("city", l.city.as_deref(), Some(255));
        x.maybe("region", l.region.as_deref(), Some(255));
        country(x, "countryCode", l.country.as_deref());
    });
}
