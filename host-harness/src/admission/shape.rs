//! Tells which types of a component differ from the contract's, and how.
//!
//! The engine demands equal types and tells where it met the first difference, without the names of
//! types, which it does not keep. But every interface that a component imports or exports says the names
//! of its own, and an example of this build has the contract's: so both can be walked side by side and a
//! changed type be told by its name, once for all functions that it changes.

use std::sync::LazyLock;

use wasmtime::{
    Config, Engine, OptLevel,
    component::{
        Component,
        types::{self, ComponentFunc, ComponentItem, Type},
    },
};

use super::{
    AdmissionProblem, Age,
    name::Name,
    names::{exported, is_lent},
    world::World,
};

/// The contract, as the examples of this build have it. Made when it is first needed, and not optimised
/// since it never runs; absent where nothing compiles at all.
static EXTENSION: LazyLock<Option<Surface>> = LazyLock::new(|| Surface::expected(World::Extension));
static TENANT_POLICY: LazyLock<Option<Surface>> = LazyLock::new(|| Surface::expected(World::TenantPolicy));

/// No more of a type than this is written out.
const WIDTH: usize = 100;

/// Every difference, with the functions that have to do with it.
pub(super) fn compare(component: &Component, world: World) -> Vec<AdmissionProblem> {
    let theirs = Surface::of(component, world);
    let ours = match world {
        World::Extension => &*EXTENSION,
        World::TenantPolicy => &*TENANT_POLICY,
    };
    let Some(ours) = ours else { return Vec::new() };
    let mut all: Vec<(Difference, Vec<String>)> = Vec::new();
    for function in &theirs.functions {
        let Some(known) = ours.functions.iter().find(|ours| ours.is_same(function)) else { continue };
        let mut walk = Walk { theirs: &theirs, ours, interface: &function.interface, found: Vec::new() };
        walk.functions(&function.ty, &known.ty);
        for difference in walk.found {
            let name = format!("{}.{}", function.interface, function.name);
            match all.iter_mut().find(|(known, _)| *known == difference) {
                Some((_, functions)) if functions.contains(&name) => {}
                Some((_, functions)) => functions.push(name),
                None => all.push((difference, vec![name])),
            }
        }
    }
    let problem = |(difference, functions): (Difference, _)| {
        let Difference { text: difference, age } = difference;
        AdmissionProblem::Reshaped { functions, difference, age }
    };
    all.into_iter().map(problem).collect()
}

#[derive(PartialEq, Eq)]
struct Difference {
    text: String,
    age: Age,
}

/// The part of a component that belongs to the interfaces of the contract.
struct Surface {
    functions: Vec<Item<ComponentFunc>>,
    types: Vec<Item<Type>>,
}

struct Item<T> {
    interface: String,
    name: String,
    ty: T,
}

impl<T> Item<T> {
    fn is_same<U>(&self, other: &Item<U>) -> bool {
        self.interface == other.interface && self.name == other.name
    }
}

impl Surface {
    fn expected(world: World) -> Option<Self> {
        let mut config = Config::new();
        config.cranelift_opt_level(OptLevel::None);
        let component = Component::from_binary(&Engine::new(&config).ok()?, world.example()).ok()?;
        Some(Self::of(&component, world))
    }

    fn of(component: &Component, world: World) -> Self {
        let engine = component.engine();
        let shape = component.component_type();
        let mut surface = Self { functions: Vec::new(), types: Vec::new() };
        let imports =
            shape.imports(engine).filter(|(name, _)| Name::parse(name).is_some_and(|n| is_lent(&n)));
        let names: Vec<&str> = shape.exports(engine).map(|(name, _)| name).collect();
        let taken = world.exports().iter().map(|interface| exported(&names, interface).and_then(Result::ok));
        let taken: Vec<_> = taken.collect();
        let exports = shape.exports(engine).filter(|(name, _)| taken.contains(&Some(name)));
        for (name, item) in imports.chain(exports) {
            if let (Some(name), ComponentItem::ComponentInstance(instance)) = (Name::parse(name), item.ty) {
                surface.add(engine, name.interface, &instance);
            }
        }
        surface
    }

    fn add(&mut self, engine: &Engine, interface: &str, instance: &types::ComponentInstance) {
        for (name, item) in instance.exports(engine) {
            let (interface, name) = (interface.to_owned(), name.to_owned());
            match item.ty {
                ComponentItem::ComponentFunc(ty) => self.functions.push(Item { interface, name, ty }),
                ComponentItem::Type(ty) => self.types.push(Item { interface, name, ty }),
                _ => {}
            }
        }
    }

    /// The name of a type; `interface` is asked first. A name for a simple type is not told from
    /// another for the same one.
    fn name(&self, interface: &str, ty: &Type) -> Option<&str> {
        if !matches!(ty, Type::Record(_) | Type::Variant(_) | Type::Enum(_) | Type::Flags(_)) {
            return None;
        }
        let (own, other): (Vec<_>, Vec<_>) = self.types.iter().partition(|item| item.interface == interface);
        own.into_iter().chain(other).find(|item| item.ty == *ty).map(|item| item.name.as_str())
    }

