//! Guests that honest compilers do not write: the contract's empty guest, with every body replaced.

use guestlist_harness::contract::types::Verdict;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, SourceMap, WorldId};

/// What every export does.
#[derive(Clone, Copy)]
pub enum Behaviour {
    /// `unreachable`, as a panic ends.
    Panics,
    /// Runs for ever.
    Loops,
    /// Takes memory until it gets no more, then gives up.
    Swells,
    /// Calls itself for ever.
    Recurses,
    /// Calls the host for ever.
    Storms,
    /// Hands the host a text of 2 MiB.
    Floods,
}

/// The plugin's world and what it depends on, changed as a text first.
pub fn contract(change: impl Fn(String) -> String) -> (Resolve, WorldId) {
    world("extension", change)
}

/// The same for the world of policies.
pub fn policy_contract(change: impl Fn(String) -> String) -> (Resolve, WorldId) {
    world("tenant-policy", change)
}

fn world(name: &str, change: impl Fn(String) -> String) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let mut package = |folder: String| {
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "wit"));
        files.sort();
        let mut map = SourceMap::default();
        for file in files {
            let text = change(std::fs::read_to_string(&file).unwrap());
            map.push(&file, text);
        }
        let group = map.parse().map_err(|(_, error)| error).unwrap();
        resolve.push_group(group).unwrap()
    };
    package(format!("{root}/deps/random"));
    let package = package(root.to_owned());
    let world = resolve.select_world(&[package], Some(name)).unwrap();
    (resolve, world)
}

/// The guest of an unchanged contract.
pub fn guest(behaviour: Behaviour) -> Vec<u8> {
    guest_of(&contract(|text| text), behaviour)
}

/// The same, and it behaves so before anybody has called it.
pub fn guest_that_starts_so(behaviour: Behaviour) -> Vec<u8> {
    build(&contract(|text| text), behaviour, true)
}

/// A policy that never answers.
pub fn policy(behaviour: Behaviour) -> Vec<u8> {
    guest_of(&policy_contract(|text| text), behaviour)
}

pub fn policy_that_starts_so(behaviour: Behaviour) -> Vec<u8> {
    build(&policy_contract(|text| text), behaviour, true)
}

/// A policy that always gives these verdicts, and the first of them at accept.
pub fn policy_answering(verdicts: &[Verdict]) -> Vec<u8> {
    policy_doing("", verdicts)
}

/// The same for one refusal, in the words that the facts have as the organization's name.
pub fn policy_that_names_the_organization() -> Vec<u8> {
    let copy =
        |from: u32, to: u32| format!("(i32.store (i32.const {to}) (i32.load offset={from} (local.get 0)))");
    // The facts begin with the surroundings, and these with the id and the name of the organization.
    let words = copy(8, VERDICTS + 8) + &copy(12, VERDICTS + 12);
    policy_doing(&words, &[Verdict::Refuse(String::new())])
}

/// Where a policy keeps its list of verdicts, and where the verdicts are.
const LIST: u32 = 16;
const VERDICTS: u32 = 1024;

fn policy_doing(first: &str, verdicts: &[Verdict]) -> Vec<u8> {
    let data = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    let list = [VERDICTS, u32::try_from(verdicts.len()).unwrap()].map(u32::to_le_bytes).concat();
    let rules = "guestlist:invitation/rules@0.1.0";
    let module = format!(
        r#"(module
            (memory (export "memory") 64)
            (global $free (mut i32) (i32.const 1048576))
            (data (i32.const {LIST}) "{}")
            (data (i32.const {VERDICTS}) "{}")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.get $free)
                (global.set $free (i32.and
                    (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7))
                    (i32.const -8))))
            (func (export "{rules}#judge-invite") (param i32) (result i32) {first} (i32.const {LIST}))
            (func (export "{rules}#judge-accept") (param i32) (result i32) {first} (i32.const {VERDICTS})))"#,
        data(&list),
        data(&stored(verdicts)),
    );
    let mut module = wat::parse_str(module).unwrap();
    let (resolve, world) = policy_contract(|text| text);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// Verdicts as they lie in memory: 40 bytes each, and what they point to behind them.
fn stored(verdicts: &[Verdict]) -> Vec<u8> {
    let mut heap = Vec::new();
    let end = VERDICTS + 40 * u32::try_from(verdicts.len()).unwrap();
    let mut list = |bytes: Vec<u8>, length: usize| {
        let at = end + u32::try_from(heap.len()).unwrap();
        heap.extend(bytes);
        heap.resize(heap.len().next_multiple_of(8), 0);
        [at, u32::try_from(length).unwrap()].map(u32::to_le_bytes).concat()
    };
    let mut all = Vec::new();
    for verdict in verdicts {
        let (case, mut content) = match verdict {
            Verdict::Allow => (0u64, Vec::new()),
            Verdict::Refuse(text) => (1, list(text.clone().into_bytes(), text.len())),
            Verdict::AllowWith(narrowed) => {
                let grants = narrowed.grants.iter().flat_map(|index| index.to_le_bytes()).collect();
                let mut content = list(grants, narrowed.grants.len());
                content.extend(u64::from(narrowed.lifetime.is_some()).to_le_bytes());
                content.extend(narrowed.lifetime.unwrap_or_default().to_le_bytes());
                content.push(narrowed.signed_in_only.into());
                (2, content)
            }
            Verdict::RequireApproval(text) => (3, list(text.clone().into_bytes(), text.len())),
            Verdict::Other(text) => (4, list(text.clone().into_bytes(), text.len())),
        };
        content.resize(32, 0);
        all.extend(case.to_le_bytes());
        all.extend(content);
    }
    [all, heap].concat()
}

