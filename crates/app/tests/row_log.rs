//! The vault's log covers the database: whatever something else changes in a covered row is found.

mod bench;

use bench::*;
use obhut_casework as casework;
use obhut_casework::for_domains::Domain;
use obhut_casework::*;

fn domains() -> Vec<Box<dyn Domain>> {
    obhut_app::domains()
}

fn named(seen: &Verified) -> Vec<String> {
    let named = seen.vault.problems.iter();
    named.map(|p| format!("{}: {}", p.place, p.what)).collect()
}

async fn problems(b: &Bench) -> Vec<String> {
    let seen = named(&casework::verify_vault(&b.casework).await.unwrap());
    let as_it_is = unwritten(b).await;
    assert!(as_it_is.with_keys);
    // Only the other one tries to add to the log.
    let tried = |p: &&String| !p.starts_with("what was recorded last");
    let expected: Vec<_> = seen.iter().filter(tried).cloned().collect();
    assert_eq!(named(&as_it_is), expected, "by a check that writes nothing");
    seen
}

/// What a check of the folder finds that may write nothing, with the keys that are there.
async fn unwritten(b: &Bench) -> Verified {
    let folder = DataFolder::new(b.folder.path());
    let opened = obhut_app::open_to_verify(folder, b.url.as_deref(), b.clock.clone()).await;
    casework::verify_as_it_is(&opened.unwrap()).await.unwrap()
}

/// The same without the private keys.
async fn without_keys(b: &Bench) -> Vec<String> {
    let (keys, aside) = (b.folder.path().join("keys"), b.folder.path().join("aside"));
    std::fs::rename(&keys, &aside).unwrap();
    let seen = unwritten(b).await;
    std::fs::rename(&aside, &keys).unwrap();
    assert!(!seen.with_keys);
    named(&seen)
}

/// Regression: of eight edited rows (a forged signature, changed grounds, a deleted audit row, a
/// changed key) verification found none.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_changed_past_obhut_is_found() {
    for postgres in [false, true] {
        let url = match postgres {
            true => match fresh_postgres().await {
                Some(url) => Some(url),
                None => continue,
            },
            false => None,
        };
        let b = bench(url).await;
        let c = &b.casework;
        let file = CaseFile::from_json(br#"{"facts": {"reported": {"id": "u"}}}"#).unwrap();
        let new = casework::new_case(c, &file, Vec::new(), "test").await;
        let case = new.unwrap().case;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        casework::create_key(c, "uploads", &[Right::Screen], None, "test")
            .await
            .unwrap();
        assert_eq!(problems(&b).await, Vec::<String>::new());
        assert_eq!(without_keys(&b).await, Vec::<String>::new());
        for (change, undo, found) in [
            (
                "UPDATE decisions SET grounds = grounds || '!'",
                "UPDATE decisions SET grounds = SUBSTR(grounds, 1, LENGTH(grounds) - 1)",
                "decisions decision-",
            ),
            (
                "UPDATE api_keys SET rights = rights || ',decide'",
                "UPDATE api_keys SET rights = REPLACE(rights, ',decide', '')",
                "api_keys key-",
            ),
            (
                "INSERT INTO list_signatures (list, version, person, name, signed_at) VALUES ('l', 'v', 'p', 'n', 1)",
                "DELETE FROM list_signatures",
                "list_signatures l v p: was added",
            ),
            (
                "INSERT INTO people_roles (person, role) VALUES ((SELECT id FROM people LIMIT 1), 'administrator')",
                "DELETE FROM people_roles WHERE role = 'administrator'",
                "people_roles person-",
            ),
            (
                "UPDATE cases SET status = 'closed'",
                "UPDATE cases SET status = 'decided'",
                "cases case-",
            ),
        ] {
            outside(&b, change).await;
            let named = problems(&b).await;
            assert!(
                named.len() == 1 && named[0].starts_with(found),
                "{change}: {named:?}"
            );
            assert_eq!(without_keys(&b).await, named, "{change}, without the keys");
            outside(&b, undo).await;
            assert_eq!(problems(&b).await, Vec::<String>::new(), "{undo}");
        }
        // Rows that are gone, of a table and of the leaves themselves.
        outside(&b, "DELETE FROM audit WHERE act = 'key.create'").await;
        let named = problems(&b).await;
        assert!(
            named.len() == 1 && named[0].contains("is missing"),
            "{named:?}"
        );
        outside(&b, "DELETE FROM leaves WHERE tbl = 'audit'").await;
        let named = problems(&b).await;
        assert!(
            named
                .iter()
                .any(|p| p.contains("the database has no leaf of")),
            "{named:?}"
        );
        // A change that claims to be obhut's own, without its token.
        outside(&b, "UPDATE decisions SET ruling = 'no-report'; INSERT INTO touched (tbl, row_key, writer) SELECT 'decisions', id, 'x' FROM decisions").await;
        let named = problems(&b).await;
        assert!(
            named
                .iter()
                .any(|p| p.contains("written by something else")),
            "{named:?}"
        );
    }
}

