//! `directory`: organizations, and what somebody may do in one, at this moment.

use super::prelude::*;
use guestlist_contract::directory::Organization;

const AREA: &str = "organizations";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        the_organization_of_the_call,
        "The organization of the call is answered with id, parent, state and name."
    ),
    case!(
        AREA,
        other_organizations_are_denied,
        "Parent, sibling, child and unknown organizations are `denied` alike."
    ),
    case!(
        AREA,
        the_organization_of_his_invitation,
        "An invitee's call sees the organization of his invitation, and no other."
    ),
    case!(AREA, the_organization_of_a_code, "A bearer sees the organization of what his code admits."),
    case!(
        AREA,
        a_suspended_organization,
        "A suspended organization is `disabled`, and `active` again when it may work."
    ),
    case!(
        AREA,
        an_organization_that_moved,
        "An organization that was moved has its new parent; without one it is a root."
    ),
    case!(AREA, an_organization_that_is_gone, "A deleted organization is `none`."),
    case!(
        AREA,
        standing_is_what_he_may_do,
        "`standing` is what somebody may do here now; `none` without any access."
    ),
    case!(
        AREA,
        standing_changes_at_once,
        "It changes at once when his rights do, and is `none` when he is disabled or gone."
    ),
    case!(AREA, standing_elsewhere_is_denied, "The standing in another organization is `denied`."),
];

async fn organization(t: &Trial, call: &Call, id: &str) -> Result<Option<Organization>, HostError> {
    t.host.directory.get_organization(call, id.into()).await
}

async fn the_organization_of_the_call(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let acme = ok("get-organization", organization(&t, &t.admin(), "acme").await)?;
    let told = acme.map(|acme| (acme.id, acme.parent, acme.state, acme.display_name));
    same(
        "acme",
        &told,
        &Some(("acme".to_owned(), Some("root".to_owned()), OrganizationState::Active, "Acme".to_owned())),
    )?;
    let rita = t.by(of_root("rita"));
    let root = ok("get-organization", organization(&t, &rita, "root").await)?;
    same("the parent of the root", &root.map(|root| root.parent), &Some(None))
}

async fn other_organizations_are_denied(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for other in ["root", "globex", "lab", "partner", "nowhere"] {
        denied(&format!("`{other}`"), &organization(&t, &t.admin(), other).await)?;
    }
    Ok(())
}

async fn the_organization_of_his_invitation(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.insert(draft("a", alice())).await?;
    let found = ok("get-organization", organization(&t, &t.invitee(alice()), "acme").await)?;
    same("its id", &found.map(|found| found.id), &Some("acme".to_owned()))?;
    denied("another organization", &organization(&t, &t.invitee(alice()), "globex").await)?;
    denied("somebody else", &organization(&t, &t.invitee(bob()), "acme").await)
}

async fn the_organization_of_a_code(ground: Ground) -> Outcome {
    let t = ground.acme(|settings| settings.accept_with = AcceptWith::Code).await?;
    t.insert(Draft { accept_with: AcceptWith::Code, ..draft("a", alice()) }).await?;
    let call = t.bearer();
    t.by_code(&call, "a").await?;
    let found = ok("get-organization", organization(&t, &call, "acme").await)?;
    same("its id", &found.map(|found| found.id), &Some("acme".to_owned()))?;
    let asked = t.host.directory.get_users(&call, "root".into(), vec![alice()]).await;
    same("the invitee", &ok("get-users", asked)?.len(), &1)
}

async fn a_suspended_organization(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for (active, state) in [(false, OrganizationState::Disabled), (true, OrganizationState::Active)] {
        t.happen(Event::SetOrganizationActive { organization: "acme".into(), active }).await?;
        let acme = ok("get-organization", organization(&t, &t.admin(), "acme").await)?;
        same("its state", &acme.map(|acme| acme.state), &Some(state))?;
    }
    Ok(())
}

async fn an_organization_that_moved(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for parent in [Some("partner".to_owned()), None] {
        t.happen(Event::MoveOrganization { organization: "acme".into(), parent: parent.clone() }).await?;
        let acme = ok("get-organization", organization(&t, &t.admin(), "acme").await)?;
        same("its parent", &acme.map(|acme| acme.parent), &Some(parent))?;
    }
    Ok(())
}

async fn an_organization_that_is_gone(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    t.happen(Event::DeleteOrganization { organization: "acme".into() }).await?;
    let answer = organization(&t, &t.admin(), "acme").await;
    let gone = answer.as_ref().map_or_else(|error| error.is_denied(), Option::is_none);
    must("get-organization", gone, "`none` (or `denied`)", &answer)
}

async fn standing(t: &Trial, who: Principal) -> Outcome<Option<Permissions>> {
    ok("standing", t.host.directory.standing(&t.admin(), "acme".into(), who).await)
}

async fn standing_is_what_he_may_do(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let machine = Permissions::INVITE | Permissions::VIEW;
    for (who, expected) in [
        (Principal::User(ann()), Some(Permissions::all())),
        (Principal::User(deputy()), Some(Permissions::VIEW)),
        (hr(), Some(machine)),
        (Principal::Client("never".into()), None),
        (Principal::User(alice()), None),
        (Principal::User(of_root("rita")), None),
        (Principal::User(gina()), None),
        (Principal::User(user("acme", "u-never")), None),
        (Principal::Anonymous, None),
    ] {
        same(&format!("{who:?}"), &standing(&t, who.clone()).await?, &expected)?;
    }
    Ok(())
}

async fn standing_changes_at_once(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let who = Principal::User(deputy());
    let granted = Permissions::INVITE | Permissions::REVOKE;
    t.happen(Event::SetPermissions { organization: "acme".into(), who: who.clone(), permissions: granted })
        .await?;
    same("with other rights", &standing(&t, who.clone()).await?, &Some(granted))?;
    for (active, expected) in [(false, None), (true, Some(granted))] {
        t.happen(Event::SetUserActive { organization: "acme".into(), id: "u-deputy".into(), active }).await?;
        same(&format!("active: {active}"), &standing(&t, who.clone()).await?, &expected)?;
    }
    t.happen(Event::DeleteUser { organization: "acme".into(), id: "u-deputy".into() }).await?;
    same("when he is gone", &standing(&t, who).await?, &None)
}

async fn standing_elsewhere_is_denied(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    for other in ["root", "globex", "lab", "nowhere"] {
        let answer = t.host.directory.standing(&t.admin(), other.into(), Principal::User(ann())).await;
        denied(&format!("in `{other}`"), &answer)?;
    }
    Ok(())
}
