//! Asks how much an insert may bring, and what is refused as a whole.

use super::inserting::nothing_stored;
use super::prelude::*;

const AREA: &str = "bounding";

pub(super) const CASES: &[Case] = &[
    case!(AREA, answers_come_in_the_order_of_the_drafts, "A hundred drafts get a hundred answers, in order."),
    case!(
        AREA,
        a_hundred_and_one_drafts_are_too_many,
        "More than 100 drafts are `invalid`, and none is stored."
    ),
    case!(
        AREA,
        drafts_and_refusals_count_together,
        "100 drafts and refusals together are allowed, 101 are not."
    ),
    case!(AREA, fifty_grants_are_allowed, "An invitation carries up to 50 grants; 51 are `invalid`."),
    case!(
        AREA,
        malformed_batches_are_refused_as_a_whole,
        "A malformed field makes the whole batch `invalid`: nothing of it is stored."
    ),
    case!(
        AREA,
        a_language_that_is_no_tag,
        "A language that is no BCP 47 tag in its canonical case makes the whole batch `invalid`."
    ),
    case!(
        AREA,
        a_landing_place_that_is_not_allowed,
        "So does a landing place that is no `https` URL, or that the organization does not allow."
    ),
    case!(
        AREA,
        where_no_landing_place_is_allowed,
        "An organization that has allowed no landing place has none, and another's are not its own."
    ),
    case!(
        AREA,
        longest_texts_are_stored_whole,
        "A name of 254 bytes, a reason of 1024, an id of 255: each is stored whole."
    ),
    case!(
        AREA,
        metadata_is_kept_in_order,
        "20 pairs with a key of 64 and a value of 254 bytes are stored, in order; 21 are `invalid`."
    ),
];

/// One draft for each of the first people of the crowd.
fn of_crowd(count: usize) -> Vec<Draft> {
    let person = |number: usize| draft(&format!("n{number:03}"), crowd_person(number));
    (0..count.min(PEOPLE)).map(person).collect()
}

fn crowd_person(number: usize) -> UserRef {
    of_root(&format!("{number:03}"))
}

fn of_the_crowd(drafts: Vec<Draft>) -> Batch {
    Batch { grants: vec![group("g-00")], ..batch("crowd", drafts) }
}

async fn answers_come_in_the_order_of_the_drafts(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let mut drafts = of_crowd(100);
    drafts.reverse();
    let expected: Vec<_> = drafts.iter().map(|draft| draft.id.clone()).collect();
    let items = t.batch(&t.admin(), of_the_crowd(drafts)).await?;
    let came: Vec<_> = items.into_iter().filter_map(|item| item.ok().map(|row| row.id)).collect();
    same("the ids that were stored", &came, &expected)
}

async fn a_hundred_and_one_drafts_are_too_many(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    invalid("101 drafts", &t.try_batch(&t.admin(), of_the_crowd(of_crowd(101))).await)?;
    nothing_stored(&t, "what was stored of 101 drafts").await
}

async fn drafts_and_refusals_count_together(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let refused = |count: u32| {
        let item = |number| refused_item(99 + number, "nobody", "not-a-parent-user");
        (0..count).map(item).collect::<Vec<_>>()
    };
    let request = Batch { refused: refused(2), ..of_the_crowd(of_crowd(99)) };
    invalid("99 drafts and 2 refusals", &t.try_batch(&t.admin(), request).await)?;
    nothing_stored(&t, "what was stored of them").await?;
    let request = Batch { refused: refused(1), ..of_the_crowd(of_crowd(99)) };
    same("99 drafts and a refusal", &t.batch(&t.admin(), request).await?.len(), &99)
}

async fn fifty_grants_are_allowed(ground: Ground) -> Outcome {
    let t = ground.world("crowd").await?;
    let grants = |count: usize| (0..count).map(|number| group(&format!("g-{number:02}"))).collect::<Vec<_>>();
    let many = Batch { grants: grants(51), ..batch("many", of_crowd(1)) };
    invalid("51 grants", &t.try_batch(&t.admin(), many).await)?;
    let request = Batch { grants: grants(50), ..batch("fifty", of_crowd(1)) };
    t.batch(&t.admin(), request).await?;
    same("what was stored", &t.row("n000").await?.grants, &grants(50))
}

/// A batch is `invalid` with two drafts and a refusal in it, and nothing of it is there afterwards.
async fn refused_as_a_whole(t: &Trial, what: &str, change: impl FnOnce(Batch) -> Batch) -> Outcome {
    let drafts = vec![draft("a", alice()), draft("b", bob())];
    let refused = vec![refused_item(2, "nobody", "not-a-parent-user")];
    let request = change(Batch { refused, ..batch("one", drafts) });
    invalid(what, &t.try_batch(&t.admin(), request).await)?;
    nothing_stored(t, &format!("what was stored of a batch with {what}")).await?;
    let recalled = t.host.storage.recall(&t.admin(), "acme".into(), "one".into(), fingerprint("one")).await;
    same("what is recalled of it", &ok("recall", recalled)?.len(), &0)
}

async fn a_language_that_is_no_tag(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let long = format!("de-{}", "abcdefgh-".repeat(4).trim_end_matches('-'));
    for tag in
        ["", "d", "DE", "de-at", "pt_BR", "de-", "de--AT", "deutsch1234", "de AT", "de\n", "é", long.as_str()]
    {
        let language = Some(tag.to_owned());
        refused_as_a_whole(&t, &format!("the language {tag:?}"), |batch| Batch { language, ..batch }).await?;
    }
    let longest = format!("de-{}", "abcdefgh-".repeat(4).get(..32).unwrap_or_default());
    let request = Batch { language: Some(longest.clone()), ..batch("longest", vec![draft("a", alice())]) };
    t.batch(&t.admin(), request).await?;
    same("a tag of 35 bytes", &t.row("a").await?.language, &Some(longest))
}

