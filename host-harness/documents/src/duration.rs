//! Lengths of time as people write them: `72h`, `1h30m`, `250ms`.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Milliseconds, written with their units: `d`, `h`, `m`, `s` and `ms`, the greater ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("minLength" = 1, "pattern" = Self::PATTERN))]
pub struct HumanDuration(pub u64);

impl HumanDuration {
    /// The form of its text, as a regular expression. The empty text, which fits, is none.
    pub const PATTERN: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
}

/// The reason why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time, as in `72h`, `1h30m`, `15s` or `250ms`")]
pub struct NotADuration(String);

impl FromStr for HumanDuration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let wrong = || NotADuration(text.to_owned());
        let (mut rest, mut total, mut units) = (text, 0u64, UNITS.as_slice());
        while !rest.is_empty() {
            let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let end = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(end);
            let index = units.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
            let (_, size) = units.get(index).ok_or_else(wrong)?;
            let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*size));
            total = part.and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
            units = units.get(index + 1..).unwrap_or_default();
            rest = tail;
        }
        if text.is_empty() { Err(wrong()) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return to.write_str("0s");
        }
        let mut rest = self.0;
        for (name, size) in UNITS {
            if rest >= size {
                write!(to, "{}{name}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = NotADuration;

    fn try_from(text: String) -> Result<Self, NotADuration> {
        text.parse()
    }
}

impl From<HumanDuration> for String {
    fn from(duration: HumanDuration) -> Self {
        duration.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::HumanDuration;

    fn read(text: &str) -> Option<u64> {
        text.parse::<HumanDuration>().ok().map(|duration| duration.0)
    }

    #[test]
    fn a_duration_is_read_as_it_is_written() {
        for (text, milliseconds) in [
            ("72h", 259_200_000),
            ("30m", 1_800_000),
            ("15s", 15_000),
            ("250ms", 250),
            ("1h30m", 5_400_000),
            ("30d", 2_592_000_000),
            ("0s", 0),
        ] {
            assert_eq!(read(text), Some(milliseconds), "{text}");
        }
        for milliseconds in [0, 1, 999, 61_000, 259_200_000, u64::MAX] {
            assert_eq!(read(&HumanDuration(milliseconds).to_string()), Some(milliseconds));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "72", "h", "-1h", "1.5h", "1 h", "1m1h", "1h1h", "5y", "99999999999999999999s"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
