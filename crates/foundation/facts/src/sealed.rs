//! A value that never prints itself.

use std::fmt;

/// Wraps text from evidence so that no log line and no error shows it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sealed<T>(T);

impl<T> Sealed<T> {
    /// Seals a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, taken out on purpose.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

impl<T> fmt::Display for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sealed›")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn prints_nothing() {
        let s = super::Sealed::new("a name");
        assert_eq!(format!("{s} {s:?}"), "‹sealed› ‹sealed›");
        assert_eq!(*s.expose(), "a name");
    }
}
