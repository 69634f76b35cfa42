use super::{UNIT, tensor};
use crate::ops::{
    activation::{Activation, exp, sigmoid},
    simd::{Kernel, Simd, dispatch, instruction_set_name, testing::on_every_instruction_set},
};

#[derive(Clone, Copy)]
enum Function {
    Exp,
    Sigmoid,
    Activation(Activation),
}

/// Whole vectors only: their number is a multiple of sixteen.
struct Map<'a>(Function, &'a mut [f32]);

impl Kernel for Map<'_> {
    type Output = ();

    unsafe fn run<S: Simd>(self) {
        for chunk in self.1.chunks_exact_mut(S::LANES) {
            // SAFETY: the instruction set is available, as the caller promises; the chunk is a vector.
            unsafe {
                let x = S::load(chunk.as_ptr());
                let y = match self.0 {
                    Function::Exp => exp::<S>(x),
                    Function::Sigmoid => sigmoid::<S>(x),
                    Function::Activation(activation) => activation.apply::<S>(x),
                };
                S::store(y, chunk.as_mut_ptr());
            }
        }
    }
}

/// Evenly over [-100, 100], and around zero.
fn places() -> Vec<f32> {
    let half = super::unless_miri(1 << 17, 1 << 7);
    let even =
        |from: f64, to: f64| (0..half).map(move |i| (from + (to - from) * i as f64 / half as f64) as f32);
    even(-100.0, 100.0).chain(even(-4.0, 4.0)).collect()
}

fn check(function: Function, exact: impl Fn(f64) -> f64 + Sync, allowed: impl Fn(f64, f64) -> f64 + Sync) {
    on_every_instruction_set(|| {
        let places = places();
        let mut found = places.clone();
        dispatch(Map(function, &mut found));
        for (&x, &y) in places.iter().zip(&found) {
            let (x, y) = (f64::from(x), f64::from(y));
            let expected = exact(x);
            let difference = (y - expected).abs();
            assert!(
                difference <= allowed(x, expected),
                "{} of {x}: {y} instead of {expected}, {:.2} units",
                instruction_set_name(),
                difference / expected / UNIT
            );
        }
    });
}

/// erf(x) = 2 / sqrt(pi) e^(-x^2) (x + 2 x^3 / 3 + 4 x^5 / 15 + ..), where all terms have one sign.
fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut sum, mut term, mut n) = (0.0, x, 0.0);
    while f64::abs(term) > 1e-18 * f64::abs(sum) {
        sum += term;
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[test]
fn exp_is_within_two_units_in_the_last_place() {
    // Four half units; where the result saturates, it is below the smallest normal number or above e^88.
    check(Function::Exp, |x| x.min(88.0).exp(), |x, y| if x < -87.0 { 1.7e-38 } else { 4.0 * UNIT * y });
}

#[test]
fn sigmoid_is_within_four_units_in_the_last_place() {
    // That of exp, a sum and a quotient; below the normal numbers only their size counts.
    check(Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), |_, y| 8.0 * UNIT * y + 1e-38);
}

#[test]
fn gelu_is_exact_but_for_the_approximation_of_erfc() {
    assert!(
        (erf(0.5) - 0.520_499_877_813_046_5).abs() < 1e-15
            && (erf(2.0) - 0.995_322_265_018_952_7).abs() < 1e-15
    );
    let exact = |x: f64| 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2));
    // 1.5e-7 of the formula, halved and times x, and a few roundings of a result of the size of x.
    check(Function::Activation(Activation::Gelu), exact, |x, _| (0.75e-7 + 4.0 * UNIT) * x.abs());
}

#[test]
fn quick_gelu_and_relu_are_exact_but_for_rounding() {
    let exact = |x: f64| x / (1.0 + (-1.702 * x).exp());
    // The argument's own rounding is that of e^1.702x: as many units as the exponent is large.
    let allowed = |x: f64, y: f64| (8.0 + 4.0 * x.abs()) * UNIT * y.abs() + 2e-36;
    check(Function::Activation(Activation::QuickGelu), exact, allowed);
    check(Function::Activation(Activation::Relu), |x| x.max(0.0), |_, _| 0.0);
    check(Function::Activation(Activation::Leaky), |x| x.max(0.1 * x), |x, _| UNIT * x.abs());
    check(Function::Activation(Activation::None), |x| x, |_, _| 0.0);
}

#[test]
fn composed_activations_are_the_same_functions() {
    let x = random_places();
    for (activation, exact) in [
        (Activation::None, (|x| x) as fn(f64) -> f64),
        (Activation::Relu, |x| x.max(0.0)),
        (Activation::Leaky, |x| x.max(0.1 * x)),
        (Activation::Gelu, |x| 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2))),
        (Activation::QuickGelu, |x| x / (1.0 + (-1.702 * x).exp())),
    ] {
        let wide = tensor(&x, &[x.len()]).to_dtype(candle_core::DType::F64).unwrap();
        let found = super::numbers_of(&activation.compose(&wide).unwrap());
        let expected: Vec<f64> = x.iter().map(|&x| exact(f64::from(x))).collect();
        super::assert_near(&found, &expected, 1e-12, "composed");
    }
}

fn random_places() -> Vec<f32> {
    super::random(7, 200).iter().map(|x| 8.0 * x).collect()
}
