//! Random changes to everything the log covers: files of the vault and of the lists, and rows. Each is
//! found, and the unchanged record is never complained about. A few hundred by default;
//! `cargo xtask soak` sets another number in `OBHUT_SOAK_CHANGES`.

mod bench;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bench::*;
use fastrand::Rng;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

fn domains() -> Vec<Box<dyn casework::for_domains::Domain>> {
    obhut_app::domains()
}

/// Changes in an ordinary run. Our judgement: some seconds.
const CHANGES: u64 = 150;

/// A record in which each covered table that a day's work writes has rows.
async fn world(b: &Bench) {
    let c = &b.casework;
    signed(c, "hotline", &[("1", b"one"), ("2", b"two")]).await;
    let rita = new_person(c, "Rita", &[Role::Reviewer]).await;
    let olga = new_person(c, "Olga", &[Role::ReportingOfficer, Role::Appeals]).await;
    casework::create_key(c, "uploads", &[Right::Screen], None, "test")
        .await
        .unwrap();
    for account in ["u", "v", "w"] {
        let json = format!(
            r#"{{"files": [{{"name": "a.txt", "content": ""}}], "facts": {{"reported": {{"id": "{account}"}}, "places": [{{"place": "chat", "content": "x"}}]}}}}"#
        );
        let file = CaseFile::from_json(json.as_bytes()).unwrap();
        let contents = vec![Some(account.as_bytes().repeat(3_000))];
        let case = casework::new_case(c, &file, contents, "test")
            .await
            .unwrap()
            .case;
        let decision = casework::decide(c, &case, &rita, &decision(Ruling::Report))
            .await
            .unwrap();
        casework::file_report(c, &decision, "ncmec", false, "test")
            .await
            .unwrap();
        if account == "w" {
            uphold_appeal(c, &case, &olga).await;
        }
    }
    let ida = new_person(c, "Ida", &[Role::Administrator]).await;
    casework::rotate_keys(c, "a test", &ida, |_| {})
        .await
        .unwrap();
    media::import_list(c, &assessed("second"), &csv(&[("3", b"three")]), "test")
        .await
        .unwrap();
    assert_eq!(casework::verify_vault(c).await.unwrap().vault.problems, []);
}

async fn found(b: &Bench) -> Vec<String> {
    let folder = DataFolder::new(b.folder.path());
    let opened = obhut_app::open_to_verify(folder, None, b.clock.clone()).await;
    // What can't be opened is refused with its reason.
    let opened = match opened {
        Ok(opened) => opened,
        Err(e) => return vec![e.to_string()],
    };
    match casework::verify_as_it_is(&opened).await {
        Ok(seen) => {
            let problems = seen.vault.problems.into_iter();
            let named = problems.map(|p| format!("{}: {}", p.place, p.what));
            // A leaf that has lost its place in the log looks as after a kill: it is said to wait.
            let waiting = (seen.waiting > 0).then(|| format!("{} wait", seen.waiting));
            named.chain(seen.vault.leftovers).chain(waiting).collect()
        }
        Err(e) => vec![e.to_string()],
    }
}

/// True if `verify/verify.py`, which has no private keys, finds something. What isn't forged it finds
/// in files and rows, not in the log's own tables.
fn found_apart(python: &Path, root: &Path) -> bool {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../verify/verify.py");
    let out = std::process::Command::new(python)
        .arg(script)
        .arg(root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!said.contains("Traceback"), "{said}");
    !out.status.success() || said.contains("note: nothing names")
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, into),
            false => into.push(path),
        }
    }
    into.sort();
}

/// Files and what they held; `None` for one that wasn't there.
type Undo = Vec<(PathBuf, Option<Vec<u8>>)>;

