//! A report states only what is on record: about each file what is recorded of that file, and
//! nothing from the reports of others.

mod bench;

use std::collections::BTreeMap;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_formats::incoming;
use obhut_formats::reports::{self as forms, Rendered};
use obhut_intake as intake;
use obhut_media as media;

/// Grounds that say "I saw it", with no view on record, once went uncontradicted.
#[tokio::test]
async fn grounds_that_claim_a_view_are_held_against_the_record() {
    let b = bench(None).await;
    let c = &b.casework;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let new = case_of(c, &[&picture(5)]).await;
    let request = DecisionRequest {
        grounds: "I saw it, a child".into(),
        ..decision(Ruling::Report)
    };
    casework::decide(c, &new.case, &rita, &request)
        .await
        .unwrap();
    let ncmec = forms::by_name("ncmec").unwrap();
    let contradicted = async || {
        let check = obhut_app::reports::check(c, &new.case, ncmec, false, "test")
            .await
            .unwrap();
        check.remarks.iter().any(|r| r.field == "decision.grounds")
    };
    assert!(contradicted().await);
    let exhibit = new.exhibits[0].clone().unwrap();
    casework::view(c, &exhibit, &rita, "decision", Extent::Whole)
        .await
        .unwrap();
    assert!(!contradicted().await);
}

fn domains() -> Vec<Box<dyn casework::for_domains::Domain>> {
    obhut_app::domains()
}

fn category(value: &str) -> Category {
    Category {
        scale: "ncmec-industry".into(),
        value: value.into(),
    }
}

fn decided(value: &str) -> DecisionRequest {
    DecisionRequest {
        category: Some(category(value)),
        ..decision(Ruling::Report)
    }
}

async fn agreement(c: &Casework) {
    let reporter = Reporter {
        email: "trust@example.com".into(),
        industry_agreement: "IHS-2026-1".into(),
        ..Reporter::default()
    };
    casework::set_reporter(c, &reporter, "test").await.unwrap();
}

async fn draft(c: &Casework, case: &str, form: &str) -> Rendered {
    let form = forms::by_name(form).unwrap();
    let (_, rendered) = obhut_app::reports::draft(c, case, form, true, "test")
        .await
        .unwrap();
    rendered
}

/// The documents about files, in the order of the files.
async fn file_documents(c: &Casework, case: &str) -> Vec<String> {
    let rendered = draft(c, case, "ncmec").await;
    rendered.files.iter().map(|f| f.with_ids(1, "f")).collect()
}

async fn case_of(c: &Casework, contents: &[&[u8]]) -> NewCase {
    let file = CaseFile::from_json(b"{}").unwrap();
    let file = CaseFile {
        files: vec![CaseFileItem::default(); contents.len()],
        ..file
    };
    let contents = contents.iter().map(|b| Some(b.to_vec())).collect();
    casework::new_case(c, &file, contents, "test")
        .await
        .unwrap()
}

/// Regression: the decision's category was written on every file of the case, text files included.
#[tokio::test]
async fn a_category_is_of_the_file_it_was_decided_for() {
    on_each_database(async |b| {
        let c = &b.casework;
        agreement(c).await;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let (seen, unseen) = (picture(1), picture(2));
        let new = case_of(c, &[&seen, &unseen, b"a list of links"]).await;
        let exhibits: Vec<String> = new.exhibits.iter().flatten().cloned().collect();
        casework::view(c, &exhibits[0], &rita, "decision", Extent::Whole)
            .await
            .unwrap();
        casework::view(c, &exhibits[2], &rita, "decision", Extent::Whole)
            .await
            .unwrap();
        casework::decide(c, &new.case, &rita, &decided("A1"))
            .await
            .unwrap();
        let classified = async || {
            let documents = file_documents(c, &new.case).await;
            let class = |d: &String| {
                d.split("<industryClassification>")
                    .nth(1)
                    .map(|t| t[..2].to_owned())
            };
            documents.iter().map(class).collect::<Vec<_>>()
        };
        assert_eq!(classified().await, [Some("A1".into()), None, None]);
        // Now two pictures were viewed: it is unknown which of them the one category is for.
        casework::view(c, &exhibits[1], &rita, "decision", Extent::Whole)
            .await
            .unwrap();
        casework::decide(c, &new.case, &rita, &decided("A1"))
            .await
            .unwrap();
        assert_eq!(classified().await, [None, None, None]);
        let left = draft(c, &new.case, "ncmec").await.omitted;
        assert!(
            left.iter().any(|o| o.field == "decision.category"),
            "{left:?}"
        );
        let of =
            |exhibit: &str, value: &str| BTreeMap::from([(exhibit.to_owned(), category(value))]);
        let named = of(&exhibits[1], "B2");
        let plain = decision(Ruling::Report);
        casework::decide_with_files(c, &new.case, &rita, &plain, named.clone())
            .await
            .unwrap();
        assert_eq!(classified().await, [None, Some("B2".into()), None]);
        // Only a viewed file of this case can be classified.
        let ada = new_person(c, "Ada", &[Role::Reviewer]).await;
        assert!(
            refused(casework::decide_with_files(c, &new.case, &ada, &plain, named).await)
                .contains("view it first")
        );
        let strange = of("exhibit-0", "A1");
        assert!(
            refused(casework::decide_with_files(c, &new.case, &rita, &plain, strange).await)
                .contains("not a file of case")
        );
    })
    .await;
}

