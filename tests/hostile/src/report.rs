//! What the runs have shown, for people and for machines.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::{
    classes::Class,
    runner::{DEADLINE, Findings},
    times::Times,
};

/// As a table.
#[must_use]
pub fn text(machine: &str, commit: &str, all: &[(Class, Findings)]) -> String {
    let mut text =
        format!("machine   {machine}\ncommit    {commit}\ndeadline  {} ms\n\n", DEADLINE.as_millis());
    let heads = [
        "contained",
        "took",
        "late p50",
        "p99",
        "max",
        "resident",
        "others",
        "at work",
        "attacked",
        "slower",
        "on average",
    ];
    let row = |name: &str, held: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!(" {cell:>10}")).collect();
        format!("{name:<27} {held:<44}{cells}\n")
    };
    text += &row("class", "contained by", &heads.map(str::to_owned));
    for (class, found) in all {
        let cells = [
            format!("{}/{}", found.contained, found.runs),
            shown(found.took.quantile(0.5)),
            shown(found.late.quantile(0.5)),
            shown(found.late.quantile(0.99)),
            shown(found.late.max()),
            format!("{:+.1} MB", found.growth() as f64 / 1e6),
            shown(found.quiet.quantile(0.5)),
            shown(found.busy.quantile(0.5)),
            shown(found.attacked.quantile(0.5)),
            percent(found.slower()),
            percent(found.slower_on_average()),
        ];
        text += &row(&class.name, &class.held.words(), &cells);
    }
    let (runs, contained) = totals(all);
    let late = all.iter().filter_map(|(_, found)| found.late.max()).max();
    let within = all.iter().filter_map(|(_, found)| found.late.quantile(0.99)).max();
    write!(text, "\n{} classes, {contained} of {runs} runs contained", all.len()).unwrap();
    writeln!(text, "; at most {} late, in 99 of 100 runs {}", shown(late), shown(within)).unwrap();
    for (class, found) in all {
        if let Some(escaped) = &found.escaped {
            let escaped: String = format!("{escaped:?}").chars().take(500).collect();
            writeln!(text, "NOT CONTAINED: {} ({}): {escaped}", class.name, class.does).unwrap();
        }
    }
    text
}

/// The same as JSON. Times are in seconds.
#[must_use]
pub fn json(machine: &str, commit: &str, all: &[(Class, Findings)]) -> Value {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let times = |times: &Times| json!({ "count": times.count(), "mean": seconds(times.mean()), "p50": seconds(times.quantile(0.5)), "p99": seconds(times.quantile(0.99)), "max": seconds(times.max()) });
    let classes = all.iter().map(|(class, found)| {
        json!({
            "class": class.name, "does": class.does, "contained-by": class.held.words(),
            "runs": found.runs, "contained": found.contained, "escaped": found.escaped.as_ref().map(|outcome| format!("{outcome:?}")),
            "took": times(&found.took), "late": times(&found.late), "resident-bytes": found.resident,
            "others": times(&found.quiet), "others-beside-work": times(&found.busy), "others-attacked": times(&found.attacked), "others-slower-percent": found.slower(),
        })
    });
    let (runs, contained) = totals(all);
    json!({
        "machine": machine, "commit": commit, "deadline": DEADLINE.as_secs_f64(), "runs": runs, "contained": contained,
        "classes": classes.collect::<Vec<_>>(),
    })
}

fn totals(all: &[(Class, Findings)]) -> (usize, usize) {
    all.iter().fold((0, 0), |(runs, contained), (_, found)| (runs + found.runs, contained + found.contained))
}

fn percent(slower: Option<f64>) -> String {
    slower.map_or_else(|| "-".to_owned(), |slower| format!("{slower:+.0} %"))
}

fn ratio(before: Duration, attacked: Duration) -> f64 {
    (attacked.as_secs_f64() / before.as_secs_f64() - 1.0) * 100.0
}

fn shown(time: Option<Duration>) -> String {
    match time {
        None => "-".into(),
        Some(time) if time >= Duration::from_millis(1) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        Some(time) => format!("{:.0} us", time.as_secs_f64() * 1e6),
    }
}

impl Findings {
    /// Every run ended as it has to.
    #[must_use]
    pub fn is_contained(&self) -> bool {
        self.contained == self.runs
    }

    /// What the process has grown by since the first runs, in bytes.
    #[must_use]
    pub fn growth(&self) -> i64 {
        self.resident[1] as i64 - self.resident[0] as i64
    }

    /// How much longer the median call of others took than beside honest work of the same processor, in
    /// percent.
    #[must_use]
    pub fn slower(&self) -> Option<f64> {
        Some(ratio(self.busy.quantile(0.5)?, self.attacked.quantile(0.5)?))
    }

    /// The same for the average, which sees the calls that had to wait for a processor.
    #[must_use]
    pub fn slower_on_average(&self) -> Option<f64> {
        Some(ratio(self.busy.mean()?, self.attacked.mean()?))
    }
}
