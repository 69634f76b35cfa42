//! Minimizing a smooth convex function (L-BFGS, Liu and Nocedal 1989; steps by bisection to the weak Wolfe conditions, as Lewis and
//! Overton 2013 describe it).

use std::collections::VecDeque;

/// Pairs of steps that stand for the curvature.
const MEMORY: usize = 10;
const SUFFICIENT_DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;
const MAX_BISECTIONS: usize = 50;
/// Relative rounding of the function's value, which must not stop the last steps.
const ROUNDING: f64 = 1e-15;

pub(super) struct Minimum {
    pub(super) place: Vec<f64>,
    /// Whether the largest entry of the gradient is within the tolerance.
    pub(super) converged: bool,
    pub(super) iterations: usize,
}

struct Point {
    place: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    curvature: f64,
}

/// `evaluate` gives value and gradient; `precondition` multiplies with a guess of the inverse curvature.
pub(super) fn minimise(
    start: Vec<f64>,
    tolerance: f64,
    max_iterations: usize,
    evaluate: impl Fn(&[f64]) -> (f64, Vec<f64>),
    precondition: impl Fn(&[f64]) -> Vec<f64>,
) -> Minimum {
    let at = |place: Vec<f64>| {
        let (value, gradient) = evaluate(&place);
        Point { place, value, gradient }
    };
    let mut point = at(start);
    let mut pairs: VecDeque<Pair> = VecDeque::new();
    let mut iterations = 0;
    while largest(&point.gradient) > tolerance && iterations < max_iterations {
        let direction = direction(&pairs, &point.gradient, &precondition);
        let Some(next) = search(&point, &direction, &at) else {
            if pairs.is_empty() {
                break;
            }
            // Curvature spoilt by rounding: begin again from the gradient.
            pairs.clear();
            continue;
        };
        iterations += 1;
        let step = difference(&next.place, &point.place);
        let change = difference(&next.gradient, &point.gradient);
        let curvature = product(&step, &change);
        if curvature > 0.0 {
            pairs.push_back(Pair { step, change, curvature });
        }
        if pairs.len() > MEMORY {
            pairs.pop_front();
        }
        point = next;
    }
    Minimum { converged: largest(&point.gradient) <= tolerance, place: point.place, iterations }
}

/// Minus the gradient, times the inverse curvature that the pairs stand for.
fn direction(
    pairs: &VecDeque<Pair>,
    gradient: &[f64],
    precondition: impl Fn(&[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|value| -value).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = product(&pair.step, &direction) / pair.curvature;
        add(&mut direction, &pair.change, -share);
        shares.push(share);
    }
    direction = precondition(&direction);
    if let Some(last) = pairs.back() {
        let scale = last.curvature / product(&last.change, &precondition(&last.change));
        direction.iter_mut().for_each(|value| *value *= scale);
    }
    for (pair, share) in pairs.iter().zip(shares.into_iter().rev()) {
        let other = product(&pair.change, &direction) / pair.curvature;
        add(&mut direction, &pair.step, share - other);
    }
    direction
}

/// `None` if no step is found.
fn search(from: &Point, direction: &[f64], at: &impl Fn(Vec<f64>) -> Point) -> Option<Point> {
    let slope = product(&from.gradient, direction);
    if slope >= 0.0 {
        return None;
    }
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..MAX_BISECTIONS {
        let mut place = from.place.clone();
        add(&mut place, direction, length);
        let next = at(place);
        let limit = from.value + SUFFICIENT_DECREASE * length * slope + ROUNDING * from.value.abs();
        if next.value > limit || next.value.is_nan() {
            high = length;
        } else if product(&next.gradient, direction) < CURVATURE * slope {
            low = length;
        } else {
            return Some(next);
        }
        length = if high.is_finite() { (low + high) / 2.0 } else { 2.0 * low };
    }
    None
}

fn product(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

fn difference(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| left - right).collect()
}

fn add(values: &mut [f64], others: &[f64], scale: f64) {
    for (value, other) in values.iter_mut().zip(others) {
        *value += scale * other;
    }
}
