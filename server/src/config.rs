//! What an operator says: in a file, in the environment, on the command line.
//!
//! The file is YAML; `guestlist config` prints it with a comment for each key. A key can be given in the
//! environment, too: `GUESTLIST_` and its path in capitals, with `_` for `-` and `__` between levels, as in
//! `GUESTLIST_MAIL__PASSWORD_FILE`. The environment counts more than the file.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use guestlist_documents::{HumanDuration, files, yaml};
use guestlist_tokens::Issuer;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

/// The configuration with all defaults, as `guestlist config` prints it.
pub const TEMPLATE: &str = include_str!("config.yaml");

/// The prefix of the variables of the environment.
const PREFIX: &str = "GUESTLIST_";

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// How a server runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Where people reach the server: the only source of links, redirects and the security of cookies.
    pub public_url: Option<Url>,
    /// `sqlite:PATH` or `postgres://..`.
    pub database: String,
    /// The handle of the root that serves paths which name none.
    pub default_root: Option<String>,
    /// Whose shapes and statuses the reference's interface has where it is known to be odd.
    pub compatibility: Compatibility,
    /// The addresses that it listens on.
    pub listen: Listen,
    /// The e-mails.
    pub mail: Mail,
    /// Outside issuers of tokens.
    pub issuers: Vec<Issuer>,
    /// How long a role that a token claims counts after the token was seen.
    pub claims_lease: HumanDuration,
    /// How long a token of the server's own is valid.
    pub token_lifetime: HumanDuration,
    /// How long people stay signed in.
    pub sessions: Sessions,
    /// How long the link of the first start is valid.
    pub first_link: HumanDuration,
    /// A folder of policies, with its `policies.yaml`.
    pub policies: Option<PathBuf>,
    /// The bounds of requests.
    pub limits: Limits,
    /// The issuer of the tokens of a server to look at. No file can say this.
    #[serde(skip)]
    pub development: Option<Issuer>,
}

/// Whose shapes and statuses an answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Compatibility {
    /// Those that the reference's documentation gives, or better ones.
    #[default]
    #[serde(rename = "none")]
    None,
    /// Those of WSO2 Identity Server 7, with its oddities. No check differs.
    #[serde(rename = "wso2-7")]
    Wso2,
}

/// How long people stay signed in.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Sessions {
    /// The longest time without a request.
    pub idle: HumanDuration,
    /// The longest time in all.
    pub lifetime: HumanDuration,
}

/// The addresses that a server listens on.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Listen {
    /// Without TLS: behind a proxy that has it, or on the loopback.
    pub http: Option<SocketAddr>,
    /// With TLS.
    pub https: Option<SocketAddr>,
    /// The certificate of `https` with its chain, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key: Option<PathBuf>,
    /// Figures for Prometheus: an address of its own.
    pub metrics: Option<SocketAddr>,
}

/// How e-mails are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Mail {
    /// The sender's address.
    pub from: Option<String>,
    /// The sender's name: the server's, never a person's.
    pub name: String,
    /// The mail server.
    pub host: Option<String>,
    /// Its port; that of the kind of TLS where it is missing.
    pub port: Option<u16>,
    /// How the connection is secured.
    pub tls: MailTls,
    /// Certificates to trust, in PEM; those of the system where it is missing.
    pub ca_file: Option<PathBuf>,
    /// The user to log in as.
    pub user: Option<String>,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
    /// A file with a token for XOAUTH2, read anew for each connection.
    pub token_file: Option<PathBuf>,
    /// Instead of a mail server: a folder in which each e-mail is a file.
    pub folder: Option<PathBuf>,
    /// E-mails that are on their way at the same time.
    pub connections: usize,
}

/// How the connection to the mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// Secured after the greeting, or not used.
    #[default]
    Starttls,
    /// Secured from the start.
    Implicit,
    /// Not secured.
    None,
}

/// The bounds of requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body: usize,
    /// The longest time for a request.
    pub time: HumanDuration,
    /// How long running requests may take after the server was told to stop.
    pub shutdown: HumanDuration,
    /// Requests that run at the same time; more are told to come back.
    pub requests: usize,
}

const fn seconds(count: u64) -> HumanDuration {
    HumanDuration(count * 1000)
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            database: "sqlite:guestlist.db".into(),
            default_root: None,
            compatibility: Compatibility::default(),
            listen: Listen::default(),
            mail: Mail::default(),
            issuers: Vec::new(),
            claims_lease: seconds(14 * 24 * 3600),
            token_lifetime: seconds(3600),
            sessions: Sessions::default(),
            first_link: seconds(30 * 60),
            policies: None,
            limits: Limits::default(),
            development: None,
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle: seconds(3600), lifetime: seconds(12 * 3600) }
    }
}

