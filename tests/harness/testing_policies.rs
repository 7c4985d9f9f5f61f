//! The examples of `docs/testing-policies.md`, in the order in which a reader meets them: each ends as the
//! page says, and together they show every key of the format.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use guestlist_harness::{Engine, EngineOptions, Plugin};
use guestlist_scenario::{self as scenario, Loading, Options, Runner, Suite};
use serde_json::Value;

const PAGE: &str = include_str!("../../docs/testing-policies.md");

/// What the page says of an example.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Passes,
    Fails,
    IsRefused,
}

struct Example {
    file: &'static str,
    fate: Fate,
    text: &'static str,
}

/// Every block of YAML that begins with `# file: NAME.yaml`, perhaps with `, fails` or `, is refused`.
fn examples() -> Vec<Example> {
    let blocks = PAGE.split("\n```yaml\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let example = |text: &'static str| {
        let head = text.lines().next()?.strip_prefix("# file: ")?;
        let (file, fate) = match head.split_once(", ") {
            None => (head, Fate::Passes),
            Some((file, "fails")) => (file, Fate::Fails),
            Some((file, "is refused")) => (file, Fate::IsRefused),
            Some((_, other)) => panic!("`{other}` is no fate of an example"),
        };
        Some(Example { file, fate, text })
    };
    blocks.filter_map(example).collect()
}

/// An empty folder for files that refer to each other.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("testing-policies");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn every_example_ends_as_the_page_says() {
    let folder = folder();
    let engine = Engine::new(&EngineOptions::fuel().instances(64)).unwrap();
    let runner = Runner::new(Plugin::bundled(&engine).unwrap(), Options::default());
    for Example { file, fate, text } in examples() {
        let path = folder.join(file);
        fs::write(&path, text).unwrap();
        let suite = match Suite::load(&[path], &Loading::default()) {
            Ok(suite) => suite,
            Err(error) => {
                assert_eq!(fate, Fate::IsRefused, "{error}");
                continue;
            }
        };
        if suite.cases.is_empty() {
            assert_eq!(fate, Fate::Passes, "{file} is a world");
            continue;
        }
        let report = runner.run(&suite);
        let failures: Vec<_> = report.cases.iter().flat_map(|case| &case.failures).collect();
        let came = if failures.is_empty() { Fate::Passes } else { Fate::Fails };
        assert_eq!(came, fate, "{file}: {failures:#?}");
    }
}

#[test]
fn every_key_of_the_format_is_in_an_example() {
    let schema = scenario::schema::of_scenarios();
    let mut shown = BTreeSet::new();
    for example in examples().iter().filter(|example| example.fate == Fate::Passes) {
        let value: Value = serde_saphyr::from_str(example.text).unwrap();
        if value.get("steps").is_some() {
            note(&schema, "Scenario", &schema, &value, &mut shown);
        } else {
            note(&schema, "World", &schema["$defs"]["World"], &value, &mut shown);
        }
    }
    let missing: Vec<_> = keys(&schema).difference(&shown).cloned().collect();
    assert!(missing.is_empty(), "no example has {missing:?}");
}

/// Every key that the schema knows, as `Type.key`.
fn keys(schema: &Value) -> BTreeSet<String> {
    let types = schema["$defs"].as_object().unwrap().iter().map(|(name, one)| (name.as_str(), one));
    let types = types.chain([("Scenario", schema)]);
    let keys = types.flat_map(|(name, one)| {
        let properties = one["properties"].as_object().into_iter().flatten();
        properties.map(move |(key, _)| format!("{name}.{key}"))
    });
    keys.collect()
}

/// Notes the keys that a value of this type has.
fn note(root: &Value, name: &str, schema: &Value, value: &Value, shown: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/$defs/");
        note(root, name, &root["$defs"][name], value, shown);
    }
    for alternative in ["anyOf", "oneOf", "allOf"].iter().filter_map(|word| schema[word].as_array()).flatten()
    {
        note(root, name, alternative, value, shown);
    }
    for item in value.as_array().into_iter().flatten() {
        note(root, name, &schema["items"], item, shown);
    }
    for (key, field) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(property) => {
                shown.insert(format!("{name}.{key}"));
                note(root, name, property, field, shown);
            }
            None => note(root, name, &schema["additionalProperties"], field, shown),
        }
    }
}
