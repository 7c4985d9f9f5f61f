//! Whoever asks: who they are, where they are, and their own invitations.

use guestlist_contract::{exports::invitee::InviteeRefusal, host, types::Principal};
use guestlist_rest::{Decline, ListMine, Named as _, TakeHandle};
use serde_json::{Map, Value, json};

use super::{
    asked::{Answer, Asked, Reply},
    shown,
};
use crate::problem::Problem;

fn refused(operation: host::Operation) -> impl Fn(InviteeRefusal) -> Problem {
    move |refusal| Problem::of_invitee(operation, &refusal)
}

fn not_understood(error: impl std::fmt::Display) -> Problem {
    Problem::invalid(error.to_string())
}

/// Who one is, and what one may do in the organization that is named.
pub async fn me(asked: Asked) -> Answer {
    let who = asked.granted.principal();
    let place = &asked.granted.place;
    let reading = asked.app.database.reading();
    let mut fields = Map::new();
    fields.insert("root".into(), json!({ "id": place.root, "handle": place.handle }));
    if let Principal::User(account) = &who {
        let contact = reading.contacts(std::slice::from_ref(account)).await?.into_iter().next().flatten();
        fields.insert("account".into(), shown::account(account));
        fields.insert("username".into(), json!(contact.as_ref().map(|contact| &contact.name)));
        fields.insert("email".into(), json!(contact.as_ref().and_then(|contact| contact.email.as_ref())));
    }
    if let Principal::Client(id) = &who {
        fields.insert("client".into(), json!(id));
    }
    if let Some(organization) = &place.organization {
        fields.insert("organization".into(), json!(organization));
        fields.insert("rights".into(), json!(asked.granted.rights));
    }
    fields.retain(|_, value| !value.is_null());
    Ok(Reply::ok(Value::Object(fields)))
}

/// The organizations that one is in.
pub async fn organizations(asked: Asked) -> Answer {
    let Principal::User(account) = asked.granted.principal() else {
        return Ok(Reply::ok(shown::page(Vec::new(), None)));
    };
    let reading = asked.app.database.reading();
    let rows = reading.memberships(&asked.granted.place.root, &account, &asked.page()?).await?;
    Ok(Reply::ok(shown::listed(rows, shown::membership)))
}

/// One's own invitations, in all organizations.
pub async fn invitations(asked: Asked) -> Answer {
    let states: ListMine =
        serde_json::from_value(json!({ "status": asked.parameters("status") })).map_err(not_understood)?;
    let states = states.states().map_err(not_understood)?;
    let after = asked.parameter("after").map(str::to_owned);
    let context = asked.granted.invitees_context(&asked.app);
    let answer = asked.app.session.list_mine(context, states, after, asked.limit()?).await?;
    let page = answer.map_err(refused(host::Operation::ListMine))?;
    Ok(Reply::ok(shown::page(page.items.iter().map(guestlist_rest::preview).collect(), page.next)))
}

/// Shows the invitation of a code, or one of one's own.
pub async fn introspect(asked: Asked) -> Answer {
    let handle = TakeHandle::read(asked.text()?).map_err(not_understood)?.handle().map_err(not_understood)?;
    let answer = asked.app.session.introspect(asked.granted.invitees_context(&asked.app), handle).await?;
    Ok(Reply::ok(guestlist_rest::preview(&answer.map_err(refused(host::Operation::Introspect))?)))
}

/// Accepts it.
pub async fn accept(asked: Asked) -> Answer {
    let handle = TakeHandle::read(asked.text()?).map_err(not_understood)?.handle().map_err(not_understood)?;
    let answer = asked.app.session.accept(asked.granted.invitees_context(&asked.app), handle).await?;
    Ok(Reply::ok(guestlist_rest::accepted(&answer.map_err(refused(host::Operation::Accept))?)))
}

/// Declines it.
pub async fn decline(asked: Asked) -> Answer {
    let mut request = Decline::read(asked.text()?).map_err(not_understood)?;
    let reason = request.reason.take();
    let handle = request.handle().map_err(not_understood)?;
    let context = asked.granted.invitees_context(&asked.app);
    asked.app.session.decline(context, handle, reason).await?.map_err(refused(host::Operation::Decline))?;
    Ok(Reply::done())
}
