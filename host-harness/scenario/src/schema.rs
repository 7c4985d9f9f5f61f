//! The JSON Schema of scenario files: editors complete and check with it what a person types.
//!
//! It comes from the types of the format. What these leave to a check of their own (exactly one action,
//! the words that are known, the shape of a length of time) is added here.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    format::{ACTIONS, Scenario},
    suite::SuiteFile,
};
use guestlist_memory::World;
use guestlist_policies::Manifest;

/// The JSON Schema of a kind of file.
fn of<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    without_null(&mut schema);
    set(&mut schema, "/title", json!(title));
    schema
}

/// The JSON Schema of a world file.
#[must_use]
pub fn of_worlds() -> Value {
    let mut schema = of::<World>("A world of Guestlist");
    one_verdict(&mut schema);
    schema
}

/// The JSON Schema of `suite.yaml`.
#[must_use]
pub fn of_suites() -> Value {
    of::<SuiteFile>("The mark of a suite of scenarios of Guestlist")
}

/// The JSON Schema of `policies.yaml`.
#[must_use]
pub fn of_policies() -> Value {
    let mut schema = of::<Manifest>("A folder of policies of Guestlist");
    set(&mut schema, "/$defs/Entry/properties/sha256/pattern", json!("^[0-9A-Fa-f]{64}$"));
    schema
}

/// A rule has one verdict; approval of less is one.
fn one_verdict(schema: &mut Value) {
    let alone = |name: &str| json!({ "required": [name] });
    let less = json!({ "required": ["narrow"], "not": alone("require-approval") });
    let one_of = json!([alone("allow"), alone("refuse"), alone("require-approval"), less]);
    set(schema, "/$defs/Rule/oneOf", one_of);
}

/// The JSON Schema of a scenario file.
#[must_use]
pub fn of_scenarios() -> Value {
    let mut schema = of::<Scenario>("A scenario of Guestlist");
    one_verdict(&mut schema);
    let one_of = |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect::<Value>();
    set(&mut schema, "/$defs/Step/oneOf", one_of(&ACTIONS));
    set(&mut schema, "/$defs/Handle/oneOf", one_of(&["code", "invitation", "text", "never-issued"]));
    set(&mut schema, "/$defs/Event/minProperties", json!(1));
    set(&mut schema, "/$defs/Event/maxProperties", json!(1));
    let pairs = [["answer", "refused"], ["answer", "broken"], ["refused", "broken"]];
    let pairs: Value = pairs.iter().map(|pair| json!({ "required": pair })).collect();
    set(&mut schema, "/$defs/Outcome/not", json!({ "anyOf": pairs }));
    set(&mut schema, "/properties/steps/minItems", json!(1));
    set(&mut schema, "/$defs/Race/properties/of/minItems", json!(2));
    schema
}

/// Sets a key of an object that is there; the tests see when it is not.
fn set(schema: &mut Value, pointer: &str, value: Value) {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(fields)) = schema.pointer_mut(parent) {
        fields.insert(key.to_owned(), value);
    }
}

/// A key that may be left out is not written as `null`: `- list:` would do nothing. A setting may be: it
/// takes a limit away.
fn without_null(schema: &mut Value) {
    let null = json!("null");
    match schema {
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|name| *name != null);
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    fields.insert("type".into(), one);
                }
            }
            if let Some(Value::Array(words)) = fields.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            if fields.get("default").is_some_and(Value::is_null) {
                fields.remove("default");
            }
            if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type") != Some(&null));
                if let [Value::Object(one)] = choices.as_slice() {
                    let one = one.clone();
                    fields.remove("anyOf");
                    fields.extend(one);
                }
            }
            let others = fields.iter_mut().filter(|(name, _)| *name != "SettingsPatch");
            others.for_each(|(_, value)| without_null(value));
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
