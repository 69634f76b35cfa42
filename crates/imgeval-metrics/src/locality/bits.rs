//! Binary shapes in images. Pixels outside the image count as unset unless stated otherwise.

/// Yes and no, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    width: usize,
    values: Vec<bool>,
}

impl Bits {
    /// `None` if `values` are not whole rows of `width`, or none.
    #[must_use]
    pub fn new(width: usize, values: Vec<bool>) -> Option<Self> {
        (!values.is_empty() && values.len().checked_rem(width) == Some(0)).then_some(Self { width, values })
    }

    /// Of rows that are known to be whole.
    pub(crate) fn of_rows(width: usize, values: Vec<bool>) -> Self {
        debug_assert!(!values.is_empty() && values.len().is_multiple_of(width));
        Self { width, values }
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    #[must_use]
    pub fn height(&self) -> usize {
        self.values.len() / self.width
    }

    /// Row by row.
    #[must_use]
    pub fn values(&self) -> &[bool] {
        &self.values
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.values.iter().filter(|value| **value).count()
    }

    /// Left, top, right and bottom of the pixels that are set, right and bottom exclusive; `None` if there are none.
    #[must_use]
    pub fn bounding_box(&self) -> Option<[usize; 4]> {
        let mut found: Option<[usize; 4]> = None;
        for (place, _) in self.values.iter().enumerate().filter(|(_, value)| **value) {
            let (x, y) = (place % self.width, place / self.width);
            let [left, top, right, bottom] = found.unwrap_or([x, y, x + 1, y + 1]);
            found = Some([left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)]);
        }
        found
    }

    #[must_use]
    pub fn not(&self) -> Self {
        Self { values: self.values.iter().map(|value| !value).collect(), ..*self }
    }