    /// A type in short, as it is written in the contract.
    fn write(&self, interface: &str, ty: &Type, to: &mut String) {
        if to.len() > WIDTH {
            return;
        }
        let mut nested = |around: &str, inner: &[Option<Type>]| {
            to.push_str(around);
            for (index, ty) in inner.iter().enumerate() {
                if to.len() > WIDTH {
                    to.push_str(" ..");
                    break;
                }
                to.push_str(if index == 0 { "<" } else { ", " });
                match ty {
                    Some(ty) => self.write(interface, ty, to),
                    None => to.push('_'),
                }
            }
            if !inner.is_empty() {
                to.push('>');
            }
        };
        match ty {
            Type::List(list) => nested("list", &[Some(list.ty())]),
            Type::Option(option) => nested("option", &[Some(option.ty())]),
            Type::Tuple(tuple) => nested("tuple", &tuple.types().map(Some).collect::<Vec<_>>()),
            Type::Result(result) => match (result.ok(), result.err()) {
                (None, None) => nested("result", &[]),
                (ok, None) => nested("result", &[ok]),
                (ok, err) => nested("result", &[ok, err]),
            },
            ty => to.push_str(self.name(interface, ty).unwrap_or_else(|| word(ty))),
        }
    }

    fn show(&self, interface: &str, ty: Option<&Type>) -> String {
        let Some(ty) = ty else { return "nothing".to_owned() };
        let mut text = String::new();
        self.write(interface, ty, &mut text);
        format!("`{text}`")
    }
}

/// Names the kind of a type, without what is in it.
fn word(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::S8 => "s8",
        Type::U8 => "u8",
        Type::S16 => "s16",
        Type::U16 => "u16",
        Type::S32 => "s32",
        Type::U32 => "u32",
        Type::S64 => "s64",
        Type::U64 => "u64",
        Type::Float32 => "f32",
        Type::Float64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::List(_) | Type::FixedLengthList(_) => "list",
        Type::Map(_) => "map",
        Type::Record(_) => "record",
        Type::Tuple(_) => "tuple",
        Type::Variant(_) => "variant",
        Type::Enum(_) => "enum",
        Type::Option(_) => "option",
        Type::Result(_) => "result",
        Type::Flags(_) => "flags",
        Type::Own(_) | Type::Borrow(_) => "resource",
        Type::Future(_) => "future",
        Type::Stream(_) => "stream",
        Type::ErrorContext => "error-context",
    }
}

/// A place where a type stands, with all that stands there on both sides.
struct Place<'a> {
    words: &'a str,
    theirs: Option<&'a Type>,
    ours: Option<&'a Type>,
}

/// Walks two functions side by side. It goes no deeper than the contract does.
struct Walk<'a> {
    theirs: &'a Surface,
    ours: &'a Surface,
    interface: &'a str,
    found: Vec<Difference>,
}

