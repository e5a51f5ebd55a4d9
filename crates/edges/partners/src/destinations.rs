//! Registry of destinations: each combines a form with a way to deliver it.

use futures::future::BoxFuture;
use obhut_casework::{CaseworkError, Channel};
use obhut_formats::reports::{self, Form};

use crate::hand_over;
use crate::submission::{SendFault, Sent, Submission};

use crate::hand_over::is_recipient;

pub mod dsa_statement;
pub mod ncmec;
pub(crate) mod webhook;

/// An authority, hotline or system that receives reports.
pub struct Destination {
    /// Name and report form.
    pub form: &'static Form,
    /// True if it has a test service, which is used until the destination is set to production.
    pub has_test_service: bool,
    /// True if packages for it may be sent by mail.
    pub by_mail: bool,
    /// What a channel still lacks before anything can be sent there; `None` if it lacks nothing.
    pub missing: fn(&Channel) -> Option<&'static str>,
    /// Delivers a rendered report. Each step is recorded before the next one starts.
    pub send: for<'a> fn(Submission<'a>) -> BoxFuture<'a, Result<Sent, SendFault>>,
    /// Retracts a sent report; repeated until the receiver has acknowledged it.
    pub retract: for<'a> fn(Submission<'a>) -> BoxFuture<'a, Result<Sent, SendFault>>,
}

/// A ZIP package with the approved exhibits, for a folder or by mail.
const fn package(form: &'static Form) -> Destination {
    Destination {
        form,
        has_test_service: false,
        by_mail: true,
        missing: hand_over::missing,
        send: |submission| Box::pin(hand_over::send(submission)),
        retract: |submission| Box::pin(hand_over::retract(submission)),
    }
}

/// A ZIP package without exhibits, for a folder or by mail: a lead goes to an authority that has no
/// case yet, and says that the reporter has the files.
const fn package_without_files(form: &'static Form) -> Destination {
    Destination {
        form,
        has_test_service: false,
        by_mail: true,
        missing: hand_over::missing,
        send: |submission| Box::pin(hand_over::send_document(submission, "zip")),
        retract: |submission| Box::pin(hand_over::retract(submission)),
    }
}

/// Delivered as a single document.
const fn document(form: &'static Form) -> Destination {
    Destination {
        form,
        has_test_service: false,
        by_mail: true,
        missing: hand_over::missing,
        // VICS and XARF are JSON; the exhibits are not part of either document.
        send: |submission| Box::pin(hand_over::send_document(submission, "json")),
        retract: |submission| Box::pin(hand_over::retract(submission)),
    }
}

/// Every destination.
pub const ALL: &[Destination] = &[
    dsa_statement::DESTINATION,
    package(&reports::goaml::FORM),
    package_without_files(&reports::leads::FORM),
    ncmec::DESTINATION,
    package(&reports::package::FORM),
    package(&reports::package_bka::FORM),
    package(&reports::package_nca::FORM),
    document(&reports::vics::FORM),
    document(&reports::vics_1_3::FORM),
    webhook::DESTINATION,
    document(&reports::xarf::FORM),
];

/// The destination of that name.
pub fn by_name(name: &str) -> Option<&'static Destination> {
    // Eleven entries, searched once per job: a map isn't worth it.
    ALL.iter().find(|d| d.form.name == name)
}

/// Checks an address before it is put on record; with `by_mail` it has to be a mail server's.
///
/// # Errors
/// The address isn't a URL with a host, contains a login, or isn't a mail server's although
/// `by_mail` is set, or the reverse. An address that isn't a mail server's must be https, or http
/// to this machine. It also fails if it names the CyberTipline's production host while the
/// destination is set to its test service, or the reverse.
pub fn check_address(url: &str, production: bool, by_mail: bool) -> Result<(), CaseworkError> {
    let invalid = |why: &str| Err(CaseworkError::invalid("url", why));
    let is_mail = crate::mail::is_server(url);
    if is_mail != by_mail {
        return invalid(match by_mail {
            true => "the address isn't a mail server's, such as smtps://mail.example.org",
            false => "the address is a mail server's, but this destination isn't reached by mail",
        });
    }
    let Some(known) = url::Url::parse(url).ok().filter(url::Url::has_host) else {
        return invalid("the address isn't a URL with a host");
    };
    // host_str() keeps the brackets of an IPv6 address.
    let local = matches!(known.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if !is_mail && known.scheme() != "https" && !(known.scheme() == "http" && local) {
        return invalid(
            "the address isn't https; plain http is only for a service on this machine",
        );
    }
    if !known.username().is_empty() || known.password().is_some() {
        return invalid("the address contains a user or a password; give them separately");
    }
    if ncmec::is_test(url) && production {
        return invalid(
            "this is NCMEC's test service, which reports nothing; it can't be production",
        );
    }
    if ncmec::is_production(url) && !production {
        return invalid(
            "this is the production address: it needs production mode, credentials and a named officer",
        );
    }
    Ok(())
}

/// Checks the address of a witness or a time authority. What they answer is signed, and what they are
/// sent isn't secret, so plain http will do.
///
/// # Errors
/// Not an address of http or https, or one with a login, a query or a fragment.
pub fn check_signer(url: &str) -> Result<(), CaseworkError> {
    let known = url::Url::parse(url).ok().filter(url::Url::has_host);
    let fits = known.is_some_and(|known| {
        matches!(known.scheme(), "http" | "https")
            && known.username().is_empty()
            && known.password().is_none()
            && known.query().is_none()
            && known.fragment().is_none()
            && !url.contains(char::is_whitespace)
    });
    match fits {
        true => Ok(()),
        false => Err(CaseworkError::invalid(
            "address",
            "the address isn't one of http or https without login, query and fragment",
        )),
    }
}

/// Checks the address that packages are mailed to.
///
/// # Errors
/// It isn't an e-mail address.
pub fn check_mail(address: &str) -> Result<(), CaseworkError> {
    match crate::mail::is_address(address) {
        true => Ok(()),
        false => Err(CaseworkError::invalid(
            "mail_to",
            "the address isn't an e-mail address",
        )),
    }
}

pub use webhook::{check_secret, check_secret_of};

/// Checks the key that packages are encrypted to.
///
/// # Errors
/// It isn't an age recipient.
pub fn check_recipient(key: &str) -> Result<(), CaseworkError> {
    match is_recipient(key) {
        true => Ok(()),
        false => Err(CaseworkError::invalid(
            "recipient",
            "the key isn't an age recipient (age1…)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A form without a destination could be approved and then never sent.
    #[test]
    fn each_form_has_one_destination() {
        for form in reports::ALL {
            let times = ALL.iter().filter(|d| d.form.name == form.name).count();
            assert_eq!(
                times,
                1,
                "{0}: add `package(&reports::{1}::FORM)`, `document(…)` or its own DESTINATION to ALL, once",
                form.name,
                form.name.replace('-', "_")
            );
        }
        assert_eq!(ALL.len(), reports::ALL.len());
        // The core has the same facts in separate lists: a report that only a test service has
        // hasn't reached an authority.
        for destination in ALL {
            let name = destination.form.name;
            let known = obhut_casework::has_test_service(name);
            assert_eq!(destination.has_test_service, known, "{name}");
            let known = obhut_casework::is_handed_over(name);
            assert_eq!(destination.by_mail, known, "{name}");
        }
    }
}
