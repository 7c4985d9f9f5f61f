//! A PostgreSQL of a test's own.
//!
//! It lives in a temporary folder and listens on a Unix socket in there, and on a port only where it is
//! asked to. A shell waits beside it for the end of this process, whatever that is, then stops the server
//! and removes the folder: also after a `kill -9`, when nothing of this process can clean up any more.

use std::{
    env, fs,
    io::{Error, Result, Write as _},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use guestlist_storage::{Database, Options};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// The server's own user, for whom nothing is forbidden.
const SUPERUSER: &str = "postgres";
const TEMPLATE: &str = "migrated";
/// Waits for the end of its input, which is that of the process that holds the other end.
const WATCH: &str = r#"cat >/dev/null; "$1" -D "$2/data" -m immediate -t 10 stop; rm -rf "$2""#;

/// A server that runs as long as this value.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    programs: Programs,
    watcher: Child,
    port: Option<u16>,
    template: OnceCell<()>,
    databases: AtomicUsize,
}

/// Whether the server sees to it that its commits are on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// As in production.
    Synced,
    /// Faster, for what does not crash the machine.
    Lazy,
}

/// A database of its own with the newest schema. Where its test fails it shows what the server said.
#[derive(Debug)]
pub struct Fresh<'a> {
    server: &'a Server,
    /// Its name on the server.
    pub name: String,
    /// As the user who owns the tables, and everything else.
    pub url: String,
}

/// PostgreSQL's programs, and who runs them.
#[derive(Debug)]
struct Programs {
    folder: PathBuf,
    /// User and group, where this process is root's: PostgreSQL does not run as root.
    user: Option<(u32, u32)>,
}

/// The server that the tests of one process share.
///
/// # Panics
/// There is none, with a text that says what to install.
#[expect(clippy::panic, reason = "a test without its server fails")]
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(Disk::Lazy).unwrap_or_else(|error| panic!("{error}")))
}

/// A connection of a test's own to a database.
///
/// # Errors
/// It does not answer.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(Error::other)?;
    tokio::spawn(connection);
    Ok(client)
}

impl Server {
    /// Makes and starts a server.
    ///
    /// # Errors
    /// PostgreSQL's programs are not there, or fail.
    pub fn start(disk: Disk) -> Result<Self> {
        Self::start_on(disk, None, None)
    }

    /// Makes and starts a server that also listens on a port of this machine, encrypted with this
    /// certificate and key where there are some.
    ///
    /// # Errors
    /// PostgreSQL's programs are not there, or fail, or no port is free.
    pub fn start_listening(certificate: Option<(&str, &str)>) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start_on(Disk::Lazy, Some(port), certificate)
    }

    fn start_on(disk: Disk, port: Option<u16>, certificate: Option<(&str, &str)>) -> Result<Self> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new().prefix("guestlist-pg-").tempdir()?.keep();
        if let Some((user, group)) = programs.user {
            chown(&folder, Some(user), Some(group))?;
        }
        let watcher = programs.watch(&folder)?;
        let server = Self {
            folder,
            programs,
            watcher,
            port,
            template: OnceCell::new(),
            databases: AtomicUsize::new(0),
        };
        // From here on everything is removed again, whatever fails.
        server.make(disk)?;
        if let Some(port) = port {
            server.listen(port, certificate)?;
        }
        server.start_again()?;
        Ok(server)
    }

    fn make(&self, disk: Disk) -> Result<()> {
        let data = self.data();
        let options = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username", SUPERUSER];
        run(self.programs.command("initdb").args(options).arg("--pgdata").arg(&data))?;
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = {}\nmax_connections = 200\n\
             shared_buffers = '{}'\nlog_line_prefix = '%m [%p] %d '\n",
            self.folder.display(),
            if disk == Disk::Synced { "on" } else { "off" },
            // Enough for what is measured to stay in memory, and little where tests share it.
            if disk == Disk::Synced { "512MB" } else { "32MB" },
        );
        self.set(&settings)
    }

    fn listen(&self, port: u16, certificate: Option<(&str, &str)>) -> Result<()> {
        self.set(&format!("listen_addresses = '127.0.0.1'\nport = {port}\n"))?;
        let Some((certificate, key)) = certificate else { return Ok(()) };
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = self.data().join(name);
            fs::write(&file, text)?;
            // Others may not read the key, or the server does not use it.
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
            if let Some((user, group)) = self.programs.user {
                chown(&file, Some(user), Some(group))?;
            }
        }
        self.set("ssl = on\n")
    }

    /// Adds to its settings; of one that is there twice the last counts.
    fn set(&self, settings: &str) -> Result<()> {
        let file = self.data().join("postgresql.conf");
        fs::OpenOptions::new().append(true).open(file)?.write_all(settings.as_bytes())
    }

    /// The port of this machine that it listens on.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Starts it after [`stop_immediate`](Self::stop_immediate).
    ///
    /// # Errors
    /// It does not start; with what it said.
    pub fn start_again(&self) -> Result<()> {
        let log = self.folder.join("log");
        let mut start = self.programs.command("pg_ctl");
        start.args(["start", "--wait", "--silent", "--log"]).arg(log).arg("--pgdata").arg(self.data());
        run(&mut start).map_err(|error| Error::other(format!("{error}\n{}", self.log(""))))
    }

    /// Ends it as a crash would: without a word to its clients, and with a recovery at the next start.
    ///
    /// # Errors
    /// It did not end.
    pub fn stop_immediate(&self) -> Result<()> {
        let stop = ["stop", "--mode=immediate", "--wait", "--silent", "--pgdata"];
        run(self.programs.command("pg_ctl").args(stop).arg(self.data()))
    }

    /// The URL of one of its databases, for the server's own user.
    pub fn url(&self, database: &str) -> String {
        self.url_as(SUPERUSER, database)
    }

    /// The URL of one of its databases.
    pub fn url_as(&self, user: &str, database: &str) -> String {
        let port = self.port.map(|port| format!("&port={port}")).unwrap_or_default();
        format!("postgres://{user}@/{database}?host={}{port}", self.folder.display())
    }

    /// Makes an empty database and answers its URL.
    ///
    /// # Errors
    /// The server does not answer, or has one of this name.
    pub async fn create_database(&self, name: &str) -> Result<String> {
        self.create(&format!("create database {name}")).await?;
        Ok(self.url(name))
    }

    /// A new database with the newest schema: a copy of one that was migrated once.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn fresh(&self) -> Result<Fresh<'_>> {
        let migrate = async || {
            let url = self.create_database(TEMPLATE).await?;
            Database::migrate(&url, &Options::default()).await.map_err(Error::other)?;
            Ok::<_, Error>(())
        };
        self.template.get_or_try_init(migrate).await?;
        let name = format!("fresh_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.create(&format!("create database {name} template {TEMPLATE}")).await?;
        Ok(Fresh { server: self, url: self.url(&name), name })
    }

    async fn create(&self, sql: &str) -> Result<()> {
        connect(&self.url("postgres")).await?.batch_execute(sql).await.map_err(Error::other)
    }

    /// The newest lines of the server's log that name `what`.
    pub fn log(&self, what: &str) -> String {
        let text = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().filter(|line| line.contains(what)).collect();
        lines.get(lines.len().saturating_sub(50)..).unwrap_or_default().join("\n")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the server said:\n{}", self.log(""));
        }
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

