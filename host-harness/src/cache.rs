//! Compiled components on disk, for commands and tests that start often.
//!
//! To compile a policy with an interpreter takes many seconds, to read what was compiled a fraction of one.
//! What is read is native code that runs outside of any sandbox, so it has to be what this user's own
//! process wrote: the folder is this user's alone, and each file carries the SHA-256 of what it holds. A
//! file that is cut off, changed, of somebody else or of another version is as good as none.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

/// The bytes that a file begins with; they change with its form.
const MAGIC: &[u8; 20] = b"guestlist compiled 1";

/// Length of what a file says before the code: `MAGIC`, and the digest of the code.
const HEAD: usize = MAGIC.len() + 32;

/// The most bytes of one file: what a Python interpreter is compiled to has some 50 million.
const LARGEST: u64 = 512 << 20;

/// The most bytes of all files together; what was not used for the longest time goes first.
const MOST: u64 = 1 << 30;

/// A file that somebody was writing is given up after this.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// Smaller components are compiled faster than it is worth to keep them.
const SMALLEST: usize = 1 << 20;

/// A folder of compiled components, see [`EngineOptions::cache`](crate::EngineOptions::cache).
#[derive(Clone, Debug)]
pub struct CompileCache {
    folder: PathBuf,
    owner: u32,
}

/// The folder cannot be trusted, or not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The folder cannot be made or written.
    #[error("`{}` cannot be a cache of compiled components: {error}", .folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// The error of the file system.
        error: io::Error,
    },
    /// Others could put code there that would run here.
    #[error(
        "`{}` cannot be a cache of compiled components: {why}; give a folder that is yours alone (mode 0700)",
        .folder.display()
    )]
    NotOwn {
        /// The folder.
        folder: PathBuf,
        /// The property of the folder that speaks against it.
        why: &'static str,
    },
}

