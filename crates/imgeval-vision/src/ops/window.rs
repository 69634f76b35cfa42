//! Window attention of the Swin transformer, shifted or not, without copying windows about.

use std::sync::OnceLock;

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::{
    attention::{Attention, Rows, softmax_composed},
    buffer::{OutputRows, SharedOutput, with_scratch},
    gemm::{BlockProduct, Epilogue, PackedMatrix, padded_stride},
    linear::Linear,
    simd::dispatch,
    tensor::{from_numbers, is_fast, with_both},
};
use crate::checkpoint::Parameter;

/// What the scores of two tokens lose that are neighbors only because the map was rolled.
const OTHER_REGION: f32 = -100.0;

/// Multi-head attention inside windows of `window` x `window` tokens, with a bias for each relative position.
pub struct WindowAttention {
    pub qkv: Linear,
    pub projection: Linear,
    /// [(2 window - 1)^2, heads]
    pub bias_table: Parameter,
    pub window: usize,
    pub shift: usize,
    pub heads: usize,
    pub added: OnceLock<Vec<f32>>,
}

/// Where the windows lie over a map of tokens.
#[derive(Clone, Copy)]
struct Grid {
    height: usize,
    width: usize,
    window: usize,
    shift: usize,
    rows: usize,
    columns: usize,
}

impl Grid {
    fn new(height: usize, width: usize, window: usize, shift: usize) -> Self {
        let (rows, columns) = (height.div_ceil(window), width.div_ceil(window));
        Self { height, width, window, shift, rows, columns }
    }

    fn n_windows(&self) -> usize {
        self.rows * self.columns
    }

    /// The place of a window's token in the map, if it is not padding.
    fn token(&self, window: usize, inside: usize) -> Option<usize> {
        let place = |tile: usize, offset: usize, tiles: usize| {
            (tile * self.window + offset + self.shift) % (tiles * self.window)
        };
        let y = place(window / self.columns, inside / self.window, self.rows);
        let x = place(window % self.columns, inside % self.window, self.columns);
        (y < self.height && x < self.width).then(|| y * self.width + x)
    }

    /// Which of the four masks a window needs: bit 0 for the last column, bit 1 for the last row.
    fn kind(&self, window: usize) -> usize {
        if self.shift == 0 {
            return 0;
        }
        let is_last_row = window / self.columns == self.rows - 1;
        let is_last_column = window % self.columns == self.columns - 1;
        usize::from(is_last_column) + 2 * usize::from(is_last_row)
    }
}

impl WindowAttention {
    /// Bias and mask for each kind of window and head: [4, heads, tokens, tokens].
    fn added(&self) -> Result<&[f32]> {
        if self.added.get().is_none() {
            let table = self.bias_table.read().map_err(candle_core::Error::wrap)?;
            let (window, heads) = (self.window, self.heads);
            let tokens = window * window;
            let mut added = Vec::with_capacity(4 * heads * tokens * tokens);
            for kind in 0..4 {
                let region = |token: usize| {
                    let (y, x) = (token / window, token % window);
                    let behind = window - self.shift;
                    (kind & 2 != 0 && y >= behind, kind & 1 != 0 && x >= behind)
                };
                for head in 0..heads {
                    for query in 0..tokens {
                        for key in 0..tokens {
                            let dy = query / window + window - 1 - key / window;
                            let dx = query % window + window - 1 - key % window;
                            let bias = table[(dy * (2 * window - 1) + dx) * heads + head];
                            let is_far = region(query) != region(key);
                            added.push(if is_far { bias + OTHER_REGION } else { bias });
                        }
                    }
                }
            }
            self.added.set(added).ok();
        }
        self.added.get().map(Vec::as_slice).ok_or_else(|| candle_core::Error::msg("a bias could not be kept"))
    }

    /// `residual` + attention over `x`, both [height x width, channels].
    pub fn forward(&self, x: &Tensor, residual: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let grid = Grid::new(height, width, self.window, self.shift);
        if !is_fast(x) {
            return self.forward_composed(x, residual, grid);
        }
        let added = self.added()?;
        let (qkv, qkv_bias) = self.qkv.packed_parts()?;
        let (projection, projection_bias) = self.projection.packed_parts()?;
        with_both(&x.contiguous()?, &residual.contiguous()?, |x, residual| {
            let mut result = vec![0.0; residual.len()];
            let output = SharedOutput::new(&mut result);
            let per_task = (grid.n_windows() / (4 * rayon::current_num_threads())).clamp(1, 4);
            (0..grid.n_windows().div_ceil(per_task)).into_par_iter().for_each(|task| {
                let first = task * per_task;
                let task = WindowTask {
                    attention: self,
                    grid,
                    windows: first..(first + per_task).min(grid.n_windows()),
                    added,
                    qkv: (qkv, qkv_bias),
                    projection: (projection, projection_bias),
                };
                task.run(x, residual, &output);
            });
            from_numbers(result, &[height * width, self.projection.outputs()])
        })
    }

