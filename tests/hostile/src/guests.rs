//! Guests that honest compilers do not write: the contract's empty guest, with every body replaced by
//! WebAssembly text.

use guestlist_contract::types::{Narrowed, Verdict};
use wasmparser::{CompositeInnerType, ExternalKind, FuncType, Parser, Payload, TypeRef, ValType};
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

impl Behaviour {
    /// As WebAssembly text.
    fn text(self) -> &'static str {
        match self {
            Self::Panics => "",
            Self::Loops => "(loop (br 0))",
            Self::Swells => "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))",
            Self::Recurses => AGAIN,
            // No organization, no refusals, the answer at 0.
            Self::Storms => {
                "(loop
                    (call $audit.record-refusals (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                        (i32.const 0) (i32.const 0))
                    (br 0))"
            }
            Self::Floods => {
                "(call $audit.record-refusals (i32.const 1) (i32.const 0) (i32.const 0x200000) (i32.const 0)
                    (i32.const 0) (i32.const 0))"
            }
        }
    }
}

/// In a [`Body`]: the function calls itself with its own arguments.
pub const AGAIN: &str = "<again>";

/// What the functions of a guest do, as WebAssembly text. The functions that the guest imports are named as
/// in `$storage.by-code`.
#[derive(Clone)]
pub struct Body {
    /// The exports of the contract; `unreachable` follows.
    pub run: String,
    /// What is called after an export, to give back its answer.
    pub after: String,
    /// `cabi_realloc`, with the parameters 0 to 3: whoever writes something into the guest asks it where to.
    pub realloc: String,
    /// When the instance is made.
    pub start: String,
    /// More fields of the module, imports left out.
    pub fields: String,
    /// More imports.
    pub imports: String,
    /// The memory at the beginning, in pages of 64 KiB.
    pub pages: u32,
}

impl Body {
    /// The exports do so, and everything else as little as possible.
    pub fn new(run: impl Into<String>) -> Self {
        Self {
            run: run.into(),
            after: String::new(),
            // Everything in the same place.
            realloc: "(i32.const 0x8000)".into(),
            start: String::new(),
            fields: String::new(),
            imports: String::new(),
            pages: 64,
        }
    }
}

impl From<Behaviour> for Body {
    fn from(behaviour: Behaviour) -> Self {
        Self::new(behaviour.text())
    }
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
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
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
    package(format!("{root}/../policies/wit/deps/debug"));
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
    starting(&contract(|text| text), behaviour)
}

/// A policy that never answers.
pub fn policy(behaviour: Behaviour) -> Vec<u8> {
    guest_of(&policy_contract(|text| text), behaviour)
}

pub fn policy_that_starts_so(behaviour: Behaviour) -> Vec<u8> {
    starting(&policy_contract(|text| text), behaviour)
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

/// A policy that prints a text so many times, tells one as the words of an exception, and breaks off.
pub fn policy_that_talks(printed: &str, times: u32, failed: &str) -> Vec<u8> {
    let log = "world tenant-policy {\n    import guestlist:debug/log@0.1.0;";
    let contract = policy_contract(|text| text.replace("world tenant-policy {", log));
    let call = |function: &str, at: u32, text: &str| {
        format!("(call $log.{function} (i32.const {at}) (i32.const {}))", text.len())
    };
    let body = Body {
        fields: format!(
            "(global $left (mut i32) (i32.const {times})) {} {}",
            data(1 << 16, printed.as_bytes()),
            data(1 << 19, failed.as_bytes())
        ),
        ..Body::new(format!(
            "(loop {} (global.set $left (i32.sub (global.get $left) (i32.const 1))) (br_if 0 (global.get $left))) {}",
            call("print", 1 << 16, printed),
            call("fail", 1 << 19, failed)
        ))
    };
    build(&contract, &body)
}

/// Where a policy keeps its list of verdicts, and where the verdicts are.
pub const LIST: u32 = 16;
pub const VERDICTS: u32 = 1024;

fn policy_doing(first: &str, verdicts: &[Verdict]) -> Vec<u8> {
    let list = [VERDICTS, u32::try_from(verdicts.len()).unwrap()].map(u32::to_le_bytes).concat();
    let body = Body {
        fields: format!(
            "(global $free (mut i32) (i32.const 0x100000)) {} {}",
            data(LIST, &list),
            data(VERDICTS, &stored(verdicts))
        ),
        realloc: "(global.get $free)
            (global.set $free (i32.and
                (i32.add (i32.add (global.get $free) (local.get 3)) (i32.const 7))
                (i32.const -8)))"
            .into(),
        ..Body::new(format!("{first} (return (i32.const <list-or-verdict>))"))
    };
    build(&policy_contract(|text| text), &body)
}

/// A data segment.
pub fn data(at: u32, bytes: &[u8]) -> String {
    let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{bytes}\")")
}

