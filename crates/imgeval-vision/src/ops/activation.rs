//! Activation functions, vectorized.

use super::simd::Simd;

/// Slope of the leaky activation below zero.
const LEAK: f64 = 0.1;

/// What is applied to the result of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    #[default]
    None,
    Relu,
    /// `x`, and below zero `0.1 x` (Darknet's `leaky_activate`).
    Leaky,
    /// `x/2 (1 + erf(x / sqrt 2))`, the exact form.
    Gelu,
    /// `x sigmoid(1.702 x)`, OpenAI's CLIP.
    QuickGelu,
}

impl Activation {
    /// # Safety
    /// The instruction set of `S` must be available.
    #[inline(always)]
    pub unsafe fn apply<S: Simd>(self, x: S::Vector) -> S::Vector {
        // SAFETY: passed on from the caller.
        unsafe {
            match self {
                Self::None => x,
                // In this order, because of two numbers of which one is not a number the second is taken.
                Self::Relu => S::max(S::splat(0.0), x),
                Self::Leaky => S::max(S::mul(x, S::splat(LEAK as f32)), x),
                Self::Gelu => gelu::<S>(x),
                Self::QuickGelu => S::mul(x, sigmoid::<S>(S::mul(x, S::splat(1.702)))),
            }
        }
    }
}

/// e^x for every lane, within 2 units in the last place; below -87 it is zero or nearly so, above 88 it saturates.
///
/// # Safety
/// The instruction set of `S` must be available.
#[inline(always)]
pub unsafe fn exp<S: Simd>(x: S::Vector) -> S::Vector {
    // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that r is exact (Cody and Waite); e^r by its Taylor
    // polynomial of degree 7, whose error there is below 2^-27.
    // SAFETY: passed on from the caller.
    unsafe {
        // In this order, because of two numbers of which one is not a number the second is taken.
        let x = S::max(S::splat(-87.0), S::min(S::splat(88.0), x));
        let n = S::round(S::mul(x, S::splat(std::f32::consts::LOG2_E)));
        let r = S::mul_add(n, S::splat(-0.693_359_4), x);
        let r = S::mul_add(n, S::splat(2.121_944_4e-4), r);
        let mut sum = S::splat(1.0 / 5040.0);
        for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
            sum = S::mul_add(sum, r, S::splat(coefficient));
        }
        S::scale_by_power_of_two(sum, n)
    }
}

/// # Safety
/// The instruction set of `S` must be available.
#[inline(always)]
pub unsafe fn sigmoid<S: Simd>(x: S::Vector) -> S::Vector {
    // SAFETY: passed on from the caller.
    unsafe {
        let one = S::splat(1.0);
        S::div(one, S::add(one, exp::<S>(S::sub(S::splat(0.0), x))))
    }
}

/// # Safety
/// The instruction set of `S` must be available.
#[inline(always)]
unsafe fn gelu<S: Simd>(x: S::Vector) -> S::Vector {
    // erfc(|z|) = t (a1 + t (a2 + ...)) e^(-z^2) with t = 1 / (1 + p |z|): Abramowitz and Stegun 7.1.26, error below
    // 1.5e-7. In this form no digits cancel for negative x.
    // SAFETY: passed on from the caller.
    unsafe {
        let zero = S::splat(0.0);
        let magnitude = S::mul(S::max(x, S::sub(zero, x)), S::splat(std::f32::consts::FRAC_1_SQRT_2));
        let one = S::splat(1.0);
        let t = S::div(one, S::mul_add(magnitude, S::splat(0.327_591_1), one));
        let mut sum = S::splat(1.061_405_4);
        for coefficient in [-1.453_152_1, 1.421_413_8, -0.284_496_74, 0.254_829_6] {
            sum = S::mul_add(sum, t, S::splat(coefficient));
        }
        let decay = exp::<S>(S::sub(zero, S::mul(magnitude, magnitude)));
        let tail = S::mul(S::mul(S::mul(sum, t), decay), S::splat(0.5));
        // x >= 0: x - x tail; x < 0: x tail. Both are max(x, 0) - |x| tail.
        let size = S::max(x, S::sub(zero, x));
        S::sub(S::max(x, zero), S::mul(size, tail))
    }
}

impl Activation {
    /// The same by candle's operations, on any device.
    pub fn compose(self, x: &candle_core::Tensor) -> candle_core::Result<candle_core::Tensor> {
        match self {
            Self::None => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::Leaky => x.maximum(&(x * LEAK)?),
            Self::Gelu => x.gelu_erf(),
            Self::QuickGelu => x / ((x * -1.702)?.exp()? + 1.0)?,
        }
    }
}
