//! Producers of a component, as it names them.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{Parser, Payload, ProducersSectionReader};

/// Collects what all `producers` sections say, at every depth: up to what is no WebAssembly any more.
pub(crate) fn producers(bytes: &[u8]) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        if section.name() != "producers" {
            continue;
        }
        let Ok(fields) = ProducersSectionReader::new(section.data_reader()) else { continue };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                let words = if value.version.is_empty() {
                    value.name.to_owned()
                } else {
                    format!("{} {}", value.name, value.version)
                };
                told.entry(field.name.to_owned()).or_default().insert(words);
            }
        }
    }
    told
}
