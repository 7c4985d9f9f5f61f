//! `settings.get`: what an organization has configured, at this moment.

use super::prelude::*;
use guestlist_memory::default_settings;

const AREA: &str = "configured";

pub(super) const CASES: &[Case] = &[
    case!(AREA, what_is_configured, "Every value is answered as it is configured."),
    case!(
        AREA,
        a_change_counts_at_once,
        "A change counts from the next call on, and changes no other organization."
    ),
    case!(AREA, other_organizations_are_denied, "Settings of other organizations are `denied`."),
    case!(
        AREA,
        the_invitee_may_ask,
        "An invitee's call is answered for the organization of his invitation, and for no other."
    ),
    case!(AREA, asking_leaves_no_event, "Asking again gives the same answer and leaves no event."),
];

async fn get(t: &Trial, call: &Call, organization: &str) -> Result<Values, HostError> {
    t.host.settings.get(call, organization.into()).await
}

/// Every value other than the default one.
fn other() -> Values {
    use guestlist_contract::settings::{Codes, Limits, Notices};
    Values {
        lifetime: 2_000_000,
        lifetime_min: 1_000_000,
        lifetime_max: 3_000_000,
        allow_never: true,
        accept_with: AcceptWith::InviteeAndCode,
        notify: Notify::External,
        codes: Codes::SeeCode,
        limits: Limits { users: 7, grants: 6, name_bytes: 50 },
        lease: 12_345,
        takeovers_max: 9,
        mail_tries: 8,
        mail_retry: 4_321,
        retention: 90_000_000,
        resend_limit: 2,
        pending_limit: Some(11),
        reminder_before: Some(777_000),
        notices: Notices::EXPIRED | Notices::DECLINED | Notices::FAILED | Notices::REVOKED,
        ceiling: Some(vec![group("g-help"), role("r-audit")]),
        privileged: vec![role("r-admin")],
    }
}

async fn what_is_configured(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    same("the defaults", &ok("get", get(&t, &t.admin(), "acme").await)?, &default_settings())?;
    let t = ground.acme(|settings| *settings = other()).await?;
    same("others", &ok("get", get(&t, &t.admin(), "acme").await)?, &other())
}

async fn a_change_counts_at_once(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.happen(Event::SetSettings { organization: "acme".into(), settings: other() }).await?;
    same("its own", &ok("get", get(&t, &t.admin(), "acme").await)?, &other())?;
    same("the sibling's", &ok("get", get(&t, &t.by(gina()), "globex").await)?, &default_settings())
}

async fn other_organizations_are_denied(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for other in ["root", "globex", "lab", "nowhere"] {
        denied(&format!("`{other}`"), &get(&t, &t.admin(), other).await)?;
    }
    Ok(())
}

async fn the_invitee_may_ask(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    ok("get", get(&t, &t.invitee(alice()), "acme").await)?;
    denied("another organization", &get(&t, &t.invitee(alice()), "globex").await)?;
    denied("somebody without an invitation", &get(&t, &t.invitee(bob()), "acme").await)
}

async fn asking_leaves_no_event(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let first = ok("get", get(&t, &t.admin(), "acme").await)?;
    same("the second answer", &ok("get", get(&t, &t.admin(), "acme").await)?, &first)?;
    same("the audit trail", &t.words().await?, &Vec::<String>::new())
}
