//! A data folder of the first version opens in this one, with everything as it was; one of a newer
//! version is refused with a clear message. Each test runs on both databases. In the first test,
//! eight instances open the folder together.

mod bench;

use bench::*;
use obhut_app::domains;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;
use obhut_media::*;

/// Number of the first version's last migration.
const FIRST_STEPS: i64 = 41;

fn statements(up_to: i64) -> Vec<(i64, String)> {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    let mut all: Vec<_> = [
        "foundation/store",
        "foundation/casework",
        "domains/media",
        "domains/payments",
        "domains/bitcoin",
        "domains/intake",
    ]
    .iter()
    .flat_map(|owner| std::fs::read_dir(crates.join(owner).join("migrations")).unwrap())
    .map(|e| e.unwrap().path())
    .map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let number: i64 = name[..4].parse().unwrap();
        (number, std::fs::read_to_string(path).unwrap())
    })
    .filter(|(number, _)| *number <= up_to)
    .collect();
    all.sort();
    all
}

/// A database as the first version left it: its tables, its rows, its list of steps.
async fn first_version(url: &str, list: &HashList) {
    sqlx::any::install_default_drivers();
    let pool = sqlx::any::AnyPoolOptions::new()
        .max_connections(1)
        .connect(url)
        .await
        .unwrap();
    let run = async |sql: String| {
        use sqlx::Executor as _;
        (&pool)
            .execute(sqlx::AssertSqlSafe(sql.clone()))
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"));
    };
    run("CREATE TABLE steps (number BIGINT PRIMARY KEY, done_at BIGINT NOT NULL)".into()).await;
    for (number, sql) in statements(FIRST_STEPS) {
        // A simple split is enough: in our migrations, only the end of a statement has a semicolon
        // at the end of a line.
        for one in sql.split(";\n").filter(|s| !s.trim().is_empty()) {
            run(one.to_owned()).await;
        }
        run(format!("INSERT INTO steps VALUES ({number}, 1)")).await;
    }
    for sql in [
        "INSERT INTO people VALUES ('person-1', 'Rita', 'rita', 1)",
        "INSERT INTO people_roles VALUES ('person-1', 'reviewer')",
        "INSERT INTO cases (id, group_key, status, opened_at, changed_at) VALUES ('case-1', 'g', 'decided', 1, 1)",
        // The ids are in the wrong order on purpose: only the time gives the right one.
        "INSERT INTO decisions VALUES ('decision-b', 'case-1', 'person-1', 'Rita', 'no-report', 'first', '', '', 10)",
        "INSERT INTO decisions VALUES ('decision-a', 'case-1', 'person-1', 'Rita', 'report', 'second', '', '', 20)",
        "INSERT INTO audit VALUES ('audit-b', 10, 'person-1', 'case.decide', 'case-1', 'no-report')",
        "INSERT INTO audit VALUES ('audit-a', 20, 'person-1', 'case.decide', 'case-1', 'report')",
        "INSERT INTO findings VALUES ('finding-c', 'case-1', 'screen-2', 'given', '', '', '', '', '', 0, NULL, NULL, 'hold', '', '', 'public', 'exhibit-2', NULL, NULL, 30)",
        "INSERT INTO payment_alerts VALUES ('alert-1', 'case-1', 'k', 'sender', 'suspected', 'pattern', 50, 'open', 'x', 1, 2, 3, 3)",
        "INSERT INTO chain_movements (id, case_id, movement_key, movement_sealed, found_at) VALUES ('finding-m', 'case-1', 'moved', 'x', 40)",
        "INSERT INTO incoming (seq, format, came_at, grp, at_risk, reasons, rests_on, case_id, sealed) VALUES (7, 'x', 50, 7, 0, '', '', 'case-1', '')",
    ] {
        run(sql.into()).await;
    }
    for (id, entry, distance) in [("finding-b", "far", 9), ("finding-a", "near", 2)] {
        run(format!("INSERT INTO findings VALUES ('{id}', 'case-1', 'screen-1', 'match', '{}', 'hotline', 'v', '{entry}', 'pdq', {distance}, 90, 'assessed', 'block', 's', 'a', 'shared', 'exhibit-1', NULL, 5, 20)", list.id)).await;
    }
    let (id, version) = (&list.id, &list.version);
    run(format!("INSERT INTO lists (id, name, owner, purpose, basis, action, created_at) VALUES ('{id}', 'hotline', 'Hotline', 'assessed', 'Art. 6(1)(c)', 'block', 1)")).await;
    run(format!("INSERT INTO list_versions (list, version, sequence, entries, problems, imported_by, imported_at, hits_counted) VALUES ('{id}', '{version}', 1, 1, 0, 'x', 1, 0)")).await;
    for person in ["Ada", "Grace"] {
        run(format!("INSERT INTO list_signatures (list, version, person, name, signed_at) VALUES ('{id}', '{version}', 'person-{person}', '{person}', 1)")).await;
    }
    pool.close().await;
}

