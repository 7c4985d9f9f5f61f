//! Moments and lifetimes, as people read them.

use chrono::{DateTime, Datelike, FixedOffset, Timelike};

use crate::{Language, text};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The moment, in milliseconds since 1970, in a zone that is so many minutes off UTC: `4 December 2026, 14:30
/// UTC+01:00`. `None` for what no calendar has.
#[must_use]
pub fn moment(language: Language, at: u64, utc_offset: i32) -> Option<String> {
    let zone = FixedOffset::east_opt(utc_offset.checked_mul(60)?)?;
    let at = DateTime::from_timestamp_millis(i64::try_from(at).ok()?)?.with_timezone(&zone);
    let month = match at.month() {
        1 => text::january,
        2 => text::february,
        3 => text::march,
        4 => text::april,
        5 => text::may,
        6 => text::june,
        7 => text::july,
        8 => text::august,
        9 => text::september,
        10 => text::october,
        11 => text::november,
        _ => text::december,
    };
    let time = format!("{:02}:{:02}", at.hour(), at.minute());
    let zone = match utc_offset {
        0 => "UTC".to_owned(),
        _ => format!("UTC{zone}"),
    };
    Some(text::moment(language, at.day(), month(language), at.year(), time, zone))
}

/// A lifetime in the unit in which one thinks of it, and never longer than it is.
pub(crate) fn lifetime(language: Language, milliseconds: u64) -> String {
    match milliseconds {
        ..120_000 => text::one_minute(language),
        _ if milliseconds < 2 * HOUR => text::minutes(language, milliseconds / MINUTE),
        _ if milliseconds < 5 * DAY => text::hours(language, milliseconds / HOUR),
        _ => text::days(language, milliseconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, HOUR, MINUTE, lifetime, moment};
    use crate::Language::{English, German};

    #[test]
    fn a_moment_is_told_in_the_zone_of_the_organization() {
        // 2026-12-31T23:30:59.999Z
        let at = 1_798_759_859_999;
        assert_eq!(moment(English, at, 0).as_deref(), Some("31 December 2026, 23:30 UTC"));
        assert_eq!(moment(German, at, 60).as_deref(), Some("1. Januar 2027, 00:30 Uhr UTC+01:00"));
        assert_eq!(moment(English, at, -570).as_deref(), Some("31 December 2026, 14:00 UTC-09:30"));
        assert_eq!(moment(German, 1_772_323_200_000, 0).as_deref(), Some("1. März 2026, 00:00 Uhr UTC"));
        for (at, offset) in [(u64::MAX, 0), (0, 24 * 60), (0, i32::MAX), (0, i32::MIN), (i64::MAX as u64, 0)]
        {
            assert_eq!(moment(English, at, offset), None, "{at} {offset}");
        }
    }

    #[test]
    fn a_lifetime_is_never_told_longer_than_it_is() {
        for (milliseconds, told) in [
            (1, "1 minute"),
            (90_000, "1 minute"),
            (2 * MINUTE, "2 minutes"),
            (HOUR, "60 minutes"),
            (2 * HOUR - 1, "119 minutes"),
            (72 * HOUR, "72 hours"),
            (5 * DAY - 1, "119 hours"),
            (7 * DAY, "7 days"),
            (u64::MAX, "213503982334 days"),
        ] {
            assert_eq!(lifetime(English, milliseconds), told);
        }
        assert_eq!(lifetime(German, 72 * HOUR), "72 Stunden");
    }
}
