//! A vault in a folder: what goes in comes out, what is changed is found, what is read is logged.

mod bench;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bench::{Fixed, Local, access};
use obhut_vault::{Clock, Intake, Keys, Sealer, Vault, VaultError, WriterLock};
use object_store::local::LocalFileSystem;
use proptest::prelude::*;

async fn vault(folder: &Path, keys: &Arc<Keys>) -> Vault {
    let store = LocalFileSystem::new_with_prefix(folder).unwrap();
    let vault = Vault::new(
        Arc::new(store),
        keys.clone(),
        Arc::new(Local::default()),
        Arc::new(Fixed),
    );
    vault.begin().await.unwrap();
    vault.publish_key().await.unwrap();
    vault
}

fn keys() -> Arc<Keys> {
    let (sealer, _) = Sealer::generate();
    Arc::new(Keys::new(sealer, &Keys::generate_signing("obhut.test/vault")).unwrap())
}

fn intake(case: &str) -> Intake {
    Intake {
        actor: "Ada".into(),
        purpose: "a match".into(),
        case: Some(case.into()),
        source: None,
        media_type: Some("image/png".into()),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path))
        } else {
            all.push(path)
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn in_out_listed_read_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let keys = keys();
    let v = vault(folder.path(), &keys).await;
    let first = v.put(b"first", intake("c1")).await.unwrap();
    // Longer than one age chunk of 64 KiB.
    let second = v.put(&[9; 200_000], intake("c2")).await.unwrap();
    assert_eq!((first.log_index, second.log_index), (0, 1));
    assert_eq!(v.get(&first.id, access()).await.unwrap(), b"first");
    // A reopened vault has the same content.
    let v = vault(folder.path(), &keys).await;
    assert_eq!(v.list().await.unwrap(), [first.clone(), second]);
    let readings = v.readings(&first.id).await.unwrap();
    assert_eq!(readings.len(), 1);
    assert_eq!(readings[0].1.actor, "Grace");
    let seen = v.verify().await;
    assert_eq!((seen.entries, seen.exhibits, seen.problems), (3, 2, vec![]));
    assert!(matches!(
        v.get("nothing", access()).await,
        Err(VaultError::NotFound(_))
    ));
}

#[tokio::test]
async fn neither_names_nor_content_are_readable_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &keys()).await;
    let exhibit = v
        .put(b"the content of the file", intake("case-4711"))
        .await
        .unwrap();
    v.get(&exhibit.id, access()).await.unwrap();
    for file in files(folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in ["Ada", "Grace", "case-4711", "the content", &exhibit.sha256] {
            assert!(
                !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
                "{secret} in {file:?}"
            );
        }
    }
}

/// Past the width of a tile the log stays consistent.
#[tokio::test]
async fn more_entries_than_a_tile_is_wide() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &keys()).await;
    let exhibit = v.put(b"x", intake("c")).await.unwrap();
    // 260 entries with the put: a full tile of 256 and a partial one of 4.
    for _ in 0..259 {
        v.get(&exhibit.id, access()).await.unwrap();
    }
    let seen = v.verify().await;
    assert_eq!((seen.entries, seen.problems), (260, vec![]));
    let names: Vec<String> = files(&folder.path().join("log"))
        .iter()
        .map(|f| {
            f.strip_prefix(folder.path().join("log"))
                .unwrap()
                .display()
                .to_string()
        })
        .collect();
    let expected = [
        "checkpoint",
        "key",
        "tile/0/000",
        "tile/0/001.p/4",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/4",
    ];
    assert_eq!(names, expected);
}

/// A process brings its index of the log up to date before each look-up.
#[tokio::test]
async fn another_process_sees_what_came_in_and_what_was_erased() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), keys());
    let one = vault(folder.path(), &keys).await;
    let other = vault(folder.path(), &keys).await;
    let mut ids = Vec::new();
    // More than one tile, so that look-ups begin in the middle of the first and of a later one.
    for n in 0..300 {
        let exhibit = one
            .put(format!("{n}").as_bytes(), intake("c"))
            .await
            .unwrap();
        if n % 50 == 0 {
            assert_eq!(other.exhibit(&exhibit.id).await.unwrap().log_index, n);
        }
        ids.push(exhibit.id);
    }
    assert_eq!(other.get(&ids[7], access()).await.unwrap(), b"7");
    let index = one.erase(&ids[7], access()).await.unwrap();
    let gone = other.get(&ids[7], access()).await;
    assert!(matches!(gone, Err(VaultError::Erased(_))));
    assert_eq!(other.erase(&ids[7], access()).await.unwrap(), index);
    assert_eq!(other.get(&ids[299], access()).await.unwrap(), b"299");
    // Without `log/` nothing may be answered from the old index.
    std::fs::remove_dir_all(folder.path().join("log")).unwrap();
    let unknown = other.exhibit(&ids[299]).await;
    assert!(matches!(unknown, Err(VaultError::Tampered(_))));
}

