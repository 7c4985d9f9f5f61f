//! Finds what has changed since files were read last.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::suite::Found;

/// The look of files at an instant, as far as a change can be seen from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance(BTreeMap<PathBuf, Option<Stamp>>);

/// The time and size of a file. A file that does not exist has none.
type Stamp = (Option<SystemTime>, u64);

impl Glance {
    /// Looks at the scenarios at `paths`, as a suite finds them, and at other files.
    #[must_use]
    pub fn at<'a>(paths: &[PathBuf], others: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut found = Found::default();
        for path in paths {
            if found.find(path).is_err() {
                found.files.insert(path.clone());
            }
        }
        let mut glance = Self::default();
        glance.add(found.files.iter().map(PathBuf::as_path));
        glance.add(others);
        glance
    }

    /// Looks at more files. What is known already stays as it was.
    pub fn add<'a>(&mut self, files: impl IntoIterator<Item = &'a Path>) {
        for file in files {
            self.0.entry(file.to_owned()).or_insert_with(|| {
                let found = fs::metadata(file).ok()?;
                Some((found.modified().ok(), found.len()))
            });
        }
    }

    /// The files that have come, gone or changed until `later`.
    #[must_use]
    pub fn changed(&self, later: &Self) -> BTreeSet<PathBuf> {
        let files = self.0.keys().chain(later.0.keys());
        let look = |glance: &Self, file: &PathBuf| glance.0.get(file).copied().flatten();
        files.filter(|file| look(self, file) != look(later, file)).cloned().collect()
    }

    /// The number of files that are looked at.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::{env, fs, path::Path};

    use super::Glance;

    #[test]
    fn files_that_come_go_or_change_are_seen() {
        let folder = env::temp_dir().join(format!("guestlist-glance-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let [old, new, world] = ["old.yaml", "new.yaml", "world.txt"].map(|name| folder.join(name));
        fs::write(&old, "1").unwrap();
        let look = || Glance::at(std::slice::from_ref(&folder), [Path::new(&world)]);
        let first = look();
        assert!(first.changed(&look()).is_empty());
        fs::write(&world, "1").unwrap();
        fs::write(&new, "1").unwrap();
        let second = look();
        assert_eq!(first.changed(&second), [new.clone(), world.clone()].into());
        fs::write(&world, "12").unwrap();
        fs::remove_file(&old).unwrap();
        assert_eq!(second.changed(&look()), [old, world].into());
        fs::remove_dir_all(&folder).unwrap();
    }
}
