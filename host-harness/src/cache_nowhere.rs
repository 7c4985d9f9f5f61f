//! No cache: on this system there is no way to see whose a file is, and compiled code of others is not run.

use std::{
    convert::Infallible,
    io,
    path::{Path, PathBuf},
};

use wasmtime::component::Component;

/// A folder of compiled components; on this system there is none.
#[derive(Clone, Debug)]
pub struct CompileCache(Infallible);

/// Caches do not exist on this system.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Always.
    #[error("`{}` cannot be a cache of compiled components: {error}", .folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// The error of the file system.
        error: io::Error,
    },
}

impl CompileCache {
    /// # Errors
    ///
    /// Always.
    pub fn open(folder: &Path) -> Result<Self, CacheError> {
        Err(CacheError::Unusable { folder: folder.to_owned(), error: io::ErrorKind::Unsupported.into() })
    }

    pub(crate) fn is_fast(&self, _: &wasmtime::Engine, _: &[u8]) -> bool {
        match self.0 {}
    }

    pub(crate) fn component(&self, _: &wasmtime::Engine, _: &[u8]) -> wasmtime::Result<Component> {
        match self.0 {}
    }
}
