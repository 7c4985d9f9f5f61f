//! `guestlist policy check`: whether a component may be deployed as a policy, or a folder of them with its
//! `policies.yaml`.

use std::{
    io::{self, Write},
    path::Path,
};

use guestlist_contract::text;
use guestlist_harness::policy::{Policies, PolicyComponent};
use guestlist_policies::FolderReport;
use guestlist_policies::ReadPolicies as _;

use super::engine;
use crate::{
    Done, Failure, Format,
    check::{self, Arguments},
};

pub fn run(arguments: &Arguments) -> Result<Done, Failure> {
    match arguments.component.is_dir() {
        true => folder(&arguments.component, arguments.format),
        false => check::inspected(arguments, &engine()?, PolicyComponent::inspect),
    }
}

fn folder(path: &Path, format: Format) -> Result<Done, Failure> {
    let report = Policies::new(&engine()?).read_folder(path)?;
    let mut out = io::stdout().lock();
    match format {
        Format::Text => write!(out, "{}", text::lines(&told(&report)))?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
    }
    Ok(if report.broken.is_empty() { Done::Yes } else { Done::Refused })
}

fn told(report: &FolderReport) -> String {
    let FolderReport { policies, organizations, broken, .. } = report;
    let mut text =
        format!("{policies} policies for {organizations} organizations by name, {} broken\n", broken.len());
    for policy in broken {
        let others = policy.others.then_some("all that are not named");
        let whose: Vec<_> = policy.organizations.iter().map(String::as_str).chain(others).collect();
        let whose = if whose.is_empty() { "nobody".to_owned() } else { whose.join(", ") };
        text += &format!(
            "- `{}`, for {}, lets nobody in: {}\n",
            text::line(&policy.name),
            text::line(&whose),
            policy.why
        );
    }
    text
}
