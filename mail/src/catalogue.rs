//! Texts in all languages, side by side.

use crate::Language;

/// A text as it is written in the catalogue, for whoever reads all of them: translators and tests.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name of its function.
    pub key: &'static str,
    /// The names of what is filled in: each occurs in every language.
    pub placeholders: &'static [&'static str],
    /// The text with its `{placeholders}`, in each language.
    pub texts: &'static [(Language, &'static str)],
}

/// Makes a catalogue: for each text a function of its name, which takes the [`Language`] and what is filled in, and
/// `ALL`, the list of [`Entry`].
///
/// ```
/// use guestlist_mail::Language;
///
/// guestlist_mail::catalogue! {
///     /// Above the list of those who were invited.
///     invited(count) {
///         en: "{count} invited",
///         de: "{count} eingeladen",
///     }
///     sign_out() { en: "Sign out", de: "Abmelden" }
/// }
///
/// assert_eq!(invited(Language::German, 3), "3 eingeladen");
/// assert_eq!(sign_out(Language::English), "Sign out");
/// assert_eq!(ALL.len(), 2);
/// ```
///
/// What is missing does not compile: a text that nobody has written, a language, a placeholder that one of the
/// languages forgets or that nobody fills in.
///
/// ```compile_fail
/// guestlist_mail::catalogue! {
///     invited(count) { en: "{count} invited", de: "Eingeladene" }
/// }
/// ```
#[macro_export]
macro_rules! catalogue {
    ($($(#[$about:meta])* $key:ident($($placeholder:ident),*) { en: $en:literal, de: $de:literal $(,)? })*) => {
        $(
            #[doc = ::std::concat!("Writes \"", $en, "\".\n")]
            $(#[$about])*
            #[must_use]
            pub fn $key(
                language: $crate::Language $(, $placeholder: impl ::std::fmt::Display)*
            ) -> ::std::string::String {
                match language {
                    $crate::Language::English => ::std::format!($en $(, $placeholder = $placeholder)*),
                    $crate::Language::German => ::std::format!($de $(, $placeholder = $placeholder)*),
                }
            }
        )*

        /// All texts of this catalogue.
        pub const ALL: &[$crate::Entry] = &[$(
            $crate::Entry {
                key: ::std::stringify!($key),
                placeholders: &[$(::std::stringify!($placeholder)),*],
                texts: &[($crate::Language::English, $en), ($crate::Language::German, $de)],
            }
        ),*];
    };
}