/// What an attacker with write access to the database tried, so that a change is accepted: forged,
/// swapped and relabelled leaves, a table taken out of the coverage, a trigger that changes rows
/// whenever obhut writes, a lower head. Each has to be found, also after obhut has written again.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_hides_in_the_tables_of_the_log_is_found() {
    for sql in [
        "UPDATE people SET name = 'm'; UPDATE leaves SET salt = '' WHERE tbl = 'people'; INSERT INTO leaves (seq, tbl, row_key, salt, commitment, gone, mac) SELECT 100000, 'people', id, '11', 'ab', 0, '' FROM people LIMIT 1",
        "UPDATE leaves SET seq = 100000 - seq",
        "DELETE FROM audit WHERE act = 'person.add'; UPDATE leaves SET row_key = 'x' WHERE tbl = 'audit'",
        "INSERT INTO views (id, exhibit, person, extent, purpose, viewed_at) VALUES ('v', 'e', 'p', 'whole', 'x', 1); DELETE FROM covered WHERE tbl = 'views'",
        "CREATE TRIGGER x AFTER INSERT ON audit BEGIN UPDATE people SET name = 'z'; END; UPDATE people SET name = name",
        "UPDATE log_heads SET size = 0, root = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
        "DELETE FROM log_heads",
        "UPDATE leaves SET seq = seq + 1 WHERE seq = (SELECT MAX(seq) FROM leaves)",
        "DELETE FROM people_roles; DELETE FROM leaves WHERE tbl = 'people_roles'",
        "UPDATE people SET added_at = 1.5",
        "UPDATE leaves SET log_index = 'x' WHERE seq = 1",
    ] {
        let b = bench(None).await;
        new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
        assert_eq!(problems(&b).await, Vec::<String>::new());
        outside(&b, sql).await;
        assert_ne!(problems(&b).await, Vec::<String>::new(), "{sql}");
        // A process that starts now, and writes.
        let folder = DataFolder::new(b.folder.path());
        let c = casework::open_with(folder, None, b.clock.clone(), domains())
            .await
            .unwrap();
        let added = casework::add_person(&c, "Olga", &[Role::Reviewer], "test").await;
        // A trigger would write in obhut's name: nothing is written while one is there.
        assert_eq!(added.is_err(), sql.starts_with("CREATE TRIGGER"), "{sql}");
        let _ = casework::seal_rows(&c).await;
        assert_ne!(problems(&b).await, Vec::<String>::new(), "{sql}, later");
    }
}

/// Regression: of 400 one-bit changes in a list's file verification named none.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_list_file_is_named() {
    let b = bench(None).await;
    let c = &b.casework;
    signed(c, "hotline", &[("one", &picture(1))]).await;
    assert_eq!(problems(&b).await, Vec::<String>::new());
    let list = &obhut_media::all_lists(c).await.unwrap()[0];
    let file = b.casework.folder().list_file(&list.id, &list.version);
    let good = std::fs::read(&file).unwrap();
    // Every 29th byte reaches header, MAC and payload, and keeps the test short.
    for at in (0..good.len()).step_by(29) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let named = problems(&b).await;
        assert!(
            named.len() == 1 && named[0].starts_with(&format!("list {}", list.id)),
            "byte {at}: {named:?}"
        );
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(problems(&b).await.len(), 1);
    std::fs::write(&file, &good).unwrap();
    assert_eq!(problems(&b).await, Vec::<String>::new());
}

