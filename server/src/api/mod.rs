//! Our own interface: everything that people and machines do with invitations, people, groups, roles, clients,
//! organizations, settings and the trail.
//!
//! Below a root (`/t/{root}/api/v1/..`, the organization is the token's), below an organization
//! (`/t/{root}/o/{organization}/api/v1/..`), and without `/t/{root}` where there is a `default-root`. The page
//! `docs/api.md` has each route.

mod asked;
mod clients;
mod invitations;
mod me;
mod organizations;
mod people;
mod rules;
mod shown;
mod targets;

use std::sync::Arc;

use axum::http::Method;
use guestlist_contract::types::GrantKind::{Group, Role};
use guestlist_storage::Handled;

use self::asked::{Answer, Asked, Repeating, told};
use crate::{
    app::App,
    guard::{Routes, Taste},
    problem::Problem,
    table::Operation,
};

const PAGE: &[&str] = &["limit", "after"];
const NONE: &[&str] = &[];

/// Adds routes of one place.
struct Below<'a> {
    routes: Routes,
    base: &'a str,
}

impl Below<'_> {
    fn add<F, R>(
        mut self,
        method: Method,
        path: &str,
        operation: Operation,
        allowed: &'static [&'static str],
        run: F,
    ) -> Self
    where
        F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        // What is put, changed or deleted is the same after a second time; the plugin remembers invites, and an answer
        // to an invitation is given once.
        let repeating =
            match method == Method::POST && !matches!(operation, Operation::Invite | Operation::Answer) {
                true => Repeating::Remembered,
                false => Repeating::AsItIs,
            };
        let path = format!("{}/api/v1{path}", self.base);
        self.routes = self.routes.add(method, &path, operation, told(operation, allowed, repeating, run));
        self
    }

    fn get<F, R>(self, path: &str, operation: Operation, allowed: &'static [&'static str], run: F) -> Self
    where
        F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        self.add(Method::GET, path, operation, allowed, run)
    }

    fn post<F, R>(self, path: &str, operation: Operation, run: F) -> Self
    where
        F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        self.add(Method::POST, path, operation, NONE, run)
    }

    fn put<F, R>(self, path: &str, operation: Operation, run: F) -> Self
    where
        F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        self.add(Method::PUT, path, operation, NONE, run)
    }

    fn patch<F, R>(self, path: &str, operation: Operation, run: F) -> Self
    where
        F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        self.add(Method::PATCH, path, operation, NONE, run)
    }

    fn delete<F, R>(self, path: &str, operation: Operation, run: F) -> Self
    where
        F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        self.add(Method::DELETE, path, operation, NONE, run)
    }
}

