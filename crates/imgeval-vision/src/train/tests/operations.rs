//! Every differentiable operation and its gradients, by its own code and, in 64 bits, by candle's operations.

use candle_core::{DType, Result, Tensor, Var};

use super::{Reference, assert_near, flat};
use crate::{
    ops::{Activation, attention::attend_composed},
    train::layers::{activate, convolution, cross_entropy, group_norm, layer_norm, linear, mean_over_places},
};

/// The operation's inputs in the order of `inputs`; the gradient is of the result's weighted sum.
fn check(name: &str, inputs: &[&str], operation: impl Fn(&[Tensor]) -> Result<Tensor>) {
    check_types(&[DType::F32, DType::F64], name, inputs, operation);
}

fn check_types(
    dtypes: &[DType],
    name: &str,
    inputs: &[&str],
    operation: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let reference = Reference::open("operations.safetensors");
    for &dtype in dtypes {
        let tensor = |part: String| reference.tensor(&format!("{name}/{part}")).to_dtype(dtype).unwrap();
        let variable = |input: &&str| Var::from_tensor(&tensor(format!("in_{input}"))).unwrap();
        let variables: Vec<Var> = inputs.iter().map(variable).collect();
        let arguments: Vec<Tensor> = variables.iter().map(|one| one.as_tensor().clone()).collect();
        let result = operation(&arguments).unwrap();
        let what = format!("{name} {dtype:?}");
        assert_near(&flat(&result), &reference.numbers(&format!("{name}/out")), 1e-3, &what);
        let weights = tensor("weights".to_owned()).reshape(result.shape()).unwrap();
        let gradients = (result * weights).unwrap().sum_all().unwrap().backward();
        let gradients = gradients.unwrap_or_else(|error| panic!("{what}: {error}"));
        for (input, variable) in inputs.iter().zip(&variables) {
            let found = flat(gradients.get(variable).unwrap());
            let expected = reference.numbers(&format!("{name}/grad_{input}"));
            assert_near(&found, &expected, 1e-3, &format!("{what}, gradient of {input}"));
        }
    }
}

#[test]
fn linear_layers_are_pytorchs() {
    check("linear", &["input", "weight", "bias"], |x| linear(&x[0], &x[1], Some(&x[2])));
}

#[test]
fn norms_are_pytorchs() {
    check("layer_norm", &["x", "weight", "bias"], |x| layer_norm(&x[0], &x[1], &x[2]));
    check("group_norm", &["x", "weight", "bias"], |x| group_norm(&x[0], &x[1], &x[2], 2));
}

#[test]
fn activations_are_pytorchs() {
    check("quick_gelu", &["x"], |x| activate(&x[0], Activation::QuickGelu));
    check("gelu", &["x"], |x| activate(&x[0], Activation::Gelu));
}

#[test]
fn quick_gelu_has_a_gradient_where_the_exponential_overflows() {
    let x = Var::new(&[-200.0_f32, 200.0], &candle_core::Device::Cpu).unwrap();
    let result = activate(&x, Activation::QuickGelu).unwrap();
    assert_eq!(flat(&result), [0.0, 200.0]);
    let gradients = result.sum_all().unwrap().backward().unwrap();
    assert_eq!(flat(gradients.get(&x).unwrap()), [0.0, 1.0]);
}

#[test]
fn pooling_is_pytorchs() {
    check("mean_over_places", &["x"], |x| mean_over_places(&x[0]));
}

#[test]
fn convolutions_are_pytorchs() {
    let inputs = ["x", "weight"];
    for (stride, padding, kernel) in [(1, 1, 3), (2, 1, 3), (2, 0, 1), (3, 2, 5), (1, 0, 3)] {
        let name = format!("convolution_{stride}_{padding}_{kernel}");
        // candle 0.11 derives the gradient's width from the height, which fails for steps over oblong images.
        let dtypes = if stride == 1 { &[DType::F32, DType::F64][..] } else { &[DType::F32] };
        check_types(dtypes, &name, &inputs, |x| convolution(&x[0], &x[1], stride, padding));
    }
    for (stride, padding, kernel) in [(2, 1, 3), (2, 0, 1)] {
        let name = format!("square_convolution_{stride}_{padding}_{kernel}");
        check(&name, &inputs, |x| convolution(&x[0], &x[1], stride, padding));
    }
}

#[test]
fn impossible_convolutions_are_refused() {
    let x = Tensor::zeros((1, 3, 4, 4), DType::F32, &candle_core::Device::Cpu).unwrap();
    for shape in [(2, 3, 5, 5), (2, 2, 3, 3), (2, 3, 3, 1)] {
        let weight = Tensor::zeros(shape, DType::F32, &candle_core::Device::Cpu).unwrap();
        assert!(convolution(&x, &weight, 1, 0).is_err(), "{shape:?}");
    }
}

#[test]
fn attention_is_pytorchs() {
    check("attention", &["query", "key", "value"], |x| attend_composed(&x[0], &x[1], &x[2], 2, None));
}

#[test]
fn cross_entropy_is_pytorchs() {
    check("cross_entropy", &["logits"], |x| cross_entropy(&x[0], &[2, 0, 1, 2]));
}