/// Without the agreement that the schema asks for, the category goes into the free text.
#[tokio::test]
async fn only_with_the_agreement_is_a_file_classified() {
    let b = bench(None).await;
    let c = &b.casework;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let new = case_of(c, &[&picture(1)]).await;
    let exhibit = new.exhibits[0].clone().unwrap();
    casework::view(c, &exhibit, &rita, "decision", Extent::Whole)
        .await
        .unwrap();
    casework::decide(c, &new.case, &rita, &decided("A1"))
        .await
        .unwrap();
    let documents = file_documents(c, &new.case).await;
    assert!(!documents[0].contains("industryClassification"));
    assert!(
        documents[0].contains("category: ncmec-industry A1"),
        "{}",
        documents[0]
    );
    agreement(c).await;
    let documents = file_documents(c, &new.case).await;
    assert!(documents[0].contains("<industryClassification>A1<"));
    // Other receivers have no part in the agreement with NCMEC.
    let package = draft(c, &new.case, "webhook").await;
    assert!(!package.text().unwrap().contains("IHS-2026-1"));
}

/// An upload that was blocked before anyone could see it was once reported as publicly available.
#[tokio::test]
async fn publicly_available_is_what_happened_and_not_what_was_meant() {
    let b = bench(None).await;
    let c = &b.casework;
    let known = picture(3);
    signed(c, "Known", &[("1", &known)]).await;
    let screened = screen(c, &known).await;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let stated = |stated: Option<bool>, exhibit: &str| Facts {
        files: BTreeMap::from([(
            exhibit.to_owned(),
            FileFacts {
                publicly_available: stated,
                ..FileFacts::default()
            },
        )]),
        ..Facts::default()
    };
    for (account, surface, before_release, says, expected) in [
        ("a", Surface::Public, true, None, Some(false)),
        ("b", Surface::Public, false, None, None),
        ("c", Surface::Shared, false, None, None),
        // A value the provider states outweighs what follows from `before_release`.
        ("d", Surface::Public, true, Some(true), Some(true)),
        ("e", Surface::Public, false, Some(false), Some(false)),
    ] {
        let subject = Subject {
            surface,
            before_release,
            ..subject(account)
        };
        let recorded = media::record(c, &screened, &subject, Some(&known), "test")
            .await
            .unwrap();
        let (case, exhibit) = (recorded.case.unwrap(), recorded.exhibit.unwrap());
        casework::set_facts(c, &case, &stated(says, &exhibit), "test")
            .await
            .unwrap();
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        let documents = file_documents(c, &case).await;
        let said = documents[0]
            .split("<publiclyAvailable>")
            .nth(1)
            .map(|t| t.starts_with("true"));
        assert_eq!(said, expected, "{account}");
        assert!(documents[0].contains("found this file on a list of known material"));
    }
}

/// Regression: an incoming report was sent on, with the child's name and the caller's number.
#[tokio::test]
async fn what_came_in_stays_here() {
    on_each_database(async |b| {
        let c = &b.casework;
        agreement(c).await;
        let note = "Konto: user-1\nDringend: Treffen heute\nAnruferin: Frau Beispiel, 0228 123456, Kind heißt Mia";
        let mut run = intake::begin_intake(c).await.unwrap();
        let unreadable = incoming::read(b"<report>");
        let came = run.take(vec![incoming::read(note.as_bytes()), unreadable], "test").await.unwrap();
        drop(run);
        let opened = intake::case_of_incoming(c, &came[0].id, "test").await.unwrap();
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        for case in [&opened, came[1].case.as_ref().unwrap()] {
            // Facts that don't carry the note: only the exhibit could leak it.
            let facts = Facts::about(Some("user-1"));
            casework::set_facts(c, case, &facts, "test").await.unwrap();
            casework::decide(c, case, &rita, &decision(Ruling::Report)).await.unwrap();
            for form in forms::ALL.iter().filter(|f| f.name != "goaml") {
                let rendered = draft(c, case, form.name).await;
                assert_eq!(rendered.attached, [], "{}", form.name);
                assert!(rendered.files.is_empty(), "{}", form.name);
                assert!(rendered.omitted.iter().any(|o| o.field == "reports of others"), "{}", form.name);
            }
            // The reviewer still finds the original report in the case.
            let detail = casework::case(c, case).await.unwrap();
            assert!(detail.findings.iter().any(|f| casework::is_as_received(f) && f.exhibit.is_some()));
        }
    })
    .await;
}

