use crate::ops::simd::{Kernel, Simd, dispatch, testing::on_every_instruction_set};

/// Every operation of [`Simd`] on two vectors, as many numbers as it has lanes.
struct Everything<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

struct Answers {
    vectors: Vec<(&'static str, Vec<f32>)>,
    sum: f32,
    largest: f32,
    bits: u32,
}

impl Kernel for Everything<'_> {
    type Output = (usize, Answers);

    unsafe fn run<S: Simd>(self) -> Self::Output {
        assert!(self.a.len() >= S::LANES && self.b.len() >= S::LANES);
        // SAFETY: the instruction set is available, as the caller promises; the slices hold a vector, as does `out`.
        unsafe {
            let (a, b) = (S::load(self.a.as_ptr()), S::load(self.b.as_ptr()));
            let store = |name, vector| {
                let mut out = vec![0.0; S::LANES];
                S::store(vector, out.as_mut_ptr());
                (name, out)
            };
            let vectors = vec![
                store("splat", S::splat(self.a[0])),
                store("add", S::add(a, b)),
                store("sub", S::sub(a, b)),
                store("mul", S::mul(a, b)),
                store("div", S::div(a, b)),
                store("max", S::max(a, b)),
                store("min", S::min(a, b)),
                store("mul_add", S::mul_add(a, b, S::splat(0.5))),
                store("round", S::round(a)),
                store("scale", S::scale_by_power_of_two(a, S::round(b))),
                store("where", S::where_positive(a, b)),
            ];
            let (sum, largest) = (S::sum_lanes(a), S::max_lane(a));
            (S::LANES, Answers { vectors, sum, largest, bits: S::positive_bits(a) })
        }
    }
}

#[test]
fn lanes_compute_as_single_numbers() {
    let a = [0.5, 1.5, 2.5, -0.5, -1.5, -3.25, 0.0, -0.0, 1e-20, -7.0, 100.0, 3.5, 4.5, 0.499, -0.501, 12.0];
    let b = [1.0, -3.0, 7.0, 126.0, -126.0, 0.5, 2.0, 5.0, -60.0, 3.0, 1.0, 9.0, -9.0, 4.0, 2.0, -1.0];
    on_every_instruction_set(|| {
        let (lanes, answers) = dispatch(Everything { a: &a, b: &b });
        for (name, found) in answers.vectors {
            for lane in 0..lanes {
                let (a, b) = (a[lane], b[lane]);
                let expected = match name {
                    "splat" => 0.5,
                    "add" => a + b,
                    "sub" => a - b,
                    "mul" => a * b,
                    "div" => a / b,
                    "max" => a.max(b),
                    "min" => a.min(b),
                    "mul_add" => a.mul_add(b, 0.5),
                    "round" => a.round_ties_even(),
                    "scale" => a * b.round_ties_even().exp2(),
                    _ => {
                        if a > 0.0 {
                            b
                        } else {
                            0.0
                        }
                    }
                };
                // Fused or not; and the interpreter's exp2 is off on purpose.
                let is_rounded = name == "mul_add" || cfg!(miri) && name == "scale";
                let tolerance = if is_rounded { 1e-6 * expected.abs() } else { 0.0 };
                assert!(
                    (found[lane] - expected).abs() <= tolerance,
                    "{name} of {a} and {b}: {}",
                    found[lane]
                );
            }
        }
        let a = &a[..lanes];
        assert!((answers.sum - a.iter().sum::<f32>()).abs() < 1e-5);
        assert_eq!(answers.largest, a.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let bits = a.iter().enumerate().fold(0, |bits, (lane, &a)| bits | u32::from(a > 0.0) << lane);
        assert_eq!(answers.bits, bits);
    });
}
