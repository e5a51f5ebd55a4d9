//! Sentences with numbers in them, in German and English.

/// A text in both languages; the caller picks one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Texts<T = &'static str> {
    /// English.
    pub en: T,
    /// German.
    pub de: T,
}

impl Texts {
    /// With its numbers filled in: `{0}` whole, `{0.1}` with one decimal place, `{0%}` a share as a
    /// percentage, `{0$}` US cents as dollars. German has a comma where English has a point.
    pub fn with(&self, values: &[f64]) -> Texts<String> {
        Texts {
            en: filled(self.en, values, '.'),
            de: filled(self.de, values, ','),
        }
    }
}

fn filled(text: &str, values: &[f64], point: char) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (slot, after) = after.split_once('}').unwrap_or((after, ""));
        let digits = slot.trim_end_matches(['%', '$']);
        let (at, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let value = at
            .parse::<usize>()
            .ok()
            .and_then(|at| values.get(at))
            .copied();
        // A wrong slot shows up in the text instead of panicking; tests/promises.rs looks for NaN.
        let value = value.unwrap_or(f64::NAN);
        let places: usize = fraction.parse().unwrap_or(0);
        let text = if slot.ends_with('%') {
            format!("{:.0} %", value * 100.0)
        } else if slot.ends_with('$') {
            format!("USD {:.2}", value / 100.0)
        } else {
            format!("{value:.places$}")
        };
        // Only in the number: the sentence keeps its full stops.
        out.push_str(&text.replace('.', &point.to_string()));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled() {
        let t = Texts {
            en: "{0} of {1}, {2%}, every {3.1} days, {4$}",
            de: "alle {3.1} Tage",
        };
        // 2.25 is exact in binary, so the tie goes to the even digit.
        let values = [3.0, 4.0, 0.755, 2.25, 1234.0];
        let text = t.with(&values);
        assert_eq!(text.en, "3 of 4, 76 %, every 2.2 days, USD 12.34");
        assert_eq!(text.de, "alle 2,2 Tage");
    }
}
