//! An SQLite file of a test's own.

use tempfile::TempDir;

/// Removed with this.
pub type Kept = TempDir;

/// Its URL.
pub async fn new() -> (String, Kept) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("guestlist.db").display());
    (url, folder)
}

/// Why the database does not do this.
pub async fn refusal(kept: &Kept, sql: &str) -> String {
    let file = rusqlite::Connection::open(kept.path().join("guestlist.db")).unwrap();
    file.execute(sql, []).unwrap_err().to_string()
}
