//! Who is on record, which roles and keys they have, and what ends them.

mod bench;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;

/// Name as given, name as kept; none where it is refused.
#[tokio::test]
async fn a_name_is_kept_as_a_person_reads_it() {
    let b = bench().await;
    #[rustfmt::skip]
    let table: &[(&str, Option<&str>)] = &[
        ("Rita", Some("Rita")),
        ("  Rita   Meier ", Some("Rita Meier")),
        ("Jürgen O'Neill-Łukasz", Some("Jürgen O'Neill-Łukasz")),
        ("Жанна", Some("Жанна")),
        ("rita@example.org", Some("rita@example.org")),
        ("", None),
        (" ", None),
        ("Rita\u{1b}[31m", None),
        ("Rita\u{202e}", None),
        // Mixed Latin and Cyrillic letters can imitate another name.
        ("Ritа", None),
        ("Rita/../x", None),
    ];
    for (given, kept) in table {
        let added = casework::add_person(&b.c, given, &[Role::Reviewer], "test").await;
        match kept {
            Some(kept) => assert_eq!(added.unwrap().name, *kept, "{given:?}"),
            None => assert!(added.is_err(), "{given:?}"),
        }
    }
    assert!(
        casework::add_person(&b.c, &"x".repeat(10_000), &[], "test")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn the_same_name_is_the_same_person_whatever_its_case() {
    let b = bench().await;
    let first = b.person("Rita Meier", &[Role::Reviewer]).await;
    let again = b.person("rita  meier", &[Role::ReportingOfficer]).await;
    assert_eq!(first.id, again.id);
    assert_eq!(again.name, "Rita Meier", "as first written");
    assert_eq!(again.roles, [Role::Reviewer, Role::ReportingOfficer]);
    assert_eq!(casework::people(&b.c).await.unwrap().len(), 1);
    for by in ["Rita Meier", "RITA MEIER", first.id.as_str()] {
        assert_eq!(casework::person(&b.c, by).await.unwrap().id, first.id);
    }
    assert!(casework::person(&b.c, "Rita").await.is_err());
}

#[tokio::test]
async fn a_role_that_was_withdrawn_is_gone_until_it_is_given_again() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    assert!(rita.require(Role::Reviewer).is_ok());
    let without = casework::withdraw_role(&b.c, "Rita", Role::Reviewer, "test")
        .await
        .unwrap();
    assert!(refused(without.require(Role::Reviewer)).contains("no role reviewer"));
    assert!(
        refused(casework::withdraw_role(&b.c, "Rita", Role::Reviewer, "test").await)
            .contains("doesn't have")
    );
    assert!(
        b.person("Rita", &[Role::Reviewer])
            .await
            .require(Role::Reviewer)
            .is_ok()
    );
}

#[tokio::test]
async fn a_removed_person_acts_no_more_and_their_keys_end() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    let (_, secret) = casework::create_key(&b.c, "k", &[Right::Decide], Some(&rita), "test")
        .await
        .unwrap();
    let case = b.case("{}").await;
    b.decide(&case, &rita, Ruling::NoReport).await;
    let (removed, keys) = casework::remove_person(&b.c, "Rita", "test").await.unwrap();
    assert_eq!((removed.removed, removed.roles.len(), keys), (true, 0, 1));
    assert!(casework::key(&b.c, &secret).await.unwrap().is_none());
    assert!(refused(removed.require(Role::Reviewer)).contains("has been removed"));
    assert!(refused(casework::remove_person(&b.c, "Rita", "test").await).contains("already"));
    assert!(
        refused(casework::create_key(&b.c, "k", &[Right::Decide], Some(&removed), "test").await)
            .contains("removed")
    );
    // What they decided stays under their name.
    let decisions = casework::decisions(&b.c, &case).await.unwrap();
    assert_eq!(decisions[0].name(), "Rita");
    // Adding the name reinstates the same person, not the keys.
    let back = b.person("Rita", &[Role::Reviewer]).await;
    assert_eq!((back.id, back.removed), (rita.id, false));
    assert!(casework::key(&b.c, &secret).await.unwrap().is_none());
}

/// Name and rights of a key, whether it belongs to a person, seconds until it expires; whether it
/// can be created.
#[tokio::test]
async fn a_key_needs_a_name_rights_and_a_future_and_to_decide_a_person() {
    let b = bench().await;
    let rita = b.person("Rita", &[Role::Reviewer]).await;
    #[rustfmt::skip]
    #[expect(clippy::type_complexity, reason = "the line above says what each is")]
    let table: &[(&str, &[Right], bool, Option<i64>, bool)] = &[
        ("k", &[Right::Screen], false, None, true),
        ("k", &[Right::Screen], false, Some(1), true),
        ("k", &[Right::Screen], false, Some(0), false),
        ("k", &[Right::Screen], false, Some(-1), false),
        ("k", &[], false, None, false),
        (" ", &[Right::Screen], false, None, false),
        ("k", &[Right::Decide], false, None, false),
        ("k", &[Right::Cases, Right::Decide], true, None, true),
    ];
    for (name, rights, persons, seconds, made) in table {
        let person = persons.then_some(&rita);
        let until = seconds.map(|s| START + s * SECOND);
        let key = casework::create_key_until(&b.c, name, rights, person, until, "test").await;
        assert_eq!(key.is_ok(), *made, "{name:?} {rights:?} {seconds:?}");
    }
}

