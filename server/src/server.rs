//! Starts a server and stops it.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::Response,
};
use axum_server::Handle;
use guestlist_contract::host::{Host, Policy};
use guestlist_harness::{
    Engine, EngineError, EngineOptions, Limits, LoadError, OsRandom, Plugin,
    policy::{AllowAll, Policies, PolicyHost},
};
use guestlist_policies::{FolderError, ReadPolicies as _};
use guestlist_storage::{Database, Options, StorageError};
use guestlist_tokens::Issuers;
use tokio::task::JoinSet;
use url::Url;

use crate::{
    api,
    app::{App, Links, SigningIn},
    config::{Config, ConfigError},
    figures::Figures,
    guard::{self, Taste},
    listen::{self, ListenError},
    oauth, pages,
    post::{self, Post},
    probes,
    problem::Problem,
    reference, sweep,
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
    /// The folder of policies says nothing that makes sense.
    #[error("`policies`: {0}")]
    Policies(#[from] FolderError),
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
    metrics: Option<SocketAddr>,
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
        Self::start_with(config, Options::default()).await
    }

    /// The same with options of the database: a test has a clock of its own there, and the server has it, too.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(config: Config, options: Options) -> Result<Self, StartError> {
        config.check()?;
        Self::run(config, options).await
    }

    /// Starts a server to look at, as [`Dev::config`](crate::dev::Dev::config) says. It has a certificate for the
    /// loopback that is made now.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_development(config: Config) -> Result<Self, StartError> {
        Self::run(config, Options::default()).await
    }

    async fn run(config: Config, options: Options) -> Result<Self, StartError> {
        let http = config.listen.http.map(listen::bind).transpose()?;
        let https = config.listen.https.map(listen::bind).transpose()?;
        let metrics = config.listen.metrics.map(listen::bind).transpose()?;
        let identity = match (&https, &config.listen.certificate, &config.listen.key) {
            (None, ..) => None,
            (Some(_), Some(certificate), Some(key)) => Some(listen::Identity::read(certificate, key)?),
            (Some(_), ..) => Some(listen::Identity::made()?),
        };
        let public = match (&http, &config.public_url, &config.development) {
            // Only a server to look at has an address that is known when it listens.
            (Some(bound), _, Some(_)) => format!("http://{}", bound.address).parse().ok(),
            (_, public, _) => public.clone(),
        };
        let public = public.ok_or_else(|| ConfigError::Incomplete("`public-url` is missing".into()))?;
        let patience = Duration::from_millis(config.limits.shutdown.0);
        let (app, post) = assemble(config, options, &public).await?;
        let ((router, routes), figures) = (router(&app), app.figures.clone().router());
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let mut server = Self {
            http: http.as_ref().map(|bound| bound.address),
            https: https.as_ref().map(|bound| bound.address),
            metrics: metrics.as_ref().map(|bound| bound.address),
            handles: Vec::new(),
            stop,
            tasks: JoinSet::new(),
            patience,
            routes,
        };
        let listeners =
            [(http, None, &router), (https, identity.as_ref(), &router), (metrics, None, &figures)];
        for (bound, identity, router) in listeners {
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

    /// The address of the figures.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
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

/// Puts together what requests share, and the post.
async fn assemble(
    config: Config,
    options: Options,
    public: &Url,
) -> Result<(Arc<App>, Arc<Post>), StartError> {
    let clock = options.clock.clone();
    let database = Database::open(&config.database, options).await?;
    let folder = config.policies.clone();
    let loading = tokio::task::spawn_blocking(move || -> Result<_, StartError> {
        let engine = Engine::new(&EngineOptions::default())?;
        let policies = folder.map(|folder| read_policies(&engine, &folder)).transpose()?;
        Ok((Plugin::bundled(&engine)?, policies))
    });
    let (plugin, policies) = loading.await.map_err(|_| StartError::Stopped)??;
    let people = Arc::new(database.people());
    let invitations = Arc::new(database.invitations(people.clone()).with_taken_lease(post::LEASE));
    let (links, figures) = (Links::new(public), Figures::new());
    let post = Arc::new(Post::new(
        &config.mail,
        (transport::sender(&config.mail, public)?, transport::of(&config.mail).await?),
        &database,
        invitations.clone(),
        links.clone(),
        figures.clone(),
        clock.clone(),
    ));
    let policy: Arc<dyn Policy> = match policies {
        Some(policies) => Arc::new(PolicyHost::new(policies, people.clone())),
        None => Arc::new(AllowAll),
    };
    let host = Host {
        directory: people.clone(),
        membership: people.clone(),
        settings: people.clone(),
        storage: invitations.clone(),
        audit: invitations.clone(),
        notifications: post.clone(),
        policy,
        random: Arc::new(OsRandom),
    };
    let session = plugin.session(host, Limits::default());
    let accounts = database.accounts();
    let issuers = Issuers::new(config.issuers.iter().chain(&config.development).cloned().collect())?;
    let app = App {
        config,
        database,
        people,
        invitations,
        accounts,
        session,
        issuers,
        links,
        figures,
        clock,
        signing_in: SigningIn::new(),
    };
    Ok((Arc::new(app), post))
}

/// Loads the policies of organizations. Of one that cannot be loaded its organizations are closed, and the log says
/// why.
fn read_policies(engine: &Engine, folder: &Path) -> Result<Policies, StartError> {
    let policies = Policies::new(engine);
    for broken in policies.read_folder(folder)?.broken {
        tracing::error!(
            policy = broken.name,
            why = broken.why,
            "a policy cannot be loaded: nobody is let in there"
        );
    }
    Ok(policies)
}

/// All routes, with what holds for each.
fn router(app: &Arc<App>) -> (Router, Vec<(Method, String, Operation)>) {
    let routes = probes::routes(app.clone())
        .merge(oauth::routes(app.clone()))
        .merge(reference::routes(app.clone()))
        .merge(api::routes(app.clone()))
        .merge(pages::routes(app.clone()));
    let (router, listed) = routes.finish();
    let limits = app.config.limits.clone();
    let room = Arc::new(tokio::sync::Semaphore::new(limits.requests));
    let time = Duration::from_millis(limits.time.0);
    let router = router
        .fallback(guard::nowhere)
        .method_not_allowed_fallback(guard::wrong_method)
        .layer(middleware::from_fn_with_state(
            app.clone(),
            move |State(app): State<Arc<App>>, request, next| within(app, room.clone(), time, request, next),
        ))
        .layer(DefaultBodyLimit::max(limits.body))
        .layer(middleware::from_fn(guard::identified))
        .layer(middleware::from_fn(hardened))
        .with_state(app.clone());
    (router, listed)
}

/// Bounds how many requests run, and for how long.
async fn within(
    app: Arc<App>,
    room: Arc<tokio::sync::Semaphore>,
    time: Duration,
    request: Request,
    next: Next,
) -> Response {
    let id = request.extensions().get::<guard::RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let problem = match room.try_acquire_owned() {
        Err(_) => Problem::unavailable(),
        Ok(_place) => match tokio::time::timeout(time, next.run(request)).await {
            Ok(response) => return response,
            Err(_) => Problem::new(
                StatusCode::GATEWAY_TIMEOUT,
                "GL-50400",
                "It took too long.",
                "It is not known whether it was done: look, or repeat it with the same idempotency key.",
            ),
        },
    };
    match guard::taste_of(uri.path()) {
        Taste::Reference => guard::tell(Taste::Reference, problem, &id),
        _ => pages::trouble_as_accepted(&app, &headers, &uri, problem, &id),
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
