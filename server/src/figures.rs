//! Figures for Prometheus, on a listener of their own. They name operations and outcomes, and never an organization,
//! a person or an invitation.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Named {
    outcome: &'static str,
}

/// What has happened since the server started.
#[derive(Clone)]
pub struct Figures {
    registry: Arc<Mutex<Registry>>,
    requests: Family<Answered, Counter>,
    seconds: Histogram,
    running: Gauge,
    mails: Family<Named, Counter>,
    waiting: Gauge,
    swept: Family<Named, Counter>,
}

impl Figures {
    /// No figures yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("guestlist");
        let figures = Self {
            requests: Family::default(),
            // From 1 ms to 16 s.
            seconds: Histogram::new(exponential_buckets(0.001, 2.0, 15)),
            running: Gauge::default(),
            mails: Family::default(),
            waiting: Gauge::default(),
            swept: Family::default(),
            registry: Arc::default(),
        };
        registry.register("requests", "Requests by operation and status", figures.requests.clone());
        registry.register("request_seconds", "Time of requests", figures.seconds.clone());
        registry.register("requests_running", "Requests that run", figures.running.clone());
        registry.register("mails", "E-mails by what the mail system said", figures.mails.clone());
        registry.register(
            "mails_waiting",
            "E-mails that wait in memory or are on their way",
            figures.waiting.clone(),
        );
        registry.register("sweeps", "Items of sweeps by what became of them", figures.swept.clone());
        *figures.registry.lock().unwrap_or_else(PoisonError::into_inner) = registry;
        figures
    }

    /// Counts a request that begins.
    pub fn begin(&self) {
        self.running.inc();
    }

    /// Counts a request that was answered.
    pub fn answered(&self, operation: &'static str, status: u16, time: Duration) {
        self.running.dec();
        self.requests.get_or_create(&Answered { operation, status }).inc();
        self.seconds.observe(time.as_secs_f64());
    }

    /// Counts what became of an e-mail.
    pub fn mailed(&self, outcome: &'static str) {
        self.mails.get_or_create(&Named { outcome }).inc();
    }

    /// Says how many e-mails wait.
    pub fn waiting(&self, count: usize) {
        self.waiting.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts items of a sweep.
    pub fn swept(&self, outcome: &'static str, count: u32) {
        self.swept.get_or_create(&Named { outcome }).inc_by(count.into());
    }

    /// The listener's only page.
    pub fn router(self) -> Router {
        Router::new().route("/metrics", get(shown)).with_state(self)
    }
}

async fn shown(State(figures): State<Figures>) -> Response {
    let registry = figures.registry.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = String::new();
    // Writing into memory fails for no figure.
    let _ = encode(&mut text, &registry);
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, open_metrics)], text).into_response()
}
