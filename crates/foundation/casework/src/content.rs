//! What the bytes of a file say about it: its media type, its EXIF fields.

/// Longest stored value of an EXIF field, in characters; the rest is cut off. Our judgement.
const EXIF_CHARS_MAX: usize = 1_000;
/// Most EXIF fields stored for one file. Our judgement.
const EXIF_FIELDS_MAX: usize = 200;

/// The media type that the content shows, or else the given one. Text (valid UTF-8 without a zero
/// byte) keeps a given type only if [`is_textual`] accepts it, and is `text/plain` otherwise.
pub(crate) fn media_type(bytes: &[u8], given: Option<&str>) -> Option<String> {
    if let Some(kind) = infer::get(bytes) {
        return Some(kind.mime_type().to_owned());
    }
    // Text has no magic number. A bitmap is never valid text, so for text a given type that isn't
    // textual is ignored.
    let text = !bytes.is_empty() && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok();
    match given {
        Some(given) if !text || is_textual(given) => Some(given.to_owned()),
        _ => text.then(|| "text/plain".to_owned()),
    }
}

/// True for media types whose content is text by nature.
fn is_textual(media_type: &str) -> bool {
    const OTHERS: &[&str] = &["application/json", "application/xml", "image/svg+xml"];
    media_type.starts_with("text/") || OTHERS.contains(&media_type)
}

/// The EXIF fields of a picture, as far as they can be read. A program reads them here, so this
/// doesn't count as a view.
pub(crate) fn exif(bytes: &[u8]) -> Vec<(String, String)> {
    let Ok(read) = exif::Reader::new().read_from_container(&mut std::io::Cursor::new(bytes)) else {
        return Vec::new();
    };
    // Thumbnails are another picture; the maker's notes are binary.
    let kept = |f: &&exif::Field| f.ifd_num == exif::In::PRIMARY && f.tag != exif::Tag::MakerNote;
    read.fields()
        .filter(kept)
        .take(EXIF_FIELDS_MAX)
        .map(|f| {
            let value = f.display_value().to_string();
            let value = value.trim_matches('"').chars().take(EXIF_CHARS_MAX);
            (f.tag.to_string(), value.collect())
        })
        .collect()
}