/// Another exhibit with the same bytes was viewed. This copy wasn't, and the report names the
/// exhibit that was.
#[tokio::test]
async fn a_viewed_copy_is_named_and_this_one_not_called_viewed() {
    let b = bench(None).await;
    let c = &b.casework;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let first = case_of(c, &[&picture(4)]).await;
    let second = case_of(c, &[&picture(4)]).await;
    let viewed = first.exhibits[0].clone().unwrap();
    casework::view(c, &viewed, &rita, "decision", Extent::Whole)
        .await
        .unwrap();
    casework::decide(c, &second.case, &rita, &decided("A1"))
        .await
        .unwrap();
    let documents = file_documents(c, &second.case).await;
    assert!(documents[0].contains("<fileViewedByEsp>false<"));
    assert!(
        documents[0].contains(&format!("as {viewed}")),
        "{}",
        documents[0]
    );
    assert!(!documents[0].contains("industryClassification"));
}

/// Regression: an account that an upload had put into `reported` was later recorded as a child's,
/// and was still sent as the suspect's.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_recorded_as_a_childs_is_never_the_one_reported() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let form = obhut_app::formats::reports::by_name("ncmec").unwrap();
        #[rustfmt::skip]
        let table = [
            (r#"{"reported": {"id": "kid"}, "victims": [{"id": "kid", "person": {"age": 12}}]}"#, true),
            (r#"{"reported": {"id": "kid", "service": "A"}, "victims": [{"id": "kid", "service": "a"}]}"#, true),
            (r#"{"reported": {"id": "x"}, "also_reported": [{"id": "y"}, {"id": "kid"}], "victims": [{"id": "kid"}]}"#, true),
            // Another person on another service.
            (r#"{"reported": {"id": "kid", "service": "A"}, "victims": [{"id": "kid", "service": "B"}]}"#, false),
            (r#"{"reported": {"id": "x"}, "victims": [{"id": "kid"}, {}]}"#, false),
            (r#"{"reported": {"screen_name": "x"}, "victims": [{}]}"#, false),
        ];
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(c, "Olga", &[Role::ReportingOfficer]).await;
        for (facts, stops) in table {
            let file = CaseFile::from_json(format!("{{\"facts\": {facts}}}").as_bytes()).unwrap();
            let case = casework::new_case(c, &file, Vec::new(), "t").await.unwrap().case;
            let check = obhut_app::reports::check(c, &case, form, false, "t").await.unwrap();
            let field = if facts.contains("also") { "facts.also_reported[1]" } else { "facts.reported" };
            let stopped = check.stops.iter().any(|s| s.field == field);
            assert_eq!(stopped, stops, "{facts}");
            let decision = casework::decide(c, &case, &rita, &decision(Ruling::Report)).await.unwrap();
            let report = casework::file_report(c, &decision, "webhook", false, "t").await.unwrap();
            let approved = obhut_app::reports::approve(c, &report, &olga, Some("r"), false).await;
            assert_eq!(approved.is_err(), stops, "{facts} {approved:?}");
        }
    })
    .await;
}

/// Regression: a suspect with a child's e-mail address or number was reported without a remark.
#[tokio::test]
async fn a_suspect_with_a_childs_address_is_remarked() {
    let b = bench(None).await;
    let c = &b.casework;
    let form = obhut_app::formats::reports::by_name("ncmec").unwrap();
    let child = r#"{"id": "kid", "screen_name": "Kid7", "person": {"age": 12,
        "emails": [{"address": "kid@example.org"}], "phones": [{"number": "+49 30 1234567"}]}}"#;
    for (suspect, remarked) in [
        (
            r#"{"id": "x", "person": {"emails": [{"address": "KID@example.org"}]}}"#,
            true,
        ),
        (
            r#"{"id": "x", "person": {"phones": [{"number": "+49 30 1234567"}]}}"#,
            true,
        ),
        (r#"{"id": "x", "screen_name": "kid7"}"#, true),
        (
            r#"{"id": "x", "screen_name": "kid8", "person": {"emails": [{"address": "x@example.org"}]}}"#,
            false,
        ),
    ] {
        let facts = format!(
            r#"{{"facts": {{"reported": {{"id": "first"}}, "also_reported": [{suspect}], "victims": [{child}]}}}}"#
        );
        let file = CaseFile::from_json(facts.as_bytes()).unwrap();
        let case = casework::new_case(c, &file, Vec::new(), "t")
            .await
            .unwrap()
            .case;
        let check = obhut_app::reports::check(c, &case, form, false, "t")
            .await
            .unwrap();
        let remark = check
            .remarks
            .iter()
            .find(|r| r.field == "facts.also_reported[0]" && r.what.contains("in common"));
        assert_eq!(remark.is_some(), remarked, "{suspect} {:?}", check.remarks);
        assert!(
            check.stops.iter().all(|s| !s.why.contains("child")),
            "{suspect}"
        );
    }
}

/// Regression: leads, which never contain children's data, were approved with a child's e-mail
/// address among the suspect's.
#[tokio::test]
async fn leads_with_a_childs_address_are_stopped() {
    let b = bench(None).await;
    let c = &b.casework;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let olga = new_person(c, "Olga", &[Role::ReportingOfficer]).await;
    for (email, stops) in [("Kid@example.org", true), ("x@example.org", false)] {
        let facts = format!(
            r#"{{"facts": {{"reported": {{"id": "s", "location": {{"country": "DE"}}, "person": {{"emails": [{{"address": "{email}"}}]}}}},
            "victims": [{{"id": "kid", "person": {{"emails": [{{"address": "kid@example.org"}}]}}}}]}}}}"#
        );
        let file = CaseFile::from_json(facts.as_bytes()).unwrap();
        let case = casework::new_case(c, &file, Vec::new(), "t")
            .await
            .unwrap()
            .case;
        let form = obhut_app::formats::reports::by_name("leads").unwrap();
        let check = obhut_app::reports::check(c, &case, form, false, "t")
            .await
            .unwrap();
        assert_eq!(!check.stops.is_empty(), stops, "{email} {:?}", check.stops);
        let decision = casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        let report = casework::file_report(c, &decision, "leads", false, "t")
            .await
            .unwrap();
        let approved = obhut_app::reports::approve(c, &report, &olga, Some("r"), false).await;
        assert_eq!(approved.is_err(), stops, "{email} {approved:?}");
    }
}