impl Default for Listen {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            http: Some(loopback(8080)),
            https: None,
            certificate: None,
            key: None,
            metrics: Some(loopback(9464)),
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            from: None,
            name: "Guestlist".into(),
            host: None,
            port: None,
            tls: MailTls::default(),
            ca_file: None,
            user: None,
            password_file: None,
            token_file: None,
            folder: None,
            connections: 4,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 1 << 20, time: seconds(30), shutdown: seconds(20), requests: 512 }
    }
}

/// A configuration that no server can run with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("`{}` cannot be read: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// It is not understood; the text says where, and what was expected.
    #[error("{0}")]
    NotUnderstood(String),
    /// A variable of the environment names no key.
    #[error("the variable `{0}` is no key of the configuration: `guestlist config` lists them")]
    UnknownVariable(String),
    /// Something that it has to say is missing or contradicts another.
    #[error("{0}")]
    Incomplete(String),
}

impl Config {
    /// Reads a file, and what the environment says in its place.
    ///
    /// # Errors
    /// [`ConfigError`], all but its last case.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut said = match file {
            None => Value::Object(Map::new()),
            Some(file) => {
                let unreadable = |error| ConfigError::Unreadable { file: file.to_owned(), error };
                let text = files::read_text(file, LONGEST).map_err(unreadable)?;
                let in_file = |error: guestlist_documents::WorldError| {
                    ConfigError::NotUnderstood(error.in_file(file).to_string())
                };
                // Once for its problems with their places, once as data to be overlaid.
                yaml::read::<Option<Self>>(&text).map_err(in_file)?;
                yaml::read::<Option<Value>>(&text).map_err(in_file)?.unwrap_or(Value::Object(Map::new()))
            }
        };
        overlay(&mut said, environment)?;
        serde_json::from_value(said).map_err(|error| ConfigError::NotUnderstood(error.to_string()))
    }

    /// Finds out whether a production server can run with it.
    ///
    /// # Errors
    /// [`ConfigError::Incomplete`]: what is missing, and how to say it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let incomplete = |text: &str| Err(ConfigError::Incomplete(text.to_owned()));
        match &self.public_url {
            None => {
                return incomplete(
                    "`public-url` is missing: the address at which people reach this server, as in \
                     https://id.example.com. Links in e-mails and cookies come from it, and from nothing else",
                );
            }
            Some(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
                return incomplete("`public-url` has to begin with `https://` and a host name");
            }
            Some(url) if url.query().is_some() || url.fragment().is_some() => {
                return incomplete("`public-url` has a query or a fragment: give the address alone");
            }
            Some(_) => {}
        }
        let mut believed = self.issuers.iter().chain(&self.development);
        if believed.any(|issuer| issuer.issuer == crate::dev::ISSUER) {
            return incomplete(
                "`issuers` names the issuer of `guestlist serve --dev`: whoever has that key can be anybody",
            );
        }
        if self.mail.host.is_none() && self.mail.folder.is_none() {
            return incomplete(
                "`mail.host` is missing: the mail server that sends invitations. (`mail.folder` writes \
                 e-mails into files instead.)",
            );
        }
        if self.mail.from.is_none() {
            return incomplete("`mail.from` is missing: the address that e-mails come from");
        }
        if self.mail.password_file.is_some() && self.mail.token_file.is_some() {
            return incomplete("`mail.password-file` and `mail.token-file` exclude each other: give one");
        }
        if self.listen.http.is_none() && self.listen.https.is_none() {
            return incomplete("`listen` names neither `http` nor `https`: nobody could reach this server");
        }
        // What the database takes: a millisecond to ten years.
        let lengths = [self.sessions.idle, self.sessions.lifetime];
        if lengths.iter().any(|length| !(1..=10 * 366 * 24 * 3_600_000).contains(&length.0)) {
            return incomplete(
                "`sessions.idle` and `sessions.lifetime` are at least a millisecond and at most ten years",
            );
        }
        if self.listen.https.is_some() && (self.listen.certificate.is_none() || self.listen.key.is_none()) {
            return incomplete("`listen.https` needs `listen.certificate` and `listen.key`");
        }
        Ok(())
    }
}

