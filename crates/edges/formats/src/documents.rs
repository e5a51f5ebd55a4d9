//! Building blocks shared by several forms: case JSON, PDF, package, VICS, German field names.

pub(crate) mod dossier_json;
mod german;
pub(crate) mod packages;
pub(crate) mod pdf;
pub(crate) mod vics_cases;

pub use packages::zip;
