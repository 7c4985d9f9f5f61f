//! Names of interfaces and their versions, compared as the engine compares them.

use semver::Version;

/// `package:name/interface@version`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) package: &'a str,
    pub(super) interface: &'a str,
    /// Absent also where what stands there is no version.
    pub(super) version: Option<Version>,
}

impl<'a> Name<'a> {
    pub(super) fn parse(full: &'a str) -> Option<Self> {
        let (path, version) = match full.split_once('@') {
            Some((path, version)) => (path, Version::parse(version).ok()),
            None => (full, None),
        };
        let (package, interface) = path.split_once('/')?;
        Some(Self { package, interface, version })
    }

    pub(super) fn is_same_interface(&self, other: &Self) -> bool {
        self.package == other.package && self.interface == other.interface
    }

    /// Tells whether one may stand for the other: until 1.0 the middle number is the one that breaks, later
    /// the first, and a pre-release is compatible with itself alone.
    pub(super) fn is_compatible(&self, other: &Self) -> bool {
        let track = |version: &Version| {
            let stable = version.pre.is_empty() && (version.major, version.minor) != (0, 0);
            stable.then_some((version.major, if version.major == 0 { version.minor } else { 0 }))
        };
        let same_track = || match (&self.version, &other.version) {
            (Some(one), Some(two)) => track(one).is_some_and(|one| track(two) == Some(one)),
            _ => false,
        };
        self.is_same_interface(other) && (self.version == other.version || same_track())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compatible_as_the_engine_sees_them() {
        for (one, two, compatible) in [
            ("a:b/c@0.1.0", "a:b/c@0.1.0", true),
            ("a:b/c@0.1.7", "a:b/c@0.1.0", true),
            ("a:b/c@0.1.0+build", "a:b/c@0.1.0", true),
            ("a:b/c@0.2.0", "a:b/c@0.1.0", false),
            ("a:b/c@1.4.2", "a:b/c@1.0.0", true),
            ("a:b/c@2.0.0", "a:b/c@1.0.0", false),
            ("a:b/c@0.0.1", "a:b/c@0.0.2", false),
            ("a:b/c@0.1.0-rc.1", "a:b/c@0.1.0", false),
            ("a:b/c", "a:b/c@0.1.0", false),
            ("a:b/c@one", "a:b/c@0.1.0", false),
            ("a:b/d@0.1.0", "a:b/c@0.1.0", false),
        ] {
            let [parsed, other] = [one, two].map(|name| Name::parse(name).unwrap_or_else(|| unreachable!()));
            assert_eq!(parsed.is_compatible(&other), compatible, "{one} and {two}");
            assert_eq!(other.is_compatible(&parsed), compatible, "{two} and {one}");
        }
        assert_eq!(Name::parse("people"), None);
    }
}
