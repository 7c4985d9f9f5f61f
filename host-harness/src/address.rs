//! Which mail addresses an organization allows, by domain.
//!
//! The rule is an old trap: by comparing the ends of texts, `evil-example.com` passes for
//! `example.com`. So domains are compared label by label, and whatever is not plainly a domain name is
//! not allowed.

use serde::{Deserialize, Serialize};

/// The domains whose addresses may be invited.
///
/// `example.com` allows exactly that domain, `*.example.com` every domain below it and not the domain
/// itself. Case does not count. Names outside ASCII are given as they are registered (`xn--…`), and an
/// address that writes its domain in another way is not allowed.
///
/// ```
/// use guestlist_harness::AddressDomains;
///
/// let domains = AddressDomains::new(["example.com", "*.example.org"])?;
/// assert!(domains.allow("ada@Example.COM"));
/// assert!(domains.allow("ada@mail.eu.example.org"));
/// assert!(!domains.allow("ada@evil-example.com"));
/// assert!(!domains.allow("ada@example.org"));
/// # Ok::<(), guestlist_harness::NotADomain>(())
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
    /// In lower case.
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

    /// Whether somebody with this address may be invited.
    #[must_use]
    pub fn allow(&self, address: &str) -> bool {
        // What stands before the last `@` may have others, in quotes.
        let Some((mailbox, domain)) = address.rsplit_once('@') else { return false };
        let Some(domain) = domain_name(domain).filter(|_| !mailbox.is_empty()) else { return false };
        self.patterns.iter().any(|pattern| match domain.strip_suffix(&pattern.domain) {
            Some(before) if pattern.below => before.ends_with('.'),
            Some(before) => before.is_empty(),
            None => false,
        })
    }
}

/// A host name of at least two labels (RFC 1123, section 2.1), in lower case.
fn domain_name(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_name = text.len() <= 253 && text.contains('.') && text.split('.').all(is_label);
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

    #[test]
    fn domains_are_compared_label_by_label() -> Result<(), NotADomain> {
        let domains = AddressDomains::new(["Example.com", "*.example.org"])?;
        for allowed in
            ["a@example.com", "a@EXAMPLE.com", "\"a@b\"@example.com", "a@x.example.org", "a@x.y.example.org"]
        {
            assert!(domains.allow(allowed), "{allowed}");
        }
        for refused in [
            "a@evil-example.com",
            "a@evilexample.com",
            "a@mail.example.com",
            "a@example.com.evil.net",
            "a@example.org",
            "a@evil-example.org",
            "a@.example.org",
            "a@x..example.org",
            "a@example.com.",
            "a@example.com ",
            "a@example.com\n",
            "a@example.com\0",
            "a@ex\u{430}mple.com",
            "a@example\u{3002}com",
            "a@[127.0.0.1]",
            "@example.com",
            "example.com",
            "a@example.com@evil.net",
            "a@",
            "",
        ] {
            assert!(!domains.allow(refused), "{refused:?}");
        }
        assert!(!AddressDomains::new::<&str>([])?.allow("a@example.com"), "nothing is allowed");
        Ok(())
    }

    #[test]
    fn a_rule_that_names_no_domain_is_refused() {
        for rule in ["", "com", "*", "*.", "*.com", "a.*.com", "exa mple.com", "@example.com", ".example.com"]
        {
            assert_eq!(AddressDomains::new([rule]), Err(NotADomain(rule.to_owned())));
        }
    }
}
