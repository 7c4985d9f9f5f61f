//! The log in memory: for tests, and to read beside the trait.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::{GrantRecords, InvitationLog, Progress, Put, Recipient, Record};
use guestlist_contract::types::{HostError, Step};

/// Logs by organization and invitation.
type Logs = BTreeMap<(String, String), Log>;

/// A log that lives as long as the process.
pub struct MemoryRecords {
    logs: Mutex<Logs>,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
}

#[derive(Default)]
struct Log {
    closed: bool,
    rows: Vec<Row>,
}

struct Row {
    to: Recipient,
    step: Step,
    progress: Progress,
    version: u64,
    changed_at: Duration,
}

impl Default for MemoryRecords {
    fn default() -> Self {
        let start = Instant::now();
        Self::with_clock(move || start.elapsed())
    }
}

impl fmt::Debug for MemoryRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRecords").finish_non_exhaustive()
    }
}

impl MemoryRecords {
    /// An empty log whose ages are judged by this clock: time since any fixed instant.
    pub fn with_clock(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { logs: Mutex::default(), clock: Box::new(clock) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Logs, Duration) -> T) -> T {
        act(&mut self.logs.lock().unwrap_or_else(PoisonError::into_inner), (self.clock)())
    }
}

impl Row {
    fn record(&self, now: Duration) -> Record {
        Record {
            to: self.to.clone(),
            step: self.step.clone(),
            progress: self.progress,
            version: self.version,
            age: now.saturating_sub(self.changed_at),
        }
    }
}

#[async_trait]
impl GrantRecords for MemoryRecords {
    async fn read(&self, organization: &str, invitation: &str) -> Result<InvitationLog, HostError> {
        Ok(self.with(|logs, now| match logs.get(&key(organization, invitation)) {
            Some(log) => InvitationLog {
                closed: log.closed,
                records: log.rows.iter().map(|row| row.record(now)).collect(),
            },
            None => InvitationLog::default(),
        }))
    }

    async fn leftovers(&self, to: &Recipient) -> Result<Vec<Record>, HostError> {
        let others = |row: &&Row| row.to.user == to.user && row.to.invitation != to.invitation;
        Ok(self.with(|logs, now| {
            watched(logs, &to.organization).filter(others).map(|row| row.record(now)).collect()
        }))
    }

    async fn put(
        &self,
        to: &Recipient,
        step: &Step,
        seen: u64,
        progress: Progress,
    ) -> Result<Put, HostError> {
        Ok(self.with(|logs, now| {
            let log = logs.entry(key(&to.organization, &to.invitation)).or_default();
            if log.closed && progress == Progress::Doubtful {
                return Put::Closed;
            }
            let row = log.rows.iter_mut().find(|row| row.step == *step);
            if row.as_ref().map_or(0, |row| row.version) != seen {
                return Put::Stale;
            }
            match row {
                Some(row) => {
                    row.progress = progress;
                    row.version += 1;
                    row.changed_at = now;
                }
                None => log.rows.push(Row {
                    to: to.clone(),
                    step: step.clone(),
                    progress,
                    version: 1,
                    changed_at: now,
                }),
            }
            Put::Written
        }))
    }

    async fn close(&self, organization: &str, invitation: &str) -> Result<(), HostError> {
        self.with(|logs, _| logs.entry(key(organization, invitation)).or_default().closed = true);
        Ok(())
    }

    async fn watched(&self, organization: &str, limit: usize) -> Result<Vec<Record>, HostError> {
        Ok(self.with(|logs, now| {
            let mut watched: Vec<_> = watched(logs, organization).map(|row| row.record(now)).collect();
            watched.sort_by_key(|record| std::cmp::Reverse(record.age));
            watched.truncate(limit);
            watched
        }))
    }
}

/// Finds what may still land though nobody may keep it.
fn watched<'a>(logs: &'a Logs, organization: &str) -> impl Iterator<Item = &'a Row> {
    let may_land = |log: &Log, row: &Row| match row.progress {
        Progress::GivenUp => true,
        Progress::Doubtful => log.closed,
        _ => false,
    };
    let of_it = logs.iter().filter(move |((of, _), _)| of == organization).map(|(_, log)| log);
    of_it.flat_map(move |log| log.rows.iter().filter(move |row| may_land(log, row)))
}

fn key(organization: &str, invitation: &str) -> (String, String) {
    (organization.to_owned(), invitation.to_owned())
}
