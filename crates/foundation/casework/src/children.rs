//! Leaves children's data out of a case's facts, in every list of accounts and financial parties.
//!
//! What is left out depends on the person, not on the field: a child who is recorded as a victim
//! may also be a party of a payment, and a recipient of a message may be a child. Messages,
//! payments and notes stay as they are, with the account ids in them.

use std::collections::BTreeSet;

use jiff::civil::Date;
use obhut_facts::{Account, Facts, FinancialParty, Person};
use unicode_normalization::UnicodeNormalization as _;

/// Age from which a person is an adult, in years (Convention on the Rights of the Child, art. 1).
const ADULT_YEARS: i64 = 18;

/// Removes the victims, the recipients and linked accounts that are children, and what a bank knows
/// of a party that is a child. Returns the number of victims, and the other fields that lost data.
/// `now` is in microseconds since 1970.
pub(crate) fn leave_out(facts: &mut Facts, now: i64) -> (usize, Vec<String>) {
    let today = jiff::Timestamp::from_microsecond(now)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let victims = std::mem::take(&mut facts.victims);
    let count = victims.len();
    let mut leaving = Leaving {
        today,
        known: Known::of(&victims),
        children: victims,
        fields: Vec::new(),
    };
    // Again as long as it finds any: a child that was found by its age may have another account,
    // which only the e-mail address gives away.
    loop {
        let before = leaving.children.len();
        leaving.from(&mut facts.recipients, "facts.recipients");
        if let Some(reported) = &mut facts.reported {
            leaving.from(&mut reported.associated, "facts.reported.associated");
        }
        for (n, account) in facts.also_reported.iter_mut().enumerate() {
            let at = format!("facts.also_reported[{n}].associated");
            leaving.from(&mut account.associated, &at);
        }
        if leaving.children.len() == before {
            break;
        }
        leaving.known = Known::of(&leaving.children);
    }
    // Computed again, because recipients and linked accounts have turned out to be children.
    let known = Known::of(&leaving.children);
    let mut fields = leaving.fields;
    let reported = facts.reported.as_ref().and_then(|a| a.id.clone());
    let parties = facts.financial.iter_mut().flat_map(|f| &mut f.parties);
    for (n, party) in parties.enumerate() {
        // The reported person stays, even a minor.
        let child = known.is_party(party) || born_minor(party, today);
        if Some(&party.id) == reported.as_ref() || !child {
            continue;
        }
        // What the payments say about the party stays: who paid whom is what is reported.
        *party = FinancialParty {
            id: std::mem::take(&mut party.id),
            client: party.client,
            country: party.country.take(),
            ..FinancialParty::default()
        };
        fields.push(format!("facts.financial.parties[{n}]"));
    }
    (count, fields)
}

/// The children found so far, and the fields they were taken from.
struct Leaving {
    today: Date,
    known: Known,
    children: Vec<Account>,
    fields: Vec<String>,
}

impl Leaving {
    /// Takes the children out of these accounts and of those linked to them.
    fn from(&mut self, accounts: &mut Vec<Account>, at: &str) {
        let mut n = 0;
        accounts.retain_mut(|account| {
            let here = format!("{at}[{n}]");
            n += 1;
            if self.is_child(account) {
                self.fields.push(here);
                self.children.push(account.clone());
                return false;
            }
            self.from(&mut account.associated, &format!("{here}.associated"));
            true
        });
    }

    fn is_child(&self, account: &Account) -> bool {
        let person = account.person.as_ref();
        match person.and_then(|p| is_minor(p, self.today)) {
            Some(true) => true,
            // An account with a victim's id is that victim's, whatever age is given for it.
            Some(false) => self.known.has_id(account),
            // A school is recorded only for children.
            None => account.school.is_some() || self.known.has(account),
        }
    }
}

/// Whether a person is under age; none if neither age nor birth date is known.
fn is_minor(person: &Person, today: Date) -> Option<bool> {
    let by_age = person.age.map(|age| (0..ADULT_YEARS).contains(&age));
    let by_birth = person.born.as_deref().and_then(|b| is_after(b, today));
    match (by_age, by_birth) {
        (None, None) => None,
        (a, b) => Some(a == Some(true) || b == Some(true)),
    }
}

fn born_minor(party: &FinancialParty, today: Date) -> bool {
    let born = party.born.as_deref();
    born.and_then(|b| is_after(b, today)) == Some(true)
}

/// Whether a person born on that day is under age today; `None` if `born` isn't a date.
fn is_after(born: &str, today: Date) -> Option<bool> {
    let years = jiff::Span::new().years(ADULT_YEARS);
    let of_age = born.parse::<Date>().ok()?.checked_add(years).ok()?;
    Some(of_age > today)
}

