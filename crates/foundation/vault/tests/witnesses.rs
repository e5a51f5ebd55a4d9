//! A witness that remembers how far it has seen a log, and logs that grow or don't.

mod bench;

use bench::{access, intake, signed_with};
use obhut_vault::{
    Cosigned, Keys, LogHead, LogKey, Refusal, Sealer, Submission, Vault, VaultError, WitnessKey,
    WitnessSigner,
};

/// A time of a witness, in seconds since 1970.
const AT: i64 = 1_790_000_007;

/// Adds entries until the log has this many.
async fn grow(vault: &Vault, size: u64) {
    let has = vault.head().await.unwrap().size;
    let rows: Vec<_> = (has..size).map(|n| format!("{n:064x}")).collect();
    vault.append_rows(&rows).await.unwrap();
}

fn witness() -> WitnessSigner {
    WitnessSigner::from_text(&WitnessSigner::generate("witness.example/w1").unwrap()).unwrap()
}

/// What a witness answers that has seen this much.
async fn handed_in(
    vault: &Vault,
    old: u64,
    last: Option<LogHead>,
) -> Result<(LogHead, String, Vec<u8>), Refusal> {
    let submitted = vault.submission(old).await.unwrap().unwrap();
    let key = LogKey::from_text(vault.verifier_key()).unwrap();
    let submission = Submission::read(&submitted.body)?;
    assert_eq!(
        (submission.old, submission.origin.as_str()),
        (old, "obhut.test/w")
    );
    let grown = submission.check(&key, last)?;
    assert_eq!(
        (grown.head, &grown.checkpoint),
        (submitted.head, &submitted.checkpoint)
    );
    Ok((grown.head, grown.cosigned(&witness(), AT), grown.checkpoint))
}

#[tokio::test]
async fn what_has_only_grown_is_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let vault = signed_with(folder.path(), &Keys::generate_signing("obhut.test/w")).await;
    let mut seen = vec![vault.head().await.unwrap()];
    for size in [1, 2, 3, 255, 256, 257, 300, 513] {
        grow(&vault, size).await;
        // From every head that a witness may have seen, the newest one too.
        let newest = vault.head().await.unwrap();
        for last in seen.iter().chain([&newest]) {
            let (head, ..) = handed_in(&vault, last.size, Some(*last)).await.unwrap();
            assert_eq!(head, newest, "from {} to {size}", last.size);
        }
        assert_eq!(handed_in(&vault, 0, None).await.unwrap().0, newest);
        seen.push(newest);
    }
}

#[tokio::test]
async fn what_has_not_grown_is_refused() {
    let signing = Keys::generate_signing("obhut.test/w");
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (
        signed_with(one.path(), &signing).await,
        signed_with(other.path(), &signing).await,
    );
    grow(&one, 5).await;
    other.put(b"something else", intake()).await.unwrap();
    grow(&other, 4).await;
    let four = other.head().await.unwrap();
    let five = one.head().await.unwrap();
    let refused = |found: Result<_, _>| found.map(|_: (LogHead, String, Vec<u8>)| ()).unwrap_err();
    assert_eq!(
        refused(handed_in(&one, 4, Some(four)).await),
        Refusal::NotConsistent
    );
    assert_eq!(
        refused(handed_in(&one, 3, Some(four)).await),
        Refusal::OtherSize(4)
    );
    grow(&other, 5).await;
    assert_eq!(
        refused(handed_in(&other, 5, Some(five)).await),
        Refusal::Fork(5)
    );
    // Also with an old size that isn't the witness's: a client that doesn't know it starts from 0.
    assert_eq!(
        refused(handed_in(&other, 0, Some(five)).await),
        Refusal::Fork(5)
    );
    assert_eq!(other.submission(6).await.unwrap(), None, "an older copy");
    let stranger = Keys::new(
        Sealer::generate().0,
        &Keys::generate_signing("obhut.test/w"),
    );
    let stranger = LogKey::from_text(stranger.unwrap().verifier_key()).unwrap();
    let submitted = one.submission(0).await.unwrap().unwrap();
    let submission = Submission::read(&submitted.body).unwrap();
    assert_eq!(
        submission.check(&stranger, None).unwrap_err(),
        Refusal::NotSigned
    );
}

