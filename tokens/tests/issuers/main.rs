//! Tokens of a real issuer, which runs on Node.js: only where it is asked for by name, as `make test-all` does.
//! What is missing fails.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use guestlist_tokens::{AccessTokens, ClaimedRoles, Issuer, Issuers, Reason, RoleMapping};
use serde_json::Value;

const API: &str = "https://guests.example";

/// An issuer that ends with its test.
struct Real {
    process: Child,
    told: Value,
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Real {
    fn start(script: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("issuers");
        assert!(folder.join("installed.json").exists(), "run scripts/setup-issuers");
        // Modules are looked for beside the script.
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/issuers").join(script);
        fs::copy(source, folder.join(script)).unwrap();
        let mut command = Command::new("node");
        command.arg(script).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{script} told `{line}`"));
        Self { process, told }
    }

    fn token(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap()
    }

    fn issuer(&self, audience: &str) -> Issuer {
        Issuer::new(self.token("issuer"), [audience])
    }
}

#[tokio::test]
async fn oidc_provider_gives_access_tokens_and_its_id_tokens_are_refused() {
    let real = Real::start("oidc.mjs");
    let mut issuer = real.issuer(API);
    issuer.roles = RoleMapping::Keycloak;
    let issuers = Issuers::new(vec![issuer]).unwrap();
    let now = SystemTime::now();
    let roles =
        [ClaimedRoles { organization: "partner".to_owned(), roles: vec!["guestlist-invite".to_owned()] }];

    let machine = issuers.verify(real.token("machine"), now).await.unwrap();
    assert_eq!((machine.subject.as_str(), machine.client_id.as_deref()), ("machine", Some("machine")));
    assert_eq!(machine.scopes, ["invite", "view"]);
    assert!(machine.is_service_account);
    assert_eq!(machine.roles, roles);
    let person = issuers.verify(real.token("person"), now).await.unwrap();
    assert_eq!((person.subject.as_str(), person.client_id.as_deref()), ("u-ann", Some("portal")));
    assert_eq!((person.scopes, person.is_service_account), (vec!["invite".to_owned()], false));

    // They end.
    let left = machine.expires_at.duration_since(now).unwrap();
    assert!(left <= Duration::from_secs(301), "{left:?}");
    let late = machine.expires_at + Duration::from_secs(60);
    assert_eq!(issuers.verify(real.token("machine"), late).await.unwrap_err().reason, Reason::Expired);

    // An ID token is for the application, not for the server.
    let error = issuers.verify(real.token("id"), now).await.unwrap_err();
    assert_eq!(error.reason, Reason::Audience);
    // Even a server that goes by the name of the application, which is a mistake, takes none.
    for how in [
        AccessTokens::Either,
        AccessTokens::Header,
        AccessTokens::Bearer,
        AccessTokens::Claim { at: "/scope".parse().unwrap(), value: "invite".to_owned() },
    ] {
        let mut confused = real.issuer("portal");
        confused.access_tokens = how.clone();
        let confused = Issuers::new(vec![confused]).unwrap();
        let error = confused.verify(real.token("id"), now).await.unwrap_err();
        assert_eq!(error.reason, Reason::NotAccessToken, "{how:?}");
        let error = confused.verify(real.token("person"), now).await.unwrap_err();
        assert_eq!(error.reason, Reason::Audience, "{how:?}");
    }
}
