//! Tells what is an e-mail address, and which addresses an organization allows, by domain.
//!
//! Both are old traps. A text that two e-mail programs read as two addresses (`a@evil.com@corp.com`) is
//! checked as the one and sent to the other, so it is no address here at all. And by comparing the ends of
//! texts `evil-example.com` passes for `example.com`, so domains are compared label by label.

use serde::{Deserialize, Serialize};

/// The domains whose addresses may be invited.
///
/// `example.com` allows exactly that domain, `*.example.com` every domain below it and not the domain
/// itself. Case does not count. Names outside ASCII are given as they are registered (`xn--…`), and an
/// address that writes its domain in another way is not allowed.
///
/// ```
/// use guestlist_contract::AddressDomains;
///
/// let domains = AddressDomains::new(["example.com", "*.example.org"])?;
/// assert!(domains.allow("ada@Example.COM"));
/// assert!(domains.allow("ada@mail.eu.example.org"));
/// assert!(!domains.allow("ada@evil-example.com"));
/// assert!(!domains.allow("ada@example.org"));
/// # Ok::<(), guestlist_contract::NotADomain>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct AddressDomains {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// The domains below, and not this one.
    below: bool,
    /// The domain, in lower case.
    domain: String,
}

/// A rule that names no domain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no domain; write `example.com`, or `*.example.com` for all domains below it")]
pub struct NotADomain(String);

impl AddressDomains {
    /// The rule that allows these domains and no others; an empty one allows nobody.
    ///
    /// # Errors
    ///
    /// The first that is no domain name.
    pub fn new<D: AsRef<str>>(domains: impl IntoIterator<Item = D>) -> Result<Self, NotADomain> {
        let pattern = |text: D| {
            let text = text.as_ref();
            let (below, domain) = text.strip_prefix("*.").map_or((false, text), |domain| (true, domain));
            let domain = domain_name(domain).ok_or_else(|| NotADomain(text.to_owned()))?;
            Ok(Pattern { below, domain })
        };
        Ok(Self { patterns: domains.into_iter().map(pattern).collect::<Result<_, _>>()? })
    }

    /// Tells whether somebody with this address may be invited. What is no address (see [`address_domain`]) is
    /// not allowed.
    #[must_use]
    pub fn allow(&self, address: &str) -> bool {
        let Some(domain) = address_domain(address) else { return false };
        self.patterns.iter().any(|pattern| match domain.strip_suffix(&pattern.domain) {
            Some(before) if pattern.below => before.ends_with('.'),
            Some(before) => before.is_empty(),
            None => false,
        })
    }
}

/// The domain of an e-mail address, in lower case; `None` where the text is no address.
///
/// An address is what every e-mail program reads in the same way, and nothing else: one `@`; before it 1 to
/// 64 letters, digits and ``# $ & ' * + - / = ? ^ _ ` { | } ~`` of ASCII, with single dots between them and
/// without `=?`, which begins an encoded word; after it a host name of ASCII letters, digits, hyphens and
/// dots, whose last label is no number; at most 254 bytes in all. So there is no quoting, no comment, no
/// display name, no white space, no list, no route (`%` and `!`), no control character, no letter outside
/// ASCII, no address literal and no dot at an end.
///
/// Whoever has no address cannot be written to, is found by no address, and is of no domain. It is one
/// function for all of that, so a text cannot be of one domain for the rules and of another for the e-mail.
///
/// ```
/// use guestlist_contract::address_domain;
///
/// assert_eq!(address_domain("ada@Example.COM").as_deref(), Some("example.com"));
/// for none in ["", "-", "ada", "ada@evil.com@corp.com", "x@evil.com <ada@corp.com", "ada@corp.com."] {
///     assert_eq!(address_domain(none), None);
/// }
/// ```
#[must_use]
pub fn address_domain(text: &str) -> Option<String> {
    const BESIDE_LETTERS: &[u8] = b"#$&'*+-/=?^_`{|}~";
    let (mailbox, domain) = text.split_once('@').filter(|_| text.len() <= 254)?;
    let is_atom = |atom: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || BESIDE_LETTERS.contains(&byte);
        !atom.is_empty() && atom.bytes().all(plain)
    };
    let is_mailbox = mailbox.len() <= 64 && mailbox.split('.').all(is_atom) && !mailbox.contains("=?");
    host_name(domain).filter(|_| is_mailbox)
}

/// A rule about a domain names at least two labels.
fn domain_name(text: &str) -> Option<String> {
    host_name(text).filter(|name| name.contains('.'))
}

/// A host name (RFC 1123, section 2.1) that cannot be read as an IP address, in lower case.
fn host_name(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_name =
        text.len() <= 253 && text.split('.').all(is_label) && !text.rsplit('.').next().is_some_and(is_number);
    is_name.then(|| text.to_ascii_lowercase())
}

impl TryFrom<Vec<String>> for AddressDomains {
    type Error = NotADomain;

    fn try_from(domains: Vec<String>) -> Result<Self, NotADomain> {
        Self::new(domains)
    }
}

