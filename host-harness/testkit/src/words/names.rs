//! Names of the contract, as bindings write them.

/// `sent-lately` as `sentLately`.
#[must_use]
pub fn camel(name: &str) -> String {
    let mut words = name.split('-');
    words.next().map(str::to_owned).into_iter().chain(words.map(capital)).collect()
}

/// `sent-lately` as `sent_lately`.
#[must_use]
pub fn snake(name: &str) -> String {
    name.replace('-', "_")
}

/// `allow-with` as `AllowWith`.
#[must_use]
pub fn pascal(name: &str) -> String {
    name.split('-').map(capital).collect()
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The letters of a name: the same in all languages.
pub(super) fn letters(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '-' | '_'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