/// Regression: a finding kept MD5, SHA-1 and SHA-256 of the file, but lost its PDQ digest, which
/// finds similar pictures.
#[tokio::test]
async fn a_finding_keeps_the_pdq_that_screening_computed() {
    let b = bench(None).await;
    let c = &b.casework;
    let known = picture(1);
    let pdq = pdq_hex(&known);
    // The PDQ entry is another picture's. It is in the list only so that screening computes PDQ.
    let mut list = csv(&[("one", &known)]);
    list.extend(format!("pdq,{},,,two\n", "0f".repeat(32)).bytes());
    signed_list(c, "hotline", &list).await;
    let screened = screen(c, &known).await;
    assert_eq!(screened.matches.len(), 1, "{:?}", screened.matches);
    let of_a = subject("a");
    let kept = media::record(c, &screened, &of_a, Some(&known), "t");
    let kept = kept.await.unwrap().case.unwrap();
    // If the bytes aren't kept, the caller gives the other digests.
    let mut without = subject("b");
    without.digests = Some(Sealed::new(media::digests_of(&known, Some("image/png"))));
    let not_kept = media::record(c, &screened, &without, None, "t");
    let not_kept = not_kept.await.unwrap().case.unwrap();
    for case in [kept, not_kept] {
        let dossier = casework::dossier(c, &case, false).await.unwrap();
        let digests = dossier.files[0].digests.as_ref().unwrap().expose();
        assert_eq!(digests.pdq.as_deref(), Some(pdq.as_str()), "{case}");
    }
}

