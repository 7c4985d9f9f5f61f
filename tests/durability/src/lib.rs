//! Databases under many processes, under fire, and full.

pub mod server;
