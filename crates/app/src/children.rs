//! Remarks on fields of a report that may be about a child.

use obhut_casework::{self as casework, Account, Dossier, Facts, Signals};
use obhut_formats::reports::Remark;

/// Source of the remarks on fields that may be about a child.
pub const ABOUT_CHILDREN: &str = "obhut, docs/handling.md";

/// Recipients without an age on record whose own profile states an age under 18.
pub(crate) fn may_be_a_child(shown: &Dossier) -> Vec<Remark> {
    let recipients = shown.facts.expose().recipients.iter().enumerate();
    let young = |a: &Account| {
        let aged = a
            .person
            .as_ref()
            .is_some_and(|p| p.age.is_some() || p.born.is_some());
        let bio = a.bio.as_deref().filter(|_| !aged);
        bio.is_some_and(|b| Signals::of_text(b).youngest.is_some_and(|age| age < 18))
    };
    recipients
        .filter(|(_, a)| young(a))
        .map(|(n, _)| Remark {
            field: format!("facts.recipients[{n}]"),
            what:
                "may be a child, by what its profile says; record it in facts.victims if it is one"
                    .into(),
            source: ABOUT_CHILDREN,
            stops: false,
        })
        .collect()
}

/// The stops for suspects whose account is also recorded as a child's, and remarks about those that
/// share an id in another spelling, a name, an e-mail address or a number with a child. The latter don't stop the report,
/// because a child's relative may have the same ones.
pub(crate) fn reports_a_child(facts: &Facts) -> Vec<Remark> {
    let about = |field: String, suspect: &Account| {
        let children = || facts.victims.iter();
        let (what, stops) = if children().any(|c| same_id(suspect, c)) {
            (
                "the account reported is also recorded as a child's; remove it from one of the two",
                true,
            )
        } else if children().any(|c| shares_a_name(suspect, c)) {
            (
                "has an id, name, e-mail address or number in common with a child of the case; make sure that this isn't the child",
                false,
            )
        } else {
            return None;
        };
        Some(Remark {
            field,
            what: what.into(),
            source: ABOUT_CHILDREN,
            stops,
        })
    };
    let first = facts.reported.iter().map(|a| ("facts.reported".into(), a));
    let others = facts.also_reported.iter().enumerate();
    let others = others.map(|(n, a)| (format!("facts.also_reported[{n}]"), a));
    first
        .chain(others)
        .filter_map(|(field, suspect)| about(field, suspect))
        .collect()
}

/// True if both may be the same account by its id.
fn same_id(a: &Account, b: &Account) -> bool {
    let service = match (&a.service, &b.service) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        // If one of them names no service, they count as the same service: reporting a child as
        // the suspect is the worse error.
        _ => true,
    };
    let plain = |a: &Account| {
        let id = a.id.as_deref().map(casework::plain);
        id.map(|id| id.trim_start_matches('@').to_owned())
    };
    service && a.id.is_some() && plain(a) == plain(b)
}

/// True if two accounts have a screen name, an e-mail address or a number in common.
fn shares_a_name(a: &Account, b: &Account) -> bool {
    let names = |account: &Account| -> Vec<String> {
        let person = || account.person.iter();
        let emails = person().flat_map(|p| &p.emails).map(|e| &e.address);
        let names = account.screen_name.iter().chain(emails);
        // An id of the same letters may be the same account, spelt otherwise.
        let ids = account.id.iter().map(|n| letters(n));
        let ids = ids.filter(|n| n.chars().count() >= SPELT_OTHERWISE_MIN);
        let names = names.map(|n| casework::plain(n)).chain(ids);
        let numbers = person().flat_map(|p| &p.phones);
        let numbers = numbers.map(|n| casework::last_digits(&n.number));
        names.chain(numbers).filter(|n| !n.is_empty()).collect()
    };
    let of_b = names(b);
    names(a).iter().any(|n| of_b.contains(n))
}

