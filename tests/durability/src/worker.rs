//! A process that acts: it reads commands from its standard input and answers on its standard output, one
//! line of JSON each. It ends with its parent, when the input ends.

use std::{
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command as Program, Stdio},
    sync::{Arc, mpsc::Sender},
    thread,
    time::Duration,
};

use clap::Parser;
use guestlist_storage::{Clock, Database};
use serde::{Deserialize, Serialize};

use crate::{
    act::{Answered, Command, Letter},
    host::{Post, Stage, micros, plugin},
    load::{self, Done},
    place::options,
};

/// The first argument of a process that is a worker. People do not type it.
const WORKER: &str = "worker";

/// What a worker is started with.
#[derive(Clone, Debug, Parser)]
#[command(no_binary_name = true)]
pub struct Orders {
    /// The database; absent: it is told of one, and makes up what to do there
    #[arg(long)]
    pub database: Option<String>,
    /// The instant that the database's clock stands still at, in milliseconds since 1970
    #[arg(long)]
    pub clock: Option<u64>,
}

impl Orders {
    /// A worker that does what it is told.
    #[must_use]
    pub fn serve(database: &str, clock: Option<u64>) -> Self {
        Self { database: Some(database.to_owned()), clock }
    }

    /// A worker that makes up what to do: see [`load`].
    #[must_use]
    pub fn load() -> Self {
        Self { database: None, clock: None }
    }

    fn arguments(&self) -> Vec<String> {
        let database = self.database.iter().map(|url| format!("--database={url}"));
        database.chain(self.clock.map(|clock| format!("--clock={clock}"))).collect()
    }
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Said {
    /// It has opened the database.
    Ready,
    /// It has done what it was told.
    Answered(Box<Answered>),
    /// A mail has arrived.
    Mail(Letter),
    /// It has done something of its own.
    Done(Done),
}

/// Says something. A line that was begun is written whole, or the process ends.
pub fn say(said: &Said) {
    let mut line = serde_json::to_string(said).expect("it can be written as JSON");
    line.push('\n');
    // Whoever listened is gone, and so is the reason to go on.
    if std::io::stdout().lock().write_all(line.as_bytes()).is_err() {
        std::process::exit(0);
    }
}

/// Acts as a worker, where this process was started as one. To be called before anything else.
pub fn act_if_asked() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(WORKER) {
        work(&Orders::parse_from(arguments));
        std::process::exit(0);
    }
}

fn work(orders: &Orders) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let plugin = plugin();
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let Some(url) = &orders.database else {
        say(&Said::Ready);
        if let Some(line) = lines.next() {
            let given = serde_json::from_str(&line).expect("what there is");
            runtime.spawn(load::run(plugin, given));
        }
        // Until the input ends.
        lines.for_each(drop);
        return;
    };
    let standing = orders.clock;
    let now = move || standing.unwrap_or_else(|| micros() / 1000);
    let clock = if standing.is_some() { Clock::Moved(Arc::new(now)) } else { Clock::Machine };
    let database = runtime.block_on(Database::open(url, options(clock))).expect("the database");
    let stage = Arc::new(Stage::on(&plugin, &database, now));
    say(&Said::Ready);
    for line in lines {
        let command: Command = serde_json::from_str(&line).expect("a command");
        let stage = stage.clone();
        runtime.spawn(async move {
            tokio::time::sleep(Duration::from_micros(command.at.saturating_sub(micros()))).await;
            let post = Arc::new(Post::default());
            let began = micros();
            let answer = stage.act(&command, post.clone()).await;
            let (number, ended, letters) = (command.number, micros(), post.letters());
            say(&Said::Answered(Box::new(Answered { number, began, ended, answer, letters })));
        });
    }
}

/// A worker, as its parent has it. It is killed when this is dropped.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    input: Option<ChildStdin>,
}

impl Worker {
    /// Starts one. What it says is sent on, with this number; in the end `None`.
    ///
    /// # Panics
    /// `program` cannot be started.
    #[must_use]
    pub fn start(
        program: &Path,
        orders: &Orders,
        number: usize,
        heard: Sender<(usize, Option<Said>)>,
    ) -> Self {
        let mut child = Program::new(program)
            .arg(WORKER)
            .args(orders.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{}` cannot be started: {error}", program.display()));
        let output = child.stdout.take().expect("its output");
        let input = child.stdin.take();
        thread::spawn(move || {
            let mut output = std::io::BufReader::new(output);
            let mut line = String::new();
            // A last line without an end was cut off by the death of its writer: nobody was told.
            while output.read_line(&mut line).is_ok_and(|_| line.ends_with('\n')) {
                let said = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("a worker said: {line}: {error}"));
                if heard.send((number, Some(said))).is_err() {
                    return;
                }
                line.clear();
            }
            // The parent may not want to know any more.
            let _ = heard.send((number, None));
        });
        Self { child, input }
    }

    /// Tells it to do something. One that has died does not hear it.
    pub fn tell(&mut self, what: &impl Serialize) {
        let mut line = serde_json::to_string(what).expect("it can be written as JSON");
        line.push('\n');
        if let Some(input) = &mut self.input
            && input.write_all(line.as_bytes()).is_err()
        {
            self.input = None;
        }
    }

    /// Kills it, in the middle of whatever it does.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program that this one is, for workers of its own.
///
/// # Panics
/// The system does not say.
#[must_use]
pub fn this_program() -> PathBuf {
    std::env::current_exe().expect("the path of this program")
}
