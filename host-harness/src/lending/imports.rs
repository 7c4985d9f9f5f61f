//! What a host lends to policies beyond the facts.
//!
//! Nothing, unless it says so. A host that has, say, a register of trusted partners can lend policies a
//! function that looks into it; whoever lends decides what a policy can learn, and whether it judges the same
//! twice.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use wasmtime::{
    StoreContextMut,
    component::{ComponentNamedList, Lift, Linker, Lower},
};

use super::log::{self, Log};
use crate::{engine::Parts, sandbox::MemoryMeter};

/// A host function's answer, when it comes. An error ends the judgement: the policy is
/// [unavailable](crate::policy::PolicyUnavailable), with these words.
pub type Lent<R> = Pin<Box<dyn Future<Output = Result<R, String>> + Send>>;

type Link = dyn Fn(&mut Linker<PolicyState>) -> wasmtime::Result<()> + Send + Sync;

/// Functions that policies may import. Empty by default.
///
/// ```
/// use guestlist_harness::policy::Loans;
///
/// // interface partners { is-partner: func(domain: string) -> bool; }
/// let loans = Loans::default().function(
///     "acme:register/partners@1.0.0",
///     "is-partner",
///     |organization, (domain,): (String,)| {
///         Box::pin(async move { Ok((&*organization == "org-7" && domain == "partner.example",)) })
///     },
/// );
/// ```
#[derive(Clone, Default)]
pub struct Loans(Vec<Loan>);

#[derive(Clone)]
struct Loan {
    interface: String,
    function: String,
    link: Arc<Link>,
}

impl Loans {
    /// Lends one function more. `interface` is its full name with the version, as in
    /// `acme:register/partners@1.0.0`; `lent` gets the organization that the judgement is for, and the
    /// parameters as a tuple. It answers a tuple as well.
    ///
    /// The call counts as time of the judgement, and its data against
    /// [`PolicyLimits::answer_bytes`](crate::policy::PolicyLimits::answer_bytes).
    #[must_use]
    pub fn function<P, R>(
        mut self,
        interface: &str,
        function: &str,
        lent: impl Fn(Arc<str>, P) -> Lent<R> + Send + Sync + 'static,
    ) -> Self
    where
        P: ComponentNamedList + Lift + Send + 'static,
        R: ComponentNamedList + Lower + Send + 'static,
    {
        let lent = Arc::new(lent);
        let (place, name) = (interface.to_owned(), function.to_owned());
        let link = move |linker: &mut Linker<PolicyState>| {
            let (lent, called) = (lent.clone(), format!("{place}.{name}"));
            linker.instance(&place)?.func_wrap_async(
                &name,
                move |store: StoreContextMut<'_, PolicyState>, parameters: P| {
                    let organization = store.data().organization.clone();
                    let answer = organization.map(|organization| lent(organization, parameters));
                    let called = called.clone();
                    Box::new(async move {
                        let Some(answer) = answer else {
                            let early = format!("it calls `{called}` before anybody has called it");
                            return Err(wasmtime::Error::msg(early));
                        };
                        answer.await.map_err(|why| wasmtime::Error::msg(format!("`{called}`: {why}")))
                    })
                },
            )
        };
        let (interface, function) = (interface.to_owned(), function.to_owned());
        self.0.push(Loan { interface, function, link: Arc::new(link) });
        self
    }

    /// The interface and the name of each function.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|loan| (loan.interface.as_str(), loan.function.as_str()))
    }

    pub(crate) fn link(&self, engine: &wasmtime::Engine) -> wasmtime::Result<Linker<PolicyState>> {
        let mut linker = Linker::new(engine);
        log::link(&mut linker)?;
        self.0.iter().try_for_each(|loan| (loan.link)(&mut linker))?;
        Ok(linker)
    }
}

impl fmt::Debug for Loans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The data of a policy's store.
pub(crate) struct PolicyState {
    pub(crate) memory: MemoryMeter,
    /// Whom the judgement is for; absent while nobody has asked for one.
    pub(crate) organization: Option<Arc<str>>,
    /// Where somebody listens. In production nobody does.
    pub(crate) log: Option<Log>,
}

impl PolicyState {
    pub(crate) fn new(memory: usize, organization: Option<Arc<str>>) -> Self {
        Self { memory: MemoryMeter::new(memory, Parts::POLICY), organization, log: None }
    }

    /// The same with somebody who listens.
    pub(crate) fn heard(mut self) -> Self {
        self.log = Some(Log::default());
        self
    }
}
