//! The path from hash list to retraction, on SQLite and on PostgreSQL.
//!
//! `cargo xtask test` starts PostgreSQL and names it in `OBHUT_TEST_POSTGRES`; without it these
//! tests run on SQLite alone.

mod bench;

/// The domains the bench registers: all of them.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    obhut_app::domains()
}

use std::sync::Arc;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;
use obhut_media::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_counts_until_two_people_have_signed_it() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        let import = media::import_list(c, &assessed("hotline"), &csv(&[("one", &known)]), "test")
            .await
            .unwrap();
        assert!(import.new_version && import.list.unsigned);

        let screened = screen(c, &known).await;
        assert_eq!(
            (screened.verdict, screened.action),
            (Verdict::NoMatch, Action::Pass)
        );
        assert_eq!(
            (screened.matches.len(), screened.matches[0].signed),
            (1, false)
        );
        let recorded = media::record(c, &screened, &subject("a"), None, "test")
            .await
            .unwrap();
        assert_eq!(recorded.case, None);
        assert_eq!(media::list(c, "hotline").await.unwrap().hits_counted, 1);

        let ada = steward(c, "Ada Lovelace").await;
        assert!(media::sign_list(c, "hotline", &ada).await.unwrap().unsigned);
        // The same person under another spelling is still one person.
        let same = steward(c, "  ada   LOVELACE ").await;
        assert_eq!(same.id, ada.id);
        assert!(refused(media::sign_list(c, "hotline", &same).await).contains("another person"));
        assert_eq!(screen(c, &known).await.verdict, Verdict::NoMatch);

        // Cyrillic a, zero-width space, bell: on a screen each can pass for Ada.
        for lookalike in ["Ada Lovel\u{430}ce", "Ada\u{200b} Lovelace", "Ada\x07"] {
            let added = casework::add_person(c, lookalike, &[Role::ListSteward], "test").await;
            assert!(refused(added).contains("one alphabet"), "{lookalike:?}");
        }
        let list = media::sign_list(c, "hotline", &steward(c, "Grace Hopper").await)
            .await
            .unwrap();
        assert_eq!(
            (list.unsigned, list.signatures.as_slice()),
            (false, &["Ada Lovelace".into(), "Grace Hopper".into()][..])
        );
        let screened = screen(c, &known).await;
        assert_eq!(
            (screened.verdict, screened.action),
            (Verdict::Match, Action::Block)
        );
        assert_eq!(screened.matches[0].version, list.version);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_without_signatures_leaves_the_older_one_matching() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let (old, new) = (picture(1), picture(2));
        signed(c, "hotline", &[("old", &old)]).await;
        let newer = csv(&[("new", &new)]);
        assert!(
            media::import_list(c, &assessed("hotline"), &newer, "test")
                .await
                .unwrap()
                .new_version
        );
        assert!(
            !media::import_list(c, &assessed("hotline"), &newer, "test")
                .await
                .unwrap()
                .new_version
        );
        assert_eq!(screen(c, &old).await.verdict, Verdict::Match);
        assert_eq!(screen(c, &new).await.verdict, Verdict::NoMatch);
        for person in ["Ada", "Grace"] {
            media::sign_list(c, "hotline", &steward(c, person).await)
                .await
                .unwrap();
        }
        assert_eq!(screen(c, &old).await.verdict, Verdict::NoMatch);
        assert_eq!(screen(c, &new).await.verdict, Verdict::Match);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disputed_entry_stops_matching_immediately() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        assert_eq!(screen(c, &known).await.verdict, Verdict::Match);
        media::dispute_entry(c, "hotline", "one", "a beach", "test")
            .await
            .unwrap();
        assert_eq!(screen(c, &known).await.verdict, Verdict::NoMatch);
        assert_eq!(media::list(c, "hotline").await.unwrap().disabled, 1);
        media::lift_dispute(c, "hotline", "one", "test")
            .await
            .unwrap();
        assert_eq!(screen(c, &known).await.verdict, Verdict::Match);
        let e = media::dispute_entry(c, "hotline", "nothing", "", "test")
            .await
            .unwrap_err();
        assert!(matches!(e, CaseworkError::NotFound { .. }), "{e}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn purposes_are_kept() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        let list = csv(&[("one", &known)]);
        let blocked = media::import_list(
            c,
            &settings("own", Purpose::SelfSubmission, Action::Block),
            &list,
            "test",
        )
        .await;
        assert!(refused(blocked).contains("never block"));
        let held = media::import_list(
            c,
            &settings("fine", Purpose::KnownHarmless, Action::Hold),
            &list,
            "test",
        )
        .await;
        assert!(refused(held).contains("neither holds nor blocks"));
        let nameless = ListSettings {
            owner: " ".into(),
            ..assessed("x")
        };
        assert!(refused(media::import_list(c, &nameless, &list, "test").await).contains("owner"));

        media::import_list(
            c,
            &settings("fine", Purpose::KnownHarmless, Action::Pass),
            &list,
            "test",
        )
        .await
        .unwrap();
        for person in ["Ada", "Grace"] {
            media::sign_list(c, "fine", &steward(c, person).await)
                .await
                .unwrap();
        }
        assert_eq!(screen(c, &known).await.verdict, Verdict::KnownHarmless);
        // A known-harmless entry doesn't hide a match.
        signed(c, "hotline", &[("one", &known)]).await;
        assert_eq!(screen(c, &known).await.verdict, Verdict::Match);
        // A list's purpose can't be changed; a list for another purpose needs another name.
        let changed = media::import_list(
            c,
            &settings("fine", Purpose::Assessed, Action::Hold),
            &list,
            "test",
        )
        .await;
        assert!(refused(changed).contains("another name"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_match_to_retraction() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let screened = screen(c, &known).await;
        let recorded = media::record(c, &screened, &subject("account-9"), Some(&known), "server")
            .await
            .unwrap();
        let case = recorded.case.unwrap();
        let exhibit = recorded.exhibit.unwrap();
        // The same account's next match joins the open case.
        let again = media::record(c, &screened, &subject("account-9"), None, "server")
            .await
            .unwrap();
        assert_eq!(again.case.as_ref(), Some(&case));
        let other = media::record(c, &screened, &subject("account-10"), None, "server")
            .await
            .unwrap();
        assert_ne!(other.case.as_ref(), Some(&case));

        // No report without a decision, and no decision without a reviewer.
        assert!(
            refused(casework::report(c, &case, false, "test").await).contains("not decided yet")
        );
        let request = DecisionRequest {
            ruling: Ruling::Report,
            grounds: "as assessed".into(),
            category: Some(Category {
                scale: "ncmec-industry".into(),
                value: "A2".into(),
            }),
        };
        let ada = steward(c, "Ada").await;
        assert!(refused(casework::decide(c, &case, &ada, &request).await).contains("reviewer"));
        let rita = new_person(c, "Rita", &[Role::Reviewer, Role::ReportingOfficer]).await;
        let empty = DecisionRequest {
            grounds: "  ".into(),
            ..request.clone()
        };
        assert!(refused(casework::decide(c, &case, &rita, &empty).await).contains("grounds"));
        let decision = casework::decide(c, &case, &rita, &request).await.unwrap();
        assert_eq!(
            casework::decisions(c, &case).await.unwrap(),
            std::slice::from_ref(&decision)
        );

        // "Viewed" comes from the record alone.
        let report = casework::report(c, &case, false, "test").await.unwrap();
        assert_eq!(
            (
                report.dossier.files.len(),
                report.dossier.files[0].viewed_whole
            ),
            (2, false)
        );
        assert!(
            refused(casework::view(c, &exhibit, &ada, "look", Extent::Whole).await)
                .contains("reviewer")
        );
        assert_eq!(
            casework::view(c, &exhibit, &rita, "decision", Extent::Part)
                .await
                .unwrap(),
            known
        );
        assert!(
            !casework::report(c, &case, false, "test")
                .await
                .unwrap()
                .dossier
                .files[0]
                .viewed_whole
        );
        casework::view(c, &exhibit, &rita, "decision", Extent::Whole)
            .await
            .unwrap();
        let report = casework::report(c, &case, false, "test").await.unwrap();
        assert_eq!(
            (
                report.dossier.files[0].viewed_whole,
                report.dossier.files[0].viewed_metadata
            ),
            (true, false)
        );
        assert_eq!(
            report
                .dossier
                .facts
                .expose()
                .reported
                .as_ref()
                .unwrap()
                .id
                .as_deref(),
            Some("account-9")
        );

        // The person who decided can't approve the report.
        let filed = casework::file_report(c, &decision, "ncmec", false, "test")
            .await
            .unwrap();
        assert!(
            refused(obhut_app::reports::approve(c, &filed, &rita, None, false).await)
                .contains("another person")
        );
        assert_eq!(casework::jobs_waiting(c).await.unwrap(), 0);
        let olga = new_person(c, "Olga", &[Role::ReportingOfficer, Role::Reviewer]).await;
        obhut_app::reports::approve(c, &filed, &olga, None, false)
            .await
            .unwrap();
        assert!(
            refused(obhut_app::reports::approve(c, &filed, &olga, None, false).await)
                .contains("already")
        );
        let jobs = casework::claim_jobs(c, "w", 10, 1_000_000).await.unwrap();
        assert_eq!(
            (jobs.len(), jobs[0].kind, jobs[0].subject.as_str()),
            (1, JobKind::Report, filed.as_str())
        );
        casework::finish_job(c, &jobs[0], "w").await.unwrap();
        assert_eq!(
            casework::case(c, &case).await.unwrap().case.status,
            CaseStatus::Reported
        );

        // Redress.
        let appeal = casework::file_appeal(c, &case, "it is my own beach photo", "public")
            .await
            .unwrap();
        let upheld = casework::decide_appeal(
            c,
            &case,
            &appeal.id,
            &rita,
            AppealOutcome::Upheld,
            "harmless",
        )
        .await;
        assert!(refused(upheld).contains("another person"));
        let nina = new_person(c, "Nina", &[Role::Appeals]).await;
        uphold(c, &case, &appeal.id, &nina).await;
        let detail = casework::case(c, &case).await.unwrap();
        assert_eq!(detail.case.status, CaseStatus::Cleared);
        assert!(detail.case.account.is_none() && detail.facts.expose() == &Facts::default());
        assert!(detail.findings.iter().all(|f| f.name.is_none()));
        let jobs = casework::claim_jobs(c, "w", 10, 1_000_000).await.unwrap();
        assert_eq!(
            (jobs.len(), jobs[0].kind, jobs[0].subject.as_str()),
            (1, JobKind::Retraction, filed.as_str())
        );
        // Nina's decision only proposed to dispute the exact digest; a second person confirms it.
        media::dispute_entry(c, "hotline", "one", "wrong", &rita.id)
            .await
            .unwrap();
        assert_eq!(
            screen(c, &known).await.verdict,
            Verdict::NoMatch,
            "the entry that misfired"
        );
        assert!(
            casework::verify_vault(c)
                .await
                .unwrap()
                .vault
                .problems
                .is_empty()
        );

        let acts: Vec<_> = casework::audit(c, None)
            .await
            .unwrap()
            .into_iter()
            .map(|r| r.act)
            .collect();
        for act in [
            "list.import",
            "list.sign",
            "case.open",
            "finding.record",
            "case.decide",
            "report.build",
            "exhibit.view",
            "report.file",
            "report.approve",
            "appeal.file",
            "appeal.decide",
            "list.disable",
        ] {
            assert!(
                acts.iter().any(|a| a == act),
                "{act} is not in the audit trail"
            );
        }
    })
    .await;
}

