//! `guestlist policy check`: whether a component may be deployed as a policy.

use guestlist_harness::policy::PolicyComponent;

use crate::{
    Done, Failure,
    check::{self, Arguments},
};

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    check::inspected(arguments, PolicyComponent::inspect)
}