impl Drop for Fresh<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the server said:\n{}", self.server.log(&format!(" {} ", self.name)));
        }
    }
}

impl Programs {
    fn find() -> Result<Self> {
        let has_all = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
        let path = env::var_os("PATH").unwrap_or_default();
        let folder = env::split_paths(&path).chain(debian()).find(has_all).ok_or_else(|| {
            Error::other(
                "PostgreSQL's `initdb` and `pg_ctl` are neither in PATH nor in /usr/lib/postgresql/*/bin; run \
                 `scripts/setup-postgres`, or install them (`apt-get install postgresql`)",
            )
        })?;
        let user = if id(&["-u"])? == 0 {
            let find = |what| id(&[what, SUPERUSER]);
            let known = find("-u").and_then(|user| Ok((user, find("-g")?)));
            Some(known.map_err(|_| {
                Error::other(format!(
                    "PostgreSQL does not run as root, and there is no user `{SUPERUSER}`; make him (`useradd \
                     --system {SUPERUSER}`), or run this as another user"
                ))
            })?)
        } else {
            None
        };
        Ok(Self { folder, user })
    }

    /// One of the programs.
    fn command(&self, name: &str) -> Command {
        self.own(Command::new(self.folder.join(name)))
    }

    fn watch(&self, folder: &Path) -> Result<Child> {
        let mut shell = self.own(Command::new("sh"));
        shell.args(["-c", WATCH, "watcher"]).arg(self.folder.join("pg_ctl")).arg(folder);
        // A group of its own: what ends this process from the keyboard does not end the shell.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }

    /// As whoever may run PostgreSQL, from a folder that they can enter.
    fn own(&self, mut command: Command) -> Command {
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command.current_dir("/");
        command
    }
}

/// Runs a command to its end.
fn run(command: &mut Command) -> Result<()> {
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(());
    }
    let (name, said) = (command.get_program().display(), String::from_utf8_lossy(&done.stderr));
    Err(Error::other(format!("`{name}` ended with {}: {}", done.status, said.trim_end())))
}

/// Where Debian has its versions, the newest first.
fn debian() -> Vec<PathBuf> {
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let mut folders: Vec<_> = folders.map(|folder| folder.path()).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    folders.into_iter().map(|folder| folder.join("bin")).collect()
}

/// What the program `id` says to these words.
fn id(words: &[&str]) -> Result<u32> {
    let said = Command::new("id").args(words).output()?;
    String::from_utf8_lossy(&said.stdout).trim().parse().map_err(Error::other)
}