/// RFC 6962, section 2.1, transcribed literally: the oracle for the log's root.
fn naive_root(entries: &[Vec<u8>]) -> [u8; 32] {
    use sha2::Digest as _;
    match entries {
        [] => sha2::Sha256::digest([]).into(),
        [one] => sha2::Sha256::digest([&[0], one.as_slice()].concat()).into(),
        many => {
            // RFC 6962's k: the largest power of two smaller than the number of entries.
            let half = many.len().next_power_of_two() / 2;
            let (left, right) = (naive_root(&many[..half]), naive_root(&many[half..]));
            sha2::Sha256::digest([&[1], left.as_slice(), right.as_slice()].concat()).into()
        }
    }
}

/// The folder can be read with knowledge of C2SP tlog-tiles and RFC 6962 alone.
#[tokio::test]
async fn the_folder_is_a_log_of_public_format() {
    use base64::Engine as _;
    let folder = tempfile::tempdir().unwrap();
    let keys = keys();
    let v = vault(folder.path(), &keys).await;
    // Up to 20 the tree takes every shape around 1, 2, 4, 8 and 16 entries.
    for size in 1..=20_usize {
        v.put(&[size as u8], intake("c")).await.unwrap();
        let checkpoint = std::fs::read_to_string(folder.path().join("log/checkpoint")).unwrap();
        let lines: Vec<_> = checkpoint.lines().collect();
        assert_eq!(
            (lines[0], lines[1], lines[3]),
            ("obhut.test/vault", size.to_string().as_str(), "")
        );
        assert!(
            lines[4].starts_with("\u{2014} obhut.test/vault "),
            "a signature line of signed-note"
        );
        let bundle =
            std::fs::read(folder.path().join(format!("log/tile/entries/000.p/{size}"))).unwrap();
        let (mut entries, mut rest) = (Vec::new(), bundle.as_slice());
        while let Some((len, tail)) = rest.split_first_chunk::<2>() {
            let (entry, tail) = tail.split_at(u16::from_be_bytes(*len).into());
            entries.push(entry.to_vec());
            rest = tail;
        }
        let root = base64::prelude::BASE64_STANDARD.encode(naive_root(&entries));
        assert_eq!((entries.len(), lines[2]), (size, root.as_str()));
    }
}

#[tokio::test]
async fn a_removed_file_and_a_stranger_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &keys()).await;
    let exhibit = v.put(b"x", intake("c")).await.unwrap();
    let path = folder
        .path()
        .join(format!("exhibits/{}.sealed", exhibit.id));
    // One move, two findings: a logged file is missing, and another has no entry.
    let other = format!("exhibits/{}.sealed", "0".repeat(32));
    std::fs::rename(&path, folder.path().join(&other)).unwrap();
    let seen = v.verify().await;
    assert_eq!(seen.problems.len(), 1);
    assert_eq!(
        seen.problems[0].place,
        format!("exhibits/{}.sealed", exhibit.id)
    );
    // The message once spoke of disk space, and named the folder on this machine.
    let what = &seen.problems[0].what;
    assert!(
        what.contains("is missing") && what.contains("backup"),
        "{what}"
    );
    assert_eq!(seen.leftovers, [other]);
}

/// Without its checkpoint a vault counted as a healthy empty one, and the next exhibit began a second
/// log under the same key.
#[tokio::test]
async fn a_vault_without_its_checkpoint_is_not_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &keys()).await;
    v.put(b"x", intake("c")).await.unwrap();
    std::fs::remove_file(folder.path().join("log/checkpoint")).unwrap();
    let problems = v.verify().await.problems;
    assert_eq!(problems[0].place, "log/checkpoint");
    assert!(v.put(b"y", intake("c")).await.is_err());
    assert!(!folder.path().join("log/checkpoint").exists());
}