impl From<AddressDomains> for Vec<String> {
    fn from(domains: AddressDomains) -> Self {
        let text = |pattern: Pattern| match pattern.below {
            true => format!("*.{}", pattern.domain),
            false => pattern.domain,
        };
        domains.patterns.into_iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that are no address, by why.
    const NONE: &[(&str, &[&str])] = &[
        ("there is nothing of one", &["", "-", "@", "a", "a@", "@example.com", "example.com"]),
        ("two `@`", &["a@evil.com@example.com", "a@@example.com", "\"a@evil.com\"@example.com"]),
        ("a route", &["@evil.com:a@example.com", "evil.com!a@example.com", "a%evil.com@example.com"]),
        (
            "a display name",
            &["x@evil.com <a@example.com", "<a@example.com>", "Ada <a@example.com>", "a@example.com>"],
        ),
        (
            "quotes",
            &["\"a\"@example.com", "\"a b\"@example.com", "'a@evil.com'@example.com", "a\\@example.com"],
        ),
        ("a comment", &["a(evil)@example.com", "a@(evil.com)example.com", "a@example.com(evil)"]),
        (
            "a list",
            &[
                "a@evil.com,b@example.com",
                "a,b@example.com",
                "a;b@example.com",
                "a@example.com;",
                "g:a@example.com",
            ],
        ),
        (
            "white space",
            &[
                " a@example.com",
                "a@example.com ",
                "a b@example.com",
                "a\t@example.com",
                "a@ex ample.com",
                "a\u{a0}@example.com",
                "a\u{2003}@example.com",
            ],
        ),
        (
            "control characters",
            &[
                "a@example.com\n",
                "a@x\r\nBcc: b@y",
                "a@example.com\nevil",
                "a\0@example.com",
                "a@exam\u{7f}ple.com",
                "a@example.com\u{85}",
                "a@example.com\u{2028}",
            ],
        ),
        (
            "what cannot be seen",
            &[
                "a\u{200b}@example.com",
                "a@exam\u{ad}ple.com",
                "\u{202e}a@example.com",
                "\u{feff}a@example.com",
            ],
        ),
        (
            "letters outside ASCII",
            &[
                "a@ｃｏｒｐ.com",
                "a@corp。com",
                "a@corp．com",
                "a@ex\u{430}mple.com",
                "a＠evil.com@example.com",
                "a＠example.com",
                "ä@example.com",
                "a@bücher.example",
            ],
        ),
        (
            "dots",
            &[
                "a@example.com.",
                "a@.example.com",
                "a@example..com",
                ".a@example.com",
                "a.@example.com",
                "a..b@example.com",
                "a@.",
                "a@com.",
            ],
        ),
        ("an encoded word", &["=?utf-8?q?evil=40evil.com=3e?=@example.com"]),
        ("an IP address", &["a@[127.0.0.1]", "a@127.0.0.1", "a@[IPv6:::1]", "a@1"]),
        (
            "no host name",
            &[
                "a@-example.com",
                "a@example-.com",
                "a@exa_mple.com",
                "a@*.example.com",
                "a@exam/ple.com",
                "a@example.com:25",
            ],
        ),
    ];

    #[test]
    fn what_could_be_read_in_two_ways_is_no_address() -> Result<(), NotADomain> {
        let everything = AddressDomains::new(["example.com", "*.example.com", "corp.com", "evil.com"])?;
        for (why, texts) in NONE {
            for text in *texts {
                assert_eq!(address_domain(text), None, "{why}: {text:?}");
                assert!(!everything.allow(text), "{why}: {text:?}");
            }
        }
        for long in [format!("{}@example.com", "a".repeat(65)), format!("a@{}example.com", "a.".repeat(122))]
        {
            assert_eq!(address_domain(&long), None, "{} bytes", long.len());
        }
        Ok(())
    }

    #[test]
    fn an_address_is_of_the_domain_after_its_only_at() {
        for (address, domain) in [
            ("a@example.com", "example.com"),
            ("A@EXAMPLE.COM", "example.com"),
            ("first.last+tag@mail.example.com", "mail.example.com"),
            ("ldap/a@example.com", "example.com"),
            ("o'neill_{x}=y@xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("root@localhost", "localhost"),
            ("a@3com.example", "3com.example"),
            ("a@1.x2", "1.x2"),
        ] {
            assert_eq!(address_domain(address).as_deref(), Some(domain));
        }
        let longest = format!("{}@{}example.com", "a".repeat(64), "a.".repeat(89));
        assert_eq!(longest.len(), 254);
        assert!(address_domain(&longest).is_some());
    }

    #[test]
    fn domains_are_compared_label_by_label() -> Result<(), NotADomain> {
        let domains = AddressDomains::new(["Example.com", "*.example.org"])?;
        for allowed in ["a@example.com", "a@EXAMPLE.com", "a@x.example.org", "a@x.y.example.org"] {
            assert!(domains.allow(allowed), "{allowed}");
        }
        for refused in [
            "a@evil-example.com",
            "a@evilexample.com",
            "a@mail.example.com",
            "a@example.com.evil.net",
            "a@example.org",
            "a@evil-example.org",
            "a@com",
        ] {
            assert!(!domains.allow(refused), "{refused:?}");
        }
        assert!(!AddressDomains::new::<&str>([])?.allow("a@example.com"), "nothing is allowed");
        Ok(())
    }

    #[test]
    fn a_rule_that_names_no_domain_is_refused() {
        for rule in [
            "",
            "com",
            "*",
            "*.",
            "*.com",
            "a.*.com",
            "exa mple.com",
            "@example.com",
            ".example.com",
            "127.0.0.1",
        ] {
            assert_eq!(AddressDomains::new([rule]), Err(NotADomain(rule.to_owned())));
        }
    }
}
