//! Matrix products with a prepacked right-hand side: the operation in which the networks spend nearly all their time.
//!
//! The right-hand side (weights) is packed once into panels of [`PANEL`] columns. The left-hand side (activations) is
//! copied, a block of rows at a time, into a scratch buffer whose stride avoids cache conflicts; a [`RowSource`] does
//! the copying, so a convolution or a normalization costs no pass of its own. One tile of the result lives in
//! registers; bias, activation and residual are applied before it is written.

use rayon::prelude::*;

use super::{
    activation::Activation,
    buffer::{Line, OutputRows, SharedOutput, with_scratch, zeroed_lines},
    simd::{Kernel, Simd, dispatch, tile_rows},
};

/// Columns of a packed panel: two AVX-512 vectors, four of AVX2.
pub const PANEL: usize = 32;
/// Depth that is worked through at once, so that rows and panel stay in the second-level cache.
const DEPTH_BLOCK: usize = 1024;
/// Numbers of the left-hand side in one block of rows.
const BLOCK_NUMBERS: usize = 128 * 1024;

/// The right-hand side of a product, depth x columns, in panels: panel, then depth, then [`PANEL`] columns.
#[derive(Debug, Clone)]
pub struct PackedMatrix {
    depth: usize,
    columns: usize,
    lines: Vec<Line>,
}

impl PackedMatrix {
    /// From `columns` rows of `depth` numbers: the layout of a linear layer's weight, which is multiplied transposed.
    pub fn from_transposed(rows: &[f32], depth: usize, columns: usize) -> Self {
        assert_eq!(rows.len(), depth * columns, "the weight has another size");
        let mut packed = Self::zeroed(depth, columns);
        packed.panels_mut().for_each(|(panel, target)| {
            let first = panel * PANEL;
            let count = PANEL.min(columns - first);
            pack_transposed(&rows[first * depth..], depth, depth, count, target);
        });
        packed
    }

    fn zeroed(depth: usize, columns: usize) -> Self {
        Self { depth, columns, lines: zeroed_lines(columns.div_ceil(PANEL) * depth * PANEL) }
    }

    fn panels_mut(&mut self) -> impl IndexedParallelIterator<Item = (usize, &mut [f32])> {
        let size = (self.depth * PANEL).max(1);
        bytemuck::cast_slice_mut::<Line, f32>(&mut self.lines).par_chunks_mut(size).enumerate()
    }

    pub fn view(&self) -> PackedView<'_> {
        PackedView { depth: self.depth, columns: self.columns, numbers: bytemuck::cast_slice(&self.lines) }
    }
}

/// A packed right-hand side, wherever it lies.
#[derive(Debug, Clone, Copy)]
pub struct PackedView<'a> {
    pub depth: usize,
    pub columns: usize,
    pub numbers: &'a [f32],
}

impl PackedView<'_> {
    pub fn n_panels(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }

    /// Numbers that `columns` columns of `depth` take when packed.
    pub fn size(depth: usize, columns: usize) -> usize {
        columns.div_ceil(PANEL) * PANEL * depth
    }
}

/// `count` rows of `depth` numbers, `stride` apart, into one panel, in squares that fit the first-level cache.
pub fn pack_transposed(rows: &[f32], stride: usize, depth: usize, count: usize, target: &mut [f32]) {
    const SQUARE: usize = 16;
    for start in (0..depth).step_by(SQUARE) {
        let end = (start + SQUARE).min(depth);
        for column in 0..count {
            let row = &rows[column * stride..column * stride + depth];
            for k in start..end {
                target[k * PANEL + column] = row[k];
            }
        }
    }
}

/// Gives the rows of a left-hand side.
pub trait RowSource: Sync {
    /// Writes the numbers `start..start + target.len()` of row `row`.
    fn fill(&self, row: usize, start: usize, target: &mut [f32]);
}

/// Rows that lie in memory one after another.
pub struct DenseRows<'a> {
    pub numbers: &'a [f32],
    pub depth: usize,
}

impl RowSource for DenseRows<'_> {
    fn fill(&self, row: usize, start: usize, target: &mut [f32]) {
        let from = row * self.depth + start;
        target.copy_from_slice(&self.numbers[from..from + target.len()]);
    }
}

