//! How a text that is to name somebody is read.
//!
//! A text can be read in more than one way: `LDAP/ada@example.com` is a qualified name and might be an
//! address, `ada@example.com` is an address and might be a user name. Whoever resolves it by the first
//! reading that finds somebody lets people take the invitations of others, by choosing their names. So every
//! reading is looked up, and a text means somebody only where all of them lead to one account.

use crate::{
    address_domain,
    memory::{folded, store_name},
};

/// One reading of a text, to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The user store in which; `None`: in all.
    pub store: Option<String>,
    /// The user name or address, in lower case.
    pub text: String,
    /// It may be an address and not only a user name.
    pub may_be_address: bool,
}

/// The user store that everybody has, and in which plain names are looked up.
pub const DEFAULT_STORE: &str = "PRIMARY";

/// All readings of a text, the likeliest first; none where it can name nobody.
///
/// - `STORE/text` is a user name or an address in that store, where there is one of that name;
/// - an address is a user name or an address in the store that was asked for, or else in all stores;
/// - any other text without a slash is a user name in the store that was asked for, or else in the default
///   one.
///
/// Names of stores are in their [one spelling](crate::memory::store_name), `asked` and what `is_store` is
/// asked for.
#[must_use]
pub fn readings(text: &str, asked: Option<&str>, is_store: impl Fn(&str) -> bool) -> Vec<Look> {
    let is_address = |text: &str| address_domain(text).is_some();
    let look = |store: Option<String>, text: &str| Look {
        store,
        text: folded(text),
        may_be_address: is_address(text),
    };
    let mut looks = Vec::new();
    if let Some((store, rest)) = text.split_once('/') {
        let store = store_name(store);
        if is_store(&store) {
            looks.push(look(Some(store), rest));
        }
    }
    if is_address(text) {
        looks.push(look(asked.map(str::to_owned), text));
    } else if !text.contains('/') {
        looks.push(look(Some(asked.unwrap_or(DEFAULT_STORE).to_owned()), text));
    }
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, asked: Option<&str>) -> Vec<(Option<String>, String, bool)> {
        let looks = readings(text, asked, |store| store == "PRIMARY" || store == "LDAP");
        looks.into_iter().map(|look| (look.store, look.text, look.may_be_address)).collect()
    }

    #[test]
    fn a_text_is_read_in_every_way_that_it_can_be_meant() {
        let look =
            |store: Option<&str>, text: &str, address| (store.map(str::to_owned), text.to_owned(), address);
        for (text, asked, expected) in [
            ("Ada", None, vec![look(Some("PRIMARY"), "ada", false)]),
            ("Ada", Some("LDAP"), vec![look(Some("LDAP"), "ada", false)]),
            ("ldap/Ada", None, vec![look(Some("LDAP"), "ada", false)]),
            ("ldap/Ada", Some("PRIMARY"), vec![look(Some("LDAP"), "ada", false)]),
            ("nowhere/ada", None, vec![]),
            ("Ada@example.com", None, vec![look(None, "ada@example.com", true)]),
            ("ada@example.com", Some("LDAP"), vec![look(Some("LDAP"), "ada@example.com", true)]),
            (
                "ldap/ada@example.com",
                None,
                vec![look(Some("LDAP"), "ada@example.com", true), look(None, "ldap/ada@example.com", true)],
            ),
            ("o/ada@example.com", None, vec![look(None, "o/ada@example.com", true)]),
            ("ada@", None, vec![look(Some("PRIMARY"), "ada@", false)]),
            ("a@b@example.com", None, vec![look(Some("PRIMARY"), "a@b@example.com", false)]),
            ("", None, vec![look(Some("PRIMARY"), "", false)]),
        ] {
            assert_eq!(read(text, asked), expected, "{text} of {asked:?}");
        }
    }
}
