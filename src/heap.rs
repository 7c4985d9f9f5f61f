//! The heap of the component: memory that it has from its start, and more from the runtime once that is used
//! up.
//!
//! A fresh instance serves one call. Growing its memory costs the host two calls of the system each time, a
//! third of what a small call costs in all, so what nearly every call needs is there from the start. It
//! costs nothing where it is not touched: it is zero, and no part of the component's file.
#![allow(unsafe_code, reason = "an allocator hands out memory that is nobody's")]

use core::{alloc::Layout, arch::wasm32, mem::MaybeUninit};

use talc::{
    base::{Talc, binning::Binning},
    cell::TalcSyncCell,
    source::Source,
    wasm::WasmBinning,
};

/// One page of WebAssembly: everything but lists of dozens of people fits in. The standard library's
/// allocator, too, takes one at its first allocation.
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
