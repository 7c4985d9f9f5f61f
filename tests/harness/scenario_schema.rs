//! The schema that editors get is the one of the format.

use std::{collections::BTreeSet, env, fs, path::Path};

use guestlist_contract::Function;
use guestlist_scenario::schema;
use serde_json::{Value, json};

#[test]
fn the_schemas_in_the_documentation_are_up_to_date() {
    for (name, current) in [
        ("scenario", schema::of_scenarios()),
        ("world", schema::of_worlds()),
        ("suite", schema::of_suites()),
        ("policies", schema::of_policies()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/{name}.schema.json"));
        let current = format!("{current:#}\n");
        if env::var_os("BLESS").is_some() {
            fs::write(&path, &current).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == current,
            "the format has changed: `BLESS=1 cargo test` writes docs/{name}.schema.json anew"
        );
    }
}

#[test]
fn the_schemas_of_other_files_know_their_keys() {
    let keys = |schema: &Value, pointer: &str| -> BTreeSet<String> {
        schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let world = schema::of_worlds();
    assert!(keys(&world, "/properties").contains("organizations"));
    assert_eq!(world.pointer("/$defs/Rule/oneOf").and_then(Value::as_array).map(Vec::len), Some(4));
    assert_eq!(keys(&schema::of_suites(), "/properties"), ["policy".to_owned()].into());
    let policies = schema::of_policies();
    assert_eq!(policies["required"], json!(["others"]));
    assert!(policies.pointer("/$defs/Entry/properties/sha256/pattern").is_some());
    for schema in [world, schema::of_suites(), policies] {
        assert_eq!(schema["additionalProperties"], json!(false));
    }
}

#[test]
fn the_schema_knows_what_the_types_do_not_say() {
    let schema = schema::of_scenarios();
    let at = |pointer: &str| schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is missing"));
    let step = at("/$defs/Step");
    let choices: BTreeSet<_> = step["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|choice| choice["required"][0].as_str().unwrap())
        .collect();
    let besides = ["as", "in", "reason", "fault", "expect"];
    let keys: BTreeSet<_> = step["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let actions: BTreeSet<_> = keys.into_iter().filter(|key| !besides.contains(key)).collect();
    assert_eq!(choices, actions, "every key that is no action is known here");
    assert_eq!(step["additionalProperties"], json!(false));
    assert_eq!(at("/$defs/Handle/oneOf").as_array().map(Vec::len), Some(4));
    assert_eq!(at("/$defs/Event/maxProperties"), &json!(1));
    assert_eq!(at("/$defs/Outcome/not/anyOf").as_array().map(Vec::len), Some(3));
    assert_eq!(at("/$defs/Race/properties/of/minItems"), &json!(2));
    assert_eq!(at("/properties/steps/minItems"), &json!(1));
    let functions: Vec<_> = Function::ALL.iter().map(|function| function.name()).collect();
    assert_eq!(at("/$defs/FaultEntry/properties/call/enum"), &json!(functions));
    assert!(at("/$defs/List/properties/states/items/enum").as_array().unwrap().contains(&json!("pending")));
    assert!(at("/$defs/Outcome/properties/broken/enum").as_array().unwrap().contains(&json!("crash")));
    assert!(at("/$defs/Outcome/properties/fuel/pattern").is_string());
    assert!(at("/$defs/Step/properties/advance/pattern").is_string());
    assert_eq!(at("/properties/name/description"), &json!("A sentence about what it shows."));
    assert!(!has_null(&schema), "a key is left out, not `null`");
    assert!(has_null(at("/$defs/SettingsPatch")), "but a setting can be taken away");
}

fn has_null(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let is_null = |value: &Value| *value == json!("null");
            fields.get("type").is_some_and(|kind| {
                is_null(kind) || kind.as_array().is_some_and(|all| all.iter().any(is_null))
            }) || fields.iter().any(|(name, value)| name != "SettingsPatch" && has_null(value))
        }
        Value::Array(items) => items.iter().any(has_null),
        _ => false,
    }
}
