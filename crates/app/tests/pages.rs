//! Paged and limited queries on each database: cases, decided uploads, deadlines.

mod bench;

/// The domains the bench registers: all of them.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    obhut_app::domains()
}

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_cases_and_decided_uploads_neither_skip_nor_repeat() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let screened = screen(c, &known).await;
        let mut made = Vec::new();
        for n in 0..5 {
            let recorded = media::record(
                c,
                &screened,
                &subject(&format!("u-{n}")),
                Some(&known),
                "server",
            )
            .await
            .unwrap();
            made.push(recorded);
        }
        let case = |n: usize| made[n].case.clone().unwrap();
        for (n, ruling) in [
            (0, Ruling::Report),
            (2, Ruling::NoReport),
            (3, Ruling::Report),
        ] {
            casework::decide(c, &case(n), &rita, &decision(ruling))
                .await
                .unwrap();
        }
        let pages = async |status| {
            let (mut seen, mut before) = (Vec::new(), None::<CasePlace>);
            loop {
                let page = casework::cases_before(c, status, before.as_ref(), 2)
                    .await
                    .unwrap();
                assert!(page.iter().all(|case| case.files == 1));
                let Some(last) = page.last() else {
                    return seen;
                };
                before = Some((last.opened_at, last.id.clone()));
                seen.extend(page.into_iter().map(|case| case.id));
            }
        };
        let newest_first = |all: &[usize]| all.iter().map(|n| case(*n)).collect::<Vec<_>>();
        assert_eq!(pages(None).await, newest_first(&[4, 3, 2, 1, 0]));
        let decided = Some(CaseStatus::Decided);
        assert_eq!(pages(decided).await, newest_first(&[3, 0]));
        assert_eq!(
            casework::case_counts(c).await.unwrap(),
            [
                (CaseStatus::Closed, 1),
                (CaseStatus::Decided, 2),
                (CaseStatus::Open, 2)
            ]
        );
        // A page continues after a time and a case: here after those of the first upload.
        let all = casework::uploads_decided(c, 0, "").await.unwrap();
        let ids = |found: &DecidedUploads| {
            let cases = found.uploads.iter().map(|u| u.case.clone());
            cases.collect::<Vec<_>>()
        };
        assert_eq!(ids(&all), newest_first(&[0, 2, 3]));
        let first = all.uploads[0].since.unwrap();
        let rest = casework::uploads_decided(c, first, &case(0)).await.unwrap();
        assert_eq!(ids(&rest), newest_first(&[2, 3]));
        // Earlier decisions about the same bytes, newest first.
        let exhibit = made[4].exhibit.as_ref().unwrap();
        let earlier = casework::earlier_decisions(c, &case(4), exhibit)
            .await
            .unwrap();
        let earlier: Vec<_> = earlier.into_iter().map(|e| e.case).collect();
        assert_eq!(earlier, newest_first(&[3, 2, 0]));
        // One of the four running deadlines; that of the closed case has ended.
        assert_eq!(casework::deadlines_due(c, 1).await.unwrap().len(), 1);
        assert_eq!(casework::deadlines(c, None, false).await.unwrap().len(), 4);
    })
    .await;
}
