//! The language of a page: the one that was chosen on it, else the one that the browser wishes.

use axum::http::{HeaderMap, header};
use guestlist_mail::Language;

/// The best of the languages that a browser accepts (RFC 9110, 12.5.4) in which there are texts.
pub fn accepted(headers: &HeaderMap) -> Language {
    let values = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut best: Option<(Language, u16)> = None;
    for wish in values.flat_map(|value| value.split(',')) {
        let (tag, weight) = wish.split_once(';').unwrap_or((wish, ""));
        let Some(language) = Language::of(tag) else { continue };
        let weight = thousandths(weight);
        if weight > best.map_or(0, |(_, best)| best) {
            best = Some((language, weight));
        }
    }
    best.map_or_else(Language::default, |(language, _)| language)
}

/// The weight `q=0.8` in thousandths; 1000 where there is none.
fn thousandths(weight: &str) -> u16 {
    let Some((name, value)) = weight.split_once('=') else { return 1000 };
    if !name.trim().eq_ignore_ascii_case("q") {
        return 1000;
    }
    let value = value.trim().parse::<f32>().ok().filter(|value| (0.0..=1.0).contains(value));
    // Within 0 to 1000 after the filter.
    value.map_or(0, |value| (value * 1000.0) as u16)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use axum::http::HeaderValue;
    use guestlist_mail::Language::{English, German};

    use super::*;

    #[test]
    fn the_heaviest_wish_with_texts_counts_and_the_first_of_two_that_weigh_the_same() {
        for (wish, language) in [
            ("", English),
            ("*", English),
            ("de-CH, de;q=0.9, en;q=0.8", German),
            ("fr, de;q=0.2, en;q=0.1", German),
            ("en;q=0.5, de;q=0.7", German),
            ("de;q=0, en;q=0.001", English),
            ("de;q=0", English),
            ("en, de", English),
            ("de;q=two, en;q=0.1", English),
            ("DE ; Q=1", German),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(wish).unwrap());
            assert_eq!(accepted(&headers), language, "{wish}");
        }
        assert_eq!(accepted(&HeaderMap::new()), English);
    }
}
