use proptest::{collection::vec, sample::select};

use super::{
    UNIT, assert_near, check, check_both, numbers_of, parameters, random, tensor, unless_miri, wide,
};
use crate::ops::{
    activation::Activation,
    gemm::{DenseRows, Epilogue, PANEL, PackedMatrix, product},
    layers::Layers,
    linear::{Linear, multiply_transposed},
    simd::testing::on_every_instruction_set,
};

/// Each of `left` [rows, depth] times each of `right` [columns, depth].
pub(super) fn plain_product(
    left: &[f64],
    right: &[f64],
    rows: usize,
    depth: usize,
    columns: usize,
) -> Vec<f64> {
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    places
        .map(|(row, column)| {
            let (left, right) = (&left[row * depth..][..depth], &right[column * depth..][..depth]);
            left.iter().zip(right).map(|(a, b)| a * b).sum()
        })
        .collect()
}

pub(super) fn allowed(depth: usize) -> f64 {
    2.0 * (depth + 16) as f64 * UNIT
}

/// No depth at all, one below and two above a block of depth, and some around the lengths of vectors.
fn depths() -> Vec<usize> {
    if cfg!(miri) { vec![0, 1, 7, 33] } else { vec![0, 1, 7, 32, 33, 1023, 1024, 1025, 2100] }
}

#[test]
fn products_equal_plain_loops_at_every_size() {
    let sizes = (0..unless_miri(41, 8), select(depths()), 0..unless_miri(71, 40), 0_usize..16, 0_u64..1000);
    check(sizes, |(rows, depth, columns, extras, seed)| {
        let left = random(seed, rows * depth);
        let right = random(seed + 1, columns * depth);
        let bias = random(seed + 2, columns);
        let residual = random(seed + 3, rows * columns);
        let has = |bit: usize| extras >> bit & 1 == 1;
        let epilogue = Epilogue {
            bias: has(0).then_some(bias.as_slice()),
            activation: if has(1) { Activation::Relu } else { Activation::None },
            residual: has(2).then_some(residual.as_slice()),
            last: if has(3) { Activation::Relu } else { Activation::None },
        };
        let packed = PackedMatrix::from_transposed(&right, depth, columns);
        // What was there before must not matter.
        let mut result = vec![f32::NAN; rows * columns];
        let source = DenseRows { numbers: &left, depth };
        product(&source, rows, packed.view(), epilogue, &mut result);
        let mut expected = plain_product(&wide(&left), &wide(&right), rows, depth, columns);
        for (place, x) in expected.iter_mut().enumerate() {
            if has(0) {
                *x += f64::from(bias[place % columns]);
            }
            if has(1) {
                *x = x.max(0.0);
            }
            if has(2) {
                *x += f64::from(residual[place]);
            }
            if has(3) {
                *x = x.max(0.0);
            }
        }
        assert_near(&wide(&result), &expected, allowed(depth), "product");
    });
}

/// More rows than one block holds, so that there are several tasks and the last of each kind is cut short.
#[test]
fn products_of_many_rows_equal_plain_loops() {
    if cfg!(miri) {
        return;
    }
    on_every_instruction_set(|| {
        for (rows, depth, columns) in [(331, 1030, 45), (1000, 40, 9), (3, 2100, 700), (4200, 33, 33)] {
            let (left, right) = (random(1, rows * depth), random(2, columns * depth));
            let packed = PackedMatrix::from_transposed(&right, depth, columns);
            let mut result = vec![f32::NAN; rows * columns];
            let source = DenseRows { numbers: &left, depth };
            product(&source, rows, packed.view(), Epilogue::default(), &mut result);
            let expected = plain_product(&wide(&left), &wide(&right), rows, depth, columns);
            assert_near(&wide(&result), &expected, allowed(depth), "product");
        }
    });
}

#[test]
fn packing_puts_columns_side_by_side_and_zeros_behind_them() {
    check((0..40_usize, 0..80_usize, 0..100_u64), |(depth, columns, seed)| {
        let rows = random(seed, depth * columns);
        let packed = PackedMatrix::from_transposed(&rows, depth, columns);
        let numbers = packed.view().numbers;
        assert_eq!(numbers.len(), columns.div_ceil(PANEL) * PANEL * depth);
        for (place, &x) in numbers.iter().enumerate() {
            let (panel, k) = (place / PANEL / depth, place / PANEL % depth);
            let column = panel * PANEL + place % PANEL;
            assert_eq!(x, if column < columns { rows[column * depth + k] } else { 0.0 });
        }
    });
}

