//! `guestlist record`: turns calls into a scenario.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use guestlist_documents::files::{self, LONGEST_TEXT};
use guestlist_scenario::Recorder;

use crate::{Done, Failure, demo, plugin};

/// A line of standard input is a call: {"operation": "invite", "as": "ann", "in": "acme", "request":
/// {..}}, with the requests of `guestlist call`, and "advance": "3h" for time that passes before. Where
/// a request has an id or a code, it may say "alice's invitation".
#[derive(Args)]
pub struct Arguments {
    /// The story of `guestlist demo`, instead of calls from standard input.
    #[arg(value_enum, conflicts_with_all = ["world", "name"], required_unless_present = "world")]
    story: Option<Story>,
    /// The world that the calls are made in.
    #[arg(long)]
    world: Option<PathBuf>,
    /// What the scenario shows, in a sentence.
    #[arg(long, default_value = "Recorded calls")]
    name: String,
    /// The scenario; standard output by default. It is written only when it passes.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Story {
    /// The whole story.
    Demo,
}

pub async fn run(arguments: &Arguments) -> Result<Done, Failure> {
    if let Some(file) = arguments.output.as_deref().filter(|file| file.exists()) {
        return Err(format!("`{}` is there already: delete it, or name another file", file.display()).into());
    }
    let path = arguments.output.as_deref().unwrap_or(Path::new("recording.yaml"));
    let text = match (&arguments.world, arguments.story) {
        (Some(world), _) => {
            let yaml = files::read_text(world, LONGEST_TEXT)
                .map_err(|error| format!("`{}` cannot be read: {error}", world.display()))?;
            let plugin = plugin()?;
            let mut recorder = match &arguments.output {
                Some(_) => Recorder::begin(plugin, path, &arguments.name, world, &yaml)?,
                None => Recorder::begin_here(plugin, path, &arguments.name, &yaml)?,
            };
            let calls = files::read_text_from(io::stdin().lock(), LONGEST_TEXT)
                .map_err(|error| format!("the calls on standard input cannot be read: {error}"))?;
            recorder.lines(files::without_mark(&calls)).await?;
            recorder.finish().await?
        }
        (None, Some(Story::Demo)) => demo::record(path).await?,
        (None, None) => return Err("nothing to record: say `demo`, or give `--world`".into()),
    };
    match &arguments.output {
        Some(file) => {
            files::replace(file, text)
                .map_err(|error| format!("`{}` cannot be written: {error}", file.display()))?;
        }
        None => io::stdout().write_all(text.as_bytes())?,
    }
    Ok(Done::Yes)
}