/// An older copy of the log, put back, was accepted: exhibits and readings vanished from it.
#[tokio::test]
async fn an_older_log_is_found_and_not_continued() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), keys());
    let v = vault(folder.path(), &keys).await;
    v.put(b"x", intake("c")).await.unwrap();
    let log = folder.path().join("log");
    let older: Vec<_> = files(&log)
        .into_iter()
        .map(|f| (f.clone(), std::fs::read(f).unwrap()))
        .collect();
    v.put(b"y", intake("c")).await.unwrap();
    let head = v.head().await.unwrap();
    std::fs::remove_dir_all(&log).unwrap();
    for (file, bytes) in &older {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    // A process that knows only what the database says of the head.
    let v = vault(folder.path(), &keys).await;
    v.expect(head);
    let problems = v.verify().await.problems;
    assert!(
        problems.iter().any(|p| p.what.contains("older copy")),
        "{problems:?}"
    );
    assert!(v.put(b"z", intake("c")).await.is_err());
    // Another history of the same length.
    let v = vault(folder.path(), &keys).await;
    v.put(b"z", intake("c")).await.unwrap();
    let v = vault(folder.path(), &keys).await;
    v.expect(head);
    let problems = v.verify().await.problems;
    assert!(
        problems.iter().any(|p| p.what.contains("are not those")),
        "{problems:?}"
    );
}

/// A damaged bundle was copied into the next one, and the good one deleted: a backup of it helped no
/// more.
#[tokio::test]
async fn a_damaged_bundle_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &keys()).await;
    v.put(b"x", intake("c")).await.unwrap();
    let path = folder.path().join("log/tile/entries/000.p/1");
    let good = std::fs::read(&path).unwrap();
    let mut bytes = good.clone();
    bytes[20] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(v.put(b"y", intake("c")).await.is_err());
    std::fs::write(&path, &good).unwrap();
    v.put(b"y", intake("c")).await.unwrap();
    assert_eq!(v.verify().await.problems, []);
}

#[tokio::test]
async fn entries_about_rows_are_in_the_log_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &keys()).await;
    v.put(b"x", intake("c")).await.unwrap();
    let all: Vec<String> = (0..300).map(|n| format!("{n:064x}")).collect();
    assert_eq!(v.append_rows(&all).await.unwrap(), 1);
    let rows = v.rows(1).await.unwrap();
    assert_eq!(rows.len(), 300);
    assert!(rows.iter().zip(&all).all(|((_, one), other)| one == other));
    let seen = v.verify().await;
    assert_eq!(seen.problems, []);
    assert_eq!((seen.entries, seen.rows), (301, rows));
    // What came before is found as ever.
    assert_eq!(v.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let exhibit = vault(folder.path(), &keys())
        .await
        .put(b"x", intake("c"))
        .await
        .unwrap();
    // Both keys differ, so the checkpoint itself is refused.
    let stranger = vault(folder.path(), &keys()).await;
    assert!(stranger.get(&exhibit.id, access()).await.is_err());
    assert!(!stranger.verify().await.problems.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Any changed bit in any file is found, and nothing changed is ever handed out.
    #[test]
    fn any_changed_bit_is_found(file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let v = vault(folder.path(), &keys()).await;
            let a = v.put(b"first", intake("c1")).await.unwrap();
            v.put(b"second", intake("c2")).await.unwrap();
            v.get(&a.id, access()).await.unwrap();
            let all = files(folder.path());
            let path = &all[file.index(all.len())];
            let mut bytes = std::fs::read(path).unwrap();
            let place = at.index(bytes.len());
            bytes[place] ^= 1_u8 << bit;
            std::fs::write(path, &bytes).unwrap();
            let problems = v.verify().await.problems;
            assert!(!problems.is_empty(), "{path:?} byte {place} bit {bit}");
            // Reading may succeed if the changed file is a tile or belongs to the other exhibit.
            if let Ok(bytes) = v.get(&a.id, access()).await {
                assert_eq!(bytes, b"first");
            }
        });
    }
}

