//! Proofs of entries, checked by RFC 9162's own algorithm, written here from its text.

mod bench;

use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bench::{access, intake};
use obhut_vault::{EventKind, Keys, Vault, VaultError};
use sha2::{Digest as _, Sha256};

async fn vault(folder: &Path) -> Vault {
    bench::signed_with(folder, &Keys::generate_signing("obhut.test/p")).await
}

fn node(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    Sha256::digest([&[1], &left[..], &right[..]].concat()).into()
}

/// The root that a proof leads to: RFC 9162, section 2.1.3.2.
fn root(leaf: [u8; 32], index: u64, size: u64, path: &[[u8; 32]]) -> Option<[u8; 32]> {
    let (mut n, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if n & 1 == 1 || n == last {
            hash = node(*sibling, hash);
            while n & 1 == 0 && n != 0 {
                n >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(hash, *sibling);
        }
        n >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Entry, index and whether the proof holds for the checkpoint in it.
fn checked(proof: &str) -> (Vec<u8>, u64, bool) {
    let (head, checkpoint) = proof.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    let extra = lines.next().unwrap().strip_prefix("extra ").unwrap();
    let entry = BASE64_STANDARD.decode(extra).unwrap();
    let index = lines.next().unwrap().strip_prefix("index ").unwrap();
    let index: u64 = index.parse().unwrap();
    let hash = |text: &str| <[u8; 32]>::try_from(BASE64_STANDARD.decode(text).unwrap()).unwrap();
    let path: Vec<_> = lines.map(hash).collect();
    let mut signed = checkpoint.lines().skip(1);
    let size: u64 = signed.next().unwrap().parse().unwrap();
    let expected = hash(signed.next().unwrap());
    let leaf = Sha256::digest([&[0], &entry[..]].concat()).into();
    (
        entry,
        index,
        root(leaf, index, size, &path) == Some(expected),
    )
}

#[tokio::test]
async fn what_the_log_says_of_an_exhibit_is_proven_entry_by_entry() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(folder.path()).await;
    let first = vault.put(b"first", intake()).await.unwrap().id;
    vault.get(&first, access()).await.unwrap();
    // Past the width of a tile, so that proofs need more than one.
    let rows: Vec<String> = (0..300)
        .map(|n| hex::encode(Sha256::digest([n as u8])))
        .collect();
    vault.append_rows(&rows).await.unwrap();
    let second = vault.put(b"second", intake()).await.unwrap().id;
    vault.erase(&first, access()).await.unwrap();

    let proven = vault.prove(&first).await.unwrap();
    let kinds: Vec<_> = proven.iter().map(|p| p.event.event).collect();
    assert_eq!(kinds, [EventKind::Put, EventKind::Read, EventKind::Erase]);
    let records: Vec<_> = proven.iter().map(|p| p.record.is_some()).collect();
    assert_eq!(records, [false, true, true], "its own record is erased");
    for p in proven.iter().chain(&vault.prove(&second).await.unwrap()) {
        let (entry, index, holds) = checked(&p.proof);
        assert!(holds && index == p.index, "{}", p.proof);
        assert_eq!(entry, serde_json::to_vec(&p.event).unwrap());
        if let Some(record) = &p.record {
            assert_eq!(hex::encode(Sha256::digest(record)), p.event.commitment);
        }
        // Another entry has no proof here.
        let changed = p.proof.replace("extra ", "extra AAAA");
        assert!(!checked(&changed).2);
    }
    assert!(matches!(
        vault.prove("0123456789abcdef0123456789abcdef").await,
        Err(VaultError::NotFound(_))
    ));
    // A proof that doesn't hold isn't given out.
    let tile = folder.path().join("log/tile/0/000");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    assert!(matches!(
        vault.prove(&first).await,
        Err(VaultError::Tampered(_))
    ));
}
