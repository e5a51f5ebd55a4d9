//! Containers of incoming reports: archives, text encodings, PDFs, and helpers for JSON.

pub(super) mod archive;
pub(super) mod encoding;
pub(super) mod json;
pub(super) mod pdf;
