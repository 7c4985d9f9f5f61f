//! The part of the contract that a policy's folder has.

use std::path::Path;

use guestlist_testkit::words::pascal;
use wit_parser::{
    Function, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, TypeOwner, WorldItem, WorldKey,
};

use crate::Failure;

/// The world that a policy is.
const WORLD: &str = "tenant-policy";

pub struct Contract {
    resolve: Resolve,
    /// What the policy exports.
    exported: wit_parser::InterfaceId,
}

/// A type with its name, where it is not one for something else.
pub struct Named<'a> {
    pub name: &'a str,
    pub docs: &'a str,
    pub kind: &'a TypeDefKind,
    /// The interface that it stands in.
    pub home: &'a str,
}

impl Contract {
    pub fn of(folder: &Path) -> Result<Self, Failure> {
        let mut resolve = Resolve::default();
        let wit = folder.join("wit");
        let read = resolve.push_dir(&wit);
        let (package, _) = read.map_err(|error| format!("`{}`: {error:#}", wit.display()))?;
        let world = resolve.select_world(&[package], Some(WORLD));
        let world = world.map_err(|error| format!("`{}`: {error:#}", wit.display()))?;
        let exports = resolve.worlds.get(world).map(|world| &world.exports).into_iter().flatten();
        let mut interfaces = exports.filter_map(|(key, item)| match (key, item) {
            (WorldKey::Interface(_) | WorldKey::Name(_), WorldItem::Interface { id, .. }) => Some(*id),
            _ => None,
        });
        let exported = interfaces.next();
        let exported = exported.ok_or_else(|| format!("`{}`: `{WORLD}` exports nothing", wit.display()))?;
        Ok(Self { resolve, exported })
    }

    fn exported(&self) -> Option<&Interface> {
        self.resolve.interfaces.get(self.exported)
    }

    /// What the exported interface is called, and what is said of it.
    pub fn rules(&self) -> (&str, &str) {
        let interface = self.exported();
        let name = interface.and_then(|interface| interface.name.as_deref()).unwrap_or_default();
        (name, interface.and_then(|interface| interface.docs.contents.as_deref()).unwrap_or_default())
    }

    pub fn functions(&self) -> Vec<&Function> {
        self.exported().into_iter().flat_map(|interface| interface.functions.values()).collect()
    }

    /// All types that the functions speak of, each after those that it is made of.
    pub fn types(&self) -> Vec<Named<'_>> {
        let mut found = Vec::new();
        for function in self.functions() {
            let asked = function.params.iter().map(|parameter| parameter.ty);
            asked.chain(function.result).for_each(|ty| self.reach(ty, &mut found));
        }
        found.into_iter().filter_map(|id| self.named(id)).collect()
    }

    fn reach(&self, ty: Type, found: &mut Vec<TypeId>) {
        let Type::Id(id) = ty else { return };
        let id = self.meant(id);
        let Some(known) = self.resolve.types.get(id).filter(|_| !found.contains(&id)) else { return };
        match &known.kind {
            TypeDefKind::Record(record) => record.fields.iter().for_each(|field| self.reach(field.ty, found)),
            TypeDefKind::Variant(all) => {
                all.cases.iter().filter_map(|case| case.ty).for_each(|ty| self.reach(ty, found));
            }
            TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => self.reach(*ty, found),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().for_each(|ty| self.reach(*ty, found)),
            TypeDefKind::Result(result) => {
                [result.ok, result.err].into_iter().flatten().for_each(|ty| self.reach(ty, found));
            }
            _ => {}
        }
        if known.name.is_some() {
            found.push(id);
        }
    }

    /// Where `use` has brought a type from.
    fn meant(&self, id: TypeId) -> TypeId {
        match self.resolve.types.get(id) {
            Some(TypeDef { kind: TypeDefKind::Type(Type::Id(other)), name: Some(name), .. })
                if self.resolve.types.get(*other).and_then(|other| other.name.as_ref()) == Some(name) =>
            {
                self.meant(*other)
            }
            _ => id,
        }
    }

    fn named(&self, id: TypeId) -> Option<Named<'_>> {
        let found = self.resolve.types.get(id)?;
        let home = match found.owner {
            TypeOwner::Interface(id) => self.resolve.interfaces.get(id)?.name.as_deref()?,
            _ => return None,
        };
        let docs = found.docs.contents.as_deref().unwrap_or_default();
        Some(Named { name: found.name.as_deref()?, docs, kind: &found.kind, home })
    }

    /// What a type is called, where it is called anything; else what it is made of.
    pub fn known(&self, ty: Type) -> Result<Named<'_>, &TypeDefKind> {
        const NOTHING: &TypeDefKind = &TypeDefKind::Unknown;
        let Type::Id(id) = ty else { return Err(NOTHING) };
        let id = self.meant(id);
        self.named(id).ok_or_else(|| self.resolve.types.get(id).map_or(NOTHING, |found| &found.kind))
    }
}

impl Named<'_> {
    /// As a class.
    pub fn class(&self) -> String {
        pascal(self.name)
    }
}
