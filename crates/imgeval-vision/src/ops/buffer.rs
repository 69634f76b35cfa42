//! Scratch memory that threads keep, and an output that several of them write.

use std::{cell::RefCell, marker::PhantomData};

use super::gemm::{Line, zeroed_lines};

/// Memory of one thread for the blocks it works on; kept, so that a layer allocates nothing.
#[derive(Default)]
pub(crate) struct Scratch {
    lines: Vec<Line>,
}

impl Scratch {
    /// `count` numbers with whatever was in them.
    pub(crate) fn take(&mut self, count: usize) -> &mut [f32] {
        if self.lines.len() * 16 < count {
            self.lines = zeroed_lines(count);
        }
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..count]
    }
}

thread_local! {
    static SCRATCH: RefCell<Vec<Scratch>> = const { RefCell::new(Vec::new()) };
}

/// Lends a scratch buffer of this thread. Nested calls, as rayon may make while it waits, get another one.
pub(crate) fn with_scratch<Output>(work: impl FnOnce(&mut Scratch) -> Output) -> Output {
    let mut scratch = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    let output = work(&mut scratch);
    SCRATCH.with_borrow_mut(|kept| kept.push(scratch));
    output
}

/// A slice that several threads write, each its own part.
pub(crate) struct SharedOutput<'a> {
    pointer: *mut f32,
    length: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: a pointer to numbers; whoever dereferences it must keep to a part that no other thread touches.
unsafe impl Sync for SharedOutput<'_> {}
// SAFETY: as above.
unsafe impl Send for SharedOutput<'_> {}

impl<'a> SharedOutput<'a> {
    pub(crate) fn new(numbers: &'a mut [f32]) -> Self {
        Self { pointer: numbers.as_mut_ptr(), length: numbers.len(), lifetime: PhantomData }
    }

    pub(crate) fn pointer(&self) -> *mut f32 {
        self.pointer
    }

    /// # Safety
    /// No other thread may touch this part while the slice lives.
    #[expect(clippy::mut_from_ref, reason = "the point of this type; see the contract")]
    pub(crate) unsafe fn part(&self, start: usize, count: usize) -> &mut [f32] {
        assert!(start + count <= self.length, "the part lies outside the output");
        // SAFETY: inside the slice, as asserted; the caller promises that the parts are disjoint.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.add(start), count) }
    }
}