/// Remarks on short fields that hold a sentence. People write about children anywhere.
pub(crate) fn sentences(shown: &Facts) -> Vec<Remark> {
    let remark = |field| Remark {
        field,
        what: "holds a sentence; read it before you approve, because it may be about a child"
            .into(),
        source: ABOUT_CHILDREN,
        stops: false,
    };
    obhut_casework::sentences(shown)
        .into_iter()
        .map(remark)
        .collect()
}

/// A remark on each field that names a child although the children's data are omitted. It stops the
/// report if its destination never gets children's data; elsewhere a suspect may have the same name
/// as a child.
pub(crate) fn about_children(destination: &str, whole: &Dossier, shown: &Dossier) -> Vec<Remark> {
    let remark = |field| {
        Remark {
        field,
        what: "names a child, or its account, e-mail address, number, birth date, street or school, although the children's data are omitted; remove it there, or include the children's data where the destination may have them".into(),
        source: ABOUT_CHILDREN,
        stops: !casework::may_include_children(destination),
    }
    };
    let fields = fields_naming_a_child(whole, shown);
    fields.into_iter().map(remark).collect()
}

/// The fields of the facts in which a child is named although the children's data are omitted.
fn fields_naming_a_child(whole: &Dossier, shown: &Dossier) -> Vec<String> {
    if shown.victims_left_out == 0 && shown.child_fields_left_out.is_empty() {
        return Vec::new();
    }
    // Every account that was left out, recorded as a victim or not.
    let still: Vec<&Account> = accounts(shown.facts.expose());
    let gone = accounts(whole.facts.expose());
    let gone = gone
        .into_iter()
        .filter(|a| !still.iter().any(|s| same_account(a, s)));
    let children: Vec<Name> = gone.flat_map(Name::of).collect();
    let facts = serde_json::to_value(shown.facts.expose()).expect("facts are JSON");
    let fields = facts.as_object().into_iter().flatten();
    let fields = fields
        .filter(|(_, value)| names_one(value, &children))
        .map(|(field, _)| format!("facts.{field}"));
    let files = shown.files.iter().filter(|f| {
        let name = f.name.as_ref().map(|n| Text::new(n.expose()));
        name.is_some_and(|text| children.iter().any(|n| n.is_in(&text)))
    });
    fields
        .chain(files.map(|f| format!("files.{}.name", f.key)))
        .collect()
}

/// Every account that may be omitted as a child's, and the accounts linked to it.
fn accounts(facts: &Facts) -> Vec<&Account> {
    fn with_linked<'a>(account: &'a Account, all: &mut Vec<&'a Account>) {
        all.push(account);
        account.associated.iter().for_each(|a| with_linked(a, all));
    }
    let mut all = Vec::new();
    let linked = facts.reported.iter().chain(&facts.also_reported);
    let linked = linked.flat_map(|a| &a.associated);
    for account in facts.victims.iter().chain(&facts.recipients).chain(linked) {
        with_linked(account, &mut all);
    }
    all
}

/// True if both are the same account. Linked accounts are not compared, because some of them may
/// have been omitted.
fn same_account(a: &Account, b: &Account) -> bool {
    let bare = |account: &Account| Account {
        associated: Vec::new(),
        ..account.clone()
    };
    bare(a) == bare(b)
}

/// Shortest account name that is also found in another spelling, in letters and digits. Shorter
/// ones, such as `leo1`, would be found in other people's names. Our judgement.
const SPELT_OTHERWISE_MIN: usize = 5;

/// What people write where a child's name isn't known.
const NOT_NAMES: &[&str] = &[
    "child",
    "girl",
    "boy",
    "kind",
    "madchen",
    "junge",
    "unknown",
    "unbekannt",
    "victim",
    "opfer",
];

/// Shortest telephone number that is found in other spellings, in digits. Our judgement.
const DIGITS_MIN: usize = 6;

