//! Judges, in one place and without dependencies, what the plugin and its hosts judge alike.
//!
//! The plugin refuses to work with settings that contradict each other; a host refuses to store them, and a
//! world file to be read with them. All three ask [`judge`].

/// Seconds in milliseconds.
const SECOND: u64 = 1_000;
/// Days in milliseconds.
const DAY: u64 = 24 * 60 * 60 * SECOND;
/// The longest time that a setting can name: 36,500 days. Whatever instant it is added to can be stored.
pub const LONGEST: u64 = 36_500 * DAY;
/// Most tries for one e-mail: each has a code of its own that works until one of them has arrived.
pub const MAIL_TRIES: u32 = 30;

/// The people who may be shown a code besides the invitee: `settings.codes` in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// The invitee alone is shown codes.
    InviteeOnly,
    /// A caller with the permission `see-code`.
    SeeCode,
    /// The same, although the code alone is enough to accept.
    SeeCodeEvenAlone,
}

/// The [`Settings`] in `settings.values` of the contract. The plugin and its hosts have that type each from
/// their own bindings: `$types` and `$settings` are the modules of its interfaces there.
#[macro_export]
macro_rules! settings {
    ($values:expr, $types:ident, $settings:ident) => {{
        let values = $values;
        $crate::Settings {
            lifetime: values.lifetime,
            lifetime_min: values.lifetime_min,
            lifetime_max: values.lifetime_max,
            code_alone: values.accept_with == $types::AcceptWith::Code,
            external: values.notify == $types::Notify::External,
            codes: match values.codes {
                $settings::Codes::InviteeOnly => $crate::Codes::InviteeOnly,
                $settings::Codes::SeeCode => $crate::Codes::SeeCode,
                $settings::Codes::SeeCodeEvenAlone => $crate::Codes::SeeCodeEvenAlone,
            },
            users: values.limits.users,
            name_bytes: values.limits.name_bytes,
            lease: values.lease,
            mail_tries: values.mail_tries,
            mail_retry: values.mail_retry,
            retention: values.retention,
            reminder_before: values.reminder_before,
        }
    }};
}

/// The settings that can be wrong, by themselves or beside each other. Times are milliseconds.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each is the setting of its name in `settings.values` of the contract")]
pub struct Settings {
    pub lifetime: u64,
    pub lifetime_min: u64,
    pub lifetime_max: u64,
    /// `accept-with` is `code`.
    pub code_alone: bool,
    /// `notify` is `external`.
    pub external: bool,
    pub codes: Codes,
    pub users: u32,
    pub name_bytes: u32,
    pub lease: u64,
    pub mail_tries: u32,
    pub mail_retry: u64,
    pub retention: u64,
    pub reminder_before: Option<u64>,
}

/// Judges settings as a whole.
///
/// # Errors
/// The first that is out of its bounds or contradicts another, by name, and what to do about it.
pub fn judge(settings: &Settings) -> Result<(), String> {
    let Settings { lifetime, lifetime_min, lifetime_max, .. } = *settings;
    within("lifetime-min", lifetime_min, SECOND, LONGEST)?;
    within("lifetime-max", lifetime_max, SECOND, LONGEST)?;
    if lifetime_min > lifetime_max {
        return Err("`lifetime-min` is above `lifetime-max`: no invitation could be made".into());
    }
    if !(lifetime_min..=lifetime_max).contains(&lifetime) {
        return Err("`lifetime` is not between `lifetime-min` and `lifetime-max`".into());
    }
    if let Some(before) = settings.reminder_before {
        within("reminder-before", before, SECOND, LONGEST)?;
        if before >= lifetime {
            return Err(
                "`reminder-before` is not shorter than `lifetime`: the reminder would be due at once".into(),
            );
        }
    }
    within("lease", settings.lease, SECOND, DAY)?;
    within("mail-retry", settings.mail_retry, SECOND, DAY)?;
    within("retention", settings.retention, DAY, LONGEST)?;
    if !(1..=MAIL_TRIES).contains(&settings.mail_tries) {
        return Err(format!("`mail-tries` is {}: take 1 to {MAIL_TRIES}", settings.mail_tries));
    }
    for (name, limit) in [("limits.users", settings.users), ("limits.name-bytes", settings.name_bytes)] {
        if limit == 0 {
            return Err(format!("`{name}` is 0: nobody could be invited; take 1 at least"));
        }
    }
    judge_codes(settings)
}

