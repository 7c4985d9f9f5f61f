//! Changes at random, the same ones from the same seed.

use guestlist_testkit::Dice;
use serde_json::Value;

/// What is put where something else was: ends of numbers, what steers a terminal, and what means something.
const WORDS: [&str; 56] = [
    "0",
    "-1",
    "1",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "-0.0",
    ".nan",
    "null",
    "~",
    "true",
    "\"\"",
    "[]",
    "{}",
    "[[[[",
    "{a: {b: ",
    "&a",
    "*a",
    "<<: *a",
    "!!binary",
    "!x",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "? ",
    ": ",
    "- ",
    "|\n",
    ">-\n",
    "#",
    "\u{1b}[2J",
    "\0",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\r",
    "\r\n",
    "\t",
    "\u{fffd}",
    "🙂",
    "\"\\u0000\"",
    "213503982334d",
    "0s",
    "99999999999d",
    "never",
    "sweep",
    "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00Z",
    "root/u-alice",
    "client:",
    "/",
    "steps: []\n",
    "organizations: []\n",
];

/// Values for places in JSON.
const VALUES: [&str; 16] = [
    "0",
    "-1",
    "4294967295",
    "18446744073709551615",
    "9223372036854775807",
    "1e300",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "\"root\"",
    "\"acme\"",
    "\"\\u0000\\u001b\"",
    "[null]",
    "\"u-ann\"",
];

/// Chance from a seed, and how much was made of it.
pub struct Chance {
    pub seed: u64,
    dice: Dice,
    drawn: u64,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self { seed, dice: Dice::new(seed), drawn: 0 }
    }

    /// How many inputs were made so far.
    pub fn drawn(&self) -> u64 {
        self.drawn
    }

    fn below(&mut self, most: usize) -> usize {
        self.dice.below(most)
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn place(&mut self, text: &str) -> usize {
        let at = self.below(text.len() + 1);
        text.floor_char_boundary(at)
    }

    fn range(&mut self, text: &str) -> (usize, usize) {
        let from = self.place(text);
        let length = self.below(40);
        (from, text.ceil_char_boundary((from + length).min(text.len())))
    }

    /// A text with up to four changes.
    pub fn changed(&mut self, text: &str) -> String {
        self.drawn += 1;
        let mut text = text.to_owned();
        for _ in 0..=self.below(2) {
            self.change(&mut text);
        }
        text
    }

    fn change(&mut self, text: &mut String) {
        match self.below(12) {
            // A line goes, comes twice, or changes its place: what is left is often understood.
            0..=2 => {
                let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                if lines.is_empty() {
                    return;
                }
                let (one, other) = (self.below(lines.len()), self.below(lines.len()));
                match self.below(3) {
                    0 => drop(lines.remove(one)),
                    1 => lines.insert(other, lines[one].clone()),
                    _ => lines.swap(one, other),
                }
                *text = lines.join("\n") + "\n";
            }
            // A word for another of the same text: names that exist, in places where they do not belong.
            3 | 4 => {
                let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
                let words: Vec<String> =
                    words.into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect();
                if words.is_empty() {
                    return;
                }
                let (old, new) = (self.of(&words).clone(), self.of(&words).clone());
                *text = text.replacen(&old, &new, 1 + self.below(2));
            }
            5 | 6 => {
                let word = *self.of(&WORDS);
                let (from, to) = self.range(text);
                text.replace_range(from..to, word);
            }
            7 => {
                let word = *self.of(&WORDS);
                let at = self.place(text);
                text.insert_str(at, word);
            }
            8 => {
                let (from, to) = self.range(text);
                text.replace_range(from..to, "");
            }
            // A number for another.
            9 => {
                let digits: Vec<_> =
                    text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
                if digits.is_empty() {
                    return;
                }
                let at = *self.of(&digits);
                let word = *self.of(&WORDS[..8]);
                text.replace_range(at..=at, word);
            }
            // Much of the same.
            10 => {
                let (times, what) =
                    *self.of(&[(70_000, " "), (300, "["), (300, "{a: "), (2_000, "- "), (5_000, "x")]);
                let at = self.place(text);
                text.insert_str(at, &what.repeat(times));
            }
            _ => {
                let at = self.place(text);
                text.truncate(at);
            }
        }
    }

    /// JSON with changes in its structure, or in its text.
    pub fn changed_json(&mut self, value: &Value) -> String {
        if self.below(4) == 0 {
            return self.changed(&value.to_string());
        }
        self.drawn += 1;
        let mut value = value.clone();
        for _ in 0..=self.below(2) {
            let count = places(&value);
            let (at, other) = (self.below(count), self.below(count));
            let mut new = Value::Null;
            // Something from elsewhere in the same, or another value; more often than not of the same kind.
            for _ in 0..8 {
                let here = nth(&mut value, &mut { at }).map(|found| std::mem::discriminant(found));
                new = match self.below(2) {
                    0 => nth(&mut value, &mut { other }).map(|found| found.clone()).unwrap_or_default(),
                    _ => serde_json::from_str(self.of::<&str>(&VALUES)).unwrap(),
                };
                if here == Some(std::mem::discriminant(&new)) {
                    break;
                }
            }
            let remove = self.below(5) == 0;
            if let Some(place) = nth(&mut value, &mut { at }) {
                match place {
                    Value::Object(fields) if remove => {
                        let first = fields.keys().next().cloned();
                        first.and_then(|name| fields.remove(&name));
                    }
                    Value::Array(items) if remove => drop(items.pop()),
                    place => *place = new,
                }
            }
        }
        let mark = if self.below(20) == 0 { "\u{feff}" } else { "" };
        format!("{mark}{value}")
    }

    pub fn changed_bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.drawn += 1;
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(3) {
                0 => bytes.truncate(at),
                1 => bytes[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << self.below(8)),
                _ => bytes.insert(at, u8::try_from(self.below(256)).unwrap()),
            }
        }
        bytes
    }
}

/// How many values there are in a value, itself included.
fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(fields) => fields.values().map(places).sum(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, left)),
        _ => None,
    }
}
