//! Text of other people, as it is shown to people.
//!
//! A name or a message may hold what steers a terminal, ends a line, or turns the direction of writing.
//! Whatever prints such text for people has it escaped here; what is for programs has it as it is, in
//! the program's own notation.

use std::borrow::Cow;

/// Text in one line: what would do something other than show a letter is written as `\n` or `\u{1b}`.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, &[])
}

/// Text in several lines: its line breaks and tabs stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, &['\n', '\t'])
}

/// Cuts a text to as many letters as fit, with `..` for the rest.
#[must_use]
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}..", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// JSON that may be shown on a terminal: what steers one stands in strings only, and is escaped there.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    written(text, &['\n'], |letter, out| {
        let mut units = [0; 2];
        for unit in letter.encode_utf16(&mut units) {
            *out += &format!("\\u{unit:04x}");
        }
    })
}

fn escaped<'a>(text: &'a str, kept: &[char]) -> Cow<'a, str> {
    written(text, kept, |letter, out| match letter {
        '\n' => *out += "\\n",
        '\r' => *out += "\\r",
        '\t' => *out += "\\t",
        other => *out += &format!("\\u{{{:x}}}", u32::from(other)),
    })
}

fn written<'a>(text: &'a str, kept: &[char], escape: impl Fn(char, &mut String)) -> Cow<'a, str> {
    let plain = |letter: char| !steers(letter) || kept.contains(&letter);
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if plain(letter) { out.push(letter) } else { escape(letter, &mut out) }
    }
    Cow::Owned(out)
}

/// Control characters, other line breaks, marks that turn the direction of writing, and what nobody sees.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        let bad = "a\u{1b}[2J\0\u{7f}\u{9b}b\r\n\tc\u{2028}\u{202e}d\u{2066}\u{feff}";
        assert_eq!(line(bad), r"a\u{1b}[2J\u{0}\u{7f}\u{9b}b\r\n\tc\u{2028}\u{202e}d\u{2066}\u{feff}");
        assert_eq!(lines("a\u{1b}\r\n\tb"), "a\\u{1b}\\r\n\tb");
        for plain in ["Zoë Ångström", "日本語", "👩\u{200d}👩\u{200d}👧", "a\\b", ""] {
            assert!(matches!(line(plain), Cow::Borrowed(same) if same == plain));
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({ "a\u{202e}": ["\u{7f}\u{9b}\u{e0001}", "b\n"] });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = json(&text);
        assert!(shown.is_ascii(), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!((cut("ääää", 3), cut("äää", 3)), ("äää..".into(), "äää".into()));
    }
}