    /// Set in both, which must have one size.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            values: self.values.iter().zip(&other.values).map(|(one, other)| *one && *other).collect(),
            ..*self
        }
    }

    /// Grown by so many steps to the four neighbors.
    #[must_use]
    pub fn dilated(&self, steps: usize) -> Self {
        let distances = self.distances();
        Self { values: distances.iter().map(|distance| *distance <= steps).collect(), ..*self }
    }

    /// Shrunk by so many steps; the border of the image counts as outside.
    #[must_use]
    pub fn eroded(&self, steps: usize) -> Self {
        let (width, height) = (self.width, self.height());
        let distances = self.not().distances();
        let keeps = |(place, distance): (usize, &usize)| {
            let (x, y) = (place % width, place / width);
            let to_border = (x + 1).min(width - x).min(y + 1).min(height - y);
            (*distance).min(to_border) > steps
        };
        Self { values: distances.iter().enumerate().map(keeps).collect(), ..*self }
    }

    /// What holds a square of 3x3 pixels that are all set.
    #[must_use]
    pub fn opened(&self) -> Self {
        let eroded = self.by_three(|three| three.iter().all(|value| *value));
        eroded.by_three(|three| three.iter().any(|value| *value))
    }

    /// Rows, then columns, by three neighbors each; outside is no.
    fn by_three(&self, join: impl Fn([bool; 3]) -> bool) -> Self {
        let (width, height) = (self.width, self.height());
        let at = |values: &[bool], x: usize, y: usize| x < width && y < height && values[y * width + x];
        let each = |values: &[bool], neighbors: fn(usize, usize) -> [(usize, usize); 3]| -> Vec<bool> {
            let joined =
                |place: usize| join(neighbors(place % width, place / width).map(|(x, y)| at(values, x, y)));
            (0..values.len()).map(joined).collect()
        };
        let rows = each(&self.values, |x, y| [(x.wrapping_sub(1), y), (x, y), (x + 1, y)]);
        let values = each(&rows, |x, y| [(x, y.wrapping_sub(1)), (x, y), (x, y + 1)]);
        Self { values, ..*self }
    }

    /// Grown and shrunk again by so many steps, on a canvas that is large enough for both.
    #[must_use]
    pub fn closed(&self, steps: usize) -> Self {
        let (width, height) = (self.width, self.height());
        let canvas_width = width + 2 * (steps + 1);
        let mut values = vec![false; canvas_width * (height + 2 * (steps + 1))];
        let rows = |values: &mut [bool], copy: &mut dyn FnMut(&mut [bool], usize)| {
            for (y, row) in values.chunks_exact_mut(canvas_width).skip(steps + 1).take(height).enumerate() {
                copy(&mut row[steps + 1..steps + 1 + width], y);
            }
        };
        rows(&mut values, &mut |row, y| row.copy_from_slice(&self.values[y * width..(y + 1) * width]));
        let mut canvas = Self { width: canvas_width, values }.dilated(steps).eroded(steps);
        let mut values = Vec::with_capacity(width * height);
        rows(&mut canvas.values, &mut |row, _| values.extend_from_slice(row));
        Self { width, values }
    }

    /// With everything set that four-neighbor steps cannot reach from the border.
    #[must_use]
    pub fn filled(&self) -> Self {
        let (width, height) = (self.width, self.height());
        let outside = self.not();
        let mut values = vec![true; self.values.len()];
        for piece in outside.pieces() {
            let touches = |place: &usize| {
                let (x, y) = (place % width, place / width);
                x == 0 || y == 0 || x + 1 == width || y + 1 == height
            };
            if piece.iter().any(touches) {
                for place in piece {
                    values[place] = false;
                }
            }
        }
        Self { width, values }
    }

    /// Without pieces of fewer pixels.
    #[must_use]
    pub fn without_small(&self, least: f64) -> Self {
        let mut values = vec![false; self.values.len()];
        for piece in self.pieces().into_iter().filter(|piece| piece.len() as f64 >= least) {
            for place in piece {
                values[place] = true;
            }
        }
        Self { values, ..*self }
    }

    /// The largest piece; `None` if nothing is set.
    #[must_use]
    pub fn largest_piece(&self) -> Option<Self> {
        // The first of equals, whatever the search does.
        let largest = self.pieces().into_iter().rev().max_by_key(Vec::len)?;
        let mut values = vec![false; self.values.len()];
        for place in largest {
            values[place] = true;
        }
        Some(Self { values, ..*self })
    }

    /// Places of each piece that four-neighbor steps connect, in the order of their first pixels.
    fn pieces(&self) -> Vec<Vec<usize>> {
        let width = self.width;
        let mut is_open = self.values.clone();
        let mut pieces = Vec::new();
        for start in 0..is_open.len() {
            if !is_open[start] {
                continue;
            }
            is_open[start] = false;
            let mut piece = vec![start];
            let mut next = 0;
            while let Some(place) = piece.get(next).copied() {
                next += 1;
                let x = place % width;
                let neighbors = [
                    (x > 0).then(|| place - 1),
                    (x + 1 < width).then_some(place + 1),
                    place.checked_sub(width),
                    (place + width < is_open.len()).then_some(place + width),
                ];
                for neighbor in neighbors.into_iter().flatten() {
                    if is_open[neighbor] {
                        is_open[neighbor] = false;
                        piece.push(neighbor);
                    }
                }
            }
            pieces.push(piece);
        }
        pieces
    }

    /// Steps to the nearest pixel that is set; more than any image has if none is.
    fn distances(&self) -> Vec<usize> {
        let width = self.width;
        let far = usize::MAX / 2;
        let mut distances: Vec<usize> =
            self.values.iter().map(|value| if *value { 0 } else { far }).collect();
        for place in 0..distances.len() {
            let left = if place % width > 0 { distances[place - 1] + 1 } else { far };
            let above = if place >= width { distances[place - width] + 1 } else { far };
            distances[place] = distances[place].min(left).min(above);
        }
        for place in (0..distances.len()).rev() {
            let right = if place % width + 1 < width { distances[place + 1] + 1 } else { far };
            let below = distances.get(place + width).map_or(far, |distance| distance + 1);
            distances[place] = distances[place].min(right).min(below);
        }
        distances
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(rows: &[&str]) -> Bits {
        let values = rows.iter().flat_map(|row| row.bytes().map(|byte| byte == b'#')).collect();
        Bits::new(rows[0].len(), values).unwrap()
    }

    #[test]
    fn shapes_grow_and_shrink_by_diamonds() {
        let point = bits(&[".....", ".....", "..#..", ".....", "....."]);
        let grown = bits(&["..#..", ".###.", "#####", ".###.", "..#.."]);
        assert_eq!(point.dilated(2), grown);
        assert_eq!(grown.eroded(1), point.dilated(0).dilated(1).and(&grown.eroded(1)));
        assert_eq!(bits(&["###", "###", "###"]).eroded(1), bits(&["...", ".#.", "..."]));
        assert_eq!(Bits::new(3, vec![false; 9]).unwrap().dilated(100).count(), 0);
    }

    #[test]
    fn specks_vanish_holes_fill_and_gaps_close() {
        assert_eq!(
            bits(&["###..", "###.#", "###..", "....."]).opened(),
            bits(&["###..", "###..", "###..", "....."])
        );
        assert_eq!(bits(&["###", "#.#", "###", "..."]).filled(), bits(&["###", "###", "###", "..."]));
        assert_eq!(bits(&["#.#", "#.#", "#.#"]).closed(1), bits(&["#.#", "###", "#.#"]));
        let two = bits(&["##.#", "...."]);
        assert_eq!(two.without_small(2.0), bits(&["##..", "...."]));
        assert_eq!(two.largest_piece().unwrap().bounding_box(), Some([0, 0, 2, 1]));
    }
}