fn judge_codes(settings: &Settings) -> Result<(), String> {
    match settings.codes {
        Codes::InviteeOnly if settings.external => Err(
            "`notify` is `external` and `codes` is `invitee-only`: the codes would reach nobody; set `codes` to \
             `see-code`, or `notify` to `internal`"
                .into(),
        ),
        Codes::SeeCode if settings.code_alone => Err(
            "`accept-with` is `code` and `codes` is `see-code`: whoever is shown a code could accept in the \
             invitee's place; set `accept-with` to `invitee`, or allow it by name with `codes: see-code-even-alone`"
                .into(),
        ),
        _ => Ok(()),
    }
}

fn within(name: &str, time: u64, least: u64, most: u64) -> Result<(), String> {
    if (least..=most).contains(&time) {
        return Ok(());
    }
    Err(format!("`{name}` is {}: take {} to {}", words(time), words(least), words(most)))
}

/// A time as people write it: in the largest unit that leaves nothing over.
fn words(time: u64) -> String {
    for (unit, name) in [(DAY, "d"), (60 * 60 * SECOND, "h"), (60 * SECOND, "m"), (SECOND, "s")] {
        if time >= unit && time.is_multiple_of(unit) {
            return format!("{}{name}", time / unit);
        }
    }
    format!("{time}ms")
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    const USUAL: Settings = Settings {
        lifetime: 3 * DAY,
        lifetime_min: 60 * SECOND,
        lifetime_max: 3 * DAY,
        code_alone: false,
        external: false,
        codes: Codes::InviteeOnly,
        users: 100,
        name_bytes: 254,
        lease: 30 * SECOND,
        mail_tries: 5,
        mail_retry: 60 * SECOND,
        retention: 30 * DAY,
        reminder_before: None,
    };

    #[track_caller]
    fn refused(name: &str, change: impl Fn(&mut Settings)) {
        let mut settings = USUAL;
        change(&mut settings);
        let why = judge(&settings).expect_err(name);
        assert!(why.contains(&format!("`{name}`")), "{why}");
    }

    #[track_caller]
    fn taken(change: impl Fn(&mut Settings)) {
        let mut settings = USUAL;
        change(&mut settings);
        assert_eq!(judge(&settings), Ok(()), "{settings:?}");
    }

    #[test]
    fn each_setting_at_zero_and_at_its_end() {
        taken(|_| ());
        refused("lifetime", |it| it.lifetime = 0);
        refused("lifetime-min", |it| it.lifetime_min = 0);
        refused("lifetime-max", |it| it.lifetime_max = 0);
        refused("lease", |it| it.lease = 0);
        refused("mail-retry", |it| it.mail_retry = 0);
        refused("mail-tries", |it| it.mail_tries = 0);
        refused("retention", |it| it.retention = 0);
        refused("reminder-before", |it| it.reminder_before = Some(0));
        refused("limits.users", |it| it.users = 0);
        refused("limits.name-bytes", |it| it.name_bytes = 0);

        refused("lifetime", |it| it.lifetime = u64::MAX);
        refused("lifetime-min", |it| it.lifetime_min = u64::MAX);
        refused("lifetime-max", |it| it.lifetime_max = u64::MAX);
        refused("lease", |it| it.lease = u64::MAX);
        refused("mail-retry", |it| it.mail_retry = u64::MAX);
        refused("mail-tries", |it| it.mail_tries = u32::MAX);
        refused("retention", |it| it.retention = u64::MAX);
        refused("reminder-before", |it| it.reminder_before = Some(u64::MAX));
        taken(|it| (it.users, it.name_bytes) = (u32::MAX, u32::MAX));

        taken(|it| (it.lifetime_max, it.lifetime) = (LONGEST, LONGEST));
        taken(|it| (it.lifetime_min, it.lifetime) = (SECOND, SECOND));
        taken(|it| (it.lease, it.mail_retry) = (DAY, SECOND));
        taken(|it| (it.retention, it.mail_tries) = (LONGEST, MAIL_TRIES));
        refused("lifetime-max", |it| it.lifetime_max = LONGEST + 1);
        refused("retention", |it| it.retention = DAY - 1);
    }

    #[test]
    fn settings_that_contradict_each_other() {
        refused("lifetime-min", |it| (it.lifetime_min, it.lifetime_max) = (2 * DAY, DAY));
        refused("lifetime", |it| it.lifetime = 3 * DAY + 1);
        refused("lifetime", |it| (it.lifetime_min, it.lifetime) = (2 * DAY, 2 * DAY - 1));
        refused("reminder-before", |it| it.reminder_before = Some(3 * DAY));
        refused("reminder-before", |it| (it.lifetime, it.reminder_before) = (DAY, Some(DAY)));
        taken(|it| it.reminder_before = Some(3 * DAY - 1));
        refused("notify", |it| it.external = true);
        for codes in [Codes::SeeCode, Codes::SeeCodeEvenAlone] {
            taken(|it| (it.external, it.codes) = (true, codes));
            taken(|it| it.codes = codes);
        }
        refused("accept-with", |it| (it.code_alone, it.codes) = (true, Codes::SeeCode));
        taken(|it| it.code_alone = true);
        taken(|it| (it.code_alone, it.external, it.codes) = (true, true, Codes::SeeCodeEvenAlone));
    }

    /// The rules a second time, one condition each.
    fn is_right(it: &Settings) -> bool {
        let (second, day) = (1_000, 86_400_000);
        let times = [
            (it.lifetime_min, second, 36_500 * day),
            (it.lifetime_max, second, 36_500 * day),
            (it.lifetime, it.lifetime_min, it.lifetime_max),
            (it.lease, second, day),
            (it.mail_retry, second, day),
            (it.retention, day, 36_500 * day),
            (it.reminder_before.unwrap_or(second), second, 36_500 * day),
        ];
        times.iter().all(|(time, least, most)| least <= time && time <= most)
            && it.lifetime_min <= it.lifetime_max
            && it.reminder_before.is_none_or(|before| before < it.lifetime)
            && (1..=30).contains(&it.mail_tries)
            && it.users > 0
            && it.name_bytes > 0
            && !(it.external && it.codes == Codes::InviteeOnly)
            && !(it.code_alone && it.codes == Codes::SeeCode)
    }

    #[test]
    fn every_setting_at_its_ends_against_every_other() {
        type Change = Box<dyn Fn(&mut Settings)>;
        let mut changes: Vec<Change> = vec![Box::new(|_| ())];
        let ends =
            [0, 1, SECOND - 1, SECOND, DAY - 1, DAY, DAY + 1, LONGEST, LONGEST + 1, u64::MAX - 1, u64::MAX];
        let times: [fn(&mut Settings, u64); 7] = [
            |it, time| it.lifetime = time,
            |it, time| it.lifetime_min = time,
            |it, time| it.lifetime_max = time,
            |it, time| it.lease = time,
            |it, time| it.mail_retry = time,
            |it, time| it.retention = time,
            |it, time| it.reminder_before = Some(time),
        ];
        for time in ends {
            for set in times {
                changes.push(Box::new(move |it| set(it, time)));
            }
        }
        let numbers: [fn(&mut Settings, u32); 3] = [
            |it, number| it.users = number,
            |it, number| it.name_bytes = number,
            |it, number| it.mail_tries = number,
        ];
        for number in [0, 1, MAIL_TRIES, MAIL_TRIES + 1, u32::MAX] {
            for set in numbers {
                changes.push(Box::new(move |it| set(it, number)));
            }
        }
        changes.push(Box::new(|it| it.external = true));
        changes.push(Box::new(|it| it.code_alone = true));
        for codes in [Codes::SeeCode, Codes::SeeCodeEvenAlone] {
            changes.push(Box::new(move |it| it.codes = codes));
        }
        let mut seen = [0; 2];
        for (one, other, third) in changes
            .iter()
            .flat_map(|one| changes.iter().map(move |other| (one, other)))
            .flat_map(|(one, other)| changes.iter().map(move |third| (one, other, third)))
        {
            let mut settings = USUAL;
            for change in [one, other, third] {
                change(&mut settings);
            }
            assert_eq!(judge(&settings).is_ok(), is_right(&settings), "{settings:?}");
            if let Some(count) = seen.get_mut(usize::from(is_right(&settings))) {
                *count += 1;
            }
        }
        assert!(seen.iter().all(|count| *count > 1_000), "both were met: {seen:?}");
    }
}
