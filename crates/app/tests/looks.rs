//! Looks at exhibits on both databases: counted, capped, and spared where a copy was viewed.

mod bench;

/// The domains the bench registers: all of them.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    obhut_app::domains()
}

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;

/// A case about an upload of an account, and its exhibit.
async fn upload(c: &Casework, account: &str, bytes: &[u8]) -> (String, String) {
    let screened = screen(c, bytes).await;
    let recorded = media::record(c, &screened, &subject(account), Some(bytes), "server")
        .await
        .unwrap();
    (recorded.case.unwrap(), recorded.exhibit.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_counts_looks_of_a_day_and_lifts_add_up() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let (_, exhibit) = upload(c, "a", &known).await;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let sara = new_person(c, "Sara", &[Role::Reviewer]).await;
        let ada = new_person(c, "Adam", &[Role::Administrator]).await;
        let look = async |person: &Person, extent| {
            casework::view(c, &exhibit, person, "review", extent).await
        };
        // Nothing to lift yet.
        let early = casework::lift_exposure_cap(c, &rita, 1, "r", &sara).await;
        assert!(refused(early).contains("no cap"));
        casework::set_exposure_cap(c, Some(2), &ada).await.unwrap();
        look(&rita, Extent::Whole).await.unwrap();
        look(&rita, Extent::Metadata).await.unwrap();
        look(&rita, Extent::Part).await.unwrap();
        assert!(refused(look(&rita, Extent::Whole).await).contains("take a break"));
        look(&sara, Extent::Whole).await.unwrap();
        for (more, left) in [(1, 1), (2, 3)] {
            casework::lift_exposure_cap(c, &rita, more, "r", &sara)
                .await
                .unwrap();
            let today = casework::looks_today(c, &rita.id).await.unwrap();
            assert_eq!(today.left(), Some(left));
        }
        for more in [0, -1, 1_001] {
            let lifted = casework::lift_exposure_cap(c, &rita, more, "r", &sara).await;
            assert!(matches!(lifted, Err(CaseworkError::Invalid { .. })));
        }
        look(&rita, Extent::Whole).await.unwrap();
        // Looks at the same time don't pass it together.
        let looks = futures::future::join_all((0..8).map(|_| look(&sara, Extent::Whole))).await;
        assert_eq!(looks.iter().filter(|look| look.is_ok()).count(), 1);
        // More means more from now on, also under a cap that is lower than what was looked at.
        casework::set_exposure_cap(c, Some(1), &ada).await.unwrap();
        casework::lift_exposure_cap(c, &sara, 2, "r", &rita)
            .await
            .unwrap();
        let today = casework::looks_today(c, &sara.id).await.unwrap();
        assert_eq!(today.left(), Some(2));
        // The cap may be taken away again.
        casework::set_exposure_cap(c, None, &ada).await.unwrap();
        let today = casework::looks_today(c, &rita.id).await.unwrap();
        assert_eq!((today.looks, today.left()), (3, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_what_was_viewed_are_named() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let (first, viewed) = upload(c, "a", &known).await;
        let (second, copy) = upload(c, "b", &known).await;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        let before = async |case: &str| obhut_app::seen_before(c, case).await.unwrap();
        casework::view(c, &viewed, &rita, "review", Extent::Whole)
            .await
            .unwrap();
        assert_eq!(before(&second).await.len(), 0, "viewed and not decided");
        let request = decision(Ruling::Report);
        casework::decide(c, &first, &rita, &request).await.unwrap();
        let seen = before(&second).await;
        assert_eq!(seen.len(), 1);
        let seen = &seen[&copy];
        assert_eq!((&seen.case, &seen.exhibit), (&first, &viewed));
        assert!(seen.same_bytes && seen.ruling == Ruling::Report && seen.name == "Rita");
        // A case doesn't spare its own files.
        assert_eq!(before(&first).await.len(), 0);
        let nina = new_person(c, "Nina", &[Role::Reviewer]).await;
        uphold_appeal(c, &first, &nina).await;
        assert_eq!(before(&second).await.len(), 0, "cleared");
    })
    .await;
}