/// What happens to a tile of the product before it is written.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// One number for each column.
    pub bias: Option<&'a [f32]>,
    pub activation: Activation,
    /// As large as the result; added after the activation.
    pub residual: Option<&'a [f32]>,
    /// Applied after the residual was added.
    pub last: Activation,
}

/// `rows` x `packed`, of `n_rows` rows; the result is row-major.
pub fn product(
    rows: &impl RowSource,
    n_rows: usize,
    packed: PackedView<'_>,
    epilogue: Epilogue<'_>,
    result: &mut [f32],
) {
    let columns = packed.columns;
    assert_eq!(result.len(), n_rows * columns, "the result has another size");
    if let Some(bias) = epilogue.bias {
        assert_eq!(bias.len(), columns, "the bias has another size");
    }
    if let Some(residual) = epilogue.residual {
        assert_eq!(residual.len(), result.len(), "the residual has another size");
    }
    if result.is_empty() {
        return;
    }
    let tasks = Tasks::plan(n_rows, packed);
    let output = SharedOutput::new(result);
    (0..tasks.count()).into_par_iter().for_each(|index| {
        let task = tasks.task(index);
        with_scratch(|scratch| {
            let depth_block = packed.depth.min(DEPTH_BLOCK);
            let stride = padded_stride(depth_block);
            let block = scratch.take(task.n_rows * stride);
            for start in (0..packed.depth.max(1)).step_by(DEPTH_BLOCK) {
                let depth = depth_block.min(packed.depth - start);
                for row in 0..task.n_rows {
                    rows.fill(task.first_row + row, start, &mut block[row * stride..row * stride + depth]);
                }
                let is_last = start + depth == packed.depth;
                let tile_epilogue = if is_last { epilogue } else { Epilogue::default() };
                dispatch(BlockProduct {
                    left: block,
                    stride,
                    n_rows: task.n_rows,
                    start,
                    depth,
                    packed,
                    panels: (task.first_panel, task.end_panel),
                    epilogue: tile_epilogue,
                    // SAFETY: tasks are disjoint in rows or columns.
                    output: unsafe { output.rows(task.first_row * columns, columns) },
                    first_row: task.first_row,
                });
            }
        });
    });
}

/// A stride that is no multiple of 4096 bytes, where rows would fight for the same cache sets.
pub fn padded_stride(depth: usize) -> usize {
    depth.next_multiple_of(16) + 16
}

/// How a product is cut: into blocks of rows, and if there are too few of them for the threads, into groups of panels.
struct Tasks {
    n_rows: usize,
    n_panels: usize,
    rows_per_task: usize,
    panels_per_task: usize,
}

struct Task {
    first_row: usize,
    n_rows: usize,
    first_panel: usize,
    end_panel: usize,
}

impl Tasks {
    fn plan(n_rows: usize, packed: PackedView<'_>) -> Self {
        let threads = rayon::current_num_threads();
        let tile = tile_rows();
        let depth_block = packed.depth.clamp(1, DEPTH_BLOCK);
        let fitting = (BLOCK_NUMBERS / depth_block / tile).max(1) * tile;
        let n_panels = packed.n_panels();
        // Blocks of equal height, in whole tiles.
        let n_blocks = n_rows.div_ceil(fitting).max(1);
        let rows_per_task = n_rows.div_ceil(n_blocks).next_multiple_of(tile);
        let n_blocks = n_rows.div_ceil(rows_per_task).max(1);
        let wanted = if threads == 1 { 1 } else { 4 * threads };
        let groups = if n_blocks >= wanted { 1 } else { wanted.div_ceil(n_blocks).min(n_panels) };
        Self { n_rows, n_panels, rows_per_task, panels_per_task: n_panels.div_ceil(groups.max(1)) }
    }

    fn groups(&self) -> usize {
        self.n_panels.div_ceil(self.panels_per_task)
    }

    fn count(&self) -> usize {
        self.n_rows.div_ceil(self.rows_per_task) * self.groups()
    }

    fn task(&self, index: usize) -> Task {
        let (block, group) = (index / self.groups(), index % self.groups());
        let first_row = block * self.rows_per_task;
        let first_panel = group * self.panels_per_task;
        Task {
            first_row,
            n_rows: self.rows_per_task.min(self.n_rows - first_row),
            first_panel,
            end_panel: (first_panel + self.panels_per_task).min(self.n_panels),
        }
    }
}