async fn a_landing_place_that_is_not_allowed(ground: Ground) -> Outcome {
    let t = ground.world("landings").await?;
    let long = format!("https://app.example/welcome/{}", "x".repeat(2048));
    for place in [
        "",
        "/welcome",
        "app.example/welcome",
        "http://app.example/welcome",
        "javascript:alert(1)",
        "https://",
        "https:///welcome",
        "https://evil.example/welcome",
        "https://app.example",
        "https://app.example/",
        "https://app.example/welcomes",
        "https://app.example/Welcome",
        "https://app.example/welcome/../admin",
        "https://app.example/welcome/%2e%2E/admin",
        "https://app.example:8443/welcome",
        "https://app.example.evil.example/welcome",
        "https://app.example@evil.example/welcome",
        "https://evil.example\\@app.example/welcome",
        "https://app.example/welcome\nSet-Cookie: a=b",
        "https://app.example/welcome home",
        long.as_str(),
    ] {
        let landing = Some(place.to_owned());
        refused_as_a_whole(&t, &format!("the landing place {place:?}"), |batch| Batch { landing, ..batch })
            .await?;
    }
    Ok(())
}

async fn where_no_landing_place_is_allowed(ground: Ground) -> Outcome {
    let place = || Some("https://app.example/welcome".to_owned());
    let t = ground.company().await?;
    refused_as_a_whole(&t, "a landing place", |batch| Batch { landing: place(), ..batch }).await?;
    let t = ground.world("landings").await?;
    let request = Batch { grants: vec![], landing: place(), ..batch("one", vec![draft("g", alice())]) };
    let answer = t.host.storage.insert(&t.by(gina()), "globex".into(), request).await;
    invalid("that of a sibling", &answer)
}

async fn malformed_batches_are_refused_as_a_whole(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let good = || draft("a", alice());
    let of = |draft: Draft| batch("one", vec![draft]);
    let whole = || of(good());
    let pair = |key: &str| Property { key: key.into(), value: "x".into() };
    let same_position = Batch { drafts: vec![good(), Draft { position: 0, ..draft("b", bob()) }], ..whole() };
    for (what, request) in [
        ("a code of 31 bytes", of(Draft { code: Some(vec![1; 31]), ..good() })),
        ("a code of 33 bytes", of(Draft { code: Some(vec![1; 33]), ..good() })),
        ("neither code nor approval", of(Draft { code: None, ..good() })),
        ("both code and approval", of(Draft { approval: Some("x".into()), ..good() })),
        ("a name of 255 bytes", of(Draft { name: "x".repeat(255), ..good() })),
        ("a reason of 1025 bytes", of(Draft { approval: Some("x".repeat(1025)), ..awaiting("a", alice()) })),
        ("a contact", of(Draft { subject: Subject::Contact("c".into()), ..good() })),
        ("a subject without an id", of(draft("a", user("root", "")))),
        ("a grant that is not there", of(Draft { grants: Some(vec![2]), ..good() })),
        ("two drafts at one position", same_position),
        ("no operation id", Batch { operation: String::new(), ..whole() }),
        ("an operation id of 256 bytes", Batch { operation: "x".repeat(256), ..whole() }),
        ("a fingerprint of 31 bytes", Batch { fingerprint: vec![1; 31], ..whole() }),
        ("a template of 101 bytes", Batch { template: Some("x".repeat(101)), ..whole() }),
        ("a pair without a key", Batch { metadata: vec![pair("")], ..whole() }),
        ("a key of 65 bytes", Batch { metadata: vec![pair(&"k".repeat(65))], ..whole() }),
        ("a key twice", Batch { metadata: vec![pair("k"), pair("k")], ..whole() }),
        ("a parent without a name", Batch { parent: String::new(), ..whole() }),
    ] {
        invalid(what, &t.try_batch(&t.admin(), request).await)?;
    }
    nothing_stored(&t, "what was stored of malformed batches").await?;
    let half = vec![good(), Draft { code: Some(vec![1; 31]), ..draft("b", bob()) }];
    invalid("a good draft and a malformed one", &t.try_batch(&t.admin(), batch("two", half)).await)?;
    nothing_stored(&t, "what was stored of the good draft beside a malformed one").await
}

async fn longest_texts_are_stored_whole(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let (name, reason, operation) = ("n".repeat(254), "r".repeat(1024), "o".repeat(255));
    let long = Draft { name: name.clone(), approval: Some(reason.clone()), ..awaiting("a", alice()) };
    let request = Batch { template: Some("t".repeat(100)), ..batch(&operation, vec![long]) };
    ok("insert", item("insert", &t.batch(&t.admin(), request).await?, 0)?.clone())?;
    let row = t.row("a").await?;
    same("the name", &row.name, &name)?;
    same("the reason", &row.reason, &Some(reason))?;
    same("the operation id", &row.last_operation, &operation)?;
    same("the template", &row.template, &Some("t".repeat(100)))
}

async fn metadata_is_kept_in_order(ground: Ground) -> Outcome {
    let t = ground.company().await?;
    let pair = |number: usize| Property { key: format!("{:064}", 99 - number), value: "v".repeat(254) };
    let pairs = |count: usize| (0..count).map(pair).collect::<Vec<_>>();
    let of = |count| Batch { metadata: pairs(count), ..batch("one", vec![draft("a", alice())]) };
    invalid("21 pairs", &t.try_batch(&t.admin(), of(21)).await)?;
    t.batch(&t.admin(), of(20)).await?;
    same("the pairs", &t.row("a").await?.metadata, &pairs(20))
}
