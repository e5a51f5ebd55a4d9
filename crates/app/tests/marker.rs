//! After a case is cleared, traces of the person remain only where an allow-list permits them. A
//! marker goes into the inputs below, the case is cleared, and every column and file is decrypted
//! and searched. The allow-list names the columns that may still contain the marker, each with the
//! reason.

mod bench;

use bench::*;
use obhut_app::payments::{Assessment, Fired, NewAlert, Session, ShownTransfer, score_of};
use obhut_app::{bitcoin, domains, media};
use obhut_casework as casework;
use obhut_casework::*;
use sqlx::Row as _;

/// Part of the texts entered, except the grounds of the appeal's decision.
const MARKER: &str = "marker4711";

/// Table, column, and the reason why the marker may remain there.
const KEPT: &[(&str, &str, &str)] = &[
    (
        "appeals",
        "reason_sealed",
        "the appeal itself, which the person wrote",
    ),
    (
        "appeals",
        "grounds",
        "why the appeal was decided, under a person's name",
    ),
    (
        "decisions",
        "grounds",
        "the decision that was overturned, under a person's name",
    ),
    (
        "restorations",
        "account_sealed",
        "whose account is to be opened again; gone once it is",
    ),
    (
        "views",
        "purpose",
        "why a person viewed the file: the record of exposure",
    ),
    (
        "audit",
        "detail",
        "the trail: what people did, in their words",
    ),
    (
        "incoming",
        "sealed",
        "a report that someone else made and is responsible for",
    ),
];

fn marked(n: usize) -> String {
    format!("{MARKER}-{n}")
}

/// Every value of every column of every table, opened where it is sealed.
async fn everything(b: &Bench) -> Vec<(String, String, String)> {
    let sealing = std::fs::read_to_string(b.folder.path().join("keys/sealing.age")).unwrap();
    let sealer = obhut_vault::Sealer::from_text(&sealing).unwrap();
    let url = b
        .url
        .clone()
        .unwrap_or_else(|| format!("sqlite://{}", b.folder.path().join("obhut.db").display()));
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let tables = match b.url {
        None => {
            "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'"
        }
        Some(_) => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let columns = sqlx::query(tables).fetch_all(&pool).await.unwrap();
    // A floor: a query that finds too few columns must not let the test pass.
    assert!(columns.len() > 150, "only {} columns found", columns.len());
    let mut all = Vec::new();
    for row in &columns {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        if table == "_sqlx_migrations" {
            continue;
        }
        // In hexadecimal, which both databases return for texts, numbers and blobs alike.
        let as_hex = match b.url {
            None => format!("hex({column})"),
            Some(_) => format!(
                "CAST(CASE WHEN pg_typeof({column})::text = 'bytea' THEN encode(({column}::text)::bytea, 'hex') ELSE encode(convert_to({column}::text, 'UTF8'), 'hex') END AS TEXT)"
            ),
        };
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {as_hex} FROM {table} WHERE {column} IS NOT NULL"
        ));
        for row in sqlx::query(sql).fetch_all(&pool).await.unwrap() {
            let mut bytes = hex::decode(row.get::<String, _>(0)).unwrap();
            // PostgreSQL writes a blob's text as \x….
            if let Some(inner) = bytes.strip_prefix(b"\\x") {
                bytes = hex::decode(inner).unwrap();
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // Sealed texts are stored as hexadecimal, sealed blobs as bytes; the rest is searched
            // as it is.
            let opened = hex_opened(&sealer, &text)
                .or_else(|| sealer.open(&bytes))
                .map(|o| String::from_utf8_lossy(&o).into_owned());
            all.push((table.clone(), column.clone(), opened.unwrap_or(text)));
        }
    }
    pool.close().await;
    all
}

fn hex_opened(sealer: &obhut_vault::Sealer, text: &str) -> Option<Vec<u8>> {
    let bytes = hex::decode(text).ok()?;
    sealer.open(&bytes)
}

