//! The age of a child, as people write it.

/// The lowest age under 18 that a sentence names, in years.
pub(super) fn age_of(words: &[&str]) -> Option<u8> {
    let ages = (0..words.len()).filter_map(|at| age_at(words, at));
    ages.filter(|years| *years < 18).min()
}

/// Rewrites an age in brackets after a person, as in "Mia (13)", "(then 11)" or "(14, w)", as
/// "aged 13", because words are compared without brackets. `text` must be lower case.
pub(super) fn bracketed(text: &str) -> String {
    const NO_AGE: &[&str] = &[
        "page", "seite", "s", "p", "nr", "no", "note", "chapter", "kapitel", "room", "zimmer", "v",
        "version", "art", "artikel", "section", "abs", "step", "schritt", "files", "file",
        "dateien", "datei", "pictures", "bilder", "fotos", "videos", "hits", "treffer", "uhr",
        "times", "mal", "days", "tage", "eur", "euro", "usd", "dollars", "minutes", "minuten",
        "hours", "stunden", "weeks", "wochen", "mb", "gb", "kb", "percent", "prozent",
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('(') {
        let (before, inner) = (&rest[..open], &rest[open + 1..]);
        out.push_str(before);
        let Some(close) = inner.find(')') else {
            rest = &rest[open..];
            break;
        };
        let words: Vec<&str> = inner[..close]
            .split(|c: char| !(c.is_alphanumeric() || c == '-'))
            .filter(|w| !w.is_empty())
            .collect();
        let numbers: Vec<u8> = words
            .iter()
            .filter_map(|w| {
                let w = w.strip_prefix(['m', 'w', 'f']).unwrap_or(w);
                w.strip_suffix(['m', 'w', 'f']).unwrap_or(w).parse().ok()
            })
            .collect();
        let after_person = before
            .trim_end()
            .ends_with(|c: char| c.is_alphanumeric() || c == '"' || c == '.');
        let fits = after_person && words.len() <= 4 && !words.iter().any(|w| NO_AGE.contains(w));
        match numbers[..] {
            [age] if fits && (2..18).contains(&age) => {
                out.push_str(&format!(" aged {age} {} ", &inner[..close]));
            }
            _ => out.push_str(&rest[open..=open + 1 + close]),
        }
        rest = &inner[close + 1..];
    }
    out.push_str(rest);
    out
}

/// True if a sentence states an age of 18 to 99 years: "I am 34 years old", "aged 40".
pub(super) fn names_an_adult(words: &[&str]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
        let adult = digits.parse::<u8>().is_ok_and(|n| (18..100).contains(&n));
        let rest = word[digits.len()..].trim_start_matches('-');
        let before = at.checked_sub(1).map_or("", |b| words[b]);
        let next = words.get(at + 1).copied().unwrap_or_default();
        let year =
            |w: &str| w.starts_with("year") || w.starts_with("jahre") || w.starts_with("jaehr");
        adult
            && (year(rest)
                || rest.is_empty()
                    && (year(next)
                        || matches!(
                            before,
                            "am" | "im" | "bin" | "aged" | "shes" | "hes" | "age"
                        )))
    })
}

/// The answer to "how old are you": one number from 5 to 17 among at most four words.
pub(super) fn answered_age(words: &[&str]) -> Option<u8> {
    let numbers = words.iter().filter_map(|w| w.parse::<u8>().ok());
    let numbers: Vec<u8> = numbers.filter(|n| (5..18).contains(n)).collect();
    match numbers[..] {
        [age] if words.len() <= 4 => Some(age),
        _ => None,
    }
}

