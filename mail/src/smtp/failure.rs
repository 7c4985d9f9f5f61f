//! Errors of the library, as failures.

use std::error::Error;

use lettre::transport::smtp;
use rustls::{CertificateError, Error as TlsError};

use crate::{Failure, NotSent, Stage, names};

/// Something that was found out here, before the message went away.
pub(super) fn before(stage: Stage, words: &str) -> NotSent {
    NotSent::Transient(Failure { stage, code: None, words: names::said(words) })
}

/// Something that was found out here, and that no other try changes.
pub(super) fn for_good(stage: Stage, words: &str) -> NotSent {
    NotSent::Permanent(Failure { stage, code: None, words: names::said(words) })
}

/// Something that leaves open whether the mail system has the message.
pub(super) fn in_doubt(words: &str) -> NotSent {
    NotSent::Unknown(Failure { stage: Stage::Content, code: None, words: names::said(words) })
}

/// An error of the library in a step.
pub(super) fn of(stage: Stage, error: &smtp::Error) -> NotSent {
    let Some(code) = error.status().map(u16::from) else {
        if stage == Stage::Content {
            return in_doubt(&text(error));
        }
        return match tls(error) {
            Some(text) => before(Stage::Tls, &text),
            None => before(stage, &text(error)),
        };
    };
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    let failure = Failure { stage, code: Some(code), words: names::said(&words) };
    // What the mail system says before it has heard of the message, or about who signs in, is about all of them.
    let is_about_login = matches!(code, 530 | 534 | 535 | 538);
    if error.is_transient() || stage < Stage::Sender || (stage == Stage::Sender && is_about_login) {
        NotSent::Transient(failure)
    } else {
        NotSent::Permanent(failure)
    }
}

fn text(error: &smtp::Error) -> String {
    // The innermost says what happened; those around it only repeat it.
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Advice for operators, where encryption is the reason.
fn tls(error: &smtp::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        let of_tls = error.downcast_ref::<TlsError>().or_else(|| inner?.downcast_ref::<TlsError>());
        if let Some(of_tls) = of_tls {
            let advice = match of_tls {
                TlsError::InvalidCertificate(certificate) => advice(certificate),
                _ => return Some(of_tls.to_string()),
            };
            return Some(format!("the certificate of the mail system is not believed: {advice}"));
        }
        cause = error.source();
    }
    None
}

fn advice(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it was made for another host name; write the name that it has as the host"
        }
        // The other: somebody of the same name has signed it, with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody who is believed has signed it; name a file with the certificate of who did"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired; give the mail system a new one"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; compare the clocks of both machines"
        }
        _ => "it is damaged, revoked, or of a kind that is not known here",
    }
}