/// Changes a file, if it can be changed so; says how. `older` are files as they were earlier.
fn change_file(
    chance: &mut Rng,
    root: &Path,
    all: &[PathBuf],
    older: &BTreeMap<PathBuf, Vec<u8>>,
) -> Option<(String, Undo)> {
    let path = all[chance.usize(..all.len())].clone();
    let before = std::fs::read(&path).unwrap();
    let mut bytes = before.clone();
    let name = path.strip_prefix(root).unwrap().display().to_string();
    let mut undo = vec![(path.clone(), Some(before.clone()))];
    let what = match chance.usize(..10) {
        0..=3 if !bytes.is_empty() => {
            let (at, bit) = (chance.usize(..bytes.len()), chance.usize(..8));
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} of {name}")
        }
        4 if !bytes.is_empty() => {
            bytes.truncate(chance.usize(..bytes.len()));
            format!("{name} cut to {} bytes", bytes.len())
        }
        5 => {
            bytes.push(chance.u8(..));
            format!("a byte after {name}")
        }
        6 => {
            std::fs::remove_file(&path).unwrap();
            return Some((format!("{name} deleted"), undo));
        }
        7 => {
            let other = &all[chance.usize(..all.len())];
            let theirs = std::fs::read(other).unwrap();
            if theirs == before {
                return None;
            }
            std::fs::write(other, &before).unwrap();
            undo.push((other.clone(), Some(theirs.clone())));
            bytes = theirs;
            format!("{name} swapped with {}", other.display())
        }
        8 => {
            let (folder, file) = (path.parent().unwrap(), path.file_name().unwrap());
            let file = file.to_string_lossy();
            let new = match chance.usize(..2) {
                0 => folder.join(format!("{}{file}", chance.usize(..1000))),
                // As long and made of the same characters, so that it may be called as obhut's are.
                _ => {
                    folder.join(file.chars().rev().collect::<String>().replace("ega.", "") + ".age")
                }
            };
            if new.exists() {
                return None;
            }
            std::fs::write(&new, &before).unwrap();
            return Some((
                format!("{name} also as {}", new.display()),
                vec![(new, None)],
            ));
        }
        _ => {
            bytes = older.get(&path).filter(|b| **b != before)?.clone();
            format!("{name} as it was earlier")
        }
    };
    std::fs::write(&path, bytes).unwrap();
    Some((what, undo))
}

