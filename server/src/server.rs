//! Starts a server and stops it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, Method, header},
    middleware::{self, Next},
    response::Response,
};
use axum_server::Handle;
use guestlist_contract::host::Host;
use guestlist_harness::{
    Engine, EngineError, EngineOptions, Limits, LoadError, OsRandom, Plugin, policy::AllowAll,
};
use guestlist_storage::{Database, Options, StorageError};
use guestlist_tokens::Issuers;
use tokio::task::JoinSet;

use crate::{
    api,
    app::{App, Links},
    config::{Config, ConfigError},
    guard,
    listen::{self, ListenError},
    oauth,
    post::{self, Post},
    probes, reference, sweep,
    table::Operation,
    transport::{self, TransportError},
};

/// A server that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration says too little, or contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be used.
    #[error("the database cannot be used: {0}")]
    Database(#[from] StorageError),
    /// The engine for components cannot be made.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The plugin cannot be loaded.
    #[error(transparent)]
    Plugin(#[from] LoadError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// E-mails cannot be sent so.
    #[error(transparent)]
    Mail(#[from] TransportError),
    /// The issuers of tokens contradict each other, say.
    #[error("the issuers: {0}")]
    Issuers(#[from] guestlist_tokens::ConfigError),
    /// Something that has to be made with a task of its own was not made.
    #[error("the server was stopped while it started")]
    Stopped,
}

/// A server that runs.
pub struct Server {
    http: Option<SocketAddr>,
    https: Option<SocketAddr>,
    handles: Vec<Handle<SocketAddr>>,
    stop: tokio::sync::watch::Sender<bool>,
    tasks: JoinSet<()>,
    patience: Duration,
    routes: Vec<(Method, String, Operation)>,
}

impl Server {
    /// Starts a server. It answers when this returns.
    ///
    /// # Errors
    /// [`StartError`]: nothing runs then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.check()?;
        Self::run(config).await
    }

    /// Starts a server to look at, as [`Dev::config`](crate::dev::Dev::config) says. It has a certificate for the
    /// loopback that is made now.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_development(config: Config) -> Result<Self, StartError> {
        Self::run(config).await
    }

    async fn run(config: Config) -> Result<Self, StartError> {
        let public = config
            .public_url
            .clone()
            .ok_or_else(|| StartError::Config(ConfigError::Incomplete("`public-url` is missing".into())))?;
        let database = Database::open(&config.database, Options::default()).await?;
        let plugin = tokio::task::spawn_blocking(|| -> Result<Plugin, StartError> {
            Ok(Plugin::bundled(&Engine::new(&EngineOptions::default())?)?)
        });
        let plugin = plugin.await.map_err(|_| StartError::Stopped)??;
        let people = Arc::new(database.people());
        let invitations = database.invitations(people.clone()).with_taken_lease(post::LEASE);
        let invitations = Arc::new(invitations);
        let links = Links::new(&public);
        let transport = transport::of(&config.mail).await?;
        let sender = transport::sender(&config.mail, &public)?;
        let post = Arc::new(Post::new(
            &config.mail.name,
            sender,
            transport,
            config.mail.connections,
            &database,
            invitations.clone(),
            links.clone(),
        ));
        let host = Host {
            directory: people.clone(),
            membership: people.clone(),
            settings: people.clone(),
            storage: invitations.clone(),
            audit: invitations.clone(),
            notifications: post.clone(),
            policy: Arc::new(AllowAll),
            random: Arc::new(OsRandom),
        };
        let session = plugin.session(host, Limits::default());
        let accounts = database.accounts();
        let issuers = Issuers::new(config.issuers.iter().chain(&config.development).cloned().collect())?;
        let http = config.listen.http.map(listen::bind).transpose()?;
        let https = config.listen.https.map(listen::bind).transpose()?;
        let identity = match (&https, &config.listen.certificate, &config.listen.key) {
            (None, ..) => None,
            (Some(_), Some(certificate), Some(key)) => Some(listen::Identity::read(certificate, key)?),
            (Some(_), ..) => Some(listen::Identity::made()?),
        };
        let patience = Duration::from_millis(config.limits.shutdown.0);
        let app = Arc::new(App { config, database, people, invitations, accounts, session, issuers, links });
        let (router, routes) = router(&app);
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let mut server = Self {
            http: http.as_ref().map(|bound| bound.address),
            https: https.as_ref().map(|bound| bound.address),
            handles: Vec::new(),
            stop,
            tasks: JoinSet::new(),
            patience,
            routes,
        };
        for (bound, identity) in [(http, None), (https, identity.as_ref())] {
            let Some(bound) = bound else { continue };
            let handle = Handle::new();
            let serving = listen::serve(bound, identity, router.clone(), handle.clone()).await?;
            server.handles.push(handle);
            server.tasks.spawn(serving);
        }
        server.tasks.spawn(sweep::run(app, stopped.clone()));
        server.tasks.spawn(post.run(stopped));
        Ok(server)
    }

    /// The address without TLS.
    #[must_use]
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// The address with TLS.
    #[must_use]
    pub fn https(&self) -> Option<SocketAddr> {
        self.https
    }

    /// The routes that it answers: each method and path, with its operation in [the table](crate::table).
    #[must_use]
    pub fn routes(&self) -> &[(Method, String, Operation)] {
        &self.routes
    }

    /// Stops: nothing new is taken, and what runs is ended, for as long as `limits.shutdown` says.
    pub async fn stop(mut self) {
        for handle in &self.handles {
            handle.graceful_shutdown(Some(self.patience));
        }
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.patience + Duration::from_secs(1), all).await.is_err() {
            tracing::warn!("what still ran was broken off");
        }
    }
}

/// All routes, with what holds for each.
fn router(app: &Arc<App>) -> (Router, Vec<(Method, String, Operation)>) {
    let routes = probes::routes(app.clone())
        .merge(oauth::routes(app.clone()))
        .merge(reference::routes(app.clone()))
        .merge(api::routes(app.clone()));
    let (router, listed) = routes.finish();
    let limits = app.config.limits.clone();
    let room = Arc::new(tokio::sync::Semaphore::new(limits.requests));
    let time = Duration::from_millis(limits.time.0);
    let router = router
        .fallback(guard::nowhere)
        .method_not_allowed_fallback(guard::wrong_method)
        .layer(middleware::from_fn(move |request, next| within(room.clone(), time, request, next)))
        .layer(DefaultBodyLimit::max(limits.body))
        .layer(middleware::from_fn(guard::identified))
        .layer(middleware::from_fn(hardened))
        .with_state(app.clone());
    (router, listed)
}

/// Bounds how many requests run, and for how long.
async fn within(room: Arc<tokio::sync::Semaphore>, time: Duration, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<guard::RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let Ok(_place) = room.try_acquire_owned() else {
        return crate::problem::Problem::unavailable().into_problem(&id);
    };
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => crate::problem::Problem::new(
            axum::http::StatusCode::GATEWAY_TIMEOUT,
            "GL-50400",
            "It took too long.",
            "It is not known whether it was done: look, or repeat it with the same idempotency key.",
        )
        .into_problem(&id),
    }
}

/// Headers that every answer has.
async fn hardened(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let always = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in always {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
