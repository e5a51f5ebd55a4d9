//! Content of any length, in and out as a stream.

mod bench;

use std::path::Path;
use std::sync::Arc;

use bench::{Fixed, Local, access};
use bytes::Bytes;
use futures::stream;
use obhut_vault::{
    FileRing, Intake, KEY_BYTES, KeyRing as _, Keys, Sealer, Sealing, Vault, VaultError,
};
use object_store::local::LocalFileSystem;

async fn vault(folder: &Path, ring: &FileRing) -> Vault {
    let keys = Keys::new(
        Sealer::generate().0,
        &Keys::generate_signing("obhut.test/vault"),
    );
    let vault = Vault::new(
        Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap()),
        Arc::new(keys.unwrap().with_ring(Arc::new(ring.clone()))),
        Arc::new(Local::default()),
        Arc::new(Fixed),
    );
    vault.begin().await.unwrap();
    vault.publish_key().await.unwrap();
    vault
}

fn ring() -> FileRing {
    FileRing::from_text(&FileRing::generate()).unwrap()
}

fn intake() -> Intake {
    Intake {
        actor: "Ada".into(),
        purpose: "a match".into(),
        case: Some("c".into()),
        source: None,
        media_type: None,
    }
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}

fn pieces(
    content: &[u8],
    of: usize,
) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Unpin {
    let pieces: Vec<_> = content
        .chunks(of)
        .map(|p| Ok(Bytes::copy_from_slice(p)))
        .collect();
    stream::iter(pieces)
}

/// What is handed out, and whether that was everything.
async fn read(v: &Vault, id: &str) -> (Vec<u8>, Result<(), VaultError>) {
    let mut all = Vec::new();
    let hand_out = |piece: &[u8]| {
        all.extend_from_slice(piece);
        Ok(())
    };
    let read = v.read(id, access(), hand_out).await;
    (all, read)
}

fn names(folder: &Path, below: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join(below)).into_iter().flatten();
    let names = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    names.collect()
}

#[tokio::test]
async fn content_of_any_length_comes_out_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &ring()).await;
    // Around a chunk, around a part that is written in one go, and beyond two.
    let part = 8 << 20;
    for (length, of) in [
        (0, 1),
        (1, 1),
        ((16 << 10) - 1, 1000),
        (16 << 10, 4096),
        (part - 10_000, 1 << 20),
        (part, part),
        (2 * part + 12_345, 700_001),
    ] {
        let content = bytes(length);
        let put = v.put_stream(pieces(&content, of), intake()).await.unwrap();
        assert_eq!(put.bytes, length as u64);
        // The same as in one piece, but for the key.
        let whole = v.put(&content, intake()).await.unwrap();
        assert_eq!((put.sha256, put.bytes), (whole.sha256, whole.bytes));
        for id in [&put.id, &whole.id] {
            let (found, read) = read(&v, id).await;
            read.unwrap();
            assert!(found == content, "{length} bytes in pieces of {of}");
            assert!(v.get(id, access()).await.unwrap() == content);
        }
    }
    let seen = v.verify().await;
    assert_eq!((seen.exhibits, seen.problems), (14, vec![]));
}

#[tokio::test]
async fn content_that_ends_with_an_error_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &ring()).await;
    for before in [0, 1, 10 << 20] {
        let mut content = vec![Ok(Bytes::from(bytes(before)))];
        content.push(Err(std::io::Error::other("the disk was pulled out")));
        let put = v.put_stream(stream::iter(content), intake()).await;
        assert!(matches!(put, Err(VaultError::Content(_))));
    }
    assert_eq!(names(folder.path(), "exhibits"), [""; 0]);
    assert_eq!(names(folder.path(), "records"), [""; 0]);
    let seen = v.verify().await;
    assert_eq!(
        (seen.entries, seen.problems, seen.leftovers),
        (0, vec![], vec![])
    );
}

/// What is handed out before a fault is seen is authentic: a prefix of the content.
#[tokio::test]
async fn nothing_changed_is_ever_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let v = vault(folder.path(), &ring()).await;
    let content = bytes(5 << 20);
    let put = v
        .put_stream(pieces(&content, 1 << 20), intake())
        .await
        .unwrap();
    let path = folder.path().join(format!("exhibits/{}.sealed", put.id));
    let sealed = std::fs::read(&path).unwrap();
    let chunk = 16 * 1024 + 16;
    let mut changed = Vec::new();
    for at in (0..sealed.len()).step_by(sealed.len() / 23) {
        let mut one = sealed.clone();
        one[at] ^= 4;
        changed.push(one);
    }
    // Cut off, also at the end of a chunk; longer; two chunks exchanged; one twice.
    changed.push(sealed[..sealed.len() - 1].to_vec());
    changed.push(sealed[..56 + 7 * chunk].to_vec());
    changed.push([&sealed[..], b"x"].concat());
    let mut exchanged = sealed.clone();
    let (first, second) = exchanged[56..56 + 2 * chunk].split_at_mut(chunk);
    first.swap_with_slice(second);
    changed.push(exchanged);
    changed.push([&sealed[..56 + chunk], &sealed[56..]].concat());
    changed.push(Vec::new());
    for (n, one) in changed.iter().enumerate() {
        std::fs::write(&path, one).unwrap();
        let (found, read) = read(&v, &put.id).await;
        assert!(
            matches!(read, Err(VaultError::Tampered(_))),
            "{n}: {read:?}"
        );
        assert!(content.starts_with(&found), "{n}");
        let seen = v.verify().await;
        assert!(!seen.problems.is_empty(), "{n}");
    }
    std::fs::write(&path, &sealed).unwrap();
    assert_eq!(v.verify().await.problems, []);
}

