//! German names of the fields of a case, and of the words that some of them take, for documents
//! that German authorities read. A field without a German name is printed in English; a test checks
//! that every field of `Facts` has one.

use obhut_facts::known_because;

/// Fields, sorted by their name in the case file.
#[rustfmt::skip]
const FIELDS: &[(&str, &str)] = &[
    ("account", "Konto"),
    ("action", "Handlung"),
    ("address", "Adresse"),
    ("addresses", "Anschriften"),
    ("age", "Alter"),
    ("agency", "Behörde"),
    ("all_emails_reported", "alle E-Mail-Adressen angegeben"),
    ("also_reported", "weitere gemeldete Konten"),
    ("amount", "Betrag"),
    ("amount_local", "Betrag in Landeswährung"),
    ("annotations", "Merkmale"),
    ("appeal_open_since", "Widerspruch offen seit"),
    ("as_received", "wie eingegangen"),
    ("associated", "verbundene Konten"),
    ("at", "Zeitpunkt"),
    ("authority", "Stelle"),
    ("batched_accounts", "gesammelt gemeldete Konten"),
    ("bio", "Selbstbeschreibung"),
    ("birth_place", "Geburtsort"),
    ("born", "Geburtsdatum"),
    ("branch", "Filiale"),
    ("bytes", "Größe in Bytes"),
    ("came_in_before_with", "schon eingegangen in"),
    ("came_in_before_with_others", "und in weiteren Fällen"),
    ("case", "Fall"),
    ("category", "Kategorie"),
    ("chain", "Blockchain"),
    ("city", "Ort"),
    ("client", "Programm"),
    ("closed", "Konto geschlossen"),
    ("company_template", "Hinweise des Anbieters"),
    ("compromised", "von anderen übernommen"),
    ("console", "Spielekonsole"),
    ("contact_email", "E-Mail des Ansprechpartners für Behörden"),
    ("content", "Inhalt"),
    ("country", "Land"),
    ("country_code", "Ländervorwahl"),
    ("currency", "Währung"),
    ("detected_by", "Art der Feststellung"),
    ("devices", "Geräte"),
    ("display_names", "Anzeigenamen"),
    ("documents", "Ausweise"),
    ("done", "erfolgt"),
    ("email", "E-Mail"),
    ("emails", "E-Mail-Adressen"),
    ("embargo", "Mitteilungssperre"),
    ("event", "Vorgang"),
    ("exhibit", "Beweisstück"),
    ("exif", "EXIF-Angaben"),
    ("expires", "gültig bis"),
    ("extension", "Durchwahl"),
    ("facts", "Angaben"),
    ("file_names", "Dateinamen"),
    ("files", "Dateien"),
    ("financial", "Finanzangaben"),
    ("first_name", "Vorname"),
    ("found_at", "gefunden am"),
    ("from", "von"),
    ("gender", "Geschlecht"),
    ("group", "Gruppe"),
    ("iban", "IBAN"),
    ("id", "Kennung"),
    ("id_number", "Ausweisnummer"),
    ("in_advance", "im Voraus"),
    ("incident", "Gegenstand"),
    ("indicators", "Anhaltspunkte"),
    ("institution", "Institut"),
    ("institution_code", "Kennung des Instituts"),
    ("ip_event", "IP-Adresse"),
    ("ip_events", "IP-Adressen"),
    ("issued", "ausgestellt am"),
    ("jurisdiction", "Zuständigkeit"),
    ("kind", "Art"),
    ("known", "bekannt"),
    ("known_at", "Kenntnis seit"),
    ("last_name", "Nachname"),
    ("latitude", "Breitengrad"),
    ("law_enforcement", "Polizei"),
    ("legal_url", "Seite für Behörden"),
    ("location", "Standort"),
    ("longitude", "Längengrad"),
    ("made_at", "zusammengestellt am"),
    ("md5", "MD5"),
    ("media_type", "Dateityp"),
    ("messages", "Nachrichten"),
    ("method", "Weg"),
    ("middle_name", "weiterer Vorname"),
    ("name", "Name"),
    ("narrative", "Sachverhalt"),
    ("nationality", "Staatsangehörigkeit"),
    ("note", "Anmerkung"),
    ("number", "Nummer"),
    ("occupation", "Beruf"),
    ("occurred_at", "Tatzeit"),
    ("occurred_at_note", "Anmerkung zur Tatzeit"),
    ("officer", "Sachbearbeitung"),
    ("opened", "eröffnet am"),
    ("original_hashes", "Prüfsummen des Originals"),
    ("original_name", "ursprünglicher Name"),
    ("parties", "Beteiligte"),
    ("path", "Pfad"),
    ("payments", "Zahlungen"),
    ("person", "Person"),
    ("phone", "Telefon"),
    ("phones", "Telefonnummern"),
    ("place", "Art der Fundstelle"),
    ("places", "Fundstellen"),
    ("platform", "Plattform"),
    ("port", "Port"),
    ("possible_proxy", "möglicherweise ein Proxy"),
    ("prior_reports", "frühere Meldungen"),
    ("process_country", "Land des Verfahrens"),
    ("process_domestic", "Verfahren im Inland"),
    ("process_foreign", "Verfahren im Ausland"),
    ("profile_urls", "Profilseiten"),
    ("provider_country", "Land des Anbieters"),
    ("publicly_available", "öffentlich zugänglich"),
    ("received_note", "Wortlaut einer eingegangenen Meldung"),
    ("received_urgent", "Dringlichkeit einer eingegangenen Meldung"),
    ("recipients", "Empfänger"),
    ("reference", "Aktenzeichen"),
    ("region", "Region"),
    ("removed", "entfernt"),
    ("removed_at", "entfernt am"),
    ("reopened_at", "wieder geöffnet am"),
    ("report_code", "Meldeart"),
    ("reported", "gemeldetes Konto"),
    ("reporter", "meldende Stelle"),
    ("residence", "Wohnsitz"),
    ("reupload_of", "erneutes Hochladen von"),
    ("risks", "Gefahren"),
    ("room", "Raum"),
    ("same_bytes_viewed_as", "gleicher Inhalt angesehen als"),
    ("scale", "Skala"),
    ("school", "Schule"),
    ("screen_name", "Nutzername"),
    ("series", "Serie"),
    ("service", "Dienst"),
    ("session", "Sitzung"),
    ("sha1", "SHA-1"),
    ("sha256", "SHA-256"),
    ("source_of_wealth", "Herkunft der Mittel"),
    ("ssn", "Sozialversicherungsnummer"),
    ("state", "Bundesstaat (USA)"),
    ("state_elsewhere", "Bundesland oder Provinz"),
    ("street", "Straße"),
    ("supplemental", "Nachtrag"),
    ("surface", "sichtbar für"),
    ("suspended", "Konto gesperrt"),
    ("tags", "Stichworte"),
    ("tax_number", "Steuernummer"),
    ("terms_of_service", "Nutzungsbedingungen"),
    ("text", "Text"),
    ("third_party", "bei Dritten"),
    ("threads", "Chatverläufe"),
    ("tie", "Verbindung"),
    ("to", "an"),
    ("told_by_us", "von uns benachrichtigt"),
    ("unit_reference", "Zeichen der Meldestelle"),
    ("until", "bis"),
    ("uploaded_at", "hochgeladen am"),
    ("urgent_because", "dringend, weil"),
    ("url", "Adresse im Netz"),
    ("urls", "Adressen im Netz"),
    ("user_country", "Land der Nutzerin oder des Nutzers"),
    ("user_told", "Nutzerin oder Nutzer unterrichtet"),
    ("user_told_at", "unterrichtet am"),
    ("value", "Wert"),
    ("vehicle", "Fahrzeug"),
    ("verified", "bestätigt"),
    ("verified_at", "bestätigt am"),
    ("victims", "betroffene Kinder"),
    ("viewed_metadata", "Metadaten angesehen"),
    ("viewed_whole", "ganz angesehen"),
    ("wallets", "Wallets"),
    ("zip", "Postleitzahl"),
];

