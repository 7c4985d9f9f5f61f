//! Letting everything come to rest, as the upkeep of a host does.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use guestlist_contract::types::Principal;
use guestlist_harness::Reply;
use guestlist_storage::Database;

use crate::{
    act::{self, Answer, Command, Letter},
    host::{Post, Stage},
};

/// More than any lease, and than any wait between two tries of a mail.
const STEP: u64 = 20 * 60 * 1000;
const ROUNDS: usize = 8;

/// Sweeps until nothing is due, however long one waits; time is `ahead` of the machine's, and moves on.
///
/// # Errors
/// The sweep refuses, breaks off, or never ends.
pub async fn to_rest(stage: &Stage, database: &Database, ahead: &AtomicU64) -> Result<Vec<Letter>, String> {
    let post = Arc::new(Post::default());
    let invitations = database.invitations(Arc::new(database.people()));
    for _ in 0..ROUNDS {
        ahead.fetch_add(STEP, Ordering::SeqCst);
        // Each organization is swept until it says that nothing is left, so those that come again are not
        // counted twice.
        let due = invitations.with_due_work(u32::MAX).await.map_err(|error| format!("{error:?}"))?;
        if due.is_empty() {
            return Ok(post.letters());
        }
        for organization in due {
            sweep(stage, &organization, &post).await?;
        }
    }
    Err(format!("I-LIVE: there is work after {ROUNDS} sweeps of everything"))
}

async fn sweep(stage: &Stage, organization: &str, post: &Arc<Post>) -> Result<(), String> {
    let command = Command {
        number: 0,
        at: 0,
        organization: Some(organization.to_owned()),
        caller: Principal::System,
        request: format!("rest-of-{organization}"),

        act: act::sweep().into(),
    };
    for _ in 0..1000 {
        match stage.act(&command, post.clone()).await {
            Answer::Call(Reply::Sweep(Ok(swept))) if swept.more => {}
            Answer::Call(Reply::Sweep(Ok(_))) => return Ok(()),
            other => return Err(format!("{organization}: the sweep answered {other:?}")),
        }
    }
    Err(format!("I-LIVE: the sweep of {organization} never says that nothing is left"))
}