#[tokio::test]
async fn a_key_opens_until_it_expires_or_is_revoked() {
    let b = bench().await;
    let until = Some(START + 10 * SECOND);
    let (short, secret) =
        casework::create_key_until(&b.c, "short", &[Right::Screen], None, until, "test")
            .await
            .unwrap();
    let found = casework::key(&b.c, &secret).await.unwrap().unwrap();
    assert_eq!(found, short);
    assert!(found.has(Right::Screen) && !found.has(Right::Cases));
    assert!(casework::key(&b.c, &secret[1..]).await.unwrap().is_none());
    b.pass(10 * SECOND);
    assert!(
        casework::key(&b.c, &secret).await.unwrap().is_none(),
        "expired"
    );
    let (long, secret) = casework::create_key(&b.c, "long", &[Right::Screen], None, "test")
        .await
        .unwrap();
    casework::set_key_surface(&b.c, &long.id, Surface::Shared, "test")
        .await
        .unwrap();
    let found = casework::key(&b.c, &secret).await.unwrap().unwrap();
    assert_eq!(found.surface, Some(Surface::Shared));
    casework::revoke_key(&b.c, &long.id, "test").await.unwrap();
    assert!(
        casework::key(&b.c, &secret).await.unwrap().is_none(),
        "revoked"
    );
    assert!(refused(casework::revoke_key(&b.c, &long.id, "test").await).contains("already"));
    assert!(refused(casework::revoke_key(&b.c, "key-0", "test").await).contains("key"));
    // Revoked and expired keys stay on record, the newest first, and never with their secret.
    let keys = casework::keys(&b.c).await.unwrap();
    let names: Vec<_> = keys
        .iter()
        .map(|k| (k.name.as_str(), k.revoked_at))
        .collect();
    assert_eq!(
        names,
        [("long", Some(START + 10 * SECOND)), ("short", None)]
    );
    assert!(!serde_json::to_string(&keys).unwrap().contains(&secret));
}

#[tokio::test]
async fn private_messages_are_open_only_while_a_legal_basis_lasts() {
    let b = bench().await;
    let private = Surface::PrivateMessage;
    for surface in [Surface::Public, Surface::Shared] {
        casework::check_surface(&b.c, surface).await.unwrap();
    }
    assert!(casework::check_surface(&b.c, private).await.is_err());
    for (text, owner, until) in [
        (" ", "o", START + DAY),
        ("law", "", START + DAY),
        ("law", "o", START),
    ] {
        refused(casework::record_legal_basis(&b.c, private, text, owner, until, "test").await);
    }
    // A basis for another surface opens nothing.
    casework::record_legal_basis(&b.c, Surface::Shared, "law", "o", START + DAY, "test")
        .await
        .unwrap();
    assert!(casework::check_surface(&b.c, private).await.is_err());
    let basis = casework::record_legal_basis(&b.c, private, " law ", " o ", START + DAY, "test")
        .await
        .unwrap();
    assert_eq!((basis.basis.as_str(), basis.owner.as_str()), ("law", "o"));
    casework::check_surface(&b.c, private).await.unwrap();
    b.pass(DAY - SECOND);
    casework::check_surface(&b.c, private).await.unwrap();
    b.pass(SECOND);
    assert!(
        casework::check_surface(&b.c, private).await.is_err(),
        "ended"
    );
    assert_eq!(casework::legal_bases(&b.c).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_repeated_request_gets_its_own_answer_and_no_others() {
    let b = bench().await;
    let made = |name| casework::create_key(&b.c, name, &[Right::Screen], None, "test");
    let (one, two) = (made("one").await.unwrap().0, made("two").await.unwrap().0);
    let begin = async |key: &ApiKey, word: &str, request: &str| {
        casework::begin_repeat(&b.c, key, word, request)
            .await
            .unwrap()
    };
    let Repeat::First(first) = begin(&one, "k", "r").await else {
        panic!("the first of its key")
    };
    assert_eq!(begin(&one, "k", "r").await, Repeat::InProgress);
    assert_eq!(begin(&one, "k", "another").await, Repeat::KeyReused);
    // Two programs may choose the same idempotency key.
    assert!(matches!(begin(&two, "k", "r").await, Repeat::First(_)));
    casework::end_repeat(&b.c, &first, Some("answer"))
        .await
        .unwrap();
    assert_eq!(
        begin(&one, "k", "r").await,
        Repeat::Answered("answer".into())
    );
    // After a failure the request may be sent again.
    let Repeat::First(second) = begin(&one, "l", "r").await else {
        panic!("the first of its key")
    };
    casework::end_repeat(&b.c, &second, None).await.unwrap();
    assert!(matches!(begin(&one, "l", "r").await, Repeat::First(_)));
    // An answer is kept for a day; after two days its idempotency key can be used again.
    b.pass(2 * DAY);
    assert!(matches!(
        begin(&one, "k", "another").await,
        Repeat::First(_)
    ));
    for word in [String::new(), "x".repeat(256)] {
        assert!(
            casework::begin_repeat(&b.c, &one, &word, "r")
                .await
                .is_err()
        );
    }
}