/// Many concurrent uploads of one account, with a decision in between: at most one case is open at
/// a time, and every finding belongs to a case.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_findings_of_one_account_share_a_case_and_none_is_lost() {
    on_each_database(async |b: Bench| {
        let c = Arc::new(b.casework);
        let known = picture(1);
        signed(&c, "hotline", &[("one", &known)]).await;
        let screened = screen(&c, &known).await;
        let many = async |count: usize| {
            let tasks: Vec<_> = (0..count)
                .map(|_| {
                    let (c, screened, known) = (c.clone(), screened.clone(), known.clone());
                    tokio::spawn(async move {
                        media::record(&c, &screened, &subject("a"), Some(&known), "t")
                            .await
                            .unwrap()
                    })
                })
                .collect();
            let mut cases = Vec::new();
            for task in tasks {
                cases.push(task.await.unwrap().case.unwrap());
            }
            cases
        };
        let first = many(12).await;
        assert!(first.iter().all(|case| *case == first[0]), "{first:?}");
        assert_eq!(casework::findings(&c, &first[0]).await.unwrap().len(), 12);
        let rita = new_person(&c, "Rita", &[Role::Reviewer]).await;
        // Decided to report, because after a decision not to, the same bytes of this account pass.
        let request = decision(Ruling::Report);
        let (decided, during) =
            tokio::join!(casework::decide(&c, &first[0], &rita, &request), many(12));
        decided.unwrap();
        let cases = casework::cases(&c, None).await.unwrap();
        // The decision falls before, between or after the twelve: one case or two.
        assert!((1..=2).contains(&cases.len()), "{cases:?}");
        let mut findings = 0;
        for case in &cases {
            findings += casework::findings(&c, &case.id).await.unwrap().len();
        }
        assert_eq!(findings, 24);
        assert!(
            during
                .iter()
                .all(|id| cases.iter().any(|case| case.id == *id))
        );
        assert!(
            casework::verify_vault(&c)
                .await
                .unwrap()
                .vault
                .problems
                .is_empty()
        );
    })
    .await;
}

