//! Settings that are judged as a whole, wherever they come from.

use super::*;
use crate::{EventError, SettingsPatch, default_settings, judge};

fn patch(yaml: &str) -> SettingsPatch {
    serde_saphyr::from_str(yaml).unwrap()
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused_and_nothing_is_changed() {
    let host = host();
    host.change_settings("acme", &patch("{ lifetime: 2h, address-domains: [example.com] }")).unwrap();
    let before = host.stored_text().unwrap();
    for (text, setting) in [
        ("{ lifetime: 0s }", "lifetime"),
        ("{ lifetime: 4d, pending-limit: 7 }", "lifetime"),
        ("{ lifetime-min: 1d }", "lifetime"),
        ("{ reminder-before: 2h, address-domains: null }", "reminder-before"),
        ("{ mail-tries: 0 }", "mail-tries"),
        ("{ limits: { users: 0 } }", "limits.users"),
        ("{ notify: external, codes: invitee-only }", "notify"),
        ("{ notify: external, accept-with: code }", "accept-with"),
        ("{ landings: ['http://a.example/'], mail-tries: 2 }", "landings"),
    ] {
        let answer = host.change_settings("acme", &patch(text));
        let Err(EventError::Impossible(why)) = &answer else { panic!("{text}: {answer:?}") };
        assert!(why.contains(&format!("`{setting}`")), "{text}: {why}");
        assert_eq!(host.stored_text().unwrap(), before, "{text}");
    }
    host.change_settings("acme", &patch("{ notify: external }")).unwrap();
    host.change_settings("acme", &patch("{ accept-with: code, codes: see-code-even-alone }")).unwrap();
}

#[test]
fn settings_that_are_replaced_are_judged_in_the_same_words() {
    let host = host();
    let mut settings = default_settings();
    settings.reminder_before = Some(settings.lifetime);
    let why = judge(&settings).unwrap_err();
    assert_eq!(host.set_settings("acme", settings), Err(EventError::Impossible(why.clone())));
    assert!(host.audit().is_empty());
    let world = WORLD.replace("    name: Acme\n", "    name: Acme\n    settings: { reminder-before: 72h }\n");
    let error = MemoryHost::from_yaml(&world).unwrap_err().to_string();
    assert!(error.contains(&why), "a world says the same: {error}");
    let world = WORLD.replace("    name: Acme\n", "    name: Acme\n    settings: { landings: [there] }\n");
    let error = MemoryHost::from_yaml(&world).unwrap_err().to_string();
    assert!(error.contains("`there` in `landings`"), "{error}");
}

#[tokio::test]
async fn a_batch_with_a_language_or_a_landing_place_that_may_not_be_is_refused_as_a_whole() {
    let host = host();
    host.change_settings("acme", &patch("{ landings: ['https://app.example/welcome'] }")).unwrap();
    let before = host.stored_text().unwrap();
    let good = || Batch {
        language: Some("pt-BR".into()),
        landing: Some("https://app.example/welcome/home?x=1".into()),
        ..batch("key", vec![draft(0, "inv-a", alice(), 10)])
    };
    for (language, landing) in [
        (Some("pt-br"), None),
        (Some(""), None),
        (Some("x"), None),
        (Some("abcdefgh-abcdefgh-abcdefgh-abcdefgh1"), None),
        (None, Some("https://evil.example/welcome")),
        (None, Some("https://app.example/welcome-not")),
        (None, Some("https://app.example/welcome/../admin")),
        (None, Some("http://app.example/welcome")),
        (None, Some("/welcome")),
    ] {
        let mut request = good();
        request.language = language.map(str::to_owned).or(request.language);
        request.landing = landing.map(str::to_owned).or(request.landing);
        let answer = host.insert(&admin(&host), "acme".into(), request).await;
        assert!(is_invalid(&answer), "{language:?} {landing:?}: {answer:?}");
        assert_eq!(host.stored_text().unwrap(), before);
    }
    host.insert(&admin(&host), "acme".into(), good()).await.unwrap().remove(0).unwrap();
    let row = stored(&host, "inv-a");
    assert_eq!(row.language.as_deref(), Some("pt-BR"));
    assert_eq!(row.landing.as_deref(), Some("https://app.example/welcome/home?x=1"));
}