/// Words of closed sets, by the field that takes them. They are translated in that field only: a
/// note that happens to say `public` stays as it is.
#[rustfmt::skip]
const WORDS: &[(&str, &[(&str, &str)])] = &[
    ("detected_by", &[
        ("hash-match", "Hashabgleich"),
        ("person", "durch eigene Mitarbeitende"),
        ("user-report", "Meldung einer Nutzerin oder eines Nutzers"),
        ("automated", "automatisiert, auf andere Weise"),
        ("authority", "Anfrage einer Behörde"),
    ]),
    ("incident", &[
        ("material", "Missbrauchsdarstellungen"),
        ("trafficking", "Kinderhandel"),
        ("tourism", "Reisen zum Zweck des sexuellen Missbrauchs von Kindern"),
        ("molestation", "sexueller Missbrauch mit Körperkontakt"),
        ("misleading-domain", "irreführender Domainname"),
        ("misleading-words", "irreführende Worte oder Bilder"),
        ("enticement", "Cybergrooming"),
        ("unsolicited-obscene", "unaufgeforderte Zusendung pornographischer Inhalte an ein Kind"),
    ]),
    ("place", &[
        ("web-page", "Webseite"),
        ("email", "E-Mail"),
        ("newsgroup", "Newsgroup"),
        ("chat", "Chat"),
        ("game", "Spiel"),
        ("cell-phone", "Mobiltelefon"),
        ("offline", "außerhalb des Netzes"),
        ("peer-to-peer", "Tauschbörse"),
    ]),
    ("risks", &[
        ("self-production", "möglicherweise selbst hergestellt"),
        ("live-stream", "Livestream"),
        ("sextortion", "Erpressung mit Bildern"),
        ("meeting-planned", "Treffen geplant"),
        ("new-material", "neues Material"),
        ("access-to-child", "Zugang zu einem Kind"),
        ("infant", "Säugling oder Kleinkind"),
        ("payment-in-advance", "Zahlung im Voraus"),
        ("self-harm", "Selbstverletzung"),
        ("escalating-contact", "zunehmender Kontakt"),
    ]),
    ("service", &[
        ("messaging", "Nachrichtendienst"),
        ("hosting", "Hosting"),
        ("online-platform", "Online-Plattform"),
        ("search", "Suchmaschine"),
        ("gaming", "Spieledienst"),
        ("payment", "Zahlungsdienst"),
    ]),
    ("surface", &[
        ("public", "alle"),
        ("shared", "eine Gruppe oder alle mit dem Link"),
        ("private-message", "nur die Empfänger"),
    ]),
    ("tags", &[
        ("sextortion", "Erpressung mit Bildern"),
        ("solicitation", "Nachfrage nach Material"),
        ("minor-to-minor", "unter Minderjährigen"),
        ("spam", "wahllos verschickt"),
        ("sadistic", "sadistische Ausbeutung"),
    ]),
];