    fn forward_composed(&self, x: &Tensor, residual: &Tensor, grid: Grid) -> Result<Tensor> {
        let (n_tokens, channels) = x.dims2()?;
        let tokens = self.window * self.window;
        let (heads, dims) = (self.heads, channels / self.heads);
        let n_windows = grid.n_windows();
        // Row n_tokens is the padding.
        let padded = Tensor::cat(&[x, &Tensor::zeros((1, channels), x.dtype(), x.device())?], 0)?;
        let place = |window: usize, token: usize| grid.token(window, token).unwrap_or(n_tokens);
        let index = |value: usize| u32::try_from(value).map_err(candle_core::Error::wrap);
        let mut sources = Vec::with_capacity(n_windows * tokens);
        let mut places = vec![0_u32; n_tokens];
        for window in 0..n_windows {
            for token in 0..tokens {
                let source = place(window, token);
                if source < n_tokens {
                    places[source] = index(window * tokens + token)?;
                }
                sources.push(index(source)?);
            }
        }
        let gathered = padded.index_select(&Tensor::new(sources, x.device())?, 0)?;
        let qkv = self.qkv.forward(&gathered)?;
        let qkv = qkv.reshape((n_windows, tokens, 3, heads, dims))?.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let part = |which: usize| qkv.get(which);
        #[expect(clippy::cast_precision_loss, reason = "head sizes are small")]
        let query = (part(0)? * (1.0 / (dims as f64).sqrt()))?;
        let scores = query.matmul(&part(1)?.transpose(2, 3)?)?;
        let added = from_numbers(self.added()?.to_vec(), &[4, heads, tokens, tokens])?;
        let kinds = (0..n_windows).map(|window| index(grid.kind(window))).collect::<Result<Vec<u32>>>()?;
        let added = added.to_device(x.device())?.index_select(&Tensor::new(kinds, x.device())?, 0)?;
        let weights = softmax_composed(&(scores + added.to_dtype(x.dtype())?)?)?;
        let mixed = weights.matmul(&part(2)?)?.transpose(1, 2)?.reshape((n_windows * tokens, channels))?;
        let projected = self.projection.forward(&mixed)?;
        residual + projected.index_select(&Tensor::new(places, x.device())?, 0)?
    }
}

/// Some windows, from their tokens to their part of the result, on one thread.
struct WindowTask<'a> {
    attention: &'a WindowAttention,
    grid: Grid,
    windows: std::ops::Range<usize>,
    added: &'a [f32],
    qkv: (&'a PackedMatrix, Option<&'a [f32]>),
    projection: (&'a PackedMatrix, Option<&'a [f32]>),
}

impl WindowTask<'_> {
    fn run(&self, x: &[f32], residual: &[f32], output: &SharedOutput<'_>) {
        let tokens = self.attention.window * self.attention.window;
        let heads = self.attention.heads;
        let channels = self.projection.0.view().columns;
        let dims = channels / heads;
        let n_rows = self.windows.len() * tokens;
        let (stride, wide) = (padded_stride(channels), padded_stride(3 * channels));
        with_scratch(|scratch| {
            let all = scratch.take(n_rows * (2 * stride + wide));
            let (gathered, rest) = all.split_at_mut(n_rows * stride);
            let (qkv, mixed) = rest.split_at_mut(n_rows * wide);
            for (row, target) in gathered.chunks_exact_mut(stride).enumerate() {
                let target = &mut target[..channels];
                match self.grid.token(self.windows.start + row / tokens, row % tokens) {
                    Some(token) => target.copy_from_slice(&x[token * channels..][..channels]),
                    None => target.fill(0.0),
                }
            }
            multiply_block(gathered, stride, n_rows, self.qkv, qkv, wide);
            for (index, window) in self.windows.clone().enumerate() {
                let kind = self.grid.kind(window);
                let base = &qkv[index * tokens * wide..];
                for head in 0..heads {
                    let part = |which: usize| Rows {
                        numbers: &base[which * channels + head * dims..],
                        stride: wide,
                        batch_stride: 0,
                    };
                    let from = (kind * heads + head) * tokens * tokens;
                    let target = &mut mixed[index * tokens * stride + head * dims..];
                    let job = Attention {
                        query: part(0),
                        key: part(1),
                        value: part(2),
                        n_queries: tokens,
                        n_keys: tokens,
                        dims,
                        added: Some(&self.added[from..from + tokens * tokens]),
                        output: OutputRows::new(target, stride),
                    };
                    job.run();
                }
            }
            multiply_block(mixed, stride, n_rows, self.projection, gathered, stride);
            for (row, projected) in gathered.chunks_exact(stride).enumerate() {
                let Some(token) = self.grid.token(self.windows.start + row / tokens, row % tokens) else {
                    continue;
                };
                // SAFETY: every token lies in exactly one window, and every window in one task.
                let target = unsafe { output.part(token * channels, channels) };
                let residual = &residual[token * channels..][..channels];
                for ((target, &x), &before) in target.iter_mut().zip(projected).zip(residual) {
                    *target = x + before;
                }
            }
        });
    }
}

/// `left` times a layer's weight, plus its bias, on this thread.
fn multiply_block(
    left: &[f32],
    stride: usize,
    n_rows: usize,
    (matrix, bias): (&PackedMatrix, Option<&[f32]>),
    output: &mut [f32],
    output_stride: usize,
) {
    let packed = matrix.view();
    assert!(output_stride >= packed.columns, "rows of the output would overlap");
    let product = BlockProduct::whole(left, stride, n_rows, packed, OutputRows::new(output, output_stride));
    dispatch(BlockProduct { epilogue: Epilogue { bias, ..Epilogue::default() }, ..product });
}
