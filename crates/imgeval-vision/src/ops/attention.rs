//! Scaled dot-product attention: `softmax(Q K' / sqrt(d) + M) V` for each head.

use candle_core::{CpuStorage, D, Result, Storage, Tensor, bail};
use rayon::prelude::*;

use super::{
    activation::exp,
    buffer::{OutputRows, SharedOutput, with_scratch},
    gemm::{BlockProduct, PANEL, PackedView, pack_transposed, padded_stride},
    simd::{Kernel, Simd, dispatch, tile_rows},
    tensor::{from_numbers, is_fast, widened, with_numbers},
};

/// Numbers of attention weights that one task keeps at a time.
const WEIGHTS_PER_BLOCK: usize = 160 * 1024;

/// Attention of `query` [batch, queries, channels] to `key` and `value` [batch, keys, channels], the channels cut into
/// `heads`. `mask` [queries, keys] is added to the scores of every head: 0, or minus infinity where a query must not
/// look. The result is [batch, queries, channels]. The tensors may be parts of a larger one along the channels.
pub fn attend(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    heads: usize,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let (batch, n_queries, channels) = query.dims3()?;
    let (_, n_keys, _) = key.dims3()?;
    if heads == 0
        || channels % heads != 0
        || key.dims() != [batch, n_keys, channels]
        || key.dims() != value.dims()
        || mask.is_some_and(|mask| mask.dims() != [n_queries, n_keys])
    {
        bail!("attention over {:?} and {:?} with {heads} heads", query.shape(), key.shape());
    }
    let dims = channels / heads;
    if query.elem_count() == 0 || n_keys == 0 {
        return query.zeros_like();
    }
    if !is_fast(query) {
        return attend_composed(query, key, value, heads, mask);
    }
    let mut result = vec![0.0; batch * n_queries * channels];
    let output = SharedOutput::new(&mut result);
    with_rows(query, |query| {
        with_rows(key, |key| {
            with_rows(value, |value| {
                let work = |mask: Option<&[f32]>| {
                    (0..batch * heads).into_par_iter().for_each(|index| {
                        let (item, head) = (index / heads, index % heads);
                        let job = Attention {
                            query: query.part(item, head * dims),
                            key: key.part(item, head * dims),
                            value: value.part(item, head * dims),
                            n_queries,
                            n_keys,
                            dims,
                            added: mask,
                            // SAFETY: the channels of this head in this item; neither heads nor items overlap.
                            output: unsafe {
                                output.rows(item * n_queries * channels + head * dims, channels)
                            },
                        };
                        job.run();
                    });
                    Ok(())
                };
                match mask {
                    Some(mask) => with_numbers(&mask.contiguous()?, |mask| work(Some(mask))),
                    None => work(None),
                }
            })
        })
    })?;
    from_numbers(result, &[batch, n_queries, channels])
}

/// The same by candle's operations, which have gradients.
pub fn attend_composed(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    heads: usize,
    mask: Option<&Tensor>,
) -> Result<Tensor> {
    let (batch, n_queries, channels) = query.dims3()?;
    let dims = channels / heads;
    let split = |x: &Tensor| x.reshape((batch, x.dim(1)?, heads, dims))?.transpose(1, 2)?.contiguous();
    #[expect(clippy::cast_precision_loss, reason = "head sizes are small")]
    let query = (split(&query.contiguous()?)? * (1.0 / (dims as f64).sqrt()))?;
    let mut scores = query.matmul(&split(&key.contiguous()?)?.transpose(2, 3)?)?;
    if let Some(mask) = mask {
        scores = scores.broadcast_add(&mask.to_dtype(scores.dtype())?)?;
    }
    let weights = softmax_composed(&scores)?;
    let mixed = weights.matmul(&split(&value.contiguous()?)?)?;
    mixed.transpose(1, 2)?.reshape((batch, n_queries, channels))
}

/// Softmax over the last dimension, with at least 32 bits.
pub fn softmax_composed(scores: &Tensor) -> Result<Tensor> {
    let wide = widened(scores)?;
    let powers = wide.broadcast_sub(&wide.max_keepdim(D::Minus1)?)?.exp()?;
    powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)?.to_dtype(scores.dtype())
}

/// Rows of channels, evenly spaced.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub numbers: &'a [f32],
    pub stride: usize,
    pub batch_stride: usize,
}

impl<'a> Rows<'a> {
    fn part(&self, item: usize, channel: usize) -> Self {
        Self { numbers: &self.numbers[item * self.batch_stride + channel..], ..*self }
    }

    pub fn row(&self, row: usize, count: usize) -> &'a [f32] {
        &self.numbers[row * self.stride..row * self.stride + count]
    }
}

/// Lends a tensor [batch, rows, channels] whose channels are neighbors, contiguous or not.
fn with_rows<Output>(tensor: &Tensor, work: impl FnOnce(Rows<'_>) -> Result<Output>) -> Result<Output> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.stride()) {
        (Storage::Cpu(CpuStorage::F32(numbers)), &[batch_stride, stride, 1]) => {
            work(Rows { numbers: &numbers[layout.start_offset()..], stride, batch_stride })
        }
        _ => bail!("attention was given a tensor whose channels are not contiguous"),
    }
}

