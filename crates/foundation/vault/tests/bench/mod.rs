//! What every test of a vault in a folder needs: a clock that is stopped, a lock for writers.

#![allow(dead_code)]

use std::path::Path;
use std::sync::Arc;

use obhut_vault::{Access, Clock, Intake, Keys, Sealer, Vault, WriterLock};
use object_store::local::LocalFileSystem;

/// Stopped in 2026.
pub struct Fixed;

impl Clock for Fixed {
    fn now_micros(&self) -> i64 {
        1_790_000_000_000_000
    }
}

/// The lock of writers in one process.
#[derive(Default)]
pub struct Local(Arc<tokio::sync::Mutex<()>>);

#[async_trait::async_trait]
impl WriterLock for Local {
    async fn hold(&self) -> std::io::Result<Box<dyn Send>> {
        Ok(Box::new(self.0.clone().lock_owned().await))
    }
}

pub fn access() -> Access {
    Access {
        actor: "Grace".into(),
        purpose: "decision".into(),
    }
}

/// What comes in for no case.
pub fn intake() -> Intake {
    Intake {
        actor: "Ada".into(),
        purpose: "a match".into(),
        case: None,
        source: None,
        media_type: None,
    }
}

/// A new vault, whose log is signed with this key.
pub async fn signed_with(folder: &Path, signing: &str) -> Vault {
    let keys = Keys::new(Sealer::generate().0, signing).unwrap();
    let vault = Vault::new(
        Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap()),
        Arc::new(keys),
        Arc::new(Local::default()),
        Arc::new(Fixed),
    );
    vault.begin().await.unwrap();
    vault
}
