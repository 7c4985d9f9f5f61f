//! Reads a text that is to name somebody.
//!
//! A text can be read in more than one way: `LDAP/ada@example.com` is a qualified name and might be an
//! address, `ada@example.com` is an address and might be a user name. Whoever resolves it by the first
//! reading that finds somebody lets people take the invitations of others, by choosing their names. So every
//! reading is looked up, and a text means somebody only where all of them lead to one account.

use crate::address_domain;

/// The form in which user names and addresses are compared: in lower case, as far as ASCII goes.
#[must_use]
pub fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The one spelling of the name of a user store: in capital letters, as far as ASCII goes.
#[must_use]
pub fn store_name(name: &str) -> String {
    name.to_ascii_uppercase()
}

/// The same for a store that is to be: its name has 1 to 255 bytes, without a slash, which ends it in
/// `STORE/name`, and without control characters.
///
/// # Errors
/// What is wrong with the name, as a sentence.
pub fn new_store_name(name: &str) -> Result<String, String> {
    if name.is_empty() || name.len() > 255 || name.contains('/') || name.contains(char::is_control) {
        let name = name.escape_debug();
        return Err(format!(
            "`{name}` is no name of a user store: that has 1 to 255 bytes, no slash and no control characters"
        ));
    }
    Ok(store_name(name))
}

/// One reading of a text, to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The kind of name that it is taken for.
    pub by: By,
    /// The user store in which; `None`: in all.
    pub store: Option<String>,
    /// The user name or address, in lower case.
    pub text: String,
    /// Tells whether nothing can be said of the text where a store that it is looked up in does not answer.
    pub is_needed: bool,
}

/// The kinds of names that a text can be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The user name of somebody in this organization.
    Name,
    /// The address that somebody of this organization has where they are resident.
    Address,
}

/// The user store that everybody has, and in which plain names are looked up.
pub const DEFAULT_STORE: &str = "PRIMARY";

/// All readings of a text, the likeliest first; none where it can name nobody.
///
/// - `STORE/text` is a user name or an address in that store, where there is one of that name;
/// - a text without a slash is a user name in the store that was asked for, or else in the default one;
/// - an address, also one with a slash, is an address in any store.
///
/// Names of stores are in their [one spelling](crate::lookup::store_name), `asked` and what `is_store` is
/// asked for.
#[must_use]
pub fn readings(text: &str, asked: Option<&str>, is_store: impl Fn(&str) -> bool) -> Vec<Look> {
    let is_address = |text: &str| address_domain(text).is_some();
    let look = |by, store: Option<&str>, text: &str, is_needed| Look {
        by,
        store: store.map(str::to_owned),
        text: folded(text),
        is_needed,
    };
    let mut looks = Vec::new();
    let qualified = text.split_once('/').map(|(store, rest)| (store_name(store), rest));
    let qualified = qualified.filter(|(store, _)| is_store(store));
    if let Some((store, rest)) = &qualified {
        looks.push(look(By::Name, Some(store), rest, true));
        if is_address(rest) {
            looks.push(look(By::Address, Some(store), rest, true));
        }
    } else if !text.contains('/') {
        looks.push(look(By::Name, Some(asked.unwrap_or(DEFAULT_STORE)), text, true));
    }
    if is_address(text) {
        // That a qualified name is meant as an address is far from likely.
        looks.push(look(By::Address, None, text, qualified.is_none()));
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::{By::*, *};

    #[test]
    fn a_text_is_read_in_every_way_that_it_can_be_meant() {
        for (text, asked, expected) in [
            ("Ada", None, vec![(Name, Some("PRIMARY"), "ada", true)]),
            ("Ada", Some("LDAP"), vec![(Name, Some("LDAP"), "ada", true)]),
            ("ldap/Ada", None, vec![(Name, Some("LDAP"), "ada", true)]),
            ("ldap/Ada", Some("PRIMARY"), vec![(Name, Some("LDAP"), "ada", true)]),
            ("nowhere/ada", None, vec![]),
            (
                "Ada@example.com",
                None,
                vec![
                    (Name, Some("PRIMARY"), "ada@example.com", true),
                    (Address, None, "ada@example.com", true),
                ],
            ),
            (
                "ada@example.com",
                Some("LDAP"),
                vec![(Name, Some("LDAP"), "ada@example.com", true), (Address, None, "ada@example.com", true)],
            ),
            (
                "ldap/ada@example.com",
                None,
                vec![
                    (Name, Some("LDAP"), "ada@example.com", true),
                    (Address, Some("LDAP"), "ada@example.com", true),
                    (Address, None, "ldap/ada@example.com", false),
                ],
            ),
            ("o/ada@example.com", None, vec![(Address, None, "o/ada@example.com", true)]),
            ("ada@", None, vec![(Name, Some("PRIMARY"), "ada@", true)]),
            ("a@b@example.com", None, vec![(Name, Some("PRIMARY"), "a@b@example.com", true)]),
            ("", None, vec![(Name, Some("PRIMARY"), "", true)]),
        ] {
            let looks = readings(text, asked, |store| store == "PRIMARY" || store == "LDAP");
            let read: Vec<_> = looks
                .iter()
                .map(|look| (look.by, look.store.as_deref(), look.text.as_str(), look.is_needed))
                .collect();
            assert_eq!(read, expected, "{text} of {asked:?}");
        }
    }
}
