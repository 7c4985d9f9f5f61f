//! The bounds of requests, and the end of a server.

use guestlist_server::Config;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    http::{Ask, read},
    place::{Place, run, until, user},
    tokens::WORLD,
};

const INVITE: &str = "/t/vendor/o/api/server/v1/guests/invite";
const BODY: &str = r#"{"usernames":["bob"]}"#;

async fn start(change: impl FnOnce(&mut Config)) -> (Place, String) {
    let place = Place::start(WORLD, change).await;
    let token = place.token_of("acme", &user("acme", "u-ann")).await;
    (place, token)
}

/// A request to invite whose body is still to come: the server waits for it.
async fn begun(place: &Place, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(place.address()).await.unwrap();
    let head = format!(
        "POST {INVITE} HTTP/1.1\r\nHost: id.example\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[test]
fn a_body_that_is_too_long_is_told_as_everything_else_is() {
    run(async {
        let (place, token) = start(|config| config.limits.body = 1000).await;
        let long = format!(r#"{{"usernames":["{}"]}}"#, "x".repeat(1000));
        let answer = place.send(Ask::post(INVITE).bearer(&token).text(&long)).await;
        assert_eq!(answer.problem(), (413, "GL-41300".into()));
        let json = answer.json();
        let members: Vec<_> = json.as_object().unwrap().keys().collect();
        assert_eq!(members, ["code", "description", "message", "traceId"]);
        let answer = place.send(Ask::post("/t/vendor/oauth2/token").text(&long)).await;
        assert_eq!(answer.problem(), (413, "GL-41300".into()));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let fits = format!(r#"{{"usernames":["bob"]{}}}"#, " ".repeat(900));
        place.send(Ask::post(INVITE).bearer(&token).text(&fits)).await.is(200);
    });
}

#[test]
fn a_method_that_a_path_does_not_take_names_those_that_it_does() {
    run(async {
        let (place, token) = start(|_| {}).await;
        let answer = place.send(Ask::new("PUT", INVITE).bearer(&token)).await;
        assert_eq!((answer.problem(), answer.header("allow")), ((405, "GL-40500".into()), Some("POST")));
        let answer = place.send(Ask::get("/t/vendor/o/api/server/v1/guests").bearer(&token)).await;
        assert_eq!(answer.problem(), (404, "GL-40400".into()));
    });
}

#[test]
fn who_comes_while_too_many_run_is_told_to_come_back() {
    run(async {
        let (place, token) = start(|config| config.limits.requests = 1).await;
        let mut first = begun(&place, &token).await;
        let ask = || Ask::get("/t/vendor/o/api/server/v1/guests/invitations").bearer(&token);
        let full = async || Some(place.send(ask()).await).filter(|answer| answer.status == 503);
        let answer = until("the server is full", full).await;
        assert_eq!((answer.problem().1.as_str(), answer.header("retry-after")), ("GL-50300", Some("1")));
        assert!(answer.json()["traceId"].is_string(), "{answer:?}");
        first.write_all(BODY.as_bytes()).await.unwrap();
        read(&mut first).await.is(200);
        let room = async || Some(place.send(ask()).await).filter(|answer| answer.status == 200);
        until("there is room", room).await;
    });
}

#[test]
fn a_request_that_takes_too_long_is_given_up() {
    run(async {
        let (place, token) = start(|config| config.limits.time.0 = 300).await;
        let mut first = begun(&place, &token).await;
        assert_eq!(read(&mut first).await.problem(), (504, "GL-50400".into()));
    });
}

#[test]
fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    run(async {
        let (place, _) = start(|_| {}).await;
        let mut stream = TcpStream::connect(place.address()).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: id.example\r\nX-Slow: ").await.unwrap();
        let mut said = Vec::new();
        // It ends: whoever keeps the connection keeps this test.
        let ended = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut said).await;
        let said = String::from_utf8(said).unwrap();
        assert!(!said.starts_with("HTTP/1.1 200"), "{ended:?} {said}");
        place.send(Ask::get("/livez")).await.is(200);
    });
}

#[test]
fn a_server_that_stops_ends_what_runs_and_takes_nothing_new() {
    run(async {
        let (mut place, token) = start(|_| {}).await;
        let address = place.address();
        let mut first = begun(&place, &token).await;
        // The head has arrived when another request that came later is answered.
        place.send(Ask::get("/livez")).await.is(200);
        let stopping = tokio::spawn(place.take().stop());
        let closed = async || TcpStream::connect(address).await.is_err().then_some(());
        until("nobody is let in any more", closed).await;
        assert!(!stopping.is_finished());
        first.write_all(BODY.as_bytes()).await.unwrap();
        read(&mut first).await.is(200);
        stopping.await.unwrap();
    });
}