/// A process that ends between the log and the database leaves leaves without a place; the next one
/// finds them in the log and adds none twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_cut_off_is_finished() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        new_person(c, "Rita", &[Role::Reviewer]).await;
        assert!(casework::seal_rows(c).await.unwrap() > 0);
        let before = casework::verify_vault(c).await.unwrap().vault.entries;
        // As if the places had not been written.
        outside(&b, "UPDATE leaves SET log_index = NULL").await;
        casework::seal_rows(c).await.unwrap();
        let seen = casework::verify_vault(c).await.unwrap();
        assert_eq!((seen.vault.entries, seen.vault.problems), (before, vec![]));
        assert_eq!(casework::seal_rows(c).await.unwrap(), 0);
    })
    .await;
}

/// Regression: with the vault emptied, or an older copy of its log put back, verification said that
/// everything agrees.
#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_vault_is_no_healthy_one() {
    let b = bench(None).await;
    let c = &b.casework;
    new_person(c, "Rita", &[Role::Reviewer]).await;
    casework::seal_rows(c).await.unwrap();
    let vault = b.folder.path().join("vault");
    std::fs::remove_dir_all(&vault).unwrap();
    std::fs::create_dir(&vault).unwrap();
    for _ in 0..2 {
        // Also for a process that starts now.
        let folder = DataFolder::new(b.folder.path());
        let c = casework::open_with(folder, None, b.clock.clone(), domains())
            .await
            .unwrap();
        let seen = casework::verify_vault(&c).await.unwrap().vault;
        assert!(
            seen.problems[0].what.contains("log/checkpoint is missing"),
            "{:?}",
            seen.problems
        );
        new_person(&c, "Olga", &[Role::Reviewer]).await;
        assert!(casework::seal_rows(&c).await.is_err());
    }
}

/// Regression: what brings an older release's rows up to date ran at any start. Taking its marker away,
/// or emptying what it fills, had forged signatures and decisions put into the log as obhut's own.
#[tokio::test(flavor = "multi_thread")]
async fn no_start_puts_a_forged_row_into_the_log() {
    on_each_database_broken(async |b: Bench| {
        let c = &b.casework;
        let file = CaseFile::from_json(br#"{"facts": {"reported": {"id": "u"}}}"#).unwrap();
        let new = casework::new_case(c, &file, Vec::new(), "test").await;
        let case = new.unwrap().case;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        let settings = obhut_media::ListSettings {
            name: "hotline".into(),
            owner: "o".into(),
            purpose: Purpose::Assessed,
            basis: "b".into(),
            action: Action::Hold,
        };
        let csv = format!("kind,digest\nmd5,{}\n", "0".repeat(32));
        obhut_media::import_list(c, &settings, csv.as_bytes(), "test")
            .await
            .unwrap();
        assert_eq!(problems(&b).await, Vec::<String>::new());
        for change in [
            "DELETE FROM settings WHERE name = 'words-sealed'",
            "UPDATE decisions SET ruling = 'no-report', grounds = 'forged'",
            "UPDATE list_versions SET content = ''",
            "INSERT INTO list_signatures (list, version, person, name, signed_at, content) SELECT list, version, 'p1', 'Ada', 1, '' FROM list_versions",
            "INSERT INTO list_signatures (list, version, person, name, signed_at, content) SELECT list, version, 'p2', 'Grace', 1, '' FROM list_versions",
        ] {
            outside(&b, change).await;
        }
        let expected = problems(&b).await;
        assert!(expected.len() >= 4, "{expected:?}");
        for _ in 0..2 {
            let folder = DataFolder::new(b.folder.path());
            let again = obhut_app::open(folder, b.url.as_deref(), b.clock.clone()).await;
            let again = again.unwrap();
            casework::seal_rows(&again).await.unwrap();
            let list = obhut_media::list(&again, "hotline").await.unwrap();
            assert!(list.unsigned, "forged signatures count");
        }
        assert_eq!(problems(&b).await, expected, "after two starts");
        assert_eq!(without_keys(&b).await, expected, "without the keys");
    })
    .await;
}

/// Without the keys it is unknown who noted a row, so a note may hide nothing.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_hides_behind_a_note_from_a_check_without_keys() {
    let b = bench(None).await;
    let rita = new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
    assert_eq!(problems(&b).await, Vec::<String>::new());
    let id = &rita.id;
    outside(&b, "UPDATE people SET name = 'Nora'").await;
    for (hide, undo) in [
        (
            format!("INSERT INTO touched (tbl, row_key, writer) VALUES ('people', '{id}', 'x')"),
            "DELETE FROM touched",
        ),
        (
            format!(
                "INSERT INTO leaves (seq, tbl, row_key, salt, commitment, gone, mac) VALUES (99999, 'people', '{id}', '00', '00', 0, 'x')"
            ),
            "DELETE FROM leaves WHERE seq = 99999",
        ),
        (
            format!(
                "INSERT INTO leaves (seq, tbl, row_key, salt, commitment, gone, mac, log_index) VALUES (99999, 'people', '{id}', '00', '00', 0, 'x', 1000000000)"
            ),
            "DELETE FROM leaves WHERE seq = 99999",
        ),
    ] {
        outside(&b, &hide).await;
        let seen = without_keys(&b).await;
        assert!(seen.iter().any(|p| p.contains(id)), "{hide}: {seen:?}");
        assert!(problems(&b).await.iter().any(|p| p.contains(id)), "{hide}");
        outside(&b, undo).await;
    }
}

