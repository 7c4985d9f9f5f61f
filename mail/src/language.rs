//! Languages that people are written to in.

/// A language that every text exists in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English, and what everybody gets whose language nobody has written yet.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// Its BCP 47 tag, as `lang` of a page wants it.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language of a BCP 47 tag, if there are texts in it. A tag that says more (`de-AT`, `en-Latn-GB`) leads
    /// to its language; case does not matter.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Chooses by what was said closest to the message: for this invitation, else for the person, else for the
    /// organization. A tag without texts is passed over; English if none is left.
    #[must_use]
    pub fn choose(request: Option<&str>, person: Option<&str>, organization: Option<&str>) -> Self {
        [request, person, organization].into_iter().flatten().find_map(Self::of).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, English, German};

    #[test]
    fn the_closest_wish_counts_and_one_without_texts_is_passed_over() {
        for (request, person, organization, chosen) in [
            (Some("de-AT"), Some("en"), None, German),
            (None, Some("DE_ch"), Some("en"), German),
            (None, None, Some("en-Latn-GB"), English),
            (Some("fr"), Some("de"), Some("en"), German),
            (Some("tlh"), None, None, English),
            (Some(""), Some("-"), Some("*"), English),
            (Some("den"), None, None, English),
            (Some("  de "), None, None, German),
            (None, None, None, English),
        ] {
            assert_eq!(Language::choose(request, person, organization), chosen, "{request:?} {person:?}");
        }
    }
}
