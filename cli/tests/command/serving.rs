//! `guestlist serve`, as somebody starts it who has read the first page.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::page::text;

/// A server that is stopped when the test is over.
struct Running {
    child: Child,
    /// What it said before it began to wait.
    said: String,
}

impl Running {
    /// Starts one in a folder, on free ports; waits until it has said `last`.
    fn start(folder: &Path, arguments: &[&str], last: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guestlist"));
        command
            .current_dir(folder)
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.join("log.txt")).unwrap());
        let mut running = Self { child: command.spawn().unwrap(), said: String::new() };
        let out = BufReader::new(running.child.stdout.take().unwrap());
        let ready = out.lines().map(Result::unwrap).any(|line| {
            running.said += &format!("{line}\n");
            line.starts_with(last)
        });
        let log = fs::read_to_string(folder.join("log.txt")).unwrap();
        assert!(ready, "it ended: {}{log}", running.said);
        running
    }

    /// Tells it to stop, and waits until it has.
    fn stop(mut self) {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
        assert!(self.child.wait().unwrap().success(), "it ends what runs, and then itself");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs lines in a shell that finds the command by its name.
fn shell(folder: &Path, lines: &str) -> String {
    let command = Path::new(env!("CARGO_BIN_EXE_guestlist"));
    let path = format!("{}:{}", command.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output =
        Command::new("bash").current_dir(folder).env("PATH", path).args(["-euc", lines]).output().unwrap();
    assert!(output.status.success(), "{lines}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

const DEV: [&str; 5] = ["--dev", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"];

#[test]
fn the_three_curls_that_the_terminal_shows_work_as_they_are() {
    let folder = folder("serving");
    let server = Running::start(&folder, &DEV, "Ctrl+C");
    let shown = server.said.split_once("and accepts:\n").unwrap().1.split_once("Ctrl+C").unwrap().0;
    let told = shell(&folder, shown);
    assert!(told.contains(r#""status":"Successful""#) && told.contains("HTTP/1.1 204"), "{told}");
    // And again: the invitation was used, and the world is kept.
    server.stop();
    let server = Running::start(&folder, &DEV, "Ctrl+C");
    let shown = server.said.split_once("and accepts:\n").unwrap().1.split_once("Ctrl+C").unwrap().0;
    let told = shell(&folder, shown);
    assert!(told.contains("OUI-10032"), "alice is a member: {told}");
    // The other listener has a certificate that was made now.
    let https = server.said.split_once("(https://").unwrap().1.split_once(' ').unwrap().0;
    assert_eq!(shell(&folder, &format!("curl -sk https://{https}/readyz")), "ok\n");
    server.stop();
    // Whoever shares the machine reads neither passwords nor e-mails nor the key.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
    for entry in fs::read_dir(folder.join("guestlist-dev")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with("guestlist.db") || mode(&path) == 0, "{name}");
    }
    assert_eq!(mode(&folder.join("guestlist-dev")), 0);
}

#[test]
fn a_production_server_prints_its_first_link_into_a_file_and_refuses_what_it_lacks() {
    let folder = folder("serving-first");
    let refused = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_guestlist"))
            .current_dir(&folder)
            .arg("serve")
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    };
    assert!(refused(&[]).contains("`public-url` is missing"));
    let config = "public-url: https://id.example.com\ndatabase: sqlite:real.db\n\
        listen: { http: 127.0.0.1:0, metrics: 127.0.0.1:0 }\n";
    fs::write(folder.join("guestlist.yaml"), config).unwrap();
    assert!(refused(&["--config", "guestlist.yaml"]).contains("`mail.host` is missing"));
    let config = format!("{config}mail: {{ folder: mailbox, from: id@example.com }}\n");
    fs::write(folder.join("guestlist.yaml"), &config).unwrap();
    assert!(refused(&["--dev", "--http", "0.0.0.0:0"]).contains("can be reached by others"));

    let server = Running::start(&folder, &["--config", "guestlist.yaml"], "listening");
    let file = folder.join("guestlist-first-link.txt");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let link = fs::read_to_string(&file).unwrap();
    assert!(link.starts_with("https://id.example.com/first-start/glf_"), "{link}");
    assert!(!server.said.contains("glf_"), "a log may keep what is printed");
    server.stop();

    // Without a browser. From then on there is no link.
    let made = "printf 'correct horse battery staple\\n' | guestlist admin create --config guestlist.yaml \
        --organization 'Vendor Inc' --handle vendor --user rita --email rita@vendor.example";
    assert!(shell(&folder, made).contains("/t/vendor/sign-in"));
    fs::remove_file(&file).unwrap();
    let server = Running::start(&folder, &["--config", "guestlist.yaml"], "listening");
    assert!(!file.exists());
    // A token of `guestlist token` is nobody's here.
    let address = server.said.split_once("listening on ").unwrap().1.split_once(',').unwrap().0;
    let dev = format!(
        "mkdir other && cd other && (guestlist serve {} > /dev/null 2>&1 & echo $! > pid; sleep 0); \
         for i in $(seq 300); do test -f guestlist-dev/signing-key.der && break; sleep 0.1; done; \
         kill $(cat pid); \
         curl -s http://{address}/t/vendor/api/server/v1/guests/invitation/accept \
            -H \"Authorization: Bearer $(guestlist token --as alice)\" -d '{{\"confirmationCode\": \"x\"}}'",
        DEV.join(" ")
    );
    assert!(shell(&folder, &dev).contains("GL-40100"));
    server.stop();
}

#[test]
fn the_configuration_is_printed_and_can_be_read() {
    let folder = folder("serving-config");
    shell(&folder, "guestlist config > guestlist.yaml");
    let told = shell(&folder, "guestlist serve --check-config --config guestlist.yaml 2>&1 || true");
    assert!(told.contains("`public-url` is missing"), "{told}");
    let told = shell(
        &folder,
        "GUESTLIST_PUBLIC_URL=https://id.example.com GUESTLIST_MAIL__FOLDER=m GUESTLIST_MAIL__FROM=a@id.example.com \
         guestlist serve --check-config --config guestlist.yaml",
    );
    assert!(told.contains("a server can run with this"), "{told}");
}

/// The page, from nothing on: what it says is typed, with the address of a server of the test's own.
#[test]
fn the_page_leads_from_nothing_to_the_first_accepted_invitation() {
    let page = include_str!("../../../docs/serving.md");
    let part = page.split_once("### From nothing").unwrap().1.split_once("### Database").unwrap().0;
    let typed: Vec<&str> = part
        .split("```sh\n")
        .skip(1)
        .map(|block| block.split_once("```").expect("a block has an end").0)
        .collect();
    let folder = folder("serving-page");
    // `public-url` says the port, so it is chosen before the server is there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "public-url: http://127.0.0.1:{port}\nlisten: {{ http: 127.0.0.1:{port}, metrics: 127.0.0.1:0 }}\n\
         mail: {{ folder: mailbox, from: id@example.com }}\n"
    );
    fs::write(folder.join("guestlist.yaml"), config).unwrap();
    fs::write(folder.join("password.txt"), "correct horse battery staple\n").unwrap();
    shell(
        &folder,
        "guestlist admin create --config guestlist.yaml --organization 'Vendor Inc' --handle vendor \
         --user rita --email rita@vendor.example < password.txt",
    );
    let server = Running::start(&folder, &["--config", "guestlist.yaml"], "listening");
    let read = "CODE=$(for i in $(seq 100); do python3 -c \"import quopri,glob,re; print(re.search('inv1_[A-Za-z0-9_-]{49}', \
        quopri.decodestring(open(glob.glob('mailbox/*.eml')[0],'rb').read()).decode()).group())\" 2> /dev/null && break; \
        sleep 0.1; done)";
    let lines = typed.concat().replace("https://id.example.com", &format!("http://127.0.0.1:{port}"));
    let code = lines.lines().find(|line| line.starts_with("CODE=")).expect("the code is read").to_owned();
    let told = shell(&folder, &lines.replace(&code, read));
    assert!(told.contains(r#""outcome":"APPLIED","step":"group""#), "{told}");
    let members = told.rsplit_once(r#"{"items":"#).expect("the members of the group").1;
    assert!(members.contains(r#""username":"alice""#), "{told}");
    server.stop();
}
