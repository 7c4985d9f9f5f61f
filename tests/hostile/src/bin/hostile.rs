//! `make hostile`: every attack of the table, many times, beside the honest calls of another organization.
//! Exits with 1 where one was not contained.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command that prints")]

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use guestlist_hostile::{
    classes::classes,
    machine::{commit, load, machine},
    report,
    runner::{Rig, measure},
};

/// Runs malicious plugins and policies, and says what became of them and of the others meanwhile.
#[derive(Parser)]
struct Arguments {
    /// Runs of each class; of what is turned down when it is loaded, one for 20 of these
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only classes with this in their name, as in `policy/loop`
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Name the classes and what they do, and run nothing
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut classes = classes();
    if let Some(name) = &arguments.class {
        classes.retain(|class| class.name.contains(name.as_str()));
        if classes.is_empty() {
            eprintln!("there is no class `{name}`; `--list` names them");
            return ExitCode::from(2);
        }
    }
    if arguments.list {
        for class in &classes {
            println!("{:<27} {}: {}", class.name, class.does, class.held.words());
        }
        return ExitCode::SUCCESS;
    }
    // Of before: the attacks are a load themselves.
    let machine = format!("{}, load {}", machine(), load().as_deref().unwrap_or("unknown"));
    let rig = Rig::start();
    let (count, runs) = (classes.len(), usize::try_from(arguments.runs).unwrap_or(usize::MAX));
    let mut all = Vec::new();
    for (index, class) in classes.into_iter().enumerate() {
        eprintln!("{:>3} of {count}  {}: {}", index + 1, class.name, class.does);
        let found = measure(&rig, &class, runs);
        all.push((class, found));
    }
    match arguments.format {
        Format::Text => print!("{}", report::text(&machine, &commit(), &all)),
        Format::Json => println!("{:#}", report::json(&machine, &commit(), &all)),
    }
    if all.iter().all(|(_, found)| found.is_contained()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
