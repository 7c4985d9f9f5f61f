//! Files of other people: read as far as a bound, and written whole or not at all.
//!
//! Whoever names a file, or has a folder read, may meet what is none: a pipe that never ends, a device, a
//! link that somebody put there. Everything that this crate and its commands read or write goes through
//! here.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata, OpenOptions},
    hash::{BuildHasher as _, RandomState},
    io::{self, ErrorKind, Read, Write as _},
    path::{Path, PathBuf},
};

/// The most bytes of a text: of a scenario, a world, a `policies.yaml`, or a list of calls.
pub const LONGEST_TEXT: u64 = 256 << 20;

/// The most bytes of one request.
pub const LONGEST_REQUEST: u64 = 16 << 20;

/// The most bytes of a saved state.
pub const LARGEST_STATE: u64 = 1 << 30;

/// The most bytes of a component; a Python interpreter has about 20 million.
pub const LARGEST_COMPONENT: u64 = 100 << 20;

/// The number of tries with another name for a file that nobody must have made before.
const TRIES: usize = 16;

/// The bytes of a regular file.
///
/// # Errors
/// It cannot be read, is no regular file (but a folder, a pipe or a device), or has more than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Before it is opened: to open a pipe is to wait for whoever writes into it.
    must_be_regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    must_be_regular(&file.metadata()?)?;
    read_from(file, most)
}

/// The text of a regular file.
///
/// # Errors
/// As of [`read`], and for bytes that are no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    text(read(path, most)?)
}

/// All bytes of a stream, as standard input is one.
///
/// # Errors
/// It cannot be read, or has more than `most` bytes.
pub fn read_from(stream: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = stream.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > most {
        let text = format!("it has more than {most} bytes, which is the most that is read");
        return Err(io::Error::new(ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// The text of a stream.
///
/// # Errors
/// As of [`read_from`], and for bytes that are no UTF-8.
pub fn read_text_from(stream: impl Read, most: u64) -> io::Result<String> {
    text(read_from(stream, most)?)
}

/// A text without the byte order mark that some editors put first.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::new(ErrorKind::InvalidData, format!("it is no text in UTF-8: see its byte {}", at + 1))
    })
}

/// Names what something is that is no regular file; nothing, where it is one.
#[must_use]
pub fn irregular(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_block_device() || kind.is_char_device() {
            return Some("a device");
        }
    }
    Some("something else")
}

fn must_be_regular(found: &Metadata) -> io::Result<()> {
    irregular(found).map_or(Ok(()), |what| {
        Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, and no regular file")))
    })
}

/// Writes a file beside its place and moves it there: nobody ever finds half of it. What a link leads to is
/// replaced, not the link. The permissions of what was there stay.
///
/// # Errors
/// When it cannot be written; what was there is there still.
pub fn replace(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    replace_with(path, bytes.as_ref(), false)
}

/// The same for what nobody but its owner may read.
///
/// # Errors
/// As of [`replace`].
pub fn replace_private(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    replace_with(path, bytes.as_ref(), true)
}

