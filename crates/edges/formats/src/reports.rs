//! Reports in each destination's own form: one module each, each an entry in [`ALL`].
//!
//! A renderer is pure: the same dossier gives the same bytes. Only the core's `Report::render` gets
//! its document; [`Form::check`] returns only remarks, omitted facts and the number of exhibits.

pub use crate::documents::zip;
pub use crate::form::{
    Attached, Checked, DETERMINATION, Documents, FileDocument, Form, FormStatus, Omitted, Remark,
    Rendered,
};
pub(crate) use crate::form::{attached, stays_here};

pub mod dsa_statement;
pub mod goaml;
pub mod leads;
pub mod ncmec;
pub mod package;
pub mod package_bka;
pub mod package_nca;
pub mod vics;
pub mod vics_1_3;
pub mod webhook;
pub mod xarf;

/// Every form.
pub const ALL: &[&Form] = &[
    &dsa_statement::FORM,
    &goaml::FORM,
    &leads::FORM,
    &ncmec::FORM,
    &package::FORM,
    &package_bka::FORM,
    &package_nca::FORM,
    &vics::FORM,
    &vics_1_3::FORM,
    &webhook::FORM,
    &xarf::FORM,
];

/// The form of the destination with that name; `None` for an unknown name.
pub fn by_name(name: &str) -> Option<&'static Form> {
    ALL.iter().copied().find(|d| d.name == name)
}

#[cfg(test)]
mod tests;
