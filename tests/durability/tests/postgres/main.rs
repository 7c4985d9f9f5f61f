//! What holds on PostgreSQL.