/// Verdicts as they lie in memory: 56 bytes each, and what they point to behind them.
fn stored(verdicts: &[Verdict]) -> Vec<u8> {
    let mut heap = Vec::new();
    let end = VERDICTS + 56 * u32::try_from(verdicts.len()).unwrap();
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
            Verdict::AllowWith(narrowed) => (2, less(narrowed, &mut list)),
            Verdict::RequireApproval(approval) => {
                let mut content = list(approval.reason.clone().into_bytes(), approval.reason.len());
                content.extend(u64::from(approval.narrowed.is_some()).to_le_bytes());
                content.extend(approval.narrowed.iter().flat_map(|narrowed| less(narrowed, &mut list)));
                (3, content)
            }
            Verdict::Other(text) => (4, list(text.clone().into_bytes(), text.len())),
        };
        content.resize(48, 0);
        all.extend(case.to_le_bytes());
        all.extend(content);
    }
    [all, heap].concat()
}

/// A `narrowed`, as it lies in memory.
fn less(narrowed: &Narrowed, list: &mut impl FnMut(Vec<u8>, usize) -> Vec<u8>) -> Vec<u8> {
    let grants = narrowed.grants.iter().flat_map(|index| index.to_le_bytes()).collect();
    let mut content = list(grants, narrowed.grants.len());
    content.extend(u64::from(narrowed.lifetime.is_some()).to_le_bytes());
    content.extend(narrowed.lifetime.unwrap_or_default().to_le_bytes());
    content.push(narrowed.signed_in_only.into());
    content
}

pub fn guest_of(contract: &(Resolve, WorldId), behaviour: Behaviour) -> Vec<u8> {
    build(contract, &behaviour.into())
}

fn starting(contract: &(Resolve, WorldId), behaviour: Behaviour) -> Vec<u8> {
    let start = behaviour.text().replace(AGAIN, "(call $start)") + "(unreachable)";
    build(contract, &Body { start, ..behaviour.into() })
}

/// A component of the contract's world with these functions.
pub fn build((resolve, world): &(Resolve, WorldId), body: &Body) -> Vec<u8> {
    let dummy = dummy_module(resolve, *world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    let mut module = wat::parse_str(text(&dummy, body)).unwrap();
    embed_component_metadata(&mut module, resolve, *world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A module with the imports and exports of `dummy`.
fn text(dummy: &[u8], body: &Body) -> String {
    let (mut imports, mut exports) = (String::new(), String::new());
    let (mut types, mut defined, mut imported) = (Vec::<FuncType>::new(), Vec::<u32>::new(), 0);
    for payload in Parser::new(0).parse_all(dummy) {
        match payload.unwrap() {
            Payload::TypeSection(section) => {
                for ty in section.into_iter().flat_map(|group| group.unwrap().into_types()) {
                    let CompositeInnerType::Func(function) = ty.composite_type.inner else { unreachable!() };
                    types.push(function);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports().map(Result::unwrap) {
                    let TypeRef::Func(ty) = import.ty else { unreachable!() };
                    let (module, name) = (import.module, import.name);
                    let interface = module.rsplit('/').next().unwrap().split('@').next().unwrap();
                    let (id, signature) =
                        (id(&format!("{interface}.{name}")), signature(&types[ty as usize]));
                    imports += &format!("(import \"{module}\" \"{name}\" (func ${id} {signature}))\n");
                    imported += 1;
                }
            }
            Payload::FunctionSection(section) => defined = section.into_iter().map(Result::unwrap).collect(),
            Payload::ExportSection(section) => {
                for export in section.into_iter().map(Result::unwrap) {
                    if export.kind == ExternalKind::Func {
                        let ty = &types[defined[(export.index - imported) as usize] as usize];
                        exports += &function(export.name, ty, body);
                    }
                }
            }
            _ => {}
        }
    }
    let Body { imports: more, fields, pages, .. } = body;
    format!("(module {imports} {more} (memory (export \"memory\") {pages}) {exports} {fields})")
}

fn function(name: &str, ty: &FuncType, body: &Body) -> String {
    let id = id(name);
    let (id, instructions) = match name {
        "cabi_realloc" => ("realloc", body.realloc.clone()),
        "_initialize" => ("start", body.start.clone()),
        post if post.starts_with("cabi_post_") => (&*id, body.after.clone()),
        _ => {
            let arguments: String =
                (0..ty.params().len()).map(|index| format!("(local.get {index})")).collect();
            // All but `judge-accept` answer with what lies there; it answers with the one verdict itself.
            let answer = if name.ends_with("judge-accept") { VERDICTS } else { LIST };
            let run = body.run.replace(AGAIN, &format!("(call ${id} {arguments})"));
            (&*id, run.replace("<list-or-verdict>", &answer.to_string()) + "(unreachable)")
        }
    };
    format!("(func ${id} (export \"{name}\") {} {instructions})\n", signature(ty))
}

/// A name as the text may have it behind a `$`.
fn id(name: &str) -> String {
    name.replace(['[', ']'], "_")
}

fn signature(ty: &FuncType) -> String {
    let all = |types: &[ValType]| types.iter().map(|ty| format!(" {ty}")).collect::<String>();
    format!("(param{}) (result{})", all(ty.params()), all(ty.results()))
}
