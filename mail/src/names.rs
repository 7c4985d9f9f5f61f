//! Makes what others wrote harmless: names, reasons, words of mail systems.
//!
//! A name is chosen by somebody whom the reader may not know. It must neither break out of its place (a header, an
//! element) nor turn the text around it, nor become something to click on.

/// Most characters of a name that are shown.
pub(crate) const NAME: usize = 120;
/// Most characters of a reason that are shown.
pub(crate) const REASON: usize = 500;

/// The text on one line and at most so many characters long. Control characters and separators of lines become
/// spaces, runs of spaces one; characters that turn text around or hide it are left out.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut count = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let mut visible = word.chars().filter(|c| !is_invisible(*c)).peekable();
        if visible.peek().is_none() {
            continue;
        }
        if count > 0 {
            line.push(' ');
            count += 1;
        }
        for character in visible {
            if count >= most {
                line.push('…');
                return line;
            }
            line.push(character);
            count += 1;
        }
    }
    line
}

/// The words of a mail system, for logs. Some repeat a link that they do not like: its fragment, in which the code is,
/// is left out.
pub(crate) fn said(words: &str) -> String {
    let cut = |word: &str| match word.split_once('#') {
        Some((before, _)) if before.contains('/') => format!("{before}#…"),
        _ => word.to_owned(),
    };
    let line = one_line(words, usize::MAX);
    one_line(&line.split(' ').map(cut).collect::<Vec<_>>().join(" "), REASON)
}

/// Characters without a shape that change how others are shown. Not the two joiners (U+200C, U+200D): names in
/// Persian and Indic scripts and many emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text that no mail program takes for an address of the web or of a mailbox: a word joiner (U+2060) on both sides of
/// each dot, colon, slash, backslash and at sign that something follows, and of their likes in other scripts that
/// browsers read as those. It cannot be seen, no host name may have it, and `Acme Inc.` stays as it is. And none that
/// a reader of headers takes for an encoded word: one inside `=?`.
pub(crate) fn unlinked(text: &str) -> String {
    const JOINER: char = '\u{2060}';
    let mut unlinked = String::with_capacity(text.len() + 12);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let joins = matches!(
            character,
            '.' | ':'
                | '/'
                | '\\'
                | '@'
                | '\u{2024}'
                | '\u{3002}'
                | '\u{ff0e}'
                | '\u{ff61}'
                | '\u{fe52}'
                | '\u{ff1a}'
                | '\u{fe55}'
                | '\u{ff0f}'
                | '\u{2044}'
                | '\u{2215}'
                | '\u{ff20}'
                | '\u{fe6b}'
        );
        let is_encoded_word = character == '=' && characters.peek() == Some(&'?');
        if !(joins || is_encoded_word) || characters.peek().is_none_or(|next| *next == ' ') {
            unlinked.push(character);
            continue;
        }
        if !unlinked.ends_with(JOINER) {
            unlinked.push(JOINER);
        }
        unlinked.extend([character, JOINER]);
    }
    unlinked
}

/// Text with a direction of its own, where it is written from right to left: what stands beside it keeps its place.
pub(crate) fn isolated(text: String) -> String {
    if text.chars().any(is_right_to_left) { format!("\u{2068}{text}\u{2069}") } else { text }
}

fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

/// Text inside an element or a quoted attribute of HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{escaped, isolated, one_line, said, unlinked};

    #[test]
    fn one_line_is_one_line_and_as_short_as_asked() {
        for (text, line) in [
            ("Jane Doe", "Jane Doe"),
            (" Jane\r\nBcc: all@example.org\0 ", "Jane Bcc: all@example.org"),
            ("a\u{2028}b\u{2029}c\u{85}d\u{b}e", "a b c d e"),
            ("\u{202e}gro.elpmaxe\u{202c}", "gro.elpmaxe"),
            ("ad\u{ad}min\u{200b}\u{feff}", "admin"),
            ("a \u{200b} b", "a b"),
            ("\u{200b}", ""),
            ("می\u{200c}خواهم 👩\u{200d}🔧", "می\u{200c}خواهم 👩\u{200d}🔧"),
            ("", ""),
        ] {
            assert_eq!(one_line(text, 40), line, "{text:?}");
        }
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcdef…");
        assert_eq!(one_line("abc def", 4), "abc …");
        assert_eq!(one_line(&"é".repeat(1000), 3), "ééé…");
    }

    #[test]
    fn what_looks_like_an_address_is_taken_apart_and_a_sentence_is_not() {
        for (text, told) in [
            ("evil.example", "evil|.|example"),
            ("https://evil.example/a", "https|:|/|/|evil|.|example|/|a"),
            ("a@evil.example.", "a|@|evil|.|example."),
            ("\\\\host\\share", "|\\|\\|host|\\|share"),
            ("evil。example", "evil|。|example"),
            ("=?utf-8?Q?a?=", "|=|?utf-8?Q?a?="),
            ("Acme Inc. and: Sons = 1", "Acme Inc. and: Sons = 1"),
        ] {
            assert_eq!(unlinked(text), told.replace('|', "\u{2060}"), "{text}");
        }
    }

    #[test]
    fn codes_are_not_repeated_from_the_words_of_a_mail_system() {
        for (words, line) in [
            (
                "blocked: https://id.example/accept#code=k3v9 (S1)",
                "blocked: https://id.example/accept#… (S1)",
            ),
            ("<id.example/a#code=k3v9>\r\n(#5.7.1)", "<id.example/a#… (#5.7.1)"),
            ("queued as #4711", "queued as #4711"),
        ] {
            assert_eq!(said(words), line);
        }
        let long = format!("{} https://id.example/accept#code=k3v9", "x".repeat(480));
        assert!(!said(&long).contains("code"));
    }

    #[test]
    fn what_is_written_from_right_to_left_does_not_reach_beyond_itself() {
        assert_eq!(isolated("Acme".to_owned()), "Acme");
        assert_eq!(isolated("أحمد 1".to_owned()), "\u{2068}أحمد 1\u{2069}");
    }

    #[test]
    fn html_takes_it_as_text() {
        assert_eq!(escaped(r#"<b title="x">'&amp;"#), "&lt;b title=&quot;x&quot;&gt;&#39;&amp;amp;");
    }
}
