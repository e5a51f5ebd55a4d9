//! The destinations there are, each an entry in [`ALL`]: a form, and how a report in it gets there.

use futures::future::BoxFuture;
use obhut_formats::reports::{self, Form};

use crate::errand::{Errand, SendFault, Sent};
use crate::hand_over;

pub mod ncmec;
mod webhook;

/// An authority or hotline that takes reports.
pub struct Destination {
    /// Its name, and what a report to it looks like.
    pub form: &'static Form,
    /// Takes a rendered report there, step by step, each on record before the next.
    pub send: for<'a> fn(Errand<'a>) -> BoxFuture<'a, Result<Sent, SendFault>>,
    /// Takes back what was sent, until the receiver has acknowledged it.
    pub retract: for<'a> fn(Errand<'a>) -> BoxFuture<'a, Result<Sent, SendFault>>,
}

/// Laid ready as a package with its files.
const fn package(form: &'static Form) -> Destination {
    Destination {
        form,
        send: |errand| Box::pin(hand_over::send(errand)),
        retract: |errand| Box::pin(hand_over::retract(errand)),
    }
}

/// Laid ready as one document.
const fn document(form: &'static Form) -> Destination {
    Destination {
        form,
        send: |errand| Box::pin(hand_over::send_document(errand, "json")),
        retract: |errand| Box::pin(hand_over::retract(errand)),
    }
}

/// Every destination.
pub const ALL: &[Destination] = &[
    package(&reports::goaml::FORM),
    package(&reports::leads::FORM),
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
    ALL.iter().find(|d| d.form.name == name)
}