/// The product of a block of rows, in scratch memory, with some panels.
pub struct BlockProduct<'a> {
    pub left: &'a [f32],
    pub stride: usize,
    pub n_rows: usize,
    /// The part of the depth that `left` holds; above zero, the output holds the product of the depth before it.
    pub start: usize,
    pub depth: usize,
    pub packed: PackedView<'a>,
    pub panels: (usize, usize),
    pub epilogue: Epilogue<'a>,
    /// The first row of the block.
    pub output: OutputRows<'a>,
    /// Of the block in the residual.
    pub first_row: usize,
}

impl<'a> BlockProduct<'a> {
    /// Over the whole depth and all panels, with nothing applied.
    pub fn whole(
        left: &'a [f32],
        stride: usize,
        n_rows: usize,
        packed: PackedView<'a>,
        output: OutputRows<'a>,
    ) -> Self {
        Self {
            left,
            stride,
            n_rows,
            start: 0,
            depth: packed.depth,
            packed,
            panels: (0, packed.n_panels()),
            epilogue: Epilogue::default(),
            output,
            first_row: 0,
        }
    }
}

impl Kernel for BlockProduct<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // Everything that is reached through pointers below.
        let Self { n_rows, stride, depth, .. } = self;
        let columns = self.packed.columns;
        assert!(depth <= stride && self.left.len() >= (n_rows * stride).saturating_sub(stride - depth));
        assert!(self.output.holds(n_rows, columns), "the output is too small");
        assert!(self.epilogue.bias.is_none_or(|bias| bias.len() >= columns));
        let end_row = self.first_row + n_rows;
        assert!(self.epilogue.residual.is_none_or(|residual| residual.len() >= end_row * columns));
        let vectors_per_panel = PANEL / S::LANES;
        let panel_size = self.packed.depth * PANEL;
        let numbers = self.packed.numbers;
        for panel in self.panels.0..self.panels.1 {
            let right = &numbers[panel * panel_size + self.start * PANEL..][..self.depth * PANEL];
            for first in (0..self.n_rows).step_by(S::TILE_ROWS) {
                let rows = S::TILE_ROWS.min(self.n_rows - first);
                for pair in 0..vectors_per_panel / 2 {
                    let column = pair * 2 * S::LANES;
                    let tile = Tile {
                        left: &self.left[first * self.stride..],
                        stride: self.stride,
                        depth: self.depth,
                        right: &right[column.min(right.len())..],
                        first_row: first,
                        first_column: panel * PANEL + column,
                    };
                    if tile.first_column < self.packed.columns {
                        // SAFETY: the slices hold what the tile reads, as just cut; the caller gives the output.
                        unsafe { self.run_tile::<S>(&tile, rows) };
                    }
                }
            }
        }
    }
}

struct Tile<'a> {
    left: &'a [f32],
    stride: usize,
    depth: usize,
    right: &'a [f32],
    first_row: usize,
    first_column: usize,
}

