//! The contract in `wit/`, as Rust types and functions.
//!
//! Inside wasm the imports call the host. Natively the same types exist, so that the plugin's logic
//! runs and is tested outside a sandbox on the very types it has inside; there they can also be
//! written as JSON, with which tests compare a native run with a sandboxed one.

#[cfg(target_arch = "wasm32")]
#[allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "generated"
)]
pub(crate) mod generated {
    wit_bindgen::generate!({
        path: "wit",
        world: "extension",
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
    });
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "generated"
)]
mod generated {
    wit_bindgen::generate!({
        path: "wit",
        world: "extension",
        generate_all,
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });

    use self::guestlist::invitation::{settings::Notices, types::Permissions};

    /// Flags are written as the list of their names: the generator derives nothing for them.
    macro_rules! flags_as_names {
        ($($flags:ty),*) => {$(
            impl serde::Serialize for $flags {
                fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    to.collect_seq(self.iter_names().map(|(name, _)| name))
                }
            }

            impl<'de> serde::Deserialize<'de> for $flags {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    let mut flags = <$flags>::empty();
                    for name in <Vec<String>>::deserialize(from)? {
                        flags |= <$flags>::from_name(&name).ok_or_else(|| serde::de::Error::custom("unknown flag"))?;
                    }
                    Ok(flags)
                }
            }
        )*};
    }
    flags_as_names!(Permissions, Notices);
}

pub use generated::exports::guestlist::invitation as exports;
pub use generated::guestlist::invitation as imports;
pub use generated::wasi::random::random;