/// What a German document says about a file whose bytes an automated comparison found on a hash
/// list, and about one that only looks like an entry.
const KNOWN: [&str; 2] = [
    "ein automatischer Abgleich hat sie auf einer Liste bekannten Materials gefunden",
    "nach einem automatischen Abgleich der Bildähnlichkeit sieht sie einer Datei auf einer Liste bekannten Materials ähnlich; ihre Bytes stehen dort nicht",
];

/// The German name of a field; the field itself if it has none, such as the name of an EXIF value.
pub(crate) fn field(name: &str) -> &str {
    FIELDS
        .binary_search_by_key(&name, |f| f.0)
        .map_or(name, |n| FIELDS[n].1)
}

/// The German word for a value, if it is a word of the closed set of that field; otherwise the
/// value as it is. Sentences of `known` ([`obhut_facts::ReportedFile::known`]) give theirs.
pub(crate) fn value<'a>(field: &str, value: &'a str) -> &'a str {
    if field == "known" {
        let exactly = [true, false].into_iter().zip(KNOWN);
        let mut said = exactly.filter(|(exactly, _)| known_because(*exactly) == value);
        return said.next().map_or(value, |(_, german)| german);
    }
    let of_field = WORDS.iter().find(|w| w.0 == field);
    let mut words = of_field.into_iter().flat_map(|w| w.1);
    words.find(|w| w.0 == value).map_or(value, |w| w.1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use obhut_facts::Facts;
    use serde_json::Value;

    use super::*;

    /// Collects the properties of a schema, and the words of its closed sets.
    fn walk(schema: &Value, fields: &mut BTreeSet<String>, words: &mut BTreeSet<String>) {
        match schema {
            Value::Object(all) => {
                if let Some(Value::Object(properties)) = all.get("properties") {
                    fields.extend(properties.keys().cloned());
                }
                let listed = all
                    .get("enum")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                let one = all.get("const").into_iter();
                words.extend(
                    listed
                        .chain(one)
                        .filter_map(|w| Some(w.as_str()?.to_owned())),
                );
                all.values().for_each(|v| walk(v, fields, words));
            }
            Value::Array(items) => items.iter().for_each(|v| walk(v, fields, words)),
            _ => {}
        }
    }

    #[test]
    fn every_field_and_every_word_has_a_german_name() {
        let schema = obhut_facts::schemars::schema_for!(Facts).to_value();
        let (mut fields, mut words) = (BTreeSet::new(), BTreeSet::new());
        walk(&schema, &mut fields, &mut words);
        assert!(fields.len() > 100 && words.len() > 30, "the schema is read");
        let bare: Vec<_> = fields
            .iter()
            .filter(|f| FIELDS.binary_search_by_key(&f.as_str(), |f| f.0).is_err())
            .collect();
        assert_eq!(bare, Vec::<&String>::new(), "add their names to FIELDS");
        let known: BTreeSet<_> = WORDS.iter().flat_map(|w| w.1).map(|w| w.0).collect();
        let bare: Vec<_> = words
            .iter()
            .filter(|w| !known.contains(w.as_str()))
            .collect();
        assert_eq!(bare, Vec::<&String>::new(), "add them to WORDS");
    }

    #[test]
    fn the_fields_are_sorted() {
        assert!(FIELDS.is_sorted_by_key(|f| f.0));
    }

    #[test]
    fn only_words_of_closed_sets_are_translated() {
        for (name, given, expected) in [
            ("surface", "public", "alle"),
            ("note", "public", "public"),
            ("place", "chat", "Chat"),
            ("place", "somewhere", "somewhere"),
            ("known", known_because(true), KNOWN[0]),
            // A near match was once called a file that was found on the list.
            ("known", known_because(false), KNOWN[1]),
            ("known", "another sentence", "another sentence"),
        ] {
            assert_eq!(value(name, given), expected, "{name} {given}");
        }
        assert_eq!(field("ip_events"), "IP-Adressen");
        assert_eq!(field("Make"), "Make");
    }
}
