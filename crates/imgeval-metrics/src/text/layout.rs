//! Fragments in rows, and rows in reading order.

/// What a reader found in one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Fragment {
    /// x and y in pixels, clockwise from the top left as the text runs.
    pub corners: [[f64; 2]; 4],
    pub text: String,
}

impl Fragment {
    /// The mean of the corners' y.
    fn center_y(&self) -> f64 {
        self.corners.iter().map(|corner| corner[1]).sum::<f64>() / 4.0
    }

    fn left(&self) -> f64 {
        self.corners.iter().map(|corner| corner[0]).fold(f64::INFINITY, f64::min)
    }

    fn height(&self) -> f64 {
        let ys = self.corners.map(|corner| corner[1]);
        ys.into_iter().fold(f64::NEG_INFINITY, f64::max) - ys.into_iter().fold(f64::INFINITY, f64::min)
    }
}

/// The indices of the fragments by rows from top to bottom, each from left to right.
///
/// Sorted by the height of their center, then by their left edge, a fragment joins the row before it when its center is less
/// than half of the smallest height (its own or any in the row) away from the mean center of the row.
#[must_use]
pub fn group_rows(fragments: &[Fragment]) -> Vec<Vec<usize>> {
    let left = |index: usize| fragments[index].left();
    let center = |index: usize| fragments[index].center_y();
    let mut sorted: Vec<usize> = (0..fragments.len()).collect();
    sorted.sort_by(|a, b| center(*a).total_cmp(&center(*b)).then(left(*a).total_cmp(&left(*b))));
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for index in sorted {
        let joins = rows.last().is_some_and(|row| {
            let mean = row.iter().map(|member| center(*member)).sum::<f64>() / row.len() as f64;
            let heights = row.iter().chain([&index]).map(|member| fragments[*member].height());
            (center(index) - mean).abs() < heights.fold(f64::INFINITY, f64::min) / 2.0
        });
        match rows.last_mut() {
            Some(row) if joins => row.push(index),
            _ => rows.push(vec![index]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| left(*a).total_cmp(&left(*b)));
    }
    rows
}