impl CompileCache {
    /// Uses a folder, and makes it where there is none: for this user alone.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or is not this user's alone.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        let unusable = |error| CacheError::Unusable { folder: folder.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
        // A file of our own shows whose files are ours.
        let (path, file) = create(folder).map_err(unusable)?;
        let owner = file.metadata().map(|file| file.uid());
        let _ = fs::remove_file(path);
        let cache = Self { folder: folder.to_owned(), owner: owner.map_err(unusable)? };
        cache.own().map(|()| cache)
    }

    fn own(&self) -> Result<(), CacheError> {
        let found = fs::symlink_metadata(&self.folder)
            .map_err(|error| CacheError::Unusable { folder: self.folder.clone(), error })?;
        let why = match found {
            found if !found.is_dir() => "it is a link",
            found if found.uid() != self.owner => "it is of another user",
            found if found.mode() & 0o077 != 0 => "others may read or write in it",
            _ => return Ok(()),
        };
        Err(CacheError::NotOwn { folder: self.folder.clone(), why })
    }

    /// Tells whether a component will hardly be compiled: it is small, or a file of ours is here for it.
    /// What is in the file is looked at when it is used.
    pub(crate) fn is_fast(&self, engine: &wasmtime::Engine, bytes: &[u8]) -> bool {
        let begins = |mut file: File| {
            let mut magic = [0; MAGIC.len()];
            file.read_exact(&mut magic).is_ok() && magic == *MAGIC
        };
        bytes.len() < SMALLEST || self.file(&self.path(engine, bytes)).is_some_and(|(file, _)| begins(file))
    }

    /// Compiles a component, or takes what it was compiled to before.
    pub(crate) fn component(&self, engine: &wasmtime::Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
        if bytes.len() < SMALLEST {
            return Component::from_binary(engine, bytes);
        }
        let path = self.path(engine, bytes);
        if let Some(code) = self.read(&path) {
            // What an engine of another version or with other settings has made is refused there.
            if let Ok(component) = trusted(engine, code.get(HEAD..).unwrap_or_default()) {
                return Ok(component);
            }
        }
        let component = Component::from_binary(engine, bytes)?;
        // Without a cache it works as well.
        let _ = component.serialize().map_err(io::Error::other).and_then(|code| self.write(&path, &code));
        Ok(component)
    }

    /// Names a file by what was compiled, and by what.
    fn path(&self, engine: &wasmtime::Engine, bytes: &[u8]) -> PathBuf {
        struct Digesting(Sha256);
        impl Hasher for Digesting {
            fn write(&mut self, bytes: &[u8]) {
                self.0.update(bytes);
            }
            fn finish(&self) -> u64 {
                0
            }
        }
        let mut digesting = Digesting(Sha256::new_with_prefix(MAGIC));
        engine.precompile_compatibility_hash().hash(&mut digesting);
        digesting.write(&Sha256::digest(bytes));
        self.folder.join(format!("{:x}", digesting.0.finalize()))
    }

    /// A file that nobody else could have written, and its length.
    fn file(&self, path: &Path) -> Option<(File, u64)> {
        self.own().ok()?;
        let found = fs::symlink_metadata(path).ok()?;
        let ours = found.is_file() && found.uid() == self.owner && found.mode() & 0o022 == 0;
        if !ours || found.len() > LARGEST {
            return None;
        }
        Some((File::open(path).ok()?, found.len()))
    }

    /// A whole file, as one of ours wrote it.
    fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let (file, length) = self.file(path)?;
        let mut whole = Vec::with_capacity(usize::try_from(length).ok()?);
        file.take(LARGEST).read_to_end(&mut whole).ok()?;
        let (head, code) = whole.split_at_checked(HEAD)?;
        if head.strip_prefix(MAGIC)? != Sha256::digest(code).as_slice() {
            return None;
        }
        // Used files stay the longest.
        let _ =
            OpenOptions::new().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(whole)
    }

    fn write(&self, path: &Path, code: &[u8]) -> io::Result<()> {
        self.own().map_err(io::Error::other)?;
        let (part, mut file) = create(&self.folder)?;
        let digest = Sha256::digest(code);
        let parts = [&MAGIC[..], digest.as_slice(), code];
        let written = parts.into_iter().try_for_each(|part| file.write_all(part));
        written.and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })?;
        self.prune();
        Ok(())
    }

    /// Takes away what nobody will use again, as far as that is possible.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let files = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let found = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((found.modified().ok()?, found.len(), entry.path()))
        });
        let mut files: Vec<_> = files.collect();
        files.sort_by(|one, other| other.cmp(one));
        let mut sum = 0u64;
        for (used, size, path) in files {
            let abandoned = path.extension().is_some_and(|part| part == PART)
                && used.elapsed().is_ok_and(|age| age > ABANDONED);
            sum = sum.saturating_add(size);
            if abandoned || sum > MOST {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// The ending of an unfinished file.
const PART: &str = "part";

/// A new file that nobody else has, to be renamed when it is whole.
fn create(folder: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    let name = format!("{}-{clock}-{}.{PART}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = folder.join(name);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    Ok((path, file))
}

/// The component whose code this is.
#[allow(unsafe_code, reason = "the only way from bytes to code that was compiled before")]
fn trusted(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes have to be what `Component::serialize` answered. They were read from a regular file of
    // this user, in a folder that no other user can write in, and have the digest that was written with them:
    // whoever can make others can run code as this user anyway.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::{Engine, EngineOptions};

    /// A component that is large enough to be kept.
    fn large(with: u8) -> Vec<u8> {
        let mut bytes = wat::parse_str("(component)").unwrap();
        // A custom section.
        let content = [&[1, b'x'][..], &vec![with; SMALLEST]].concat();
        bytes.push(0);
        let mut length = content.len();
        while length >= 0x80 {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(content);
        bytes
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("guestlist-cache-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn engine() -> Engine {
        Engine::new(&EngineOptions::fuel().instances(1)).unwrap()
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_was_compiled_is_read_again_and_nothing_else() {
        let (folder, engine, bytes) = (folder("whole"), engine(), large(1));
        let engine = engine.wasmtime();
        let cache = CompileCache::open(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert!(!cache.is_fast(engine, &bytes));
        cache.component(engine, &bytes).unwrap();
        assert!(cache.is_fast(engine, &bytes) && !cache.is_fast(engine, &large(2)));
        let [kept] = files(&folder).try_into().unwrap();
        assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o777, 0o600);
        cache.component(engine, &bytes).unwrap();

        // An engine of other settings has another file.
        let other = Engine::new(&EngineOptions::default().instances(1)).unwrap();
        assert!(!cache.is_fast(other.wasmtime(), &bytes));

        let whole = fs::read(&kept).unwrap();
        let mut changed = whole.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        let with_its_digest = [MAGIC.as_slice(), &Sha256::digest(b"no code"), b"no code"].concat();
        for broken in [&[][..], &whole[..10], &whole[..last], &changed, b"something else", &with_its_digest] {
            fs::write(&kept, broken).unwrap();
            cache.component(engine, &bytes).unwrap();
            assert_eq!(fs::read(&kept).unwrap(), whole, "it was compiled anew and written");
        }
        let _ = fs::remove_dir_all(folder);
    }

    #[test]
    fn what_others_could_have_written_is_not_read() {
        let (folder, engine, bytes) = (folder("foreign"), engine(), large(1));
        let engine = engine.wasmtime();
        let cache = CompileCache::open(&folder).unwrap();
        cache.component(engine, &bytes).unwrap();
        let [kept] = files(&folder).try_into().unwrap();

        fs::set_permissions(&kept, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(!cache.is_fast(engine, &bytes), "a file that others can write");
        let elsewhere = folder.join("elsewhere");
        fs::rename(&kept, &elsewhere).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&elsewhere, &kept).unwrap();
        assert!(!cache.is_fast(engine, &bytes), "a link");
        fs::rename(&elsewhere, &kept).unwrap();
        assert!(cache.is_fast(engine, &bytes));

        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(!cache.is_fast(engine, &bytes), "a folder that others can read");
        let said = CompileCache::open(&folder).unwrap_err().to_string();
        assert!(said.contains("others may read or write in it; give a folder that is yours alone"), "{said}");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        let link = folder.with_extension("link");
        let _ = fs::remove_file(&link);
        symlink(&folder, &link).unwrap();
        assert!(CompileCache::open(&link).unwrap_err().to_string().contains("it is a link"));
        let file = folder.join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(CompileCache::open(&file), Err(CacheError::Unusable { .. })));
        let _ = fs::remove_file(link);
        let _ = fs::remove_dir_all(folder);
    }

    #[test]
    fn abandoned_files_and_the_oldest_ones_go() {
        let folder = folder("prune");
        let cache = CompileCache::open(&folder).unwrap();
        let aged = |name: &str, age: u64, size: u64| {
            let file = File::create(folder.join(name)).unwrap();
            // Sparse: only its length is large.
            file.set_len(size).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        aged("1-1-1.part", 2 * 60 * 60, 1);
        aged("2-2-2.part", 60, 1);
        aged("new", 10, MOST / 2);
        aged("middle", 100, MOST / 2 - 10);
        aged("old", 1000, MOST / 2);
        cache.prune();
        let mut left: Vec<_> =
            files(&folder).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        left.sort();
        assert_eq!(left, ["2-2-2.part", "middle", "new"]);
        let _ = fs::remove_dir_all(folder);
    }
}
