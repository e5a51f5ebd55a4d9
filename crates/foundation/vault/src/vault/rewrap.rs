//! Wrapping keys again, so that a former key of the ring opens nothing that is there now.

use super::{EventKind, LoggedExhibit, Vault, in_order, record_path};
use crate::VaultError;

/// What was wrapped again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rewrapped {
    /// Exhibits whose keys are under the current key of the ring.
    pub exhibits: u64,
    /// How many of them were wrapped again by this run.
    pub again: u64,
    /// How many of these were sealed again, with their own keys, since they came from version 2 or
    /// before.
    pub sealed: u64,
}

impl Vault {
    /// Wraps the key of every exhibit under the current key of the ring, if it isn't; exhibits of
    /// version 2 and before are sealed again. Each gets an entry. A run that was cut off is finished by
    /// the next.
    ///
    /// # Errors
    /// The store or the key ring failed, or an exhibit isn't what was logged.
    pub async fn rewrap(&self, mut each: impl FnMut(u64)) -> Result<Rewrapped, VaultError> {
        let mut done = Rewrapped::default();
        for known in in_order(&self.events().await?) {
            if known.erased.is_some() {
                continue;
            }
            let (again, sealed) = match self.rewrap_one(&known).await {
                // Erased since the log was read.
                Err(VaultError::Store(object_store::Error::NotFound { .. }))
                    if matches!(
                        self.find(&known.event.exhibit).await,
                        Err(VaultError::Erased(_))
                    ) =>
                {
                    continue;
                }
                done => done?,
            };
            done.exhibits += 1;
            done.again += u64::from(again);
            done.sealed += u64::from(sealed);
            each(done.exhibits);
        }
        Ok(done)
    }

