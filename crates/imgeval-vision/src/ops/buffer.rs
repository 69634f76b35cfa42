//! Scratch memory that threads keep, and an output that several of them write.

use std::{cell::RefCell, marker::PhantomData};

use bytemuck::{Pod, Zeroable};

/// A cache line; aligned so that vector loads never straddle two.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub struct Line([f32; 16]);

/// Lines for at least `count` numbers, all zero.
pub fn zeroed_lines(count: usize) -> Vec<Line> {
    vec![Line([0.0; 16]); count.div_ceil(16)]
}

/// Memory of one thread for the blocks it works on; kept, so that a layer allocates nothing.
#[derive(Default)]
pub struct Scratch {
    lines: Vec<Line>,
}

impl Scratch {
    /// `count` numbers with whatever was in them.
    pub fn take(&mut self, count: usize) -> &mut [f32] {
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
pub fn with_scratch<Output>(work: impl FnOnce(&mut Scratch) -> Output) -> Output {
    let mut scratch = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    let output = work(&mut scratch);
    SCRATCH.with_borrow_mut(|kept| kept.push(scratch));
    output
}

/// A slice that several threads write, each its own part.
pub struct SharedOutput<'a> {
    pointer: *mut f32,
    length: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: a pointer to numbers; whoever dereferences it must keep to a part that no other thread touches.
unsafe impl Sync for SharedOutput<'_> {}
// SAFETY: as above.
unsafe impl Send for SharedOutput<'_> {}

impl<'a> SharedOutput<'a> {
    pub fn new(numbers: &'a mut [f32]) -> Self {
        Self { pointer: numbers.as_mut_ptr(), length: numbers.len(), lifetime: PhantomData }
    }

    /// Rows from the number `start` on.
    ///
    /// # Safety
    /// No other thread may touch the columns that are written of these rows while they live.
    pub unsafe fn rows(&self, start: usize, stride: usize) -> OutputRows<'_> {
        assert!(start <= self.length, "the rows lie outside the output");
        // SAFETY: at most one past the end, as asserted.
        let pointer = unsafe { self.pointer.add(start) };
        OutputRows { pointer, length: self.length - start, stride, lifetime: PhantomData }
    }

    /// # Safety
    /// No other thread may touch this part while the slice lives.
    #[expect(clippy::mut_from_ref, reason = "the point of this type; see the contract")]
    pub unsafe fn part(&self, start: usize, count: usize) -> &mut [f32] {
        assert!(start <= self.length && count <= self.length - start, "the part lies outside the output");
        // SAFETY: inside the slice, as asserted; the caller promises that the parts are disjoint.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.add(start), count) }
    }
}

/// Rows of an output, evenly spaced, that one thread writes; others may write other columns of them. It knows where the
/// output ends, and being a pointer it stays on its thread.
#[derive(Clone, Copy)]
pub struct OutputRows<'a> {
    pointer: *mut f32,
    length: usize,
    stride: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

impl<'a> OutputRows<'a> {
    pub fn new(numbers: &'a mut [f32], stride: usize) -> Self {
        Self { pointer: numbers.as_mut_ptr(), length: numbers.len(), stride, lifetime: PhantomData }
    }

    /// Without the first `rows`.
    pub fn after(self, rows: usize) -> Self {
        let skipped = rows * self.stride;
        assert!(skipped <= self.length, "the rows lie outside the output");
        // SAFETY: at most one past the end, as asserted.
        let pointer = unsafe { self.pointer.add(skipped) };
        Self { pointer, length: self.length - skipped, ..self }
    }

    /// Whether there are so many rows of so many columns.
    pub fn holds(&self, n_rows: usize, columns: usize) -> bool {
        n_rows == 0 || (n_rows - 1) * self.stride + columns <= self.length
    }

    /// # Safety
    /// The output must hold this place: see [`Self::holds`].
    pub unsafe fn at(&self, row: usize, column: usize) -> *mut f32 {
        // SAFETY: inside the output, as the caller promises.
        unsafe { self.pointer.add(row * self.stride + column) }
    }
}
