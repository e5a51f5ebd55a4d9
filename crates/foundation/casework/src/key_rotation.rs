//! New keys for exhibits: `keys/exhibits.age` gets a new key, and every exhibit's own key is wrapped
//! under it.
//!
//! What was destroyed can still be opened in a backup from before, with the keys from before. Once
//! these are forgotten, here and wherever a copy of them is, no backup opens it any more.

use std::fs::File;

use obhut_store::{DataFolder, FolderRing, LookupKey};
use obhut_vault::{Rewrapped, VaultError};

use crate::children::is_blank;
use crate::database::Database;
use crate::{Casework, CaseworkError, Person, Result, Role, audit, settings};

/// How long after a rotation the former keys can't be forgotten, in microseconds: an hour. Our
/// judgement: an intake that wrapped its record under a former key, just before the new one was
/// there, has its entry in the log by then.
const FORGOTTEN_AFTER_MICROS_MIN: i64 = 60 * 60 * 1_000_000;

/// Makes a new key for exhibits and wraps the key of each under it; `each` is called with the number
/// done so far. Exhibits from before exhibits had keys are sealed again. The former keys stay, for
/// backups from before. After a run that was cut off, this one finishes it and makes no other key.
///
/// # Errors
/// Denied without the role administrator; invalid without a reason; a key file that can't be written; or
/// an exhibit that isn't what was logged.
pub async fn rotate_keys(
    casework: &Casework,
    because: &str,
    person: &Person,
    each: impl FnMut(u64),
) -> Result<Rewrapped> {
    let one = turn(casework, because, person).await?;
    audit::note(casework, &person.id, "keys.rotate", "exhibits", because).await?;
    let is_cut_off = recipients(casework)?.len() > 1 && casework.vault.is_behind().await?;
    if !is_cut_off {
        casework.ring.renew().map_err(|e| fault(casework, &e))?;
        check_keys(casework).await?;
    }
    let done = casework.vault.rewrap(each).await?;
    drop(one);
    Ok(done)
}

/// Removes the former keys of exhibits, after wrapping what is still under them. Afterwards no backup
/// from before can be opened with the keys of this data folder.
///
/// # Errors
/// As [`rotate_keys`]; a conflict without a former key, or less than an hour after a rotation.
pub async fn forget_former_keys(
    casework: &Casework,
    because: &str,
    person: &Person,
    each: impl FnMut(u64),
) -> Result<Rewrapped> {
    let one = turn(casework, because, person).await?;
    if recipients(casework)?.len() < 2 {
        return Err(CaseworkError::conflict("there are no former keys"));
    }
    let known = settings::exhibit_key(&casework.db).await?;
    let since = casework.now() - known.map_or(0, |(_, since)| since);
    if (0..FORGOTTEN_AFTER_MICROS_MIN).contains(&since) {
        return Err(CaseworkError::conflict(
            "the keys were rotated less than an hour ago; what began before may still need a former key",
        ));
    }
    let done = casework.vault.rewrap(each).await?;
    audit::note(casework, &person.id, "keys.forget", "exhibits", because).await?;
    casework
        .ring
        .forget_former()
        .map_err(|e| fault(casework, &e))?;
    drop(one);
    Ok(done)
}

/// The turn to change keys, for a person who may. One at a time, while everything else is done as
/// usual: two would each put a new key into the file that they have read.
async fn turn(casework: &Casework, because: &str, person: &Person) -> Result<File> {
    person.require(Role::Administrator)?;
    if is_blank(because) {
        let what = "say why the keys are changed";
        return Err(CaseworkError::invalid("reason", what));
    }
    casework.folder.hold_rotation().await
}

fn fault(casework: &Casework, e: &std::io::Error) -> CaseworkError {
    casework.folder.fault("keys/exhibits.age", e)
}

/// Public keys, the current one first.
fn recipients(casework: &Casework) -> Result<Vec<String>> {
    let ring = casework.ring.now().map_err(VaultError::Ring)?;
    Ok(ring.recipients())
}