/// Replaces a number word by its digits: `four-year-old` gives `4-year-old`, `nine` gives `9`.
fn spelled(word: &str) -> Option<String> {
    // The teens first, so that `sixteen` isn't `six`. No "one" and "ein": mostly an article or a
    // pronoun.
    const NUMBERS: &[(&str, u8)] = &[
        ("seventeen", 17),
        ("siebzehn", 17),
        ("sixteen", 16),
        ("sechzehn", 16),
        ("fuenfzehn", 15),
        ("fifteen", 15),
        ("fourteen", 14),
        ("vierzehn", 14),
        ("thirteen", 13),
        ("dreizehn", 13),
        ("twelve", 12),
        ("zwoelf", 12),
        ("eleven", 11),
        ("elf", 11),
        ("zehn", 10),
        ("ten", 10),
        ("nine", 9),
        ("neun", 9),
        ("eight", 8),
        ("acht", 8),
        ("seven", 7),
        ("sieben", 7),
        ("six", 6),
        ("sechs", 6),
        ("five", 5),
        ("fuenf", 5),
        ("four", 4),
        ("vier", 4),
        ("three", 3),
        ("drei", 3),
        ("two", 2),
        ("zwei", 2),
    ];
    const GRADES: &[(&str, u8)] = &[
        ("dritten", 3),
        ("vierten", 4),
        ("fuenften", 5),
        ("sechsten", 6),
        ("siebten", 7),
        ("achten", 8),
        ("neunten", 9),
        ("third", 3),
        ("fourth", 4),
        ("fifth", 5),
        ("sixth", 6),
        ("seventh", 7),
        ("eighth", 8),
        ("ninth", 9),
    ];
    if let Some((_, number)) = GRADES.iter().find(|(name, _)| *name == word) {
        return Some(number.to_string());
    }
    let (name, number) = NUMBERS.iter().find(|(name, _)| word.starts_with(name))?;
    let rest = &word[name.len()..];
    // Only a number, or a number and an age: not "tennis", "achtung" or "sixty".
    let aged = [
        "",
        "-year-old",
        "-year",
        "-yr-old",
        "yearold",
        "-jaehrige",
        "-month-old",
    ];
    (aged.contains(&rest) || rest.starts_with("jaehr") || rest.starts_with("-jaehr"))
        .then(|| format!("{number}{rest}"))
}

