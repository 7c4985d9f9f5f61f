//! The command of a host's database.
fn main() {}
