//! Everything that can be done, once: to count what it costs.

mod accounts;
mod reading;

use std::sync::Arc;

use guestlist_connect::{GrantRecords as _, Progress, Recipient};
use guestlist_contract::{
    exports::{invitations::Owner, invitee::Handle},
    types::{InvitationKey, Step},
};
use guestlist_durability::{
    act::{Act, Answer, Letter, invite, list, list_mine, sweep},
    field::{Field, key_of},
    world,
};
use guestlist_harness::operations as op;

/// Does it, and tells `was` after each operation what it was.
pub async fn done(field: &mut Field, was: impl Fn(&'static str)) {
    // Cursors have a key, which is read once.
    field.manage(list()).await;
    let pending = field.pending();
    let [one, two, three, four, five, ..] = pending.as_slice() else { panic!("{pending:?}") };
    let person = |letter: &Letter| {
        (0..100).find(|person| field.mail_to(*person).is_some_and(|mail| mail == *letter)).unwrap()
    };
    let people = [person(one), person(two), person(three)];
    let somebody = field.somebody();
    let alone = |person| invite(vec![world::name(person)], vec![world::group("g-help")]);
    was("the beginning");
    let fine = |name: &'static str, answer: Answer| {
        let text = format!("{answer:?}");
        assert!(!text.contains("Host(") && !text.contains("Broken"), "{name}: {text}");
        was(name);
        text
    };
    assert!(fine("invite", field.manage(alone(somebody)).await).contains("Ok(["));
    let hundred: Vec<_> = (0..100).map(|_| world::name(field.somebody())).collect();
    let bulk = field.manage(invite(hundred, vec![world::group("g-help")])).await;
    assert_eq!(fine("invite-100", bulk).matches("Sent").count(), 100);
    fine("list", field.manage(list()).await);
    fine("get", field.manage(op::Get { id: key_of(one).id }).await);
    fine("resend", field.manage(op::Resend { ids: vec![key_of(four).id] }).await);
    fine("introspect", field.answer(op::Introspect { handle: code(one) }, people[0]).await);
    assert!(fine("accept", field.answer(op::Accept { handle: code(one) }, people[0]).await).contains("Ok("));
    assert!(
        fine("accept-by-id", field.answer(op::Accept { handle: Handle::Id(key_of(two)) }, people[1]).await)
            .contains("Ok(")
    );
    let decline = op::Decline { handle: Handle::Id(key_of(three)), reason: None };
    fine("decline", field.answer(decline, people[2]).await);
    fine("list-mine", field.answer(list_mine(), people[2]).await);
    fine("revoke", field.manage(op::Revoke { id: key_of(five).id, reason: None }).await);
    let whose = Owner::Invitee(world::resident(somebody));
    fine("revoke-all", field.manage(op::RevokeAll { whose, reason: None }).await);
    fine("sweep", field.upkeep(sweep()).await);
    fine("remove-member", field.upkeep(Act::RemoveMember(world::resident(people[0]))).await);
    let invitations = field.database.invitations(Arc::new(field.database.people()));
    invitations.with_due_work(100).await.unwrap();
    was("with-due-work");
    grants(field, key_of(one)).await;
    was("grants");
    accounts::done(&field.database, &was).await;
    reading::done(&field.database, &was).await;
}

/// The log of a host whose members are elsewhere.
async fn grants(field: &Field, key: InvitationKey) {
    let grants = field.database.grant_records();
    let InvitationKey { organization, id: invitation } = key;
    let to = Recipient { organization, invitation, user: world::resident(0) };
    for (seen, progress) in [(0, Progress::Doubtful), (1, Progress::Applied), (0, Progress::Doubtful)] {
        grants.put(&to, &Step::Member, seen, progress).await.unwrap();
    }
    grants.close(&to.organization, &to.invitation).await.unwrap();
    assert_eq!(grants.read(&to.organization, &to.invitation).await.unwrap().records.len(), 1);
    assert_eq!(grants.leftovers(&to).await.unwrap().len(), 0);
    assert_eq!(grants.watched(&to.organization, 100).await.unwrap().len(), 0);
}

fn code(letter: &Letter) -> Handle {
    Handle::Code(letter.message.code.clone().unwrap())
}
