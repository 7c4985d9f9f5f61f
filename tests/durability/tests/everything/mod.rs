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
    act::{Act, Answer, Letter, request},
    field::{Field, key_of},
    world,
};

/// Does it, and tells `was` after each operation what it was.
pub async fn done(field: &mut Field, was: impl Fn(&'static str)) {
    // Cursors have a key, which is read once.
    field.manage(Act::List).await;
    let pending = field.pending();
    let [one, two, three, four, five, ..] = pending.as_slice() else { panic!("{pending:?}") };
    let person = |letter: &Letter| {
        (0..100).find(|person| field.mail_to(*person).is_some_and(|mail| mail == *letter)).unwrap()
    };
    let people = [person(one), person(two), person(three)];
    let somebody = field.somebody();
    let alone = |person| Act::Invite(request(vec![world::name(person)], vec![world::group("g-help")]));
    was("the beginning");
    let fine = |name: &'static str, answer: Answer| {
        let text = format!("{answer:?}");
        assert!(!text.contains("Host(") && !text.contains("Broken"), "{name}: {text}");
        was(name);
        text
    };
    assert!(fine("invite", field.manage(alone(somebody)).await).contains("Ok(["));
    let hundred: Vec<_> = (0..100).map(|_| world::name(field.somebody())).collect();
    let bulk = field.manage(Act::Invite(request(hundred, vec![world::group("g-help")]))).await;
    assert_eq!(fine("invite-100", bulk).matches("Sent").count(), 100);
    fine("list", field.manage(Act::List).await);
    fine("get", field.manage(Act::Get(key_of(one).id)).await);
    fine("resend", field.manage(Act::Resend(vec![key_of(four).id])).await);
    fine("introspect", field.answer(Act::Introspect(Handle::Code(code(one))), people[0]).await);
    assert!(
        fine("accept", field.answer(Act::Accept(Handle::Code(code(one))), people[0]).await).contains("Ok(")
    );
    assert!(
        fine("accept-by-id", field.answer(Act::Accept(Handle::Id(key_of(two))), people[1]).await)
            .contains("Ok(")
    );
    fine("decline", field.answer(Act::Decline(Handle::Id(key_of(three))), people[2]).await);
    fine("list-mine", field.answer(Act::ListMine, people[2]).await);
    fine("revoke", field.manage(Act::Revoke(key_of(five).id)).await);
    fine("revoke-all", field.manage(Act::RevokeAll(Owner::Invitee(world::resident(somebody)))).await);
    fine("sweep", field.upkeep(Act::Sweep).await);
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

fn code(letter: &Letter) -> String {
    letter.message.code.clone().unwrap()
}