/// Regression: a child's account was among the recipients of a report that omitted the children's
/// data, and the check didn't point it out.
#[tokio::test]
async fn a_child_named_elsewhere_is_pointed_out() {
    let b = bench(None).await;
    let c = &b.casework;
    let file = br#"{"facts": {"reported": {"id": "u"}, "recipients": [{"id": "USER-2"}], "wallets": [{"chain": "bitcoin", "address": "a", "account": "user-2"}],
        "note": "x@example.org wrote", "series": "tomorrow", "platform": "for tom", "occurred_at_note": "2014-03-04",
        "victims": [{"id": "user-2", "person": {"first_name": "Tom", "born": "2014-03-04", "emails": [{"address": "x@example.org"}]}}]}}"#;
    let file = CaseFile::from_json(file).unwrap();
    let new = casework::new_case(c, &file, Vec::new(), "test").await;
    let case = new.unwrap().case;
    let ncmec = forms::by_name("ncmec").unwrap();
    for (with_victims, expected) in [
        // The recipient is the child, and stays out.
        (
            false,
            "facts.note facts.occurred_at_note facts.platform facts.wallets",
        ),
        (true, ""),
    ] {
        let check = obhut_app::reports::check(c, &case, ncmec, with_victims, "test").await;
        let remarks = check.unwrap().remarks;
        let named = remarks.iter().filter(|r| r.what.contains("names a child"));
        let mut fields: Vec<_> = named.map(|r| r.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields.join(" "), expected);
    }
    // A name of several words, and each part of it that is used alone.
    for (note, expected) in [
        ("Anna Lena wrote to him", true),
        ("then Anna called", true),
        ("he lives in von der Heide street", true),
        ("von hier sind es zehn Minuten, der Weg ist kurz", false),
        ("Annabel isn't in it", false),
    ] {
        let file = format!(
            r#"{{"facts": {{"note": "{note}", "victims": [{{"person": {{"first_name": "Anna Lena", "last_name": "von der Heide"}}}}]}}}}"#
        );
        let file = CaseFile::from_json(file.as_bytes()).unwrap();
        let new = casework::new_case(c, &file, Vec::new(), "test").await;
        let check = obhut_app::reports::check(c, &new.unwrap().case, ncmec, false, "test").await;
        let remarks = check.unwrap().remarks;
        let found = remarks.iter().any(|r| r.what.contains("names a child"));
        assert_eq!(found, expected, "{note}");
    }
}

/// Regression: a child was only found in the spelling in which it was recorded.
#[tokio::test]
async fn a_child_is_pointed_out_in_other_spellings() {
    let b = bench(None).await;
    let c = &b.casework;
    let ncmec = forms::by_name("ncmec").unwrap();
    let child = serde_json::json!({"screen_name": "pferde_fan", "school": "Grundschule am See",
        "person": {"first_name": "Lina-Marie", "last_name": "Müller", "born": "2013-05-04",
        "phones": [{"number": "+49 151 5550123"}], "addresses": [{"street": "Hauptstraße 5"}]},
        "id": "20", "display_names": [".", "Lin"], "ip_events": [{"address": "192.0.2.7"}]});
    for (note, expected) in [
        ("Linas Mutter rief an", true),
        ("so said Lina's mother", true),
        ("the Muellers live there", true),
        ("call 0151/555 01 23 after six", true),
        ("0049 (0)151-5550123", true),
        ("born on 4. Mai 2013", true),
        ("born May 4th, 2013", true),
        ("geb. 04.05.13", true),
        ("geb. 20130504", true),
        ("she is PferdeFan there", true),
        ("she is pferde fan there", true),
        ("er wartet vor der Hauptstr. 5 auf sie", true),
        ("vor der Grundschule am See", true),
        ("https://example.com/u/lina-mueller", true),
        ("IMG-lina.jpg", true),
        ("lina07.jpg", true),
        ("Li\u{200b}na said", true),
        ("LinaMarieMueller", true),
        ("from 192.0.2.7 at noon", true),
        ("192.0.2.7", false),
        ("on 2020-01-20, linear.", false),
        ("Hauptstraße 5", false),
        ("vor der Grundschule am Berg", false),
        ("born on 5 May 2013", false),
        ("call 0151/555 01 24", false),
        ("Linda called", false),
        ("on 4 May 2014", false),
    ] {
        let file = serde_json::json!({"facts": {"note": note, "victims": [child]}});
        let file = CaseFile::from_json(file.to_string().as_bytes()).unwrap();
        let new = casework::new_case(c, &file, Vec::new(), "test").await;
        let check = obhut_app::reports::check(c, &new.unwrap().case, ncmec, false, "test").await;
        let remarks = check.unwrap().remarks;
        let found = remarks.iter().any(|r| r.what.contains("names a child"));
        assert_eq!(found, expected, "{note}");
    }
}

/// Regression: a child's name in the name of a file went out without a remark.
#[tokio::test]
async fn a_child_named_by_a_file_is_pointed_out() {
    let b = bench(None).await;
    let c = &b.casework;
    let file = br#"{"files": [{"name": "Samuel Oakley.txt", "content": "aGk="}],
        "facts": {"reported": {"id": "u"}, "victims": [{"person": {"first_name": "Samuel", "last_name": "Oakley"}}]}}"#;
    let file = CaseFile::from_json(file).unwrap();
    let files = vec![Some(b"hi".to_vec())];
    let new = casework::new_case(c, &file, files, "test").await;
    let case = new.unwrap().case;
    let ncmec = forms::by_name("ncmec").unwrap();
    let check = obhut_app::reports::check(c, &case, ncmec, false, "test").await;
    let remarks = check.unwrap().remarks;
    let named = remarks.iter().filter(|r| r.what.contains("names a child"));
    let fields: Vec<_> = named.map(|r| r.field.clone()).collect();
    assert!(
        fields.len() == 1 && fields[0].starts_with("files."),
        "{fields:?}"
    );
}

