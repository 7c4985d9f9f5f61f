//! A host whose members are in a directory of their own passes, with its log in memory.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use guestlist_conformance::Trouble;
use guestlist_connect::MemoryRecords;

use crate::external::{Logs, Opening, passes};

struct InMemory;

#[async_trait]
impl Logs for InMemory {
    async fn open(&self, clock: Arc<dyn Fn() -> u64 + Send + Sync>) -> Result<Opening, Trouble> {
        let records = MemoryRecords::with_clock(move || Duration::from_millis(clock()));
        Ok(Opening { records: Arc::new(records), kept: Box::new(()) })
    }
}

#[tokio::test]
async fn a_host_whose_members_are_elsewhere_passes_with_what_is_allowed_to_it() {
    passes(Arc::new(InMemory)).await;
}