impl BlockProduct<'_> {
    #[inline(always)]
    unsafe fn run_tile<S: Simd>(&self, tile: &Tile<'_>, rows: usize) {
        macro_rules! heights {
            ($($height:literal)+) => {
                match rows {
                    // SAFETY: passed on from the caller.
                    $($height if $height <= S::TILE_ROWS => unsafe { self.run_tile_of::<S, $height>(tile) },)+
                    _ => unreachable!("a tile has at most {} rows", S::TILE_ROWS),
                }
            };
        }
        heights!(1 2 3 4 5 6 7 8 9 10 11 12 13 14)
    }

    #[inline(always)]
    unsafe fn run_tile_of<S: Simd, const ROWS: usize>(&self, tile: &Tile<'_>) {
        // SAFETY: `left` holds ROWS rows of `depth` numbers, `right` `depth` rows of a panel from this column on.
        let sums = unsafe { multiply::<S, ROWS>(tile.left, tile.stride, tile.right, tile.depth) };
        let columns = self.packed.columns - tile.first_column;
        let is_whole = columns >= 2 * S::LANES;
        for (row, sums) in sums.into_iter().enumerate() {
            // SAFETY: `run` has seen that output, bias and residual hold the block's rows; only existing columns are
            // touched, through a copy at the right edge.
            unsafe {
                let output = self.output.at(tile.first_row + row, tile.first_column);
                let from_residual =
                    (self.first_row + tile.first_row + row) * self.packed.columns + tile.first_column;
                let residual = self.epilogue.residual.map(|numbers| &numbers[from_residual..]);
                let bias = self.epilogue.bias.map(|numbers| &numbers[tile.first_column..]);
                for (half, sum) in sums.into_iter().enumerate() {
                    let column = half * S::LANES;
                    if is_whole {
                        let sum = self.finish::<S>(
                            sum,
                            (self.start > 0).then(|| output.add(column).cast_const()),
                            bias.map(|bias| bias.as_ptr().add(column)),
                            residual.map(|residual| residual.as_ptr().add(column)),
                        );
                        S::store(sum, output.add(column));
                    } else if column < columns {
                        self.finish_edge::<S>(sum, output, column, columns, bias, residual);
                    }
                }
            }
        }
    }

    /// # Safety
    /// The pointers hold a vector each.
    #[inline(always)]
    unsafe fn finish<S: Simd>(
        &self,
        mut sum: S::Vector,
        before: Option<*const f32>,
        bias: Option<*const f32>,
        residual: Option<*const f32>,
    ) -> S::Vector {
        // SAFETY: the caller gives valid pointers and the instruction set.
        unsafe {
            if let Some(before) = before {
                sum = S::add(sum, S::load(before));
            }
            if let Some(bias) = bias {
                sum = S::add(sum, S::load(bias));
            }
            sum = self.epilogue.activation.apply::<S>(sum);
            if let Some(residual) = residual {
                sum = S::add(sum, S::load(residual));
            }
            self.epilogue.last.apply::<S>(sum)
        }
    }

    /// The last columns, fewer than a vector: through copies.
    ///
    /// # Safety
    /// `output` holds `columns` numbers.
    #[inline(always)]
    unsafe fn finish_edge<S: Simd>(
        &self,
        sum: S::Vector,
        output: *mut f32,
        column: usize,
        columns: usize,
        bias: Option<&[f32]>,
        residual: Option<&[f32]>,
    ) {
        let count = S::LANES.min(columns - column);
        let copy = |source: &[f32]| {
            let mut numbers = [0.0_f32; PANEL];
            numbers[..count].copy_from_slice(&source[column..column + count]);
            numbers
        };
        // SAFETY: the copies hold a vector; `count` numbers of the output exist from `column` on.
        unsafe {
            let target = std::slice::from_raw_parts_mut(output.add(column), count);
            let mut before = [0.0_f32; PANEL];
            before[..count].copy_from_slice(target);
            let (bias, residual) = (bias.map(copy), residual.map(copy));
            let sum = self.finish::<S>(
                sum,
                (self.start > 0).then_some(before.as_ptr()),
                bias.as_ref().map(|bias| bias.as_ptr()),
                residual.as_ref().map(|residual| residual.as_ptr()),
            );
            let mut whole = [0.0_f32; PANEL];
            S::store(sum, whole.as_mut_ptr());
            target.copy_from_slice(&whole[..count]);
        }
    }
}

/// ROWS rows times two vectors of columns; the sums stay in registers.
///
/// # Safety
/// `left` holds ROWS rows of `depth` numbers at `stride`, `right` holds `depth` rows at [`PANEL`], of which two vectors
/// are read.
#[inline(always)]
unsafe fn multiply<S: Simd, const ROWS: usize>(
    left: &[f32],
    stride: usize,
    right: &[f32],
    depth: usize,
) -> [[S::Vector; 2]; ROWS] {
    // SAFETY: every address is inside the slices, as the caller promises.
    unsafe {
        let mut sums = [[S::splat(0.0); 2]; ROWS];
        let rows: [*const f32; ROWS] = std::array::from_fn(|row| left.as_ptr().add(row * stride));
        for k in 0..depth {
            // Not moved on from row to row: after the last one it would point beyond the panel.
            let right = right.as_ptr().add(k * PANEL);
            let columns = [S::load(right), S::load(right.add(S::LANES))];
            for row in 0..ROWS {
                let number = S::splat(*rows[row].add(k));
                sums[row][0] = S::mul_add(number, columns[0], sums[row][0]);
                sums[row][1] = S::mul_add(number, columns[1], sums[row][1]);
            }
        }
        sums
    }
}