impl Walk<'_> {
    fn functions(&mut self, theirs: &ComponentFunc, ours: &ComponentFunc) {
        let (parameters, known): (Vec<_>, Vec<_>) = (theirs.params().collect(), ours.params().collect());
        // Like the engine: the names of parameters do not matter, their places do.
        if parameters.len() == known.len() {
            for ((_, theirs), (name, ours)) in parameters.iter().zip(&known) {
                self.place(&format!("its parameter `{name}`"), Some(theirs), Some(ours));
            }
        } else {
            self.members("it", "parameter", &parameters, &known, |_, _, _| {});
        }
        self.place("its answer", theirs.results().next().as_ref(), ours.results().next().as_ref());
    }

    fn place(&mut self, words: &str, theirs: Option<&Type>, ours: Option<&Type>) {
        let place = Place { words, theirs, ours };
        self.optional(&place, theirs, ours);
    }

    fn optional(&mut self, place: &Place<'_>, theirs: Option<&Type>, ours: Option<&Type>) {
        match (theirs, ours) {
            (None, None) => {}
            (Some(theirs), Some(ours)) => self.types(place, theirs, ours),
            _ => self.retyped(place),
        }
    }

    fn types(&mut self, place: &Place<'_>, theirs: &Type, ours: &Type) {
        if theirs == ours {
            return;
        }
        match (theirs, ours) {
            (Type::List(theirs), Type::List(ours)) => self.types(place, &theirs.ty(), &ours.ty()),
            (Type::Option(theirs), Type::Option(ours)) => self.types(place, &theirs.ty(), &ours.ty()),
            (Type::Result(theirs), Type::Result(ours)) => {
                self.optional(place, theirs.ok().as_ref(), ours.ok().as_ref());
                self.optional(place, theirs.err().as_ref(), ours.err().as_ref());
            }
            (Type::Tuple(theirs), Type::Tuple(ours)) if theirs.types().len() == ours.types().len() => {
                for (theirs, ours) in theirs.types().zip(ours.types()) {
                    self.types(place, &theirs, &ours);
                }
            }
            (Type::Record(a), Type::Record(b)) => {
                let Some(whole) = self.whole(place, theirs, ours) else { return self.retyped(place) };
                let theirs: Vec<_> = a.fields().map(|field| (field.name, field.ty)).collect();
                let ours: Vec<_> = b.fields().map(|field| (field.name, field.ty)).collect();
                self.members(&whole, "field", &theirs, &ours, |walk, theirs, ours| {
                    let words = format!("the field `{}` of {whole}", ours.0);
                    walk.place(&words, Some(&theirs.1), Some(&ours.1));
                });
            }
            (Type::Variant(a), Type::Variant(b)) => {
                let Some(whole) = self.whole(place, theirs, ours) else { return self.retyped(place) };
                let theirs: Vec<_> = a.cases().map(|case| (case.name, case.ty)).collect();
                let ours: Vec<_> = b.cases().map(|case| (case.name, case.ty)).collect();
                self.members(&whole, "case", &theirs, &ours, |walk, theirs, ours| {
                    let words = format!("the case `{}` of {whole}", ours.0);
                    walk.place(&words, theirs.1.as_ref(), ours.1.as_ref());
                });
            }
            (Type::Enum(a), Type::Enum(b)) => {
                let Some(whole) = self.whole(place, theirs, ours) else { return self.retyped(place) };
                let (theirs, ours) = (named(a.names()), named(b.names()));
                self.members(&whole, "case", &theirs, &ours, |_, _, _| {});
            }
            (Type::Flags(a), Type::Flags(b)) => {
                let Some(whole) = self.whole(place, theirs, ours) else { return self.retyped(place) };
                let (theirs, ours) = (named(a.names()), named(b.names()));
                self.members(&whole, "flag", &theirs, &ours, |_, _, _| {});
            }
            _ => self.retyped(place),
        }
    }

    /// The type that changed, in words; none if another type stands here, which may not have changed
    /// at all.
    fn whole(&self, place: &Place<'_>, theirs: &Type, ours: &Type) -> Option<String> {
        let kind = word(ours);
        // Types of the same make are told apart by the pair: both have to have the name.
        let candidates = self.ours.types.iter().filter(|item| item.ty == *ours);
        let mut pairs = candidates.filter(|candidate| {
            self.theirs.types.iter().any(|item| item.is_same(candidate) && item.ty == *theirs)
        });
        if let Some(pair) = pairs.next() {
            return Some(format!("{kind} `{}`", pair.name));
        }
        let known = self.ours.name(self.interface, ours).is_some();
        let other = self.theirs.name(self.interface, theirs).is_some();
        if known && other { None } else { Some(format!("the {kind} in {}", place.words)) }
    }

    fn retyped(&mut self, place: &Place<'_>) {
        let theirs = self.theirs.show(self.interface, place.theirs);
        let ours = self.ours.show(self.interface, place.ours);
        let text = if theirs == ours {
            format!("{} is another {theirs}", place.words)
        } else {
            format!("{} is {theirs} and not {ours}", place.words)
        };
        self.add(text, Age::Unclear);
    }

    /// Compares what two types consist of, and what both have with `each`.
    fn members<T>(
        &mut self,
        whole: &str,
        noun: &str,
        theirs: &[(&str, T)],
        ours: &[(&str, T)],
        mut each: impl FnMut(&mut Self, &(&str, T), &(&str, T)),
    ) {
        let other = |these: &[(&str, T)], those: &[(&str, T)]| {
            let lacking = these.iter().filter(|(name, _)| those.iter().all(|(known, _)| known != name));
            let names: Vec<_> = lacking.map(|(name, _)| format!("`{name}`")).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            (!names.is_empty()).then(|| format!("the {noun}{plural} {}", names.join(", ")))
        };
        match (other(theirs, ours), other(ours, theirs)) {
            (Some(new), None) => {
                self.add(format!("{whole} has {new}, which this host does not know"), Age::Newer);
            }
            (None, Some(missing)) => self.add(format!("{whole} lacks {missing}"), Age::Older),
            (Some(new), Some(missing)) => {
                let text = format!("{whole} has {new}, which this host does not know, and lacks {missing}");
                self.add(text, Age::Unclear);
            }
            (None, None) if theirs.iter().map(|(name, _)| name).ne(ours.iter().map(|(name, _)| name)) => {
                self.add(format!("{whole} has its {noun}s in another order"), Age::Unclear);
            }
            (None, None) => {}
        }
        for member in theirs {
            if let Some(known) = ours.iter().find(|(name, _)| *name == member.0) {
                each(self, member, known);
            }
        }
    }

    fn add(&mut self, text: String, age: Age) {
        let difference = Difference { text, age };
        if !self.found.contains(&difference) {
            self.found.push(difference);
        }
    }
}

fn named<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, ())> {
    names.map(|name| (name, ())).collect()
}
