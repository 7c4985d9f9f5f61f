//! The in-memory host keeps the contract, as the suite for hosts asks it; and hosts that do not are caught.

use std::sync::Arc;

use guestlist_harness::conformance::{Options, Reference, run};

#[tokio::test]
async fn the_in_memory_host_passes_everything() {
    let report = run(Arc::new(Reference), &Options::default(), |_| {}).await;
    assert!(report.passed(), "{report}");
    assert_eq!(report.left_out().count(), 0, "{report}");
}
