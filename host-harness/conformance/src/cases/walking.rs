//! Pages and cursors of `storage.list`: walks that show each row once.

use super::lists::{five, in_states};
use super::prelude::*;

const AREA: &str = "walking";

pub(super) const CASES: &[Case] = &[
    case!(
        AREA,
        pages_add_up_to_the_whole,
        "Whatever the size of the pages, they add up to the whole, in order, for each sort and direction."
    ),
    case!(AREA, the_last_page_has_no_cursor, "The last page has no cursor, also when it is full."),
    case!(AREA, equals_are_shown_once, "Rows with equal keys are shown once each, across pages."),
    case!(
        AREA,
        a_walk_is_stable,
        "Rows that are there throughout a walk are shown once, while others come, change and go."
    ),
    case!(AREA, a_walk_may_change_its_limit, "A walk goes on with pages of another size."),
    case!(AREA, a_page_of_200, "A page has up to 200 rows; 0 and 201 are `invalid`."),
    case!(
        AREA,
        a_cursor_belongs_to_its_walk,
        "A cursor is `invalid-cursor` with another sort, direction or filter."
    ),
    case!(AREA, a_cursor_belongs_to_its_organization, "And in another organization."),
    case!(AREA, a_cut_cursor, "Cut, prolonged and made-up cursors are `invalid-cursor`."),
];

/// All pages of a walk.
async fn walk(t: &Trial, filter: InvitationFilter, request: PageRequest) -> Outcome<Vec<Invitation>> {
    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..=PEOPLE {
        let page = t.list(filter.clone(), PageRequest { after, ..request.clone() }).await?;
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        must("the length of a page", page.items.len() <= limit, "at most the limit", &page.items.len())?;
        seen.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(seen),
        }
    }
    Err(broken("a walk", "an end", &"page after page"))
}

const SORTS: [SortKey; 3] = [SortKey::CreatedAt, SortKey::ExpiresAt, SortKey::Name];

async fn pages_add_up_to_the_whole(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    for sort in SORTS {
        for descending in [false, true] {
            let request = |limit| PageRequest { descending, ..page(sort, limit) };
            let whole = ids(&walk(&t, all(), request(200)).await?);
            same("the whole", &whole.len(), &5)?;
            for limit in [1, 2, 4, 5] {
                let what = format!("pages of {limit} by {sort:?}, descending: {descending}");
                same(&what, &ids(&walk(&t, all(), request(limit)).await?), &whole)?;
            }
        }
    }
    Ok(())
}

async fn the_last_page_has_no_cursor(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let full = t.list(all(), page(SortKey::Name, 5)).await?;
    same("rows and cursor", &(full.items.len(), full.next), &(5, None))
}

/// Inserts so many rows: many have the same time, and every second one the same name.
async fn crowd(ground: &Ground, count: usize) -> Outcome<Trial> {
    let t = ground.world("crowd").await?;
    let draft = |number: usize| Draft {
        name: format!("name{:02}", number % 7),
        ..draft(&format!("n{number}"), of_root(&format!("{number:03}")))
    };
    let drafts: Vec<_> = (0..count).map(draft).collect();
    for (number, part) in drafts.chunks(100).enumerate() {
        let request = Batch { grants: vec![], ..batch(&format!("part-{number}"), part.to_vec()) };
        t.batch(&t.admin(), request).await?;
    }
    Ok(t)
}

async fn equals_are_shown_once(ground: Ground) -> Outcome {
    let t = crowd(&ground, 23).await?;
    for sort in SORTS {
        for descending in [false, true] {
            let mut seen = ids(&walk(&t, all(), PageRequest { descending, ..page(sort, 3) }).await?);
            seen.sort();
            seen.dedup();
            same(&format!("rows in a walk by {sort:?}"), &seen.len(), &23)?;
        }
    }
    Ok(())
}