fn alert() -> NewAlert {
    let fired: Vec<Fired> = ["S01", "S03"]
        .iter()
        .map(|id| Fired::restored(id, 0, 1.0, [4.0, 4.0, 1.0, 9.0, 0.5]).unwrap())
        .collect();
    NewAlert {
        party: Sealed::new(marked(1)),
        assessment: Assessment {
            scenario: "buyer with many recipients",
            score: score_of(&fired),
            fired,
            first_at: 1_700_000_000_000_000,
            last_at: 1_700_000_500_000_000,
            at: 1_700_000_500_000_000,
            n: 1,
        },
        timeline: vec![ShownTransfer {
            tx: Some(marked(2)),
            at: 1_700_000_000_000_000,
            other: marked(3),
            amount: "35.00".into(),
            currency: "EUR".into(),
            country: "PH".into(),
            in_band: true,
            night: false,
        }],
        network: Vec::new(),
        rests_on: Vec::new(),
        sessions: vec![Session {
            tx: marked(2),
            upload: UploadFacts {
                session: Some(marked(20)),
                screen_name: Some(marked(21)),
                ..UploadFacts::default()
            },
        }],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_person_remains_only_in_the_allow_list() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let roles = [Role::Reviewer, Role::ReportingOfficer, Role::Administrator];
        let rita = new_person(c, "Rita", &roles).await;
        let olga = new_person(c, "Olga", &roles).await;
        // Three cases: one from payments, with money on the chain; one from a case file; and one
        // from an upload that matched a list.
        let row = obhut_app::payments::record_alert(c, &alert(), "test").await.unwrap().unwrap();
        let money = row.case;
        bitcoin::record_chain_basis(c, &money, &marked(4), &marked(5), i64::MAX / 2, &rita)
            .await
            .unwrap();
        bitcoin::watch_addresses(c, &money, bitcoin::Network::Regtest, &[marked(6)], &rita)
            .await
            .unwrap();
        let movement = bitcoin::MovementRow {
            address: marked(6),
            txid: marked(7),
            height: 1,
            time: "2026-01-01T00:00:00Z".into(),
            amount_sat: 1,
            incoming: true,
            place: 0,
            undone: false,
        };
        bitcoin::record_movement(c, "regtest", &movement).await.unwrap();
        obhut_app::payments::record_hold(c, &marked(2), &money, i64::MAX / 2).await.unwrap();
        let json = format!(
            r#"{{"facts": {{"reported": {{"id": "{}", "display_names": ["{}"]}}, "note": "{}"}},
                "files": [{{"name": "{}", "content": "bm90ZXM=", "facts": {{"original_name": "{}"}}}}],
                "embargo": {{"until": "2020-01-01T00:00:00Z", "authority": "{}"}}}}"#,
            marked(8),
            marked(9),
            marked(10),
            marked(11),
            marked(12),
            marked(13)
        );
        let file = CaseFile::from_json(json.as_bytes()).unwrap();
        let filed = casework::new_case(c, &file, vec![Some(b"notes".to_vec())], "test")
            .await
            .unwrap()
            .case;
        // The case from the upload.
        let known = picture(1);
        signed(c, "hotline", &[("one", &known)]).await;
        let uploaded = Subject {
            name: Some(Sealed::new(marked(18))),
            ..subject(&marked(19))
        };
        let screened = screen(c, &known).await;
        let matched = media::record(c, &screened, &uploaded, Some(&known), "server").await;
        let matched = matched.unwrap().case.unwrap();
        let mut cleared = Vec::new();
        for case in [&money, &filed, &matched] {
            let name = marked(14);
            casework::put_exhibit(c, marked(15).as_bytes(), Some(case), None, Some(&name), None, &rita)
                .await
                .unwrap();
            let request = DecisionRequest {
                ruling: Ruling::NoReport,
                grounds: marked(16),
                category: None,
            };
            casework::decide(c, case, &rita, &request).await.unwrap();
            let appeal = casework::file_appeal(c, case, &marked(17), "test").await.unwrap();
            cleared.push((case.clone(), appeal.id));
        }
        let before = everything(&b).await;
        let places = |all: &[(String, String, String)]| {
            let mut places: Vec<(String, String)> = all
                .iter()
                .filter(|(.., text)| text.contains(MARKER))
                .map(|(table, column, _)| (table.clone(), column.clone()))
                .collect();
            places.sort();
            places.dedup();
            places
        };
        // The search at the end would also pass if the marker had never gone in.
        assert!(places(&before).len() >= 10, "the marker reached only {:?}", places(&before));
        for (case, appeal) in &cleared {
            casework::decide_appeal(c, case, appeal, &olga, AppealOutcome::Upheld, "not them")
                .await
                .unwrap();
            let proof = casework::erasure_proof(c, case).await.unwrap();
            assert!(proof.complete, "{proof:?}");
        }
        // Every finding of a cleared case is withdrawn, whatever its source.
        for (case, sources) in [
            (&money, vec!["payments", "chain"]),
            (&filed, vec!["person"]),
            (&matched, vec!["media"]),
        ] {
            let found = casework::finding_rows(c, case).await.unwrap();
            let of: Vec<&str> = found.iter().map(|f| f.source.as_str()).collect();
            assert_eq!(of, sources);
            assert!(found.iter().all(|f| f.state == FindingState::Withdrawn));
            // Withdrawing deletes no row, so the numbers have no gap.
            assert!(found.iter().zip(1..).all(|(f, n)| f.seq == n));
            // A finding that isn't about a file keeps neither its strength nor the key of its alert
            // or movement.
            let of_domain = |f: &&FindingRow| ["payments", "chain"].contains(&f.source.as_str());
            for row in found.iter().filter(of_domain) {
                assert_eq!((&row.subject, row.strength.as_str()), (&row.id, ""));
            }
        }
        // An allow-list: a new column fails here until its owner has decided.
        for (table, column) in places(&everything(&b).await) {
            assert!(
                KEPT.iter().any(|(t, c, _)| *t == table && *c == column),
                "{table}.{column} still contains the marker: have its domain withdraw it, or add it to KEPT with the reason why it stays"
            );
        }
        // No exhibit is left that would have to be opened and searched.
        let exhibits = casework::exhibits(c).await.unwrap();
        assert_eq!(exhibits.len(), 0);
        // No file in the folder contains the marker either, sealed or not.
        let sealers = ["sealing.age", "exhibits.age"].map(|key| {
            let text = std::fs::read_to_string(b.folder.path().join("keys").join(key)).unwrap();
            obhut_vault::Sealer::from_text(&text).unwrap()
        });
        let mut folders = vec![b.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                // The rows of SQLite's database were opened above. Pages that it has freed are not
                // searched.
                if path.file_name().unwrap().to_string_lossy().starts_with("obhut.db") {
                    continue;
                }
                let bytes = std::fs::read(&path).unwrap();
                let opened = sealers.iter().find_map(|s| s.open(&bytes));
                let opened = opened.unwrap_or(bytes);
                let says = opened.windows(MARKER.len()).any(|w| w == MARKER.as_bytes());
                assert!(!says, "{}", path.display());
            }
        }
    })
    .await;
}
