//! A server to look at: a sample world in a folder of its own, on the loopback, with a mailbox of files.
//!
//! It differs from a production server in its listeners, its world and the passwords of that, the mailbox, and a
//! key that `guestlist token` signs with. A production server believes no such token.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use guestlist_contract::types::{Principal, UserRef};
use guestlist_documents::files;
use guestlist_memory::MemoryHost;
use guestlist_storage::{AccountError, Actor, Database, Identity, Options, StorageError};
use guestlist_tokens::{Algorithm, Issuer, KeySource, RoleMapping};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::{
    config::{Config, ConfigError},
    passwords::{self, PasswordError},
};

/// The issuer of the tokens of `guestlist token`.
pub const ISSUER: &str = "https://guestlist.invalid/development";

/// The audience of tokens for this server.
pub const AUDIENCE: &str = "guestlist";

const WORLD: &str = include_str!("dev.yaml");

/// The root of the sample world.
pub const ROOT: &str = "vendor";

/// How long a token of `guestlist token` is valid, in seconds.
const VALID: u64 = 12 * 3600;

/// The reason why there is no server to look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevError {
    /// The folder cannot be used.
    #[error("`{}` cannot be used: {error}", .path.display())]
    Folder {
        /// A file or folder.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// There is no key: no such server was started here.
    #[error("`{}` has no signing key: start `guestlist serve --dev` there first", .0.display())]
    NoKey(PathBuf),
    /// The key is damaged.
    #[error("the signing key in `{}` is damaged: delete the folder, and begin anew", .0.display())]
    Damaged(PathBuf),
    /// The sample world cannot be read or stored.
    #[error("the sample world: {0}")]
    World(String),
    /// The database cannot be used.
    #[error("the database cannot be used: {0}")]
    Database(#[from] StorageError),
    /// An account was not made.
    #[error("the sample world: {0}")]
    Account(#[from] AccountError),
    /// A password was not made.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Issuers that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Somebody of the sample world.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Their account.
    pub account: UserRef,
    /// Their user name.
    pub name: String,
}

/// A folder with everything that such a server has.
pub struct Dev {
    folder: PathBuf,
}

impl Dev {
    /// Everything in this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder with a file for each e-mail.
    #[must_use]
    pub fn mailbox(&self) -> PathBuf {
        self.file("mailbox")
    }

    /// The file with the passwords of the sample world.
    #[must_use]
    pub fn passwords(&self) -> PathBuf {
        self.file("passwords.txt")
    }

    /// The URL of the database.
    #[must_use]
    pub fn database(&self) -> String {
        format!("sqlite:{}", self.file("guestlist.db").display())
    }

    /// What a server in this folder is configured with.
    #[must_use]
    pub fn config(&self, http: SocketAddr, https: Option<SocketAddr>) -> Config {
        let mut config = Config {
            public_url: format!("http://{http}").parse().ok(),
            database: self.database(),
            default_root: Some(ROOT.into()),
            development: Some(self.issuer()),
            ..Config::default()
        };
        config.listen.http = Some(http);
        config.listen.https = https;
        config.listen.metrics = None;
        config.mail.folder = Some(self.mailbox());
        config.mail.from = Some("guestlist@localhost.invalid".into());
        config
    }

    fn issuer(&self) -> Issuer {
        let mut issuer = Issuer::new(ISSUER, [AUDIENCE]);
        issuer.keys = KeySource::File(self.file("keys.json"));
        issuer.algorithms = vec![Algorithm::EdDSA];
        if let Ok(organization) = "/org_id".parse() {
            issuer.roles = RoleMapping::OneOrganization { organization, roles: Vec::new() };
        }
        issuer
    }

    /// Makes what is not there yet: the folder, the key, the database with the sample world, and its passwords.
    /// Answers whether the world was made now.
    ///
    /// # Errors
    /// [`DevError`].
    pub async fn prepare(&self) -> Result<bool, DevError> {
        private_folder(&self.folder)?;
        private_folder(&self.mailbox())?;
        self.make_key()?;
        let url = self.database();
        Database::migrate(&url, &Options::default()).await?;
        let database = Database::open(&url, Options::default()).await?;
        if !database.is_empty().await? {
            return Ok(false);
        }
        let world = MemoryHost::from_yaml(WORLD).map_err(|error| DevError::World(error.to_string()))?;
        let realm = world.realm();
        let passwords = self.people(&realm)?;
        // The passwords first: a world whose passwords nobody knows is of no use.
        let shown: String =
            passwords.iter().map(|(who, password)| format!("{:<12} {password}\n", who.name)).collect();
        self.write(&self.passwords(), shown.as_bytes())?;
        database.load(&realm).await?;
        let accounts = database.accounts();
        let actor =
            Actor { who: Principal::System, request_id: String::new(), operation: "first-start".into() };
        for id in realm.organizations.keys() {
            accounts.set_handle(&actor, id, id).await?;
        }
        for (who, password) in &passwords {
            accounts.set_password(&actor, &who.account, &passwords::digest(password)?).await?;
            let identity = Identity { issuer: ISSUER.into(), subject: subject(&who.account) };
            accounts.link_identity(&actor, &who.account, &identity).await?;
        }
        Ok(true)
    }

    fn people(&self, realm: &guestlist_memory::Realm) -> Result<Vec<(Sample, String)>, DevError> {
        let mut all = Vec::new();
        for (organization, place) in &realm.organizations {
            for (id, person) in place.people.iter() {
                let account = UserRef { organization: organization.clone(), id: id.clone() };
                all.push((Sample { account, name: person.name.clone() }, passwords::draw()?));
            }
        }
        Ok(all)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), DevError> {
        files::replace_private(file, bytes).map_err(|error| DevError::Folder { path: file.to_owned(), error })
    }

    fn make_key(&self) -> Result<(), DevError> {
        let file = self.file("signing-key.der");
        if file.exists() {
            return Ok(());
        }
        let random = ring::rand::SystemRandom::new();
        let no_entropy = |_| DevError::World("there is no entropy".into());
        let made = Ed25519KeyPair::generate_pkcs8(&random).map_err(no_entropy)?;
        let pair =
            Ed25519KeyPair::from_pkcs8(made.as_ref()).map_err(|_| DevError::Damaged(self.folder.clone()))?;
        let keys = json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "development",
            "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        }] });
        self.write(&self.file("keys.json"), keys.to_string().as_bytes())?;
        self.write(&file, made.as_ref())
    }

    /// Signs a token for somebody of the sample world.
    ///
    /// # Errors
    /// There is no key, or it is damaged.
    pub fn token(
        &self,
        account: &UserRef,
        organization: Option<&str>,
        scopes: &[String],
    ) -> Result<String, DevError> {
        let file = self.file("signing-key.der");
        let key = files::read(&file, 4096).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DevError::NoKey(self.folder.clone()),
            _ => DevError::Folder { path: file.clone(), error },
        })?;
        let pair = Ed25519KeyPair::from_pkcs8(&key).map_err(|_| DevError::Damaged(self.folder.clone()))?;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject(account),
            "iat": since,
            "exp": since + VALID,
            "scope": if scopes.is_empty() { "guestlist:all".into() } else { scopes.join(" ") },
        });
        if let (Some(organization), Value::Object(fields)) = (organization, &mut claims) {
            fields.insert("org_id".into(), organization.into());
        }
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": "development" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).as_ref());
        Ok(format!("{signed}.{signature}"))
    }

    /// Finds somebody of the sample world by user name.
    ///
    /// # Errors
    /// The sample world cannot be read.
    pub fn sample(name: &str) -> Result<Option<Sample>, DevError> {
        let world = MemoryHost::from_yaml(WORLD).map_err(|error| DevError::World(error.to_string()))?;
        let realm = world.realm();
        Ok(realm.organizations.iter().find_map(|(organization, place)| {
            let (id, person) = place.people.iter().find(|(_, person)| person.name == name)?;
            let account = UserRef { organization: organization.clone(), id: id.clone() };
            Some(Sample { account, name: person.name.clone() })
        }))
    }
}

/// The subject of somebody's tokens.
fn subject(account: &UserRef) -> String {
    format!("{}/{}", account.organization, account.id)
}

/// Makes a folder that only its owner may look into.
fn private_folder(path: &Path) -> Result<(), DevError> {
    let failed = |error| DevError::Folder { path: path.to_owned(), error };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed)
}