async fn a_walk_is_stable(ground: Ground) -> Outcome {
    for sort in SORTS {
        let t = five(&ground).await?;
        let first = t.list(all(), page(sort, 2)).await?;
        let mut seen: Vec<_> = first.items.iter().map(|row| row.name.clone()).collect();
        for (name, who) in [("aa", of_root("erin")), ("zz", of_root("mute"))] {
            t.insert(draft(name, who)).await?;
        }
        t.go("c", State::Revoked).await?;
        t.go("d", State::Accepting).await?;
        let mut after = first.next;
        while after.is_some() {
            let next = t.list(all(), PageRequest { after, ..page(sort, 2) }).await?;
            seen.extend(next.items.into_iter().map(|row| row.name));
            after = next.next;
            must("the walk", seen.len() < 20, "an end", &seen)?;
        }
        for name in ["a", "b", "c", "d", "e"] {
            let count = seen.iter().filter(|seen| *seen == name).count();
            must(&format!("`{name}` in a walk by {sort:?}"), count == 1, "once", &seen)?;
        }
    }
    Ok(())
}

async fn a_walk_may_change_its_limit(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let first = t.list(all(), page(SortKey::Name, 1)).await?;
    let rest = t.list(all(), PageRequest { after: first.next, ..page(SortKey::Name, 100) }).await?;
    let seen: Vec<_> = rest.items.into_iter().map(|row| row.name).collect();
    same("the rest", &seen, &vec!["b", "c", "d", "e"])
}

async fn a_page_of_200(ground: Ground) -> Outcome {
    let t = crowd(&ground, PEOPLE).await?;
    for limit in [0, 201, u32::MAX] {
        let answer = t.host.storage.list(&t.admin(), "acme".into(), all(), page(SortKey::Name, limit)).await;
        invalid(&format!("a page of {limit}"), &answer)?;
    }
    let first = t.list(all(), page(SortKey::CreatedAt, 200)).await?;
    same("rows of the first page", &first.items.len(), &200)?;
    let rest = t.list(all(), PageRequest { after: first.next, ..page(SortKey::CreatedAt, 200) }).await?;
    same("rows and cursor of the second", &(rest.items.len(), rest.next), &(PEOPLE - 200, None))
}

/// A walk by name that has begun, and its cursor.
async fn begun(t: &Trial) -> Outcome<String> {
    let first = t.list(all(), page(SortKey::Name, 2)).await?;
    first.next.clone().ok_or_else(|| broken("a first page of two out of five", "a cursor", &first.next))
}

async fn a_cursor_belongs_to_its_walk(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let cursor = begun(&t).await?;
    let after = |sort| PageRequest { after: Some(cursor.clone()), ..page(sort, 2) };
    let filter = InvitationFilter { name_prefix: Some("a".into()), ..all() };
    for (what, filter, request) in [
        ("another sort", all(), after(SortKey::CreatedAt)),
        ("another sort", all(), after(SortKey::ExpiresAt)),
        ("the other direction", all(), PageRequest { descending: true, ..after(SortKey::Name) }),
        ("another prefix", filter, after(SortKey::Name)),
        ("other states", in_states(&[State::Pending]), after(SortKey::Name)),
    ] {
        let answer = t.host.storage.list(&t.admin(), "acme".into(), filter, request).await;
        fits!(what, answer, Err(StoreError::InvalidCursor));
    }
    t.list(all(), after(SortKey::Name)).await.map(drop)
}

async fn a_cursor_belongs_to_its_organization(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let request = PageRequest { after: Some(begun(&t).await?), ..page(SortKey::Name, 2) };
    let answer = t.host.storage.list(&t.by(gina()), "globex".into(), all(), request).await;
    fits!("a cursor of `acme` in `globex`", answer, Err(StoreError::InvalidCursor));
    Ok(())
}

async fn a_cut_cursor(ground: Ground) -> Outcome {
    let t = five(&ground).await?;
    let cursor = begun(&t).await?;
    let half: String = cursor.chars().take(cursor.chars().count() / 2).collect();
    let mut turned: Vec<char> = cursor.chars().collect();
    turned.reverse();
    let made_up =
        ["".into(), "?".into(), "e30".into(), "1".into(), "' or 1=1 --".into(), "A".repeat(5_000), half];
    for after in made_up.into_iter().chain([format!("{cursor}A"), turned.into_iter().collect()]) {
        let what = format!("the cursor `{}`", after.chars().take(80).collect::<String>());
        let request = PageRequest { after: Some(after), ..page(SortKey::Name, 2) };
        let answer = t.host.storage.list(&t.admin(), "acme".into(), all(), request).await;
        fits!(&what, answer, Err(StoreError::InvalidCursor));
    }
    Ok(())
}
