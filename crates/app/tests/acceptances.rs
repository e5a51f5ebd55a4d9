//! What something else has changed is taken as it is once two people have accepted exactly that.

mod bench;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use sqlx::Connection as _;

fn domains() -> Vec<Box<dyn casework::for_domains::Domain>> {
    obhut_app::domains()
}

async fn opened(b: &Bench) -> Casework {
    let folder = DataFolder::new(b.folder.path());
    let opened = casework::open_with(folder, b.url.as_deref(), b.clock.clone(), domains());
    opened.await.unwrap()
}

async fn problems(c: &Casework) -> Vec<String> {
    let seen = casework::verify_vault(c).await.unwrap().vault.problems;
    seen.iter()
        .map(|p| format!("{}: {}", p.place, p.what))
        .collect()
}

async fn code(c: &Casework) -> String {
    casework::differences(c).await.unwrap().code
}

/// Two administrators accept what differs; then the record is whole, and says so.
async fn accepted_by_two(c: &Casework, ada: &Person, bea: &Person) {
    let found = casework::differences(c).await.unwrap();
    let first = casework::accept_differences(c, &found.code, "a bad disk", ada).await;
    assert_eq!(first.unwrap().accepted_by, ["Ada"]);
    let named = found
        .problems
        .iter()
        .filter(|p| !p.place.starts_with("log entry"));
    assert!(
        found.rows.len() >= usize::from(named.count() > 0),
        "{found:?}"
    );
    assert!(!problems(c).await.is_empty(), "one person isn't enough");
    let again = casework::accept_differences(c, &found.code, "a bad disk", ada).await;
    assert!(refused(again).contains("a second person"));
    let second = casework::accept_differences(c, &found.code, "a bad disk", bea).await;
    assert_eq!(second.unwrap().accepted_by, ["Ada", "Bea"]);
    let seen = casework::verify_vault(c).await.unwrap();
    assert_eq!(seen.vault.problems, []);
    let remarks = format!("{:?}", seen.vault.remarks);
    assert!(remarks.contains(&found.problems[0].what), "{remarks}");
    assert_eq!(code(c).await, "", "nothing is left to accept");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_accept_what_something_else_changed() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let ada = new_person(c, "Ada", &[Role::Administrator]).await;
        let bea = new_person(c, "Bea", &[Role::Administrator]).await;
        let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
        new_person(c, "Zoe", &[Role::Reviewer]).await;
        casework::seal_rows(c).await.unwrap();
        assert_eq!(code(c).await, "");
        let nothing = casework::accept_differences(c, "", "r", &ada).await;
        assert!(refused(nothing).contains("nothing differs"));
        // A row changed by something else, one changed by obhut afterwards (a fault for ever), one
        // that was added, one that is gone, and a forged fault.
        outside(&b, "UPDATE people SET name = 'Rit' WHERE name = 'Rita'").await;
        casework::remove_person(c, "Rita", "test").await.unwrap();
        outside(&b, "INSERT INTO people_roles (person, role) VALUES ((SELECT id FROM people WHERE name = 'Zoe'), 'appeals'); DELETE FROM audit WHERE act = 'person.add'; INSERT INTO row_faults (id, tbl, row_key, what, found_at) VALUES ('f', 't', 'k', 'w', 1)").await;
        let named = problems(c).await.join("; ");
        for part in [&rita.id, "was added", "is missing", "row_faults f"] {
            assert!(named.contains(part), "{part}: {named}");
        }
        // The code is of exactly this.
        let earlier = code(c).await;
        outside(&b, "UPDATE people_roles SET role = 'auditor' WHERE role = 'appeals'").await;
        let stale = casework::accept_differences(c, &earlier, "r", &ada).await;
        assert!(refused(stale).contains("something else differs"));
        let reviewer = new_person(c, "Olga", &[Role::Reviewer]).await;
        let now = code(c).await;
        let denied = casework::accept_differences(c, &now, "r", &reviewer).await;
        assert!(refused(denied).contains("administrator"));
        let silent = casework::accept_differences(c, &now, " ", &ada).await;
        assert!(refused(silent).contains("reason"));
        // Someone whose role something else has written can't speak for it.
        outside(&b, "INSERT INTO people_roles (person, role) VALUES ((SELECT id FROM people WHERE name = 'Olga'), 'administrator')").await;
        let forged = casework::add_person(c, "Olga", &[], "test").await.unwrap();
        let now = code(c).await;
        let by_forged = casework::accept_differences(c, &now, "r", &forged).await;
        assert!(refused(by_forged).contains("another person"));
        accepted_by_two(c, &ada, &bea).await;

        // The same differences come back: who accepted them then hasn't accepted them now.
        for name in ["Ri", "Rit", "Ri"] {
            outside(&b, &format!("UPDATE people SET name = '{name}' WHERE folded = 'rita'")).await;
            assert_eq!(casework::differences(c).await.unwrap().accepted_by, Vec::<String>::new());
            accepted_by_two(c, &ada, &bea).await;
        }
        outside(&b, "UPDATE people SET name = 'Rit' WHERE folded = 'rita'").await;
        accepted_by_two(c, &ada, &bea).await;

        // The next change is found as ever, of an accepted row, too, and of what says so.
        outside(&b, "UPDATE people SET name = 'Ri' WHERE name = 'Rit'").await;
        assert!(problems(c).await[0].contains(&rita.id));
        outside(&b, "UPDATE people SET name = 'Rit' WHERE name = 'Ri'").await;
        outside(&b, "INSERT INTO accepted_entries (log_index, acceptance) VALUES (3, 'x')").await;
        assert!(problems(c).await[0].starts_with("accepted_entries 3"));
        outside(&b, "DELETE FROM accepted_entries").await;
        assert_eq!(problems(c).await, Vec::<String>::new());
        // What obhut does next with the rows is obhut's own.
        casework::withdraw_role(c, "Zoe", Role::Auditor, "test").await.unwrap();
        assert_eq!(problems(c).await, Vec::<String>::new());
    })
    .await;
}

