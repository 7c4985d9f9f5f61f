//! Turns a letter into a message.

mod content;
mod html;
mod plain;

use std::fmt::Write;

use lettre::{
    Address, Message,
    message::{
        Body, Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};

use self::content::Content;
use crate::{Kind, Language, Letter, names};

/// The longest address that a mail system takes, in bytes.
const ADDRESS: usize = 254;
/// The longest link, in bytes: as long as a landing page of the contract may be.
const LINK: usize = 2048;

/// Whom messages are from: the server, by its name and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    name: String,
    address: Address,
    domain: String,
}

impl Sender {
    /// A sender by the name that people see, the address that failures are returned to, and the domain at which
    /// messages are numbered (absent: the address's).
    ///
    /// # Errors
    ///
    /// The address or the domain is none.
    pub fn new(name: &str, address: &str, domain: Option<&str>) -> Result<Self, NotComposed> {
        let address = parsed(address)?;
        let domain = domain.unwrap_or(address.domain());
        let domain = match Address::new("id", domain) {
            Ok(checked) if domain.is_ascii() => checked.domain().to_owned(),
            _ => return Err(NotComposed::Domain(names::one_line(domain, ADDRESS))),
        };
        // Nothing that a reader takes for an encoded word: the library leaves it as it is.
        let name = names::one_line(name, names::NAME).replace("=?", "= ?");
        Ok(Self { name, address, domain })
    }
}

/// Why there is no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotComposed {
    /// An address is none, or no mail system takes it.
    #[error("`{0}` is not an e-mail address; it needs the form `name@domain` and at most 254 bytes")]
    Address(String),
    /// The domain of message ids is none.
    #[error("`{0}` is not a domain; write it in ASCII, as in `id.example.org`")]
    Domain(String),
    /// An invitation has no link.
    #[error("an invitation needs a link to accept it with")]
    NoLink,
    /// A link is none that can be shown. It is not repeated, because a code may be in it.
    #[error(
        "the link is not an absolute `https` or `http` URL in ASCII, without spaces and quotes, of at most 2048 bytes"
    )]
    Link,
    /// This machine has no random numbers at the moment.
    #[error("there are no random numbers for the message's id: {0}")]
    Random(String),
    /// The library for messages refuses it.
    #[error("the message cannot be built: {0}")]
    Message(String),
}

/// Makes the message: a text and an HTML part that say the same, and headers that no name can add to.
///
/// What every letter has:
///
/// - `From` with the server's name, never a person's or an organization's: those are in the text, where it is clear
///   whose words they are. `To` with the address alone. `Message-ID`, `Date`, and `Auto-Submitted: auto-generated`,
///   so that no mailbox answers it automatically.
/// - Names are shown, and no more: on one line, cut to 120 characters, without control characters and those that
///   turn text around, in HTML as text with a direction of its own. What looks like an address in them is taken apart
///   by word joiners (U+2060), in the subject as well, so that no mail program makes a link of it.
/// - The link is the only one, in both parts as the caller gave it. Both parts are quoted-printable, which every
///   program puts together again exactly and no mail system has to wrap.
/// - One column, no pictures, nothing that is loaded, and the reader's own colours, light or dark.
///
/// An invitation's message has its code in it, so it belongs into no log, although the library's type has a `Debug`.
///
/// # Errors
///
/// Nothing was composed: the letter has something in it that cannot be sent.
pub fn compose(letter: &Letter, language: Language, from: &Sender) -> Result<Message, NotComposed> {
    let to = parsed(&letter.to)?;
    match &letter.link {
        Some(link) if !is_link(link) => return Err(NotComposed::Link),
        None if letter.kind == Kind::Invitation => return Err(NotComposed::NoLink),
        _ => {}
    }
    let content = Content::of(letter, language);
    let auto =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let name = (!from.name.is_empty()).then(|| from.name.clone());
    Message::builder()
        .from(Mailbox::new(name, from.address.clone()))
        .to(Mailbox::new(None, to))
        .subject(content.subject.plain.clone())
        .date_now()
        .message_id(Some(id(&from.domain)?))
        .raw_header(auto)
        .multipart(
            MultiPart::alternative()
                .singlepart(part(ContentType::TEXT_PLAIN, plain::render(&content))?)
                .singlepart(part(ContentType::TEXT_HTML, html::render(&content, language))?),
        )
        .map_err(|error| NotComposed::Message(names::one_line(&error.to_string(), names::REASON)))
}

fn part(kind: ContentType, text: String) -> Result<SinglePart, NotComposed> {
    let body = Body::new_with_encoding(text, ContentTransferEncoding::QuotedPrintable)
        .map_err(|_| NotComposed::Message("a part cannot be encoded".to_owned()))?;
    Ok(SinglePart::builder().header(kind).body(body))
}

/// A new message id.
fn id(domain: &str) -> Result<String, NotComposed> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| NotComposed::Random(error.to_string()))?;
    let mut id = String::from("<");
    for byte in random {
        // Writing into a `String` does not fail.
        let _ = write!(id, "{byte:02x}");
    }
    Ok(format!("{id}@{domain}>"))
}

/// An address. A domain in another script is written in ASCII, which more mail systems take.
fn parsed(address: &str) -> Result<Address, NotComposed> {
    let refused = || NotComposed::Address(names::one_line(address, ADDRESS));
    if address.len() > ADDRESS || address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(refused());
    }
    let (user, domain) = address.rsplit_once('@').ok_or_else(refused)?;
    let domain = idna::domain_to_ascii(domain).map_err(|_| refused())?;
    Address::new(user, domain).map_err(|_| refused())
}

fn is_link(link: &str) -> bool {
    let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['));
    let is_plain = |c: u8| c.is_ascii_graphic() && !matches!(c, b'<' | b'>' | b'"' | b'\\' | b'`');
    has_host && link.len() <= LINK && link.bytes().all(is_plain)
}