/// Counts how often it is held, and can be kept by the test.
struct Counted {
    held: Arc<std::sync::atomic::AtomicUsize>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[async_trait::async_trait]
impl WriterLock for Counted {
    async fn hold(&self) -> std::io::Result<Box<dyn Send>> {
        let turn = self.turn.clone().lock_owned().await;
        self.held.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(Box::new(turn))
    }
}

async fn counted(folder: &Path) -> (Arc<Vault>, Counted) {
    let counted = Counted {
        held: Arc::default(),
        turn: Arc::default(),
    };
    let store = LocalFileSystem::new_with_prefix(folder).unwrap();
    let lock = Counted {
        held: counted.held.clone(),
        turn: counted.turn.clone(),
    };
    let vault = Vault::new(Arc::new(store), keys(), Arc::new(lock), Arc::new(Fixed));
    vault.begin().await.unwrap();
    vault.publish_key().await.unwrap();
    (Arc::new(vault), counted)
}

/// Complete files in a folder of the vault, which may not be there yet.
fn stored(vault: &Path, folder: &str) -> usize {
    let entries = std::fs::read_dir(vault.join(folder)).into_iter().flatten();
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter(|name| !name.to_string_lossy().contains('#'))
        .count()
}

/// Sixty-four that come while another writes share one append, each with its own entry.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_share_one_append() {
    let folder = tempfile::tempdir().unwrap();
    let (v, counted) = counted(folder.path()).await;
    let turn = counted.turn.clone().lock_owned().await;
    let before = counted.held.load(std::sync::atomic::Ordering::SeqCst);
    let all = futures::future::join_all((0..64).map(|n| {
        let v = v.clone();
        async move {
            let bytes = format!("exhibit {n}");
            (n, v.put(bytes.as_bytes(), intake("c")).await.unwrap())
        }
    }));
    let putting = tokio::spawn(all);
    // Each has stored its two files before it asks for an entry.
    while stored(folder.path(), "exhibits") + stored(folder.path(), "records") < 128 {
        tokio::task::yield_now().await;
    }
    drop(turn);
    let put = putting.await.unwrap();
    let appends = counted.held.load(std::sync::atomic::Ordering::SeqCst) - before;
    // One more for those who asked just after the first had the lock.
    assert!(appends <= 4, "{appends} appends for 64 exhibits");
    let mut places: Vec<_> = put.iter().map(|(_, e)| e.log_index).collect();
    places.sort_unstable();
    assert_eq!(places, (0..64).collect::<Vec<_>>());
    for (n, exhibit) in &put {
        let bytes = v.get(&exhibit.id, access()).await.unwrap();
        assert_eq!(bytes, format!("exhibit {n}").as_bytes());
    }
    assert_eq!(v.verify().await.problems, []);
}

/// A caller that gives up, such as a client that hangs up, neither stops those in its batch nor keeps
/// the writer's lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_gives_up_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (v, counted) = counted(folder.path()).await;
    for round in 0..30 {
        let before = stored(folder.path(), "exhibits");
        let turn = counted.turn.clone().lock_owned().await;
        let mut putting: Vec<_> = (0..4)
            .map(|n| {
                let v = v.clone();
                tokio::spawn(async move {
                    let bytes = format!("{round} {n}");
                    v.put(bytes.as_bytes(), intake("c")).await
                })
            })
            .collect();
        while stored(folder.path(), "exhibits") < before + 4 {
            tokio::task::yield_now().await;
        }
        // At different moments: before, while and after the lock is free.
        if round % 3 == 0 {
            putting[0].abort();
        }
        drop(turn);
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        putting[round % 3].abort();
        if round % 5 == 0 {
            putting.iter().for_each(tokio::task::JoinHandle::abort);
        }
        for one in putting.drain(..) {
            // One that wasn't given up was acknowledged.
            match one.await {
                Ok(put) => drop(put.unwrap()),
                Err(e) => assert!(e.is_cancelled(), "{e}"),
            }
        }
        // The lock is free again, and the next is served.
        v.put(b"next", intake("c")).await.unwrap();
        assert_eq!(v.verify().await.problems, [], "round {round}");
    }
}

/// Regression: entries of 2036 and then of 2016 were verified without a remark.
#[tokio::test]
async fn entries_that_are_dated_back_are_remarked_on() {
    struct Jumping(std::sync::atomic::AtomicI64);
    impl Clock for Jumping {
        fn now_micros(&self) -> i64 {
            self.0.load(std::sync::atomic::Ordering::SeqCst)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Jumping(2_090_000_000_000_000.into()));
    let store = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let lock = Arc::new(Local::default());
    let vault = Vault::new(Arc::new(store), keys(), lock, clock.clone());
    vault.begin().await.unwrap();
    vault.publish_key().await.unwrap();
    for (at, remarks) in [
        (2_090_000_000_000_000, 0),
        // Clocks are set back by a minute.
        (2_089_999_940_000_000, 0),
        (1_460_000_000_000_000, 1),
        (1_460_000_100_000_000, 2),
    ] {
        clock.0.store(at, std::sync::atomic::Ordering::SeqCst);
        vault.put(b"x", intake("c")).await.unwrap();
        let seen = vault.verify().await;
        assert_eq!(
            (seen.problems.len(), seen.remarks.len()),
            (0, remarks),
            "{at}"
        );
    }
    let seen = vault.verify().await;
    assert!(seen.remarks[0].place == "entry 2", "{:?}", seen.remarks);
    // A file that neither log nor entries name is named.
    std::fs::write(folder.path().join("log/tile/added"), b"x").unwrap();
    let seen = vault.verify().await;
    assert_eq!(seen.problems[0].place, "log/tile/added");
}
