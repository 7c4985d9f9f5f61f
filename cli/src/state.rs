//! The state of `guestlist call`: one call at a time reads it, goes on from it, and writes it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use guestlist_documents::files;

use crate::Failure;

const PAUSE: Duration = Duration::from_millis(50);

/// Nobody else reads or writes the file while this is there.
pub struct Held {
    /// Locked.
    _file: File,
    beside: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // While it is still locked: whoever waits for it finds out that it is gone, and makes another.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Waits until nobody else has `file`, by a lock on `FILE.lock`: the file itself is replaced by each call.
pub fn hold(file: &Path, longest: Duration) -> Result<Held, Failure> {
    let shown = file.display();
    let file = files::resolved(file);
    let mut beside = file.into_os_string();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let failed = |why: String| format!("`{}` cannot be locked: {why}", beside.display());
    let begun = Instant::now();
    let mut told = false;
    loop {
        if let Ok(found) = fs::symlink_metadata(&beside)
            && !found.is_file()
        {
            return Err(failed("it is a link, or something else that is no file; remove it".into()).into());
        }
        let lock = open(&beside).map_err(|error| failed(error.to_string()))?;
        match lock.try_lock() {
            Ok(()) if is_at(&lock, &beside) => return Ok(Held { _file: lock, beside }),
            // Its owner has removed it meanwhile.
            Ok(()) => continue,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error.to_string()).into()),
        }
        if begun.elapsed() >= longest {
            let seconds = longest.as_secs();
            return Err(format!(
                "`{shown}` is in use by another call, for {seconds} s and more: nothing was done; call again when \
                 that one has ended, or wait longer with `--wait`"
            )
            .into());
        }
        if !told {
            eprintln!("waiting: `{shown}` is in use by another call");
            told = true;
        }
        thread::sleep(PAUSE);
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Tells whether the path still means this file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().map(identity).ok() == fs::symlink_metadata(path).map(identity).ok()
}

/// Elsewhere a file that is open is not removed.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