#[test]
#[should_panic(expected = "the residual has another size")]
fn short_residuals_are_refused() {
    let packed = PackedMatrix::from_transposed(&[1.0; 6], 2, 3);
    let epilogue = Epilogue { residual: Some(&[0.0; 5]), ..Epilogue::default() };
    product(&DenseRows { numbers: &[1.0; 4], depth: 2 }, 2, packed.view(), epilogue, &mut [0.0; 6]);
}

#[test]
fn linear_layers_equal_plain_loops() {
    let shapes = vec(1..unless_miri(20, 4), 1..3);
    let sizes = (shapes, 1..unless_miri(50, 12), 1..unless_miri(50, 35), 0_usize..4, 0_u64..1000);
    check(sizes, |(mut shape, inputs, outputs, kind, seed)| {
        let rows = shape.iter().product::<usize>();
        let (mut parameters, numbers) =
            parameters(seed, &[("x.weight", &[outputs, inputs]), ("x.bias", &[outputs])]);
        let layers = &mut Layers::new(&mut parameters);
        let (layer, mut weight, mut bias) = match kind {
            0 => {
                (layers.linear("x", inputs, outputs), numbers["x.weight"].clone(), numbers["x.bias"].clone())
            }
            1 => (layers.linear_without_bias("x", inputs, outputs), numbers["x.weight"].clone(), vec![]),
            2 => {
                // Only the later outputs.
                let layer = layers.linear("x", inputs, outputs).with_rows(outputs / 2..outputs);
                let (weight, bias) = (&numbers["x.weight"], &numbers["x.bias"]);
                (layer, weight[outputs / 2 * inputs..].to_vec(), bias[outputs / 2..].to_vec())
            }
            _ => {
                // Stored the other way round, so that inputs and outputs change places.
                let layer = Linear::transposed(layers.tensor("x.weight", &[outputs, inputs]));
                let weight = &numbers["x.weight"];
                let turned = (0..inputs).flat_map(|o| (0..outputs).map(move |i| weight[i * inputs + o]));
                (layer, turned.collect(), vec![])
            }
        };
        let (inputs, outputs) = if kind == 3 { (outputs, inputs) } else { (inputs, layer.outputs()) };
        bias.resize(outputs, 0.0);
        weight.truncate(outputs * inputs);
        let x = random(seed + 1, rows * inputs);
        let residual = random(seed + 2, rows * outputs);
        let mut expected = plain_product(&wide(&x), &weight, rows, inputs, outputs);
        for (place, y) in expected.iter_mut().enumerate() {
            *y = (*y + bias[place % outputs]).max(0.0) + f64::from(residual[place]);
        }
        shape.push(inputs);
        let x = tensor(&x, &shape);
        *shape.last_mut().unwrap() = outputs;
        let residual = tensor(&residual, &shape);
        check_both(&[&x, &residual], &expected, allowed(inputs), |inputs| {
            layer.forward_with(&inputs[0], Activation::Relu, Some(&inputs[1]))
        });
    });
}

#[test]
fn layers_take_no_rows() {
    on_every_instruction_set(|| {
        let (mut parameters, _) = parameters(1, &[("x.weight", &[5, 7]), ("x.bias", &[5])]);
        let layer = Layers::new(&mut parameters).linear("x", 7, 5);
        let found = layer.forward(&tensor(&[], &[0, 7])).unwrap();
        assert_eq!(found.dims(), [0, 5]);
        let none = tensor(&[], &[0, 4]);
        assert_eq!(multiply_transposed(&none, &tensor(&[1.0; 12], &[3, 4])).unwrap().dims(), [0, 3]);
        assert_eq!(multiply_transposed(&tensor(&[1.0; 12], &[3, 4]), &none).unwrap().dims(), [3, 0]);
    });
}

#[test]
fn activations_are_multiplied_with_activations() {
    let sizes = (1..unless_miri(40, 6), 1..unless_miri(40, 6), 1..unless_miri(70, 35), 0..1000_u64);
    check(sizes, |(rows, depth, columns, seed)| {
        let (left, right) = (random(seed, rows * depth), random(seed + 1, columns * depth));
        let found = multiply_transposed(&tensor(&left, &[rows, depth]), &tensor(&right, &[columns, depth]));
        let expected = plain_product(&wide(&left), &wide(&right), rows, depth, columns);
        assert_near(&numbers_of(&found.unwrap()), &expected, allowed(depth), "product");
    });
}
