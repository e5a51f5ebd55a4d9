//! Texts in the plain form in which they are read.

/// Lower case, umlauts written out, without apostrophes: as people type in a hurry.
pub(crate) fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => out += "ae",
            'ö' => out += "oe",
            'ü' => out += "ue",
            'ß' => out += "ss",
            '\'' | '’' | '`' => {}
            c => out.push(c),
        }
    }
    out
}