/// After a restore of a database that is older than the vault nothing could be destroyed, released or
/// handed over any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_older_than_the_vault_is_accepted() {
    let b = bench(None).await;
    let ada = new_person(&b.casework, "Ada", &[Role::Administrator]).await;
    let bea = new_person(&b.casework, "Bea", &[Role::Administrator]).await;
    casework::seal_rows(&b.casework).await.unwrap();
    let database = b.folder.path().join("obhut.db");
    // All of it in one file.
    let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", database.display()))
        .await
        .unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut connection)
        .await
        .unwrap();
    let older = std::fs::read(&database).unwrap();
    new_person(&b.casework, "Rita", &[Role::Reviewer]).await;
    casework::seal_rows(&b.casework).await.unwrap();
    let restored = tempfile::tempdir().unwrap();
    for name in ["vault", "keys", "lists"] {
        let mut copy = std::process::Command::new("cp");
        copy.arg("-r")
            .arg(b.folder.path().join(name))
            .arg(restored.path());
        assert!(copy.status().unwrap().success());
    }
    std::fs::write(restored.path().join("obhut.db"), older).unwrap();
    let folder = std::sync::Arc::new(restored);
    let b = Bench { folder, ..b };
    let c = &opened(&b).await;
    assert!(
        problems(c)
            .await
            .iter()
            .any(|p| p.contains("has no leaf of"))
    );
    accepted_by_two(c, &ada, &bea).await;
    new_person(c, "Rita", &[Role::Reviewer]).await;
    assert_eq!(problems(&opened(&b).await).await, Vec::<String>::new());
    if let Some(python) = std::env::var_os("OBHUT_TEST_MOTO") {
        let script =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verify/verify.py");
        let out = std::process::Command::new(python)
            .arg(script)
            .arg(b.folder.path())
            .output();
        let out = out.unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "verify.py: {said}");
    }
}
