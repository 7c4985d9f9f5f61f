//! Decides whether a component may be loaded: it imports what the contract lends, exports what the contract
//! asks for, in the contract's shape, and an instance of it can be made.
//!
//! The engine would find most of it by itself, one thing at a time and in words about its own types.
//! Here every cause is named at once, with what to do. [`names`] compares what can be told from names,
//! [`instantiate_check`] lets the engine compare the types and makes one instance, and where one of them has
//! found something [`shape`] says which types differ, and how.

mod compile_limits;
mod instantiate_check;
mod name;
mod names;
mod problem;
mod shape;
mod world;

use wasmparser::Parser;
use wasmtime::component::Component;

use crate::{
    Engine,
    lending::{Loans, PolicyLimits, PolicyState},
    sandbox::HostState,
};
use guestlist_contract::{ExtensionPre, TenantPolicyPre};
use world::World;

pub(crate) use names::{contracts, export_of};
pub use problem::{AdmissionProblem, Age, LoadError};

/// The version of the contract that this harness speaks.
pub const CONTRACT: &str = "0.1.0";

const PACKAGE: &str = "guestlist:invitation";

/// Compiles bytes that are a component, of a size that ends.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, AdmissionProblem> {
    if Parser::is_core_wasm(bytes) {
        return Err(AdmissionProblem::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(AdmissionProblem::NotAComponent);
    }
    if let Some(what) = compile_limits::too_much(bytes) {
        return Err(AdmissionProblem::Invalid(what));
    }
    engine.compile(bytes).map_err(|error| AdmissionProblem::Invalid(format!("{error:#}")))
}

/// Lets a plugin in, or says all that speaks against it.
pub(crate) fn admit(
    engine: &Engine,
    component: &Component,
) -> Result<ExtensionPre<HostState>, Vec<AdmissionProblem>> {
    compare(component, World::Extension, &Loans::default(), || {
        instantiate_check::extension(engine, component)
    })
}

/// Lets a policy in that imports no more than it is lent, or says all that speaks against it.
pub(crate) fn admit_policy(
    engine: &Engine,
    component: &Component,
    loans: &Loans,
    limits: &PolicyLimits,
) -> Result<TenantPolicyPre<PolicyState>, Vec<AdmissionProblem>> {
    compare(component, World::TenantPolicy, loans, || {
        instantiate_check::policy(engine, component, loans, limits)
    })
}

fn compare<T>(
    component: &Component,
    world: World,
    loans: &Loans,
    trial: impl FnOnce() -> Result<T, AdmissionProblem>,
) -> Result<T, Vec<AdmissionProblem>> {
    let mut problems = names::compare(component, world, loans);
    let mut tried = None;
    if problems.is_empty() {
        match trial() {
            Ok(admitted) => return Ok(admitted),
            Err(problem) => tried = Some(problem),
        }
    }
    let shapes = shape::compare(component, world);
    // The engine's own words about types are for what could not be explained better.
    tried = tried.filter(|problem| shapes.is_empty() || !matches!(problem, AdmissionProblem::Mismatch(_)));
    problems.extend(shapes);
    problems.extend(tried);
    Err(problems)
}
