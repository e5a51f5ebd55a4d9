//! Around a report: embargo, notices, routes, deadlines, outcomes, overrides, erasure with its
//! proof.

mod bench;

/// The domains the bench registers: all of them.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    obhut_app::domains()
}

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;

async fn people(c: &Casework) -> (Person, Person) {
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let roles = [Role::Reviewer, Role::ReportingOfficer, Role::Administrator];
    let olga = new_person(c, "Olga", &roles).await;
    (rita, olga)
}

async fn case(c: &Casework, json: &str, content: Option<&[u8]>) -> NewCase {
    let file = CaseFile::from_json(json.as_bytes()).unwrap();
    let contents = file
        .files
        .iter()
        .map(|_| content.map(<[u8]>::to_vec))
        .collect();
    casework::new_case(c, &file, contents, "test")
        .await
        .unwrap()
}

fn request() -> DecisionRequest {
    decision(Ruling::Report)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_reaches_the_person_under_an_embargo() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, olga) = people(c).await;
        let dated = case(
            c,
            r#"{"facts": {"reported": {"id": "u"}}, "embargo": {"until": "2026-09-22T00:00:00Z", "authority": "Police 7"}}"#,
            None,
        )
        .await
        .case;
        let open = case(c, r#"{"facts": {"reported": {"id": "u"}}, "embargo": {"authority": "Police 8"}}"#, None)
            .await
            .case;
        for one in [&dated, &open] {
            casework::decide(c, one, &rita, &request()).await.unwrap();
            let notice =
                casework::make_notice(c, one, Measure::AccountClosed, Language::German, "", &rita)
                    .await;
            assert!(refused(notice).contains("embargo"));
        }
        // The dated embargo ends by itself; the other lasts until the authority lifts it.
        b.clock.pass(2 * 86_400);
        casework::make_notice(
            c,
            &dated,
            Measure::AccountClosed,
            Language::German,
            "",
            &rita,
        )
        .await
        .unwrap();
        assert!(
            refused(
                casework::make_notice(
                    c,
                    &open,
                    Measure::AccountClosed,
                    Language::German,
                    "",
                    &rita
                )
                .await
            )
            .contains("embargo")
        );
        assert!(
            refused(casework::set_embargo(c, &open, None, "", &olga).await).contains("authority")
        );
        casework::set_embargo(c, &open, None, "Police 8, letter of 22 Sep", &olga)
            .await
            .unwrap();
        casework::make_notice(
            c,
            &open,
            Measure::AccountClosed,
            Language::English,
            "",
            &rita,
        )
        .await
        .unwrap();
        let file = CaseFile::from_json(br#"{"embargo": {}}"#).unwrap();
        assert!(
            refused(casework::new_case(c, &file, Vec::new(), "t").await).contains("date"),
            "an embargo without an end is none"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_by_code_needs_no_login_and_accepts_any_spelling() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, olga) = people(c).await;
        let id = case(
            c,
            r#"{"facts": {"reported": {"id": "u"}, "threads": [{"id": "t"}]}}"#,
            None,
        )
        .await
        .case;
        assert!(
            refused(
                casework::make_notice(
                    c,
                    &id,
                    Measure::ContentRemoved,
                    Language::English,
                    "",
                    &rita
                )
                .await
            )
            .contains("decided")
        );
        casework::decide(c, &id, &rita, &request()).await.unwrap();
        let notice = casework::make_notice(
            c,
            &id,
            Measure::ContentRemoved,
            Language::English,
            "https://example.com/appeal",
            &rita,
        )
        .await
        .unwrap();
        assert!(
            notice.text.contains(&notice.code)
                && notice.text.contains("https://example.com/appeal")
        );
        assert!(
            refused(casework::appeal_by_code(c, "00000-00000-00000-00000", "no").await)
                .contains("unknown code")
        );
        // As a person types it from paper: spaces for hyphens, capitals.
        let typed = format!(" {} ", notice.code.replace('-', " ").to_uppercase());
        let appeal = casework::appeal_by_code(c, &typed, "it is my own child at the beach")
            .await
            .unwrap();
        assert_eq!(casework::open_appeals(c).await.unwrap().len(), 1);
        // A second code shows an outsider that an appeal is open, but no internal id.
        let second = notice_of(c, &id, Measure::AccountClosed, &rita)
            .await
            .unwrap();
        let again = refused(casework::appeal_by_code(c, &second.code, "again").await);
        assert!(
            again.contains("open already") && !again.contains(&id),
            "{again}"
        );
        // The appeal has a deadline, and another person decides it.
        assert!(
            casework::deadlines(c, Some(&id), false)
                .await
                .unwrap()
                .iter()
                .any(|d| d.kind == DeadlineKind::Appeal)
        );
        assert!(
            refused(
                casework::decide_appeal(c, &id, &appeal.id, &rita, AppealOutcome::Upheld, "g")
                    .await
            )
            .contains("another person")
        );
        casework::decide_appeal(c, &id, &appeal.id, &olga, AppealOutcome::Upheld, "harmless")
            .await
            .unwrap();
        assert!(
            casework::deadlines(c, Some(&id), false)
                .await
                .unwrap()
                .iter()
                .all(|d| d.kind != DeadlineKind::Appeal)
        );
        // A restoration names the account until the platform has carried it out.
        let open = casework::restorations(c, false).await.unwrap();
        assert_eq!(open.len(), 2);
        assert_eq!(open[0].account.as_ref().unwrap().expose(), "u");
        // A notice of restoration can be made only once the platform has reversed the measures.
        let early = refused(notice_of(c, &id, Measure::Restored, &rita).await);
        assert!(early.contains("isn't restored yet"), "{early}");
        for one in open {
            casework::finish_restoration(c, &one.id, &rita)
                .await
                .unwrap();
        }
        notice_of(c, &id, Measure::Restored, &rita).await.unwrap();
        assert!(
            casework::restorations(c, true)
                .await
                .unwrap()
                .iter()
                .all(|r| r.account.is_none() && r.done_at.is_some())
        );
    })
    .await;
}

