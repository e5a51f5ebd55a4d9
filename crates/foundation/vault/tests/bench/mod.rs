//! What every test of a vault in a folder needs: a clock that is stopped, a lock for writers.

#![allow(dead_code)]

use std::sync::Arc;

use obhut_vault::{Access, Clock, WriterLock};

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