    /// True if the key of an exhibit is under a former key of the ring.
    ///
    /// # Errors
    /// As [`Vault::rewrap`].
    pub async fn is_behind(&self) -> Result<bool, VaultError> {
        for known in in_order(&self.events().await?) {
            if known.erased.is_some() {
                continue;
            }
            match self.find_opened(&known.event.exhibit).await {
                Ok((_, opened)) if !opened.is_current => return Ok(true),
                // Erased since the log was read.
                Ok(_) | Err(VaultError::Erased(_)) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(false)
    }

    /// True if it was wrapped again, and if it was sealed again for that.
    async fn rewrap_one(&self, known: &LoggedExhibit) -> Result<(bool, bool), VaultError> {
        let put = &known.event;
        let opened = self.opened(put).await?;
        let mut replaced = known.replaced.clone();
        let is_old = opened.key.is_none();
        let again = is_old || !opened.is_current;
        if again {
            let mut sealed = None;
            let key = match opened.key {
                Some(key) => key,
                None => {
                    let (key, sha256, bytes) = self.sealed_again(put, &opened).await?;
                    sealed = Some((sha256, bytes));
                    replaced.push(super::exhibit_path(put));
                    key
                }
            };
            let mut event = self
                .event_of(EventKind::Rewrap, &put.exhibit, &opened.json, Some(&key))
                .await?;
            if let Some((sha256, bytes)) = sealed {
                (event.sealed_sha256, event.sealed_bytes) = (Some(sha256), Some(bytes));
            }
            self.append(event).await?;
            replaced.push(record_path(&put.record));
            // Erased meanwhile: then the new files go, too.
            let now = self.entries_of(&put.exhibit).await?;
            if now.erased.is_some() {
                replaced = now.files();
            }
        }
        // Only now: until the entry is there, the files before are the exhibit.
        for path in replaced {
            self.delete(&path).await?;
        }
        Ok((again, is_old))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use object_store::local::LocalFileSystem;
    use sha2::{Digest as _, Sha256};
    use tokio::sync::oneshot;

    use super::*;
    use crate::keys::random_id;
    use crate::vault::{Access, Intake, Record};
    use crate::{
        Clock, FileRing, KeyRing, Keys, RingError, Sealer, Unwrapped, Verification, WriterLock,
    };

    struct Fixed;
    impl Clock for Fixed {
        fn now_micros(&self) -> i64 {
            1_790_000_000_000_000
        }
    }

    #[derive(Default)]
    struct Lock(Arc<tokio::sync::Mutex<()>>);
    #[async_trait::async_trait]
    impl WriterLock for Lock {
        async fn hold(&self) -> std::io::Result<Box<dyn Send>> {
            Ok(Box::new(self.0.clone().lock_owned().await))
        }
    }

    /// A ring that the test exchanges, and that can be made to wait before it wraps.
    struct Set(Mutex<FileRing>, Mutex<Option<Gate>>);
    /// Says that it is reached, and waits until it may go on.
    type Gate = (oneshot::Sender<()>, oneshot::Receiver<()>);
    impl Set {
        fn now(&self) -> FileRing {
            self.0.lock().unwrap().clone()
        }
    }
    #[async_trait::async_trait]
    impl KeyRing for Set {
        async fn wrap(&self, bytes: &[u8]) -> Result<Vec<u8>, RingError> {
            let gate = self.1.lock().unwrap().take();
            if let Some((reached, go)) = gate {
                reached.send(()).unwrap();
                go.await.unwrap();
            }
            self.now().wrap(bytes).await
        }
        async fn unwrap(&self, wrapped: &[u8]) -> Result<Option<Unwrapped>, RingError> {
            self.now().unwrap(wrapped).await
        }
    }

    async fn vault(folder: &Path, ring: &Arc<Set>) -> Vault {
        let signing = Keys::generate_signing("obhut.test/vault");
        let keys = Keys::new(Sealer::generate().0, &signing).unwrap();
        let v = Vault::new(
            Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap()),
            Arc::new(keys.with_ring(ring.clone())),
            Arc::new(Lock::default()),
            Arc::new(Fixed),
        );
        v.begin().await.unwrap();
        v.publish_key().await.unwrap();
        v
    }

    fn rings() -> (Arc<Set>, FileRing, FileRing, FileRing) {
        let [old, new] = [(); 2].map(|()| FileRing::generate());
        let both = FileRing::from_text(&format!("# a remark\n{new}\n\n{old}\n")).unwrap();
        let [old, new] = [old, new].map(|text| FileRing::from_text(&text).unwrap());
        let set = Arc::new(Set(Mutex::new(old.clone()), Mutex::default()));
        (set, old, both, new)
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

    fn access() -> Access {
        Access {
            actor: "Grace".into(),
            purpose: "decision".into(),
        }
    }

    /// As version 2 put an exhibit in: both files encrypted to the sealing key.
    async fn old_put(v: &Vault, bytes: &[u8]) -> String {
        let id = random_id();
        let sealed = v.log.keys.sealer.seal(bytes);
        let mut record = Record::new();
        record.intake = Some(intake());
        record.sha256 = Some(hex::encode(Sha256::digest(bytes)));
        record.bytes = Some(bytes.len() as u64);
        let mut event = v.event(EventKind::Put, &id, &record, None).await.unwrap();
        event.sealed_sha256 = Some(hex::encode(Sha256::digest(&sealed)));
        event.sealed_bytes = Some(sealed.len() as u64);
        v.create(&format!("exhibits/{id}.age"), sealed)
            .await
            .unwrap();
        v.append(event).await.unwrap();
        id
    }

    async fn whole(v: &Vault) -> Verification {
        let seen = v.verify().await;
        assert_eq!((&seen.problems, &seen.leftovers), (&vec![], &vec![]));
        seen
    }

    async fn opens_none(ring: &FileRing, folder: &Path) -> bool {
        for file in std::fs::read_dir(folder.join("records")).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            if ring.unwrap(&bytes).await.unwrap().is_some() {
                return false;
            }
        }
        true
    }

    #[tokio::test]
    async fn a_former_key_opens_nothing_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (set, old, both, new) = rings();
        let v = vault(folder.path(), &set).await;
        let first = old_put(&v, b"from an older version").await;
        let second = v.put(b"second", intake()).await.unwrap();
        let third = v.put(b"third", intake()).await.unwrap();
        let gone = v.put(b"gone", intake()).await.unwrap();
        v.get(&second.id, access()).await.unwrap();
        v.erase(&gone.id, access()).await.unwrap();
        let before = v.list().await.unwrap();
        whole(&v).await;

        // Under the same key only what is older is sealed again.
        let mut seen = Vec::new();
        let done = v.rewrap(|n| seen.push(n)).await.unwrap();
        assert_eq!((done.exhibits, done.again, done.sealed), (3, 1, 1));
        assert_eq!(seen, [1, 2, 3]);
        *set.0.lock().unwrap() = both;
        let done = v.rewrap(|_| {}).await.unwrap();
        assert_eq!((done.exhibits, done.again, done.sealed), (3, 3, 0));
        assert_eq!(v.rewrap(|_| {}).await.unwrap().again, 0, "done already");
        assert!(opens_none(&old, folder.path()).await);

        *set.0.lock().unwrap() = new;
        let contents = [b"from an older version".as_slice(), b"second", b"third"];
        for (id, content) in [&first, &second.id, &third.id].into_iter().zip(contents) {
            assert_eq!(v.get(id, access()).await.unwrap(), content);
        }
        assert_eq!(
            v.list().await.unwrap(),
            before,
            "what is said of them is the same"
        );
        let seen = whole(&v).await;
        assert_eq!((seen.exhibits, seen.erased), (3, 1));
        // Every entry about an exhibit is proven with the same record.
        let proven = v.prove(&first).await.unwrap();
        let kinds: Vec<_> = proven.iter().map(|p| p.event.event).collect();
        let [put, rewrap] = [EventKind::Put, EventKind::Rewrap];
        assert_eq!(kinds, [put, rewrap, rewrap, EventKind::Read]);
        assert!(proven[0].record.is_some() && proven[0].record == proven[2].record);
        v.erase(&first, access()).await.unwrap();
        whole(&v).await;
    }

    /// Erased while its key is wrapped again: nothing of it stays, neither content nor key.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_erased_meanwhile_stays_erased() {
        for is_old in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let (set, _, both, _) = rings();
            let v = Arc::new(vault(folder.path(), &set).await);
            let id = match is_old {
                true => old_put(&v, b"old").await,
                false => v.put(b"new", intake()).await.unwrap().id,
            };
            *set.0.lock().unwrap() = both;
            let (reached, is_reached) = oneshot::channel();
            let (go, may_go) = oneshot::channel();
            *set.1.lock().unwrap() = Some((reached, may_go));
            let rewrapping = tokio::spawn({
                let v = v.clone();
                async move { v.rewrap(|_| {}).await }
            });
            is_reached.await.unwrap();
            v.erase(&id, access()).await.unwrap();
            go.send(()).unwrap();
            rewrapping.await.unwrap().unwrap();
            assert_eq!(whole(&v).await.erased, 1);
            // Of the erasure itself.
            assert_eq!(
                std::fs::read_dir(folder.path().join("records"))
                    .unwrap()
                    .count(),
                1
            );
            assert_eq!(
                std::fs::read_dir(folder.path().join("exhibits"))
                    .unwrap()
                    .count(),
                0
            );
        }
    }

    /// Those who look while keys are wrapped again and again see nothing missing.
    #[tokio::test(flavor = "multi_thread")]
    async fn readers_meanwhile_see_nothing_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (set, ..) = rings();
        let v = Arc::new(vault(folder.path(), &set).await);
        let [one, two] = [(); 2].map(|()| FileRing::generate());
        *set.0.lock().unwrap() = FileRing::from_text(&two).unwrap();
        let mut id = String::new();
        for n in 0..20 {
            id = v.put(&[n], intake()).await.unwrap().id;
        }
        let rewrapping = tokio::spawn({
            let (v, set) = (v.clone(), set.clone());
            async move {
                for turn in 0..10 {
                    let text = match turn % 2 {
                        0 => format!("{one}\n{two}"),
                        _ => format!("{two}\n{one}"),
                    };
                    *set.0.lock().unwrap() = FileRing::from_text(&text).unwrap();
                    assert_eq!(v.rewrap(|_| {}).await.unwrap().again, 20);
                }
            }
        });
        while !rewrapping.is_finished() {
            v.exhibit(&id).await.unwrap();
            assert_eq!(v.list().await.unwrap().len(), 20);
        }
        rewrapping.await.unwrap();
        whole(&v).await;
    }
}