async fn notice_of(c: &Casework, case: &str, measure: Measure, person: &Person) -> Result<Notice> {
    casework::make_notice(c, case, measure, Language::English, "", person).await
}

/// Regression: withdrawing an approved report left its case "reported", and the decision couldn't
/// be corrected.
#[tokio::test(flavor = "multi_thread")]
async fn a_case_whose_reports_were_withdrawn_is_decided_and_can_be_decided_again() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, olga) = people(c).await;
        let facts = r#"{"facts": {"reported": {"id": "u"}, "places": [{"place": "web-page", "urls": ["https://example.com/p"]}]}}"#;
        let id = case(c, facts, None).await.case;
        casework::decide(c, &id, &rita, &request()).await.unwrap();
        let mut reports = Vec::new();
        for destination in ["package", "webhook"] {
            let report = casework::file_latest(c, &id, destination, false, "test").await;
            reports.push(report.unwrap());
            obhut_app::reports::approve(c, &reports[reports.len() - 1], &olga, None, false)
                .await
                .unwrap();
        }
        let status = async || casework::case(c, &id).await.unwrap().case.status;
        for (report, expected) in reports.iter().zip([CaseStatus::Reported, CaseStatus::Decided]) {
            assert_eq!(status().await, CaseStatus::Reported);
            let how = casework::retract_report(c, report, "wrong", &olga).await;
            assert_eq!(how.unwrap(), "withdrawn");
            assert_eq!(status().await, expected);
        }
        casework::decide(c, &id, &rita, &decision(Ruling::NoReport))
            .await
            .unwrap();
        assert_eq!(status().await, CaseStatus::Closed);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_persons_files_are_erased_and_the_vault_still_verifies() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, olga) = people(c).await;
        let made = case(
            c,
            r#"{"facts": {"reported": {"id": "u"}}, "files": [{}]}"#,
            Some(b"my beach photo"),
        )
        .await;
        let exhibit = made.exhibits[0].clone().unwrap();
        casework::view(c, &exhibit, &rita, "decision", Extent::Whole)
            .await
            .unwrap();
        casework::decide(c, &made.case, &rita, &request())
            .await
            .unwrap();
        let appeal = casework::file_appeal(c, &made.case, "mine", "public")
            .await
            .unwrap();
        assert_eq!(
            casework::finish_erasures(c).await.unwrap(),
            0,
            "nothing goes while an appeal is open"
        );
        uphold(c, &made.case, &appeal.id, &olga).await;
        let proof = casework::erasure_proof(c, &made.case).await.unwrap();
        assert!(proof.complete, "{proof:?}");
        assert!(
            proof
                .erased
                .iter()
                .any(|e| e.exhibit == exhibit && e.log_index.is_some())
        );
        let gone = casework::view(c, &exhibit, &rita, "again", Extent::Whole)
            .await
            .unwrap_err();
        assert!(gone.to_string().contains("was erased"));
        assert!(casework::exhibits(c).await.unwrap().is_empty());
        let seen = casework::verify_vault(c).await.unwrap().vault;
        assert_eq!(
            (seen.problems, seen.erased, seen.leftovers),
            (Vec::new(), 1, Vec::new())
        );
        assert_eq!(
            casework::facts(c, &made.case).await.unwrap(),
            Facts::default()
        );
        assert!(
            refused(casework::erasure_proof(c, &case(c, "{}", None).await.case).await)
                .contains("upheld")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_report_goes_only_under_a_name() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, olga) = people(c).await;
        let id = case(c, "{}", None).await.case;
        let decision = casework::decide(c, &id, &rita, &request()).await.unwrap();
        let report = casework::file_report(c, &decision, "ncmec", false, "t")
            .await
            .unwrap();
        assert!(
            refused(obhut_app::reports::approve(c, &report, &olga, None, false).await)
                .contains("with the reason")
        );
        assert!(
            refused(obhut_app::reports::approve(c, &report, &olga, Some(" "), false).await)
                .contains("with the reason")
        );
        obhut_app::reports::approve(c, &report, &olga, Some("the police asked for it"), false)
            .await
            .unwrap();
        let acts = casework::audit(c, Some(&report)).await.unwrap();
        assert!(acts.iter().any(|a| a.act == "report.override"
            && a.actor == olga.id
            && a.detail.contains("police")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_need_a_basis_and_no_one_is_notified_twice() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, olga) = people(c).await;
        let british = case(c, r#"{"facts": {"reported": {"id": "u"}, "jurisdiction": {"provider_country": "GB", "service": "messaging"}}}"#, None).await.case;
        assert!(casework::routing_for(c, &british).await.unwrap().to.is_empty(), "no route applies before it is recorded");
        let route = |destination: &str, country: &str| Route {
            destination: destination.into(),
            provider_country: country.into(),
            basis: "a law".into(),
            ..Route::default()
        };
        assert!(refused(casework::add_route(c, &Route { basis: " ".into(), ..route("ncmec", "") }, &olga).await).contains("basis"));
        assert!(refused(casework::add_route(c, &route("ncmec", "Atlantis"), &olga).await).contains("capital"));
        casework::add_route(c, &Route { unless: "ncmec".into(), from: "2026-04-07".into(), ..route("package-nca", "GB") }, &olga).await.unwrap();
        casework::add_route(c, &Route { until: "2020-01-01".into(), ..route("xarf", "") }, &olga).await.unwrap();
        casework::add_route(c, &Route { service: Some(ServiceKind::Gaming), ..route("webhook", "") }, &olga).await.unwrap();
        let to = |r: Routing| r.to.into_iter().map(|r| r.destination).collect::<Vec<_>>();
        assert_eq!(to(casework::routing_for(c, &british).await.unwrap()), ["package-nca"]);
        // A route for any country. The British route is skipped because of it (`unless: ncmec`),
        // but only once NCMEC's production service is switched on.
        let every = casework::add_route(c, &route("ncmec", ""), &olga).await.unwrap();
        // It isn't yet: a report to the test service reaches no one, so both routes apply.
        let routing = casework::routing_for(c, &british).await.unwrap();
        assert_eq!(to(routing), ["package-nca", "ncmec"]);
        // Nor is it skipped because of a draft for the test service.
        let tried = case(c, r#"{"facts": {"reported": {"id": "v"}, "jurisdiction": {"provider_country": "GB", "service": "messaging"}}}"#, None).await.case;
        let decision = casework::decide(c, &tried, &rita, &request()).await.unwrap();
        casework::file_report(c, &decision, "ncmec", false, "t").await.unwrap();
        let routing = casework::routing_for(c, &tried).await.unwrap();
        assert_eq!(to(routing), ["package-nca", "ncmec"]);
        let production = Channel {
            destination: "ncmec".into(),
            user: Some("u".into()),
            secret: Some(Sealed::new("p".into())),
            officer: Some(olga.id.clone()),
            production: true,
            ..Channel::default()
        };
        casework::set_channel(c, &production, &olga).await.unwrap();
        let routing = casework::routing_for(c, &british).await.unwrap();
        assert_eq!(routing.spared[0].0.destination, "package-nca");
        assert_eq!(to(routing), ["ncmec"]);
        // NCMEC has a report now. Removing its route must neither revive the British route nor
        // allow a second report.
        let decision = casework::decide(c, &british, &rita, &request()).await.unwrap();
        casework::file_report(c, &decision, "ncmec", false, "t").await.unwrap();
        casework::remove_route(c, &every, &olga).await.unwrap();
        assert!(casework::routing_for(c, &british).await.unwrap().to.is_empty());
        assert!(refused(casework::file_report(c, &decision, "ncmec", false, "t").await).contains("once"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_in_danger_alarms_until_a_report_is_approved_or_refused() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, olga) = people(c).await;
        // Each alarm is marked as seen, because an unseen one is updated instead of raised again.
        let alarmed = async || {
            b.clock.pass(30 * 60);
            let raised = casework::alarm_about_danger(c).await.unwrap();
            for alarm in casework::alarms(c).await.unwrap() {
                assert_eq!(alarm.kind, "child-in-danger");
                casework::see_alarm(c, &alarm.id, &olga).await.unwrap();
            }
            raised
        };
        let danger = r#"{"facts": {"reported": {"id": "u-1"}, "risks": ["meeting-planned"]}}"#;
        case(c, "{}", None).await;
        assert_eq!(alarmed().await, 0, "a case without a child in danger");
        let id = case(c, danger, None).await.case;
        assert_eq!((alarmed().await, alarmed().await), (1, 1), "undecided");
        let chosen = casework::decide(c, &id, &rita, &request()).await.unwrap();
        let report = casework::file_report(c, &chosen, "ncmec", false, "t")
            .await
            .unwrap();
        assert_eq!(alarmed().await, 1, "decided, not approved");
        let approve = async |report: &str| {
            obhut_app::reports::approve(c, report, &olga, Some("a meeting"), false)
                .await
                .unwrap();
        };
        approve(&report).await;
        assert_eq!(alarmed().await, 1, "approved for NCMEC's test service");
        let real = casework::file_report(c, &chosen, "package", false, "t")
            .await
            .unwrap();
        approve(&real).await;
        assert_eq!(alarmed().await, 0, "approved");
        let other = case(c, danger, None).await.case;
        assert_eq!(alarmed().await, 1);
        let nothing = decision(Ruling::NoReport);
        casework::decide(c, &other, &rita, &nothing).await.unwrap();
        assert_eq!(alarmed().await, 0, "decided not to report");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_run_from_awareness_and_raise_one_alarm() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (_, olga) = people(c).await;
        // The bench's day is 2026-09-21.
        let id = case(
            c,
            r#"{"facts": {"known_at": "2026-09-21T12:00:00Z"}}"#,
            None,
        )
        .await
        .case;
        let due = &casework::deadlines(c, Some(&id), false).await.unwrap()[0];
        assert_eq!(rfc3339(due.due_at), "2026-09-22T12:00:00Z");
        assert_eq!(casework::escalate_deadlines(c).await.unwrap(), 0);
        // 10:13 of the next day: the last quarter of the 24 hours began at 06:00.
        b.clock.pass(20 * 3_600);
        assert_eq!(casework::escalate_deadlines(c).await.unwrap(), 1);
        assert_eq!(casework::escalate_deadlines(c).await.unwrap(), 0);
        let alarm = &casework::alarms(c).await.unwrap()[0];
        assert!(alarm.text.contains(&id) && alarm.text.contains("is due"));
        casework::see_alarm(c, &alarm.id, &olga).await.unwrap();
        assert!(casework::alarms(c).await.unwrap().is_empty());
        // An alarm is seen once: a repeated confirmation is refused.
        assert!(casework::see_alarm(c, &alarm.id, &olga).await.is_err());
        // An authority's request has its own deadline, which can be extended but never shortened.
        let now = due.due_at;
        let request = casework::add_authority_request(
            c,
            &id,
            "Police 7",
            "4711",
            now + 86_400_000_000,
            None,
            &olga,
        )
        .await
        .unwrap();
        // Another case's exhibit as the legal process would show that case to readers of this one.
        let other = case(c, r#"{"files": [{}]}"#, Some(b"a warrant")).await;
        let warrant = other.exhibits[0].as_deref();
        let day = due.due_at + 86_400_000_000;
        let asked = async |case: &str| {
            casework::add_authority_request(c, case, "Police 7", "4711", day, warrant, &olga).await
        };
        assert!(refused(asked(&id).await).contains("another case"));
        asked(&other.case).await.unwrap();
        assert!(
            refused(casework::extend_deadline(c, &request, now, "no", &olga).await)
                .contains("only be extended")
        );
        casework::extend_deadline(c, &request, now + 2 * 86_400_000_000, "by telephone", &olga)
            .await
            .unwrap();
        casework::end_deadline(c, &request, "answered", &olga)
            .await
            .unwrap();
        assert_eq!(
            casework::deadlines(c, Some(&id), false)
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            casework::deadlines(c, Some(&id), true).await.unwrap().len(),
            2
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_counted_once_by_source() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, _) = people(c).await;
        let id = case(c, r#"{"facts": {"reported": {"id": "u"}}}"#, None)
            .await
            .case;
        let decision = casework::decide(c, &id, &rita, &request()).await.unwrap();
        let report = casework::file_report(c, &decision, "ncmec", false, "t")
            .await
            .unwrap();
        // One source states the same outcome twice; it counts once.
        for _ in 0..2 {
            casework::add_outcome(c, &report, "Police 7", Outcome::ChildSafeguarded, "t")
                .await
                .unwrap();
        }
        casework::add_outcome(c, &report, "NCMEC", Outcome::Useful, "t")
            .await
            .unwrap();
        let counts = casework::outcome_counts(c).await.unwrap();
        assert_eq!(counts.len(), 2);
        assert_eq!(counts[1].counts.get("child-safeguarded"), Some(&1));
        assert!(
            casework::add_outcome(c, "report-0", "x", Outcome::Useful, "t")
                .await
                .is_err()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_are_grouped_as_the_case_file_says() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let by_account = r#"{"group": "account", "facts": {"reported": {"id": "u"}}}"#;
        let first = case(c, by_account, None).await.case;
        let file = CaseFile::from_json(by_account.as_bytes()).unwrap();
        // A second open case of one account would split its findings; the refusal names the first.
        assert!(refused(casework::new_case(c, &file, Vec::new(), "t").await).contains(&first));
        // A match that screening finds for the account joins that case.
        signed(c, "hotline", &[("one", b"known bytes")]).await;
        let screened = screen(c, b"known bytes").await;
        let recorded = media::record(c, &screened, &subject("u"), Some(b"known bytes"), "t")
            .await
            .unwrap();
        assert_eq!(recorded.case.as_deref(), Some(first.as_str()));
        for (json, field) in [
            (r#"{"group": "series"}"#, "facts.series"),
            (r#"{"group": "thread"}"#, "facts.threads[0].id"),
            (r#"{"group": "account"}"#, "facts.reported.id"),
        ] {
            let file = CaseFile::from_json(json.as_bytes()).unwrap();
            assert!(refused(casework::new_case(c, &file, Vec::new(), "t").await).contains(field));
        }
        // A second case with the same bytes names the first.
        let again = case(
            c,
            r#"{"facts": {"reported": {"id": "u"}}, "files": [{}]}"#,
            Some(b"known bytes"),
        )
        .await
        .case;
        assert_eq!(
            casework::dossier(c, &again, false).await.unwrap().files[0].seen_before,
            [first]
        );
    })
    .await;
}

/// Once an entry is disputed, no case's scores and reports count its match any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_disputed_entry_counts_in_no_case() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        signed(c, "hotline", &[("one", b"known bytes")]).await;
        let screened = screen(c, b"known bytes").await;
        let recorded = media::record(c, &screened, &subject("u"), Some(b"known bytes"), "t")
            .await
            .unwrap();
        let id = recorded.case.unwrap();
        assert!(casework::dossier(c, &id, false).await.unwrap().matched);
        let before = casework::dossier(c, &id, false).await.unwrap().scores();
        media::dispute_entry(c, "hotline", "one", "harmless", "t")
            .await
            .unwrap();
        let after = casework::dossier(c, &id, false).await.unwrap();
        assert!(!after.matched);
        assert!(
            after.scores().missing.len() > before.missing.len(),
            "the file is no longer on a list, and no person has viewed it"
        );
    })
    .await;
}

/// SQLite can store a zero byte in a text. PostgreSQL can't, so the text is refused as invalid.
#[tokio::test(flavor = "multi_thread")]
async fn a_zero_byte_in_a_text_is_refused_where_it_cannot_be_stored() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (rita, _) = people(c).await;
        let id = case(c, r#"{"facts": {"reported": {"id": "u"}}}"#, None)
            .await
            .case;
        let mut request = request();
        request.grounds = "a\0b".into();
        match casework::decide(c, &id, &rita, &request).await {
            Ok(_) | Err(CaseworkError::Invalid { .. }) => {}
            other => panic!("{other:?}"),
        }
    })
    .await;
}
