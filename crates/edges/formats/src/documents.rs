//! Parts that several forms are made of: a case as JSON, a PDF, a package, VICS.

pub(crate) mod dossier_json;
pub(crate) mod packages;
pub(crate) mod pdf;
pub(crate) mod vics_cases;

pub use packages::zip;