/// Changes a row; says how, and the statements that undo it.
async fn change_row(
    chance: &mut Rng,
    db: &mut SqliteConnection,
    tables: &[(String, Vec<String>)],
) -> Option<(String, Vec<String>)> {
    let (table, columns) = &tables[chance.usize(..tables.len())];
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")))
        .fetch_one(&mut *db)
        .await
        .unwrap();
    if count == 0 {
        return None;
    }
    let at = chance.usize(..count as usize);
    let row: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT rowid FROM {table} LIMIT 1 OFFSET {at}"
    )))
    .fetch_one(&mut *db)
    .await
    .unwrap();
    let column = &columns[chance.usize(..columns.len())];
    let run = async |db: &mut SqliteConnection, sql: &str| {
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(db).await;
        done.map(|d| d.rows_affected())
    };
    let saved = format!(
        "CREATE TEMP TABLE saved AS SELECT rowid AS the_row, * FROM {table} WHERE rowid = {row}"
    );
    run(db, "DROP TABLE IF EXISTS temp.saved").await.unwrap();
    run(db, &saved).await.unwrap();
    let names = columns.join(", ");
    let back =
        format!("INSERT INTO {table} (rowid, {names}) SELECT the_row, {names} FROM temp.saved");
    let without = format!("DELETE FROM {table} WHERE rowid = {row}");
    match chance.usize(..8) {
        0 => {
            run(db, &without).await.unwrap();
            Some((format!("a row of {table} deleted"), vec![back]))
        }
        kind => {
            let value = match kind {
                1 | 2 => format!(
                    "CASE typeof({column}) WHEN 'integer' THEN {column} + 1 ELSE COALESCE({column}, '') || 'x' END"
                ),
                3 => "NULL".into(),
                4 => "''".into(),
                5 => format!("(SELECT {column} FROM {table} WHERE rowid <> {row} LIMIT 1)"),
                6 => format!(
                    "CASE typeof({column}) WHEN 'text' THEN SUBSTR({column}, 2) ELSE -1 END"
                ),
                _ => format!("CASE typeof({column}) WHEN 'text' THEN UPPER({column}) ELSE 0 END"),
            };
            let sql = format!(
                "UPDATE {table} SET {column} = {value} WHERE rowid = {row} AND {column} IS NOT {value}"
            );
            // A constraint may forbid it.
            if run(db, &sql).await.unwrap_or(0) == 0 {
                return None;
            }
            Some((format!("{table}.{column} = {value}"), vec![without, back]))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_found_and_nothing_else() {
    let wanted = std::env::var("OBHUT_SOAK_CHANGES").map_or(CHANGES, |n| n.parse().unwrap());
    let seed = std::env::var("OBHUT_SOAK_SEED").map_or(78, |n| n.parse().unwrap());
    let b = bench(None).await;
    let root = b.folder.path().to_path_buf();
    world(&b).await;
    let covered = |all: &mut Vec<PathBuf>| {
        files(&root.join("vault"), all);
        files(&root.join("lists"), all);
    };
    let mut older = BTreeMap::new();
    let mut all = Vec::new();
    covered(&mut all);
    for path in &all {
        older.insert(path.clone(), std::fs::read(path).unwrap());
    }
    signed(&b.casework, "third", &[("4", b"four")]).await;
    casework::seal_rows(&b.casework).await.unwrap();
    all.clear();
    covered(&mut all);

    let url = format!("sqlite:{}/obhut.db", root.display());
    let mut db = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("PRAGMA foreign_keys = OFF")
        .execute(&mut db)
        .await
        .unwrap();
    let named = sqlx::query("SELECT DISTINCT tbl FROM leaves")
        .fetch_all(&mut db)
        .await
        .unwrap();
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    let of_log = ["leaves", "log_heads"].map(str::to_owned);
    for table in named.iter().map(|r| r.get(0)).chain(of_log.clone()) {
        let columns = sqlx::query("SELECT name FROM pragma_table_info($1)")
            .bind(&table)
            .fetch_all(&mut db)
            .await
            .unwrap();
        tables.push((table, columns.iter().map(|r| r.get(0)).collect()));
    }
    println!("{} files, {} tables", all.len(), tables.len());

    let python = std::env::var_os("OBHUT_TEST_MOTO").map(PathBuf::from);
    if python.is_none() {
        println!("not present: Python with cryptography (cargo xtask test brings it)");
    }
    let mut apart = 0;
    let mut look_apart = |changed: u64, what: &str| {
        let python = python.as_ref().filter(|_| changed.is_multiple_of(10))?;
        apart += 1;
        (!found_apart(python, &root)).then(|| format!("by verify.py: {what}"))
    };
    let mut chance = Rng::with_seed(seed);
    let mut missed = Vec::new();
    let (mut of_files, mut of_rows) = (0, 0);
    while of_files + of_rows < wanted {
        let what = if chance.usize(..2) == 0 {
            let Some((what, undo)) = change_file(&mut chance, &root, &all, &older) else {
                continue;
            };
            of_files += 1;
            let seen = found(&b).await;
            missed.extend(look_apart(of_files, &what));
            for (path, bytes) in undo {
                match bytes {
                    Some(bytes) => std::fs::write(path, bytes).unwrap(),
                    None => std::fs::remove_file(path).unwrap(),
                }
            }
            seen.is_empty().then_some(what)
        } else {
            let Some((what, undo)) = change_row(&mut chance, &mut db, &tables).await else {
                continue;
            };
            of_rows += 1;
            let seen = found(&b).await;
            if !of_log.iter().any(|table| what.contains(table)) {
                missed.extend(look_apart(of_rows, &what));
            }
            for sql in undo {
                sqlx::query(AssertSqlSafe(sql))
                    .execute(&mut db)
                    .await
                    .unwrap();
            }
            seen.is_empty().then_some(what)
        };
        missed.extend(what);
        if chance.usize(..20) == 0 {
            assert_eq!(found(&b).await, Vec::<String>::new(), "after it was undone");
        }
    }
    assert_eq!(found(&b).await, Vec::<String>::new());
    println!("{of_files} changes of files, {of_rows} of rows, {apart} also by verify.py");
    assert!(missed.is_empty(), "{} missed: {missed:#?}", missed.len());
    assert!(of_files.min(of_rows) > wanted / 4);
}