/// Puts what the environment says into what the file says.
fn overlay(
    said: &mut Value,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    let known: BTreeMap<String, Vec<&str>> =
        KEYS.iter().map(|path| (variable(path), path.split('.').collect())).collect();
    for (name, text) in environment {
        if !name.starts_with(PREFIX) || OTHERS.contains(&name.as_str()) {
            continue;
        }
        let path = known.get(&name).ok_or_else(|| ConfigError::UnknownVariable(name.clone()))?;
        let mut place = &mut *said;
        for key in path {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Value::Object(fields) = place else { continue };
            place = fields.entry((*key).to_owned()).or_insert(Value::Null);
        }
        // Numbers are numbers, and everything else is the text that it is.
        *place = text.parse::<u64>().map_or_else(|_| Value::from(text.clone()), Value::from);
    }
    Ok(())
}

/// Variables that begin alike and are read elsewhere.
const OTHERS: [&str; 2] = ["GUESTLIST_CACHE", "GUESTLIST_LOG"];

/// The keys that the environment can give: all but lists.
const KEYS: [&str; 30] = [
    "public-url",
    "database",
    "default-root",
    "compatibility",
    "claims-lease",
    "token-lifetime",
    "sessions.idle",
    "sessions.lifetime",
    "first-link",
    "policies",
    "listen.http",
    "listen.https",
    "listen.certificate",
    "listen.key",
    "listen.metrics",
    "mail.from",
    "mail.name",
    "mail.host",
    "mail.port",
    "mail.tls",
    "mail.ca-file",
    "mail.user",
    "mail.password-file",
    "mail.token-file",
    "mail.folder",
    "mail.connections",
    "limits.body",
    "limits.time",
    "limits.shutdown",
    "limits.requests",
];

fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "__").replace('-', "_").to_ascii_uppercase())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    /// The template with each commented key in force.
    fn uncommented() -> String {
        let key = |line: &str| {
            let rest = line.trim_start().strip_prefix("#")?;
            let (name, _) = rest.split_once(':')?;
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-').then(|| {
                let indent = &line[..line.len() - line.trim_start().len()];
                format!("{indent}{rest}")
            })
        };
        TEMPLATE
            .lines()
            .map(|line| key(line).unwrap_or_else(|| line.to_owned()))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_template_is_the_default_and_has_each_key() {
        let said: Config = yaml::read(TEMPLATE).unwrap();
        let expected = Config::default();
        assert_eq!(format!("{said:?}"), format!("{expected:?}"));
        let all: Value = yaml::read(&uncommented()).unwrap();
        yaml::read::<Config>(&uncommented()).unwrap();
        for path in KEYS {
            let pointer = format!("/{}", path.replace('.', "/"));
            assert!(all.pointer(&pointer).is_some(), "{path} is not in the template");
        }
    }

    #[test]
    fn the_environment_counts_more_than_the_file_and_names_what_it_does_not_know() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guestlist.yaml");
        std::fs::write(&file, "database: sqlite:a.db\nmail: { host: a.example, port: 25 }\n").unwrap();
        let variables = |all: &[(&str, &str)]| {
            all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<Vec<_>>()
        };
        let said =
            variables(&[("GUESTLIST_MAIL__HOST", "b.example"), ("GUESTLIST_LOG", "debug"), ("HOME", "/")]);
        let config = Config::read(Some(&file), said).unwrap();
        assert_eq!(
            (config.database.as_str(), config.mail.host.as_deref()),
            ("sqlite:a.db", Some("b.example"))
        );
        assert_eq!(config.mail.port, Some(25));
        let error = Config::read(None, variables(&[("GUESTLIST_MAIL_HOST", "b")])).unwrap_err();
        assert!(error.to_string().contains("`GUESTLIST_MAIL_HOST` is no key"), "{error}");
        std::fs::write(&file, "databse: sqlite:a.db\n").unwrap();
        let error = Config::read(Some(&file), []).unwrap_err().to_string();
        assert!(error.contains("databse") && error.contains(":1:"), "{error}");
    }

    #[test]
    fn a_production_server_needs_an_address_and_a_way_for_its_mails() {
        let mut config = Config::default();
        assert!(config.check().unwrap_err().to_string().contains("`public-url` is missing"));
        config.public_url = Some("https://id.example.com".parse().unwrap());
        assert!(config.check().unwrap_err().to_string().contains("`mail.host` is missing"));
        config.mail.host = Some("smtp.example.com".into());
        config.mail.from = Some("id@example.com".into());
        config.check().unwrap();
        config.sessions.idle = HumanDuration(0);
        assert!(config.check().unwrap_err().to_string().contains("`sessions.idle`"));
        config.sessions.idle = HumanDuration(1);
        config.check().unwrap();
        config.listen.https = Some("127.0.0.1:9443".parse().unwrap());
        assert!(config.check().unwrap_err().to_string().contains("listen.certificate"));
    }
}
