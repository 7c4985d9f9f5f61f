//! What the triggers refuse, whatever a program says.

use guestlist_contract::{lifecycle::legal, types::State};

use crate::support::{fresh, host, invitation, invitation_in, one_of_all, owner, refused};

/// Raised by a trigger.
const RAISED: &str = "P0001";

const STATES: [(State, &str); 8] = [
    (State::AwaitingApproval, "awaiting-approval"),
    (State::Pending, "pending"),
    (State::Accepting, "accepting"),
    (State::Accepted, "accepted"),
    (State::Declined, "declined"),
    (State::Revoked, "revoked"),
    (State::Expired, "expired"),
    (State::Failed, "failed"),
];

/// An invitation in any state, in a transaction that is not committed.
fn begun_in(state: &str) -> String {
    let row = invitation_in("a", "i", state);
    format!("begin; insert into loading values (1); {row} delete from loading;")
}

#[tokio::test]
async fn each_change_of_state_that_the_contract_does_not_know_is_refused() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    for (from, from_word) in STATES {
        for (to, to_word) in STATES {
            for (version, is_legal) in [
                ("version + 1", legal(from, to)),
                // The same row, as far as the contract is concerned.
                ("version", from == to),
                ("version + 2", false),
                ("version - 1", false),
            ] {
                client.batch_execute(&begun_in(from_word)).await.unwrap();
                let change = format!("update invitation set state = '{to_word}', version = {version}");
                let what = format!("{from_word} to {to_word} with {version}");
                if is_legal {
                    assert_eq!(client.execute(&change, &[]).await.unwrap(), 1, "{what}");
                } else {
                    let said = refused(&client, &change).await;
                    assert_eq!(said, (RAISED.into(), "this change of state is illegal".into()), "{what}");
                }
                client.batch_execute("rollback").await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn invitations_begin_at_the_beginning() {
    let fresh = fresh().await;
    let client = host(&fresh, "organization", "a").await;
    for (state, word) in STATES {
        let is_beginning = matches!(state, State::AwaitingApproval | State::Pending);
        let insert = invitation_in("a", word, word);
        if is_beginning {
            client.batch_execute(&insert).await.unwrap();
        } else {
            assert_eq!(refused(&client, &insert).await.0, RAISED, "{word}");
        }
        let later = insert.replace("'parent', 1, 1,", "'parent', 1, 2,");
        assert_ne!(later, insert);
        assert_eq!(refused(&client, &later).await.0, RAISED, "{word} with version 2");
    }
}

#[tokio::test]
async fn an_account_has_one_active_invitation() {
    let fresh = fresh().await;
    let client = host(&fresh, "organization", "a").await;
    client.batch_execute(&invitation("a", "i")).await.unwrap();
    let second = invitation("a", "i").replace("'a', 'i'", "'a', 'second'");
    assert_eq!(refused(&client, &second).await.0, "23505");
    client.batch_execute("update invitation set state = 'revoked', version = 2").await.unwrap();
    client.batch_execute(&second).await.unwrap();
}

#[tokio::test]
async fn only_what_has_ended_is_deleted_and_takes_all_of_its_own_with_it() {
    let fresh = fresh().await;
    owner(&fresh).await.batch_execute(&one_of_all("a", "i")).await.unwrap();
    let client = host(&fresh, "organization", "a").await;
    assert_eq!(refused(&client, "delete from invitation").await.0, RAISED);
    let end = "update invitation set state = 'revoked', version = 2, ended_at = 1";
    client.batch_execute(end).await.unwrap();
    assert_eq!(client.execute("delete from invitation", &[]).await.unwrap(), 1);
    let left = "select (select count(*) from code) + (select count(*) from outbox) \
                + (select count(*) from grant_log) + (select count(*) from grant_closed)";
    assert_eq!(client.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn not_even_the_owner_changes_the_audit_trail() {
    let fresh = fresh().await;
    let client = owner(&fresh).await;
    client.batch_execute(&one_of_all("a", "i")).await.unwrap();
    for sql in ["update audit set word = 'other'", "delete from audit", "truncate audit"] {
        let said = refused(&client, sql).await;
        assert_eq!(said, (RAISED.into(), "the audit trail is append-only".into()), "{sql}");
    }
}

#[tokio::test]
async fn loading_a_world_is_one_transaction_that_nobody_else_notices() {
    let fresh = fresh().await;
    let (loader, other) = (owner(&fresh).await, owner(&fresh).await);
    other.batch_execute(&one_of_all("a", "i")).await.unwrap();
    loader.batch_execute("begin; insert into loading values (1)").await.unwrap();
    assert_eq!(refused(&other, "delete from audit").await.0, RAISED);
    assert_eq!(refused(&other, &invitation_in("b", "j", "accepted")).await.0, RAISED);
    let replace =
        "delete from audit; delete from invitation; ".to_owned() + &invitation_in("b", "j", "accepted");
    loader.batch_execute(&replace).await.unwrap();
    // Left in, it would stop the triggers for everybody.
    let (state, said) = refused(&loader, "commit").await;
    assert_eq!(state, RAISED, "{said}");
    assert!(said.contains("takes its row out of `loading` again"), "{said}");
    loader.batch_execute(&format!("begin; insert into loading values (1); {replace}")).await.unwrap();
    loader.batch_execute("delete from loading; commit").await.unwrap();
    let left = "select organization || state from invitation";
    assert_eq!(loader.query_one(left, &[]).await.unwrap().get::<_, String>(0), "baccepted");
}
