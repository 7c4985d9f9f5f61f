//! Finds what would take the compiler too much time or memory, before it begins.
//!
//! Compiling is not interrupted by anything, and what it costs grows faster than the component: 200,000
//! blocks in one function of 600 kB took more than a minute. So what it grows with is bounded, at twice and
//! more of what the largest honest components have that we know of (interpreters of Python and JavaScript
//! with all that they bring).

use wasmparser::{FunctionBody, Operator, Parser, Payload};

/// The deepest that components may stand in each other. Composing adds one for each layer; and what the
/// compiler needs grows with the square of it, until there is no memory left for anybody.
const NESTED: usize = 32;

/// Blocks and branches, each target counted, of one function. The largest of Python has 16,155.
const BRANCHES: usize = 1 << 15;

/// The same of all functions. Those of JavaScript have 453,905.
const ALL_BRANCHES: usize = 1 << 20;

/// Bytes of one function. The largest of Python has 426,843.
const FUNCTION_BYTES: usize = 1 << 20;

/// Locals of one function. The largest of Python has 271.
const LOCALS: usize = 1 << 12;

/// The first bound that a component crosses. A function that cannot be read is one as well: the compiler would
/// compile all others before it says so. Damage elsewhere it finds at once.
pub(super) fn too_much(bytes: &[u8]) -> Option<String> {
    let (mut depth, mut all) = (0_usize, 0_usize);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.ok()? {
            Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionEntry(function) => {
                let size = function.range().len();
                let (Some(locals), Some(branches)) = (locals(&function), branches(&function)) else {
                    return Some("a function is damaged".into());
                };
                all = all.saturating_add(branches);
                for (what, has, most) in [
                    ("bytes", size, FUNCTION_BYTES),
                    ("locals", locals, LOCALS),
                    ("blocks and branches", branches, BRANCHES),
                ] {
                    if has > most {
                        return Some(format!("a function has {has} {what}, and at most {most} are compiled"));
                    }
                }
            }
            _ => {}
        }
        if depth > NESTED {
            return Some(format!("it has components in components, more than {NESTED} deep"));
        }
        if all > ALL_BRANCHES {
            let most = format!("more than the {ALL_BRANCHES} blocks and branches that are compiled");
            return Some(format!("its functions have {most}"));
        }
    }
    None
}

fn locals(function: &FunctionBody<'_>) -> Option<usize> {
    let groups = function.get_locals_reader().ok()?;
    groups.into_iter().try_fold(0_usize, |all, group| all.checked_add(usize::try_from(group.ok()?.0).ok()?))
}

fn branches(function: &FunctionBody<'_>) -> Option<usize> {
    let mut all = 0_usize;
    let mut operators = function.get_operators_reader().ok()?;
    while !operators.eof() {
        all = all.checked_add(match operators.read().ok()? {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::Br { .. }
            | Operator::BrIf { .. } => 1,
            Operator::BrTable { targets } => usize::try_from(targets.len()).ok()?,
            _ => 0,
        })?;
    }
    Some(all)
}
