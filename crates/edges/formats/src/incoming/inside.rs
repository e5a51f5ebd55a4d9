//! What reports come in: archives, encodings, PDFs, JSON of many makers.

pub(super) mod archive;
pub(super) mod encoding;
pub(super) mod json;
pub(super) mod pdf;
