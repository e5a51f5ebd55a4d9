//! What the tests need: a fresh casework on each database, pictures, lists, people.

#![allow(dead_code)]

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;
use obhut_media::*;

pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now_micros(&self) -> i64 {
        // Each reading of the clock is a microsecond later, so that tests can observe the order by
        // time.
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

impl TestClock {
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

/// A fresh casework, in a folder and a database of its own.
pub struct Bench {
    pub casework: Casework,
    pub clock: Arc<TestClock>,
    pub folder: Arc<tempfile::TempDir>,
    pub url: Option<String>,
}

/// Runs a story on SQLite and on PostgreSQL. Afterwards every covered row has to agree with the vault's
/// log, whatever the story did.
pub async fn on_each_database<F: AsyncFn(Bench)>(story: F) {
    on_each_database_broken(async |b: Bench| {
        let (folder, url) = (b.folder.clone(), b.url.clone());
        story(b).await;
        agrees_with_its_log(&folder, url.as_deref()).await;
    })
    .await;
}

/// Like [`on_each_database`], for a story that leaves the data folder damaged.
pub async fn on_each_database_broken<F: AsyncFn(Bench)>(story: F) {
    story(bench(None).await).await;
    match fresh_postgres().await {
        None => println!("not present: PostgreSQL (cargo xtask test brings it)"),
        Some(url) => {
            story(bench(Some(url.clone())).await).await;
            drop_database(&url).await;
        }
    }
}

async fn agrees_with_its_log(folder: &tempfile::TempDir, url: Option<&str>) {
    let folder = DataFolder::new(folder.path());
    let clock = Arc::new(TestClock(AtomicI64::new(1_900_000_000_000_000)));
    let c = casework::open_with(folder, url, clock, crate::domains())
        .await
        .unwrap();
    let seen = casework::verify_vault(&c).await.unwrap();
    assert_eq!(seen.vault.problems, []);
    assert_eq!(seen.waiting, 0);
}

/// Deletes a test's database. Several hundred of them would fill a small disk.
async fn drop_database(url: &str) {
    let (server, name) = url.rsplit_once('/').unwrap();
    let pool = sqlx::AnyPool::connect(&format!("{server}/postgres"))
        .await
        .expect("the server answers");
    // The test's pool may still be closing its connections.
    let drop = sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    sqlx::query(drop).execute(&pool).await.expect("deleted");
    pool.close().await;
}

/// URL of a fresh database on the test's PostgreSQL; `None` without PostgreSQL.
pub async fn fresh_postgres() -> Option<String> {
    let server = std::env::var("OBHUT_TEST_POSTGRES").ok()?;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Process ids are reused, so the time is part of the name.
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let next = NEXT.fetch_add(1, Ordering::SeqCst);
    let name = format!("obhut_test_{}_{nanos}_{next}", std::process::id());
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&format!("{server}/postgres"))
        .await
        .expect("the server answers");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create)
        .execute(&pool)
        .await
        .expect("a fresh database");
    pool.close().await;
    Some(format!("{server}/{name}"))
}

pub async fn bench(url: Option<String>) -> Bench {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    // 2026-09-21T14:13:20Z; the dates in `receipt.rs` depend on it.
    let clock = Arc::new(TestClock(AtomicI64::new(1_790_000_000_000_000)));
    let casework = casework::open_with(
        DataFolder::new(folder.path()),
        url.as_deref(),
        clock.clone(),
        crate::domains(),
    )
    .await
    .unwrap();
    let reporter = Reporter {
        email: "trust@example.com".into(),
        ..Reporter::default()
    };
    casework::set_reporter(&casework, &reporter, "test")
        .await
        .unwrap();
    Bench {
        casework,
        clock,
        folder,
        url,
    }
}

/// Statements that don't come from obhut, as an administrator of the database would run them. They
/// have to change something.
pub async fn outside(b: &Bench, sql: &str) {
    sqlx::any::install_default_drivers();
    let file = format!("sqlite:{}/obhut.db", b.folder.path().display());
    let url = b.url.clone().unwrap_or(file);
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(&pool)
        .await
        .unwrap();
    let of_schema = ["CREATE", "DROP", "ALTER", "ATTACH", "GRANT", "REVOKE"];
    assert!(
        done.rows_affected() > 0 || of_schema.iter().any(|word| sql.starts_with(word)),
        "{sql}"
    );
    pool.close().await;
}

pub fn worker() -> WorkerCommand {
    let test = std::env::current_exe().unwrap();
    // Test binaries are in target/*/deps; the decoder is one folder above them.
    let program: PathBuf = test
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("obhut-decode");
    assert!(
        program.exists(),
        "run `cargo build -p obhut-decode` first, or test the whole workspace"
    );
    WorkerCommand { program }
}

