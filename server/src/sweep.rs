//! The schedule: what is due is done, whoever waits for it.

use std::{sync::Arc, time::Duration};

use guestlist_contract::{rights::Rights, types::Principal};
use tokio::{sync::watch, time};

use crate::{app::App, post::told};

/// The wait between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// Organizations that are swept in one round.
const ORGANIZATIONS: u32 = 100;

/// Items of one sweep.
const ITEMS: u32 = 100;

/// The wait between two times that sessions, tokens and links are cleared away which are over. Nothing depends on it.
const CLEARED_EVERY: Duration = Duration::from_secs(300);

/// The most of each that are cleared away at once.
const OVER: u32 = 1000;

/// Sweeps what is due, until it is told to stop. What it has begun is finished.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut cleared: Option<time::Instant> = None;
    loop {
        if cleared.is_none_or(|at| at.elapsed() >= CLEARED_EVERY) {
            cleared = Some(time::Instant::now());
            if let Err(error) = app.accounts.purge_over(OVER).await {
                tracing::warn!(%error, "what is over was not cleared away");
            }
        }
        let more = round(&app).await;
        let pause = if more { Duration::ZERO } else { PAUSE };
        tokio::select! {
            () = time::sleep(pause) => {}
            () = told(&mut stop) => return,
        }
    }
}

/// One round; answers whether there may be more at once.
async fn round(app: &App) -> bool {
    let due = match app.invitations.with_due_work(ORGANIZATIONS).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(error = ?error, "nobody knows what is due");
            return false;
        }
    };
    let mut more = false;
    for organization in due {
        let request_id = format!("sweep-{}", uuid::Uuid::new_v4());
        let context =
            app.context(Some(&organization), Principal::System, Rights::empty().permissions, &request_id);
        match app.session.sweep(context, ITEMS).await {
            Ok(Ok(swept)) => {
                tracing::debug!(
                    organization,
                    finished = swept.finished,
                    sent = swept.sent,
                    expired = swept.expired,
                    purged = swept.purged,
                    failed = swept.failed,
                    "swept"
                );
                for (outcome, count) in [
                    ("finished", swept.finished),
                    ("sent", swept.sent),
                    ("expired", swept.expired),
                    ("purged", swept.purged),
                    ("failed", swept.failed),
                ] {
                    app.figures.swept(outcome, count);
                }
                more |= swept.more && swept.failed == 0;
            }
            Ok(Err(refusal)) => tracing::warn!(organization, refusal = ?refusal, "a sweep was refused"),
            // The harness has told why.
            Err(_) => {}
        }
    }
    more
}
