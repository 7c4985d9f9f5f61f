//! Threads that each own a connection: SQLite's calls block, and a host's tasks must not.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Some threads with one queue. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Threads {
    jobs: mpsc::Sender<Job>,
}

impl Threads {
    /// One thread for each connection.
    pub(super) fn of(connections: Vec<Connection>) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for mut connection in connections {
            let queue = queue.clone();
            thread::spawn(move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = job else { return };
                    job(&mut connection);
                }
            });
        }
        Self { jobs }
    }

    /// Runs a job on the next free thread; `None` where it panicked or all threads are gone.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // A panic can only come from a bug. It ends this job, not the thread, and leaves no transaction.
            let done = catch_unwind(AssertUnwindSafe(|| job(connection)));
            if done.is_err() && !connection.is_autocommit() {
                let _ = connection.execute_batch("rollback");
            }
            // Whoever asked may have gone.
            let _ = done.map(|done| sender.send(done));
        });
        self.jobs.send(job).ok()?;
        answer.await.ok()
    }
}