pub fn pool() -> Arc<Pool> {
    Arc::new(Pool::new(worker(), Limits::default()))
}

/// A picture with enough detail for a usable PDQ digest.
pub fn picture(seed: u32) -> Vec<u8> {
    let rgb = image::RgbImage::from_fn(160, 120, |x, y| {
        let v = (x * (3 + seed) + y * (7 + seed * 3)) ^ (x * y * (seed + 1) / 50);
        image::Rgb([v as u8, (v >> 2) as u8, (x + seed * 40) as u8])
    });
    let mut out = Cursor::new(Vec::new());
    rgb.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    digest_hex("sha256", bytes)
}

pub fn md5_hex(bytes: &[u8]) -> String {
    digest_hex("md5", bytes)
}

fn digest_hex(kind: &str, bytes: &[u8]) -> String {
    let kind = obhut_hash::kinds::by_name(kind).unwrap();
    let obhut_hash::Compute::Bytes(compute) = kind.compute else {
        panic!()
    };
    compute(&mut &bytes[..]).unwrap().to_hex()
}

pub fn settings(name: &str, purpose: Purpose, action: Action) -> ListSettings {
    ListSettings {
        name: name.into(),
        owner: "Hotline".into(),
        purpose,
        basis: "Art. 6(1)(c)".into(),
        action,
    }
}

pub fn assessed(name: &str) -> ListSettings {
    settings(name, Purpose::Assessed, Action::Block)
}

/// PDQ of a picture's pixels.
pub fn pdq_hex(picture: &[u8]) -> String {
    let rgb = image::load_from_memory(picture).unwrap().to_rgb8();
    let pixels = obhut_hash::Pixels::new(rgb.width(), rgb.height(), rgb.as_raw()).unwrap();
    let kind = obhut_hash::kinds::by_name("pdq").unwrap();
    let obhut_hash::Compute::Pixels { one, .. } = kind.compute else {
        panic!("PDQ is a digest of pixels")
    };
    one(pixels).digest.to_hex()
}

pub fn csv(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let rows: Vec<_> = entries
        .iter()
        .map(|(id, bytes)| format!("md5,{},,,{id}\n", md5_hex(bytes)))
        .collect();
    format!(
        "kind,digest,category_scale,category,entry_id\n{}",
        rows.concat()
    )
    .into_bytes()
}

pub async fn steward(c: &Casework, name: &str) -> Person {
    casework::add_person(c, name, &[Role::ListSteward], "test")
        .await
        .unwrap()
}

pub async fn signed(c: &Casework, name: &str, entries: &[(&str, &[u8])]) {
    signed_list(c, name, &csv(entries)).await;
}

/// Imports a list from CSV, signed by two people.
pub async fn signed_list(c: &Casework, name: &str, list: &[u8]) {
    media::import_list(c, &assessed(name), list, "test")
        .await
        .unwrap();
    // Two people, as every version needs.
    for person in ["Ada", "Grace"] {
        media::sign_list(c, name, &steward(c, person).await)
            .await
            .unwrap();
    }
}

pub async fn screen(c: &Casework, bytes: &[u8]) -> Screened {
    let screener = media::screener(c, pool(), ScreenOptions::default())
        .await
        .unwrap();
    let bytes = bytes.to_vec();
    tokio::task::spawn_blocking(move || screener.screen_bytes(&bytes))
        .await
        .unwrap()
}

pub fn subject(account: &str) -> Subject {
    Subject {
        group: account.into(),
        account: Some(Sealed::new(account.into())),
        name: Some(Sealed::new("holiday.png".into())),
        surface: Surface::Public,
        uploaded_at: None,
        before_release: false,
        upload: UploadFacts::default(),
        digests: None,
    }
}

pub fn refused<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(
            e @ (CaseworkError::Conflict { .. }
            | CaseworkError::Invalid { .. }
            | CaseworkError::Denied { .. }),
        ) => e.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// A new person with these roles.
pub async fn new_person(c: &Casework, name: &str, roles: &[Role]) -> Person {
    casework::add_person(c, name, roles, "test").await.unwrap()
}

/// A decision without category.
pub fn decision(ruling: Ruling) -> DecisionRequest {
    DecisionRequest {
        ruling,
        grounds: "g".into(),
        category: None,
    }
}

/// Files an appeal and has this person uphold it.
pub async fn uphold_appeal(c: &Casework, case: &str, person: &Person) {
    let appeal = casework::file_appeal(c, case, "not me", "test")
        .await
        .unwrap();
    uphold(c, case, &appeal.id, person).await;
}

/// This person upholds the open appeal.
pub async fn uphold(c: &Casework, case: &str, appeal: &str, person: &Person) {
    casework::decide_appeal(c, case, appeal, person, AppealOutcome::Upheld, "harmless")
        .await
        .unwrap();
}
