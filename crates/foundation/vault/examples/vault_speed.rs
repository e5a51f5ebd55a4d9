//! Figures of the vault for `cargo xtask bench vault`.
//!
//! `aead MIB` seals that many MiB in memory, and does the same with AES-256-GCM alone; prints seconds of
//! both. `puts FOLDER WRITERS EACH` puts exhibits of 4 KiB; prints puts a second, median and 99th
//! percentile in milliseconds, and the median of a file's sync in that folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use obhut_vault::{Clock, Intake, Keys, Sealer, Sealing, Vault, WriterLock};
use object_store::local::LocalFileSystem;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

const PIECE_BYTES: usize = 1 << 20;
const CHUNK_BYTES: usize = 16 << 10;

struct Now;
impl Clock for Now {
    fn now_micros(&self) -> i64 {
        let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
        since.as_micros() as i64
    }
}

struct Local(Arc<tokio::sync::Mutex<()>>);
#[async_trait::async_trait]
impl WriterLock for Local {
    async fn hold(&self) -> std::io::Result<Box<dyn Send>> {
        Ok(Box::new(self.0.clone().lock_owned().await))
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments[at].parse::<usize>().expect("a number");
    match arguments[0].as_str() {
        "aead" => aead(number(1)),
        "puts" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().build();
            let puts = puts(Path::new(&arguments[1]), number(2), number(3));
            runtime.expect("threads").block_on(puts);
        }
        other => panic!("no mode {other}"),
    }
}

fn aead(mib: usize) {
    let piece = vec![7_u8; PIECE_BYTES];
    let mut out = Vec::with_capacity(2 * PIECE_BYTES);
    let started = Instant::now();
    let mut sealing = Sealing::new(&[1; 32], b"a measurement", &mut out);
    for _ in 0..mib {
        sealing.update(&piece, &mut out);
        std::hint::black_box(&out);
        out.clear();
    }
    sealing.finish(&mut out);
    let ours = started.elapsed();
    let key = UnboundKey::new(&AES_256_GCM, &[1; 32]).expect("32 bytes");
    let key = LessSafeKey::new(key);
    let mut piece = piece;
    let started = Instant::now();
    for _ in 0..mib {
        for chunk in piece.chunks_mut(CHUNK_BYTES) {
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), chunk);
            let _ = std::hint::black_box(tag.expect("short enough"));
        }
    }
    println!(
        "{:.4} {:.4}",
        ours.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
}

async fn puts(folder: &Path, writers: usize, each: usize) {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut syncs = Vec::new();
    for n in 0..100 {
        let path = folder.join(format!("sync-{n}"));
        std::fs::write(&path, [7; 4096]).expect("a file");
        let file = std::fs::File::open(&path).expect("a file");
        let started = Instant::now();
        file.sync_all().expect("a sync");
        syncs.push(started.elapsed().as_secs_f64() * 1e3);
        std::fs::remove_file(path).expect("a file");
    }
    let store = LocalFileSystem::new_with_prefix(folder).expect("a folder");
    let keys = Keys::new(
        Sealer::generate().0,
        &Keys::generate_signing("obhut.test/speed"),
    );
    let vault = Arc::new(Vault::new(
        Arc::new(store.with_fsync(true)),
        Arc::new(keys.expect("new keys")),
        Arc::new(Local(Arc::default())),
        Arc::new(Now),
    ));
    vault.begin().await.expect("a new vault");
    let started = Instant::now();
    let all = (0..writers).map(|writer| {
        let vault = vault.clone();
        tokio::spawn(async move {
            let mut took = Vec::with_capacity(each);
            for n in 0..each {
                let content = [(writer * each + n) as u8; 4096];
                let intake = Intake {
                    actor: "bench".into(),
                    purpose: "a measurement".into(),
                    case: None,
                    source: None,
                    media_type: None,
                };
                let started = Instant::now();
                vault.put(&content, intake).await.expect("a put");
                took.push(started.elapsed().as_secs_f64() * 1e3);
            }
            took
        })
    });
    let mut took = Vec::new();
    for one in futures::future::join_all(all).await {
        took.extend(one.expect("a writer"));
    }
    let seconds = started.elapsed().as_secs_f64();
    took.sort_by(f64::total_cmp);
    syncs.sort_by(f64::total_cmp);
    println!(
        "{:.0} {:.2} {:.2} {:.3}",
        took.len() as f64 / seconds,
        took[took.len() / 2],
        took[took.len() * 99 / 100],
        syncs[syncs.len() / 2]
    );
}
