//! Vectors of `f32` for the instruction sets that imgeval uses, chosen at run time.
//!
//! [`Simd`] is a closed set of operations on one vector. Kernels are written once, generic over it, and entered
//! through [`dispatch`], which picks AVX-512, AVX2 with FMA or [`Portable`]. The compiler turns the portable arrays
//! into NEON on AArch64, where NEON and fused multiply-add are part of the base instruction set.

use std::sync::OnceLock;

/// Operations on one vector of `LANES` numbers.
///
/// # Safety
/// Every function may only be called where the instruction set of the implementation is available, and inlined into a
/// function that enables it; [`dispatch`] guarantees both. `load` and `store` need `LANES` valid numbers.
#[expect(clippy::missing_safety_doc, reason = "said once, above")]
pub unsafe trait Simd: Copy {
    type Vector: Copy;
    const LANES: usize;
    /// Rows of a tile of a matrix product: as many as the registers hold beside two vectors of the other operand.
    const TILE_ROWS: usize;

    unsafe fn splat(value: f32) -> Self::Vector;
    unsafe fn load(source: *const f32) -> Self::Vector;
    unsafe fn store(vector: Self::Vector, target: *mut f32);
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn div(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn max(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    unsafe fn min(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c`, rounded once where the hardware can.
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// To the nearest integer, ties to even.
    unsafe fn round(a: Self::Vector) -> Self::Vector;
    /// `a * 2^n` for integral `n` in [-126, 127].
    unsafe fn scale_by_power_of_two(a: Self::Vector, n: Self::Vector) -> Self::Vector;
    unsafe fn sum_lanes(a: Self::Vector) -> f32;
    unsafe fn max_lane(a: Self::Vector) -> f32;
    /// Bit i is set where lane i is above zero.
    unsafe fn positive_bits(a: Self::Vector) -> u32;
    /// `value` where `a` is above zero, else zero.
    unsafe fn where_positive(a: Self::Vector, value: Self::Vector) -> Self::Vector;
}

/// A kernel that is generic over the instruction set.
pub trait Kernel {
    type Output;

    /// # Safety
    /// The instruction set of `S` must be available.
    unsafe fn run<S: Simd>(self) -> Self::Output;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InstructionSet {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// A smaller set of instructions than the processor has, for comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionLimit {
    Avx2,
    /// What the target always has.
    Portable,
}

static LIMIT: OnceLock<InstructionLimit> = OnceLock::new();

/// Keeps every kernel of this process within a smaller set of instructions. Takes effect before the first kernel has run only.
pub fn limit_instructions(limit: InstructionLimit) {
    LIMIT.set(limit).ok();
}

/// What this processor has, within [`limit_instructions`].
fn instruction_set() -> InstructionSet {
    #[cfg(test)]
    if let Some(chosen) = testing::chosen() {
        return chosen;
    }
    static CHOICE: OnceLock<InstructionSet> = OnceLock::new();
    *CHOICE.get_or_init(|| {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let limit = LIMIT.get().copied();
            if is_x86_feature_set_avx512() && limit.is_none() {
                return InstructionSet::Avx512;
            }
            if is_x86_feature_set_avx2() && limit != Some(InstructionLimit::Portable) {
                return InstructionSet::Avx2;
            }
        }
        InstructionSet::Portable
    })
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn is_x86_feature_set_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512vl")
        && is_x86_feature_set_avx2()
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn is_x86_feature_set_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

/// The name of the instruction set in use, for benchmarks.
#[must_use]
pub fn instruction_set_name() -> &'static str {
    match instruction_set() {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => "avx512",
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => "avx2",
        InstructionSet::Portable => "portable",
    }
}

/// The tile height of the instruction set in use.
pub fn tile_rows() -> usize {
    match instruction_set() {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => x86::Avx512::TILE_ROWS,
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => x86::Avx2::TILE_ROWS,
        InstructionSet::Portable => Portable::TILE_ROWS,
    }
}

/// Runs `kernel` with the best instruction set of this processor.
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    match instruction_set() {
        // SAFETY: `instruction_set` has seen that the processor has these features.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => unsafe { x86::run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => unsafe { x86::run_avx2(kernel) },
        // SAFETY: plain arithmetic, available everywhere.
        InstructionSet::Portable => unsafe { kernel.run::<Portable>() },
    }
}

/// Arrays of eight numbers; the compiler vectorizes them with what the target always has.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

const PORTABLE_LANES: usize = 8;

#[inline(always)]
fn zip(a: [f32; 8], b: [f32; 8], combine: impl Fn(f32, f32) -> f32) -> [f32; 8] {
    std::array::from_fn(|lane| combine(a[lane], b[lane]))
}

// SAFETY: uses no special instructions; `load` and `store` touch exactly `LANES` numbers.
unsafe impl Simd for Portable {
    type Vector = [f32; PORTABLE_LANES];
    const LANES: usize = PORTABLE_LANES;
    const TILE_ROWS: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Vector {
        [value; PORTABLE_LANES]
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self::Vector {
        // SAFETY: the caller gives `LANES` valid numbers; arrays of `f32` have the alignment of `f32`.
        unsafe { source.cast::<Self::Vector>().read() }
    }

    #[inline(always)]
    unsafe fn store(vector: Self::Vector, target: *mut f32) {
        // SAFETY: as for `load`.
        unsafe { target.cast::<Self::Vector>().write(vector) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn div(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn max(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn min(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // Where the target has no fused instruction, `f32::mul_add` would be a slow library call.
        let fused = |a: f32, b: f32, c: f32| {
            if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
                a.mul_add(b, c)
            } else {
                a * b + c
            }
        };
        std::array::from_fn(|lane| fused(a[lane], b[lane], c[lane]))
    }

    #[inline(always)]
    unsafe fn round(a: Self::Vector) -> Self::Vector {
        a.map(f32::round_ties_even)
    }

    #[inline(always)]
    unsafe fn scale_by_power_of_two(a: Self::Vector, n: Self::Vector) -> Self::Vector {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "n lies in [-126, 127]")]
        zip(a, n, |a, n| a * f32::from_bits(((n as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    unsafe fn sum_lanes(a: Self::Vector) -> f32 {
        a.iter().sum()
    }

    #[inline(always)]
    unsafe fn max_lane(a: Self::Vector) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    #[inline(always)]
    unsafe fn positive_bits(a: Self::Vector) -> u32 {
        a.iter().enumerate().fold(0, |bits, (lane, &a)| bits | u32::from(a > 0.0) << lane)
    }

    #[inline(always)]
    unsafe fn where_positive(a: Self::Vector, value: Self::Vector) -> Self::Vector {
        zip(a, value, |a, value| if a > 0.0 { value } else { 0.0 })
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Kernel, Simd};

    #[derive(Debug, Clone, Copy)]
    pub(super) struct Avx512;

    #[derive(Debug, Clone, Copy)]
    pub(super) struct Avx2;

    /// # Safety
    /// The processor must have these features.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
    pub(super) unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the features.
        unsafe { kernel.run::<Avx512>() }
    }

    /// # Safety
    /// The processor must have these features.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: the caller vouches for the features.
        unsafe { kernel.run::<Avx2>() }
    }

    /// The operations that have an intrinsic of the same meaning.
    macro_rules! forward {
        ($($name:ident($($argument:ident),+) = $intrinsic:ident;)+) => {$(
            #[inline(always)]
            unsafe fn $name($($argument: Self::Vector),+) -> Self::Vector {
                // SAFETY: the trait's contract gives the instruction set.
                unsafe { $intrinsic($($argument),+) }
            }
        )+};
    }

    // SAFETY: only AVX-512F/DQ intrinsics; `load` and `store` touch sixteen numbers.
    unsafe impl Simd for Avx512 {
        type Vector = __m512;
        const LANES: usize = 16;
        const TILE_ROWS: usize = 14;

        forward! {
            add(a, b) = _mm512_add_ps;
            sub(a, b) = _mm512_sub_ps;
            mul(a, b) = _mm512_mul_ps;
            div(a, b) = _mm512_div_ps;
            max(a, b) = _mm512_max_ps;
            min(a, b) = _mm512_min_ps;
            mul_add(a, b, c) = _mm512_fmadd_ps;
            scale_by_power_of_two(a, n) = _mm512_scalef_ps;
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> __m512 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(source: *const f32) -> __m512 {
            // SAFETY: the caller gives sixteen valid numbers; no alignment is asked.
            unsafe { _mm512_loadu_ps(source) }
        }

        #[inline(always)]
        unsafe fn store(vector: __m512, target: *mut f32) {
            // SAFETY: as for `load`.
            unsafe { _mm512_storeu_ps(target, vector) }
        }

        #[inline(always)]
        unsafe fn round(a: __m512) -> __m512 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
        }

        #[inline(always)]
        unsafe fn sum_lanes(a: __m512) -> f32 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe { _mm512_reduce_add_ps(a) }
        }

        #[inline(always)]
        unsafe fn max_lane(a: __m512) -> f32 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe { _mm512_reduce_max_ps(a) }
        }

        #[inline(always)]
        unsafe fn positive_bits(a: __m512) -> u32 {
            // SAFETY: the trait's contract gives the instruction set.
            u32::from(unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, _mm512_setzero_ps()) })
        }

        #[inline(always)]
        unsafe fn where_positive(a: __m512, value: __m512) -> __m512 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, _mm512_setzero_ps()), value) }
        }
    }

    // SAFETY: only AVX2 and FMA intrinsics; `load` and `store` touch eight numbers.
    unsafe impl Simd for Avx2 {
        type Vector = __m256;
        const LANES: usize = 8;
        const TILE_ROWS: usize = 6;

        forward! {
            add(a, b) = _mm256_add_ps;
            sub(a, b) = _mm256_sub_ps;
            mul(a, b) = _mm256_mul_ps;
            div(a, b) = _mm256_div_ps;
            max(a, b) = _mm256_max_ps;
            min(a, b) = _mm256_min_ps;
            mul_add(a, b, c) = _mm256_fmadd_ps;
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> __m256 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe { _mm256_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(source: *const f32) -> __m256 {
            // SAFETY: the caller gives eight valid numbers; no alignment is asked.
            unsafe { _mm256_loadu_ps(source) }
        }

        #[inline(always)]
        unsafe fn store(vector: __m256, target: *mut f32) {
            // SAFETY: as for `load`.
            unsafe { _mm256_storeu_ps(target, vector) }
        }

        #[inline(always)]
        unsafe fn round(a: __m256) -> __m256 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
        }

        #[inline(always)]
        unsafe fn scale_by_power_of_two(a: __m256, n: __m256) -> __m256 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe {
                let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
                _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
            }
        }

        #[inline(always)]
        unsafe fn sum_lanes(a: __m256) -> f32 {
            // SAFETY: a vector is eight numbers.
            unsafe { std::mem::transmute::<__m256, [f32; 8]>(a) }.iter().sum()
        }

        #[inline(always)]
        unsafe fn max_lane(a: __m256) -> f32 {
            // SAFETY: a vector is eight numbers.
            let lanes = unsafe { std::mem::transmute::<__m256, [f32; 8]>(a) };
            lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
        }

        #[inline(always)]
        unsafe fn positive_bits(a: __m256) -> u32 {
            // SAFETY: the trait's contract gives the instruction set.
            let bits = unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a, _mm256_setzero_ps())) };
            bits.cast_unsigned()
        }

        #[inline(always)]
        unsafe fn where_positive(a: __m256, value: __m256) -> __m256 {
            // SAFETY: the trait's contract gives the instruction set.
            unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a, _mm256_setzero_ps()), value) }
        }
    }
}

/// For the tests: every instruction set of this machine in one process.
#[cfg(test)]
pub mod testing {
    use std::cell::Cell;

    use super::InstructionSet;

    thread_local! {
        static CHOSEN: Cell<Option<InstructionSet>> = const { Cell::new(None) };
    }

    pub(super) fn chosen() -> Option<InstructionSet> {
        CHOSEN.get()
    }

    fn available() -> Vec<InstructionSet> {
        let sets = [
            (InstructionSet::Portable, true),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            (InstructionSet::Avx2, super::is_x86_feature_set_avx2()),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            (InstructionSet::Avx512, super::is_x86_feature_set_avx512()),
        ];
        sets.into_iter().filter_map(|(set, is_there)| is_there.then_some(set)).collect()
    }

    /// Runs `work` once with each set, in a pool of threads that all use it.
    pub fn on_every_instruction_set(work: impl Fn() + Sync) {
        for set in available() {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(if cfg!(miri) { 2 } else { 3 })
                .start_handler(move |_| CHOSEN.set(Some(set)))
                .build();
            pool.unwrap().install(&work);
        }
    }
}