/// Something by which a child is known, in the form of [`casework::plain`] or
/// [`casework::spelt`].
enum Name {
    /// An account, address or number. It is also found inside a longer word: a false alarm costs a
    /// look, or for leads a report that stops, but a miss would name a child.
    Anywhere(String),
    /// The letters and digits of an account's name: "horse_fan" is also "HorseFan".
    Letters(String),
    /// A person's name or a school. It is found as whole, consecutive words, perhaps in the genitive,
    /// or if a text is nothing but the name, written in one.
    Words(Vec<String>),
    /// An IP address or a device. It is found only within a longer text: that the suspect has the
    /// same one is something else.
    InText(String),
    /// A street and house number. It is found only within a longer text: a field that is only the
    /// address identifies no child, because the suspect may live there, too.
    Street(Vec<String>),
    /// The last digits of a telephone number.
    Digits(String),
    /// A birth date, YYYY-MM-DD.
    Day(String),
}

impl Name {
    /// Everything by which a child is known.
    fn of(child: &Account) -> Vec<Self> {
        let mut names = Vec::new();
        let called = [&child.id, &child.screen_name].into_iter().flatten();
        for name in called.chain(&child.display_names) {
            let letters = letters(name);
            // A short one is in many words: `anna` in "Annahme", `20` in every date.
            if letters.chars().count() < SPELT_OTHERWISE_MIN && !is_unspaced(name) {
                names.push(match letters.chars().any(char::is_alphabetic) {
                    true => Self::Words(words(name)),
                    false => Self::Letters(letters),
                });
                continue;
            }
            names.push(Self::Anywhere(casework::plain(name)));
            names.push(Self::Letters(letters));
        }
        let addresses = child.ip_events.iter().map(|e| &e.address);
        let devices = child.devices.iter().map(|d| &d.value);
        names.extend(
            addresses
                .chain(devices)
                .map(|n| Self::InText(casework::plain(n))),
        );
        names.extend(
            child
                .school
                .iter()
                .map(|s| words(s))
                .filter(|w| w.len() > 1)
                .map(Self::Words),
        );
        if let Some(person) = &child.person {
            let mails = person.emails.iter();
            names.extend(mails.map(|e| Self::Anywhere(casework::plain(&e.address))));
            for phone in &person.phones {
                let digits = casework::last_digits(&phone.number);
                names.push(if digits.len() < DIGITS_MIN {
                    Self::Anywhere(casework::plain(&phone.number))
                } else {
                    Self::Digits(digits)
                });
            }
            let called = [&person.first_name, &person.last_name];
            let called = called.into_iter().flatten();
            let whole: Vec<String> = called.clone().flat_map(|n| words(n)).collect();
            if whole.len() > 1 {
                names.push(Self::Letters(whole.concat()));
                names.push(Self::Words(whole));
            }
            // Latin names of one or two letters would be found in far too many texts, and so would
            // what isn't a name.
            let called = called.filter(|n| n.chars().count() > 2 || is_unspaced(n));
            let called = called.filter(|n| !NOT_NAMES.contains(&casework::plain(n).as_str()));
            names.extend(called.flat_map(|n| Self::in_words(n)));
            if let Some(born) = &person.born {
                names.push(Self::Anywhere(casework::plain(born)));
                names.push(Self::Day(born.clone()));
            }
            let streets = person.addresses.iter().filter_map(|a| a.street.as_ref());
            let streets = streets.map(|s| street(words(s)));
            names.extend(streets.filter(|w| w.len() > 1).map(Self::Street));
        }
        names.retain(|n| !n.is_empty());
        names
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Anywhere(text)
            | Self::Letters(text)
            | Self::Digits(text)
            | Self::Day(text)
            | Self::InText(text) => text.is_empty(),
            Self::Words(words) | Self::Street(words) => words.is_empty(),
        }
    }

    /// A name as a whole, and each part of it that people use alone: "Anna" of "Anna Lena" or
    /// "Anna-Lena", but not "von" of "von der Heide".
    fn in_words(name: &str) -> Vec<Self> {
        if is_unspaced(name) {
            return vec![Self::Anywhere(casework::plain(name))];
        }
        let used = |part: &&str| {
            part.chars().count() > 2 && part.chars().next().is_some_and(char::is_uppercase)
        };
        let parts = name.split([' ', '-']).filter(used);
        let alone = parts.map(|part| Self::Words(vec![casework::spelt(part)]));
        std::iter::once(Self::Words(words(name)))
            .chain(alone)
            .collect()
    }

    fn is_in(&self, text: &Text) -> bool {
        match self {
            Self::Anywhere(name) => text.whole.contains(name.as_str()),
            Self::InText(name) => {
                text.whole.len() > name.len() && text.whole.contains(name.as_str())
            }
            Self::Letters(name) => text.letters.contains(name),
            Self::Words(name) => {
                let called = |w: &[String]| w.iter().zip(name).all(|(w, n)| is_or_of(w, n));
                text.words.windows(name.len()).any(called) || text.whole == name.concat()
            }
            Self::Street(name) => {
                let words = street(text.words.clone());
                words.len() > name.len() && words.windows(name.len()).any(|w| w == name)
            }
            Self::Digits(number) => text.digits.iter().any(|d| d.contains(number.as_str())),
            Self::Day(day) => text.days.contains(day),
        }
    }
}

