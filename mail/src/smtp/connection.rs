//! One connection to a mail system, step by step.
//!
//! The library's own transport answers with one error for all steps. Whether a message may have been sent depends on
//! the step, so the steps are taken here.

use std::time::Duration;

use lettre::{
    Address, Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Data, Mail, Noop, Rcpt, Rset},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
        response::Response,
    },
};
use tokio::{net::TcpStream, time::timeout};

use super::{
    failure::{self, before, for_good, in_doubt},
    line::LineByLine,
    settings::{Encryption, SmtpSettings},
};
use crate::{HandedOver, NotSent, Stage, names};

pub(super) struct Connection {
    inner: AsyncSmtpConnection,
    /// Question and answer still belong together.
    is_in_step: bool,
}

/// Waits for a step before the message is handed over.
async fn within<T>(
    limit: Duration,
    stage: Stage,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, NotSent> {
    match timeout(limit, step).await {
        Ok(result) => result.map_err(|error| failure::of(stage, &error)),
        Err(_) => Err(before(stage, &late(limit))),
    }
}

fn late(limit: Duration) -> String {
    format!("no answer within {limit:?}")
}

impl Connection {
    /// Connects, encrypts, and introduces itself.
    pub(super) async fn open(
        settings: &SmtpSettings,
        hello: &ClientId,
        tls: Option<&TlsParameters>,
    ) -> Result<Self, NotSent> {
        let address = (settings.host.as_str(), settings.port());
        let (connect, answer) = (settings.connect_within, settings.answer_within);
        let mut inner = if settings.encryption == Encryption::Tls {
            let open = AsyncSmtpConnection::connect_tokio1(address, None, hello, tls.cloned(), None);
            // Connecting and the greeting are one step here.
            within(connect.saturating_add(answer), Stage::Connect, open).await?
        } else {
            let open = async {
                let stream = TcpStream::connect(address).await?;
                // The end of a message is written by itself, and would wait for an answer to what came before.
                stream.set_nodelay(true)?;
                Ok::<_, std::io::Error>(stream)
            };
            let stream = timeout(connect, open)
                .await
                .map_err(|_| before(Stage::Connect, &late(connect)))?
                .map_err(|error| before(Stage::Connect, &error.to_string()))?;
            let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(LineByLine(stream)), hello);
            within(answer, Stage::Greeting, greeting).await?
        };
        if let (Encryption::StartTls, Some(tls)) = (settings.encryption, tls) {
            if !inner.can_starttls() {
                return Err(before(
                    Stage::Tls,
                    "the mail system does not offer STARTTLS; nothing was sent. Switch it on there, choose TLS from \
                     the start, or no encryption where nobody else can listen",
                ));
            }
            within(connect, Stage::Tls, inner.starttls(tls.clone(), hello)).await?;
        }
        if settings.encryption != Encryption::None && !inner.is_encrypted() {
            inner.abort().await;
            return Err(before(Stage::Tls, "the connection is not encrypted"));
        }
        Ok(Self { inner, is_in_step: true })
    }

    pub(super) async fn login(
        &mut self,
        settings: &SmtpSettings,
        mechanisms: &[Mechanism],
        user: &str,
        secret: &str,
    ) -> Result<(), NotSent> {
        let known = mechanisms.iter().any(|one| self.inner.server_info().supports_auth_mechanism(*one));
        if !known {
            let names = mechanisms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            return Err(before(Stage::Login, &format!("the mail system lets nobody sign in by {names}")));
        }
        let credentials = Credentials::new(user.to_owned(), secret.to_owned());
        let login = self.inner.auth(mechanisms, &credentials);
        let response = within(settings.answer_within, Stage::Login, login).await?;
        if response.has_code(235) { Ok(()) } else { Err(unexpected(Stage::Login, &response)) }
    }

    /// Sends a message. `Ok` means that the mail system has said 250 to all of it.
    pub(super) async fn send(
        &mut self,
        settings: &SmtpSettings,
        message: &Message,
    ) -> Result<HandedOver, NotSent> {
        let bytes = message.formatted();
        let envelope = message.envelope();
        let mut options = Vec::new();
        if !envelope.to().iter().chain(envelope.from()).all(is_ascii) {
            if !self.inner.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(for_good(
                    Stage::Recipient,
                    "the mail system takes no addresses with other than ASCII letters (`SMTPUTF8`)",
                ));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let answer = settings.answer_within;
        let from = Mail::new(envelope.from().cloned(), options);
        self.step(answer, Stage::Sender, from).await?;
        for to in envelope.to() {
            self.step(answer, Stage::Recipient, Rcpt::new(to.clone(), Vec::new())).await?;
        }
        let response = self.step(answer, Stage::Data, Data).await?;
        if !response.has_code(354) {
            self.is_in_step = false;
            return Err(unexpected(Stage::Data, &response));
        }
        // From here on the mail system may have it, whatever is heard of it.
        self.is_in_step = false;
        let response = match timeout(settings.take_within, self.inner.message(&bytes)).await {
            Err(_) => return Err(in_doubt(&late(settings.take_within))),
            Ok(Err(error)) => {
                self.is_in_step = error.status().is_some();
                return Err(failure::of(Stage::Content, &error));
            }
            Ok(Ok(response)) => response,
        };
        if !response.has_code(250) {
            return Err(in_doubt(&unexpected(Stage::Content, &response).failure().words));
        }
        self.is_in_step = true;
        let words = response.message().collect::<Vec<_>>().join(" ");
        Ok(HandedOver { words: names::said(&words) })
    }

    async fn step(
        &mut self,
        limit: Duration,
        stage: Stage,
        command: impl std::fmt::Display,
    ) -> Result<Response, NotSent> {
        self.is_in_step = false;
        let result = within(limit, stage, self.inner.command(command)).await;
        self.is_in_step = result.as_ref().map_or_else(|error| error.failure().code.is_some(), |_| true);
        result
    }

    /// Forgets a message that was refused. `false`: the connection is of no more use.
    pub(super) async fn begin_anew(&mut self, settings: &SmtpSettings) -> bool {
        self.is_in_step && self.step(settings.answer_within, Stage::Sender, Rset).await.is_ok()
    }

    /// Asks whether the mail system is still there.
    pub(super) async fn is_alive(&mut self, settings: &SmtpSettings) -> bool {
        self.step(settings.answer_within, Stage::Sender, Noop).await.is_ok()
    }
}

fn is_ascii(address: &Address) -> bool {
    AsRef::<str>::as_ref(address).is_ascii()
}

fn unexpected(stage: Stage, response: &Response) -> NotSent {
    let words = response.message().collect::<Vec<_>>().join(" ");
    before(stage, &format!("an answer that does not belong here: {} {words}", response.code()))
}