/// Compares the keys for exhibits with those that a database was last used with. It holds a keyed
/// digest of the current one. Returns the digest that it should hold, if it holds none or another.
///
/// # Errors
/// The ring can't be read, or the key that the database was last used with isn't in it.
pub(crate) async fn compare_keys(
    db: &Database,
    folder: &DataFolder,
    lookup: &LookupKey,
    ring: &FolderRing,
) -> Result<Option<Noted>> {
    let place = folder
        .root()
        .join("keys/exhibits.age")
        .display()
        .to_string();
    let keys = ring.now().map_err(VaultError::Ring)?.recipients();
    let digest = |key: &String| lookup.keyed_digest("exhibit key", key.as_bytes());
    let keys: Vec<_> = keys.iter().map(digest).collect();
    let known = settings::exhibit_key(db).await?.map(|(known, _)| known);
    match known {
        Some(known) if known == keys[0] => Ok(None),
        Some(known) if !keys.contains(&known) => Err(CaseworkError::Folder {
            path: place,
            why: "the file is missing, or doesn't hold the key this database was last used with; put it back from where you keep your copy of keys/, of after the last rotation".into(),
        }),
        known => Ok(Some(Noted {
            digest: keys[0].clone(),
            is_other: known.is_some(),
        })),
    }
}

/// What a database should hold of the current key.
pub(crate) struct Noted {
    digest: String,
    /// True if it holds that of another one.
    is_other: bool,
}

