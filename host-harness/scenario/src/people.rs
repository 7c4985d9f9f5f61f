//! Finds who is meant by a reference to a person, also one who is gone.

use guestlist_contract::types::Principal;
use guestlist_memory::MemoryHost;

/// Finds whom `text` means for a step in `organization`: by id or name there, then in its ancestors, then
/// wherever exactly one is called so.
pub(super) fn person(host: &MemoryHost, organization: Option<&str>, text: &str) -> Result<Principal, String> {
    if let Some(id) = text.strip_prefix("client:") {
        return Ok(Principal::Client(id.to_owned()));
    }
    match text {
        "anonymous" => return Ok(Principal::Anonymous),
        "system" => return Ok(Principal::System),
        _ => {}
    }
    let world = host.snapshot();
    let place = text.split_once('/').filter(|(place, _)| world.organizations.contains_key(*place));
    if let Some((place, id)) = place {
        let found = host.account(place, id).or_else(|| host.gone_account(place, id));
        return found
            .map(Principal::User)
            .ok_or_else(|| format!("organization `{place}` has no user `{id}`"));
    }
    let mut place = organization.map(str::to_owned);
    while let Some(id) = place {
        if let Some(user) = host.account(&id, text) {
            return Ok(Principal::User(user));
        }
        place = world.organizations.get(&id).and_then(|organization| organization.parent.clone());
    }
    let mut found = world.organizations.iter().filter_map(|(id, view)| {
        let here = view.residents.contains_key(text) || view.residents.values().any(|one| one.name == text);
        here.then(|| host.account(id, text)).flatten()
    });
    match (found.next(), found.next()) {
        (Some(user), None) => Ok(Principal::User(user)),
        (Some(_), Some(_)) => {
            Err(format!("more than one organization has a user `{text}`: write ORGANIZATION/{text}"))
        }
        (None, _) => {
            // Nobody is called so any more; an id is never given again.
            let mut gone = world.organizations.keys().filter_map(|id| host.gone_account(id, text));
            match (gone.next(), gone.next()) {
                (Some(user), None) => Ok(Principal::User(user)),
                _ => Err(format!("the world has no user `{text}`")),
            }
        }
    }
}