/// One head's attention, on one thread.
pub struct Attention<'a> {
    pub query: Rows<'a>,
    pub key: Rows<'a>,
    pub value: Rows<'a>,
    pub n_queries: usize,
    pub n_keys: usize,
    /// Channels of the head.
    pub dims: usize,
    /// Added to the scores, [queries, keys].
    pub added: Option<&'a [f32]>,
    pub output: OutputRows<'a>,
}

impl Attention<'_> {
    pub fn run(&self) {
        let Self { n_queries, n_keys, dims, .. } = *self;
        let tile = tile_rows();
        let query_stride = padded_stride(dims);
        let score_stride = padded_stride(n_keys);
        let block = (WEIGHTS_PER_BLOCK / score_stride / tile).max(1) * tile;
        let block = block.min(n_queries.max(1));
        let key_size = PackedView::size(dims, n_keys);
        let value_size = PackedView::size(n_keys, dims);
        with_scratch(|scratch| {
            let all = scratch.take(key_size + value_size + block * (query_stride + score_stride) + 16);
            let (keys, rest) = all.split_at_mut(key_size);
            let (values, rest) = rest.split_at_mut(value_size);
            let (queries, scores) = rest.split_at_mut(block * query_stride);
            self.pack_keys(keys);
            self.pack_values(values);
            let keys = PackedView { depth: dims, columns: n_keys, numbers: keys };
            let values = PackedView { depth: n_keys, columns: dims, numbers: values };
            #[expect(clippy::cast_precision_loss, reason = "head sizes are small")]
            let scale = 1.0 / (dims as f32).sqrt();
            for first in (0..n_queries).step_by(block) {
                let n_rows = block.min(n_queries - first);
                for row in 0..n_rows {
                    let target = &mut queries[row * query_stride..row * query_stride + dims];
                    for (target, &x) in target.iter_mut().zip(self.query.row(first + row, dims)) {
                        *target = x * scale;
                    }
                }
                dispatch(BlockProduct::whole(
                    queries,
                    query_stride,
                    n_rows,
                    keys,
                    OutputRows::new(scores, score_stride),
                ));
                let added = self.added.map(|added| &added[first * n_keys..(first + n_rows) * n_keys]);
                dispatch(SoftmaxRows { scores, stride: score_stride, n_rows, n_keys, added });
                dispatch(BlockProduct::whole(scores, score_stride, n_rows, values, self.output.after(first)));
            }
        });
    }

    fn pack_keys(&self, target: &mut [f32]) {
        for (panel, target) in target.chunks_exact_mut((self.dims * PANEL).max(1)).enumerate() {
            let first = panel * PANEL;
            let count = PANEL.min(self.n_keys - first);
            pack_transposed(
                &self.key.numbers[first * self.key.stride..],
                self.key.stride,
                self.dims,
                count,
                target,
            );
        }
    }

    fn pack_values(&self, target: &mut [f32]) {
        for (panel, target) in target.chunks_exact_mut((self.n_keys * PANEL).max(1)).enumerate() {
            let first = panel * PANEL;
            let count = PANEL.min(self.dims - first);
            for (key, target) in target.chunks_exact_mut(PANEL).enumerate() {
                target[..count].copy_from_slice(&self.value.row(key, first + count)[first..]);
            }
        }
    }
}

/// Softmax of each row, in place; `added` is added first.
struct SoftmaxRows<'a> {
    scores: &'a mut [f32],
    stride: usize,
    n_rows: usize,
    n_keys: usize,
    added: Option<&'a [f32]>,
}

impl Kernel for SoftmaxRows<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for row in 0..self.n_rows {
            let scores = &mut self.scores[row * self.stride..row * self.stride + self.n_keys];
            if let Some(added) = self.added {
                let added = &added[row * self.n_keys..(row + 1) * self.n_keys];
                for (score, &added) in scores.iter_mut().zip(added) {
                    *score += added;
                }
            }
            // SAFETY: the instruction set is available, as the caller promises.
            unsafe { softmax_row::<S>(scores) };
        }
    }
}

/// # Safety
/// The instruction set of `S` must be available.
#[inline(always)]
pub unsafe fn softmax_row<S: Simd>(row: &mut [f32]) {
    // SAFETY: each chunk holds a vector, as does the padded copy of the rest.
    unsafe {
        let mut padded = [f32::NEG_INFINITY; 16];
        let whole = row.len() / S::LANES * S::LANES;
        let (body, rest) = row.split_at_mut(whole);
        padded[..rest.len()].copy_from_slice(rest);
        let mut largest = S::load(padded.as_ptr());
        for chunk in body.chunks_exact(S::LANES) {
            largest = S::max(largest, S::load(chunk.as_ptr()));
        }
        let largest = S::splat(S::max_lane(largest));
        let mut sum = S::splat(0.0);
        for chunk in body.chunks_exact_mut(S::LANES) {
            let power = exp::<S>(S::sub(S::load(chunk.as_ptr()), largest));
            sum = S::add(sum, power);
            S::store(power, chunk.as_mut_ptr());
        }
        let mut total = S::sum_lanes(sum);
        if !rest.is_empty() {
            S::store(exp::<S>(S::sub(S::load(padded.as_ptr()), largest)), padded.as_mut_ptr());
            rest.copy_from_slice(&padded[..rest.len()]);
            total += rest.iter().sum::<f32>();
        }
        let scale = 1.0 / total;
        for x in row {
            *x *= scale;
        }
    }
}
