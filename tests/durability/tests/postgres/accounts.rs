//! Accounts and lists on PostgreSQL: the tests of SQLite, word for word.

#[path = "../../../../storage/tests/accounts/deliveries.rs"]
mod deliveries;
#[path = "../../../../storage/tests/accounts/desk.rs"]
mod desk;
#[path = "../../../../storage/tests/accounts/handles.rs"]
mod handles;
#[path = "../../../../storage/tests/accounts/letters.rs"]
mod letters;
#[path = "../../../../storage/tests/accounts/machines.rs"]
mod machines;
#[path = "../../../../storage/tests/accounts/once.rs"]
mod once;
#[path = "../../../../storage/tests/accounts/races.rs"]
mod races;
#[path = "../../../../storage/tests/accounts/reading.rs"]
mod reading;
#[path = "../../../../storage/tests/accounts/signing_in.rs"]
mod signing_in;

use crate::people::somewhere;