/// Regression: with the leaves taken away, the next start covered every table again, forged rows
/// included; with the leaves put back, everything agreed.
#[tokio::test(flavor = "multi_thread")]
async fn leaves_that_are_taken_away_and_put_back_hide_nothing() {
    // All leaves, or only those that are in the way.
    for which in ["1 = 1", "tbl IN ('people_roles', 'covered')"] {
        on_each_database_broken(async |b: Bench| {
            new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
            assert_eq!(problems(&b).await, Vec::<String>::new());
            let saved = format!("CREATE TABLE saved AS SELECT * FROM leaves WHERE {which}");
            for change in [
                saved.as_str(),
                &format!("DELETE FROM leaves WHERE {which}"),
                "DELETE FROM covered",
                "INSERT INTO people_roles (person, role) SELECT id, 'administrator' FROM people",
            ] {
                outside(&b, change).await;
            }
            let folder = DataFolder::new(b.folder.path());
            let again = obhut_app::open(folder, b.url.as_deref(), b.clock.clone()).await;
            let again = again.unwrap();
            let _ = casework::seal_rows(&again).await;
            drop(again);
            outside(&b, "INSERT INTO leaves SELECT * FROM saved").await;
            let seen = problems(&b).await;
            let is_named = seen.iter().any(|p| p.contains("administrator"));
            assert!(is_named, "{which}: {seen:?}");
        })
        .await;
    }
}

/// Regression: the token by which obhut's rows were known could be copied from the database, and
/// what was written under it went into the log as obhut's.
#[tokio::test(flavor = "multi_thread")]
async fn what_obhut_noted_can_not_be_noted_again() {
    on_each_database_broken(async |b: Bench| {
        // Not among obhut's own tables: that alone would be noticed.
        let aside = match b.url {
            Some(_) => "CREATE SCHEMA IF NOT EXISTS aside".to_owned(),
            None => {
                let file = b.folder.path().join("aside.db");
                std::fs::write(&file, b"").unwrap();
                format!("ATTACH '{}' AS aside", file.display())
            }
        };
        let outside_too = async |sql: &str| outside(&b, &format!("{aside}; {sql}")).await;
        for copy in [
            "CREATE TABLE aside.copied AS SELECT * FROM touched WHERE 1 = 0",
            "CREATE TABLE aside.copied_seals AS SELECT * FROM touch_seals WHERE 1 = 0",
        ] {
            outside_too(copy).await;
        }
        let c = &b.casework;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        assert_eq!(problems(&b).await, Vec::<String>::new());
        // Withdrawn and given again: the row is later as it was when this was noted.
        let roles = [Role::Reviewer, Role::Appeals];
        casework::add_person(c, "Rita", &roles, "test")
            .await
            .unwrap();
        for copy in [
            "INSERT INTO aside.copied SELECT * FROM touched",
            "INSERT INTO aside.copied_seals SELECT * FROM touch_seals",
        ] {
            outside_too(copy).await;
        }
        assert_eq!(problems(&b).await, Vec::<String>::new());
        casework::withdraw_role(c, "Rita", Role::Appeals, "test")
            .await
            .unwrap();
        assert_eq!(problems(&b).await, Vec::<String>::new());
        let id = &rita.id;
        let given = format!(
            "UPDATE people_roles SET withdrawn_at = NULL WHERE person = '{id}' AND role = 'appeals'"
        );
        for replayed in [
            given.as_str(),
            "INSERT INTO touched SELECT * FROM aside.copied",
            "INSERT INTO touch_seals SELECT * FROM aside.copied_seals",
        ] {
            outside_too(replayed).await;
        }
        casework::seal_rows(c).await.unwrap();
        for round in 1..=2 {
            let seen = problems(&b).await;
            let is_named = seen.iter().any(|p| p.contains(id.as_str()));
            assert!(is_named, "round {round}: {seen:?}");
            assert!(
                without_keys(&b)
                    .await
                    .iter()
                    .any(|p| p.contains(id.as_str()))
            );
        }
    })
    .await;
}

