//! Leaves children's data out of a case's facts, wherever they stand.
//!
//! What is withheld is decided by who somebody is, not by the field: a child who is recorded as a
//! victim may also be a party of a payment, and a recipient of a message may be a child.

use std::collections::BTreeSet;

use jiff::civil::Date;
use obhut_facts::{Account, Facts, FinancialParty, Person};
use unicode_normalization::UnicodeNormalization as _;

/// Age from which a person is an adult, in years (Convention on the Rights of the Child, article 1).
const ADULT_YEARS: i64 = 18;

/// Removes the victims, recipients and linked accounts that are children, and what a bank knows of
/// a party that is one of them. Returns the number of victims, and the other fields. `now` is in
/// microseconds since 1970.
pub(crate) fn leave_out(facts: &mut Facts, now: i64) -> (usize, Vec<String>) {
    let today = jiff::Timestamp::from_microsecond(now)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let mut children = std::mem::take(&mut facts.victims);
    let victims = children.len();
    let mut fields = Vec::new();
    let is_child = |a: &Account| a.person.as_ref().is_some_and(|p| is_minor(p, today));
    let known = Known::of(&children);
    let mut take = |accounts: &mut Vec<Account>, at: &str| {
        let mut n = 0;
        accounts.retain(|account| {
            let leave = is_child(account) || known.has(account);
            if leave {
                fields.push(format!("{at}[{n}]"));
                children.push(account.clone());
            }
            n += 1;
            !leave
        });
    };
    take(&mut facts.recipients, "facts.recipients");
    if let Some(reported) = &mut facts.reported {
        take(&mut reported.associated, "facts.reported.associated");
    }
    // With the recipients that turned out to be children.
    let known = Known::of(&children);
    let reported = facts.reported.as_ref().and_then(|a| a.id.clone());
    let parties = facts.financial.iter_mut().flat_map(|f| &mut f.parties);
    for (n, party) in parties.enumerate() {
        // Whoever is reported is reported, a minor too.
        let minor = Some(&party.id) != reported.as_ref() && born_minor(party, today);
        if !known.is_party(party) && !minor {
            continue;
        }
        // What the payments say of it stays: who paid whom is the report.
        *party = FinancialParty {
            id: std::mem::take(&mut party.id),
            client: party.client,
            country: party.country.take(),
            ..FinancialParty::default()
        };
        fields.push(format!("facts.financial.parties[{n}]"));
    }
    (victims, fields)
}

fn is_minor(person: &Person, today: Date) -> bool {
    person
        .age
        .is_some_and(|age| (0..ADULT_YEARS).contains(&age))
        || person.born.as_deref().is_some_and(|b| is_after(b, today))
}

fn born_minor(party: &FinancialParty, today: Date) -> bool {
    party.born.as_deref().is_some_and(|b| is_after(b, today))
}

/// True if somebody born on that day is under age today.
fn is_after(born: &str, today: Date) -> bool {
    let years = jiff::Span::new().years(ADULT_YEARS);
    let of_age = born
        .parse::<Date>()
        .ok()
        .and_then(|b| b.checked_add(years).ok());
    of_age.is_some_and(|of_age| of_age > today)
}

/// What children are known by, in [`plain`] form.
struct Known {
    names: BTreeSet<String>,
    /// First name, last name and birth date; empty where unknown.
    people: Vec<[String; 3]>,
}

impl Known {
    fn of(children: &[Account]) -> Self {
        let mut names = BTreeSet::new();
        let mut people = Vec::new();
        for child in children {
            names.extend(child.id.iter().chain(&child.screen_name).map(|n| plain(n)));
            let Some(person) = &child.person else {
                continue;
            };
            names.extend(person.emails.iter().map(|e| plain(&e.address)));
            names.extend(person.phones.iter().map(|p| plain(&p.number)));
            people.push(person_key(
                &person.first_name,
                &person.last_name,
                &person.born,
            ));
        }
        names.remove("");
        Self { names, people }
    }

    fn has(&self, account: &Account) -> bool {
        let named = account.id.iter().chain(&account.screen_name);
        let mut named = named.map(|n| plain(n));
        named.any(|n| self.names.contains(&n))
    }

    fn is_party(&self, party: &FinancialParty) -> bool {
        let phones = party.phones.iter().map(|p| &p.number);
        let mut named = phones.chain([&party.id]).map(|n| plain(n));
        if named.any(|n| self.names.contains(&n)) {
            return true;
        }
        let own = person_key(&party.first_name, &party.last_name, &party.born);
        self.people.iter().any(|child| {
            let name = own[0] == child[0] && own[1] == child[1] && !own[0].is_empty();
            // Without both birth dates a namesake counts too: naming a child is the worse error.
            name && (own[2] == child[2] || own[2].is_empty() || child[2].is_empty())
        })
    }
}

fn person_key(first: &Option<String>, last: &Option<String>, born: &Option<String>) -> [String; 3] {
    [first, last, born].map(|text| plain(text.as_deref().unwrap_or_default()))
}

/// A text as it is compared: compatible forms decomposed, without marks, blanks and signs, in lower
/// case. So spellings that look the same are the same.
fn plain(text: &str) -> String {
    let letters = text.nfkd().filter(|c| c.is_alphanumeric());
    letters
        .collect::<String>()
        .to_lowercase()
        .replace('ß', "ss")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29.
    const NOW: i64 = 1_795_910_400_000_000;

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

    #[test]
    fn recipients_and_linked_accounts_that_are_children_stay_here() {
        let json = r#"{"victims":[{"id":"kid-1"}],"recipients":[{"id":"a","person":{"age":11}},{"id":"b","person":{"age":40}},{"id":"KID-1"},{"person":{"born":"2015-01-01"}}],
            "reported":{"id":"u","person":{"age":16},"associated":[{"id":"c","person":{"age":9}},{"id":"d"}]}}"#;
        let mut facts = Facts::from_json(json.as_bytes()).unwrap();
        let (_, fields) = leave_out(&mut facts, NOW);
        let expected = [
            "facts.recipients[0]",
            "facts.recipients[2]",
            "facts.recipients[3]",
            "facts.reported.associated[0]",
        ];
        assert_eq!(fields, expected);
        assert_eq!(facts.recipients.len(), 1);
        // Whoever is reported is reported, a minor too.
        assert_eq!(facts.reported.unwrap().associated.len(), 1);
    }
}