fn of_me(below: Below<'_>) -> Below<'_> {
    use Operation as Op;
    below
        .get("/me", Op::Me, NONE, me::me)
        .get("/me/organizations", Op::Me, PAGE, me::organizations)
        .get("/me/invitations", Op::MyInvitations, &["status", "limit", "after"], me::invitations)
        .post("/me/invitations/introspect", Op::Answer, me::introspect)
        .post("/me/invitations/accept", Op::Answer, me::accept)
        .post("/me/invitations/decline", Op::Answer, me::decline)
}

fn of_invitations(below: Below<'_>) -> Below<'_> {
    use Operation as Op;
    below
        .post("/invitations", Op::Invite, invitations::invite)
        .get("/invitations", Op::ViewInvitations, invitations::FILTERS, invitations::list)
        .post("/invitations/resend", Op::Resend, invitations::resend_many)
        .post("/invitations/revoke-all", Op::Revoke, invitations::revoke_all)
        .get("/invitations/{id}", Op::ViewInvitations, NONE, invitations::one)
        .get("/invitations/{id}/history", Op::ViewInvitations, PAGE, invitations::history)
        .post("/invitations/{id}/resend", Op::Resend, invitations::resend)
        .post("/invitations/{id}/revoke", Op::Revoke, invitations::revoke)
        .post("/invitations/{id}/approve", Op::Approve, invitations::approve)
        .post("/invitations/{id}/reject", Op::Approve, invitations::reject)
        .post("/invitations/{id}/dismiss", Op::Revoke, invitations::dismiss)
}

fn of_people(below: Below<'_>) -> Below<'_> {
    use Operation as Op;
    below
        .get("/people", Op::ReadPeople, people::FILTERS, people::list)
        .post("/people", Op::ManagePeople, people::create)
        .get("/people/{person}", Op::ReadPeople, NONE, people::one)
        .patch("/people/{person}", Op::ManagePeople, people::change)
        .delete("/people/{person}", Op::ManagePeople, people::delete)
        .put("/people/{person}/password", Op::ManagePeople, people::set_password)
        .delete("/people/{person}/password", Op::ManagePeople, people::remove_password)
        .post("/people/{person}/identities", Op::ManagePeople, people::link)
        .add(
            Method::DELETE,
            "/people/{person}/identities",
            Op::ManagePeople,
            &["issuer", "subject"],
            people::unlink,
        )
        .post("/members", Op::ManagePeople, people::add_member)
}

fn of_targets(below: Below<'_>) -> Below<'_> {
    use Operation as Op;
    below
        .get("/groups", Op::ReadRoles, targets::FILTERS, |asked| targets::list(asked, Group))
        .post("/groups", Op::ManageRoles, targets::create_group)
        .get("/groups/{id}", Op::ReadRoles, NONE, |asked| targets::one(asked, Group))
        .patch("/groups/{id}", Op::ManageRoles, targets::change_group)
        .delete("/groups/{id}", Op::ManageRoles, |asked| targets::delete(asked, Group))
        .get("/groups/{id}/members", Op::ReadPeople, PAGE, |asked| targets::members(asked, Group))
        .put("/groups/{id}/members/{person}", Op::ManagePeople, |asked| people::give(asked, Group))
        .delete("/groups/{id}/members/{person}", Op::ManagePeople, |asked| people::take(asked, Group))
        .get("/roles", Op::ReadRoles, targets::FILTERS, |asked| targets::list(asked, Role))
        .post("/roles", Op::ManageRoles, targets::create_role)
        .get("/roles/{id}", Op::ReadRoles, NONE, |asked| targets::one(asked, Role))
        .patch("/roles/{id}", Op::ManageRoles, targets::change_role)
        .delete("/roles/{id}", Op::ManageRoles, |asked| targets::delete(asked, Role))
        .get("/roles/{id}/members", Op::ReadPeople, PAGE, |asked| targets::members(asked, Role))
        .put("/roles/{id}/members/{person}", Op::ManagePeople, |asked| people::give(asked, Role))
        .delete("/roles/{id}/members/{person}", Op::ManagePeople, |asked| people::take(asked, Role))
        .put("/roles/{id}/groups/{group}", Op::ManageRoles, targets::assign_group)
        .delete("/roles/{id}/groups/{group}", Op::ManageRoles, targets::unassign_group)
        .put("/roles/{id}/clients/{client}", Op::ManageRoles, targets::assign_client)
        .delete("/roles/{id}/clients/{client}", Op::ManageRoles, targets::unassign_client)
}

fn of_the_organization(below: Below<'_>) -> Below<'_> {
    use Operation as Op;
    below
        .get("/clients", Op::ManageClients, PAGE, clients::list)
        .post("/clients", Op::ManageClients, clients::create)
        .get("/clients/{id}", Op::ManageClients, NONE, clients::one)
        .post("/clients/{id}/rotate", Op::ManageClients, clients::rotate)
        .post("/clients/{id}/revoke", Op::ManageClients, clients::revoke)
        .get("/organizations", Op::ManageOrganizations, organizations::FILTERS, organizations::list)
        .post("/organizations", Op::ManageOrganizations, organizations::create)
        .get("/organizations/{child}", Op::ManageOrganizations, NONE, organizations::one)
        .patch("/organizations/{child}", Op::ManageOrganizations, organizations::change)
        .delete("/organizations/{child}", Op::ManageOrganizations, organizations::delete)
        .get("/settings", Op::ManageRules, NONE, rules::settings)
        .patch("/settings", Op::ManageRules, rules::change_settings)
        .get("/trail", Op::ReadTrail, rules::FILTERS, rules::trail)
}

/// All routes of our own interface.
pub fn routes(app: Arc<App>) -> Routes {
    let mut routes = Routes::new(app, Taste::Problems);
    for base in ["/t/{root}", "/t/{root}/o/{organization}", "", "/o/{organization}"] {
        let below = Below { routes, base };
        let below = of_targets(of_people(of_invitations(of_me(below))));
        routes = of_the_organization(below).routes;
    }
    routes
}

/// A request that changes several things, or none: each is a change of its own, and one could be refused after
/// another was made.
fn one_thing(members: &str) -> Problem {
    Problem::invalid(format!("One thing is changed at a time: say {members}."))
}

/// The organization of this id or handle below the same root.
async fn organization_named(asked: &Asked, name: &str) -> Result<Handled, Problem> {
    let found = asked.app.accounts.organization_by_handle(&asked.granted.place.root, name).await?;
    found.ok_or_else(|| Problem::not_found("organization"))
}
