//! The languages that people are spoken to in.

use crate::words;

words! {
    /// A language.
    Language {
        /// German.
        German = "de",
        /// English.
        English = "en",
    }
}

impl Language {
    /// One of two texts.
    pub fn pick<T>(self, english: T, german: T) -> T {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }

    /// German where asked for, else English.
    pub fn german(wanted: bool) -> Self {
        match wanted {
            true => Self::German,
            false => Self::English,
        }
    }
}