/// True if a word is the name, or the name with the s of a genitive ("Linas Mutter") or with digits
/// after it ("lina07").
fn is_or_of(word: &str, name: &str) -> bool {
    let without_digits = word.trim_end_matches(|c: char| c.is_ascii_digit());
    word == name || word.strip_suffix('s') == Some(name) || without_digits == name
}

/// A text in the forms in which names are looked for.
struct Text {
    whole: String,
    words: Vec<String>,
    /// The letters and digits of each word and of each two neighbours. Names are spelt like those of
    /// people, too.
    letters: Vec<String>,
    /// The digits of each part that can be a telephone number.
    digits: Vec<String>,
    days: Vec<String>,
}

impl Text {
    fn new(text: &str) -> Self {
        let tokens: Vec<String> = text.split_whitespace().map(letters).collect();
        let pairs = tokens.windows(2).map(|w| w.concat());
        let in_number = |c: char| c.is_ascii_digit() || " \u{a0}+-/().".contains(c);
        let without_zero = text.replace("(0)", "");
        let numbers = without_zero.split(|c| !in_number(c));
        let numbers = numbers.map(|n| n.chars().filter(char::is_ascii_digit).collect());
        Self {
            whole: casework::plain(text),
            words: words(text),
            letters: pairs
                .chain(tokens.iter().cloned())
                .flat_map(|l| [casework::spelt(&l), l])
                .collect(),
            digits: numbers.filter(|n: &String| n.len() >= DIGITS_MIN).collect(),
            days: casework::dates_in(text),
        }
    }
}

/// The letters and digits of a name, in the form of [`casework::plain`].
fn letters(name: &str) -> String {
    let plain = casework::plain(name);
    plain.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The words of an address with the German word for street in its short form.
fn street(mut words: Vec<String>) -> Vec<String> {
    for word in &mut words {
        if let Some(start) = word.strip_suffix("strasse") {
            *word = format!("{start}str");
        }
    }
    words
}

/// True for a name with two or more characters of a script in which it isn't a separate word: Chinese,
/// Japanese, Thai (no spaces), Korean (particles are attached).
fn is_unspaced(name: &str) -> bool {
    let unspaced = |c: char| matches!(c, '\u{e00}'..='\u{e7f}' | '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
    name.chars().filter(|c| unspaced(*c)).count() >= 2
}

/// The words of a text, in the form in which names are compared.
fn words(text: &str) -> Vec<String> {
    // A combining mark belongs to the letter before it, and an invisible character to the word.
    let seen: String = text
        .chars()
        .filter(|c| c.is_whitespace() || !casework::is_invisible(*c))
        .collect();
    let split = seen.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\u{300}'..='\u{36f}'));
    let spelt = split.map(casework::spelt);
    spelt.filter(|w| !w.is_empty()).collect()
}

/// True if any text in `value` contains one of `names`.
fn names_one(value: &serde_json::Value, names: &[Name]) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => {
            let text = Text::new(text);
            names.iter().any(|n| n.is_in(&text))
        }
        Value::Array(all) => all.iter().any(|v| names_one(v, names)),
        Value::Object(all) => all.values().any(|v| names_one(v, names)),
        _ => false,
    }
}