/// Regression: each approval held a connection and asked the pool for a second one. With as many
/// approvals as the pool has connections, all of them timed out.
#[tokio::test(flavor = "multi_thread")]
async fn many_approvals_do_not_wait_for_each_other() {
    on_each_database(async |b: Bench| {
        let c = Arc::new(b.casework);
        let rita = new_person(&c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(&c, "Olga", &[Role::ReportingOfficer]).await;
        let mut reports = Vec::new();
        for n in 0..16 {
            let text = format!(r#"{{"facts": {{"reported": {{"id": "user-{n}"}}}}}}"#);
            let file = CaseFile::from_json(text.as_bytes()).unwrap();
            let case = casework::new_case(&c, &file, Vec::new(), "test")
                .await
                .unwrap()
                .case;
            let decided = casework::decide(&c, &case, &rita, &decision(Ruling::Report))
                .await
                .unwrap();
            reports.push(
                casework::file_report(&c, &decided, "ncmec", false, "test")
                    .await
                    .unwrap(),
            );
        }
        let approvals: Vec<_> = reports
            .into_iter()
            .map(|report| {
                let (c, olga) = (c.clone(), olga.clone());
                tokio::spawn(async move {
                    obhut_app::reports::approve(&c, &report, &olga, None, false).await
                })
            })
            .collect();
        for approval in approvals {
            approval.await.unwrap().unwrap();
        }
    })
    .await;
}

/// Regression: on PostgreSQL two officers at the same moment made two reports of one case to one
/// authority, and one withdrawn by one of them was approved, and queued, by the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_officers_at_once_make_one_report_and_withdraw_or_send_it() {
    on_each_database(async |b: Bench| {
        let c = Arc::new(b.casework);
        let rita = new_person(&c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(&c, "Olga", &[Role::ReportingOfficer]).await;
        for n in 0..20 {
            let text = format!(r#"{{"facts": {{"reported": {{"id": "user-{n}"}}}}}}"#);
            let file = CaseFile::from_json(text.as_bytes()).unwrap();
            let case = casework::new_case(&c, &file, Vec::new(), "test")
                .await
                .unwrap()
                .case;
            let decided = casework::decide(&c, &case, &rita, &decision(Ruling::Report))
                .await
                .unwrap();
            let file = async || casework::file_report(&c, &decided, "ncmec", false, "t").await;
            let (one, other) = tokio::join!(file(), file());
            assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
            let report = one.or(other).unwrap();
            let (approved, withdrawn) = tokio::join!(
                obhut_app::reports::approve(&c, &report, &olga, None, false),
                casework::retract_report(&c, &report, "a mistake", &olga)
            );
            withdrawn.unwrap();
            let row = casework::report_row(&c, &report).await.unwrap();
            assert_eq!(row.status, "withdrawn", "{approved:?}");
            assert_eq!(casework::jobs_waiting(&c).await.unwrap(), 0, "{approved:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_messages_need_a_legal_basis_that_has_not_ended() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let screened = screen(c, &picture(1)).await;
        let private = Subject {
            surface: Surface::PrivateMessage,
            ..subject("a")
        };
        assert!(matches!(
            media::record(c, &screened, &private, None, "t").await,
            Err(CaseworkError::NoLegalBasis)
        ));
        let ends = b.clock.now_micros() + 60_000_000;
        assert!(
            refused(
                casework::record_legal_basis(c, Surface::PrivateMessage, "law", "", ends, "t")
                    .await
            )
            .contains("owner")
        );
        assert!(
            refused(
                casework::record_legal_basis(c, Surface::PrivateMessage, "law", "Ada", 1, "t")
                    .await
            )
            .contains("future")
        );
        casework::record_legal_basis(c, Surface::PrivateMessage, "law", "Ada", ends, "t")
            .await
            .unwrap();
        media::record(c, &screened, &private, None, "t")
            .await
            .unwrap();
        // A second after the basis ended.
        b.clock.pass(61);
        assert!(matches!(
            casework::check_surface(c, Surface::PrivateMessage).await,
            Err(CaseworkError::NoLegalBasis)
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_one_workers_until_its_claim_runs_out() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let olga = new_person(c, "Olga", &[Role::ReportingOfficer]).await;
        let screened = screen(c, &known).await;
        for i in 0..20 {
            let case = media::record(c, &screened, &subject(&format!("a{i}")), None, "t")
                .await
                .unwrap()
                .case
                .unwrap();
            let request = decision(Ruling::Report);
            let decision = casework::decide(c, &case, &rita, &request).await.unwrap();
            let filed = casework::file_report(c, &decision, "ncmec", false, "t")
                .await
                .unwrap();
            obhut_app::reports::approve(c, &filed, &olga, None, false)
                .await
                .unwrap();
        }
        let claims = tokio::join!(
            casework::claim_jobs(c, "w1", 8, 30_000_000),
            casework::claim_jobs(c, "w2", 8, 30_000_000),
            casework::claim_jobs(c, "w3", 8, 30_000_000)
        );
        let mut ids: Vec<_> = [claims.0, claims.1, claims.2]
            .into_iter()
            .flat_map(|jobs| jobs.unwrap())
            .map(|j| j.id)
            .collect();
        // A fourth worker claims what the three left; no job is claimed twice.
        ids.extend(
            casework::claim_jobs(c, "w4", 20, 30_000_000)
                .await
                .unwrap()
                .into_iter()
                .map(|j| j.id),
        );
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), all), (20, 20));
        // The claims were for 30 seconds.
        b.clock.pass(31);
        let late = casework::claim_jobs(c, "w5", 1, 30_000_000).await.unwrap();
        assert_eq!(late[0].tries, 2);
        assert!(refused(casework::finish_job(c, &late[0], "w1").await).contains("no longer"));
        casework::finish_job(c, &late[0], "w5").await.unwrap();
        assert_eq!(casework::jobs_waiting(c).await.unwrap(), 19);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_until_revoked_and_never_stored_in_plain() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        assert!(
            refused(casework::create_key(c, "k", &[Right::Decide], None, "t").await)
                .contains("person")
        );
        let (key, secret) = casework::create_key(c, "k", &[Right::Screen], None, "t")
            .await
            .unwrap();
        assert_eq!(casework::key(c, &secret).await.unwrap(), Some(key.clone()));
        assert_eq!(casework::key(c, "obhut_0").await.unwrap(), None);
        casework::revoke_key(c, &key.id, "t").await.unwrap();
        assert_eq!(casework::key(c, &secret).await.unwrap(), None);
        // Only SQLite's file can be searched from here.
        if b.url.is_none() {
            let stored = std::fs::read(b.folder.path().join("obhut.db")).unwrap();
            assert!(!stored.windows(secret.len()).any(|w| w == secret.as_bytes()));
        }
    })
    .await;
}

/// Digests, accounts, file names and content are never stored in plain text, be it in the lists,
/// the database or the vault.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_sensitive_is_stored_in_plain_text() {
    let b = bench(None).await;
    let c = &b.casework;
    let known = picture(1);
    signed(c, "hotline", &[("one", &known)]).await;
    media::record(
        c,
        &screen(c, &known).await,
        &subject("account-9-secret"),
        Some(&known),
        "t",
    )
    .await
    .unwrap();
    // What people write may name whom it is about.
    let case = casework::cases(c, None).await.unwrap().remove(0).id;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let exhibit = casework::exhibits(c).await.unwrap().remove(0).id;
    let extent = Extent::Whole;
    casework::view(c, &exhibit, &rita, "purpose-secret", extent)
        .await
        .unwrap();
    let request = DecisionRequest {
        ruling: Ruling::Report,
        grounds: "grounds-secret".into(),
        category: None,
    };
    let decided = casework::decide(c, &case, &rita, &request).await.unwrap();
    assert_eq!(decided.grounds(), "grounds-secret");
    let otto = new_person(c, "Otto", &[Role::Reviewer]).await;
    let appeal = casework::file_appeal(c, &case, "reason-secret", "t").await;
    let outcome = AppealOutcome::Rejected;
    casework::decide_appeal(
        c,
        &case,
        &appeal.unwrap().id,
        &otto,
        outcome,
        "appeal-secret",
    )
    .await
    .unwrap();
    // The one entry of a short list could be found from a plain digest of its file.
    let entry = format!("kind,digest,entry_id\nmd5,{},one\n", md5_hex(&known));
    let settings = ListSettings {
        name: "short".into(),
        owner: "o".into(),
        purpose: Purpose::Assessed,
        basis: "b".into(),
        action: Action::Hold,
    };
    media::import_list(c, &settings, entry.as_bytes(), "t")
        .await
        .unwrap();
    let short = media::list(c, "short").await.unwrap();
    let file = c.folder().list_file(&short.id, &short.version);
    let keys = std::fs::read_to_string(b.folder.path().join("keys/sealing.age")).unwrap();
    let opened = obhut_vault::Sealer::from_text(&keys).unwrap();
    let opened = opened.open(&std::fs::read(&file).unwrap()).unwrap();
    let plain = [entry.as_bytes(), &opened].map(sha256_hex);
    assert!(!short.version.contains(&plain[0]), "the file's name");
    let mut folders = vec![b.folder.path().to_owned()];
    let md5 = md5_hex(&known);
    // A digest may be stored in binary as well as in hexadecimal.
    let raw: Vec<u8> = (0..16)
        .map(|i| u8::from_str_radix(&md5[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for secret in [
                md5.as_bytes(),
                &raw,
                b"account-9-secret",
                b"purpose-secret",
                b"grounds-secret",
                b"reason-secret",
                b"appeal-secret",
                plain[0].as_bytes(),
                plain[1].as_bytes(),
                b"holiday.png",
                &known[100..140],
            ] {
                assert!(
                    !bytes.windows(secret.len()).any(|w| w == secret),
                    "{path:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_openings_of_a_fresh_folder_share_its_keys() {
    on_each_database(async |b: Bench| {
        let folder = tempfile::tempdir().unwrap();
        // A data folder needs its own database: the stored digests depend on its keys.
        let url = match b.url {
            Some(_) => fresh_postgres().await,
            None => None,
        };
        let open = || {
            obhut_app::open(
                DataFolder::new(folder.path()),
                url.as_deref(),
                b.clock.clone(),
            )
        };
        // Neither finds keys. One creates them, and the other must use the same ones.
        let (x, y) = tokio::join!(open(), open());
        let (x, y) = (x.unwrap(), y.unwrap());
        assert_eq!(casework::vault_key(&x), casework::vault_key(&y));
    })
    .await;
}

/// If the vault fails, the caller gets an error and no empty case remains.
#[tokio::test(flavor = "multi_thread")]
async fn a_finding_that_cannot_be_kept_leaves_no_case() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let screened = screen(c, &known).await;
        // A file where the vault's folder belongs.
        let (vault, aside) = (b.folder.path().join("vault"), b.folder.path().join("aside"));
        std::fs::rename(&vault, &aside).unwrap();
        std::fs::write(&vault, b"in the way").unwrap();
        assert!(
            media::record(c, &screened, &subject("a"), Some(&known), "t")
                .await
                .is_err()
        );
        // The exhibit comes first, so nothing was written before it failed.
        assert_eq!(casework::cases(c, None).await.unwrap(), []);
        std::fs::remove_file(&vault).unwrap();
        std::fs::rename(&aside, &vault).unwrap();
        media::record(c, &screened, &subject("a"), Some(&known), "t")
            .await
            .unwrap();
        assert_eq!(casework::cases(c, None).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_key_is_asked_for_not_replaced() {
    let b = bench(None).await;
    let person = casework::add_person(&b.casework, "Rita", &[Role::Reviewer], "t")
        .await
        .unwrap();
    casework::put_exhibit(&b.casework, b"x", None, None, None, None, &person)
        .await
        .unwrap();
    std::fs::remove_file(b.folder.path().join("keys/sealing.age")).unwrap();
    let e = obhut_app::open(DataFolder::new(b.folder.path()), None, b.clock.clone())
        .await
        .err()
        .unwrap();
    assert!(e.to_string().contains("put it back"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_refuse_what_they_do_not_know() {
    assert!(
        Facts::from_json(br#"{"victms": []}"#).is_err(),
        "a typing error must not lose a victim"
    );
    let wrong =
        Facts::from_json(br#"{"reported": {"ip_events": [{"port": "secret"}]}}"#).unwrap_err();
    assert!(
        wrong.to_string().contains("reported.ip_events[0].port"),
        "names the field"
    );
    assert!(
        !wrong.to_string().contains("secret"),
        "and never its content"
    );
    let facts =
        Facts::from_json(br#"{"occurred_at": "2026-11-22T10:00:00+01:00", "victims": [{}]}"#)
            .unwrap();
    assert_eq!(facts.victims.len(), 1);
    let b = bench(None).await;
    assert!(
        casework::set_facts(&b.casework, "case-0", &facts, "t")
            .await
            .is_err()
    );
}