/// Compares the keys for exhibits with those this database was last used with, and takes note of the
/// current one.
///
/// # Errors
/// As [`compare_keys`].
pub(crate) async fn check_keys(casework: &Casework) -> Result<()> {
    let (db, folder) = (&casework.db, &casework.folder);
    let Some(noted) = compare_keys(db, folder, &casework.lookup, &casework.ring).await? else {
        return Ok(());
    };
    if noted.is_other {
        // By a rotation; or the file was exchanged by hand, which must not go unseen.
        let what = "another key than before is the first in keys/exhibits.age";
        audit::note(casework, "obhut", "keys.current", "exhibits", what).await?;
    }
    settings::keep_exhibit_key(casework, &noted.digest).await
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use obhut_vault::{Access, Intake, Vault};

    use super::*;
    use crate::{add_person, bench, verification, views};

    const START: i64 = 1_770_000_000 * 1_000_000;

    async fn put(c: &Casework, content: &str) -> String {
        let intake = Intake {
            actor: "test".into(),
            purpose: "test".into(),
            case: None,
            source: None,
            media_type: None,
        };
        views::keep(c, content.as_bytes(), intake).await.unwrap().id
    }

    fn access() -> Access {
        Access {
            actor: "test".into(),
            purpose: "test".into(),
        }
    }

    fn copy(from: &Path, to: &Path) {
        for entry in walkdir::WalkDir::new(from) {
            let entry = entry.unwrap();
            let to = to.join(entry.path().strip_prefix(from).unwrap());
            match entry.file_type().is_dir() {
                true => fs::create_dir_all(to).unwrap(),
                false => drop(fs::copy(entry.path(), to).unwrap()),
            }
        }
    }

    /// What an exhibit of a backup's vault holds, with these keys.
    async fn opened(backup: &Path, keys: &Path, id: &str) -> Option<Vec<u8>> {
        let both = tempfile::tempdir().unwrap();
        copy(&backup.join("vault"), &both.path().join("vault"));
        copy(keys, &both.path().join("keys"));
        let folder = DataFolder::new(both.path());
        let vault = Vault::new(
            folder.evidence_store().unwrap(),
            Arc::new(folder.keys().unwrap().vault),
            folder.evidence_lock(),
            Arc::new(crate::SystemClock),
        );
        match vault.get(id, access()).await {
            Ok(bytes) => Some(bytes),
            Err(VaultError::Sealed(_)) => None,
            Err(e) => panic!("{e}"),
        }
    }

    #[tokio::test]
    async fn no_backup_opens_what_was_destroyed_once_former_keys_are_gone() {
        let (folder, c, clock) = bench::opened_at(START).await;
        let keys = folder.path().join("keys");
        let ida = add_person(&c, "ida", &[Role::Administrator], "test")
            .await
            .unwrap();
        let olga = add_person(&c, "olga", &[Role::ReportingOfficer], "test")
            .await
            .unwrap();
        let (gone, kept) = (put(&c, "destroyed").await, put(&c, "kept").await);
        // Opened before, as by a server that runs all the time.
        let server = crate::open(DataFolder::new(folder.path()), None, clock.clone())
            .await
            .unwrap();
        let backup = tempfile::tempdir().unwrap();
        copy(folder.path(), backup.path());
        c.vault.erase(&gone, access()).await.unwrap();
        assert_eq!(
            opened(backup.path(), &keys, &gone).await.unwrap(),
            b"destroyed"
        );

        assert!(
            rotate_keys(&c, "yearly", &olga, |_| {}).await.is_err(),
            "no administrator"
        );
        assert!(
            rotate_keys(&c, " ", &ida, |_| {}).await.is_err(),
            "without a reason"
        );
        let never = forget_former_keys(&c, "r", &ida, |_| {}).await.unwrap_err();
        assert!(never.to_string().contains("no former keys"), "{never}");
        let done = rotate_keys(&c, "yearly", &ida, |_| {}).await.unwrap();
        assert_eq!((done.exhibits, done.again), (1, 1));
        assert_eq!(
            opened(backup.path(), &keys, &gone).await.unwrap(),
            b"destroyed"
        );
        clock.set(START + FORGOTTEN_AFTER_MICROS_MIN - 1);
        let early = forget_former_keys(&c, "r", &ida, |_| {}).await.unwrap_err();
        assert!(early.to_string().contains("less than an hour"), "{early}");
        clock.set(START + FORGOTTEN_AFTER_MICROS_MIN);
        // Both the server and this one go on under the new key.
        let later = put(&server, "put by the server").await;
        forget_former_keys(&c, "r", &ida, |_| {}).await.unwrap();

        for id in [&gone, &kept] {
            assert_eq!(opened(backup.path(), &keys, id).await, None);
            // With the keys of then it opens: that is what a copy of them is for.
            assert!(
                opened(backup.path(), &backup.path().join("keys"), id)
                    .await
                    .is_some()
            );
        }
        assert_eq!(server.vault.get(&kept, access()).await.unwrap(), b"kept");
        assert_eq!(
            c.vault.get(&later, access()).await.unwrap(),
            b"put by the server"
        );
        assert_eq!(
            verification::verify_vault(&c).await.unwrap().vault.problems,
            []
        );

        // Neither the database of then with the keys of now, nor one without its keys.
        fs::remove_dir_all(backup.path().join("keys")).unwrap();
        copy(&keys, &backup.path().join("keys"));
        fs::remove_file(keys.join("exhibits.age")).unwrap();
        for folder in [backup.path(), folder.path()] {
            let refused = crate::open(DataFolder::new(folder), None, clock.clone()).await;
            let refused = refused.err().unwrap().to_string();
            assert!(refused.contains("keys/exhibits.age"), "{refused}");
        }
        let refused = server
            .vault
            .get(&kept, access())
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("it is gone; put the right file back"),
            "{refused}"
        );
    }

    /// In a folder from before exhibits had a key ring, the sealing key is the ring until the first
    /// rotation.
    #[tokio::test]
    async fn an_older_folder_gets_its_ring_by_rotation() {
        let (folder, c, clock) = bench::opened_at(START).await;
        let ring = folder.path().join("keys/exhibits.age");
        drop(c);
        fs::remove_dir_all(folder.path()).unwrap();
        fs::create_dir_all(folder.path().join("keys")).unwrap();
        fs::write(
            folder.path().join("keys/sealing.age"),
            obhut_vault::Sealer::generate().1,
        )
        .unwrap();
        let c = crate::open(DataFolder::new(folder.path()), None, clock.clone())
            .await
            .unwrap();
        assert!(!ring.exists());
        let ida = add_person(&c, "ida", &[Role::Administrator], "test")
            .await
            .unwrap();
        let before = put(&c, "before").await;
        rotate_keys(&c, "first", &ida, |_| {}).await.unwrap();
        clock.set(START + FORGOTTEN_AFTER_MICROS_MIN);
        forget_former_keys(&c, "r", &ida, |_| {}).await.unwrap();
        let c = crate::open(DataFolder::new(folder.path()), None, clock)
            .await
            .unwrap();
        assert_eq!(c.vault.get(&before, access()).await.unwrap(), b"before");
        // What the sealing key opens besides is still there.
        assert_eq!(crate::person(&c, &ida.id).await.unwrap().name, "ida");
    }
}