/// Regression: a report went out with a sentence about a child in a screen name or in a file's
/// metadata, without a remark to the person who approved it.
#[tokio::test]
async fn a_sentence_in_a_name_is_pointed_out() {
    let b = bench(None).await;
    let c = &b.casework;
    let ncmec = forms::by_name("ncmec").unwrap();
    let file = br#"{"facts": {"reported": {"id": "u", "screen_name": "the girl lives at number five", "display_names": ["The Dark Lord"]}}}"#;
    let file = CaseFile::from_json(file).unwrap();
    let new = casework::new_case(c, &file, Vec::new(), "test").await;
    let check = obhut_app::reports::check(c, &new.unwrap().case, ncmec, false, "test").await;
    let remarks = check.unwrap().remarks;
    let sentences = remarks
        .iter()
        .filter(|r| r.what.contains("holds a sentence"));
    let fields: Vec<_> = sentences.map(|r| r.field.as_str()).collect();
    assert_eq!(fields, ["facts.reported.screen_name"]);
}

/// Regression: names in scripts without spaces, and letters written with a combining mark other than
/// the acute, weren't found.
#[tokio::test]
async fn a_child_s_name_is_pointed_out_in_any_script() {
    let b = bench(None).await;
    let c = &b.casework;
    let ncmec = forms::by_name("ncmec").unwrap();
    for (name, note, expected) in [
        ("王芳", "他昨天见了王芳。", true),
        ("지우", "그는 지우를 만났다", true),
        ("王芳", "他昨天见了她。", false),
        ("Ng", "ongoing", false),
        ("Zoë", "he met Zoe\u{308} there", true),
        ("Çağla", "C\u{327}ag\u{306}la said so", true),
        ("Jan", "in January", false),
    ] {
        let file = serde_json::json!({"facts": {"note": note, "victims": [{"person": {"first_name": name}}]}});
        let file = CaseFile::from_json(file.to_string().as_bytes()).unwrap();
        let new = casework::new_case(c, &file, Vec::new(), "test").await;
        let check = obhut_app::reports::check(c, &new.unwrap().case, ncmec, false, "test").await;
        let remarks = check.unwrap().remarks;
        let found = remarks.iter().any(|r| r.what.contains("names a child"));
        assert_eq!(found, expected, "{name}: {note}");
    }
}

/// Regression: a recipient whose profile gives a child's age was pointed out only if a victim was
/// already on record.
#[tokio::test]
async fn a_recipient_who_may_be_a_child_is_pointed_out() {
    let b = bench(None).await;
    let c = &b.casework;
    let ncmec = forms::by_name("ncmec").unwrap();
    for (bio, expected) in [("I am 12 years old", true), ("I am 32 years old", false)] {
        let file = format!(
            r#"{{"facts": {{"reported": {{"id": "u"}}, "recipients": [{{"id": "r", "bio": "{bio}"}}]}}}}"#
        );
        let file = CaseFile::from_json(file.as_bytes()).unwrap();
        let new = casework::new_case(c, &file, Vec::new(), "test").await;
        let check = obhut_app::reports::check(c, &new.unwrap().case, ncmec, false, "test").await;
        let remarks = check.unwrap().remarks;
        let found = remarks.iter().any(|r| r.what.contains("may be a child"));
        assert_eq!(found, expected, "{bio}");
    }
}

/// Regression: a package said that the children's data "aren't recorded" although they were
/// recorded and only omitted.
#[tokio::test]
async fn children_that_stay_out_are_not_called_unknown() {
    let b = bench(None).await;
    let c = &b.casework;
    let file = br#"{"facts": {"reported": {"id": "u"}, "victims": [{"id": "user-2"}]}}"#;
    let file = CaseFile::from_json(file).unwrap();
    let new = casework::new_case(c, &file, Vec::new(), "test").await;
    let case = new.unwrap().case;
    for form in ["package", "package-nca", "package-bka"] {
        let form = forms::by_name(form).unwrap();
        let check = obhut_app::reports::check(c, &case, form, false, "test").await;
        let remarks = check.unwrap().remarks;
        let of_children = remarks
            .iter()
            .filter(|r| r.what.contains("the case doesn't have it"));
        let fields: Vec<_> = of_children.map(|r| r.field.to_lowercase()).collect();
        let of_children = ["children concerned", "betroffene kinder"];
        assert!(
            fields.iter().all(|f| !of_children.contains(&f.as_str())),
            "{fields:?}"
        );
    }
}