/// Ids and names by which children are recognised, in [`plain`] form.
struct Known {
    ids: BTreeSet<String>,
    /// Screen and display names, e-mail addresses and telephone numbers (only their last digits).
    names: BTreeSet<String>,
    /// The words of first and last name, and the birth date; empty where unknown.
    people: Vec<(BTreeSet<String>, String)>,
}

impl Known {
    fn of(children: &[Account]) -> Self {
        let mut known = Self {
            ids: BTreeSet::new(),
            names: BTreeSet::new(),
            people: Vec::new(),
        };
        for child in children {
            known.ids.extend(child.id.iter().map(|n| plain(n)));
            known.names.extend(names(child));
            known
                .names
                .extend(child.display_names.iter().map(|n| plain(n)));
            if let Some(person) = &child.person {
                let Person {
                    first_name,
                    last_name,
                    born,
                    ..
                } = person;
                known.people.push(person_key(first_name, last_name, born));
            }
        }
        known.ids.remove("");
        known.names.remove("");
        known
    }

    fn has_id(&self, account: &Account) -> bool {
        account
            .id
            .as_ref()
            .is_some_and(|id| self.ids.contains(&plain(id)))
    }

    fn has(&self, account: &Account) -> bool {
        let person = account.person.as_ref();
        // What is an id in one place may be a name in another.
        let called = [&account.id, &account.screen_name].into_iter().flatten();
        let mut called = called.chain(&account.display_names).map(|n| plain(n));
        let mut displayed = account.display_names.iter().map(|n| n.replace(',', " "));
        called.any(|n| self.ids.contains(&n) || self.names.contains(&n))
            || displayed.any(|name| self.is_person(&Some(name), &None, &None))
            || names(account).any(|n| self.names.contains(&n))
            || person.is_some_and(|p| self.is_person(&p.first_name, &p.last_name, &p.born))
    }

    fn is_party(&self, party: &FinancialParty) -> bool {
        let id = plain(&party.id);
        let mut phones = party.phones.iter().map(|p| last_digits(&p.number));
        self.ids.contains(&id)
            || self.names.contains(&id)
            || phones.any(|n| self.names.contains(&n))
            || self.is_person(&party.first_name, &party.last_name, &party.born)
    }

    fn is_person(
        &self,
        first: &Option<String>,
        last: &Option<String>,
        born: &Option<String>,
    ) -> bool {
        let (own, own_born) = person_key(first, last, born);
        self.people.iter().any(|(child, child_born)| {
            // The words may be in any order, and one side may lack some of them, such as a second
            // first name. A single word isn't a name.
            let fewer = own.len().min(child.len());
            let name = fewer > 1 && own.intersection(child).count() == fewer;
            // If a birth date is missing, a namesake counts too: naming a child is the worse error.
            name && (own_born == *child_born || own_born.is_empty() || child_born.is_empty())
        })
    }
}

/// What an account is called besides its id, in [`plain`] form.
fn names(account: &Account) -> impl Iterator<Item = String> {
    let person = account.person.iter();
    let mails = person
        .clone()
        .flat_map(|p| &p.emails)
        .map(|e| plain(&e.address));
    let phones = person
        .flat_map(|p| &p.phones)
        .map(|p| last_digits(&p.number));
    let screen = account.screen_name.iter().map(|n| plain(n));
    screen.chain(mails).chain(phones)
}

/// The last eight digits of a telephone number, without `(0)`: country code and zeros before it are
/// written in many ways. Our judgement: numbers that share eight digits are one.
pub fn last_digits(number: &str) -> String {
    let all: Vec<char> = number
        .replace("(0)", "")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    all[all.len().saturating_sub(8)..].iter().collect()
}

fn person_key(
    first: &Option<String>,
    last: &Option<String>,
    born: &Option<String>,
) -> (BTreeSet<String>, String) {
    let names = first.iter().chain(last);
    let words = names.flat_map(|n| n.split([' ', '-'])).map(spelt);
    let words = words.filter(|w| !w.is_empty()).collect();
    (words, plain(born.as_deref().unwrap_or_default()))
}

/// A name in the form of [`plain`], in which moreover ü, ue and u are the same.
pub fn spelt(name: &str) -> String {
    let name = plain(&name.to_lowercase().replace('ø', "o").replace('æ', "ae"));
    name.replace("ae", "a")
        .replace("oe", "o")
        .replace("ue", "u")
}

/// A text in the form in which it is compared, so that spellings that look the same are equal: in
/// compatibility decomposition (NFKD) and lower case, without combining marks, white space and
/// invisible characters, with one kind of hyphen, and with `ss` for `ß`. Other signs stay: `lena_1`
/// and `lena1` are two accounts.
pub fn plain(text: &str) -> String {
    let seen = text.nfkd().filter(|c| {
        let nothing = c.is_whitespace() || is_invisible(*c);
        !nothing && !unicode_normalization::char::is_combining_mark(*c)
    });
    let one_hyphen = seen.map(|c| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    });
    one_hyphen
        .collect::<String>()
        .to_lowercase()
        .replace('ß', "ss")
}

