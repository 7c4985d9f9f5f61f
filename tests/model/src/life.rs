//! What happens to the world of a history outside of all calls, by the words of [`crate::history`].

use guestlist_contract::{
    settings::{Codes, Values},
    types::{Grant, GrantKind, Permissions, Principal, UserRef},
};
use guestlist_memory::{EventError, MailMode, MemoryHost, NewUser, Rule, SettingsPatch};

pub fn user(organization: &str, id: &str) -> UserRef {
    UserRef { organization: organization.into(), id: id.into() }
}

fn settings(host: &MemoryHost, patch: &str) -> Result<(), EventError> {
    host.change_settings("acme", &serde_json::from_str::<SettingsPatch>(patch).expect("settings"))
}

fn policy(host: &MemoryHost, rules: &str) -> Result<(), EventError> {
    host.set_policy("acme", serde_json::from_str::<Vec<Rule>>(rules).expect("rules"))
}

/// Somebody has written settings past everything that judges them.
fn keep(host: &MemoryHost, change: fn(&mut Values)) {
    let mut realm = host.realm();
    if let Some(place) = realm.organizations.get_mut("acme") {
        change(&mut place.settings);
    }
    host.set_realm(realm);
}

/// An error says that it cannot happen (any more): then nothing did.
pub fn happen(host: &MemoryHost, what: &str) -> Result<(), EventError> {
    let (alice, bob) = (user("root", "u-alice"), user("root", "u-bob"));
    let ann = || Principal::User(user("acme", "u-ann"));
    let hr = || Principal::Client("hr".into());
    let help = || Grant { kind: GrantKind::Group, id: "g-help".into() };
    let rights = |who, permissions| host.set_permissions("acme", who, permissions);
    let alice2 = || NewUser {
        id: "u-alice2".into(),
        name: "alice".into(),
        store: None,
        email: Some("alice@example.com".into()),
    };
    match what {
        "mail-fails" => host.set_mail_mode(MailMode::Fail),
        "mail-works" => host.set_mail_mode(MailMode::Deliver),
        "mail-takes" => host.set_mail_mode(MailMode::Take),
        "taken-arrives" | "taken-returns" => {
            host.settle_taken(what == "taken-arrives");
        }
        "suspend" | "resume" => return host.set_organization_active("acme", what == "resume"),
        "delete" => return host.delete_organization("acme"),
        "delete-beta" => return host.delete_organization("beta"),
        "move" => return host.move_organization("acme", Some("partner")),
        "move-back" => return host.move_organization("acme", Some("root")),
        "disable-alice" | "enable-alice" => {
            return host.set_user_active("root", "u-alice", what == "enable-alice");
        }
        "disable-bob" | "enable-bob" => return host.set_user_active("root", "u-bob", what == "enable-bob"),
        "disable-gus" | "enable-gus" => {
            return host.set_user_active("partner", "p-gus", what == "enable-gus");
        }
        "remove-alice" => return host.remove_user("root", "u-alice"),
        "remove-bob" => return host.remove_user("root", "u-bob"),
        "remove-gus" => return host.remove_user("partner", "p-gus"),
        "recreate-alice" => return host.add_user("root", alice2()),
        "ann-loses" => {
            return rights(
                ann(),
                Permissions::VIEW | Permissions::REVOKE | Permissions::RESEND | Permissions::APPROVE,
            );
        }
        "ann-nothing" => return rights(ann(), Permissions::empty()),
        "ann-regains" => return rights(ann(), Permissions::all()),
        "remove-ann" => return host.remove_user("acme", "u-ann"),
        "hr-loses" => return rights(hr(), Permissions::VIEW),
        "hr-regains" => return rights(hr(), Permissions::all()),
        "delete-help" => return host.delete_group("acme", "g-help"),
        "delete-ops" => return host.delete_group("acme", "g-ops"),
        "delete-audit" => return host.delete_role("acme", "r-audit"),
        "unmember-alice" => return host.remove_member("acme", &alice),
        "unmember-bob" => return host.remove_member("acme", &bob),
        "member-alice" => return host.add_member("acme", &alice),
        "member-bob" => return host.add_member("acme", &bob),
        "take-help-from-alice" => return host.remove_grant("acme", &alice, &help()),
        "give-help-to-alice" => return host.add_grant("acme", &alice, &help()),
        "accept-with=code" => return settings(host, r#"{ "accept-with": "code" }"#),
        "accept-with=invitee" => return settings(host, r#"{ "accept-with": "invitee" }"#),
        "accept-with=invitee-and-code" => return settings(host, r#"{ "accept-with": "invitee-and-code" }"#),
        "notices=all" => {
            return settings(
                host,
                r#"{ "notices": ["expired", "accepted", "declined", "approval-requested", "failed", "revoked"] }"#,
            );
        }
        "notices=none" => return settings(host, r#"{ "notices": [] }"#),
        "reminder" => return settings(host, r#"{ "reminder-before": "2h" }"#),
        "no-reminder" => return settings(host, r#"{ "reminder-before": null }"#),
        "privileged" => return settings(host, r#"{ "privileged": ["group:g-ops", "role:r-audit"] }"#),
        "unprivileged" => return settings(host, r#"{ "privileged": [], "allow-never": true }"#),
        "ceiling" => return settings(host, r#"{ "ceiling": ["group:g-help", "role:r-audit"] }"#),
        "no-ceiling" => return settings(host, r#"{ "ceiling": null }"#),
        "pending-limit" => return settings(host, r#"{ "pending-limit": 2 }"#),
        "no-pending-limit" => return settings(host, r#"{ "pending-limit": null }"#),
        "resend-limit" => return settings(host, r#"{ "resend-limit": 1 }"#),
        "domains" => return settings(host, r#"{ "address-domains": ["example.com"] }"#),
        "no-domains" => return settings(host, r#"{ "address-domains": null }"#),
        "few" => return settings(host, r#"{ "limits": { "users": 2 }, "mail-tries": 2 }"#),
        "give-up" => return settings(host, r#"{ "takeovers-max": 0, "mail-tries": 1 }"#),
        "keep-short" => return settings(host, r#"{ "retention": "1d", "notify": "external" }"#),
        "policy=none" => return policy(host, "[]"),
        "policy=approval" => return policy(host, r#"[{ "at": "invite", "require-approval": "always" }]"#),
        "policy=approval-of-bob" => {
            return policy(host, r#"[{ "names": ["bob"], "require-approval": "bob" }]"#);
        }
        "policy=narrow" => {
            return policy(
                host,
                r#"[{ "narrow": { "without": ["g-ops"], "lifetime": "1h", "signed-in-only": true } }]"#,
            );
        }
        "policy=no-bob" => return policy(host, r#"[{ "names": ["bob"], "refuse": "not bob" }]"#),
        "policy=not-now" => return policy(host, r#"[{ "at": "accept", "refuse": "not now" }]"#),
        "policy=approval-of-less" => {
            return policy(
                host,
                r#"[{ "require-approval": "less", "narrow": { "without": ["g-ops"], "lifetime": "1h" } }]"#,
            );
        }
        "policy=too-short" => return policy(host, r#"[{ "narrow": { "lifetime": "1s" } }]"#),
        "codes=invitee-only" => return settings(host, r#"{ "codes": "invitee-only" }"#),
        "codes=see-code" => return settings(host, r#"{ "codes": "see-code" }"#),
        "codes=see-code-even-alone" => return settings(host, r#"{ "codes": "see-code-even-alone" }"#),
        "namesake-joins" => {
            let bob = NewUser { id: "u-namesake".into(), name: "bob".into(), store: None, email: None };
            return host.add_user("acme", bob);
        }
        "email-of-alice" => return host.set_email("root", "u-alice", Some("alice@new.example")),
        "namesake-leaves" => return host.remove_user("acme", "u-namesake"),
        "settings-contradict" => keep(host, |settings| settings.lifetime_min = 0),
        "settings-agree" => keep(host, |settings| {
            settings.lifetime_min = 60_000;
            settings.codes = Codes::SeeCodeEvenAlone;
        }),
        unknown => panic!("`{unknown}` does not happen here"),
    }
    Ok(())
}