#[tokio::test]
async fn a_request_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let vault = signed_with(folder.path(), &Keys::generate_signing("obhut.test/w")).await;
    grow(&vault, 9).await;
    let body = vault.submission(5).await.unwrap().unwrap().body;
    let body = String::from_utf8(body).unwrap();
    for wrong in [
        String::new(),
        body.replace("old 5", "old 05"),
        body.replace("old 5", "old -5"),
        body.replace("old 5", "old 10"),
        body.replace("old 5\n", "old 5\nAAAA\n"),
        body.replace("old 5\n", &format!("old 5\n{}", "A\n".repeat(64))),
        body.replace("\n\n", "\n"),
        body.replacen("obhut.test/w\n9\n", "obhut.test/w\nnine\n", 1),
        format!("{body}{}", "x".repeat(20_000)),
    ] {
        let refused = Submission::read(wrong.as_bytes()).err();
        assert!(matches!(refused, Some(Refusal::Malformed(_))), "{wrong}");
    }
}

#[tokio::test]
async fn a_kept_cosignature_holds_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let vault = signed_with(folder.path(), &Keys::generate_signing("obhut.test/w")).await;
    grow(&vault, 7).await;
    let signer = witness();
    let submitted = vault.submission(0).await.unwrap().unwrap();
    let key = LogKey::from_text(vault.verifier_key()).unwrap();
    let grown = Submission::read(&submitted.body)
        .unwrap()
        .check(&key, None)
        .unwrap();
    let line = grown.cosigned(&signer, AT);
    // A witness may answer with signatures of other keys, too.
    let lines = format!("{}{line}", grown.cosigned(&witness(), AT));
    let cosigned = vault
        .cosigned(&submitted.checkpoint, &lines, &signer.key())
        .unwrap();
    let Cosigned { head, at, note } = cosigned.clone();
    assert_eq!((head, at), (vault.head().await.unwrap(), AT));
    assert_eq!(vault.read_cosigned(&note, &signer.key()).unwrap(), cosigned);
    let refused = |note: &[u8], key: &WitnessKey| {
        assert!(matches!(
            vault.read_cosigned(note, key),
            Err(VaultError::Cosignature(_))
        ));
    };
    for at in 0..note.len() {
        let mut changed = note.clone();
        changed[at] ^= 1;
        refused(&changed, &signer.key());
    }
    refused(&note, &witness().key());
    refused(&submitted.checkpoint, &signer.key());
    refused(&[&note[..], line.as_bytes()].concat(), &signer.key());
    assert!(
        vault
            .cosigned(&submitted.checkpoint, "", &signer.key())
            .is_err()
    );
}

#[tokio::test]
async fn proofs_lead_to_a_head_that_the_log_had() {
    let folder = tempfile::tempdir().unwrap();
    let vault = signed_with(folder.path(), &Keys::generate_signing("obhut.test/w")).await;
    grow(&vault, 254).await;
    let exhibit = vault.put(b"content", intake()).await.unwrap();
    vault.get(&exhibit.id, access()).await.unwrap();
    let submitted = vault.submission(0).await.unwrap().unwrap();
    let signer = witness();
    let key = LogKey::from_text(vault.verifier_key()).unwrap();
    let grown = Submission::read(&submitted.body)
        .unwrap()
        .check(&key, None)
        .unwrap();
    let lines = grown.cosigned(&signer, AT);
    let cosigned = vault
        .cosigned(&submitted.checkpoint, &lines, &signer.key())
        .unwrap();
    let then = vault.prove(&exhibit.id).await.unwrap();
    // Since then it grew, and files of that size are gone.
    vault.get(&exhibit.id, access()).await.unwrap();
    grow(&vault, 600).await;
    let until = vault
        .prove_until(&exhibit.id, cosigned.head, &cosigned.note)
        .await;
    let until = until.unwrap();
    assert_eq!(until.len(), 2, "not the later reading");
    for (then, until) in then.iter().zip(&until) {
        let (head, note) = until.proof.split_once("\n\n").unwrap();
        assert_eq!(head, then.proof.split_once("\n\n").unwrap().0);
        assert_eq!(note.as_bytes(), cosigned.note);
    }
    let never = LogHead {
        root: [0; 32],
        ..cosigned.head
    };
    assert!(
        vault
            .prove_until(&exhibit.id, never, &cosigned.note)
            .await
            .is_err()
    );
}