// Long: the ways in which people write an age, one after the other.
fn age_at(words: &[&str], at: usize) -> Option<u8> {
    const AGED: &[&str] = &[
        "whos",
        "age",
        "aged",
        "alter",
        "about",
        "only",
        "is",
        "shes",
        "hes",
        "im",
        "i",
        "am",
        "bin",
        "ist",
        "erst",
        "gerade",
        "just",
        "turned",
        "almost",
        "fast",
        "ca",
        "circa",
        "for",
        "maybe",
        "perhaps",
        "roughly",
        "nearly",
        "barely",
        "was",
        "war",
        "looked",
        "looks",
        "seems",
        "hoechstens",
        "etwa",
        "vielleicht",
        "wohl",
        "angeblich",
        "sei",
        "said",
        "says",
        "wird",
        "knapp",
        "geschaetzt",
        "then",
        "now",
        "damals",
        "jetzt",
        "mit",
        "called",
    ];
    const VERBS: &[&str] = &[
        "is",
        "ist",
        "has",
        "hat",
        "was",
        "war",
        "will",
        "wants",
        "says",
        "sagt",
        "told",
        "disclosed",
        "schreibt",
        "wird",
        "got",
        "came",
        "kam",
        "went",
        "ging",
        "put",
        "left",
        "erzaehlt",
        "berichtet",
        "reports",
        "lives",
        "wohnt",
        "sits",
        "sitzt",
        "who",
        "die",
        "der",
        "and",
        "und",
        "from",
        "aus",
    ];
    // Before a number these words mean an age, whatever else the sentence says.
    const SURELY_AGED: &[&str] = &[
        "age",
        "aged",
        "stated",
        "turned",
        "turning",
        "bin",
        "looked",
        "looks",
        "geschaetzt",
        "alter",
    ];
    const PRONOUNS: &[&str] = &[
        "she", "he", "shes", "hes", "whos", "theyre", "er", "sie", "who", "die", "der",
    ];
    const RELATIVES: &[&str] = &[
        "male",
        "female",
        "maennlich",
        "weiblich",
        "victim",
        "opfer",
        "geschaedigte",
        "geschaedigter",
        "geschaedigten",
        "maedel",
        "maedchens",
        "lad",
        "lass",
        "bub",
        "bueb",
        "buam",
        "bua",
        "kleine",
        "kleiner",
        "kleinen",
        "juengste",
        "grosse",
        "geschwister",
        "geschwisterpaar",
        "siblings",
        "twins",
        "zwillinge",
        "kinder",
        "kids",
        "children",
        "girls",
        "boys",
        "maedels",
        "jungs",
        "toechter",
        "soehne",
        "daughters",
        "player",
        "spieler",
        "spielerin",
        "pupil",
        "student",
        "kumpel",
        "mate",
        "schwesterchen",
        "stepson",
        "stepdaughter",
        "granddaughter",
        "grandson",
        "enkelin",
        "enkel",
        "patenkind",
        "sis",
        "bro",
        "minor",
        "teen",
        "girl",
        "boy",
        "child",
        "kid",
        "daughter",
        "son",
        "her",
        "him",
        "maedchen",
        "junge",
        "jungen",
        "kind",
        "tochter",
        "sohn",
        "schuelerin",
        "schueler",
        "ihn",
        "ihr",
        "cousin",
        "sister",
        "brother",
        "schwester",
        "bruder",
        "friend",
        "freundin",
        "freund",
        "niece",
        "nephew",
        "nichte",
        "neffe",
    ];
    // "wants to meet her tomorrow, 12"; "f, 12".
    const NEAR: &[&str] = &["tomorrow", "today", "morgen", "heute", "m", "f", "w"];
    const UNITS: &[&str] = &[
        "files",
        "file",
        "dateien",
        "datei",
        "pictures",
        "bilder",
        "pics",
        "fotos",
        "videos",
        "times",
        "mal",
        "euro",
        "euros",
        "eur",
        "usd",
        "dollars",
        "dollar",
        "days",
        "tage",
        "tagen",
        "hours",
        "stunden",
        "minutes",
        "minuten",
        "weeks",
        "wochen",
        "uhr",
        "pm",
        "am",
        "oclock",
        "percent",
        "prozent",
        "hits",
        "treffer",
        "accounts",
        "konten",
        "messages",
        "nachrichten",
        "people",
        "leute",
        "coins",
        "gb",
        "mb",
        "tb",
        "km",
        "uploads",
        "reports",
        "meldungen",
        "leuten",
        "personen",
        "kindern",
        "anderen",
        "freunden",
        "maennern",
        "stock",
        "etage",
        "bezirk",
        "lebensjahr",
    ];
    let spelled = spelled(words[at]);
    let word = spelled.as_deref().unwrap_or(words[at]);
    let next = words.get(at + 1).copied().unwrap_or_default();
    let before = at.checked_sub(1).map_or("", |b| words[b]);
    let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
    let rest = word[digits.len()..].trim_start_matches('-');
    // "m14", "w13": people describe themselves like this; "file m14" names something else.
    if let Some(rest) = word.strip_prefix(['f', 'm', 'w'])
        && let Ok(age) = rest.parse::<u8>()
        && (5..18).contains(&age)
        && !matches!(before, "file" | "datei" | "room" | "zimmer" | "the")
    {
        return Some(age);
    }
    // "pupil (f, Y9)".
    if let Some(year) = word.strip_prefix('y')
        && let Ok(year) = year.parse::<u8>()
        && (1..=12).contains(&year)
        && words[at.saturating_sub(5)..at]
            .iter()
            .any(|w| RELATIVES.contains(w))
    {
        return Some(year + 5);
    }
    let number = digits.parse::<u8>().ok()?;
    let year = |w: &str| {
        w.starts_with("year")
            || w.starts_with("jaehr")
            || matches!(
                w,
                "yo" | "y" | "yrs" | "yr" | "jahre" | "jahren" | "j" | "jahr" | "yr-old" | "yos"
            )
    };
    let month = |w: &str| w.starts_with("month") || w.starts_with("monat");
    // "13f": as in profiles.
    if matches!(rest, "f" | "m" | "w") && (5..18).contains(&number) {
        return Some(number);
    }
    // "year 7", "7th grade", "5 Klasse": pupils are five or six years older than their grade; the
    // lower age counts.
    let grade = matches!(before, "year" | "grade" | "klasse" | "jahrgang")
        || matches!(
            next,
            "klasse" | "klaessler" | "klaesslerin" | "grade" | "grader" | "klaessle"
        )
        || (matches!(rest, "th" | "st" | "nd" | "rd") && next.starts_with("grade"));
    if grade && (1..=10).contains(&number) {
        return Some(number + 5);
    }
    if year(rest) || (rest.is_empty() && year(next)) {
        return Some(number);
    }
    if month(rest) || (rest.is_empty() && month(next)) {
        return Some(number / 12);
    }
    if (4..18).contains(&number) && rest.is_empty() && !UNITS.contains(&next) {
        let earlier = at.checked_sub(2).map_or("", |b| words[b]);
        // "i was 9", "i am 13", "als ich 12 war"; "im 12" only where a sentence or clause begins,
        // because the German "im" means "in the".
        let own = before == "ich" && next == "war"
            || matches!(
                (earlier, before),
                ("i", "was" | "am" | "turned") | ("ich", "war")
            )
            || before == "im"
                && matches!(
                    earlier,
                    "" | "hi" | "hey" | "hello" | "and" | "bc" | "because" | "cuz" | "btw" | "but"
                );
        // "mit 13 hat mich …", "when i was 13".
        let back_then = before == "mit"
            && (at == 1
                || words.iter().any(|w| {
                    matches!(
                        *w,
                        "ich" | "mich" | "mir" | "bin" | "meinem" | "meiner" | "meinen"
                    )
                }));
        let near = |most: usize, set: &[&str]| {
            words[at.saturating_sub(most)..at]
                .iter()
                .any(|w| set.contains(w))
        };
        let guessed = matches!(next, "geworden" | "jahr" | "oder" | "or")
            && [RELATIVES, PRONOUNS, SURELY_AGED]
                .iter()
                .any(|set| near(6, set));
        // "our daughter Mia, 14, is …", "a boy of 10".
        let named = VERBS.contains(&next) && near(4, RELATIVES)
            || before == "of" && RELATIVES.contains(&earlier);
        if own || back_then || guessed || named || SURELY_AGED.contains(&before) {
            return Some(number);
        }
    }
    let clock = matches!(
        before,
        "at" | "um"
            | "gegen"
            | "around"
            | "until"
            | "bis"
            | "ab"
            | "from"
            | "room"
            | "zimmer"
            | "page"
            | "seite"
            | "year"
            | "section"
    );
    if clock || !rest.is_empty() || UNITS.contains(&next) || !(4..18).contains(&number) {
        return None;
    }
    let person = words[at.saturating_sub(4)..at].iter().any(|w| {
        [PRONOUNS, RELATIVES, NEAR]
            .iter()
            .any(|set| set.contains(w))
            || w.ends_with("kind")
            || w.ends_with("maedchen")
            || w.ends_with("tochter")
            || w.ends_with("sohn")
    });
    let siblings = matches!(next, "and" | "und")
        && words
            .get(at + 2)
            .is_some_and(|w| w.parse::<u8>().is_ok() || self::spelled(w).is_some());
    let aged = AGED.contains(&before) || (siblings && person);
    // "wants to meet her tomorrow, 12"; not "tomorrow at 12".
    let last = next.is_empty();
    ((aged && (last || person))
        || (person && last)
        || (person && matches!(before, "is" | "ist"))
        || words[..at]
            .last()
            .is_some_and(|w| w.ends_with("kind") || RELATIVES.contains(w)))
    .then_some(number)
}
