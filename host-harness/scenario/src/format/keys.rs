//! Keys of what is shown of an e-mail and of an audit event, which patterns may name.

/// The keys that an e-mail can have.
pub(crate) const MAIL_KEYS: [&str; 9] =
    ["to", "address", "kind", "of", "subject", "from", "template", "code", "expires-at"];

/// The keys that an audit event can have.
pub(crate) const EVENT_KEYS: [&str; 10] =
    ["event", "by", "operation", "of", "in", "for", "name", "grant", "about", "reason"];