pub fn guest_of(contract: &(Resolve, WorldId), behaviour: Behaviour) -> Vec<u8> {
    build(contract, behaviour, false)
}

fn build((resolve, world): &(Resolve, WorldId), behaviour: Behaviour, at_start: bool) -> Vec<u8> {
    let module = dummy_module(resolve, *world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    let mut module = replace_bodies(&module, behaviour, at_start);
    embed_component_metadata(&mut module, resolve, *world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

#[derive(Default)]
struct Shape {
    imports: u32,
    audit: u32,
    realloc: u32,
    initialize: u32,
    /// How many parameters a function has, by type; and the types of the defined functions.
    parameters: Vec<usize>,
    types: Vec<u32>,
}

fn shape(module: &[u8]) -> Shape {
    let mut shape = Shape::default();
    for payload in Parser::new(0).parse_all(module) {
        match payload.unwrap() {
            Payload::TypeSection(types) => {
                for group in types.into_iter_err_on_gc_types() {
                    shape.parameters.push(group.unwrap().params().len());
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.unwrap();
                    assert!(matches!(import.ty, TypeRef::Func(_)));
                    if import.name == "record-refusals" {
                        shape.audit = shape.imports;
                    }
                    shape.imports += 1;
                }
            }
            Payload::FunctionSection(functions) => {
                shape.types = functions.into_iter().map(Result::unwrap).collect()
            }
            Payload::ExportSection(exports) => {
                for export in exports.into_iter().map(Result::unwrap) {
                    match (export.kind, export.name) {
                        (ExternalKind::Func, "cabi_realloc") => shape.realloc = export.index,
                        (ExternalKind::Func, "_initialize") => shape.initialize = export.index,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    shape
}

fn replace_bodies(module: &[u8], behaviour: Behaviour, at_start: bool) -> Vec<u8> {
    const MEMORY: u8 = 5;
    const CODE: u8 = 10;
    let shape = shape(module);
    let mut replaced = module[..8].to_vec();
    let mut rest = &module[8..];
    while let Some((id, after)) = rest.split_first() {
        let (length, after) = number(after);
        let (content, after) = after.split_at(length);
        rest = after;
        let content = match *id {
            // One memory of at least 64 pages: 4 MiB.
            MEMORY => vec![1, 0, 64],
            CODE => code(&shape, behaviour, at_start),
            _ => content.to_vec(),
        };
        replaced.push(*id);
        write_number(content.len(), &mut replaced);
        replaced.extend(content);
    }
    replaced
}

fn code(shape: &Shape, behaviour: Behaviour, at_start: bool) -> Vec<u8> {
    let mut code = Vec::new();
    write_number(shape.types.len(), &mut code);
    for (position, ty) in shape.types.iter().enumerate() {
        let index = shape.imports + u32::try_from(position).unwrap();
        let mut body = vec![0];
        if index == shape.realloc {
            body.extend([0x41, 0x80, 0x08]); // i32.const 1024: everything in the same place
        } else if at_start || index != shape.initialize {
            body.extend(instructions(shape, behaviour, index, shape.parameters[*ty as usize]));
            body.push(0x00); // unreachable
        }
        body.push(0x0b);
        write_number(body.len(), &mut code);
        code.extend(body);
    }
    code
}

fn instructions(shape: &Shape, behaviour: Behaviour, own: u32, parameters: usize) -> Vec<u8> {
    let call = |function: u32| {
        let mut call = vec![0x10];
        write_number(function as usize, &mut call);
        call
    };
    let repeat = |inner: Vec<u8>| [vec![0x03, 0x40], inner, vec![0x0c, 0x00, 0x0b]].concat();
    match behaviour {
        Behaviour::Panics => Vec::new(),
        Behaviour::Loops => repeat(Vec::new()),
        // memory.grow 16 until it answers -1
        Behaviour::Swells => vec![0x03, 0x40, 0x41, 0x10, 0x40, 0x00, 0x41, 0x7f, 0x47, 0x0d, 0x00, 0x0b],
        Behaviour::Recurses => {
            let mut arguments = Vec::new();
            for parameter in 0..parameters {
                arguments.push(0x20);
                write_number(parameter, &mut arguments);
            }
            [arguments, call(own)].concat()
        }
        // No organization, no refusals, the answer at 0.
        Behaviour::Storms => repeat([[0x41, 0x00].repeat(6), call(shape.audit)].concat()),
        Behaviour::Floods => {
            let organization = vec![0x41, 0x01, 0x41, 0x00, 0x41, 0x80, 0x80, 0x80, 0x01];
            [organization, [0x41, 0x00].repeat(3), call(shape.audit)].concat()
        }
    }
}

fn number(mut bytes: &[u8]) -> (usize, &[u8]) {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first().unwrap();
        value |= usize::from(byte & 0x7f) << shift;
        (shift, bytes) = (shift + 7, rest);
        if byte & 0x80 == 0 {
            return (value, bytes);
        }
    }
}

fn write_number(mut value: usize, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).unwrap());
}
