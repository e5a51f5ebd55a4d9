//! The languages of notices, reports and pages.

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
    /// The value for this language.
    pub fn pick<T>(self, english: T, german: T) -> T {
        match self {
            Self::English => english,
            Self::German => german,
        }
    }

    /// German if `wanted`, otherwise English.
    pub fn german_if(wanted: bool) -> Self {
        match wanted {
            true => Self::German,
            false => Self::English,
        }
    }
}