fn replace_with(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let known = fs::metadata(&path).ok();
    known.as_ref().map_or(Ok(()), must_be_regular)?;
    let (beside, mut file) = anew(&path, |name| create(name, private || known.is_some()))?;
    let written = file
        .write_all(bytes)
        .and_then(|()| match &known {
            Some(known) if !private => file.set_permissions(known.permissions()),
            _ => Ok(()),
        })
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A folder of a name that nobody knows before, beside a path, which nobody else may enter.
///
/// # Errors
/// When it cannot be made.
pub fn folder_beside(path: &Path) -> io::Result<PathBuf> {
    let made = anew(path, |name| {
        let mut maker = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
        maker.create(name)
    });
    made.map(|(folder, ())| folder)
}

/// Makes something beside a path, under a name that was free.
fn anew<T>(path: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let mut failed = io::Error::other("no name is free");
    for _ in 0..TRIES {
        let name = folder.join(format!(".guestlist-{:016x}", RandomState::new().hash_one(path)));
        match make(&name) {
            Ok(made) => return Ok((name, made)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => failed = error,
            Err(error) => return Err(error),
        }
    }
    Err(failed)
}

/// A file that was not there, and no link either.
fn create(path: &Path, private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)
}

/// The file that a path means, with the links on the way followed; it need not be there.
#[must_use]
pub fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let name = path.file_name().unwrap_or(OsStr::new(""));
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        fs::canonicalize(folder).map_or_else(|_| path.to_owned(), |folder| folder.join(name))
    })
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    };

    use super::*;

    struct Desk(PathBuf);

    impl Desk {
        fn new() -> Self {
            Self(folder_beside(&std::env::temp_dir().join("x")).unwrap())
        }

        fn mode(&self, name: &str) -> u32 {
            fs::metadata(self.0.join(name)).unwrap().permissions().mode() & 0o777
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Desk {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_regular_files_are_read_and_only_up_to_a_bound_that_is_named() {
        let desk = Desk::new();
        let said = |path: &Path| read(path, 4).unwrap_err().to_string();
        let path = desk.0.join("a");
        fs::write(&path, "1234").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "1234");
        fs::write(&path, "12345").unwrap();
        assert_eq!(said(&path), "it has more than 4 bytes, which is the most that is read");
        assert_eq!(said(&desk.0), "it is a folder, and no regular file");
        assert_eq!(said(Path::new("/dev/zero")), "it is a device, and no regular file");
        symlink("/dev/zero", desk.0.join("link")).unwrap();
        assert_eq!(said(&desk.0.join("link")), "it is a device, and no regular file");
        let _kept = UnixListener::bind(desk.0.join("s")).unwrap();
        assert_eq!(said(&desk.0.join("s")), "it is a socket, and no regular file");
        fs::write(&path, b"ab\xff").unwrap();
        assert_eq!(read_text(&path, 4).unwrap_err().to_string(), "it is no text in UTF-8: see its byte 3");
        assert!(read_from(io::repeat(0), 1 << 20).is_err(), "a stream without an end is not read to its end");
    }

    #[test]
    fn a_file_is_replaced_whole_and_what_others_put_beside_it_is_not_touched() {
        let desk = Desk::new();
        let path = desk.0.join("a");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(desk.0.join("a.new"), "somebody's").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap(), desk.mode("a")), ("new".into(), 0o640));
        assert_eq!(fs::read_to_string(desk.0.join("a.new")).unwrap(), "somebody's");
        replace_private(&path, "secret").unwrap();
        assert_eq!(desk.mode("a"), 0o600, "also where it was open to others before");
        replace_private(&desk.0.join("b"), "secret").unwrap();
        assert_eq!(desk.mode("b"), 0o600);
        symlink("a", desk.0.join("link")).unwrap();
        replace(&desk.0.join("link"), "through").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "through");
        assert!(replace(&desk.0, "x").is_err(), "a folder is no file");
        assert_eq!(desk.names(), ["a", "a.new", "b", "link"], "nothing is left beside them");
    }

    #[test]
    fn a_name_that_is_taken_is_not_used() {
        let desk = Desk::new();
        fs::write(desk.0.join("there"), "somebody's").unwrap();
        symlink("elsewhere", desk.0.join("dangling")).unwrap();
        for name in ["there", "dangling"] {
            let error = create(&desk.0.join(name), true).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{name}");
        }
        let tried = std::cell::Cell::new(0);
        let all_taken = anew(&desk.0.join("a"), |_| {
            tried.set(tried.get() + 1);
            create(&desk.0.join("there"), true)
        });
        assert_eq!((all_taken.unwrap_err().kind(), tried.get()), (ErrorKind::AlreadyExists, TRIES));
        assert_eq!(fs::read_to_string(desk.0.join("there")).unwrap(), "somebody's");
    }
}