/// Regression: a lawful change of a row that something else had changed put both into the log. And
/// within a second after a lawful change another one went into the log with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lawful_change_hides_no_other() {
    for before in [true, false] {
        on_each_database_broken(async |b: Bench| {
            let rita = new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
            assert_eq!(problems(&b).await, Vec::<String>::new());
            let forged = format!("UPDATE people SET added_at = 7 WHERE id = '{}'", rita.id);
            let lawful = async || {
                casework::remove_person(&b.casework, "Rita", "test")
                    .await
                    .unwrap();
            };
            if before {
                outside(&b, &forged).await;
                lawful().await;
            } else {
                lawful().await;
                outside(&b, &forged).await;
            }
            casework::seal_rows(&b.casework).await.unwrap();
            // Also after the row was changed lawfully once more, and by later checks.
            for round in 1..=2 {
                let seen = problems(&b).await;
                let what = format!("people {}", rita.id);
                let is_named = seen.iter().any(|p| p.starts_with(&what));
                assert!(is_named, "before: {before}, round {round}: {seen:?}");
                new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
                casework::seal_rows(&b.casework).await.unwrap();
            }
            // A row that was taken away and is written again.
            let role = format!("DELETE FROM people_roles WHERE person = '{}'", rita.id);
            outside(&b, &role).await;
            new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
            casework::seal_rows(&b.casework).await.unwrap();
            let seen = problems(&b).await;
            let is_named = seen.iter().any(|p| p.starts_with("people_roles"));
            assert!(is_named, "{seen:?}");
        })
        .await;
    }
}

/// What the triggers note is JSON, which has no bytes.
#[tokio::test(flavor = "multi_thread")]
async fn no_covered_table_has_a_column_of_bytes() {
    let b = bench(None).await;
    let tables: Vec<_> = domains().iter().flat_map(|d| d.covered()).collect();
    assert!(!tables.is_empty());
    sqlx::any::install_default_drivers();
    let url = format!("sqlite:{}/obhut.db", b.folder.path().display());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let found = sqlx::query(
        "SELECT t.tbl || '.' || c.name FROM covered t JOIN pragma_table_info(t.tbl) c WHERE c.type NOT IN ('TEXT', 'BIGINT')",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let found: Vec<String> = found
        .iter()
        .map(|row| sqlx::Row::try_get(row, 0).unwrap())
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

/// Regression: rows that the database's administrator wrote, and took away again, destroyed held
/// evidence and lifted holds although no person had agreed.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_something_else_speak_for_nobody() {
    on_each_database_broken(async |b: Bench| {
        let c = &b.casework;
        let anna = new_person(c, "Anna", &[Role::ReportingOfficer, Role::Reviewer]).await;
        let ben = new_person(c, "Ben", &[Role::ReportingOfficer]).await;
        let exhibit = casework::put_exhibit(c, b"x", None, None, None, None, &anna).await;
        let exhibit = exhibit.unwrap().id;
        let new = NewHold {
            subject: &exhibit,
            asked_by: "a court",
            reference: "AZ 1",
            until: None,
        };
        let hold = casework::place_hold(c, new, &anna).await.unwrap().id;
        assert_eq!(problems(&b).await, Vec::<String>::new());
        let forged = format!(
            "INSERT INTO hold_releases VALUES ('{hold}', '{}', 'x', 1)",
            anna.id
        );
        outside(&b, &forged).await;
        let refused = casework::release_hold(c, &hold, "over", &ben).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("hold_releases"), "{refused}");
        outside(&b, "DELETE FROM hold_releases").await;

        outside(&b, "DELETE FROM holds").await;
        outside(&b, &format!(
            "INSERT INTO destructions (id, exhibit, because, asked_by, pending_at, running_at) VALUES ('destruction-1', '{exhibit}', '', '{}', 1, 0)",
            anna.id
        ))
        .await;
        for person in [&anna, &ben] {
            outside(&b, &format!(
                "INSERT INTO destruction_confirmations VALUES ('destruction-1', '{}', {}, 1)",
                person.id,
                casework::PENDING_MICROS + 1
            ))
            .await;
        }
        assert!(casework::destroy_due(c).await.is_err());
        assert!(casework::exhibit(c, &exhibit).await.is_ok());
    })
    .await;
}