/// A data folder as the first version left it, without a lookup key but with the list's sealed
/// file. Returns the folder and the list.
async fn first_folder(made: &Bench, known: &[u8]) -> (tempfile::TempDir, HashList) {
    signed(&made.casework, "hotline", &[("one", known)]).await;
    let list = media::list(&made.casework, "hotline").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["keys", "vault", "lists"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    let copy = |name: &str| {
        let to = folder.path().join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(made.folder.path().join(name), to).unwrap();
    };
    copy("keys/sealing.age");
    copy("keys/log.signing");
    copy(&format!("lists/{}/{}.age", list.id, list.version));
    (folder, list)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_the_first_version_opens_with_all_it_holds() {
    on_each_database(async |made: Bench| {
        let known = picture(1);
        let (folder, list) = first_folder(&made, &known).await;
        let database = folder.path().join("obhut.db");
        let url = match made.url {
            Some(_) => fresh_postgres().await.unwrap(),
            None => format!("sqlite://{}?mode=rwc", database.display()),
        };
        first_version(&url, &list).await;
        let open = || {
            let named = made.url.is_some().then_some(url.as_str());
            let (folder, clock) = (DataFolder::new(folder.path()), made.clock.clone());
            async move { obhut_app::open(folder, named, clock).await }
        };
        // Eight instances start together: one migrates, the others find it done.
        let opened = futures::future::join_all((0..8).map(|_| open())).await;
        let mut all: Vec<Casework> = opened.into_iter().map(|c| c.unwrap()).collect();
        let c = all.pop().unwrap();
        let decisions = casework::decisions(&c, "case-1").await.unwrap();
        let grounds: Vec<_> = decisions.iter().map(|d| d.grounds()).collect();
        assert_eq!(grounds, ["first", "second"], "numbered by time");
        let trail = casework::audit(&c, Some("case-1")).await.unwrap();
        assert_eq!(trail[0].detail, "report", "newest first");
        // Findings keep their ids, details and order. Each alert, movement and incoming report gets
        // a separate row.
        let findings = casework::findings(&c, "case-1").await.unwrap();
        let seen: Vec<_> = findings
            .iter()
            .map(|f| {
                (
                    f.id.as_str(),
                    f.what.as_str(),
                    f.matched.entry.as_str(),
                    f.listed,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("finding-a", "match", "near", true),
                ("finding-b", "match", "far", true),
                ("finding-c", "given", "", false),
            ]
        );
        assert_eq!(findings[0].matched.distance, 2);
        assert_eq!(findings[0].uploaded_at, Some(5));
        assert_eq!(findings[2].matched.action, Action::Hold);
        assert_eq!(findings[2].exhibit.as_deref(), Some("exhibit-2"));
        let rows = casework::finding_rows(&c, "case-1").await.unwrap();
        let rows: Vec<_> = rows
            .iter()
            .map(|r| (r.seq, r.source.as_str(), r.subject.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                (1, "media", "screen-1"),
                (2, "media", "screen-1"),
                (3, "person", "screen-2"),
                (4, "payments", "alert-1"),
                (5, "chain", "moved"),
                (6, "intake", "in-7"),
            ]
        );
        // The old signatures are now bound to the list's file, the audit trail says so, and the
        // list matches.
        let list = media::list(&c, "hotline").await.unwrap();
        assert_eq!(list.signatures, ["Ada", "Grace"]);
        assert!(!list.unsigned);
        assert_eq!(screen(&c, &known).await.verdict, Verdict::Match);
        let bound = casework::audit(&c, Some(&list.id)).await.unwrap();
        assert_eq!(bound.iter().filter(|r| r.act == "list.bind").count(), 1);
        // The lookup key is the one the first version used, now in its own file.
        let keys = folder.path().join("keys");
        let read = |name: &str| std::fs::read_to_string(keys.join(name)).unwrap();
        assert_eq!(read("lookup.key").trim(), read("sealing.age").trim());
        if made.url.is_none() {
            let copy = folder.path().join("obhut.db.before-upgrade-41");
            assert!(copy.metadata().unwrap().len() > 0, "copied first");
        }
        // The next decision is the third, whatever the clock says.
        let rita = casework::person(&c, "Rita").await.unwrap();
        let request = DecisionRequest {
            ruling: Ruling::Report,
            grounds: "third".into(),
            category: None,
        };
        casework::decide(&c, "case-1", &rita, &request)
            .await
            .unwrap();
        let decisions = casework::decisions(&c, "case-1").await.unwrap();
        assert_eq!(decisions.last().unwrap().grounds(), "third");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused_with_a_clear_message() {
    on_each_database_broken(async |b: Bench| {
        let url = b
            .url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", b.folder.path().join("obhut.db").display()));
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(&url).await.unwrap();
        // A migration that this program does not know.
        sqlx::query("INSERT INTO steps VALUES (999999, 1)")
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
        let again = obhut_app::open(
            DataFolder::new(b.folder.path()),
            b.url.as_deref(),
            b.clock.clone(),
        )
        .await;
        let e = again.err().expect("it is refused").to_string();
        assert!(e.contains("newer obhut"), "{e}");
    })
    .await;
}

/// Without lists and exhibits, nothing in the folder shows that it is in use; only the database
/// does.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_without_lists_keeps_the_lookup_key() {
    on_each_database(async |made: Bench| {
        let (first, list) = first_folder(&made, &picture(1)).await;
        for name in ["lists", "vault"] {
            std::fs::remove_dir_all(first.path().join(name)).unwrap();
        }
        let url = match made.url {
            Some(_) => fresh_postgres().await.unwrap(),
            None => format!(
                "sqlite://{}?mode=rwc",
                first.path().join("obhut.db").display()
            ),
        };
        first_version(&url, &list).await;
        // A folder that has nothing to do with this database changes nothing for the right one.
        if made.url.is_some() {
            // Only on PostgreSQL: an SQLite database is part of its folder and cannot be confused
            // with another.
            let typo = tempfile::tempdir().unwrap();
            let named = Some(url.as_str());
            let wrong =
                obhut_app::open(DataFolder::new(typo.path()), named, made.clock.clone()).await;
            let e = wrong.err().expect("another folder's database").to_string();
            assert!(e.contains("belongs to this database"), "{e}");
        }
        let named = made.url.is_some().then_some(url.as_str());
        obhut_app::open(DataFolder::new(first.path()), named, made.clock.clone())
            .await
            .unwrap();
        let read =
            |name: &str| std::fs::read_to_string(first.path().join("keys").join(name)).unwrap();
        assert_eq!(read("lookup.key").trim(), read("sealing.age").trim());
    })
    .await;
}
