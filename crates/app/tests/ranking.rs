//! The queue in the order an officer would take it: reports in five tiers, from a child in danger
//! now to nothing at all.
//!
//! The set is invented, and the rules were fitted to it; docs/performance.md has the figures for
//! sets written by readers who hadn't seen the rules.

mod bench;

use bench::*;
use obhut_formats::incoming;
use obhut_intake as intake;

fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    obhut_app::domains()
}

/// Tier, and the report as it comes in. Tier 0 is unreadable: it isn't compared with the others,
/// and only has to score above 0.
#[rustfmt::skip]
const REPORTS: &[(u8, &str)] = &[
    // 1: a child is in danger now.
    (1, "Konto: a-1\nEr will sie morgen treffen, sie ist 12."),
    (1, "Account: a-2\nThe girl (13) says she will kill herself tonight."),
    (1, r#"{"account": "a-3", "explanation": "He wants to meet her tomorrow, 12"}"#),
    (1, r#"{"account": "a-4", "text": "My stepfather touches my little sister every night, she is 9"}"#),
    (1, r#"{"account": "a-5", "urgent": "a livestream of a child is running right now"}"#),
    (1, "Anruf: Meine Tochter (14) ist seit gestern verschwunden, sie wollte zu einem Mann aus dem Chat."),
    (1, "The boy is missing since Friday, he had been chatting with this account, 11 years old"),
    (1, r#"{"account": "a-6", "what": "he says he will hurt her if she tells, she is 10 and alone with him today"}"#),
    (1, "<report><incidentSummary><incidentType>Online Enticement of Children for Sexual Acts</incidentType><escalateToHighPriority>The child is on the way to his hotel now</escalateToHighPriority><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary><personOrUserReported><espIdentifier>a-7</espIdentifier></personOrUserReported></report>"),
    (1, "<report><incidentSummary><incidentType>Child Sexual Molestation</incidentType><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary><personOrUserReported><espIdentifier>a-8</espIdentifier></personOrUserReported><additionalInfo>He abuses his daughter, they live in the same house</additionalInfo></report>"),
    (1, "Konto: a-9\nDas Mädchen schreibt, dass es nicht mehr leben will"),
    (1, r#"{"account": "a-10", "risks": ["meeting-planned"], "child": "kid-1"}"#),
    (1, "holt sie heute nach der Schule ab, Schülerin 5. Klasse, kennt ihn nur aus dem Spiel"),
    (1, "user a-11 wrote in the game that he is waiting outside her school today, she's 11"),
    // 2: a child is harmed, coerced or groomed.
    (2, r#"{"account": "b-1", "tags": ["sextortion"], "child": "kid-2"}"#),
    (2, "Ein Junge, 15, wird mit Bildern erpresst und soll zahlen"),
    (2, "b-2 threatens to post the pictures of a 14 year old girl"),
    (2, r#"{"account": "b-3", "explanation": "he asks my 12 year old for pictures"}"#),
    (2, r#"{"account": "b-4", "incident": "trafficking"}"#),
    (2, r#"{"account": "b-5", "files": [{"md5": "00000000000000000000000000000001", "annotations": ["infant"]}]}"#),
    (2, "<report><incidentSummary><incidentType>Online Enticement of Children for Sexual Acts</incidentType><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary><personOrUserReported><espIdentifier>b-6</espIdentifier></personOrUserReported><victim><victimPerson><age>12</age></victimPerson><espIdentifier>kid-3</espIdentifier></victim></report>"),
    (2, "Er verlangt Fotos von einer 13-Jährigen und sagt, sie soll niemandem etwas erzählen"),
    (2, "A football coach writes sexual messages to a boy of his team, 13 years old"),
    (2, r#"{"account": "b-7", "text": "he pays for live shows with children"}"#),
    (2, "Der Onkel macht Fotos von seiner Nichte, 8 Jahre"),
    (2, r#"{"account": "b-8", "tags": ["sadistic"]}"#),
    (2, "An adult man chats with a 12-year-old girl, moved to Telegram and knows where she lives"),
    (2, "bietet seine Tochter anderen an"),
    // 3: serious, and no particular child is known to be in danger.
    (3, r#"{"account": "c-1", "tags": ["solicitation"]}"#),
    (3, "c-2 trades files, says he has a large collection of child abuse material"),
    (3, r#"{"account": "c-3", "risks": ["new-material"], "files": [{"md5": "00000000000000000000000000000002"}]}"#),
    (3, "Nutzer gibt sich als 14-jähriges Mädchen aus und ist ein Erwachsener"),
    (3, "looking for young girls in several chat rooms"),
    (3, "sucht Mädchen in Chatgruppen"),
    (3, "verkauft Dateien mit Missbrauchsdarstellungen, Sammlung mit tausenden Bildern"),
    (3, r#"{"account": "c-4", "incident": "enticement"}"#),
    (3, r#"{"account": "c-5", "incident": "material", "payments": [{"amount": "20", "currency": "EUR"}]}"#),
    (3, r#"{"account": "c-6", "incident": "unsolicited-obscene"}"#),
    (3, r#"{"account": "c-7", "files": [{"md5": "00000000000000000000000000000003", "annotations": ["possibleSelfProduction"]}]}"#),
    (3, "user asks for CP in the comments, asks for material again and again"),
    (3, r#"{"account": "c-8", "files": [{"md5": "00000000000000000000000000000010"}, {"md5": "00000000000000000000000000000011"}, {"md5": "00000000000000000000000000000012"}, {"md5": "00000000000000000000000000000013"}, {"md5": "00000000000000000000000000000014"}, {"md5": "00000000000000000000000000000015"}, {"md5": "00000000000000000000000000000016"}, {"md5": "00000000000000000000000000000017"}, {"md5": "00000000000000000000000000000018"}, {"md5": "00000000000000000000000000000019"}]}"#),
    // 4: known material.
    (4, r#"{"account": "d-1", "incident": "material", "files": [{"md5": "00000000000000000000000000000004"}]}"#),
    (4, "<report><incidentSummary><incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary><personOrUserReported><espIdentifier>d-2</espIdentifier></personOrUserReported></report>"),
    (4, "Hash match of a known file, account d-3, uploaded 2023"),
    (4, "Hash-Treffer auf eine bekannte Datei, Konto d-4"),
    (4, r#"{"account": "d-5", "urgent": "URGENT please review, CSAM detected", "incident": "material", "files": [{"md5": "00000000000000000000000000000005"}]}"#),
    (4, "<report><incidentSummary><incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType><escalateToHighPriority>automatically generated</escalateToHighPriority><incidentDateTime>2026-01-01T00:00:00Z</incidentDateTime></incidentSummary><personOrUserReported><espIdentifier>d-6</espIdentifier></personOrUserReported></report>"),
    (4, "known image, list match, no contact with a child"),
    (4, "bekanntes Bild, kein Treffen, kein Kontakt"),
    (4, r#"{"account": "d-7", "explanation": "the same known picture was uploaded, already reported"}"#),
    (4, r#"{"account": "d-8", "incident": "material", "explanation": "will call back tomorrow with the file name"}"#),
    (4, r#"{"account": "d-9", "what": "Missbrauchsdarstellung im Profil gesehen"}"#),
    (4, "XARF says csam on a server, child abuse material, one address"),
    // 5: nothing that points to a child in danger.
    (5, r#"{"account": "e-1"}"#),
    (5, r#"{"account": "e-2", "urgent": "URGENT!!! please review asap"}"#),
    (5, r#"{"account": "e-3", "urgent": "n/a", "text": "automatically generated"}"#),
    (5, r#"{"account": "e-4", "files": [{"md5": "00000000000000000000000000000006", "annotations": ["viral", "potentialMeme"]}]}"#),
    (5, r#"{"account": "e-5", "tags": ["spam"]}"#),
    (5, "Werbung für Uhren, bitte löschen"),
    (5, "This user sells fake watches, please remove"),
    (5, "zwei Erwachsene wollen sich morgen treffen, sonst nichts"),
    (5, "I want to meet my boyfriend tomorrow, I am 34 years old"),
    (5, r#"{"account": "e-6", "explanation": "test"}"#),
    (5, r#"{"account": "e-7", "files": [{"md5": "00000000000000000000000000000007", "annotations": ["animeDrawingVirtualHentai"]}]}"#),
    (5, "bitte um Rückruf, Frage zum Formular"),
    (5, r#"{"account": "e-8", "url": "https://example.com/page"}"#),
    // Unreadable.
    (0, r#"{"a": 1, "b": {"c": "x9"}}"#),
    (0, "[[1, 2], [3]]"),
    (0, "<html><body/></html>"),
];

#[tokio::test]
async fn the_queue_is_in_the_order_an_officer_would_take_it() {
    let b = bench(None).await;
    let c = &b.casework;
    let mut run = intake::begin_intake(c).await.unwrap();
    let given = REPORTS
        .iter()
        .map(|(_, text)| incoming::read(text.as_bytes()));
    let came = run.take(given.collect(), "test").await.unwrap();
    drop(run);
    let ranked: Vec<(u8, u32, &str)> = REPORTS
        .iter()
        .zip(&came)
        .map(|((tier, text), one)| (*tier, one.at_risk, *text))
        .collect();
    let understood = |tier: u8| tier > 0;
    let (mut ordered, mut pairs, mut terrible, mut wrong) = (0, 0, 0, Vec::new());
    for (tier, risk, text) in ranked.iter().filter(|r| understood(r.0)) {
        for (other, other_risk, other_text) in ranked.iter().filter(|r| r.0 > *tier) {
            pairs += 1;
            match risk > other_risk {
                true => ordered += 1,
                false => wrong.push(format!(
                    "{tier} {risk} {text}\n    below {other} {other_risk} {other_text}"
                )),
            }
            if *tier == 1 && *other >= 3 && risk <= other_risk {
                terrible += 1;
            }
        }
    }
    for text in &wrong {
        println!("{text}");
    }
    println!("{ordered} of {pairs} pairs in order");
    // The goal that docs/performance.md names; these reports reach it, the outside sets don't yet.
    assert!(
        ordered * 100 >= pairs * 97,
        "{ordered} of {pairs} pairs in order"
    );
    assert_eq!(
        terrible, 0,
        "a child in danger now is below what isn't urgent"
    );
    // Unreadable reports score above 0, so none is last. Tier 5 scores less than 4 points, with
    // which the band of known material begins (`Level::band`).
    for ((tier, _), one) in REPORTS.iter().zip(&came) {
        match tier {
            0 => assert!(one.at_risk > 0, "{one:?}"),
            5 => assert!(one.at_risk < 4, "{one:?}"),
            _ => {}
        }
        assert!(one.reasons.len() <= 5);
    }
}