/// Regression: a trigger with a name like those of obhut's own wrote in obhut's name.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_beside_a_foreign_trigger() {
    let b = bench(None).await;
    new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
    outside(&b, "CREATE TRIGGER obhut_touched_3_x AFTER INSERT ON audit BEGIN UPDATE people SET added_at = 1; END").await;
    for again in [false, true] {
        // Of a process that runs, and of one that starts now.
        let folder = DataFolder::new(b.folder.path());
        let started = casework::open_with(folder, None, b.clock.clone(), domains());
        let started = started.await.unwrap();
        let c = if again { &started } else { &b.casework };
        let added = casework::add_person(c, "Olga", &[Role::Reviewer], "test").await;
        assert!(added.is_err(), "again: {again}");
    }
    let named = problems(&b).await;
    assert!(
        named.iter().any(|p| p.contains("obhut_touched_3_x")),
        "{named:?}"
    );
}

/// Regression: a schema that an administrator of the database had changed wrote in obhut's name,
/// and were changed back before a check.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_by_a_schema_that_is_not_obhuts() {
    // The attack, what undoes it, and what is named.
    let on_sqlite = [
        (
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = REPLACE(sql, 'added_at BIGINT NOT NULL', 'added_at BIGINT NOT NULL DEFAULT 1') WHERE name = 'people'",
            "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = REPLACE(sql, ' DEFAULT 1', '') WHERE name = 'people'",
            "table people",
        ),
        ("CREATE VIEW v AS SELECT 1", "DROP VIEW v", "view v"),
        ("CREATE TABLE t (x TEXT)", "DROP TABLE t", "table t"),
        (
            "DROP INDEX touched_by_writer",
            "CREATE INDEX touched_by_writer ON touched (writer)",
            "index touched_by_writer is missing",
        ),
    ];
    let on_postgres = [
        (
            "ALTER TABLE people ALTER COLUMN name SET DEFAULT 'x'",
            "ALTER TABLE people ALTER COLUMN name DROP DEFAULT",
            "column people.name",
        ),
        (
            "ALTER TABLE people DISABLE TRIGGER obhut_touched_3_people",
            "ALTER TABLE people ENABLE TRIGGER obhut_touched_3_people",
            "trigger people.obhut",
        ),
        (
            "CREATE RULE r AS ON INSERT TO audit DO ALSO UPDATE people SET added_at = 1",
            "DROP RULE r ON audit",
            "rule audit.r",
        ),
        (
            "ALTER TABLE people ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE people DISABLE ROW LEVEL SECURITY",
            "table people",
        ),
        (
            "CREATE TABLE t () INHERITS (people)",
            "DROP TABLE t",
            "isn't obhut's",
        ),
        (
            "CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
            "DROP FUNCTION public.lower(text)",
            "function lower",
        ),
        (
            "ALTER TABLE people RENAME TO p; CREATE VIEW people AS SELECT * FROM p",
            "DROP VIEW people; ALTER TABLE p RENAME TO people",
            "isn't",
        ),
        (
            "CREATE SCHEMA evil; CREATE FUNCTION evil.f(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'; CREATE INDEX evil_i ON audit (evil.f(act))",
            "DROP SCHEMA evil CASCADE",
            "index evil_i",
        ),
        (
            "CREATE SCHEMA evil; CREATE DOMAIN evil.d AS TEXT; ALTER TABLE audit ALTER detail TYPE evil.d",
            "ALTER TABLE audit ALTER detail TYPE TEXT; DROP SCHEMA evil CASCADE",
            "column audit.detail",
        ),
        (
            "CREATE FUNCTION public.to_jsonb(audit) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'; ALTER EXTENSION plpgsql ADD FUNCTION public.to_jsonb(audit)",
            "ALTER EXTENSION plpgsql DROP FUNCTION public.to_jsonb(audit); DROP FUNCTION public.to_jsonb(audit)",
            "function to_jsonb",
        ),
        (
            "ALTER TABLE _sqlx_migrations RENAME TO m; CREATE VIEW _sqlx_migrations AS SELECT * FROM m",
            "DROP VIEW _sqlx_migrations; ALTER TABLE m RENAME TO _sqlx_migrations",
            "isn't",
        ),
        (
            "CREATE COLLATION c (provider = icu, locale = 'und', deterministic = false); ALTER TABLE people ALTER folded TYPE TEXT COLLATE c",
            "ALTER TABLE people ALTER folded TYPE TEXT COLLATE \"default\"; DROP COLLATION c",
            "column people.folded",
        ),
        (
            "CREATE SCHEMA evil; CREATE FUNCTION evil.f(jsonb) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'; CREATE CAST (jsonb AS text) WITH FUNCTION evil.f(jsonb)",
            "DROP SCHEMA evil CASCADE",
            "cast jsonb to text",
        ),
        (
            "CREATE OR REPLACE FUNCTION obhut_touched_3_people() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "",
            "function obhut_touched_3_people",
        ),
    ];
    on_each_database_broken(async |b: Bench| {
        let attacks = if b.url.is_some() {
            &on_postgres[..]
        } else {
            &on_sqlite[..]
        };
        let opened = async || {
            let folder = DataFolder::new(b.folder.path());
            casework::open_with(folder, b.url.as_deref(), b.clock.clone(), domains()).await
        };
        for (round, (attack, undo, named)) in attacks.iter().enumerate() {
            let name = format!("Person {round}");
            let runs = opened().await.unwrap();
            new_person(&runs, &name, &[Role::Reviewer]).await;
            assert_eq!(named_in(&unwritten(&b).await), "");
            outside(&b, attack).await;
            // Of a process that runs, and of one that starts now.
            let while_open = casework::add_person(&runs, "Olga", &[Role::Reviewer], "test").await;
            assert!(while_open.is_err(), "{attack}");
            if let Ok(started) = opened().await {
                let added = casework::add_person(&started, "Olga", &[Role::Reviewer], "test").await;
                let refused = added.map(|p| p.name).unwrap_err().to_string();
                assert!(refused.contains(named), "{attack}: {refused}");
            }
            // On PostgreSQL a second or two: what is expected is made each time.
            if b.url.is_none() || round == 0 {
                let found = named_in(&unwritten(&b).await);
                assert!(found.contains(named), "{attack}: {found}");
            }
            if undo.is_empty() {
                break;
            }
            outside(&b, undo).await;
        }
    })
    .await;
}

