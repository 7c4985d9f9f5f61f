//! One question, and where it stands in the whole.

use std::pin::Pin;

use super::{check::Outcome, trial::Ground};

type Asking = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Cases about one thing.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// The word that its cases begin with, as in `closing`.
    pub name: &'static str,
    /// The imports that it asks.
    pub about: &'static str,
    /// Its cases.
    pub cases: &'static [Case],
}

/// A question that a host is asked.
#[derive(Clone, Copy)]
pub struct Case {
    /// The area that it belongs to, as in `claiming`.
    pub area: &'static str,
    /// Its own name, as in `a_lease_at_the_very_instant`.
    pub name: &'static str,
    /// The rule that has to hold, in one sentence.
    pub rule: &'static str,
    /// Tells whether it stands on an exact instant, and needs a clock that is moved.
    pub exact: bool,
    pub(super) run: fn(Ground) -> Asking,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.full_name())
    }
}

impl Case {
    /// `AREA/NAME`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.area, self.name)
    }

    pub(super) const fn exact(self) -> Self {
        Self { exact: true, ..self }
    }
}

/// A function of this module as a case.
macro_rules! case {
    ($area:expr, $function:ident, $rule:literal) => {
        $crate::case::Case {
            area: $area,
            name: stringify!($function),
            rule: $rule,
            exact: false,
            run: |ground| Box::pin($function(ground)),
        }
    };
}
pub(super) use case;