/// Regression: the note of an incoming report was sent word for word, with the names of the caller
/// and the child.
#[tokio::test]
async fn the_words_of_a_report_that_came_in_stay_here() {
    let b = bench(None).await;
    let c = &b.casework;
    let note = "Account: bad7\nUrgent: NAMED is alone with him, says CALLER\nCaller: Mrs CALLER, 0171-555. The girl NAMED (12) meets him tomorrow.";
    let mut run = intake::begin_intake(c).await.unwrap();
    let came = run
        .take(vec![incoming::read(note.as_bytes())], "test")
        .await;
    drop(run);
    let id = came.unwrap()[0].id.clone();
    let case = intake::case_of_incoming(c, &id, "test").await.unwrap();
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    casework::decide(c, &case, &rita, &decision(Ruling::Report))
        .await
        .unwrap();
    for form in forms::ALL {
        // A package's PDF is compressed; it is made from the same value as the JSON.
        let drafted = draft(c, &case, form.name).await;
        let said = String::from_utf8_lossy(&drafted.report).into_owned();
        assert!(
            !said.contains("CALLER") && !said.contains("NAMED"),
            "{}",
            form.name
        );
    }
    let check = obhut_app::reports::check(c, &case, forms::by_name("ncmec").unwrap(), false, "t");
    let check = check.await.unwrap();
    assert!(
        check
            .omitted
            .iter()
            .any(|o| o.field == "facts.received_note")
    );
    for field in ["facts", "facts.note", "facts.urgent_because"] {
        assert!(check.remarks.iter().any(|r| r.field == field), "{field}");
    }
    // The withheld words still count towards the case's score.
    assert!(check.at_risk >= 70, "{}", check.at_risk);
}

/// What others wrote is withheld even in fields meant for ids, times and addresses, and around a
/// case file.
#[tokio::test]
async fn words_in_other_fields_of_a_report_that_came_in_stay_here() {
    let b = bench(None).await;
    let c = &b.casework;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let mail = "From: a@b.example\r\nTo: c@d.example\r\nSubject: NAMED\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: text/plain\r\n\r\nNAMED wrote this\r\n--q\r\nContent-Type: application/json\r\nContent-Disposition: attachment; filename=a.json\r\n\r\n{\"facts\":{\"reported\":{\"id\":\"bad15\"}}}\r\n--q--\r\n";
    for came in [
        "Caller: Mrs NAMED\nAdresse: Lindenweg 4 NAMED, 53111 Bonn\nKonto: bad7\nZeit: gestern, NAMED war bei ihm\nVerlauf: NAMED erzählte ihrer Mutter davon\nSerie: Bilder von NAMED (9)\nDienst: Chat, sagt NAMED",
        "Account: the one of my daughter NAMED's friend, ask her\nUrl: siehe Chat von NAMED, Tel. 0171",
        r#"{"account": "bad9", "platform": "Chat, ask NAMED", "when": "yesterday when NAMED came home", "url": ["see NAMED's phone"], "thread": ["chat of NAMED with him"], "series": "photos of NAMED", "wallet": ["told by NAMED"],
            "payments": [{"amount": "10", "currency": "EUR", "from": "mother of NAMED", "to": "bad9", "method": "cash by NAMED", "note": "NAMED paid"}], "files": [{"annotations": ["picture of NAMED"], "uploaded_at": "NAMED today"}], "text": "NAMED"}"#,
        r#"{"account":"x","facts":{"reported":{"id":"bad14"},"note":"NAMED"},"reporter":"NAMED"}"#,
        mail,
    ] {
        let mut run = intake::begin_intake(c).await.unwrap();
        let taken = run
            .take(vec![incoming::read(came.as_bytes())], "test")
            .await;
        drop(run);
        let id = taken.unwrap()[0].id.clone();
        let case = intake::case_of_incoming(c, &id, "test").await.unwrap();
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        for form in forms::ALL {
            let drafted = draft(c, &case, form.name).await;
            let said = String::from_utf8_lossy(&drafted.report).into_owned();
            assert!(!said.contains("NAMED"), "{}: {came}", form.name);
        }
    }
}