fn named_in(seen: &Verified) -> String {
    named(seen).join("; ")
}

/// Regressions: a row that waits for its place in the log was counted and not compared, and text that
/// isn't UTF-8 ended the whole check.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_waits_is_compared_with_its_note() {
    on_each_database_broken(async |b: Bench| {
        let c = &b.casework;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        casework::seal_rows(c).await.unwrap();
        new_person(c, "Olga", &[Role::Reviewer]).await;
        casework::remove_person(c, "Rita", "test").await.unwrap();
        let seen = unwritten(&b).await;
        assert_eq!(named(&seen), Vec::<String>::new());
        assert!(seen.waiting > 0, "both wait");
        outside(&b, "UPDATE people SET name = 'Olgb' WHERE name = 'Olga'").await;
        let found = named_in(&unwritten(&b).await);
        assert!(
            found.contains("was changed by something else after obhut changed it"),
            "{found}"
        );
        outside(&b, "UPDATE people SET name = 'Olga' WHERE name = 'Olgb'").await;
        assert_eq!(named_in(&unwritten(&b).await), "");
        // A row that was never in the log, and is gone again.
        let zed = new_person(c, "Zed", &[Role::Reviewer]).await;
        outside(
            &b,
            &format!("DELETE FROM people_roles WHERE person = '{}'", zed.id),
        )
        .await;
        let found = named_in(&unwritten(&b).await);
        assert!(
            found.contains(&format!("people_roles {}", zed.id)),
            "{found}"
        );
        if b.url.is_none() {
            let sql = format!(
                "UPDATE people SET name = CAST(x'52ff' AS TEXT) WHERE id = '{}'",
                rita.id
            );
            outside(&b, &sql).await;
            let found = named_in(&unwritten(&b).await);
            assert!(found.contains(&format!("people {}", rita.id)), "{found}");
        }
    })
    .await;
}

