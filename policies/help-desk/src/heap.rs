//! The heap of the policy: memory that it has from its start, and more once that is used up.
//!
//! Each judgement runs in a fresh instance. Growing its memory costs the host two calls of the system each
//! time; what most judgements need is there from the start, and costs nothing where it is not touched.

use core::{alloc::Layout, arch::wasm32, mem::MaybeUninit};

use talc::{
    base::{Talc, binning::Binning},
    cell::TalcSyncCell,
    source::Source,
    wasm::WasmBinning,
};

/// Facts about some dozens of people fit in.
const FIRST: usize = PAGE;

const PAGE: usize = 64 << 10;

/// Bytes that the allocator keeps beside an allocation, and more.
const BESIDE: usize = 64;

static mut ARENA: [MaybeUninit<u8>; FIRST] = [MaybeUninit::uninit(); FIRST];

#[derive(Debug)]
struct ArenaThenGrow {
    is_claimed: bool,
}

// SAFETY: it asks no allocator for anything, and hands out only memory that nobody else has: the arena once, which
// nothing else names, and pages that were just grown.
unsafe impl Source for ArenaThenGrow {
    fn acquire<B: Binning>(heap: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        if !heap.source.is_claimed {
            heap.source.is_claimed = true;
            // SAFETY: this runs once, and nothing else names the arena.
            if unsafe { heap.claim((&raw mut ARENA).cast(), FIRST) }.is_some() {
                return Ok(());
            }
        }
        let needed = layout.size().saturating_add(layout.align()).saturating_add(BESIDE);
        let pages = needed.div_ceil(PAGE);
        let before = wasm32::memory_grow::<0>(pages);
        if before == usize::MAX {
            return Err(());
        }
        // SAFETY: these pages were not there before.
        unsafe { heap.claim((before * PAGE) as *mut u8, pages * PAGE) }.map(|_| ()).ok_or(())
    }
}

#[global_allocator]
static HEAP: TalcSyncCell<ArenaThenGrow, WasmBinning> =
    TalcSyncCell::new_wasm(ArenaThenGrow { is_claimed: false });
