//! Artifacts of the build for hosts on runtimes without components, and for tools that show the contract.

use std::collections::BTreeSet;

use guestlist_contract::Function;
use guestlist_harness::{BUNDLED, CONTRACT_JSON, CONTRACT_WIT, CORE_MODULE};
use serde_json::Value;
use wasmparser::{Parser, Payload, TypeRef, Validator, WasmFeatures};

#[test]
fn the_core_module_needs_no_more_than_wasm_2() {
    Validator::new_with_features(WasmFeatures::WASM2).validate_all(CORE_MODULE).unwrap();
}

#[test]
fn the_core_module_imports_only_functions_of_the_contract() {
    let known: BTreeSet<_> = Function::ALL
        .iter()
        .map(|function| (function.interface(), function.name().split_once('.').unwrap().1))
        .collect();
    let mut count = 0;
    for payload in Parser::new(0).parse_all(CORE_MODULE) {
        let Payload::ImportSection(imports) = payload.unwrap() else { continue };
        for import in imports.into_imports() {
            let import = import.unwrap();
            assert!(matches!(import.ty, TypeRef::Func(_)), "{import:?}");
            assert!(known.contains(&(import.module, import.name)), "{import:?}");
            count += 1;
        }
    }
    assert_eq!(count, Function::ALL.len());
}

#[test]
fn the_contract_as_data_has_every_function_with_its_comment() {
    let contract: Value = serde_json::from_str(CONTRACT_JSON).unwrap();
    let interfaces = contract["interfaces"].as_array().unwrap();
    let storage = interfaces.iter().find(|interface| interface["name"] == "storage").unwrap();
    assert!(storage["functions"]["by-code"]["docs"]["contents"].as_str().unwrap().len() > 100);
    for function in Function::ALL {
        let (_, name) = function.name().split_once('.').unwrap();
        let found = interfaces.iter().any(|interface| interface["functions"].get(name).is_some());
        assert!(found, "{function}");
        assert!(
            CONTRACT_WIT.contains(&format!("{name}: func("))
                || CONTRACT_WIT.contains(&format!("%{name}: func("))
        );
    }
}

#[test]
fn the_component_carries_the_comments_of_the_contract() {
    let section = Parser::new(0).parse_all(BUNDLED).find_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) if section.name() == "package-docs" => Some(section.data().to_vec()),
        _ => None,
    });
    // A byte for the version, and JSON.
    let section = section.unwrap();
    let comments: Value = serde_json::from_slice(&section[1..]).unwrap();
    assert!(comments["interfaces"]["storage"]["funcs"]["by-code"]["docs"].as_str().unwrap().len() > 100);
}
