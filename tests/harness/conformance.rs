//! The in-memory host keeps the contract, as the suite for hosts asks it; and hosts that do not are caught.
//!
//! A suite that cannot fail is worth nothing: for each promise that a host breaks on purpose, the case that is
//! named here has to fail.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use guestlist_conformance::{Area, Options, Reference, Report, Verdict, areas, cases, run, worlds};

use crate::conformance_broken::{Liar, Ticking, Wrong};

#[tokio::test]
async fn the_in_memory_host_passes_everything() {
    let options = Options { histories: 300, ..Options::default() };
    let report = run(Arc::new(Reference), &options, |_| {}).await;
    assert!(report.passed(), "{report}");
    assert_eq!(report.left_out().count(), 0, "{report}");
    assert_eq!(report.tried.len(), cases().len() + 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_passes_with_several_jobs_and_true_threads() {
    let options = Options { jobs: 4, histories: 10, ..Options::default() };
    let mut heard = 0;
    let report = run(Arc::new(Reference), &options, |_| heard += 1).await;
    assert!(report.passed(), "{report}");
    assert_eq!(heard, report.tried.len(), "progress hears of each");
    let names: Vec<_> = report.tried.iter().map(|tried| tried.name.clone()).collect();
    assert!(names[0].starts_with("inserting/"), "in the order of the suite: {names:?}");
}

async fn tried_on(wrong: Wrong, case: &str) -> Report {
    let options = Options { filter: Some(case.to_owned()), histories: 0, ..Options::default() };
    run(Arc::new(Liar(wrong)), &options, |_| {}).await
}

#[tokio::test]
async fn a_host_with_a_clock_of_its_own_passes_all_but_the_exact_instants() {
    let unit = Duration::from_millis(60);
    let options = Options { jobs: 16, histories: 20, unit, ..Options::default() };
    let report = run(Arc::new(Ticking), &options, |_| {}).await;
    assert!(report.passed(), "{report}");
    let exact: Vec<_> = cases().into_iter().filter(|case| case.exact).map(|case| case.full_name()).collect();
    let left_out: Vec<_> = report.left_out().map(|tried| tried.name.clone()).collect();
    assert!(exact.len() > 5);
    assert_eq!(left_out, exact, "{report}");
}

#[tokio::test]
async fn every_broken_promise_is_caught_by_the_case_that_names_it() {
    for (wrong, case) in [
        (Wrong::ForgetsTheVersion, "claiming/a_stale_version_applies_nothing"),
        (Wrong::ChecksThenChanges, "at_once/one_claim_wins"),
        (Wrong::SaysAppliedTwice, "claiming/only_one_claim_wins"),
        (Wrong::LosesAnEvent, "auditing/every_change_has_its_word"),
        (Wrong::LosesTheWordOfAnEvent, "auditing/reasons_are_told"),
        (Wrong::LosesTheWordOfAnEvent, "auditing/what_awaits_approval_says_so"),
        (Wrong::LosesTheWordOfAnEvent, "auditing/items_without_room"),
        (Wrong::LosesTheSubjectOfAnEvent, "auditing/every_event_names_its_subject"),
        (Wrong::LosesTheSubjectOfAnEvent, "auditing/refusals_of_items"),
        (Wrong::LosesTheGrantOfAnEvent, "auditing/what_is_applied"),
        (Wrong::DigestsNamesWithoutAKey, "auditing/a_refused_name_is_a_keyed_digest"),
        (Wrong::TellsReasons, "auditing/no_words_of_people"),
        (Wrong::TellsReasons, "auditing/reasons_are_told"),
        (Wrong::ForgetsThatItAdopted, "adopting/it_is_told"),
        (Wrong::RecordsRefusalsAnywhere, "auditing/an_invitee_is_refused_where_he_is_invited"),
        (Wrong::RecordsRefusalsAnywhere, "auditing/a_bearer_is_refused_where_his_code_leads"),
        (Wrong::TakesOneOfTwo, "naming/a_name_that_is_anothers_address"),
        (Wrong::TakesOneOfTwo, "naming/a_disabled_one_counts"),
        (Wrong::SaysNobodyForTwo, "naming/an_address_of_two"),
        (Wrong::SaysNobodyForTwo, "naming/a_guests_address_counts"),
        (Wrong::SaysNobodyForTwo, "naming/every_store_counts"),
        (Wrong::ForgetsTakenNames, "naming/a_taken_name_is_told"),
        (Wrong::ForgetsTakenNames, "naming/the_name_at_home_counts"),
        (Wrong::KeepsTheInviter, "adopting/the_caller_becomes_the_inviter"),
        (Wrong::KeepsTheInviter, "adopting/the_approval_is_forgotten"),
        (Wrong::LetsTheInviteeAdopt, "adopting/not_by_the_invitee"),
        (Wrong::KillsCodesAtOnce, "by_code/added_codes_live_together"),
        (Wrong::KillsCodesAtOnce, "by_code/what_has_not_arrived_kills_nothing"),
        (Wrong::KillsCodesWhenTaken, "by_code/what_has_not_arrived_kills_nothing"),
        (Wrong::KillsNoCode, "by_code/a_delivered_mail_kills_older_codes"),
        (Wrong::KillsNoCode, "by_code/what_was_taken_kills_when_it_arrives"),
        (Wrong::KillsNoCode, "by_code/thirty_two_are_live_and_the_oldest_dies"),
        (Wrong::KillsNoCode, "readdressing/codes_of_pending_ones_die"),
        (Wrong::SettlesWhatIsNewer, "by_code/a_late_mail_kills_nothing"),
        (Wrong::HidesWhoHasAnotherAddress, "readdressing/the_invitee_still_sees_them"),
        (Wrong::SendsTwice, "settling/what_is_being_sent_is_not_due"),
        (Wrong::SendsTwice, "settling/a_notice_that_is_being_sent"),
        (Wrong::RemindsAtOnce, "outbox/nobody_is_reminded_of_what_was_sent_just_now"),
        (Wrong::RemindsAtOnce, "outbox/half_of_the_time_to_the_very_instant"),
        (Wrong::DismissesTheLiving, "dismissing/only_what_has_ended"),
        (Wrong::DismissesWithAVersion, "dismissing/nothing_else_changes"),
        (Wrong::DismissesForAnybody, "dismissing/other_organizations_dismiss_nothing"),
        (Wrong::ForgetsTheDismissed, "dismissing/the_list_is_filtered"),
        (Wrong::TakesAnyLanguage, "bounding/a_language_that_is_no_tag"),
        (Wrong::LandsAnywhere, "bounding/a_landing_place_that_is_not_allowed"),
        (Wrong::LandsAnywhere, "bounding/where_no_landing_place_is_allowed"),
        (Wrong::KnowsNoTurns, "sending/organizations_take_turns"),
        (Wrong::PagesByNumber, "walking/a_walk_is_stable"),
        (Wrong::PagesByNumber, "walking/a_cursor_belongs_to_its_walk"),
        (Wrong::ForgetsTheHold, "due/what_is_handed_out_is_hidden"),
        (Wrong::ForgetsTheHold, "at_once/due_work_is_handed_out_once"),
        (Wrong::LetsTheSiblingRead, "reading/other_administrators_see_nothing"),
        (Wrong::BringsBackTheRemoved, "removing/a_removed_member_is_not_brought_back"),
        (Wrong::KeepsTheOlderCode, "by_code/a_replaced_code_is_dead"),
        (Wrong::ReadsPendingPastTheEnd, "reading/a_row_reads_expired"),
        (Wrong::ForgetsTheClock, "claiming/a_guard_for_a_lease"),
        (Wrong::ForgetsTheFingerprint, "recalling/another_fingerprint_is_reused"),
        (Wrong::SettlesWhatIsNewer, "settling/an_older_mail_settles_nothing_newer"),
        (Wrong::ForgetsNotices, "outbox/notices_stay_after_the_end"),
        (Wrong::ForgetsTheLimit, "room/the_limit_counts_active_rows"),
        (Wrong::PurgesTooMuch, "purging/younger_rows_stay"),
        (Wrong::ShowsCodesToAnybody, "by_code/to_others_it_is_nothing"),
        (Wrong::AnswersInAnotherOrder, "resolving/who_is_a_member"),
        (Wrong::AppliesForAnybody, "applying/only_for_those_who_see_it"),
        (Wrong::OpensAfterClose, "closing/nothing_is_applied_afterwards"),
        (Wrong::KnowsDirectPermissionsOnly, "rights/a_role_gives_rights"),
        (Wrong::KnowsDirectPermissionsOnly, "rights/a_group_has_roles"),
        (Wrong::KnowsDirectPermissionsOnly, "rights/a_client_has_roles"),
        (Wrong::KeepsLeases, "rights/an_issuers_word_ends"),
        (Wrong::LetsAnybodyGiveEverything, "rights/nobody_gives_more"),
        (Wrong::JudgesWithoutGroups, "rights/nobody_gives_more"),
        (Wrong::JudgesPermissionsOnly, "rights/rights_of_the_host_count"),
        (Wrong::KeepsRightsOfRoles, "rights/it_is_judged_again"),
    ] {
        let report = tried_on(wrong, case).await;
        assert_eq!(report.tried.len(), 1, "there is one case `{case}`");
        assert!(!report.passed() && report.failed().count() == 1, "{wrong:?} passes {case}");
    }
}

/// How many acts it has, made as short as it gets.
async fn first_history_that_fails(wrong: Wrong) -> Option<usize> {
    for seed in 1..=60 {
        let filter = Some("history/".to_owned());
        let options = Options { filter, histories: 1, seed, ..Options::default() };
        let report = run(Arc::new(Liar(wrong)), &options, |_| {}).await;
        if let Verdict::Failed { what, .. } = &report.tried[0].verdict {
            return Some(what.lines().count() - 1);
        }
    }
    None
}

#[tokio::test]
async fn histories_catch_broken_promises_by_themselves_and_show_a_short_one() {
    let mut shortest = Vec::new();
    for wrong in [
        Wrong::ForgetsTheVersion,
        Wrong::LosesAnEvent,
        Wrong::ForgetsTheHold,
        Wrong::BringsBackTheRemoved,
        Wrong::KeepsTheOlderCode,
        Wrong::ReadsPendingPastTheEnd,
        Wrong::ForgetsTheFingerprint,
        Wrong::SettlesWhatIsNewer,
        Wrong::ForgetsTheLimit,
        Wrong::ShowsCodesToAnybody,
        Wrong::LosesTheSubjectOfAnEvent,
        Wrong::KeepsTheInviter,
        Wrong::KillsCodesAtOnce,
        Wrong::KillsCodesWhenTaken,
        Wrong::SendsTwice,
        Wrong::ForgetsTheDismissed,
    ] {
        shortest.push((wrong, first_history_that_fails(wrong).await));
    }
    let long: Vec<_> = shortest.iter().filter(|(_, acts)| acts.is_none_or(|acts| acts > 10)).collect();
    assert!(long.is_empty(), "not shown by ten acts or less: {long:?}");
}

#[tokio::test]
async fn a_failure_says_what_was_asked_what_should_have_come_and_what_came() {
    let case = "closing/nothing_is_applied_afterwards";
    let text = tried_on(Wrong::OpensAfterClose, case).await.to_string();
    for part in [
        "FAILED    closing/nothing_is_applied_afterwards",
        "After `close`",
        "asked",
        "Closed",
        "Applied",
        "1 failed",
    ] {
        assert!(text.contains(part), "`{part}` in: {text}");
    }
}

#[tokio::test]
async fn a_host_that_panics_or_never_answers_fails_its_cases_and_no_others() {
    for (wrong, came) in [(Wrong::Panics, "on fire"), (Wrong::NeverAnswers, "an end within")] {
        let options = Options {
            filter: Some("ing/".into()),
            histories: 0,
            time_out: Duration::from_millis(300),
            jobs: 20,
            ..Options::default()
        };
        let report = run(Arc::new(Liar(wrong)), &options, |_| {}).await;
        let others = [
            "auditing/reading_leaves_none",
            "auditing/every_event_names_its_subject",
            "auditing/no_words_of_people",
        ];
        let purges = |name: &str| name.starts_with("purging/") || others.contains(&name);
        assert!(report.failed().count() > 5, "{report}");
        assert!(report.failed().all(|tried| purges(&tried.name)), "{report}");
        assert!(report.to_string().contains(came), "{report}");
    }
}

#[tokio::test]
async fn a_report_is_json_for_pipelines() {
    let options = Options { filter: Some("configured/".into()), histories: 0, ..Options::default() };
    let report = run(Arc::new(Reference), &options, |_| {}).await;
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["clock"], "moved");
    assert_eq!(json["tried"][0]["name"], "configured/what_is_configured");
    assert_eq!(json["tried"][0]["verdict"], "passed");
}

#[tokio::test]
async fn nothing_asked_is_not_passed() {
    let options = Options { filter: Some("no such case".into()), ..Options::default() };
    assert!(!run(Arc::new(Reference), &options, |_| {}).await.passed());
}

#[test]
fn there_are_many_cases_and_no_two_of_one_name_or_rule() {
    let cases = cases();
    assert!(cases.len() >= 170, "{}", cases.len());
    let names: BTreeSet<_> = cases.iter().map(|case| case.full_name()).collect();
    let rules: BTreeSet<_> = cases.iter().map(|case| format!("{}: {}", case.area, case.rule)).collect();
    assert_eq!((names.len(), rules.len()), (cases.len(), cases.len()));
    for case in cases {
        assert!(case.rule.ends_with('.'), "{case:?}: {}", case.rule);
    }
}

#[test]
fn every_world_can_be_read() {
    for world in worlds() {
        let realm = world.realm().unwrap_or_else(|trouble| panic!("{}: {trouble}", world.name));
        assert!(realm.organizations.contains_key("acme"), "{}", world.name);
    }
}

#[test]
fn the_page_has_the_areas_as_they_are() {
    let page = include_str!("../../docs/conformance.md");
    let row = |area: &Area| format!("| `{}` | {} | {} |", area.name, area.about, area.cases.len());
    let table: Vec<_> = areas().iter().map(row).collect();
    let expected = format!("| area | of | cases |\n|---|---|---|\n{}\n\n", table.join("\n"));
    assert!(page.contains(&expected), "the table in docs/conformance.md should be:\n{expected}");
}

#[test]
fn the_page_names_cases_that_there_are() {
    let page = include_str!("../../docs/conformance.md");
    let known: Vec<_> = cases().iter().map(|case| case.full_name()).collect();
    let quoted = page.split('`').skip(1).step_by(2).filter(|text| {
        let (area, name) = text.split_once('/').unwrap_or_default();
        areas().iter().any(|known| known.name == area) && !name.is_empty()
    });
    let mut found = 0;
    for name in quoted {
        assert!(known.iter().any(|known| known == name), "there is no case `{name}`");
        found += 1;
    }
    assert!(found >= 6, "{found}");
}