/// Regression: what something else changed between two changes of obhut's that both waited went into
/// the log as obhut's.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_slips_in_between_two_changes() {
    on_each_database_broken(async |b: Bench| {
        let c = &b.casework;
        let carl = new_person(c, "Carl", &[Role::Reviewer]).await;
        outside(&b, "UPDATE people SET added_at = 12345 WHERE name = 'Carl'").await;
        casework::remove_person(c, "Carl", "test").await.unwrap();
        let place = format!("people {}", carl.id);
        let waits = named_in(&unwritten(&b).await);
        assert!(waits.contains(&place), "{waits}");
        casework::seal_rows(c).await.unwrap();
        let found = problems(&b).await.join("; ");
        assert!(
            found.contains(&place) && found.contains("between two changes"),
            "{found}"
        );
    })
    .await;
}

/// Regression: a role that can't make what is expected wrote all the same, and the one who changed the
/// schema took the right away.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_where_the_schema_can_not_be_compared() {
    let Some(url) = fresh_postgres().await else {
        return;
    };
    let b = bench(Some(url.clone())).await;
    let (server, name) = url.rsplit_once('/').unwrap();
    let role = format!("{name}_writer");
    outside(&b, &format!("CREATE ROLE {role} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; REVOKE CREATE ON DATABASE {name} FROM {role}")).await;
    let at = server.rsplit_once('@').map_or(server, |(_, at)| at);
    let as_writer = format!("postgres://{role}@{at}");
    std::fs::remove_file(b.folder.path().join("schema.compared")).unwrap();
    let opened = async || {
        let folder = DataFolder::new(b.folder.path());
        let url = format!("{as_writer}/{name}");
        casework::open_with(folder, Some(&url), b.clock.clone(), domains())
            .await
            .unwrap()
    };
    let added = casework::add_person(&opened().await, "Olga", &[Role::Reviewer], "test").await;
    let why = added.map(|p| p.name).unwrap_err().to_string();
    assert!(why.contains("GRANT CREATE ON DATABASE"), "{why}");
    outside(&b, &format!("GRANT CREATE ON DATABASE {name} TO {role}")).await;
    new_person(&opened().await, "Olga", &[Role::Reviewer]).await;
    outside(&b, &format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}; REVOKE CREATE ON DATABASE {name} FROM {role}; DROP ROLE {role}")).await;
}

/// Regression: a function in a schema that an administrator had put into the search path was called in
/// place of PostgreSQL's, and wrote in obhut's name.
#[tokio::test(flavor = "multi_thread")]
async fn no_function_of_others_is_called() {
    let Some(url) = fresh_postgres().await else {
        return;
    };
    let b = bench(Some(url.clone())).await;
    let name = url.rsplit_once('/').unwrap().1;
    let evil = "RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''called''; END'";
    outside(&b, &format!("CREATE SCHEMA evil; CREATE FUNCTION evil.set_config(text, text, boolean) {evil}; CREATE FUNCTION evil.current_setting(text, boolean) {evil}; CREATE FUNCTION evil.concat_ws(text, oid, xid) {evil}; CREATE FUNCTION evil.quote_ident(text) {evil}; ALTER DATABASE {name} SET search_path = public, evil, pg_catalog")).await;
    let folder = DataFolder::new(b.folder.path());
    let c = casework::open_with(folder, b.url.as_deref(), b.clock.clone(), domains()).await;
    new_person(&c.unwrap(), "Rita", &[Role::Reviewer]).await;
    assert_eq!(named_in(&unwritten(&b).await), "");
}

/// Regression: a salt in capitals, and one given to an older leaf, went unseen.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_salt_is_found() {
    let b = bench(None).await;
    let rita = new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
    casework::seal_rows(&b.casework).await.unwrap();
    casework::remove_person(&b.casework, "Rita", "test")
        .await
        .unwrap();
    assert_eq!(problems(&b).await, Vec::<String>::new());
    let of_rita = format!("tbl = 'people' AND row_key = '{}'", rita.id);
    for (change, undo) in [
        ("UPPER(salt)", "LOWER(salt)"),
        (
            "CASE salt WHEN '' THEN 'x' ELSE salt END",
            "CASE salt WHEN 'x' THEN '' ELSE salt END",
        ),
    ] {
        outside(
            &b,
            &format!("UPDATE leaves SET salt = {change} WHERE {of_rita}"),
        )
        .await;
        let found = problems(&b).await.join("; ");
        assert!(found.contains(&rita.id), "{change}: {found}");
        outside(
            &b,
            &format!("UPDATE leaves SET salt = {undo} WHERE {of_rita}"),
        )
        .await;
        assert_eq!(problems(&b).await, Vec::<String>::new());
    }
}