/// Regression: a goAML report named a paying child in full, although it was approved without the
/// children's data.
#[tokio::test]
async fn a_child_who_paid_is_not_named_unless_the_children_are_included() {
    let b = bench(None).await;
    let c = &b.casework;
    let file = br#"{"facts": {"reported": {"id": "u"}, "victims": [{"id": "Kid-1"}],
        "payments": [{"amount": "10", "currency": "EUR", "from": "kid-1 ", "to": "u"}],
        "financial": {"parties": [{"id": "u", "first_name": "Dan"}, {"id": "kid-1 ", "first_name": "LENA", "country": "DE"}]}}}"#;
    let file = CaseFile::from_json(file).unwrap();
    let new = casework::new_case(c, &file, Vec::new(), "test").await;
    let case = new.unwrap().case;
    for with_victims in [false, true] {
        let dossier = casework::dossier(c, &case, with_victims).await.unwrap();
        let parties = &dossier.facts.expose().financial.as_ref().unwrap().parties;
        assert_eq!(parties[0].first_name.as_deref(), Some("Dan"));
        assert_eq!(parties[1].first_name.is_some(), with_victims);
        assert_eq!(parties[1].country.as_deref(), Some("DE"));
        let check = obhut_app::reports::check(
            c,
            &case,
            forms::by_name("goaml").unwrap(),
            with_victims,
            "t",
        );
        let omitted = check.await.unwrap().omitted;
        assert_eq!(
            omitted
                .iter()
                .any(|o| o.field == "facts.financial.parties[1]"),
            !with_victims
        );
    }
}

/// Regression: leads that were requested with the children's data named a child among the
/// recipients by e-mail address and screen name.
#[tokio::test]
async fn leads_never_name_a_child() {
    let b = bench(None).await;
    let c = &b.casework;
    let file = br#"{"facts": {"reported": {"id": "u", "location": {"country": "DE"}}, "recipients": [
        {"id": "kid", "screen_name": "lena11", "location": {"country": "FR"}, "person": {"age": 11, "emails": [{"address": "lena@e.example"}]}},
        {"id": "adult", "location": {"country": "NL"}}]}}"#;
    let file = CaseFile::from_json(file).unwrap();
    let case = casework::new_case(c, &file, Vec::new(), "t").await.unwrap();
    let case = case.case;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    casework::decide(c, &case, &rita, &decision(Ruling::Report))
        .await
        .unwrap();
    let leads = forms::by_name("leads").unwrap();
    let check = obhut_app::reports::check(c, &case, leads, true, "t").await;
    let omitted = check.unwrap().omitted;
    let child = omitted.iter().find(|o| o.field == "facts.recipients[0]");
    assert!(
        child.is_some_and(|o| o.why.contains("never")),
        "{omitted:?}"
    );
    let (_, draft) = obhut_app::reports::draft(c, &case, leads, true, "t")
        .await
        .unwrap();
    // The names of a ZIP's members are in it as they are.
    let has = |name: &[u8]| draft.report.windows(name.len()).any(|w| w == name);
    assert!(has(b"NL/lead.json") && !has(b"FR/lead.json"));
    let filed = obhut_app::reports::file(c, &case, Some(leads), true, "t").await;
    let row = casework::report_row(c, &filed.unwrap()[0].0).await.unwrap();
    assert!(!row.with_victims);
}

/// Regression: notices said that content was removed or an account closed although the facts said
/// the opposite.
#[tokio::test]
async fn a_notice_does_not_contradict_the_facts() {
    let b = bench(None).await;
    let c = &b.casework;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    for (facts, measure, why) in [
        (
            r#"{"removed": false}"#,
            Measure::ContentRemoved,
            Some("facts.removed"),
        ),
        // Nothing was posted, as far as anything on record says.
        (
            r#"{"reported": {"id": "u"}}"#,
            Measure::ContentRemoved,
            Some("neither a file"),
        ),
        (
            r#"{"threads": [{"id": "t"}]}"#,
            Measure::ContentRemoved,
            None,
        ),
        (
            r#"{"reported": {"id": "u", "closed": {"done": false}}}"#,
            Measure::AccountClosed,
            Some("facts.reported.closed"),
        ),
        (
            r#"{"removed": true}"#,
            Measure::AccountClosed,
            Some("no account"),
        ),
        (
            r#"{"reported": {"id": "u", "closed": {"done": true, "reopened_at": "2026-01-01T00:00:00Z"}}}"#,
            Measure::AccountClosed,
            Some("opened again"),
        ),
        // The facts are silent about a suspension.
        (
            r#"{"reported": {"id": "u"}}"#,
            Measure::AccountSuspended,
            None,
        ),
    ] {
        let file = CaseFile::from_json(format!(r#"{{"facts": {facts}}}"#).as_bytes()).unwrap();
        let new = casework::new_case(c, &file, Vec::new(), "test").await;
        let case = new.unwrap().case;
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        let made = casework::make_notice(c, &case, measure, Language::English, "", &rita).await;
        match why {
            Some(why) => assert!(refused(made.map(|_| ())).contains(why), "{facts}"),
            None => assert!(made.is_ok(), "{facts}"),
        }
    }
}
