//! Where a request acts: the root and the organization that its path names.

use axum::extract::RawPathParams;

use crate::{app::App, problem::Problem};

/// The names of a path, as they stand there.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The handle of the root.
    pub root: Option<String>,
    /// The handle or id of the organization.
    pub organization: Option<String>,
}

impl Named {
    /// The names of a matched path: `{root}` and `{organization}`.
    pub fn of(params: &RawPathParams) -> Self {
        let named =
            |wanted: &str| params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned());
        Self { root: named("root"), organization: named("organization") }
    }
}

/// A root, and an organization below it where the path names one.
#[derive(Clone, Debug)]
pub struct Place {
    /// The id of the root.
    pub root: String,
    /// The handle of the root.
    pub handle: String,
    /// The id of the organization.
    pub organization: Option<String>,
}

impl App {
    /// Finds the place that a path names. Roots see nothing of each other: an organization of another is none.
    ///
    /// # Errors
    /// There is none, or the database has no answer.
    pub async fn place(&self, named: Named) -> Result<Place, Problem> {
        let handle = named.root.or_else(|| self.config.default_root.clone()).ok_or_else(|| {
            Problem::not_found("path: it names no root, as in `/t/ROOT/..`, and there is no `default-root`")
        })?;
        let root = self.accounts.root_by_handle(&handle).await?;
        let root = root.ok_or_else(|| Problem::not_found("root organization"))?.id;
        let organization = match named.organization {
            None => None,
            Some(name) => {
                let found = self.accounts.organization_by_handle(&root, &name).await?;
                Some(found.ok_or_else(|| Problem::not_found("organization"))?.id)
            }
        };
        Ok(Place { root, handle, organization })
    }
}
