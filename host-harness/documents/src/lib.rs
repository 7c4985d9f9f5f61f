//! Files that people write for Guestlist, read in one way: [bounded and never waited for](files), as
//! [YAML](yaml) of any size, and with every [problem](Problem) shown at its place.

mod duration;
pub mod files;
mod instant;
mod problem;
pub mod yaml;

pub use duration::{HumanDuration, NotADuration};
pub use instant::instant;
pub use problem::{Excerpt, Problem, WorldError, nearest};