/// With a ring's public key anyone can seal a record and content that fit each other.
#[tokio::test]
async fn a_record_of_somebody_else_opens_nothing() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ring = ring();
    let v = vault(folder.path(), &ring).await;
    let put = v.put(b"what was found", intake()).await.unwrap();
    let record = folder
        .path()
        .join("records")
        .join(&names(folder.path(), "records")[0]);
    let before = ring
        .unwrap(&std::fs::read(&record).unwrap())
        .await
        .unwrap()
        .unwrap();
    // The same text, with another key after it.
    let text = String::from_utf8(before.bytes).unwrap();
    let (json, _) = text.split_once('\n').unwrap();
    let forged = format!("{json}\n{}", "00".repeat(32));
    std::fs::write(&record, ring.wrap(forged.as_bytes()).await.unwrap()).unwrap();
    assert!(matches!(
        v.get(&put.id, access()).await,
        Err(VaultError::Tampered(_))
    ));
    assert!(matches!(
        v.exhibit(&put.id).await,
        Err(VaultError::Tampered(_))
    ));
    // An exhibit of another vault under the same ring, put in its place.
    let w = vault(other.path(), &ring).await;
    let planted = w.put(b"what was planted", intake()).await.unwrap();
    std::fs::copy(
        other.path().join(format!("exhibits/{}.sealed", planted.id)),
        folder.path().join(format!("exhibits/{}.sealed", put.id)),
    )
    .unwrap();
    std::fs::copy(
        other
            .path()
            .join("records")
            .join(&names(other.path(), "records")[0]),
        &record,
    )
    .unwrap();
    assert!(matches!(
        v.get(&put.id, access()).await,
        Err(VaultError::Tampered(_))
    ));
}

/// An entry in a full bundle, which no append compares, is exchanged for one that names forged files.
#[tokio::test]
async fn an_entry_that_was_exchanged_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let ring = ring();
    let v = vault(folder.path(), &ring).await;
    let (found, forged) = (b"what was found", b"what is forged");
    let put = v.put(found, intake()).await.unwrap();
    v.append_rows(&vec!["0".repeat(64); 300]).await.unwrap();
    let [exhibit, record, bundle] = [
        format!("exhibits/{}.sealed", put.id),
        format!("records/{}", names(folder.path(), "records")[0]),
        "log/tile/entries/000".into(),
    ]
    .map(|name| folder.path().join(name));
    let before = [&exhibit, &record, &bundle].map(|path| std::fs::read(path).unwrap());

    let key = [7; KEY_BYTES];
    let mut sealed = Vec::new();
    let context = format!("obhut exhibit v3\0{}\0c", put.id);
    let mut sealing = Sealing::new(&key, context.as_bytes(), &mut sealed);
    sealing.update(forged, &mut sealed);
    sealing.finish(&mut sealed);
    let opened = ring.unwrap(&before[1]).await.unwrap().unwrap();
    let text = String::from_utf8(opened.bytes).unwrap();
    let json = text
        .split_once('\n')
        .unwrap()
        .0
        .replace(&hex(found), &hex(forged));
    let wrapped = ring
        .wrap(format!("{json}\n{}", "07".repeat(32)).as_bytes())
        .await
        .unwrap();
    let old: serde_json::Value = {
        let at = before[2].windows(2).position(|w| w == b"{\"").unwrap();
        let mut first = serde_json::Deserializer::from_slice(&before[2][at..]).into_iter();
        first.next().unwrap().unwrap()
    };
    // In place: the digests are as long as before.
    let mut bytes = before[2].clone();
    for (field, new) in [
        ("record_sha256", hex(&wrapped)),
        ("commitment", hex(json.as_bytes())),
        ("sealed_sha256", hex(&sealed)),
    ] {
        let text = old[field].as_str().unwrap().as_bytes();
        let at = bytes.windows(text.len()).position(|w| w == text).unwrap();
        bytes[at..at + text.len()].copy_from_slice(new.as_bytes());
    }
    for (path, content) in [(&exhibit, &sealed), (&record, &wrapped), (&bundle, &bytes)] {
        std::fs::write(path, content).unwrap();
    }
    // Another process, too, which hasn't read the entry before.
    let tampered = |what: &str, e: Option<VaultError>| {
        assert!(matches!(e, Some(VaultError::Tampered(_))), "{what}: {e:?}");
    };
    tampered("get", v.get(&put.id, access()).await.err());
    tampered("exhibit", v.exhibit(&put.id).await.err());
    tampered("list", v.list().await.err());
    tampered("rewrap", v.rewrap(|_| {}).await.err());
    tampered("erase", v.erase(&put.id, access()).await.err());
    assert!(!v.verify().await.problems.is_empty());
    for (path, content) in [&exhibit, &record, &bundle].into_iter().zip(&before) {
        std::fs::write(path, content).unwrap();
    }
    assert_eq!(v.get(&put.id, access()).await.unwrap(), found);
    assert_eq!(v.verify().await.problems, []);
}

fn hex(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}
