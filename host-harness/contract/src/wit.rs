//! The contract as it is written in `wit/`, for tests that compare lists in the code with it.

use wit_parser::{InterfaceId, Resolve, Type, TypeDefKind};

pub struct Contract(Resolve);

impl Contract {
    pub fn read() -> Self {
        let mut resolve = Resolve::default();
        resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
        Self(resolve)
    }

    fn interface(&self, name: &str) -> InterfaceId {
        let mut all = self.0.interfaces.iter();
        all.find(|(id, _)| self.0.id_of(*id).as_deref() == Some(name)).unwrap().0
    }

    /// A type of an interface.
    pub fn named(&self, interface: &str, name: &str) -> Type {
        Type::Id(self.0.interfaces[self.interface(interface)].types[name])
    }

    /// The functions of an interface.
    pub fn functions(&self, interface: &str) -> Vec<String> {
        self.0.interfaces[self.interface(interface)].functions.keys().cloned().collect()
    }

    /// The name of a type.
    pub fn name(&self, ty: Type) -> String {
        let Type::Id(id) = ty else { return String::new() };
        self.0.types[id].name.clone().unwrap_or_default()
    }

    /// The type that stands behind a name.
    fn kind(&self, ty: Type) -> Option<&TypeDefKind> {
        let Type::Id(id) = ty else { return None };
        match &self.0.types[id].kind {
            TypeDefKind::Type(meant) => self.kind(*meant),
            kind => Some(kind),
        }
    }

    /// The type that a function answers with.
    pub fn answer(&self, interface: &str, function: &str) -> Type {
        self.0.interfaces[self.interface(interface)].functions[function].result.unwrap()
    }

    /// The fields of a record; also of each item of a list, or of what an answer is on success.
    pub fn fields(&self, ty: Type) -> Vec<(String, Type)> {
        match self.kind(ty) {
            Some(TypeDefKind::Record(record)) => {
                record.fields.iter().map(|field| (field.name.clone(), field.ty)).collect()
            }
            Some(TypeDefKind::List(item)) => self.fields(*item),
            Some(TypeDefKind::Result(result)) => result.ok.map_or(Vec::new(), |ok| self.fields(ok)),
            _ => Vec::new(),
        }
    }

    fn error(&self, ty: Type) -> (Option<Type>, Option<Type>) {
        match self.kind(ty) {
            Some(TypeDefKind::Result(result)) => (result.ok, result.err),
            _ => (None, None),
        }
    }

    /// The error type of a function, and that of the items of its answer.
    pub fn errors(&self, interface: &str, function: &str) -> (Option<Type>, Option<Type>) {
        let (ok, error) = self.error(self.answer(interface, function));
        let item = ok.and_then(|ok| match self.kind(ok) {
            Some(TypeDefKind::List(item)) => self.error(*item).1,
            _ => None,
        });
        (error, item)
    }

    /// The names of flags, in order.
    pub fn flags(&self, ty: Type) -> Vec<String> {
        match self.kind(ty).unwrap() {
            TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| flag.name.clone()).collect(),
            other => panic!("{other:?} has no flags"),
        }
    }

    /// The cases of a variant or enum, in order, and what each carries.
    pub fn cases(&self, ty: Type) -> Vec<(String, Option<Type>)> {
        match self.kind(ty).unwrap() {
            TypeDefKind::Variant(variant) => {
                variant.cases.iter().map(|case| (case.name.clone(), case.ty)).collect()
            }
            TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| (case.name.clone(), None)).collect(),
            other => panic!("{other:?} has no cases"),
        }
    }
}