/// True for a text that shows nothing: empty, or of white space and invisible characters alone.
pub(crate) fn is_blank(text: &str) -> bool {
    plain(text).is_empty()
}

/// True for characters without a shape of their own: control characters, and those of the general
/// category Cf that occur in names.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29.
    const NOW: i64 = 1_795_910_400_000_000;

    /// Regression: another account of a child that was found by its age went out, with the child's
    /// address, because only victims' e-mail addresses were compared.
    #[test]
    fn another_account_of_a_child_found_by_its_age_goes_too() {
        let mail = |more: &str| {
            format!(r#"{{{more} "person": {{"emails": [{{"address": "x@e.example"}}]}}}}"#)
        };
        let json = format!(
            r#"{{"reported": {{"id": "u", "associated": [{}]}}, "recipients": [{}, {{"id": "kid", "person": {{"age": 11, "emails": [{{"address": "x@e.example"}}]}}}}, {{"id": "adult"}}]}}"#,
            mail(r#""id": "third","#),
            mail(r#""id": "second","#),
        );
        let mut facts = Facts::from_json(json.as_bytes()).unwrap();
        leave_out(&mut facts, NOW);
        let left: Vec<_> = facts.recipients.iter().map(|a| a.id.as_deref()).collect();
        assert_eq!(left, [Some("adult")]);
        assert_eq!(facts.reported.unwrap().associated, []);
    }

    /// A victim, a party, and whether the party is taken for the victim.
    #[test]
    fn a_child_is_recognised_among_the_parties() {
        for (victim, party, same) in [
            (r#"{"id":"kid-1"}"#, r#"{"id":"kid-1"}"#, true),
            (r#"{"id":"kid-1"}"#, r#"{"id":" KID\u20101 "}"#, true),
            (r#"{"id":"kid-1"}"#, r#"{"id":"k\u200bid-1"}"#, true),
            (r#"{"id":"Zo\u00eb"}"#, r#"{"id":"Zoe\u0308"}"#, true),
            (r#"{"id":"straße1"}"#, r#"{"id":"STRASSE1"}"#, true),
            (r#"{"id":"kid  1"}"#, r#"{"id":"kid 1"}"#, true),
            (r#"{"screen_name":"lena11"}"#, r#"{"id":"lena11"}"#, true),
            (
                r#"{"person":{"emails":[{"address":"l@e.example"}]}}"#,
                r#"{"id":"L@e.example"}"#,
                true,
            ),
            (
                r#"{"person":{"phones":[{"number":"+49 171 5"}]}}"#,
                r#"{"id":"x","phones":[{"number":"+491715"}]}"#,
                true,
            ),
            (
                r#"{"person":{"first_name":"Lena","last_name":"M","born":"2014-03-04"}}"#,
                r#"{"id":"DE1","first_name":"LENA","last_name":"M","born":"2014-03-04"}"#,
                true,
            ),
            (
                r#"{"person":{"first_name":"Lena","last_name":"M"}}"#,
                r#"{"id":"DE1","first_name":"Lena","last_name":"M"}"#,
                true,
            ),
            (
                r#"{"person":{"first_name":"Lena","last_name":"M","born":"2014-03-04"}}"#,
                r#"{"id":"DE1","first_name":"Lena","last_name":"M","born":"1980-03-04"}"#,
                false,
            ),
            (
                r#"{"id":"kid-1"}"#,
                r#"{"id":"kid-2","first_name":"Lena"}"#,
                false,
            ),
            (
                r#"{"id":"lena_1"}"#,
                r#"{"id":"lena1","first_name":"Lena"}"#,
                false,
            ),
            (r#"{"id":"---"}"#, r#"{"id":"---"}"#, true),
            (
                r#"{"person":{"phones":[{"number":"+49 (0)171 555-12345"}]}}"#,
                r#"{"id":"x","phones":[{"number":"0049 171 55512345"}]}"#,
                true,
            ),
            (
                r#"{"person":{"first_name":"Jürgen","last_name":"Müller"}}"#,
                r#"{"id":"x","first_name":"Juergen","last_name":"Mueller"}"#,
                true,
            ),
            (
                r#"{"person":{"first_name":"Lena","last_name":"Meier"}}"#,
                r#"{"id":"x","first_name":"Meier","last_name":"Lena"}"#,
                true,
            ),
            (
                r#"{"person":{"first_name":"Lena","last_name":"Meier"}}"#,
                r#"{"id":"x","first_name":"Lena Marie","last_name":"Meier"}"#,
                true,
            ),
            (
                r#"{"person":{"first_name":"Lena","last_name":"Meier"}}"#,
                r#"{"id":"x","first_name":"Lena","last_name":"Schulz"}"#,
                false,
            ),
            (
                r#"{"person":{"first_name":"Lena"}}"#,
                r#"{"id":"x","first_name":"Lena","last_name":"Schulz"}"#,
                false,
            ),
            (
                r#"{"id":"kid-1"}"#,
                r#"{"id":"x","first_name":"Tom","born":"2014-01-01"}"#,
                true,
            ),
            (
                r#"{"id":"kid-1"}"#,
                r#"{"id":"x","first_name":"Tom","born":"2008-11-29"}"#,
                false,
            ),
        ] {
            let json = format!(r#"{{"victims":[{victim}],"financial":{{"parties":[{party}]}}}}"#);
            let mut facts = Facts::from_json(json.as_bytes()).unwrap();
            let before = facts.financial.clone().unwrap().parties;
            let (victims, fields) = leave_out(&mut facts, NOW);
            assert_eq!((victims, fields.len()), (1, usize::from(same)), "{json}");
            let after = facts.financial.unwrap().parties;
            assert_eq!(after[0].id, before[0].id);
            assert!(!same || after[0].first_name.is_none() && after[0].phones.is_empty());
        }
    }

    /// Regression: a child's id as another account's screen name, and its name as a display name, went
    /// out.
    #[test]
    fn a_child_under_any_of_its_names_stays_here() {
        let json = r#"{"victims":[{"id":"marlen13","display_names":["sunny m"],"person":{"first_name":"Marlene","last_name":"Kinder-Lein"}}],
            "recipients":[{"screen_name":"Marlen13"},{"id":"1","display_names":["marlen13"]},{"id":"2","screen_name":"Sunny M"},
                {"id":"3","display_names":["Lein, Marlene"]},{"id":"4","display_names":["Marlene"]},{"id":"5","screen_name":"marlen_13"},
                {"id":"6","screen_name":"marlen13","person":{"age":40}}]}"#;
        let mut facts = Facts::from_json(json.as_bytes()).unwrap();
        leave_out(&mut facts, NOW);
        let left: Vec<_> = facts.recipients.iter().map(|r| r.id.as_deref()).collect();
        // A first name alone is many people's; an account recorded as an adult's stays.
        assert_eq!(left, [Some("4"), Some("5"), Some("6")]);
    }

    #[test]
    fn recipients_and_linked_accounts_that_are_children_stay_here() {
        let json = r#"{"victims":[{"id":"kid-1","person":{"first_name":"Lena","last_name":"M","emails":[{"address":"l@e.example"}]}}],
            "recipients":[{"id":"a","person":{"age":11}},{"id":"b","person":{"age":40},"associated":[{"id":"f","person":{"age":8}}]},{"id":"KID-1"},{"person":{"born":"2015-01-01"}},
                {"id":"x","person":{"first_name":"lena","last_name":"M"}},{"id":"y","person":{"emails":[{"address":"L@e.example"}]}},{"id":"z","school":"5b"},
                {"id":"adult","person":{"first_name":"Lena","last_name":"M","age":45}},{"id":"kid_1"}],
            "reported":{"id":"u","person":{"age":16},"associated":[{"id":"c","person":{"age":9}},{"id":"d","associated":[{"id":"e","person":{"age":9}}]}]},
            "also_reported":[{"id":"v","associated":[{"id":"g","person":{"age":7}}]}]}"#;
        let mut facts = Facts::from_json(json.as_bytes()).unwrap();
        let (_, fields) = leave_out(&mut facts, NOW);
        let expected = [
            "facts.recipients[0]",
            "facts.recipients[1].associated[0]",
            "facts.recipients[2]",
            "facts.recipients[3]",
            "facts.recipients[4]",
            "facts.recipients[5]",
            "facts.recipients[6]",
            "facts.reported.associated[0]",
            "facts.reported.associated[1].associated[0]",
            "facts.also_reported[0].associated[0]",
        ];
        assert_eq!(fields, expected);
        let left: Vec<_> = facts.recipients.iter().map(|r| r.id.as_deref()).collect();
        assert_eq!(left, [Some("b"), Some("adult"), Some("kid_1")]);
        // The person reported stays, a minor too.
        assert_eq!(facts.reported.unwrap().associated.len(), 1);
    }

    #[test]
    fn what_a_bank_knows_of_the_reported_party_stays() {
        let json = r#"{"victims":[{"id":"u1"}],"reported":{"id":"u1"},"financial":{"parties":[{"id":"u1","first_name":"Dan","born":"2009-01-01"}]}}"#;
        let mut facts = Facts::from_json(json.as_bytes()).unwrap();
        assert_eq!(leave_out(&mut facts, NOW), (1, vec![]));
    }
}
